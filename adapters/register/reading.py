"""Reading the register: lists of cases, messages, the file that a proof reads, a page of the sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, literal, select, tuple_

from adapters.register.chain import verify_chain
from adapters.register.closed_cuts import closed_cuts
from adapters.register.counting import count_register
from adapters.register.customer_versions import versions_taken
from adapters.register.spellings import names
from adapters.register.tables import TABLES
from adapters.register.worklist import tasks_of, worklist
from adapters.sql.engine import reading
from domain.case.closed_cut import ClosedCut
from domain.customer import CustomerCard
from domain.metrics import Figures
from domain.record.case_file import CaseFile, FiledEvidence, FiledMessage, FiledNotice, FiledTicket, WorkItem
from domain.record.chain import ChainVerdict
from domain.record.rows import CaseRow, IncidentRow
from domain.record.sweep import OpenCase
from domain.report.filing import MADE, REPORTS
from domain.vocabulary import Contract

_T = TABLES.tables
_CASES, _TASKS, _NOTICES, _TICKETS, _INCIDENTS = (
    _T[name] for name in ("cases", "tasks", "notices", "tickets", "incidents")
)
_MESSAGES, _EVIDENCE, _MORATORIA, _SWEEPS = (_T[name] for name in ("messages", "evidence", "moratoria", "sweeps"))

C = TypeVar("C", bound=Contract)


@dataclass(frozen=True)
class RegisterReader:
    """Questions to the register; each raises RegisterUnavailable when the database gives no answer."""

    engine: Engine

    def list_cases(
        self,
        stage: str | None = None,
        role: str | None = None,
        centre: str | None = None,
        open_only: bool = False,
        limit: int = 100,
        after: str = "",
    ) -> tuple[CaseRow, ...]:
        """Cases in order of account and opening; `role`: those that await that role; `after`: the last key had."""
        query = select(_CASES).order_by(_CASES.c.account_id, _CASES.c.opened_at, _CASES.c.case_key).limit(limit)
        if stage:
            query = query.where(_CASES.c.stage == stage)
        if open_only:
            query = query.where(_CASES.c.closed_at.is_(None))
        if role:
            query = query.where(_CASES.c.case_key.in_(select(_TASKS.c.case_key).where(_TASKS.c.role == role)))
        with reading(self.engine) as connection:
            if centre:
                query = query.where(names(connection, _CASES.c.reading_centre, centre))
            if after:
                query = query.where(_comes_after(connection, after))
            lines = connection.execute(query).mappings().all()
            tasks = tasks_of(connection, [line["case_key"] for line in lines])
        return tuple(CaseRow.model_validate({**line, "tasks": tasks.get(line["case_key"], ())}) for line in lines)

    def case_file(self, account_id: str, case_key: str | None = None) -> CaseFile | None:
        """All that the register holds of one case (the latest, unless named), as of one moment."""
        with reading(self.engine) as connection:
            case = _latest_case(connection, account_id, case_key)
            if case is None:
                return None

            def of_case(table: Table, *order: ColumnElement[Any]) -> Select[Any]:
                """Every line of this case in that table, in that order."""
                return select(table).where(table.c.case_key == case.case_key).order_by(*order)

            return CaseFile(
                case=case,
                evidence=_all(
                    connection,
                    FiledEvidence,
                    of_case(_EVIDENCE, _EVIDENCE.c.seq).where(_EVIDENCE.c.account_id == account_id),
                ),
                notices=_all(connection, FiledNotice, of_case(_NOTICES, _NOTICES.c.issued_at, _NOTICES.c.notice_id)),
                tickets=_all(connection, FiledTicket, of_case(_TICKETS, _TICKETS.c.sent_at, _TICKETS.c.ticket_id)),
                incidents=_all(connection, IncidentRow, of_case(_INCIDENTS, _INCIDENTS.c.at, _INCIDENTS.c.incident_id)),
                reporting=_reporting(connection, case),
            )

    def case_keys(self, account_id: str) -> tuple[str, ...]:
        """The account's cases, oldest first."""
        query = select(_CASES.c.case_key).where(_CASES.c.account_id == account_id)
        with reading(self.engine) as connection:
            return tuple(connection.scalars(query.order_by(_CASES.c.opened_at, _CASES.c.case_key)))

    def worklist(
        self, role: str, unit: str | None = None, person: str | None = None, limit: int = 500
    ) -> tuple[WorkItem, ...]:
        """What that role must do, nearest deadline first, then what has none.

        With `unit` or `person`, tasks of another unit or person are left out; a task that names none is everyone's. The
        liaison's has the reports to the government that are still to be sent.
        """
        with reading(self.engine) as connection:
            return worklist(connection, role, unit, person, limit)

    def messages(self, account_id: str) -> tuple[FiledMessage, ...]:
        """Every message about the account, newest first."""
        query = select(_MESSAGES).where(_MESSAGES.c.account_id == account_id)
        return self._read(FiledMessage, query.order_by(_MESSAGES.c.at.desc(), _MESSAGES.c.key))

    def verify(self, account_id: str, anchor: tuple[int, str] | None = None) -> ChainVerdict:
        """Whether the account's evidence is as it was written; see `verify_chain`."""
        with reading(self.engine) as connection:
            return verify_chain(connection, account_id, anchor)

    def open_cases_page(self, after: str, limit: int) -> tuple[OpenCase, ...]:
        """Open cases in order of account id, those greater than `after`: one page of the sweep."""
        query = (
            select(_CASES)
            .where(_CASES.c.closed_at.is_(None), _CASES.c.account_id > after)
            .order_by(_CASES.c.account_id)
            .limit(limit)
        )
        return self._read(OpenCase, query)

    def cuts_of_closed_cases(self, since: datetime, accounts: Sequence[str] | None = None) -> tuple[ClosedCut, ...]:
        """Lawful cuts since then of accounts whose cases are closed; see `closed_cuts`."""
        with reading(self.engine) as connection:
            return closed_cuts(connection, since, accounts)

    def cards_taken(self, cases: Sequence[OpenCase]) -> dict[str, CustomerCard]:
        """By account, the card that each of these cases last took, as far as it is known and kept."""
        taken = {case.account_id: case.record_number for case in cases if case.record_number is not None}
        with reading(self.engine) as connection:
            return versions_taken(connection, taken)

    def figures(self, now: datetime, zone: ZoneInfo) -> Figures:
        """How all open cases stand, in numbers; see `count_register`."""
        return count_register(self.engine, now, zone)

    def _read(self, contract: type[C], query: Select[Any]) -> tuple[C, ...]:
        with reading(self.engine) as connection:
            return _all(connection, contract, query)


def _all(connection: Connection, contract: type[C], query: Select[Any]) -> tuple[C, ...]:
    return tuple(contract.model_validate(dict(line)) for line in connection.execute(query).mappings())


def _latest_case(connection: Connection, account_id: str, case_key: str | None = None) -> CaseRow | None:
    query = (
        select(_CASES)
        .where(_CASES.c.account_id == account_id)
        .order_by(_CASES.c.closed_at.is_not(None), _CASES.c.opened_at.desc(), _CASES.c.case_key)
        .limit(1)
    )
    if case_key is not None:
        query = query.where(_CASES.c.case_key == case_key)
    line = connection.execute(query).mappings().one_or_none()
    if line is None:
        return None
    return CaseRow.model_validate({**line, "tasks": tasks_of(connection, [line["case_key"]]).get(line["case_key"], ())})


def _reporting(connection: Connection, case: CaseRow) -> tuple[FiledEvidence, ...]:
    """That the months of the case's life were reported to the government (R-29), oldest first."""
    query = select(_EVIDENCE).where(_EVIDENCE.c.account_id == REPORTS).order_by(_EVIDENCE.c.seq)
    every = _all(connection, FiledEvidence, query)
    lived = {
        e.about
        for e in every
        if e.what == MADE
        and datetime.fromisoformat(e.detail["ends_at"]) > case.opened_at
        and (case.closed_at is None or datetime.fromisoformat(e.detail["begins_at"]) <= case.closed_at)
    }
    return tuple(e for e in every if e.about in lived)


def _comes_after(connection: Connection, case_key: str) -> ColumnElement[bool]:
    last = connection.execute(select(_CASES).where(_CASES.c.case_key == case_key)).one_or_none()
    if last is None:
        raise ValueError(f"after: no case {case_key}")
    place = tuple_(_CASES.c.account_id, _CASES.c.opened_at, _CASES.c.case_key)
    return place > tuple_(
        literal(last.account_id), literal(last.opened_at, _CASES.c.opened_at.type), literal(last.case_key)
    )
