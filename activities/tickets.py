"""Work tickets to the field unit: disconnection and restoration."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from domain.debt import CustomerCard
from domain.papers import ticket_message
from domain.records import Message, TicketOrder


class FieldService(Protocol):
    """The inbox of the metering centre or branch."""

    def card(self, account_id: str) -> CustomerCard:
        """The customer's card, kept when the case opened."""

    def send(self, order: TicketOrder, ticket: Message) -> None:
        """Put the ticket, its text and the order's record down in one transaction; once per ticket id."""


@dataclass(frozen=True)
class TicketActivities:
    """Tickets (II.3, III.1); recalling one is a change of its row, told to the crew by a message."""

    field: FieldService

    @activity.defn(no_thread_cancel_exception=True)
    def send_ticket(self, order: TicketOrder) -> None:
        """Put a disconnection or restoration ticket into the field unit's inbox."""
        self.field.send(order, ticket_message(order, self.field.card(order.ticket.account_id)))
