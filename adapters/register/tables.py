"""The tables of the register. Rows only: what crosses a boundary is a contract of `domain`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Connection, Index, MetaData, Table, UniqueConstraint, event
from sqlmodel import Field, SQLModel

from adapters.sql.column_types import CanonicalJson, Cents, Instant
from adapters.sql.migration import History


class RegisterTable(SQLModel):
    """Base of the register's tables: their own metadata, apart from that of the billing book."""

    metadata: ClassVar[MetaData] = MetaData()


class CaseLine(RegisterTable, table=True):
    """A case as lists and reports see it."""

    __tablename__ = "cases"
    case_key: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    workflow_id: str
    revision: int
    stage: str = Field(index=True)
    outcome: str | None = None
    outcome_reason: str | None = None
    customer_class: str | None = None
    important: bool = False
    reading_centre: str | None = None
    field_unit: str | None = None
    region: str | None = None
    owed: Decimal = Field(sa_type=Cents)
    late_fee: Decimal = Field(sa_type=Cents)
    debt_as_of: datetime | None = Field(default=None, sa_type=Instant)
    debt_mark: str = ""
    record_number: int | None = None
    record_mark: str | None = None
    supply_off: bool = False
    planned_cut_at: datetime | None = Field(default=None, sa_type=Instant)
    cut_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    restore_due_by: datetime | None = Field(default=None, sa_type=Instant)
    restored_at: datetime | None = Field(default=None, sa_type=Instant)
    next_deadline: datetime | None = Field(default=None, sa_type=Instant)
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    policy: str


class TaskLine(RegisterTable, table=True):
    """One thing awaited of somebody; the lines of a case are replaced with it."""

    __tablename__ = "tasks"
    __table_args__ = (Index("ix_tasks_role_by", "role", "by"),)
    case_key: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    account_id: str
    role: str
    unit: str | None = None
    person: str | None = None
    act: str
    about: str | None = None
    by: datetime | None = Field(default=None, sa_type=Instant)
    text_zh: str
    text_en: str


class NoticeLine(RegisterTable, table=True):
    """A notice, its full text, what it says of each bill, and its paper: where it lies and its SHA-256."""

    __tablename__ = "notices"
    notice_id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    case_key: str
    revision: int
    kind: str
    state: str
    bills: list[str] = Field(sa_type=CanonicalJson)
    amount: Decimal = Field(sa_type=Cents)
    late_fee: Decimal = Field(sa_type=Cents)
    issued_at: datetime = Field(sa_type=Instant)
    deadline: datetime = Field(sa_type=Instant)
    cut_at: datetime = Field(sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    served_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: str | None = None
    void_reason: str | None = None
    lines: list[dict[str, Any]] = Field(sa_type=CanonicalJson)
    text_zh: str = ""
    text_en: str = ""
    document_key: str | None = None
    document_sha256: str | None = None


class SlotLine(RegisterTable, table=True):
    """The day on which the cut of a red notice is booked with its field unit."""

    __tablename__ = "cut_slots"
    __table_args__ = (Index("ix_cut_slots_unit_day", "field_unit", "day"),)
    notice_id: str = Field(primary_key=True)
    case_key: str = Field(index=True)
    field_unit: str
    day: date


class TicketLine(RegisterTable, table=True):
    """A work ticket with its full text and its paper: the field unit's inbox."""

    __tablename__ = "tickets"
    ticket_id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    case_key: str
    revision: int
    kind: str
    state: str
    notice_id: str | None = None
    meter_id: str
    field_unit: str = Field(index=True)
    sent_by: str
    sent_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    text_zh: str = ""
    text_en: str = ""
    document_key: str | None = None
    document_sha256: str | None = None


class IncidentLine(RegisterTable, table=True):
    """An incident, open until it has an outcome."""

    __tablename__ = "incidents"
    incident_id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    case_key: str
    revision: int
    kind: str
    at: datetime = Field(sa_type=Instant)
    persons: list[str] = Field(sa_type=CanonicalJson)
    outcome: str | None = None
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class MessageLine(RegisterTable, table=True):
    """A text to one person or role: the outbox."""

    __tablename__ = "messages"
    key: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    case_key: str
    to_role: str = Field(index=True)
    to_unit: str | None = None
    to_person: str | None = None
    subject: str
    text_zh: str
    text_en: str
    about: str | None = None
    at: datetime = Field(sa_type=Instant)


class UnsentLine(RegisterTable, table=True):
    """A message in the outbox that no channel has accepted yet; gone once one has, or once it is given up.

    `due_at`, by the workers' clock, is when it may be tried; None: at once, and never tried before. While `claim` names
    the worker that holds it, `due_at` is when that worker counts as dead.
    """

    __tablename__ = "unsent"
    __table_args__ = (Index("ix_unsent_urgency_due_at", "urgency", "due_at"),)
    message_key: str = Field(primary_key=True)
    urgency: int
    filed_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    first_tried_at: datetime | None = Field(default=None, sa_type=Instant)
    tries: int = 0
    claim: str | None = None


class GivenUpLine(RegisterTable, table=True):
    """A message to staff that is not sent any more, until somebody has it sent again: when that was, and why."""

    __tablename__ = "given_up"
    message_key: str = Field(primary_key=True)
    urgency: int
    filed_at: datetime = Field(sa_type=Instant)
    given_up_at: datetime = Field(sa_type=Instant)
    reason: str


class DeliveryLine(RegisterTable, table=True):
    """One attempt to hand a message to one channel: its kind and what came of it, never an address."""

    __tablename__ = "deliveries"
    message_key: str = Field(primary_key=True)
    claim: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    attempt: int
    channel: str
    outcome: str
    at: datetime = Field(sa_type=Instant)


class EvidenceLine(RegisterTable, table=True):
    """One thing that happened, chained to what happened before it in the same account (R-30)."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("account_id", "key"),)
    account_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    case_key: str
    key: str
    place: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    what: str
    rule: str
    clause: str
    at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    actor_id: str | None = None
    actor_role: str | None = None
    actor_unit: str | None = None
    about: str | None = None
    detail: dict[str, Any] = Field(sa_type=CanonicalJson)
    prev_hash: str
    hash: str


class ChainHead(RegisterTable, table=True):
    """The last link of an account's chain; writers of one account queue for its row."""

    __tablename__ = "chain_heads"
    account_id: str = Field(primary_key=True)
    seq: int
    hash: str


class CustomerLine(RegisterTable, table=True):
    """The personal half of a customer record as last read, for the customer's channels."""

    __tablename__ = "customer_cards"
    account_id: str = Field(primary_key=True)
    name: str
    address: str
    phone: str = ""
    email: str = ""
    preferred_channel: str | None = None


class CustomerVersionLine(RegisterTable, table=True):
    """What the personal half of a record has said, each wording once; a case carries the number of the one it took.

    `kept_at`: when it was first read; None of a card that stood before versions were kept.
    """

    __tablename__ = "customer_versions"
    account_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    name: str
    address: str
    phone: str
    email: str
    preferred_channel: str | None = None
    kept_at: datetime | None = Field(default=None, sa_type=Instant)


class MoratoriumLine(RegisterTable, table=True):
    """A standing order not to cut in a region, for a class, or in a reading centre."""

    __tablename__ = "moratoria"
    moratorium_id: str = Field(primary_key=True)
    scope: str
    value: str
    reason: str
    starts_at: datetime = Field(sa_type=Instant)
    until: datetime | None = Field(default=None, sa_type=Instant)
    declared_by: str
    declared_at: datetime = Field(sa_type=Instant)
    lifted_by: str | None = None
    lifted_at: datetime | None = Field(default=None, sa_type=Instant)


class SweepLine(RegisterTable, table=True):
    """What one page of a daily sweep covered (R-23)."""

    __tablename__ = "sweeps"
    sweep_id: str = Field(primary_key=True)
    page: int = Field(primary_key=True)
    day: date
    first_account: str
    last_account: str
    counted: int
    disconnected: int
    changed: int
    signalled: int
    missing: list[str] = Field(sa_type=CanonicalJson)
    at: datetime = Field(sa_type=Instant)


class ReportLine(RegisterTable, table=True):
    """A month's report to the government (R-29): its figures and texts, and their digest, which its evidence holds."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("month", "number"),)
    report_id: str = Field(primary_key=True)
    month: str
    number: int
    figures: dict[str, Any] = Field(sa_type=CanonicalJson)
    text_zh: str
    text_en: str
    sha256: str
    request: str = Field(unique=True)
    made_at: datetime = Field(sa_type=Instant)
    made_by: str | None = None
    reason: str | None = None


class NonceLine(RegisterTable, table=True):
    """A nonce of a signed request, kept until no signature made with it is fresh any more."""

    __tablename__ = "event_nonces"
    nonce: str = Field(primary_key=True)
    seen_at: datetime = Field(index=True, sa_type=Instant)


class KeyRingLine(RegisterTable, table=True):
    """The mark of the payload keys of the worker that started last on a task queue."""

    __tablename__ = "key_rings"
    namespace: str = Field(primary_key=True)
    task_queue: str = Field(primary_key=True)
    mark: dict[str, Any] = Field(sa_type=CanonicalJson)
    started_at: datetime = Field(sa_type=Instant)


_REFUSAL = "evidence is only ever added to (R-30)"


def _append_only(table: str, same: str) -> dict[str, tuple[str, ...]]:
    """The triggers that let a table only be added to; `same`: when a NEW row would replace one that is there."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return {
        "sqlite": (
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            # INSERT OR REPLACE would delete without asking the trigger above.
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}",
        ),
        "postgresql": (
            "CREATE OR REPLACE FUNCTION refuse_evidence_change() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change()",
        ),
    }


APPEND_ONLY = {
    "evidence": _append_only("evidence", "account_id = NEW.account_id AND (seq = NEW.seq OR key = NEW.key)"),
    "reports": _append_only("reports", "report_id = NEW.report_id OR request = NEW.request"),
}


def _guard(table: Table, connection: Connection, **_kw: Any) -> None:
    for statement in APPEND_ONLY[table.name][connection.dialect.name]:
        connection.exec_driver_sql(statement)


TABLES: MetaData = RegisterTable.metadata
REGISTER = History("register", TABLES)
for _name in APPEND_ONLY:
    event.listen(TABLES.tables[_name], "after_create", _guard)
