"""DailySweep: every day billing is asked about every open case (III.2), a page a run, however many there are."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from activities.sweep import PageOrder, SweepActivities
    from domain.vocabulary import Contract, Id, Moment
    from workflows import counterparties as wait
    from workflows.payloads import NOTHING, start_input

PAGE = 2_000


class SweepProgress(Contract):
    """How far a sweep has come; the schedule starts it with an empty input. `page_size` is for tests."""

    sweep_id: Id | None = None
    as_of: Moment | None = None
    page: int = 0
    after: str = ""
    counted: int = 0
    signalled: int = 0
    missing: int = 0
    page_size: int = PAGE


class SweepDone(Contract):
    """What the whole sweep covered; its pages are in the register."""

    sweep_id: str
    pages: int
    counted: int
    signalled: int
    missing: int


@workflow.defn
class DailySweep:
    """One page a run, then continue-as-new: the history does not grow with the number of accounts."""

    @workflow.run
    async def run(self, progress: RawValue = NOTHING) -> SweepDone:
        """Sweep page after page until none is left."""
        now = workflow.now()
        so_far = start_input(SweepProgress, progress)
        sweep_id = so_far.sweep_id or f"sweep/{workflow.info().first_execution_run_id}"
        as_of = so_far.as_of or now
        order = PageOrder(
            sweep_id=sweep_id,
            page=so_far.page + 1,
            after=so_far.after,
            limit=so_far.page_size,
            as_of=as_of,
        )
        swept = await workflow.execute_activity_method(
            SweepActivities.sweep_page, order, **wait.titled(wait.SWEEP, f"III.2 page {order.page}")
        )
        counted, signalled = so_far.counted + swept.counted, so_far.signalled + swept.signalled
        missing = so_far.missing + swept.missing
        workflow.set_current_details(f"{counted} cases looked at, {signalled} asked to look again, {missing} missing")
        if not swept.full:
            return SweepDone(sweep_id=sweep_id, pages=order.page, counted=counted, signalled=signalled, missing=missing)
        workflow.continue_as_new(
            so_far.model_copy(
                update={
                    "sweep_id": sweep_id,
                    "as_of": as_of,
                    "page": order.page,
                    "after": swept.last_account,
                    "counted": counted,
                    "signalled": signalled,
                    "missing": missing,
                }
            )
        )
