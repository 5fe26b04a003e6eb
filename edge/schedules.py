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


async def install_daily_sweep(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int
) -> Literal["created", "updated"]:
    """The sweep of III.2, every day at that local time. A pause or a note set by an operator is kept."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow("DailySweep", id=DAILY_SWEEP, task_queue=task_queue),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])],
            time_zone_name=timezone,
        ),
        # A sweep missed while the server was down is made up for within the day; two at once would do the same work.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )

    def renewed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = known.description.schedule.state
        return ScheduleUpdate(schedule)

    try:
        try:
            await client.create_schedule(DAILY_SWEEP, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(DAILY_SWEEP).update(renewed)
            return "updated"
    except RPCError as problem:
        raise unavailable(problem) from problem
    return "created"
