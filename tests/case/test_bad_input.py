"""No message, however malformed, can fail or wedge a case: each is refused by name, or ignored and noted."""

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from domain.messages import SIGNALS, UPDATES
from tests.world import PEOPLE, UNIT, Case, World, running_world

TIME = "2026-10-25T09:00:00+08:00"
VALID: dict[str, Any] = {
    "event_id": "e-1",
    "account_id": "A-1",
    "bill_id": "b-1",
    "amount": "10.00",
    "due_date": "2026-10-25",
    "payment_id": "p-1",
    "paid_at": TIME,
    "channel": "app",
    "reason": "because",
    "at": TIME,
    "request_id": "q-1",
    "source": "operator",
    "hold_id": "h-1",
    "kind": "other",
    "until": "2026-12-01",
    "actor": PEOPLE["reader"],
    "report_id": "r-1",
    "meter_id": "m-1",
    "reported_by": "neighbour",
    "notice_id": "n-1",
    "outcome": "signed",
    "delivered_at": TIME,
    "recipient": "customer",
    "refusal": {"place": "p", "persons": ["x"], "words": "w", "evidence": "e"},
    "escalation_id": "x-1",
    "remark": "seen",
    "decision": "approved",
    "purpose": "filing",
    "reference": "2026-1",
    "authority": "bureau",
    "ticket_id": "t-1",
    "told_at": TIME,
    "how": "phone",
    "permit_id": "k-1",
    "meter_reading": "123",
    "confirmed": True,
    "substitute_named_by": PEOPLE["team_leader"],
    "customer_told_at": TIME,
    "customer_told_how": "phone",
    "leader": "director Li",
    "leader_told_at": TIME,
    "promise_id": "p-1",
    "plan_id": "l-1",
    "instalments": [{"due": "2026-12-01", "amount": "10.00"}],
    "role": "reader",
    "to": "r-2",
    "incident_id": "i-1",
}
NOT_TEXT = ("amount", "until", "at", "due_date", "paid_at", "told_at", "instalments")
HUGE = "x" * 100_000
WRONG: tuple[Any, ...] = (None, 7, -1.5, True, [], {}, "", HUGE, "\x00", "NaN", float("nan"))


def payload_of(name: str) -> dict[str, Any]:
    """A well-formed payload of that message."""
    model = (SIGNALS | UPDATES)[name].payload
    given = {field: VALID[field] for field in model.model_fields}
    if name == "hold_placed":
        given["until"] = TIME
    if name == "supply_found_cut":
        given["source"] = "hotline"
    if name == "request_restoration":
        given["source"] = "hotline"
    if name == "close_incident":
        given["outcome"] = "explained"
    return given


def malformed(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Each required field missing, and each field with each wrong value that its type cannot take."""
    model, good = (SIGNALS | UPDATES)[name].payload, payload_of(name)
    cases = []
    for field, info in model.model_fields.items():
        if info.is_required():
            cases.append((field, {k: v for k, v in good.items() if k != field}))
        for wrong in WRONG:
            if wrong is True and field == "confirmed":
                continue
            if field == "meter_reading" and wrong == 7:  # a reading may come as a number
                continue
            if wrong is None and not info.is_required():
                continue
            if wrong == {} and field == "refusal":  # well-formed but empty: MissingEvidence
                continue
            if wrong == "NaN" and field not in NOT_TEXT:
                continue
            cases.append((field, {**good, field: wrong}))
    return cases


async def refusal_of(case: Case, name: str, *args: Any) -> ApplicationError:
    """The refusal of an update sent with these arguments."""
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await case.handle.execute_update(name, args=list(args))
    assert isinstance(failure.value.cause, ApplicationError), failure.value.cause
    return failure.value.cause


@pytest.mark.parametrize("name", sorted(UPDATES))
async def test_a_malformed_update_is_refused_by_its_field_and_leaves_no_event(world: World, name: str) -> None:
    case = await quiet_case(world)
    before = len(await case.events())
    gate = asyncio.Semaphore(8)

    async def refused(field: str, payload: dict[str, Any]) -> None:
        async with gate:
            refusal = await refusal_of(case, name, payload)
        assert refusal.type == "BadRequest", (field, str(payload)[:200], refusal)
        assert str(refusal.details[0]["field"]).split(".")[0] == field, (field, refusal.details)

    await asyncio.gather(*(refused(field, payload) for field, payload in malformed(name)))
    arguments: list[list[Any]] = [[], [None], [[]], ["text"], [7], [None, {}], [RawValue(Payload(data=b"\xff\x00{"))]]
    for args in arguments:
        assert (await refusal_of(case, name, *args)).type == "BadRequest"
    assert len(await case.events()) == before


@pytest.mark.parametrize("name", sorted(SIGNALS))
async def test_a_malformed_signal_is_ignored_and_noted(world: World, name: str) -> None:
    case = await quiet_case(world)
    stands = await case.snapshot()
    bad = malformed(name)[:24]
    for _, payload in bad:
        await case.handle.signal(name, payload)
    arguments: list[list[Any]] = [[], [None], [[]], ["text"], [None, {}], [RawValue(Payload(data=b"\xff\x00{"))]]
    for args in arguments:
        await case.handle.signal(name, args=args)
    noted = await eventually(case, len(bad) + len(arguments))
    assert {e.detail["message"] for e in noted} == {name}
    after = await case.snapshot()
    assert {k: after[k] for k in ("stage", "notices", "holds", "bills")} == {
        k: stands[k] for k in ("stage", "notices", "holds", "bills")
    }


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


async def test_a_flood_of_long_messages_before_darkness_wedges_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No worker for a while, and an integration that loops: more than a payload may hold, and the light comes back."""
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
        inbox = await asyncio.to_thread(world.parts.reader.inbox, UNIT)
        assert [t.ticket_id for t in inbox] == [ticket["ticket_id"]]
        failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        assert failed not in await case.events()


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
