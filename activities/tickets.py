"""Work tickets to the field unit: disconnection and restoration."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from temporalio import activity

from activities.papers import Papers, PaperTrail, file_delays
from domain.law.circumstances import SlotWish
from domain.papers.filing import ticket_filed
from domain.papers.sheets import Document
from domain.papers.ticket import card_of_another, ticket_message, ticket_sheet
from domain.record.rows import Message, TicketOrder


class FieldService(PaperTrail, Protocol):
    """The inbox of the metering centre or branch."""

    def send(self, order: TicketOrder, ticket: Message, document: Document | None = None) -> None:
        """Put the ticket, its text, its paper and the order's record down in one transaction; once per ticket id."""

    def spreads_cuts(self, field_unit: str) -> bool:
        """Whether that unit can restore only so many a day, so that its cuts are booked by the day."""

    def book(self, wish: SlotWish, field_unit: str, days: Iterable[date]) -> date:
        """Book the first of these days (ascending, without end) on which the unit has room; once per notice id.

        A day takes no more cuts than the unit can restore in a day. Asked again, the answer is the same day, as long as
        that is one of `days`.
        """


@dataclass(frozen=True)
class TicketActivities:
    """Tickets (II.3, III.1). A recall changes the ticket's row, and a message notifies the crew.

    `whose_meter`: the account that billing knows for a meter, or None; it answers within seconds, or not at all.
    """

    field: FieldService
    papers: Papers
    whose_meter: Callable[[str], str | None]

    @activity.defn(no_thread_cancel_exception=True)
    def send_ticket(self, order: TicketOrder) -> None:
        """Put a disconnection or restoration ticket into the field unit's inbox."""
        if order.neighbour:
            card = card_of_another(self.whose_meter(order.ticket.meter_id))
        else:
            card = self.field.card(order.ticket.account_id, order.record.case.record_number)
        message = ticket_message(order, card)
        if order.ticket.kind == "restore":  # a restoration waits for no printer; the paper follows
            self.field.send(order, message)
        document = self.papers.put_down(ticket_sheet(order, card, self.papers.head))
        order = order.model_copy(update={"record": order.record.also(ticket_filed(order, document, card.account_id))})
        self.field.send(order, message, document)
        file_delays(order.record, self.papers, self.field)
