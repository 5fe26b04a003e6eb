"""Issuing yellow and red notices: the text with the customer's data, the paper, the message to the reader."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from activities.papers import Papers, PaperTrail, file_delays
from domain.papers.filing import notice_filed
from domain.papers.notice import notice_message, notice_sheet
from domain.papers.sheets import Document
from domain.record.rows import Message, NoticeOrder


class NoticeOffice(PaperTrail, Protocol):
    """Where notices are filed and handed to the reader."""

    def issue(self, order: NoticeOrder, paper: Message, document: Document | None = None) -> None:
        """File the notice, its full text, its paper and the order's record in one transaction; once per notice id."""


@dataclass(frozen=True)
class NoticeActivities:
    """Issuing notices (II.1, II.2)."""

    office: NoticeOffice
    papers: Papers

    @activity.defn(no_thread_cancel_exception=True)
    def issue_notice(self, order: NoticeOrder) -> None:
        """Print the paper and hand it to the reader; issuing is not delivering (R-06)."""
        card = self.office.card(order.notice.account_id, order.record.case.record_number)
        paper = notice_message(order, card)
        document = self.papers.put_down(notice_sheet(order, card, self.papers.head))
        order = order.model_copy(update={"record": order.record.also(notice_filed(order.notice, document))})
        self.office.issue(order, paper, document)
        file_delays(order.record, self.papers, self.office)
