"""Yellow and red notices: composed with the customer's data and given to the reader to deliver."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from domain.debt import CustomerCard
from domain.papers import notice_message
from domain.records import Message, NoticeOrder


class NoticeOffice(Protocol):
    """Where notices are filed and handed to the reader."""

    def card(self, account_id: str) -> CustomerCard:
        """The customer's card, kept when the case opened."""

    def issue(self, order: NoticeOrder, paper: Message) -> None:
        """File the notice, its full text and the order's record in one transaction; once per notice id."""


@dataclass(frozen=True)
class NoticeActivities:
    """Issuing notices (II.1, II.2)."""

    office: NoticeOffice

    @activity.defn(no_thread_cancel_exception=True)
    def issue_notice(self, order: NoticeOrder) -> None:
        """Write the paper and put it into the reader's hands; issuing is not delivering (R-06)."""
        self.office.issue(order, notice_message(order, self.office.card(order.notice.account_id)))
