"""Papers: rendered from their data, kept in the folder of papers, and named by their digest in the record."""

from typing import Literal, Protocol

from domain.customer import CustomerCard
from domain.papers.delay import delay_sheet, delays_declared
from domain.papers.filing import delay_filed
from domain.papers.sheets import Document, Letterhead, Sheet
from domain.record.rows import Record


class PapersUnavailable(Exception):
    """A paper could not be rendered or kept; the step is tried again, for nothing is issued without its paper."""


class Papers(Protocol):
    """Where papers are printed and kept."""

    @property
    def head(self) -> Letterhead:
        """The language papers speak, and in whose name."""

    def render(self, sheet: Sheet) -> bytes:
        """The sheet as a PDF; the same sheet gives the same bytes, whenever and wherever. PapersUnavailable."""

    def put_down(self, sheet: Sheet) -> Document:
        """Render the sheet and keep it, once however often it is asked for. PapersUnavailable."""

    def state_of(self, document: Document) -> Literal["intact", "missing", "changed"]:
        """Whether the paper in the folder is as it was when it was put down. PapersUnavailable."""


class PaperTrail(Protocol):
    """Where the record names a paper, and the customer's card comes from."""

    def card(self, account_id: str) -> CustomerCard:
        """The customer's card, kept when the case opened."""

    def write(self, record: Record) -> None:
        """Write all of it in one transaction; whatever of it is already there (by key) is left as it is."""


def file_delays(record: Record, papers: Papers, trail: PaperTrail) -> None:
    """Put down the notice of each delay that the record declares, and name it in the record (R-26).

    After the record itself: what else is in it, such as a word to the crew, does not wait for a printer.
    """
    declared = delays_declared(record)
    if not declared:
        return
    account_id = record.case.account_id
    card = trail.card(account_id)
    filed = tuple(
        delay_filed(entry, papers.put_down(delay_sheet(entry, account_id, card, papers.head))) for entry in declared
    )
    trail.write(Record(case=record.case, evidence=filed))
