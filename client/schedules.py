"""Installs the schedules of the procedure on the Temporal server; installing again brings them up to date."""

from dataclasses import replace
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
from temporalio.service import RPCError, RPCStatusCode

from client.cases import unavailable

DAILY_SWEEP = "daily-sweep"
EVIDENCE_ANCHOR = "evidence-anchor"
GOVERNMENT_REPORT = "government-report"
EVERY_DAY, REPORT_DAY = ScheduleRange(1, 31), ScheduleRange(2)
"""The report's, in the month after: what a month's last evening left to be written is in the register by then."""

# One missed while the server was down is made up for within the day; two at once would do the same work.
_DAILY = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1))
# Every month has its own report: one that comes late replaces none, and none is left out.
_MONTHLY = SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=timedelta(days=365))

How = Literal["created", "updated"]


async def install_daily_sweep(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int, *, keep: bool = False
) -> How:
    """The sweep of III.2, every day at that local time. A pause or a note set by an operator is kept.

    With `keep`, one that is installed keeps its times too, whoever set them.
    """
    when = _at(hour, minute)
    return await _install(client, DAILY_SWEEP, "DailySweep", task_queue, when, timezone, _DAILY, keep)


async def install_evidence_anchor(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int, *, keep: bool = False
) -> How:
    """The anchoring of the record's heads (R-30), every day at that local time, as the sweep."""
    when = _at(hour, minute)
    return await _install(client, EVIDENCE_ANCHOR, "EvidenceAnchoring", task_queue, when, timezone, _DAILY, keep)


async def install_government_report(
    client: Client, task_queue: str, timezone: str, hour: int, minute: int, *, keep: bool = False
) -> How:
    """The report of the month before (R-29, III.5), on the second of every month at that local time."""
    when = _at(hour, minute, REPORT_DAY)
    return await _install(client, GOVERNMENT_REPORT, "GovernmentReport", task_queue, when, timezone, _MONTHLY, keep)


async def time_of_day(client: Client, name: str) -> tuple[int, int] | None:
    """Hour and minute of a schedule that is installed; None if it is not, or has not one time alone."""
    try:
        described = await client.get_schedule_handle(name).describe()
    except RPCError as problem:
        if problem.status == RPCStatusCode.NOT_FOUND:
            return None
        raise unavailable(problem) from problem
    match described.schedule.spec:
        case ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[hour], minute=[minute])], intervals=[]):
            alone = hour.end in (0, hour.start) and minute.end in (0, minute.start)
            return (hour.start, minute.start) if alone else None
    return None


def _at(hour: int, minute: int, days: ScheduleRange = EVERY_DAY) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(day_of_month=[days], hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])


async def _install(
    client: Client,
    name: str,
    workflow: str,
    task_queue: str,
    when: ScheduleCalendarSpec,
    timezone: str,
    policy: SchedulePolicy,
    keep: bool,
) -> How:
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(workflow, id=name, task_queue=task_queue),
        spec=ScheduleSpec(calendars=[when], time_zone_name=timezone),
        policy=policy,
    )

    def renewed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        """The schedule as it is to be, paused or not as somebody left it."""
        schedule.state = known.description.schedule.state
        if keep:
            schedule.spec = replace(known.description.schedule.spec, time_zone_name=timezone)
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
