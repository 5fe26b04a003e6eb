# Everything a person types: make demo, make test, make server, make worker.
PYTHON ?= python3
BIN := .venv/bin
# The tests wait for real servers half of the time, so three at a time is what two cores can feed.
PYTEST_FLAGS ?= -n 3 --dist loadfile --no-loadscope-reorder
SERVER_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test bench chaos lives mutants fuzz pictures lint types server worker clean

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

.venv: .venv/.made
.venv/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*p["dependencies"], *p["optional-dependencies"]["dev"], sep="\n")' > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .venv/requirements.txt --constraint constraints.txt
	@touch $@

demo: .venv/.made  ## the lives of a sample book on this machine, weeks in a minute
	$(BIN)/python starter.py demo $(DEMO_FLAGS)

test: .venv/.made  ## the tests, on real servers and databases
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

chaos: .venv/.made  ## servers and workers killed, counterparties down, nobody at work: a table, minutes
	$(BIN)/python -m tests.chaos $(CHAOS_FLAGS)

mutants: .venv/.made  ## deliberate faults in a copy of the tree: each must be caught, and by which test
	$(BIN)/python -m tests.mutants $(MUTANTS)

fuzz: .venv/.made  ## every wrong value in every field of every message, of the export, the settings, the policy
	FUZZ=1 $(BIN)/python -m pytest tests/fuzz $(PYTEST_FLAGS) --timeout 1800

bench: .venv/.made  ## speed and cost, measured against a bare reference (BENCH_FLAGS="--rows S1,S5")
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

lives: .venv/.made  ## a thousand random lives of a case, each judged by an oracle that reads only the register
	$(BIN)/python -m tests.lives $(LIVES_FLAGS)

pictures: .venv/.made  ## docs/pictures/ anew, from a life of the demo; needs Chromium (PICTURES=red-notice does not)
	$(BIN)/python -m tests.pictures $(PICTURES)

lint: .venv/.made  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.made  ## types, strictly
	$(BIN)/mypy

server: .venv/.made  ## a Temporal server with its UI, kept in var/temporal.db
	@mkdir -p var && test -w var || { echo "var/: 无法写入 cannot be written. The server keeps its database there: give this user the right, or make room." >&2; exit 1; }
	@$(BIN)/temporal server start-dev --ip 127.0.0.1 --db-filename var/temporal.db \
		--sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=full --log-level warn \
		--dynamic-config-value history.maxInFlightUpdatePayloads=1500000 \
		--dynamic-config-value matching.useNewMatcher=true --dynamic-config-value matching.enableFairness=true $(SERVER_FLAGS) \
		|| { code=$$?; test $$code -ge 128 || echo "未启动 not started. If a port is taken: make server SERVER_FLAGS=\"--port 7333 --ui-port 8333\", then TEMPORAL_ADDRESS=localhost:7333 for worker and commands." >&2; exit $$code; }

worker: .venv/.made  ## a worker for that server
	$(BIN)/python worker.py

clean:  ## forget the environment and the caches, and keep var/
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
