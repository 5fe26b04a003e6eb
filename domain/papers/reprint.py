"""The sheet of a paper that the record names, composed again from what the register holds."""

from collections.abc import Collection, Iterable, Iterator

from domain.customer import CustomerCard
from domain.papers.delay import delay_sheet, delays_declared
from domain.papers.filing import ANOTHERS_ACCOUNT, WINDOW_END
from domain.papers.notice import notice_sheet
from domain.papers.sheets import Letterhead, Sheet
from domain.papers.ticket import card_of_another, ticket_sheet
from domain.record.case_file import CaseFile, FiledEvidence, FiledMessage
from domain.record.rows import NoticeOrder, Record, TicketOrder


def sheets_again(
    named: FiledEvidence,
    file: CaseFile,
    handed_out: Collection[FiledMessage],
    cards: Iterable[CustomerCard],
    head: Letterhead,
    timezone: str,
) -> Iterator[Sheet]:
    """Every sheet that the paper `named` by an entry may have been printed from; none where its rows are gone.

    Only its digest shows whether it is the same paper. `cards` are all that the account's customers have had: a notice
    printed again bears the name and address that it was issued with (R-32). `handed_out` are the account's messages:
    which reader was to deliver a notice stands there alone.
    """
    for card in cards:
        yield from _sheets_with(card, named, file, handed_out, head, timezone)


def _sheets_with(
    card: CustomerCard,
    named: FiledEvidence,
    file: CaseFile,
    handed_out: Collection[FiledMessage],
    head: Letterhead,
    timezone: str,
) -> Iterator[Sheet]:
    record = Record(case=file.case, evidence=file.evidence)
    match named.detail.get("kind"):
        case "yellow" | "red":
            for notice in (n for n in file.notices if n.notice_id == named.about):
                for reader in _readers(notice.notice_id, handed_out):
                    order = NoticeOrder(
                        notice=notice, lines=notice.lines, reader=reader, timezone=timezone, record=record
                    )
                    yield notice_sheet(order, card, head)
        case "cut" | "restore":
            for ticket in (t for t in file.tickets if t.ticket_id == named.about):
                for unit in _units(ticket.ticket_id, file):
                    sent = ticket.model_copy(update={"field_unit": unit})
                    rest = {"timezone": timezone, "record": record, "window_end": named.detail.get(WINDOW_END)}
                    other = named.detail.get(ANOTHERS_ACCOUNT)
                    whose = card if other is None else card_of_another(str(other))
                    yield ticket_sheet(TicketOrder.model_validate({"ticket": sent, **rest}), whose, head)
        case "delay":
            for declared in delays_declared(record):
                if (declared.about, declared.recorded_at) == (named.about, named.recorded_at):
                    yield delay_sheet(declared, file.case.account_id, card, head)


def _readers(notice_id: str, handed_out: Iterable[FiledMessage]) -> Iterable[str]:
    """Into whose hands the notice was put, each once."""
    papers = (m for m in handed_out if m.about == notice_id and m.key.startswith(f"{notice_id}/paper"))
    return dict.fromkeys(m.to_person for m in papers if m.to_person)


def _units(ticket_id: str, file: CaseFile) -> Iterable[str]:
    """To which unit the ticket was sent; its row has the one that it was passed on to."""
    sent = (e for e in file.evidence if e.what == "ticket.sent" and e.about == ticket_id)
    return dict.fromkeys(str(e.detail.get("field_unit", "")) for e in sent)
