"""Installs the schedules of the procedure on the Temporal server; installing again brings them up to date."""

from datetime import timedelta
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from edge.cases import unavailable

DAILY_SWEEP = "daily-sweep"
EVIDENCE_ANCHOR = "evidence-anchor"


async def install_daily_sweep(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int
) -> Literal["created", "updated"]:
    """The sweep of III.2, every day at that local time. A pause or a note set by an operator is kept."""
    return await _install(client, DAILY_SWEEP, "DailySweep", task_queue, timezone, hour, minute)


async def install_evidence_anchor(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int
) -> Literal["created", "updated"]:
    """The anchoring of the record's heads (R-30), every day at that local time, as the sweep."""
    return await _install(client, EVIDENCE_ANCHOR, "EvidenceAnchoring", task_queue, timezone, hour, minute)


async def _install(
    client: Client, name: str, workflow: str, task_queue: str, timezone: str, hour: int, minute: int
) -> Literal["created", "updated"]:
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(workflow, id=name, task_queue=task_queue),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])],
            time_zone_name=timezone,
        ),
        # One missed while the server was down is made up for within the day; two at once would do the same work.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )

    def renewed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = known.description.schedule.state
        return ScheduleUpdate(schedule)

    try:
        try:
            await client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(name).update(renewed)
            return "updated"
    except RPCError as problem:
        raise unavailable(problem) from problem
    return "created"
