"""What tests ask of the register and no program does: an account's rows over all its cases, a sweep's pages."""

from typing import Any, TypeVar

from sqlalchemy import Engine, Select, select

from adapters.register.outbox import count_unsent
from adapters.register.reading import RegisterReader
from adapters.register.tables import TABLES
from adapters.sql.engine import reading
from domain.record.case_file import FiledEvidence, FiledMessage, FiledNotice, FiledTicket
from domain.record.moratorium import Moratorium
from domain.record.rows import CaseRow, IncidentRow
from domain.record.sweep import SweepPage
from domain.vocabulary import Contract

C = TypeVar("C", bound=Contract)
_T = TABLES.tables


class WholeRegister(RegisterReader):
    """The register's reader, with questions to whole tables."""

    def case(self, account_id: str) -> CaseRow | None:
        """The account's latest case: the open one, or the last that closed."""
        file = self.case_file(account_id)
        return file.case if file else None

    def evidence(self, account_id: str) -> tuple[FiledEvidence, ...]:
        """All evidence of the account, in the order of its chain."""
        return self._of_account(FiledEvidence, "evidence", account_id, "seq")

    def notices(self, account_id: str) -> tuple[FiledNotice, ...]:
        """All notices of the account, oldest first."""
        return self._of_account(FiledNotice, "notices", account_id, "issued_at", "notice_id")

    def tickets(self, account_id: str) -> tuple[FiledTicket, ...]:
        """All tickets of the account, oldest first."""
        return self._of_account(FiledTicket, "tickets", account_id, "sent_at", "ticket_id")

    def incidents(self, account_id: str) -> tuple[IncidentRow, ...]:
        """All incidents of the account, oldest first."""
        return self._of_account(IncidentRow, "incidents", account_id, "at", "incident_id")

    def inbox(self, field_unit: str) -> tuple[FiledTicket, ...]:
        """The field unit's tickets that are neither done nor recalled."""
        tickets = _T["tickets"]
        mine = tickets.c.field_unit == field_unit, tickets.c.state.in_(("sent", "acknowledged"))
        return self._rows(FiledTicket, select(tickets).where(*mine).order_by(tickets.c.due_at))

    def outbox(self, to_role: str | None = None, account_id: str | None = None) -> tuple[FiledMessage, ...]:
        """Messages to that role, about that account, newest first."""
        messages = _T["messages"]
        query = select(messages).order_by(messages.c.at.desc(), messages.c.key)
        if to_role is not None:
            query = query.where(messages.c.to_role == to_role)
        if account_id is not None:
            query = query.where(messages.c.account_id == account_id)
        return self._rows(FiledMessage, query)

    def moratoria(self) -> tuple[Moratorium, ...]:
        """All moratoria, lifted ones too, oldest first."""
        moratoria = _T["moratoria"]
        return self._rows(Moratorium, select(moratoria).order_by(moratoria.c.declared_at, moratoria.c.moratorium_id))

    def sweep(self, sweep_id: str) -> tuple[SweepPage, ...]:
        """The pages of a sweep, in order."""
        pages = _T["sweeps"]
        return self._rows(SweepPage, select(pages).where(pages.c.sweep_id == sweep_id).order_by(pages.c.page))

    def _of_account(self, contract: type[C], table: str, account_id: str, *order: str) -> tuple[C, ...]:
        columns = _T[table].c
        query = select(_T[table]).where(columns.account_id == account_id)
        return self._rows(contract, query.order_by(*(columns[name] for name in order)))

    def _rows(self, contract: type[C], query: Select[Any]) -> tuple[C, ...]:
        with reading(self.engine) as connection:
            return tuple(contract.model_validate(dict(line)) for line in connection.execute(query).mappings())


def messages_unsent(engine: Engine) -> int:
    """How many messages wait in the outbox for a channel."""
    with reading(engine) as connection:
        return count_unsent(connection).messages
