"""Messages without a payload or with two, unknown ones, forged starts: none fails or wedges a case.

What may stand in each field is tried in `tests/fuzz/test_messages.py`.
"""

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.contract.tables import SIGNALS, UPDATES
from tests.support.register_reading import WholeRegister
from tests.support.world import UNIT, Case, World, running_world


@pytest.mark.parametrize("arguments", [[], [None, {}], [{}, None]], ids=["none", "null and one more", "one too many"])
async def test_a_message_without_a_payload_or_with_two_is_refused_or_noted(world: World, arguments: list[Any]) -> None:
    case = await quiet_case(world)
    for name in UPDATES:
        with pytest.raises(WorkflowUpdateFailedError) as failure:
            await case.handle.execute_update(name, args=arguments)
        assert isinstance(failure.value.cause, ApplicationError)
        assert failure.value.cause.type == "BadRequest"
    for name in SIGNALS:
        await case.handle.signal(name, args=arguments)
    assert {e.detail["message"] for e in await eventually(case, len(SIGNALS))} == set(SIGNALS)


async def test_an_unknown_signal_is_noted_and_an_unknown_update_refused(world: World) -> None:
    case = await quiet_case(world)
    await case.handle.signal("self_destruct", {"now": True})
    assert (await eventually(case, 1))[0].detail["message"] == "self_destruct"
    with pytest.raises(WorkflowUpdateFailedError):
        await case.handle.execute_update("self_destruct", {})


@pytest.mark.parametrize(
    "opening",
    [None, [], "text", {}, {"account_id": 7}, {"account_id": "A-x", "policy": {"red_notice_days": 1}}],
    ids=["null", "list", "text", "empty", "number", "policy"],
)
async def test_a_bad_start_closes_withdrawn_with_the_reason(world: World, opening: Any) -> None:
    handle = await world.client.start_workflow(
        "ArrearsCase", opening, id=f"arrears-A-bad-{id(opening)}", task_queue=world.settings.task_queue
    )
    closed = await asyncio.wait_for(handle.result(), 20)
    assert closed["outcome"] == "withdrawn"
    assert closed["reason"]


async def test_a_start_with_two_arguments_takes_the_first(world: World) -> None:
    account = await world.customer()
    await world.bill(account)
    handle = await world.client.start_workflow(
        "ArrearsCase",
        args=[{"account_id": account}, {"surplus": 1}],
        id=f"arrears-{account}",
        task_queue=world.settings.task_queue,
    )
    assert (await Case(world, account, handle).notice("yellow"))["state"] == "to_deliver"


async def test_facts_brought_along_from_outside_are_not_believed(world: World) -> None:
    """Only a case that goes on in a new run brings its facts; a forged start opens an ordinary case."""
    account = await world.customer()
    await world.bill(account)
    facts = {"account_id": account, "resumed": {"stage": "final_half_hour"}}
    handle = await world.client.start_workflow(
        "ArrearsCase", facts, id=f"arrears-{account}", task_queue=world.settings.task_queue
    )
    closed = await asyncio.wait_for(handle.result(), 20)
    assert closed["outcome"] == "withdrawn"


async def quiet_case(world: World) -> Case:
    """A case that waits for its yellow notice to be delivered."""
    case = await world.open()
    await case.notice("yellow")
    for _ in range(200):
        events = await case.events()
        done = events.count(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
        if done == 2 and events[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            break
        await asyncio.sleep(0.05)
    assert events[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    return case


async def eventually(case: Case, count: int) -> list[Any]:
    """The notes of ignored messages, once there are as many."""
    for _ in range(200):
        noted = await case.evidence("message.ignored")
        if len(noted) >= count:
            break
        await asyncio.sleep(0.05)
    assert len(noted) == count
    return noted


async def test_a_flood_of_long_messages_before_a_found_cut_wedges_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No worker for a while, and an integration that loops: more than a payload may hold, and supply is restored."""
    async with running_world(tmp_path_factory.mktemp("flood")) as world:
        case = await world.open()
        await case.deliver("yellow")
        await case.recorded("notice.served")
        await world.stop_worker()
        for n in range(250):
            await case.signal("payment_received", payment_id=f"p-{n}", amount="0.01", channel="微" * 3_900)
        await case.signal(
            "supply_found_cut", report_id="f-1", meter_id=f"M-{case.account_id}", reported_by="n", source="95598"
        )
        await world.start_worker()
        ticket = await case.ticket("restore")
        assert len(await case.recorded("payment.hint", 250)) == 250
        inbox = await asyncio.to_thread(WholeRegister(world.parts.reader.engine).inbox, UNIT)
        assert [t.ticket_id for t in inbox] == [ticket["ticket_id"]]
        events = [event async for event in case.handle.fetch_history_events()]
        causes = {
            e.workflow_task_failed_event_attributes.cause
            for e in events
            if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        }
        # The server gives up a task that went to the worker that had just gone: it keeps back 100 events for one.
        assert causes <= {WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND}


@pytest.mark.parametrize("at", ["2000-01-01T00:00:00+14:00", "2299-12-31T23:59:00-12:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_on_the_edge_of_what_can_be_kept_is_refused_and_not_stored(world: World, at: str) -> None:
    """Kept in UTC it would lie in a year that is refused on reading, and nobody could list the cases any more."""
    case = await world.open()
    await case.notice("yellow")
    await case.signal(
        "supply_found_cut", report_id="f-1", meter_id=f"M-{case.account_id}", reported_by="n", source="95598", at=at
    )
    (noted,) = await case.recorded("message.ignored")
    assert "at: " in noted.detail["reason"]
    assert await asyncio.to_thread(world.parts.reader.list_cases)
