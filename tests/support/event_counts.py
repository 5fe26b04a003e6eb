"""What lives of a case cost in events, and the least that Temporal needs for the same path."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from tests.support.world import SOON, Case, World


@dataclass(frozen=True)
class Path:
    """A life, the stages it passes (each may upsert once), and how many events it may take."""

    live: Callable[[World], Awaitable[Case]]
    stages: int
    at_most: int


def least(events: Sequence[EventType.ValueType], stages: int) -> int:
    """Start 5, activity 6, local activity 1, timer fired 5 or cancelled 2, signal 4 (the start signal 1), update 5."""
    count, e = Counter(events), EventType
    started, fired = count[e.EVENT_TYPE_TIMER_STARTED], count[e.EVENT_TYPE_TIMER_FIRED]
    return (
        5
        + 6 * count[e.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
        + count[e.EVENT_TYPE_MARKER_RECORDED]
        + 5 * fired
        + 2 * (started - fired)
        + 4 * (count[e.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED] - 1)
        + 1
        + 5 * count[e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED]
        + min(stages, count[e.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES])
    )


def actions(events: Sequence[EventType.ValueType]) -> int:
    """Billable actions as Temporal counts them: start, activities, timers, messages, local activities, upserts.

    Local activities of one workflow task count as one together, so this is the most that it can be.
    """
    count, e = Counter(events), EventType
    return sum(
        count[kind]
        for kind in (
            e.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
            e.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
            e.EVENT_TYPE_MARKER_RECORDED,
            e.EVENT_TYPE_TIMER_STARTED,
            e.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
            e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
            e.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        )
    )


async def paid_after_yellow(world: World) -> Case:
    """Served the yellow notice, paid."""
    case = await world.open()
    await case.deliver("yellow")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    return case


async def paid_after_red(world: World) -> Case:
    """Served both notices, paid."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    return case


async def cut_and_restored(world: World) -> Case:
    """Cut, paid three hours later, restored."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    return case


async def cut_and_restored_with_an_exception(world: World) -> Case:
    """Cut, paid, a delay declared, restored."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.ticket("restore")
    await case.pass_time(hours=13)
    told = (await case.now()).isoformat()
    await case.update(
        "declare_delay",
        "team_leader",
        reason="storm",
        customer_told_at=told,
        customer_told_how="phone",
        leader="centre director Li",
        leader_told_at=told,
    )
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    return case


PATHS = {
    "paid after yellow": Path(paid_after_yellow, 2, 60),
    "paid after red": Path(paid_after_red, 3, 100),
    "cut and restored": Path(cut_and_restored, 7, 200),
    "with an exception": Path(cut_and_restored_with_an_exception, 7, 220),
}
A_FURTHER_ATTEMPT = 90


async def a_further_attempt(world: World) -> int:
    """The events of a second attempt, from its red notice to the next; the first slipped: customer not notified."""
    case = await world.open()
    await case.to_half_hour()
    first = await case.cut_time()
    await case.until(first + SOON)
    await case.becomes(lambda s: s["planned_cut_at"] > first.isoformat(), "a second red notice")
    before = len(await case.events())
    red = await case.notice("red")
    await case.deliver("red")
    await case.approve()
    await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.until(await case.cut_time() + SOON)
    await case.becomes(lambda s: s["planned_cut_at"] > red["cut_at"], "a third red notice")
    return len(await case.events()) - before
