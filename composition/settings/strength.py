"""What production refuses of settings right in form: guessable secrets, lines in clear, files of one machine."""

import ipaddress
from urllib.parse import urlsplit

from sqlalchemy import make_url

from composition.settings.model import Settings
from composition.settings.temporal import DEFAULT_TEMPORAL_ADDRESS, temporal_profile

_WEAK_PASSWORDS = frozenset(
    (
        "",
        "admin",
        "arrears",
        "billing",
        "changeme",
        "change-me",
        "password",
        "postgres",
        "register",
        "secret",
        "temporal",
    )
)
# Characters: of what signs, of what a person types, of what a program sends to a database, and to billing.
SHORTEST_SECRET, SHORTEST_PASSWORD, SHORTEST_DATABASE_PASSWORD, SHORTEST_TOKEN = 32, 12, 8, 20


def weaknesses(settings: Settings) -> tuple[str, ...]:
    """What production does not accept, one sentence each."""
    found = []
    profile = temporal_profile()
    address = profile.address or DEFAULT_TEMPORAL_ADDRESS
    # An API key brings TLS with it, unless TLS is switched off by name: then the key would go out in clear.
    switched_off = profile.tls is not None and profile.tls.disabled is True
    encrypted = not switched_off and (profile.api_key is not None or profile.tls is not None)
    if not encrypted and not is_loopback(address):
        found.append(f"TEMPORAL_ADDRESS: {address} is reached without TLS; set TEMPORAL_TLS=true and its certificates")
    databases = [("REGISTER", settings.register_url)]
    if settings.billing_over_http:
        found += _weaknesses_of_the_line(settings)
    else:
        databases.append(("BILLING", settings.billing_url))
    for name, secret in databases:
        url = make_url(secret.get_secret_value())
        if url.get_backend_name() == "sqlite":
            found.append(f"ARREARS_{name}_URL: a SQLite file is for one machine; use postgresql://…")
        elif (url.password or "").lower() in _WEAK_PASSWORDS | {(url.username or "").lower()}:
            found.append(f"ARREARS_{name}_URL: the password is missing or a default one; choose another")
        elif len(url.password or "") < SHORTEST_DATABASE_PASSWORD:
            found.append(f"ARREARS_{name}_URL: the password has fewer than {SHORTEST_DATABASE_PASSWORD} characters")
    if settings.payload_keys is None:
        found.append("ARREARS_PAYLOAD_KEYS: all would lie in clear in Temporal; make a key: openssl rand -base64 32")
    elif settings.payload_plain == "accept":
        found.append("ARREARS_PAYLOAD_PLAIN: accept believes what anybody who reaches Temporal writes; leave it out")
    for name, where in (("METRICS", settings.metrics), ("CONSOLE_METRICS", settings.console_metrics)):
        if where is not None and not is_loopback(where) and not settings.metrics_open:
            found.append(
                f"ARREARS_{name}: {where} is reached from other machines, and asks nobody who he is; listen on"
                " 127.0.0.1, or set ARREARS_METRICS_OPEN=true where that network is closed"
            )
    return tuple(found)


def _weaknesses_of_the_line(settings: Settings) -> list[str]:
    found = []
    url = urlsplit(settings.billing_url.get_secret_value())
    if url.scheme == "http" and not is_loopback(f"{url.hostname}:0"):
        found.append("ARREARS_BILLING_URL: names and the token would cross the network in clear; use https://…")
    if settings.billing_token is None:
        found.append("ARREARS_BILLING_TOKEN: the billing system must know who asks; have it issue a token")
    elif _is_weak(settings.billing_token.get_secret_value(), SHORTEST_TOKEN):
        found.append(f"ARREARS_BILLING_TOKEN: too weak, {SHORTEST_TOKEN} characters at least: openssl rand -hex 32")
    return found


def console_weaknesses(settings: Settings) -> tuple[str, ...]:
    """What production does not accept of the HTTP side, one sentence each."""
    found = []
    if not settings.event_secrets:
        found.append("ARREARS_EVENT_SECRET: billing events need a secret; make one with: openssl rand -hex 32")
    elif any(_is_weak(secret, SHORTEST_SECRET) for secret in settings.event_secrets):
        found.append(f"ARREARS_EVENT_SECRET: too weak, {SHORTEST_SECRET} characters at least: openssl rand -hex 32")
    if not settings.codec_logins:
        found.append("ARREARS_CODEC_LOGIN: the codec server needs a login, name:password")
    elif any(p == name or _is_weak(p, SHORTEST_PASSWORD) for name, p in settings.codec_logins.items()):
        found.append(f"ARREARS_CODEC_LOGIN: a password is too weak, {SHORTEST_PASSWORD} characters at least")
    if settings.console_tls_cert is None and not is_loopback(f"{settings.console_host}:{settings.console_port}"):
        found.append(
            f"ARREARS_CONSOLE_HOST: {settings.console_host} is reached from other machines without TLS;"
            " set ARREARS_CONSOLE_TLS_CERT and ARREARS_CONSOLE_TLS_KEY, or listen on 127.0.0.1 behind a proxy with TLS"
        )
    if "*" in settings.codec_origins:
        found.append("ARREARS_CODEC_ORIGINS: name the address of Temporal UI; * would let any page ask")
    return tuple(found)


def _is_weak(secret: str, shortest: int) -> bool:
    return len(secret) < shortest or len(set(secret)) < shortest // 4 or secret.lower() in _WEAK_PASSWORDS


def is_loopback(address: str) -> bool:
    """Whether a host, with or without a port, is this machine alone."""
    host = address.rpartition(":")[0].strip("[]") or address
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
