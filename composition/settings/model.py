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
    Folder,
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
    """Whether weak settings are allowed; `production` refuses to start with them."""
    register_url: DatabaseUrl = SecretStr("sqlite:///var/register.db")
    """The register's database: sqlite:///… or postgresql://…; its tables are made and upgraded by the program."""
    billing_url: BillingUrl = SecretStr("sqlite:///var/billing.db")
    """The billing book's database, or http(s)://… where the utility's own billing system answers."""
    billing_token: BillingToken = None
    """Bearer token that the billing system knows us by, over HTTP."""
    policy: str = "reading-centre"
    """A pack's name in policies/, the path of a policy file, or a file that chooses by class and region."""
    notify: Path | None = None
    """TOML file with the routing table of delivery channels; left out, nothing is sent, and people work from their
    worklists. The same file for all workers, and for `report make`; nobody else needs to read it, for it holds
    passwords."""
    documents: Path = VAR / "documents"
    """Folder for papers, the same one for every worker and readable by its account alone."""
    restores_per_day: Capacity = ""
    """How many customers a field unit can restore in a day, `FU-01=40,*=60`, `*` being every other unit: no more cuts
    are planned for one day. Left out, cuts are not limited."""
    paper_language: Language = "zh"
    """The language of papers."""
    paper_issuer: Annotated[str, Field(max_length=60)] = ""
    """The utility's name, at the head of its papers; left out, 供电企业 or The power supply company."""
    paper_fonts: Folder = None
    """A folder with fonts for letters that papers lack otherwise: rarer Chinese ones, Tibetan, Mongolian, Yi."""
    task_queue: Annotated[str, Field(min_length=1, max_length=200)] = "arrears"
    """Temporal's task queue, the same for worker and commands."""
    retry_max_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Longest pause between two tries of an activity, in seconds."""
    log_format: Literal["console", "json"] = "console"
    """Form of the log, which goes to stderr."""

    payload_keys: PayloadKeys = None
    """Key ring for payload encryption, `id:base64,…` or a file of such entries: the first key encrypts, each decrypts.
    Left out or `off`, payloads are not encrypted."""
    payload_plain: Literal["refuse", "accept"] = "refuse"
    """Whether payloads that were never encrypted are accepted: `accept` while cases from before the keys are open."""

    anchor: Path | None = None
    """File in which the heads of all evidence chains are anchored, on a disk that the database's keepers cannot
    write."""
    anchor_key: AnchorKey = None
    """Ed25519 private key, base64, which signs the anchor file."""
    anchor_public_key: PublicKeys = ""
    """Public keys that are trusted too, base64 with commas: of former signing keys, or for who only checks."""

    console_host: str = "127.0.0.1"
    """Address that `serve` listens on."""
    console_port: Annotated[int, Field(ge=1, le=65_535)] = 8088
    """Port that `serve` listens on."""
    console_tls_cert: Path | None = None
    """Certificate chain of `serve`, with the next one: needed to be reached from other machines."""
    console_tls_key: Path | None = None
    """Key of that certificate."""
    event_secret: Secrets = None
    """Secret that signs billing events; two with a comma while one replaces the other. Left out, no events are
    taken."""
    codec_login: Secrets = None
    """Who may have payloads decrypted: `name:password`, several with commas. Left out, nothing is decrypted."""
    codec_encodes: bool = False
    """Whether those with a login may have payloads encrypted too, for the CLI: who also reaches Temporal then speaks as
    anybody."""
    codec_origins: Annotated[tuple[str, ...], NoDecode] = tuple(
        f"http://{host}:{port}" for port in (8233, 8080) for host in ("localhost", "127.0.0.1")
    )
    """Where Temporal UI is opened from: `http://…` with the port, several with blanks."""

    metrics: IpAndPort = None
    """IP address and port, such as 127.0.0.1:9464, where a worker shows the Temporal SDK's figures to Prometheus; each
    worker of a machine needs its own."""
    console_metrics: IpAndPort = None
    """IP address and port, such as 127.0.0.1:9465, where `serve` shows how the cases stand."""
    metrics_open: bool = False
    """Lets other machines reach both in production: says that their network is closed, for neither asks for a login."""

    deployment_name: str | None = None
    """Worker Versioning is on when this and the next are set."""
    build_id: str | None = None
    """Build of this worker within that deployment."""
    connect_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    """How long to try to reach Temporal before giving up."""
    shutdown_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    """How long a stopping worker lets running activities finish."""
    max_cached_workflows: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    """Cases kept in memory between messages; the others are replayed when they wake."""
    workflow_tasks: Annotated[int, Field(ge=2, le=10_000)] = 50
    """Workflow tasks that a worker handles at a time."""
    activities: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Activities at a time; each holds a thread and, at most, a database connection."""
    local_activities: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Local activities at a time: the records of messages."""

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
