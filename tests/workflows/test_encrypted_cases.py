"""Cases whose payloads are encrypted: a whole life, and everything that nobody with the key has sent is refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, SearchAttributes
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from client.converter import encrypting
from client.payload_codec import ENCODING, KEY_ID
from composition.serving import WORKFLOWS, make_worker, sandbox
from composition.settings.model import Settings
from domain.contract.tables import SIGNALS, UPDATES
from tests.fuzz.hostile import sample
from tests.moratorium.reaching import HERE, open_town
from tests.support.sealing import NAMESPACE, client_with, codec, forging, holding, key, plain
from tests.support.world import Case, World, running_world
from tests.workflows.test_daily_sweep import sweep


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of its own, with encryption on."""
    async with running_world(tmp_path_factory.mktemp("encrypted"), payload_keys=key("k1")) as running:
        yield running


def payloads(message: Message) -> Iterator[tuple[str, Payload]]:
    """Every payload in a message of Temporal's, with where it lies; search attributes are never encrypted."""
    for field, value in message.ListFields():
        if field.message_type is None or isinstance(value, SearchAttributes):
            continue
        for name, part in _parts(field, value):
            if isinstance(part, Payload):
                yield name, part
            elif isinstance(part, Message):
                yield from ((f"{name}.{where}", found) for where, found in payloads(part))


def _parts(field: Any, value: Any) -> list[tuple[str, Any]]:
    if field.message_type.GetOptions().map_entry:
        return [(f"{field.name}[{k}]", value[k]) for k in value]
    return [(field.name, part) for part in (value if field.is_repeated else [value])]


def found_in(history: WorkflowHistory) -> list[tuple[str, Payload]]:
    """Every payload of a history, less what the SDK's core notes of a local activity: its number, type and times."""
    found = [(where, p) for event in history.events for where, p in payloads(event)]
    return [(where, p) for where, p in found if where != "marker_recorded_event_attributes.details[data].payloads"]


async def in_clear(case: Case) -> set[str]:
    """Where the case's history holds a payload that is not encrypted, but for the names of the program's changes."""
    history = await case.handle.fetch_history()
    found = found_in(history)
    assert len(found) > 10, "a history without payloads proves nothing"
    return {where for where, p in found if p.metadata.get("encoding") != ENCODING and "[patch-data]" not in where}


async def test_a_case_lives_and_ends_and_its_history_holds_nothing_in_clear(world: World) -> None:
    case = await world.open(amount="200.00")
    await case.to_cut()
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    assert await in_clear(case) == set()


async def test_an_encrypted_life_replays(world: World) -> None:
    case = await world.open()
    await case.to_red()
    assert world.settings.payload_codec is not None
    replayer = Replayer(
        workflows=WORKFLOWS,
        namespace=NAMESPACE,
        data_converter=encrypting(world.settings.payload_codec),
        workflow_runner=sandbox(strict=True),
    )
    await replayer.replay_workflow(await case.handle.fetch_history())


async def test_a_worker_that_starts_afresh_reads_what_was_encrypted_before(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await world.restart_worker()
    assert (await case.to_red_from_served_yellow())["kind"] == "red"


async def test_refusals_come_back_whole_and_pass_in_cipher(world: World) -> None:
    """The sentence and the trace of a refusal are encrypted as well; its type alone stands in clear."""
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await case.handle.execute_update("withdraw", sample(UPDATES["withdraw"].payload))
    refusal = caught.value.cause
    assert isinstance(refusal, ApplicationError)
    assert (refusal.type, refusal.details[0]["field"]) == ("NotAllowed", "actor.role")
    assert "centre_director" in refusal.message
    history = (await case.handle.fetch_history()).to_json()
    assert "Encoded failure" in history
    assert "centre_director" not in history


async def test_a_sweep_goes_on_from_page_to_page_and_cases_believe_it(world: World, tmp_path: Path) -> None:
    """Its own progress crosses to the next run in cipher; what it asks of a case is encrypted for that case."""
    async with world.apart(tmp_path) as utility:
        paid, other = await utility.open(), await utility.open()
        for case in (paid, other):
            await case.recorded("notice.issued")
        await paid.pay("200.00", reported=False)
        done = (await sweep(utility, page_size=1)).done
        assert (done["counted"], done["signalled"], done["pages"]) == (2, 1, 3)
        assert (await paid.result())["outcome"] == "settled"
        assert await in_clear(paid) == set()


def forgeries(name: str, case: Case) -> dict[str, Payload]:
    """What somebody without the key, or with letters of another case, can put into a message."""
    [letter] = plain(sample((SIGNALS | UPDATES)[name].payload))
    altered = codec("k1", workflow_id=case.handle.id).seal(letter)
    altered.data = altered.data[:-1] + bytes([altered.data[-1] ^ 1])
    return {
        "in clear": letter,
        "of another case": codec("k1", workflow_id="arrears-other").seal(letter),
        "of another namespace": codec("k1", workflow_id=case.handle.id, namespace="elsewhere").seal(letter),
        "under a foreign key": codec("k9", workflow_id=case.handle.id).seal(letter),
        "altered": altered,
        "empty": Payload(metadata={"encoding": ENCODING, KEY_ID: b"k1"}),
    }


async def test_no_forged_signal_is_believed_and_each_is_noted(world: World) -> None:
    """Neither believed nor able to hold up the case: ignored, with a sentence, as evidence."""
    case = await world.open()
    await case.recorded("notice.issued")
    before, sent = await case.snapshot(), 0
    for name in SIGNALS:
        for forged in forgeries(name, case).values():
            await forging(world.client, "k1").get_workflow_handle(case.handle.id).signal(name, RawValue(forged))
            sent += 1
    noted = await case.recorded("message.ignored", sent)
    assert len(noted) == sent
    sentences = {e.detail["reason"] for e in noted}
    assert all("encrypted" in sentence for sentence in sentences), sentences
    after = await case.snapshot()
    unchanged = ("stage", "owed", "bills", "notices", "holds", "incidents", "tickets")
    assert {k: after[k] for k in unchanged} == {k: before[k] for k in unchanged}
    assert (await case.deliver("yellow"))["served"], "the case goes on"


async def test_no_forged_update_is_believed_and_none_leaves_an_event(world: World) -> None:
    """BadRequest, refused in the validator."""
    case = await world.open()
    await case.recorded("notice.issued")
    await asyncio.sleep(0.3)
    before = len(await case.events())
    for name in UPDATES:
        for what, forged in forgeries(name, case).items():
            refusal = await raw_update(case, name, forged)
            assert refusal.type == "BadRequest", (name, what)
            assert "encrypted" in refusal.message, (name, what)
    assert len(await case.events()) == before


async def test_a_letter_moved_from_another_case_is_refused(world: World) -> None:
    """Taken from the history of one account, sent to another: the very bytes a reader's delivery once was."""
    one, other = await world.open(), await world.open()
    await one.deliver("yellow")
    await other.notice("yellow")
    accepted = [e.workflow_execution_update_accepted_event_attributes async for e in one.handle.fetch_history_events()]
    [taken] = next(a for a in accepted if a.accepted_request.input.name).accepted_request.input.args.payloads
    refusal = await raw_update(other, "record_delivery", taken)
    assert (refusal.type, "another workflow" in refusal.message) == ("BadRequest", True)


async def test_a_forged_start_opens_no_case(world: World) -> None:
    account = await world.customer()
    await world.bill(account)
    stranger = holding(world.client)
    handle = await stranger.start_workflow(
        "ArrearsCase", {"account_id": account}, id=f"arrears-{account}", task_queue=world.settings.task_queue
    )
    seen = world.client.get_workflow_handle(handle.id)
    closed = await asyncio.wait_for(seen.result(), 20)
    assert closed["outcome"] == "withdrawn"
    assert "not encrypted" in closed["reason"]


async def test_who_has_no_key_reads_nothing(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(Exception, match="encrypted"):
        await holding(world.client).get_workflow_handle(case.handle.id).query("snapshot")


async def test_keys_rotate_under_a_running_case(world: World) -> None:
    """One step after the other: every reader gets the new key, then it comes first, then the old one goes."""
    queue = world.settings.model_copy(update={"task_queue": "rotation"})
    opened = await open_by(world, holding(world.client, "k1"), queue)
    async with make_worker(holding(world.client, "k1"), world.parts, queue):
        await Case(world, *opened).notice("yellow")
    async with make_worker(holding(world.client, "k1", "k2"), world.parts, queue):  # reads the new one, writes the old
        await signal_by(holding(world.client, "k1"), opened, "q-1")
        await signal_by(holding(world.client, "k2", "k1"), opened, "q-2")
    async with make_worker(holding(world.client, "k2", "k1"), world.parts, queue):  # writes the new one
        case = Case(world, opened[0], holding(world.client, "k2").get_workflow_handle(opened[1].id))
        assert (await case.deliver("yellow"))["served"]
        assert len(await case.recorded("message.refused", 0)) == len(await case.evidence("message.ignored")) == 0
    history = await case.handle.fetch_history()
    written = [p.metadata[KEY_ID] for _, p in found_in(history)]
    assert (written[0], written[-1]) == (b"k1", b"k2")


async def test_a_key_taken_out_too_early_stops_the_case_until_it_is_back(world: World) -> None:
    """Nothing is lost by it and nothing done on half a history; the case goes on when the key is back."""
    queue = world.settings.model_copy(update={"task_queue": "key-lost"})
    opened = await open_by(world, holding(world.client, "k1"), queue)
    case = Case(world, *opened)
    async with make_worker(holding(world.client, "k1"), world.parts, queue):
        await case.notice("yellow")
    async with make_worker(holding(world.client, "k2"), world.parts, queue):
        await signal_by(holding(world.client, "k2"), opened, "q-1")
        await asyncio.sleep(1)
        assert (await case.handle.describe()).status == WorkflowExecutionStatus.RUNNING
    async with make_worker(holding(world.client, "k2", "k1"), world.parts, queue):
        served = Case(world, opened[0], holding(world.client, "k2", "k1").get_workflow_handle(opened[1].id))
        assert (await served.deliver("yellow"))["served"]


async def test_plain_payloads_are_believed_while_the_setting_says_so(world: World) -> None:
    """How encryption is switched on under open cases: they go on, and all that is new is encrypted."""
    queue = world.settings.model_copy(update={"task_queue": "switching"})
    opened = await open_by(world, holding(world.client), queue)
    async with make_worker(holding(world.client), world.parts, queue):
        plain_case = Case(world, opened[0], holding(world.client).get_workflow_handle(opened[1].id))
        await plain_case.notice("yellow")
    lenient = queue.model_copy(update={"payload_plain": "accept"}).payload_codec
    assert lenient is not None
    client = client_with(world.client, lenient)
    async with make_worker(client, world.parts, queue):
        case = Case(world, opened[0], client.get_workflow_handle(opened[1].id))
        assert (await case.deliver("yellow"))["served"]
    written = [p.metadata["encoding"] for _, p in found_in(await case.handle.fetch_history())]
    assert (written[0], written[-1]) == (b"json/plain", ENCODING)


async def open_by(world: World, client: Client, settings: Settings) -> tuple[str, WorkflowHandle[Any, Any]]:
    """An overdue account and its case, opened by that client."""
    account = await world.customer()
    await world.bill(account)
    handle: WorkflowHandle[Any, Any] = await client.start_workflow(
        "ArrearsCase", {"account_id": account}, id=f"arrears-{account}", task_queue=settings.task_queue
    )
    return account, handle


async def signal_by(client: Client, opened: tuple[str, WorkflowHandle[Any, Any]], request: str) -> None:
    """Somebody asks the case to check again."""
    message = {"request_id": request, "source": "operator"}
    await client.get_workflow_handle(opened[1].id).signal("recheck_requested", message)


async def raw_update(case: Case, name: str, payload: Payload) -> ApplicationError:
    """The refusal of an update whose payload is sent as it is."""
    handle = forging(case.world.client, "k1").get_workflow_handle(case.handle.id)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(name, RawValue(payload))
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause


async def test_a_moratorium_notifies_each_case_in_its_own_cipher(world: World, tmp_path: Path) -> None:
    """One batch of signals could be encrypted for one case only; so each is signalled by itself, and believes it."""
    async with world.apart(tmp_path, payload_keys=key("k1")) as utility:
        town = await open_town(utility, tmp_path, 5, 2)
        order = ("--scope", "region", "--value", HERE, "--reason", "x", "--by", "c-001", "--id", "m-sealed")
        told = await town.command("declare", *order, ARREARS_PAYLOAD_KEYS=key("k1"))
        assert (told["batch"]["state"], told["signalled"], told["confirmed"]) == ("not_run", 5, 5)
        reached = await town.reached("m-sealed")
        assert (reached.held, reached.others_signalled, reached.others_held) == (5, 0, 0)
