"""GovernmentReport: every month the month before is reported to the local government (III.5, R-29)."""

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.report import ReportActivities
    from domain.report.filing import ReportMade, ReportOrder
    from domain.report.month import Month
    from domain.vocabulary import Contract, Id, Text
    from workflows import counterparties as wait
    from workflows.payloads import NOTHING, start_input

NOMINAL = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""The server's own attribute of what a schedule starts: the time it was due, however late it starts."""


class ReportAsked(Contract):
    """What a person may ask for; the schedule starts it with nothing."""

    month: Month | None = None
    reason: Text | None = None
    by: Id | None = None


@workflow.defn
class GovernmentReport:
    """One report; it stays open, and visible, while the register cannot be read."""

    @workflow.run
    async def run(self, asked: RawValue = NOTHING) -> ReportMade:
        """Report the month before the one in which this was due, or the month that is asked for."""
        info, request = workflow.info(), start_input(ReportAsked, asked)
        order = ReportOrder(
            request=info.first_execution_run_id,
            at=workflow.now(),
            nominal=info.typed_search_attributes.get(NOMINAL, info.start_time),
            month=request.month,
            reason=request.reason,
            by=request.by,
        )
        return await workflow.execute_activity_method(
            ReportActivities.make_report, order, **wait.titled(wait.REPORT, "III.5 government report")
        )
