"""Reports about a meter that the case does not know: what copies cost, and from when each thing counts (R-31, R-32)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.support.silent_records import SilentRecords
from tests.support.world import World
from tests.workflows.test_asked_again import costs, off, yellow
from tests.workflows.test_record_read import found_cut, opened

NEXT_DOOR = "M-next-door"


@pytest.mark.parametrize("stage", ["yellow", "off"])
@pytest.mark.parametrize("known", [False, True], ids=["first", "again"])
async def test_a_hundred_reports_of_a_neighbours_meter_at_once_cost_few_questions(
    world: World, stage: str, known: bool
) -> None:
    case = await world.open()
    await {"yellow": yellow, "off": off}[stage](case)
    if known:
        await found_cut(case, NEXT_DOOR)
        await case.recorded("cut.found")
    await case.at_rest()
    before = len(await case.events())
    await asyncio.gather(*(found_cut(case, NEXT_DOOR) for _ in range(100)))
    await case.recorded("cut.found")
    await case.pass_time(seconds=5)
    await case.at_rest()
    count, others = await costs(case, before)
    assert count["ACTIVITY_TASK_SCHEDULED"] + count["MARKER_RECORDED"] <= 8 + 2 * (not known), count  # and his ticket
    assert others < 60, count
    assert len((await case.snapshot())["incidents"]) == 1


async def test_reports_of_a_neighbours_meter_a_minute_apart_cost_five_events_each_at_most(world: World) -> None:
    case = await world.open()
    await yellow(case)
    await found_cut(case, NEXT_DOOR)
    await case.recorded("cut.found")
    await case.at_rest()
    await case.pass_time(minutes=1)
    before = len(await case.events())
    for _ in range(20):
        await found_cut(case, NEXT_DOOR)
        await case.at_rest()
        await case.pass_time(minutes=1)
    count, others = await costs(case, before)
    assert others <= 5 * 20, count


async def test_a_permit_is_revoked_when_the_report_is_judged_and_the_hours_run_from_its_arrival(world: World) -> None:
    """R-18, R-25: a crew that cut while the record was being read had a live permit."""
    silent = SilentRecords.over(world.parts.book)
    async with world.beside(billing=silent) as asking:
        case = await opened(world, asking)
        ticket = await case.to_window()
        permit = await case.permit(ticket)
        assert permit["granted"]
        silent.silent.set()
        came = await case.now()
        await found_cut(case, NEXT_DOOR)
        for _ in range(10):
            await case.pass_time(seconds=2)
        await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
        [revoked] = await case.recorded("permit.revoked")
        assert revoked.recorded_at > came + timedelta(seconds=6)
        at = (came + timedelta(seconds=5)).isoformat()
        answer = await case.update(
            "report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"], at=at
        )
        assert answer == {"lawful": True}
        due = datetime.fromisoformat((await case.snapshot())["restore_due_by"])
        assert timedelta() <= due - came - timedelta(hours=24) < timedelta(seconds=2)
        silent.silent.clear()
