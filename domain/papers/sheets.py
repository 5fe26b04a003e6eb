"""What a printed paper says, as typed data: one model for each layout; amounts and times are already texts."""

from typing import Annotated, ClassVar, Literal
from unicodedata import category

from pydantic import BeforeValidator

from domain.vocabulary import Contract, Id, Moment

Language = Literal["zh", "en"]
_UNNAMED = ("Co", "Cn")


def one_line(text: str, longest: int) -> str:
    """A text as one printable line: exports and remarks hold broken characters and whole paragraphs.

    A private letter, or one that is newer than this Python, is no broken one: whoever prints it shows its number.
    """
    clean = " ".join("".join(ch if ch.isprintable() or category(ch) in _UNNAMED else " " for ch in text).split())
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def _at_most(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda text: one_line(text, longest) if isinstance(text, str) else text)


Line = Annotated[str, _at_most(200)]
Passage = Annotated[str, _at_most(4000)]


class Letterhead(Contract):
    """In which language papers speak, and in whose name."""

    language: Language = "zh"
    issuer: Line = ""


class Sheet(Contract):
    """What every paper has; `template` is its layout, `dated` the time of what it states, never of its printing."""

    template: ClassVar[str]
    head: Letterhead
    title: Line
    number: Line
    account_id: Id
    dated: Moment
    scan: str = ""
    """What the QR code says; empty: there is none."""


class BillOnPaper(Contract):
    """One bill on a notice."""

    bill_id: Line
    due: Line
    outstanding: Line
    late_fee: Line
    together: Line


class NoticeSheet(Sheet):
    """A yellow or red notice (R-05, R-07)."""

    template: ClassVar[str] = "notice"
    kind: Literal["yellow", "red"]
    non_residential: bool = False
    name: Line
    address: Line
    centre: Line
    reader: Line
    issued: Line
    bills: tuple[BillOnPaper, ...]
    owed: Line
    late_fee: Line
    together: Line
    together_in_words: Line
    deadline: Line
    cut_at: Line
    to_stop_it: tuple[Line, ...]
    complaints: Line


class TicketSheet(Sheet):
    """A disconnection or restoration ticket (R-15, R-22)."""

    template: ClassVar[str] = "ticket"
    kind: Literal["cut", "restore"]
    name: Line
    address: Line
    meter_id: Line
    field_unit: Line
    sent_by: Line
    sent: Line
    due: Line
    notice_id: Line = ""
    rules: tuple[Line, ...]


class DelaySheet(Sheet):
    """The notice of delay: why supply comes back later, and by when (R-26)."""

    template: ClassVar[str] = "delay"
    name: Line
    address: Line
    ticket_id: Line
    reason: Passage
    until: Line
    customer_told: Line
    customer_told_how: Passage
    leader: Line
    leader_told: Line
    declared_by: Line
    declared: Line
    complaints: Line


class ProofRow(Contract):
    """One rule's verdict."""

    rule: Line
    clause: Line
    title: Line
    verdict: Literal["met", "not_reached", "breached"]
    at: Line
    by: Line
    evidence: Passage


class EvidenceRow(Contract):
    """One entry of the record."""

    number: int
    at: Line
    recorded_at: Line
    what: Line
    rule: Line
    clause: Line
    by: Line
    about: Line
    detail: Passage


class PaperRow(Contract):
    """A paper that the record names, and whether the file is as it was."""

    about: Line
    key: Line
    sha256: Line
    state: Literal["intact", "missing", "changed"]


class ProofSheet(Sheet):
    """The proof file of a case: rule by rule, the papers, every entry of the record, and whether it is intact."""

    template: ClassVar[str] = "proof"
    name: Line
    address: Line
    facts: tuple[tuple[Line, Line], ...]
    rules: tuple[ProofRow, ...]
    papers: tuple[PaperRow, ...]
    evidence: tuple[EvidenceRow, ...]
    notes: tuple[Passage, ...]
    intact: bool
    record: Line


class ReportRow(Contract):
    """A row of a report; `part`: it is a part of the row above it."""

    cells: tuple[Passage, ...]
    part: bool = False


class ReportBar(Contract):
    """One bar of a chart; `late`: past the 24 hours."""

    label: Line
    count: int
    late: bool = False


class ReportChart(Contract):
    """A chart of bars, with its title."""

    title: Line
    bars: tuple[ReportBar, ...]


class ReportSection(Contract):
    """A table with its title, and the chart behind it; `figures`: all columns but the first stand at the right."""

    title: Line
    head: tuple[Line, ...]
    rows: tuple[ReportRow, ...] = ()
    figures: bool = True
    chart: ReportChart | None = None


class ReportSheet(Sheet):
    """The month's report to the government (R-29). `account_id` is what all of them are filed under."""

    template: ClassVar[str] = "report"
    facts: tuple[tuple[Line, Passage], ...]
    sections: tuple[ReportSection, ...]
    notes: tuple[Passage, ...]
    sha256: Line


class Document(Contract):
    """A paper that was rendered and kept: where in the folder of papers, and the SHA-256 of its bytes.

    `letters_missing`: the numbers of letters that no font has, which the paper shows as such.
    """

    key: str
    sha256: str
    letters_missing: tuple[str, ...] = ()
