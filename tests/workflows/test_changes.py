"""Changes of the procedure made with `workflow.patched`: cases opened before one go on by it, and finish."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from temporalio import workflow

from tests.support.world import Case, World, running_world
from workflows.billing_desk import ASKED_AT_ONCE


async def activities(case: Case) -> Counter[str]:
    """How often the history has each activity, and the mark of each change."""
    names: Counter[str] = Counter()
    async for event in case.handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            names[event.activity_task_scheduled_event_attributes.activity_type.name] += 1
        if event.HasField("marker_recorded_event_attributes"):
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == "core_patch":
                names[json.loads(marker.details["patch-data"].payloads[0].data)["id"]] += 1
    return names


@pytest.mark.parametrize("cut_by", ["the old worker", "the new worker"])
async def test_a_case_opened_before_the_change_finishes_after_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, cut_by: str
) -> None:
    """R-22: the old worker asked billing by an activity. What it did is replayed; who was cut off by then stays with
    its way to the end, and who was not yet is asked for at once."""
    async with running_world(tmp_path_factory.mktemp("change")) as world:
        case = await world.open()
        with monkeypatch.context() as before:
            before.setattr(workflow, "patched", lambda _: False)
            ticket = await case.to_window()
            if cut_by == "the old worker":
                await cut(case, ticket)
                await case.pay("50.00")
                await case.becomes(lambda s: s["owed"] == "150.00")
            await world.stop_worker()
        asked = (await activities(case))["read_debt"]
        await world.start_worker()
        if cut_by == "the new worker":
            await cut(case, ticket)
            await case.pay("50.00")
        await case.pay("150.00")
        await case.restore()
        assert (await case.result())["outcome"] == "restored"
        after = await activities(case)
        old_way = cut_by == "the old worker"
        assert (after["read_debt"] > asked, after[ASKED_AT_ONCE]) == (old_way, 0 if old_way else 1)


async def cut(case: Case, ticket: dict[str, Any]) -> None:
    """The crew asks for its permit and cuts."""
    permit = await case.permit(ticket)
    report = {"permit_id": permit["permit_id"], "meter_id": ticket["meter_id"]}
    assert await case.update("report_cut", "field_crew", **report) == {"lawful": True}
    await case.in_stage("disconnected")


async def test_billing_that_does_not_answer_at_once_is_asked_for_as_long_as_it_takes(world: World) -> None:
    """R-22: the question in the workflow task is a short cut, not another way to give up."""
    case = await world.open()
    await case.to_cut()
    before = (await activities(case))["read_debt"]
    await case.pay("200.00", reported=False)
    await world.outage()
    try:
        await case.signal("payment_received", payment_id="P-told", amount="200.00")
        for _ in range(200):
            if asked_by_activity := (await activities(case))["read_debt"] > before:
                break
            await asyncio.sleep(0.05)
    finally:
        await world.billing_back()
    assert asked_by_activity
    await case.ticket("restore")
