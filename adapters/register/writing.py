"""Writing the register: what a step leaves behind, in one transaction, once, however often it is repeated."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, bindparam, delete, insert, not_, or_, select, update

from adapters.register import customer_versions as versions
from adapters.register import cut_slots
from adapters.register.chain import append
from adapters.register.cut_slots import FieldCapacity
from adapters.register.outbox import file_message
from adapters.register.spellings import names
from adapters.register.tables import REGISTER, TABLES
from adapters.sql.engine import open_engine, reading, writing
from adapters.sql.statements import insert_once, insert_or_replace, inserted
from domain.customer import Account, CardKept, CustomerCard
from domain.law.circumstances import SlotWish
from domain.papers.sheets import Document
from domain.record.moratorium import Moratorium
from domain.record.rows import CaseRow, IncidentRow, Message, NoticeOrder, NoticeRow, Record, TicketOrder, TicketRow
from domain.record.sweep import SweepPage

_T = TABLES.tables
_CASES, _TASKS, _NOTICES, _TICKETS = _T["cases"], _T["tasks"], _T["notices"], _T["tickets"]
_INCIDENTS = _T["incidents"]
_MORATORIA, _SWEEPS, _NONCES = _T["moratoria"], _T["sweeps"], _T["event_nonces"]
_NO_DOCUMENT = {"document_key": None, "document_sha256": None}
_DROP_TASKS, _ADD_TASKS = delete(_TASKS).where(_TASKS.c.case_key == bindparam("case")), insert(_TASKS)


def open_register(url: str) -> Engine:
    """The engine of a register at that address; its tables are made when it is first reached."""
    return open_engine(url, REGISTER)


def open_register_to_read(url: str) -> Engine:
    """The engine of a register that nothing can be written to through: neither a row nor a missing table."""
    return open_engine(url, read_only=True)


@dataclass(frozen=True)
class SqlRegister:
    """Register, NoticeOffice, FieldService, CustomerCards and Moratoria, on one database.

    Every method raises RegisterUnavailable when the database gives no answer; repeating it is always safe.
    """

    engine: Engine
    capacity: FieldCapacity = field(default_factory=FieldCapacity)
    hands_on: bool = False
    """Messages to staff are queued for delivery channels, in the transaction that files them."""
    after_filing: Callable[[], None] = lambda: None
    """Called once such a message may be there to be sent."""

    def write(self, record: Record) -> None:
        """Write all of it in one transaction; an older or repeated record changes nothing newer."""
        with writing(self.engine) as connection:
            _write(connection, record, self.hands_on)
        if record.messages:
            self.after_filing()

    def issue(self, order: NoticeOrder, paper: Message, document: Document | None = None) -> None:
        """File the notice with its text and paper, hand it to the reader, and write the record; once per notice."""
        with writing(self.engine) as connection:
            # First the record, as every writer: two that lock in another order wait for each other.
            _write(connection, order.record, self.hands_on)
            _file_notice(connection, order.notice, order.record.case.revision, order, paper)
            _file_document(connection, _NOTICES, order.notice.notice_id, document)
            cut_slots.keep(connection, order)
            file_message(connection, order.record.case, paper, self.hands_on)
        self.after_filing()

    def send(self, order: TicketOrder, ticket: Message, document: Document | None = None) -> None:
        """Put the ticket with its text and paper into the field unit's inbox, and write the record; once per ticket."""
        with writing(self.engine) as connection:
            _write(connection, order.record, self.hands_on)
            _file_ticket(connection, order.ticket, order.record.case.revision, ticket)
            _file_document(connection, _TICKETS, order.ticket.ticket_id, document)
            file_message(connection, order.record.case, ticket, self.hands_on)
        self.after_filing()

    def spreads_cuts(self, field_unit: str) -> bool:
        """Whether that unit can restore only so many a day."""
        return self.capacity.of(field_unit) is not None

    def book(self, wish: SlotWish, field_unit: str, days: Iterable[date]) -> date:
        """Book the first of these days on which the unit has room; once per notice id."""
        capacity = self.capacity.of(field_unit)
        if capacity is None:
            raise ValueError(f"{field_unit} has no limit, and so no days to book")
        with writing(self.engine) as connection:
            return cut_slots.book(connection, wish, field_unit, days, capacity)

    def keep_card(self, card: CustomerCard, at: datetime | None = None, since: int | None = None) -> CardKept:
        """Keep the personal half of a record as read at that time; what is kept already is not written again.

        `since`: the number of the version that the case last took, None in one from before versions were kept.
        """
        with reading(self.engine) as connection:
            if kept := versions.already_kept(connection, card, since):
                return kept
        with writing(self.engine) as connection:
            return versions.keep(connection, card, at, since)

    def card(self, account_id: str, number: int | None = None) -> CustomerCard:
        """The card of that number; without one, or where it is not kept, the card as last read.

        For an account that billing does not know, a card without a name: an unauthorised cut there is restored all the
        same.
        """
        with reading(self.engine) as connection:
            kept = versions.card(connection, account_id, number)
        return kept or CustomerCard(account_id=account_id, name="", address="")

    def cards(self, account_id: str) -> tuple[CustomerCard, ...]:
        """Every card that a paper of the account may have been printed from, the latest first, each once."""
        with reading(self.engine) as connection:
            return versions.cards(connection, account_id)

    def declare_moratorium(self, moratorium: Moratorium) -> None:
        """Write a standing order not to cut; once per id, the first wording stays."""
        with writing(self.engine) as connection:
            connection.execute(insert_once(connection, _MORATORIA), moratorium.model_dump())

    def lift_moratorium(self, moratorium_id: str, by: str, at: datetime) -> bool:
        """End a standing order; False if there is no such order. A second lifting changes nothing."""
        with writing(self.engine) as connection:
            connection.execute(
                update(_MORATORIA)
                .where(_MORATORIA.c.moratorium_id == moratorium_id, _MORATORIA.c.lifted_at.is_(None))
                .values(lifted_by=by, lifted_at=at)
            )
            known = select(_MORATORIA.c.moratorium_id).where(_MORATORIA.c.moratorium_id == moratorium_id)
            return connection.scalar(known) is not None

    def standing(self, account: Account, at: datetime) -> tuple[str, ...]:
        """Ids of the moratoria that cover this account at that time, in order of id."""
        with reading(self.engine) as connection:
            query = select(_MORATORIA.c.moratorium_id).where(
                _covers(connection, account), _MORATORIA.c.starts_at <= at, not_(_is_over(at))
            )
            return tuple(connection.scalars(query.order_by(_MORATORIA.c.moratorium_id)))

    def over(self, account: Account, ids: tuple[str, ...], at: datetime) -> tuple[str, ...]:
        """Those of the ids that the register knows, and that are lifted, past their end, or not for this account."""
        with reading(self.engine) as connection:
            query = select(_MORATORIA.c.moratorium_id).where(
                _MORATORIA.c.moratorium_id.in_(ids), or_(not_(_covers(connection, account)), _is_over(at))
            )
            return tuple(connection.scalars(query.order_by(_MORATORIA.c.moratorium_id)))

    def remember_nonce(self, nonce: str, now: datetime, forget_before: datetime) -> bool:
        """Keep the nonce of a signed request; False if it was kept already. Those seen before that time are dropped."""
        with writing(self.engine) as connection:
            connection.execute(delete(_NONCES).where(_NONCES.c.seen_at < forget_before))
            return inserted(connection, _NONCES, {"nonce": nonce, "seen_at": now})

    def record_sweep(self, page: SweepPage) -> None:
        """Keep what one page of a sweep covered (R-23); the first record of a page stays."""
        with writing(self.engine) as connection:
            connection.execute(insert_once(connection, _SWEEPS), page.model_dump())


def _covers(connection: Connection, account: Account) -> ColumnElement[bool]:
    named = {"region": account.region, "class": account.customer_class}
    of_centre = _MORATORIA.c.scope == "centre"
    return or_(
        *((_MORATORIA.c.scope == scope) & (_MORATORIA.c.value == value) for scope, value in named.items()),
        of_centre & names(connection, _MORATORIA.c.value, account.reading_centre, of_centre),
    )


def _is_over(at: datetime) -> ColumnElement[bool]:
    # Spelled out for what is null: an unknown that is negated would be unknown again.
    ended, lifted = _MORATORIA.c.until, _MORATORIA.c.lifted_at
    return or_(ended.is_not(None) & (ended <= at), lifted.is_not(None) & (lifted <= at))


def _write(connection: Connection, record: Record, hands_on: bool) -> None:
    case = record.case
    append(connection, case, record.evidence)
    _replace_case(connection, case)
    for notice in record.notices:
        _file_notice(connection, notice, case.revision)
    for ticket in record.tickets:
        _file_ticket(connection, ticket, case.revision)
    for incident in record.incidents:
        _file_incident(connection, incident, case.revision)
    for message in record.messages:
        file_message(connection, case, message, hands_on)
    cut_slots.follow(connection, record)


def _newer(connection: Connection, table: Table, values: Mapping[str, Any], **first: Any) -> bool:
    """Insert a row, or replace it unless the one there is of a later revision; `first` is written at insert only."""
    statement = insert_or_replace(connection, table, kept=tuple(first), newer="revision")
    return connection.execute(statement, {**values, **first}).first() is not None


def _replace_case(connection: Connection, case: CaseRow) -> None:
    if not _newer(connection, _CASES, case.model_dump(exclude={"tasks"})):
        return
    connection.execute(_DROP_TASKS, {"case": case.case_key})
    if case.tasks:
        owner = {"case_key": case.case_key, "account_id": case.account_id}
        connection.execute(_ADD_TASKS, [owner | {"place": n} | task.model_dump() for n, task in enumerate(case.tasks)])


def _file_notice(
    connection: Connection,
    notice: NoticeRow,
    revision: int,
    order: NoticeOrder | None = None,
    paper: Message | None = None,
) -> None:
    text = {
        "lines": [line.model_dump(mode="json") for line in order.lines] if order else [],
        "text_zh": paper.text_zh if paper else "",
        "text_en": paper.text_en if paper else "",
    }
    _newer(connection, _NOTICES, notice.model_dump() | {"revision": revision}, **text, **_NO_DOCUMENT)
    if paper is not None:
        # The row may have been written before its paper; the first paper stays.
        blank = update(_NOTICES).where(_NOTICES.c.notice_id == notice.notice_id, _NOTICES.c.text_zh == "")
        connection.execute(blank.values(text))


def _file_ticket(connection: Connection, ticket: TicketRow, revision: int, paper: Message | None = None) -> None:
    text = {"text_zh": paper.text_zh if paper else "", "text_en": paper.text_en if paper else ""}
    _newer(connection, _TICKETS, ticket.model_dump() | {"revision": revision}, **text, **_NO_DOCUMENT)
    if paper is not None:
        blank = update(_TICKETS).where(_TICKETS.c.ticket_id == ticket.ticket_id, _TICKETS.c.text_zh == "")
        connection.execute(blank.values(text))


def _file_document(connection: Connection, table: Table, row_id: str, document: Document | None) -> None:
    """Name the paper in the row it belongs to; the first stays, for the evidence names that one."""
    if document is not None:
        (key,) = table.primary_key
        blank = update(table).where(key == row_id, table.c.document_sha256.is_(None))
        connection.execute(blank.values(document_key=document.key, document_sha256=document.sha256))


def _file_incident(connection: Connection, incident: IncidentRow, revision: int) -> None:
    _newer(connection, _INCIDENTS, incident.model_dump() | {"revision": revision})
