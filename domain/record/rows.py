"""What a case writes into the register: evidence, the read model, papers, tickets, messages to people."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints

from domain.record.evidence import Evidence
from domain.vocabulary import Contract, CustomerClass, Day, Id, IncidentKind, Moment, Money, Outcome, Role, Stage, Text

# Composed here out of checked parts, so it has no longest length: a paper lists every bill, a report quotes a reason.
Passage = Annotated[str, StringConstraints(strict=True, min_length=1)]


class Message(Contract):
    """A text to one person or role; `to_role` is a role, or `customer`. A row in the outbox, once per `key`."""

    key: Id
    to_role: Literal["customer"] | Role
    to_unit: str | None = None
    to_person: str | None = None
    subject: Text
    text_zh: Passage
    text_en: Passage
    about: str | None = None
    at: Moment


class Task(Contract):
    """What somebody must do, and by when: `act` is the name of the message the case awaits."""

    role: Role
    unit: str | None = None
    person: str | None = None
    act: Id
    about: str | None = None
    by: Moment | None = None
    text_zh: str
    text_en: str


class CaseRow(Contract):
    """The case as lists and reports see it. A row with a lower `revision` never replaces a higher one.

    `record_number`: the version of the customer's card that the case last took; its papers bear it.
    `record_mark`: the mark of his account as the case took it (R-32). None in a case from before.
    """

    case_key: Id
    account_id: Id
    workflow_id: str
    revision: int
    stage: Stage
    outcome: Outcome | None = None
    outcome_reason: str | None = None
    customer_class: CustomerClass | None = None
    important: bool = False
    reading_centre: str | None = None
    field_unit: str | None = None
    region: str | None = None
    owed: Money
    late_fee: Money
    debt_as_of: Moment | None = None
    debt_mark: str = ""
    record_number: int | None = None
    record_mark: str | None = None
    supply_off: bool = False
    planned_cut_at: Moment | None = None
    cut_at: Moment | None = None
    settled_at: Moment | None = None
    restore_due_by: Moment | None = None
    restored_at: Moment | None = None
    next_deadline: Moment | None = None
    opened_at: Moment
    closed_at: Moment | None = None
    policy: str
    tasks: tuple[Task, ...] = ()


class NoticeRow(Contract):
    """A notice as it stands; the paper's text is added by the activity that issues it."""

    notice_id: Id
    account_id: Id
    case_key: Id
    kind: Literal["yellow", "red"]
    state: Literal["to_deliver", "delivered", "void"]
    bills: tuple[Id, ...]
    amount: Money
    late_fee: Money
    issued_at: Moment
    deadline: Moment
    cut_at: Moment
    delivered_at: Moment | None = None
    served_at: Moment | None = None
    outcome: str | None = None
    void_reason: str | None = None


class TicketRow(Contract):
    """A work ticket in the field unit's inbox."""

    ticket_id: Id
    account_id: Id
    case_key: Id
    kind: Literal["cut", "restore"]
    state: Literal["sent", "acknowledged", "recalled", "done"]
    notice_id: str | None = None
    meter_id: Id
    field_unit: str
    sent_by: str
    sent_at: Moment
    due_at: Moment
    done_at: Moment | None = None


class IncidentRow(Contract):
    """A violation or a broken promise of the procedure, open until it has an outcome (R-28)."""

    incident_id: Id
    account_id: Id
    case_key: Id
    kind: IncidentKind
    at: Moment
    persons: tuple[str, ...] = ()
    outcome: str | None = None
    closed_at: Moment | None = None


class Record(Contract):
    """All that one step of a case leaves behind; written in one transaction, or not at all."""

    case: CaseRow
    evidence: tuple[Evidence, ...] = ()
    messages: tuple[Message, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    tickets: tuple[TicketRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()

    def also(self, *evidence: Evidence) -> Self:
        """The record with this evidence besides."""
        return self.model_copy(update={"evidence": (*self.evidence, *evidence)})


class BillLine(Contract):
    """One bill on a notice: what it was, what of it is unpaid, the late fee so far."""

    bill_id: Id
    due_date: Day
    outstanding: Money
    late_fee: Money


class NoticeOrder(Contract):
    """Issue this notice. A paper lacking account, amount, deadline or cut time cannot be ordered (R-05)."""

    notice: NoticeRow
    lines: tuple[BillLine, ...]
    reader: Id
    timezone: Id
    record: Record


class TicketOrder(Contract):
    """Put this ticket into the field unit's inbox. `window_end`: of a cut, when it may no longer begin (R-18).

    `neighbour`: it restores another customer's meter, and names nothing of this one (R-34).
    """

    ticket: TicketRow
    neighbour: bool = False
    timezone: Id
    record: Record
    window_end: Moment | None = None
