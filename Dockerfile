# The worker, and starter.py beside it; configuration comes from the environment alone.
FROM python:3.11.14-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 arrears
WORKDIR /app

# Dependencies first: they change seldom, and this layer is kept.
COPY pyproject.toml constraints.txt ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > /tmp/requirements.txt \
    && pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements.txt --constraint constraints.txt \
    && rm /tmp/requirements.txt

COPY . .
RUN mkdir -p var/documents var/anchor && chown -R arrears var
USER arrears

STOPSIGNAL SIGTERM
CMD ["python", "worker.py"]
