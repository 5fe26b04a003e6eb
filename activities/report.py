"""Making the report to the government: count the month, keep the report once, notify the liaison, print it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.papers import Papers
from domain.contract.refusals import Refused
from domain.papers.sheets import Document
from domain.record.evidence import Evidence
from domain.report.filing import Report, ReportMade, ReportOrder, month_is_over
from domain.report.month import Figures, bounds, month_before
from domain.report.sheet import report_paper_filed, report_sheet

log = structlog.get_logger()


class FiguresOf(Protocol):
    """The port that counts a month in the register."""

    def of(self, month: str) -> Figures:
        """A month's figures at one moment of the register; the same month gives the same ones."""


class Reports(Protocol):
    """The port of the reports made so far."""

    def known(self, month: str, order: ReportOrder) -> Report | None:
        """What answers the order already; None if a report is to be made."""

    def keep(self, order: ReportOrder, figures: Figures) -> tuple[Report, bool]:
        """Keep the month's report and hand it to the liaison; False if there was one, which then stays."""

    def papers(self, report_id: str) -> tuple[Document, ...]:
        """The papers that the record names for a report, oldest first."""

    def name_paper(self, filed: Evidence) -> None:
        """Name a report's paper in the record, once per paper."""


@dataclass(frozen=True)
class ReportActivities:
    """Making the monthly report (R-29, III.5); months are those of `zone`."""

    figures: FiguresOf
    reports: Reports
    papers: Papers
    zone: ZoneInfo

    @activity.defn
    def make_report(self, order: ReportOrder) -> ReportMade:
        """Make the report of `order`; a month that has one keeps it, unless a reason asks anew."""
        try:
            return self.make(order)
        except Refused as refusal:
            raise ApplicationError(str(refusal), refusal.details, type=refusal.type, non_retryable=True) from None

    def make(self, order: ReportOrder) -> ReportMade:
        """As `make_report`. Refused: TooEarly, while the month still runs.

        PapersUnavailable: all is done but the paper. The liaison has the text, and waits for no printer.
        """
        month = order.month or month_before(order.nominal, self.zone)
        month_is_over(bounds(month, self.zone)[1], order.at, month)
        report, new = self.reports.known(month, order), False
        if report is None:
            report, new = self.reports.keep(order, self.figures.of(month))
        document = self._paper_of(report, order.at)
        log.info("report.made", report=report.report_id, sha256=report.sha256, new=new, paper=document.key)
        return ReportMade(
            report_id=report.report_id,
            month=month,
            number=report.number,
            sha256=report.sha256,
            new=new,
            paper=document.key,
            paper_sha256=document.sha256,
        )

    def _paper_of(self, report: Report, at: datetime) -> Document:
        """A paper that the record names and that is as it was; else it is printed, and named."""
        for document in self.reports.papers(report.report_id):
            if self.papers.state_of(document) == "intact":
                return document
        document = self.papers.put_down(report_sheet(report, self.papers.head))
        self.reports.name_paper(report_paper_filed(report, document, at))
        return document
