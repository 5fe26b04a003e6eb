"""What a case costs in events: at most 1.10 of the least that Temporal needs for its path, and within fixed bounds."""

from collections import Counter
from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from tests.world import SOON, Case, World

STAGES_PASSED = {"paid after yellow": 2, "paid after red": 3, "cut and restored": 7, "with an exception": 7}


async def events_and_least(case: Case, stages: int) -> tuple[int, int]:
    """Events of the history, and the least: start 5, activity 6, local 1, timer fired 5 or cancelled 2, messages."""
    count = Counter(await case.events())
    e = EventType
    started, fired = count[e.EVENT_TYPE_TIMER_STARTED], count[e.EVENT_TYPE_TIMER_FIRED]
    least = (
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
    return sum(count.values()), least


async def assert_frugal(case: Case, path: str, at_most: int) -> None:
    """Within a tenth of the least, and within the bound."""
    events, least = await events_and_least(case, STAGES_PASSED[path])
    assert events <= at_most, f"{path}: {events} events, {at_most} allowed"
    assert events / least <= 1.10, f"{path}: {events} events, {least} would do ({events / least:.2f})"


async def test_paid_after_yellow_costs_sixty_events_at_most(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    await assert_frugal(case, "paid after yellow", 60)


async def test_paid_after_red(world: World) -> None:
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    await assert_frugal(case, "paid after red", 100)


async def test_cut_and_restored_costs_two_hundred_events_at_most(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await assert_frugal(case, "cut and restored", 200)


async def test_cut_and_restored_with_a_declared_delay(world: World) -> None:
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
    await assert_frugal(case, "with an exception", 220)


async def test_a_further_attempt_costs_ninety_events_at_most(world: World) -> None:
    """The first attempt slips because nobody told the customer; the second begins with a new red notice."""
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
    assert len(await case.events()) - before <= 90
