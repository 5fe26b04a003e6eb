"""A shell whose payload keys are not the worker's: one sentence and exit 3, before anything is sent or written."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, text
from temporalio.api.enums.v1 import EventType

from adapters.register.key_rings import ring_of_worker
from adapters.register.tables import TABLES
from adapters.sql.engine import reading, writing
from client import cases
from client.payload_codec import EncryptedPayloads
from client.payload_keys import PayloadKeysDiffer, newest_case
from composition.payload_keys import worker_ring
from composition.serving import make_worker
from console.serve import _Connection
from domain.contract.tables import UPDATES
from edge.session import Session
from tests.edge.commands.test_application import Cli, Ended, cli
from tests.fuzz.hostile import sample
from tests.support.programs import environment, program, until
from tests.support.sample_exports import write_sample
from tests.support.sealing import client_with, holding, key, ring
from tests.support.world import PEOPLE, Case, World, running_world

__all__ = ["cli"]  # the fixture

OTHER_BYTES = f"k1:{base64.b64encode(hashlib.sha256(b'another').digest()).decode()}"
SHELLS = {"none": "off", "another key": key("k2"), "another key of that name": OTHER_BYTES}


@pytest.fixture(scope="module")
async def sealed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A worker that encrypts by k1, and believes what is not encrypted, so that nothing is refused for being plain."""
    folder = tmp_path_factory.mktemp("sealed")
    async with running_world(folder, payload_keys=key("k1"), payload_plain="accept") as running:
        yield running


def shell(world: World, monkeypatch: pytest.MonkeyPatch, keys: str, **more: str) -> None:
    """The environment of a terminal with these keys."""
    for name, value in environment(world, ARREARS_PAYLOAD_KEYS=keys, **more).items():
        if name.startswith(("ARREARS_", "TEMPORAL_")):
            monkeypatch.setenv(name, value)


def nothing_sent(ended: Ended) -> None:
    """One sentence and 3."""
    assert (ended.code, ended.refusal["type"]) == (3, "PayloadKeysDiffer"), ended.err
    assert "nothing was sent" in ended.refusal["message"]
    assert "Traceback" not in ended.err


MESSAGES = (EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)


async def whole(case: Case) -> tuple[int, int]:
    """How many messages a case has had, and how much evidence it has left."""
    history = await case.handle.fetch_history()
    return sum(event.event_type in MESSAGES for event in history.events), len(await case.evidence())


@pytest.mark.parametrize("keys", SHELLS)
async def test_with_other_keys_than_the_workers_no_message_is_sent(
    sealed: World, cli: Cli, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    """Signals, updates and questions alike, to a case and to none."""
    case = await sealed.open()
    notice = (await case.notice("yellow"))["notice_id"]
    await case.recorded("notice.issued")
    before = await whole(case)
    shell(sealed, monkeypatch, SHELLS[keys])
    by_reader, by_leader = ("--actor", json.dumps(PEOPLE["reader"])), ("--actor", json.dumps(PEOPLE["team_leader"]))
    account = case.account_id
    for command in (
        ("status", account),
        ("why", account),
        ("record-delivery", account, "--notice-id", notice, "--outcome", "signed", *by_reader),
        ("hold-placed", account, "--hold-id", "h-1", "--kind", "medical", "--reason", "x", *by_leader),
        ("payment-received", account, "--payment-id", "p-1", "--amount", "200.00"),
        ("payment-reversed", "A-none", "--payment-id", "p-1", "--reason", "bounced"),
        ("report-cut", "A-none", "--meter-id", "M-1", "--actor", json.dumps(PEOPLE["field_crew"])),
        ("overdue", account),
    ):
        nothing_sent(await cli(*command, "--json"))
    assert await whole(case) == before
    assert (await cases.ended_by_force(sealed.client, account)) is None
    with pytest.raises(cases.NoCase):
        await cases.query(sealed.client, "A-none", "snapshot")


async def test_with_other_keys_no_moratorium_is_declared_or_lifted(
    sealed: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the register nor a case is changed by half; with the keys it goes through."""
    order = ("moratorium", "declare", "--scope", "region", "--value", "R-1", "--reason", "x", "--by", "c-001")
    shell(sealed, monkeypatch, "off")
    nothing_sent(await cli(*order, "--id", "m-1", "--json"))
    assert sealed.parts.moratoria.one("m-1") is None
    shell(sealed, monkeypatch, key("k1"))
    assert (await cli(*order, "--id", "m-1", "--json")).result["registered"]
    shell(sealed, monkeypatch, "off")
    nothing_sent(await cli("moratorium", "lift", "m-1", "--by", "c-001", "--json"))
    there = sealed.parts.moratoria.one("m-1")
    assert there is not None
    assert there.lifted_at is None


async def test_with_other_keys_an_export_is_not_booked(sealed: World, cli: Cli, tmp_path: Path) -> None:
    """As a program of its own: nothing is in the book that no case would hear of, and a dry run may still be made."""
    del cli
    export = write_sample(tmp_path, 3, today=datetime.now(sealed.policy.zone).date())
    files = [str(file) for file in export.files]
    own = {"ARREARS_BILLING_URL": f"sqlite:///{tmp_path / 'billing.db'}", "ARREARS_PAYLOAD_KEYS": "off"}
    nothing_sent(await program(sealed, "ingest", *files, "--json", folder=tmp_path, **own))
    dry = await program(sealed, "ingest", *files, "--dry-run", "--json", folder=tmp_path, **own)
    assert (dry.result["accepted"], dry.result["duplicates"]) == (export.lines, 0)


async def test_a_command_with_keys_sends_nothing_to_a_worker_without(
    world: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await world.open()
    await case.recorded("notice.issued")
    before = await whole(case)
    shell(world, monkeypatch, key("k1"), ARREARS_PAYLOAD_PLAIN="accept")
    hold = ("--hold-id", "h-1", "--kind", "medical", "--reason", "x", "--actor", json.dumps(PEOPLE["team_leader"]))
    ended = await cli("hold-placed", case.account_id, *hold, "--json")
    nothing_sent(ended)
    assert "the worker has no payload keys" in ended.refusal["message"]
    assert await whole(case) == before


async def test_while_keys_are_changed_each_step_is_understood(
    sealed: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SECURITY has it: the other program may be a step behind, or a step ahead."""
    case = await sealed.open()
    await case.notice("yellow")
    both, turned = f"{key('k1')},{key('k2')}", f"{key('k2')},{key('k1')}"
    for worker, shells in (((("k1", "k2")), (key("k1"), both, turned)), (("k2", "k1"), (both, turned, key("k2")))):
        step = sealed.settings.model_copy(update={"task_queue": f"step-{worker[0]}"})
        async with make_worker(holding(sealed.client, *worker), sealed.parts, step):
            monkeypatch.setenv("ARREARS_TASK_QUEUE", step.task_queue)
            for keys in shells:
                shell(sealed, monkeypatch, keys, ARREARS_TASK_QUEUE=step.task_queue)
                ended = await cli("recheck-requested", case.account_id, "--request-id", "q", "--source", "x", "--json")
                assert ended.code != 3 or ended.refusal["type"] != "PayloadKeysDiffer", (worker, keys)
    shell(sealed, monkeypatch, key("k1"), ARREARS_TASK_QUEUE="step-k2")
    nothing_sent(await cli("status", case.account_id, "--json"))


async def test_the_mark_in_the_register_betrays_no_key(sealed: World) -> None:
    """Neither a key nor its name, in any spelling; and another installation's mark of the same keys is another."""
    with reading(sealed.parts.register_engine) as connection:
        line = str(connection.execute(text("select mark from key_rings")).all())
    secret = ring("k1").keys["k1"]
    spellings = (secret.hex(), base64.b64encode(secret).decode(), hashlib.sha256(secret).hexdigest(), repr(secret))
    assert not [spelling for spelling in spellings if spelling in line]
    assert "k1" not in line
    here = ring_of_worker(sealed.parts.register_engine, sealed.client.namespace, sealed.settings.task_queue)
    assert here is not None
    assert (len(here.salt), len(here.keys), here.accepts_plain) == (32, 1, True)


async def test_a_worker_that_starts_again_with_the_same_keys_leaves_the_mark_alone(sealed: World) -> None:
    before = worker_ring(sealed.settings)
    await sealed.restart_worker()
    assert worker_ring(sealed.settings) == before


async def test_where_no_worker_has_left_a_mark_the_case_itself_is_tried(
    sealed: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of an earlier version, or a register that is away: the case's start is encrypted, so the slip shows."""
    case = await sealed.open()
    await case.recorded("notice.issued")
    with writing(sealed.parts.register_engine) as connection:
        connection.execute(delete(TABLES.tables["key_rings"]))
    assert worker_ring(sealed.settings) is None

    async def listed() -> bool:
        return await newest_case(sealed.client, sealed.settings.task_queue) is not None

    hold = ("--hold-id", "h-1", "--kind", "medical", "--reason", "x", "--actor", json.dumps(PEOPLE["team_leader"]))
    try:
        for keys in SHELLS.values():
            shell(sealed, monkeypatch, keys)
            nothing_sent(await cli("hold-placed", case.account_id, *hold, "--json"))
            await until(listed, "the case in the server's list")
            nothing_sent(await cli("overdue", "--json"))
        shell(sealed, monkeypatch, key("k1"))
        assert (await cli("hold-placed", case.account_id, *hold, "--json")).result["confirmed"]
    finally:
        await sealed.restart_worker()


@pytest.mark.parametrize("keys", [(), ("k2",)], ids=["no key", "another key"])
async def test_an_answer_that_cannot_be_read_is_neither_refused_nor_done(sealed: World, keys: tuple[str, ...]) -> None:
    """Sent in clear to a worker that believes it: the act is done or refused, and here nobody can know which."""
    case = await sealed.open()
    notice = await case.notice("yellow")
    stranger = holding(sealed.client) if not keys else client_with(sealed.client, PlainWriter(ring(*keys)))
    delivery = {"notice_id": notice["notice_id"], "outcome": "signed", "recipient": "x", "actor": PEOPLE["reader"]}
    with pytest.raises(cases.AnswerUnread) as done:
        await cases.update(stranger, case.account_id, "record_delivery", delivery)
    await case.recorded("notice.served")
    with pytest.raises(cases.AnswerUnread) as refused:
        await cases.update(stranger, case.account_id, "withdraw", sample(UPDATES["withdraw"].payload))
    with pytest.raises(cases.AnswerUnread) as asked:
        await cases.query(stranger, case.account_id, "snapshot")
    for caught in (done, refused, asked):
        assert caught.value.exit_code == 3
        assert f"proof {case.account_id}" in caught.value.message
        assert "\n" not in caught.value.message


class PlainWriter(EncryptedPayloads):
    """Writes in clear, and reads by its keys."""

    async def encode(self, payloads):  # type: ignore[no-untyped-def]
        """As they are."""
        return list(payloads)


async def test_billing_events_are_not_taken_with_other_keys(
    sealed: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console compares at every request: a worker may have been started with other keys since."""
    del cli
    shell(sealed, monkeypatch, key("k1"))
    connection = _Connection(Session(sealed.settings, sealed.parts))

    async def taken() -> bool:
        """Whether a request would come through now."""
        try:
            await connection.client()
        except PayloadKeysDiffer:
            return False
        return True

    async def refused() -> bool:
        return not await taken()

    assert await taken()
    await sealed.stop_worker()
    async with make_worker(holding(sealed.client, "k9"), sealed.parts, sealed.settings):
        await until(refused, "another worker's keys")  # it leaves its mark as it starts
    await sealed.start_worker()
    await until(taken, "the keys of before")
