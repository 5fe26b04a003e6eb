"""No field of any message, whatever stands in it, wedges a case: refused by name, or ignored and noted (L9).

Each batch goes through a real server to a case in flight. Afterwards the case answers as before, no workflow task of
it has failed, and it can still be paid and closed. `make fuzz` sends everything, `make test` a fixed share.
"""

import asyncio
import json
import random
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from domain.case.start_and_result import CaseOpening
from domain.contract.tables import OPENING_SIGNALS, SIGNALS, UPDATES
from domain.vocabulary import Contract
from tests.fuzz.hostile import GOOD_POLICY, LONG_RUN, Slot, Spoiled, sample, slots, spoiled
from tests.support.world import Case, World

AT_ONCE = 8  # the server takes ten updates of a case at a time, and a client tries an eleventh only so often
HEAVY = 500_000  # bytes: the server lets in few of these at a time
UPDATES_A_BATCH, SIGNALS_A_BATCH, STARTS = (100_000, 100_000, 100_000) if LONG_RUN else (30, 15, 60)
_T = TypeVar("_T")

JSON = {"encoding": b"json/plain"}
ONE_FIELD_TWICE = b'{"ticket_id": "t-1", "ticket_id": {}, "payment_id": "p", "payment_id": 7, "actor": {}, "actor": 7}'
STRANGE: dict[str, Payload] = {
    "no metadata": Payload(data=b"{}"),
    "no data": Payload(metadata=JSON),
    "no encoding": Payload(metadata={"nothing": b"1"}, data=b"{}"),
    "an encoding nobody knows": Payload(metadata={"encoding": b"json/fancy"}, data=b"{}"),
    "an encoding that is no text": Payload(metadata={"encoding": b"\xff\xfe"}, data=b"{}"),
    "plain bytes": Payload(metadata={"encoding": b"binary/plain"}, data=b"\x00\xff"),
    "null": Payload(metadata={"encoding": b"binary/null"}),
    "protobuf": Payload(
        metadata={"encoding": b"binary/protobuf", "messageType": b"no.such.Type"}, data=b"\x08\x96\x01"
    ),
    "protobuf as JSON": Payload(metadata={"encoding": b"json/protobuf", "messageType": b"no.such.Type"}, data=b"{}"),
    "encrypted by nobody": Payload(metadata={"encoding": b"binary/encrypted", "key-id": b"k"}, data=b"\x00" * 64),
    "bytes that are no UTF-8": Payload(metadata=JSON, data=b'{"actor": "\xff\xfe"}'),
    "UTF-16": Payload(metadata=JSON, data='{"actor": 1}'.encode("utf-16")),
    "GB18030": Payload(metadata=JSON, data='{"actor": "王"}'.encode("gb18030")),
    "half a surrogate pair": Payload(metadata=JSON, data=b'{"actor": {"id": "\\ud800"}}'),
    "cut short": Payload(metadata=JSON, data=b'{"actor": {"id": "r-'),
    "two objects": Payload(metadata=JSON, data=b"{}{}"),
    "one field twice": Payload(metadata=JSON, data=ONE_FIELD_TWICE),
    "nested deeply": Payload(metadata=JSON, data=b'{"actor": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nested deeply and never closed": Payload(metadata=JSON, data=b'{"a": ' * 100_000),
    "a number of ten thousand digits": Payload(metadata=JSON, data=b'{"actor": ' + b"9" * 10_000 + b"}"),
    "a megabyte of nothing": Payload(metadata=JSON, data=b" " * 1_000_000 + b"{}"),
    "a list": Payload(metadata=JSON, data=b"[{}]"),
    "a number": Payload(metadata=JSON, data=b"1e999"),
    "not a number": Payload(metadata=JSON, data=b"NaN"),
}


def share(items: Sequence[_T], at_most: int) -> list[_T]:
    """All of them, or so many, drawn as ever."""
    return list(items) if len(items) <= at_most else random.Random(20_261_025).sample(items, at_most)


def wrong_messages(model: type[Contract]) -> list[Spoiled]:
    return list(spoiled(model, sample(model)))


@pytest.mark.parametrize("name", sorted(UPDATES | SIGNALS))
def test_a_message_with_every_field_filled_in_is_well_formed(name: str) -> None:
    """Else what follows would be refused for another reason."""
    model = (UPDATES | SIGNALS)[name].payload
    model.model_validate(sample(model))
    assert {slot.path[0] for slot in slots(model)} == set(model.model_fields)


@pytest.mark.parametrize("names", [sorted(UPDATES)[n::4] for n in range(4)], ids=" ".join)
async def test_every_field_of_an_update_is_refused_by_its_name(world: World, names: list[str]) -> None:
    case = await in_flight(world)
    before, events = await case.snapshot(), len(await case.events())

    async def refused(name: str, body: bytes, wrong: Slot, what: str) -> None:
        refusal = await refusal_of(case, name, Payload(metadata=JSON, data=body))
        assert refusal.type == "BadRequest", (name, what, refusal)
        named = str(refusal.details[0].get("field"))
        assert named == wrong.name or named.startswith(f"{wrong.name}."), (name, what, refusal.message)

    async def refused_whole(name: str, what: str, payload: Payload) -> None:
        assert (await refusal_of(case, name, payload)).type == "BadRequest", (name, what)

    sendings: list[tuple[int, Coroutine[Any, Any, None]]] = []
    for name in names:
        sent = share(wrong_messages(UPDATES[name].payload), UPDATES_A_BATCH)
        sendings += [(len(w.body), refused(name, w.body, w.slot, str(w))) for w in sent]
        sendings += [(len(payload.data), refused_whole(name, what, payload)) for what, payload in STRANGE.items()]
    await at_once([sending for size, sending in sendings if size < HEAVY])
    for sending in (sending for size, sending in sendings if size >= HEAVY):
        await sending
    assert len(await case.events()) == events, "a refusal of form leaves no event"
    await assert_unharmed(case, before)


@pytest.mark.parametrize("names", [sorted(SIGNALS)[n::2] for n in range(2)], ids=" ".join)
async def test_every_field_of_a_signal_is_noted_by_its_name(world: World, names: list[str]) -> None:
    case = await in_flight(world)
    before = await case.snapshot()
    sent = [(name, w) for name in names for w in share(wrong_messages(SIGNALS[name].payload), SIGNALS_A_BATCH)]
    for name, wrong in sent:
        await case.handle.signal(name, RawValue(Payload(metadata=JSON, data=wrong.body)))
    noted = await case.recorded("message.ignored", len(sent))
    for (name, wrong), note in zip(sent, noted, strict=True):
        assert note.detail["message"] == name
        assert note.detail["reason"].startswith(wrong.slot.name), (name, str(wrong), note.detail["reason"])
    strange = [(name, payload) for name in names for payload in STRANGE.values()]
    for name, payload in strange:
        await case.handle.signal(name, RawValue(payload))
    everything = len(sent) + len(strange)
    assert len(await case.recorded("message.ignored", everything)) == everything
    await assert_unharmed(case, before)


LEARNED_LATE = {
    "case_key": "c-1",
    "cut_id": "c-1/cut/1",
    "meter_id": "M-1",
    "cut_at": "2026-10-20T09:05:00+08:00",
    "settled_at": "2026-10-19T18:00:00+08:00",
}
"""What a case for the incident alone starts with (R-25)."""


async def test_a_start_with_any_field_spoiled_closes_withdrawn_and_says_which(world: World) -> None:
    """The frozen policy stands in the start input: each of its keys too."""
    account = await world.customer()
    await world.bill(account)
    good = {"account_id": account, "policy": GOOD_POLICY, "resumed": None, "paid_before_cut": LEARNED_LATE}
    inside = list(spoiled(CaseOpening, good, whole=("resumed",)))

    async def withdrawn(number: int, payload: Payload, field: str) -> None:
        handle = await world.client.start_workflow(
            "ArrearsCase",
            RawValue(payload),
            id=f"arrears-{account}-{number}",
            task_queue=world.settings.task_queue,
        )
        closed = await asyncio.wait_for(handle.result(), 60)
        assert closed["outcome"] == "withdrawn"
        assert closed["reason"].startswith(field), (field, closed)
        assert not await failed_tasks(Case(world, account, handle))

    starts = [(Payload(metadata=JSON, data=w.body), w.slot.name) for w in share(inside, STARTS)]
    starts += [(strange, "") for strange in STRANGE.values()]
    await at_once([withdrawn(n, payload, field) for n, (payload, field) in enumerate(starts)])


@pytest.mark.parametrize("name", OPENING_SIGNALS)
async def test_a_case_opened_by_a_spoiled_signal_is_an_ordinary_case(world: World, name: str) -> None:
    """Signal-with-start: the start is good, what came with it is ignored and noted."""
    wrong = share(wrong_messages(SIGNALS[name].payload), 4)

    async def opened(spoilt: Payload) -> None:
        case = await world.open(signal=name, payload=RawValue(spoilt))
        assert (await case.notice("yellow"))["state"] == "to_deliver"
        assert [e.detail["message"] for e in await case.recorded("message.ignored")] == [name]
        assert not await failed_tasks(case)

    await at_once([opened(Payload(metadata=JSON, data=w.body)) for w in wrong])
    await at_once([opened(STRANGE[what]) for what in ("no metadata", "plain bytes", "cut short")])


@pytest.mark.parametrize("what", sorted({*STRANGE} - {"one field twice", "a megabyte of nothing"}))  # empty inputs
async def test_a_sweep_started_with_what_is_no_input_fails_and_says_so(world: World, what: str) -> None:
    """Else it would hang, and with it every sweep after it: one runs at a time (R-23)."""
    handle = await world.client.start_workflow(
        "DailySweep", RawValue(STRANGE[what]), id=f"sweep-{what}", task_queue=world.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(handle.result(), 20)
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "BadRequest"


@pytest.mark.parametrize("megabytes", [1.6, 2.2, 3.9, 5.0])
async def test_what_is_too_large_for_any_message_never_reaches_the_case(world: World, megabytes: float) -> None:
    """A photograph in the evidence of a refusal: of more than 2 MB it would get the case stuck for good."""
    case = await in_flight(world)
    before, events = await case.snapshot(), len(await case.events())
    photograph = RawValue(body_of({"refusal": {"evidence": "x" * int(megabytes * 1_000_000)}}))
    with pytest.raises((RPCError, WorkflowUpdateRPCTimeoutOrCancelledError)):
        await asyncio.wait_for(case.handle.execute_update("record_delivery", photograph), 2)
    assert len(await case.events()) == events
    await assert_unharmed(case, before)


# ---- whatever comes ---------------------------------------------------------------------------

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BYTES = st.builds(
    lambda encoding, data: Payload(metadata={"encoding": encoding}, data=data),
    st.sampled_from([b"json/plain", b"binary/plain", b"json/protobuf", b"binary/protobuf", b"", b"\xff"]),
    st.binary(max_size=200),
)


@settings(
    max_examples=400 if LONG_RUN else 8,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    stranges=st.lists(st.tuples(st.sampled_from(sorted(UPDATES | SIGNALS)), BYTES | ANYTHING), min_size=8, max_size=24)
)
async def test_whatever_is_sent_the_case_goes_on(world: World, stranges: list[tuple[str, Any]]) -> None:
    """Anything at all, many at once: every update gets an answer of the contract, and the case is as it was."""
    case = await in_flight(world)
    before = await case.snapshot()

    async def send(name: str, value: Any) -> None:
        payload = value if isinstance(value, Payload) else body_of(value)
        if name in SIGNALS:
            await case.handle.signal(name, RawValue(payload))
        else:
            assert (await refusal_of(case, name, payload)).type == "BadRequest"

    await at_once([send(name, value) for name, value in stranges])
    await assert_unharmed(case, before)


# ---- shared -----------------------------------------------------------------------------------


def body_of(value: Any) -> Payload:
    return Payload(metadata=JSON, data=json.dumps(value, allow_nan=True).encode())


async def in_flight(world: World) -> Case:
    """A case that waits for its yellow notice to be delivered, and has nothing else to do."""
    case = await world.open()
    await case.notice("yellow")
    await case.recorded("notice.issued")
    for _ in range(400):
        if (await case.events())[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            break
        await asyncio.sleep(0.05)
    return case


async def refusal_of(case: Case, name: str, payload: Payload) -> ApplicationError:
    """The refusal of an update sent with this payload."""
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await case.handle.execute_update(name, RawValue(payload))
    assert isinstance(failure.value.cause, ApplicationError), failure.value.cause
    return failure.value.cause


async def at_once(sendings: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Many in flight at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(sending: Coroutine[Any, Any, None]) -> None:
        async with gate:
            await sending

    await asyncio.gather(*(one(sending) for sending in sendings))


async def failed_tasks(case: Case) -> list[EventType.ValueType]:
    """Workflow tasks that failed: a case that has one is wedged, or was."""
    bad = (EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
    return [event for event in await case.events() if event in bad]


async def assert_unharmed(case: Case, before: dict[str, Any]) -> None:
    """The case answers as before, was never wedged, and is paid and closed like any other."""
    assert await case.snapshot() == before
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    assert not await failed_tasks(case)
