"""What the register gives back: the records of `domain.record.rows` with where and how they were filed."""

from domain.record.evidence import Evidence
from domain.record.rows import BillLine, CaseRow, IncidentRow, Message, NoticeRow, Task, TicketRow
from domain.vocabulary import Contract, Id


class FiledEvidence(Evidence):
    """Evidence with its place in the account's chain."""

    account_id: Id
    case_key: Id
    seq: int


class FiledNotice(NoticeRow):
    """A notice with what it says of each bill, its text and its paper."""

    lines: tuple[BillLine, ...] = ()
    text_zh: str = ""
    text_en: str = ""
    document_key: str | None = None
    document_sha256: str | None = None


class FiledTicket(TicketRow):
    """A ticket with its text and its paper."""

    text_zh: str = ""
    text_en: str = ""
    document_key: str | None = None
    document_sha256: str | None = None


class FiledMessage(Message):
    """A message with the case it came from."""

    account_id: Id
    case_key: Id


class WorkItem(Task):
    """A task with the case that awaits it."""

    account_id: Id
    case_key: Id


class CaseFile(Contract):
    """One case as the register holds it; what a proof is read from. Evidence stands in the order of its chain.

    `reporting`: that the months of the case's life were reported to the government, and sent (R-29).
    """

    case: CaseRow
    evidence: tuple[FiledEvidence, ...] = ()
    notices: tuple[FiledNotice, ...] = ()
    tickets: tuple[FiledTicket, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    reporting: tuple[FiledEvidence, ...] = ()
