"""The report to the government: a month's figures counted, kept once, handed to the liaison, laid out as a paper."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.refusal import Refused
from domain.report import Figures, bounds, month_before
from domain.report_filed import Report, ReportMade, ReportOrder, month_is_over

log = structlog.get_logger()


class FiguresOf(Protocol):
    """The register, counting."""

    def of(self, month: str) -> Figures:
        """A month's figures at one moment of the register; the same month gives the same ones."""


class Reports(Protocol):
    """The reports made so far."""

    def known(self, month: str, order: ReportOrder) -> Report | None:
        """What answers the order already; None if a report is to be made."""

    def keep(self, order: ReportOrder, figures: Figures) -> tuple[Report, bool]:
        """Keep the month's report and hand it to the liaison; False if there was one, which then stays."""


class ReportPaper(Protocol):
    """Where reports are laid out as papers."""

    def write(self, report: Report) -> Path:
        """The report's file, written once, and whole or not at all; the same report gives the same bytes."""


@dataclass(frozen=True)
class ReportActivities:
    """Making the monthly report (R-29, III.5); months are those of `zone`."""

    figures: FiguresOf
    reports: Reports
    paper: ReportPaper
    zone: ZoneInfo

    @activity.defn
    def make_report(self, order: ReportOrder) -> ReportMade:
        """Make the report of `order`; a month that has one keeps it, unless a reason asks anew."""
        try:
            return self.make(order)
        except Refused as refusal:
            raise ApplicationError(str(refusal), refusal.details, type=refusal.type, non_retryable=True) from None

    def make(self, order: ReportOrder) -> ReportMade:
        """As `make_report`. Refused: TooEarly, while the month still runs."""
        month = order.month or month_before(order.nominal, self.zone)
        month_is_over(bounds(month, self.zone)[1], order.at, month)
        report, new = self.reports.known(month, order), False
        if report is None:
            report, new = self.reports.keep(order, self.figures.of(month))
        paper = self.paper.write(report)
        log.info("report.made", report=report.report_id, sha256=report.sha256, new=new, paper=str(paper))
        return ReportMade(
            report_id=report.report_id,
            month=month,
            number=report.number,
            sha256=report.sha256,
            new=new,
            paper=str(paper),
        )
