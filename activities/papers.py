"""The port of papers (render, keep, check), and the notice of delay that a record brings about."""

from typing import Literal, Protocol

from domain.customer import CustomerCard
from domain.papers.delay import delay_sheet, delays_declared
from domain.papers.filing import delay_filed
from domain.papers.sheets import Document, Letterhead, Sheet
from domain.record.rows import Record


class PapersUnavailable(Exception):
    """A paper could not be rendered or kept. The step is retried: nothing is issued without its paper."""


class Papers(Protocol):
    """Where papers are printed and kept."""

    @property
    def head(self) -> Letterhead:
        """The language of the papers, and the utility's name on them."""

    def render(self, sheet: Sheet) -> bytes:
        """The sheet as a PDF; the same sheet gives the same bytes, whenever and wherever. PapersUnavailable."""

    def put_down(self, sheet: Sheet) -> Document:
        """Render the sheet and keep it, once however often it is asked for. PapersUnavailable."""

    def state_of(self, document: Document) -> Literal["intact", "missing", "changed"]:
        """Whether the paper in the folder is as it was when it was kept. PapersUnavailable."""


class PaperTrail(Protocol):
    """Where the record names a paper, and the customer's card comes from."""

    def card(self, account_id: str, number: int | None = None) -> CustomerCard:
        """The customer's card of that number, which the case has taken; without one, as last read (R-32)."""

    def write(self, record: Record) -> None:
        """Write all of it in one transaction; whatever of it is already there (by key) is left as it is."""


def file_delays(record: Record, papers: Papers, trail: PaperTrail) -> None:
    """Put down the notice of each delay that the record declares, and name it in the record (R-26).

    Call it after the record is written: a message to the crew in that record must not wait for a printer.
    """
    declared = delays_declared(record)
    if not declared:
        return
    account_id = record.case.account_id
    card = trail.card(account_id, record.case.record_number)
    filed = tuple(
        delay_filed(entry, papers.put_down(delay_sheet(entry, account_id, card, papers.head))) for entry in declared
    )
    trail.write(Record(case=record.case, evidence=filed))
