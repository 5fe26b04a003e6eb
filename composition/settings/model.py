"""Settings from the environment (and `.env`): every ARREARS_* variable, and what follows from it."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adapters.anchor.file import AnchorFile, private_key, public_key
from adapters.billing.address import is_http
from adapters.register.cut_slots import FieldCapacity, read_capacity
from client.payload_codec import EncryptedPayloads, KeyRing, read_key_ring
from composition.settings.fields import (
    ROOT,
    AnchorKey,
    BillingToken,
    BillingUrl,
    Capacity,
    DatabaseUrl,
    IpAndPort,
    PayloadKeys,
    PublicKeys,
    Secrets,
    each_of,
)
from domain.papers.sheets import Language, Letterhead

VAR = ROOT / "var"
ENV_FILE = ROOT / ".env"


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
    billing_token: BillingToken = None
    """What the billing system knows us by, over HTTP."""
    policy: str = "reading-centre"
    """A pack's name in policies/, the path of a policy file, or a file that chooses by class and region."""
    notify: Path | None = None
    """File with the routing table of delivery channels; read by the worker alone, for it holds their passwords."""
    documents: Path = VAR / "documents"
    """Folder for papers, the same one for every worker; a relative one belongs to the project's folder."""
    restores_per_day: Capacity = ""
    """How many customers a field unit can restore in a day, `FU-01=40,*=60`: no more cuts are planned on one day."""
    paper_language: Language = "zh"
    """The language of papers: documents of the law are Chinese unless this says otherwise."""
    paper_issuer: Annotated[str, Field(max_length=60)] = ""
    """The utility's name, at the head of its papers."""
    task_queue: Annotated[str, Field(min_length=1, max_length=200)] = "arrears"
    retry_max_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Longest pause between two tries of an activity."""
    log_format: Literal["console", "json"] = "console"

    payload_keys: PayloadKeys = None
    """Key ring for payload encryption, `id:base64,…` or a file of such entries; left out or `off`, none."""
    payload_plain: Literal["refuse", "accept"] = "refuse"
    """Whether payloads that were never encrypted are believed: while cases opened before the keys are still open."""

    anchor: Path | None = None
    """File outside the register in which the heads of all evidence chains are anchored."""
    anchor_key: AnchorKey = None
    """Ed25519 private key, base64: signs the anchor file."""
    anchor_public_key: PublicKeys = ""
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

    metrics: IpAndPort = None
    """Where a worker shows the Temporal SDK's own figures to Prometheus, IP address and port; left out, nowhere."""
    console_metrics: IpAndPort = None
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
        logins = (one.partition(":") for one in each_of(self.codec_login))
        if not all(name and password for name, _, password in logins):
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
        return each_of(self.event_secret)

    @property
    def codec_logins(self) -> dict[str, str]:
        """Passwords by name of those who may have payloads decrypted."""
        return {name: password for name, _, password in (one.partition(":") for one in each_of(self.codec_login))}

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
