"""What the register gives back: the records of `domain.records` with where and how they were filed."""

from typing import Literal

from domain.model import Contract, Day, Id, Moment, Stage, Text
from domain.records import BillLine, CaseRow, Evidence, IncidentRow, Message, NoticeRow, Task, TicketRow


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


class AnchorLine(Contract):
    """One anchoring: how many chains and entries there were, the digest of all their heads, and who signed it.

    `broken` are the accounts on whose chain the head anchored before was not found any more.
    """

    number: int
    at: Moment
    accounts: int
    entries: int
    heads: str
    broken: tuple[str, ...] = ()
    previous: str
    key: str
    signature: str


class AnchorSeen(Contract):
    """What the anchor file says of one account: its chain's length and head when it was last anchored.

    `off`: no file is set; `missing`: nothing in it yet, or it is gone; `not_yet`: the account is younger than the
    latest anchoring; `broken`: the file itself is not as it was signed.
    """

    state: Literal["anchored", "not_yet", "missing", "broken", "off"]
    number: int | None = None
    at: Moment | None = None
    length: int | None = None
    head: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None


class ChainVerdict(Contract):
    """Whether the evidence of an account is as it was written; if not, the first place where it is not.

    `head` is the hash of the last link: noted down elsewhere, it also betrays a chain that was rebuilt whole.
    """

    account_id: Id
    intact: bool
    length: int
    head: str
    broken_at: int | None = None
    reason_zh: str | None = None
    reason_en: str | None = None


class Moratorium(Contract):
    """A standing order not to cut; `value` is a region, a customer class or a reading centre, as `scope` says."""

    moratorium_id: Id
    scope: Literal["region", "class", "centre"]
    value: Id
    reason: Text
    starts_at: Moment
    until: Moment | None = None
    declared_by: Id
    declared_at: Moment
    lifted_by: str | None = None
    lifted_at: Moment | None = None


class CoveredCase(Contract):
    """An open case that a moratorium covers; `notice_id` and `cut_at` are those of its standing red notice."""

    account_id: Id
    case_key: Id
    workflow_id: str
    stage: Stage
    policy: str
    field_unit: str | None = None
    notice_id: str | None = None
    cut_at: Moment | None = None


class PermitOut(Contract):
    """A permit to cut that is out: it was granted, and nothing says that it ended."""

    account_id: Id
    permit_id: Id
    valid_until: Moment


class OpenCase(Contract):
    """An open case as the daily sweep looks at it: whose debt, and what it was when last read."""

    account_id: Id
    workflow_id: Id
    case_key: Id
    debt_mark: str
    supply_off: bool
    stage: Stage | None = None


class OpenRow(Contract):
    """A case that the register calls open. `followed`: its account has had a later one, and nobody closed this row."""

    case_key: Id
    account_id: Id
    workflow_id: str
    supply_off: bool
    followed: bool


class SweepPage(Contract):
    """The evidence of one page of a sweep (R-23): the accounts it looked at, and what it found.

    `counted` leaves out accounts that billing does not know: nobody looked at them. `missing` names the accounts whose
    debt has changed, or that are dark, and whose case no workflow carries on. A page on which no case was left has
    counted none, and names no account: the last of every sweep that came to its end.
    """

    sweep_id: Id
    page: int
    day: Day
    first_account: str
    last_account: str
    counted: int
    disconnected: int
    changed: int
    signalled: int
    missing: tuple[Id, ...] = ()
    at: Moment


class SweepSummary(Contract):
    """What a whole sweep covered."""

    sweep_id: Id
    pages: int
    counted: int
    disconnected: int
    changed: int
    signalled: int
