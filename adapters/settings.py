"""Settings from the environment (and `.env`): every ARREARS_* variable, and what production refuses."""

import ipaddress
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from temporalio.envconfig import ClientConfigProfile

from adapters.anchor_file import AnchorFile, private_key, public_key
from adapters.cut_slots import FieldCapacity, read_capacity
from adapters.http_address import check_address, check_token, is_http
from adapters.payload_codec import EncryptedPayloads, KeyRing, read_key_ring
from domain.sheets import Language, Letterhead

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
ENV_FILE = ROOT / ".env"
DEFAULT_TEMPORAL_ADDRESS = "localhost:7233"
_DATABASES = ("sqlite", "postgresql")
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


class ConfigurationError(Exception):
    """A setting is wrong; the message names the variable and what it should be."""


def _billing_url(value: SecretStr) -> SecretStr:
    if not is_http(value.get_secret_value()):
        return _database_url(value)
    check_address(value.get_secret_value())
    return value


def _billing_token(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        check_token(value.get_secret_value())
    return value


def _database_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if is_http(text):
        raise ValueError("must be a database address; only ARREARS_BILLING_URL may be one of an API")
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("must be a database address such as sqlite:///var/register.db or postgresql://…") from None
    if url.get_backend_name() not in _DATABASES:
        raise ValueError(f"must start with sqlite:/// or postgresql://, not {url.drivername}")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError("must name a file, such as sqlite:///var/register.db")
        # Relative to the project, so that it is the same book from whichever folder the command is started.
        return SecretStr(f"sqlite:///{ROOT / url.database}")
    return value


def is_loopback(address: str) -> bool:
    """Whether a host, with or without a port, is this machine alone."""
    host = address.rpartition(":")[0].strip("[]") or address
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ip_and_port(value: str | None) -> str | None:
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        host = ""
    if not host or not (port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError("must be an IP address and a port, such as 127.0.0.1:9464")
    return value


def _listed(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not all(_parts(value)):
        raise ValueError("must be secrets separated by single commas")
    return value


def _parts(value: SecretStr | None) -> tuple[str, ...]:
    return () if value is None else tuple(part.strip() for part in value.get_secret_value().split(","))


def _payload_keys(value: SecretStr | None) -> SecretStr | None:
    if value is None or value.get_secret_value() == "off":
        return None
    read_key_ring(value.get_secret_value(), ROOT)
    return value


def _anchor_key(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        private_key(value.get_secret_value())
    return value


def _public_keys(value: str) -> str:
    for one in filter(None, value.split(",")):
        public_key(one)
    return value


def _capacity(value: str) -> str:
    read_capacity(value)
    return value


Secrets = Annotated[SecretStr | None, AfterValidator(_listed)]


# The address may carry a password, so it never shows in a repr or a log.
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BillingUrl = Annotated[SecretStr, AfterValidator(_billing_url)]


class Settings(BaseSettings):
    """All settings; started with none of them, everything runs on the embedded default."""

    model_config = SettingsConfigDict(
        env_prefix="ARREARS_",
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    mode: Literal["embedded", "production"] = "embedded"
    register_url: DatabaseUrl = SecretStr("sqlite:///var/register.db")
    billing_url: BillingUrl = SecretStr("sqlite:///var/billing.db")
    """The embedded book's database, or http(s)://… where the utility's billing system answers."""
    billing_token: Annotated[SecretStr | None, AfterValidator(_billing_token)] = None
    """What the billing system knows us by, over HTTP."""
    policy: str = "reading-centre"
    """A pack's name in policies/, the path of a policy file, or a file that chooses by class and region."""
    notify: Path | None = None
    """File with the routing table of delivery channels; read by the worker alone, for it holds their passwords."""
    documents: Path = VAR / "documents"
    """Folder for papers, the same one for every worker; a relative one belongs to the project's folder."""
    restores_per_day: Annotated[str, AfterValidator(_capacity)] = ""
    """How many customers a field unit can restore in a day, `FU-01=40,*=60`: no more cuts are planned on one day."""
    paper_language: Language = "zh"
    """The language of papers: documents of the law are Chinese unless this says otherwise."""
    paper_issuer: Annotated[str, Field(max_length=60)] = ""
    """The utility's name, at the head of its papers."""
    task_queue: Annotated[str, Field(min_length=1, max_length=200)] = "arrears"
    retry_max_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Longest pause between two tries of an activity."""
    log_format: Literal["console", "json"] = "console"

    payload_keys: Annotated[SecretStr | None, AfterValidator(_payload_keys)] = None
    """Key ring for payload encryption, `id:base64,…` or a file of such entries; left out or `off`, none."""
    payload_plain: Literal["refuse", "accept"] = "refuse"
    """Whether payloads that were never encrypted are believed: while cases opened before the keys are still open."""

    anchor: Path | None = None
    """File outside the register in which the heads of all evidence chains are anchored."""
    anchor_key: Annotated[SecretStr | None, AfterValidator(_anchor_key)] = None
    """Ed25519 private key, base64: signs the anchor file."""
    anchor_public_key: Annotated[str, AfterValidator(_public_keys)] = ""
    """Public keys that are trusted too, base64 with commas: of former signing keys, or for who only checks."""

    console_host: str = "127.0.0.1"
    console_port: Annotated[int, Field(ge=1, le=65_535)] = 8088
    console_tls_cert: Path | None = None
    console_tls_key: Path | None = None
    """Certificate chain and key, both or neither: where the HTTP side is to be reached from another machine."""
    event_secret: Secrets = None
    """What signs billing events; several, separated by commas, while one replaces another."""
    codec_login: Secrets = None
    """Who may have payloads decrypted: `name:password`, several separated by commas."""
    codec_encodes: bool = False
    """Whether those with a login may have payloads encrypted too: with Temporal at hand they then speak as anybody."""
    codec_origins: Annotated[tuple[str, ...], NoDecode] = tuple(
        f"http://{host}:{port}" for port in (8233, 8080) for host in ("localhost", "127.0.0.1")
    )
    """Where Temporal UI is opened from, as a browser writes it."""

    metrics: Annotated[str | None, AfterValidator(_ip_and_port)] = None
    """Where a worker shows the Temporal SDK's own figures to Prometheus, IP address and port; left out, nowhere."""
    console_metrics: Annotated[str | None, AfterValidator(_ip_and_port)] = None
    """Where `serve` shows how the cases stand: apart from its other address, for Prometheus alone."""
    metrics_open: bool = False
    """Says that the network both are reached through is closed: they ask nobody who he is."""

    deployment_name: str | None = None
    build_id: str | None = None
    """Worker Versioning is on when both are set."""
    connect_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    """How long to try to reach Temporal before giving up."""
    shutdown_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    """How long a stopping worker lets running activities finish."""
    max_cached_workflows: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    """Cases kept in memory between messages; the others are replayed when they wake."""
    workflow_tasks: Annotated[int, Field(ge=2, le=10_000)] = 50
    activities: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Activities at a time; each holds a thread and, at most, a database connection."""
    local_activities: Annotated[int, Field(ge=1, le=1_000)] = 20

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        if isinstance(origins := values.get("codec_origins"), str):
            return values | {"codec_origins": tuple(origins.replace(",", " ").split())}
        return values

    @model_validator(mode="after")
    def _versioning_needs_both(self) -> Self:
        if (self.deployment_name is None) != (self.build_id is None):
            raise ValueError("ARREARS_DEPLOYMENT_NAME and ARREARS_BUILD_ID must be set together, or neither")
        if self.anchor is not None and self.anchor_key is None and not self.anchor_public_key:
            raise ValueError("ARREARS_ANCHOR needs ARREARS_ANCHOR_KEY to sign, or ARREARS_ANCHOR_PUBLIC_KEY to check")
        if (self.console_tls_cert is None) != (self.console_tls_key is None):
            raise ValueError("ARREARS_CONSOLE_TLS_CERT and ARREARS_CONSOLE_TLS_KEY must be set together, or neither")
        if not all(name and password for name, _, password in (one.partition(":") for one in _parts(self.codec_login))):
            raise ValueError("ARREARS_CODEC_LOGIN must be name:password, several separated by commas")
        if self.billing_token is not None and not self.billing_over_http:
            raise ValueError("ARREARS_BILLING_TOKEN is for an ARREARS_BILLING_URL of http(s)://…, which is not set")
        return self

    @property
    def field_capacity(self) -> FieldCapacity:
        """What the field units can restore in a day; nothing set, nothing limited."""
        return read_capacity(self.restores_per_day)

    @property
    def billing_over_http(self) -> bool:
        """Whether the billing system is asked through its API, and keeps its own book."""
        return is_http(self.billing_url.get_secret_value())

    @property
    def payload_codec(self) -> EncryptedPayloads | None:
        """What encrypts payloads, not yet bound to a workflow; None without keys."""
        ring = self.key_ring
        return None if ring is None else EncryptedPayloads(ring, accept_plain=self.payload_plain == "accept")

    @property
    def key_ring(self) -> KeyRing | None:
        """The ring of payload keys; None without encryption."""
        return None if self.payload_keys is None else read_key_ring(self.payload_keys.get_secret_value(), ROOT)

    @property
    def anchor_file(self) -> AnchorFile | None:
        """The anchor file, with the keys that are trusted and, if we have it, the one that signs."""
        if self.anchor is None:
            return None
        signer = private_key(self.anchor_key.get_secret_value()) if self.anchor_key else None
        trusted = [public_key(one) for one in self.anchor_public_key.split(",") if one]
        return AnchorFile(ROOT / self.anchor, (*([signer.public_key()] if signer else []), *trusted), signer)

    @property
    def routes_file(self) -> Path | None:
        """The file with the routing table; None without channels."""
        return None if self.notify is None else ROOT / self.notify

    @property
    def event_secrets(self) -> tuple[str, ...]:
        """The secrets of which each signs billing events."""
        return _parts(self.event_secret)

    @property
    def codec_logins(self) -> dict[str, str]:
        """Passwords by name of those who may have payloads decrypted."""
        return {name: password for name, _, password in (one.partition(":") for one in _parts(self.codec_login))}

    @property
    def documents_folder(self) -> Path:
        """Where papers are kept."""
        return ROOT / self.documents

    @property
    def letterhead(self) -> Letterhead:
        """In which language papers speak, and in whose name."""
        return Letterhead(language=self.paper_language, issuer=self.paper_issuer)

    @property
    def retry_max(self) -> timedelta:
        """Longest pause between two tries of an activity."""
        return timedelta(seconds=self.retry_max_seconds)


def load_settings() -> Settings:
    """Settings from the environment and `.env`. ConfigurationError: one sentence for each wrong variable."""
    try:
        settings = Settings()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{ENV_FILE}: is not UTF-8; save it as UTF-8") from None
    except ValidationError as problem:
        raise ConfigurationError("\n".join(sentence(e["loc"], e["msg"]) for e in problem.errors())) from None
    if settings.mode == "production" and (weak := weaknesses(settings)):
        raise ConfigurationError("\n".join(("ARREARS_MODE=production refuses weak settings:", *weak)))
    return settings


def check_console(settings: Settings) -> None:
    """ConfigurationError: what the HTTP side does not start with in production, one sentence each."""
    if settings.mode == "production" and (weak := console_weaknesses(settings)):
        raise ConfigurationError("\n".join(("ARREARS_MODE=production refuses weak settings:", *weak)))


def sentence(where: tuple[int | str, ...], problem: str) -> str:
    """What is wrong with a setting, by the variable's name."""
    text = problem.removeprefix("Value error, ")
    text = text[:1].lower() + text[1:] if text.startswith("Input") else text
    return f"ARREARS_{str(where[0]).upper()}: {text}" if where else text


def temporal_profile() -> ClientConfigProfile:
    """Where Temporal is, by its own environment configuration (TEMPORAL_*, profile file)."""
    try:
        return ClientConfigProfile.load(override_env_vars=_environment())
    except (RuntimeError, ValueError) as problem:
        raise ConfigurationError(f"Temporal's configuration (TEMPORAL_*) cannot be read: {problem}") from problem


def _environment() -> dict[str, str]:
    """The process's environment over what `.env` says, for variables that are not ours."""
    from_file = {k: v for k, v in dotenv_values(ENV_FILE).items() if v and k.startswith("TEMPORAL_")}
    return from_file | {k: v for k, v in os.environ.items() if v}


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
