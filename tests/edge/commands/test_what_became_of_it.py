"""No command misreports what became of an act: terminated and stuck cases, holds that are ignored, closed pipes."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowUpdateFailedError
from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError

from activities.register import RegisterUnavailable
from adapters.sql.engine import writing
from client import cases
from client.converter import LONGEST_SENTENCE, ShortEncodedFailures, ShortFailures, data_converter
from composition.serving import make_worker
from domain.contract.tables import UPDATES
from domain.record.key_ring import KeyRingMark, mark_of
from edge.doctor.cases import _closed_to, _stuck
from tests.edge.commands.test_application import Cli, cli
from tests.fuzz.hostile import sample
from tests.support.programs import ROOT, environment, until
from tests.support.sealing import codec, holding, key, plain
from tests.support.world import CENTRE, PEOPLE, Case, World, running_world

__all__ = ["cli"]  # the fixture

REPORTED_AT_ONCE = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1"


@pytest.fixture
def shell(world: World, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A terminal in this world."""
    for name, value in environment(world).items():
        if name.startswith(("ARREARS_", "TEMPORAL_")):
            monkeypatch.setenv(name, value)
    return cli


# ---- terminated ---------------------------------------------------------------------------------


async def test_a_terminated_case_looks_terminated(world: World, shell: Cli) -> None:
    """In `status`, `why` and `list`: nobody is awaited, nothing is planned; the case beside it looks as ever."""
    case, other = await world.open(), await world.open()
    for one in (case, other):
        await one.notice("yellow")
        await one.recorded("notice.issued")
    await case.handle.terminate(reason="by hand")
    status = (await shell("status", case.account_id, "--json")).result
    assert (status["workflow"], status["waiting_for"], status["next_deadline"]) == ("terminated", [], None)
    assert (await shell("why", case.account_id, "--json")).result["workflow"] == "terminated"
    listed = (await shell("list", "--json", "--limit", "10000")).result
    assert case.handle.first_execution_run_id in listed["without_workflow"]
    assert other.handle.first_execution_run_id not in listed["without_workflow"]
    for command in (("status", case.account_id), ("why", case.account_id), ("list", "--open")):
        shown = (await shell(*command)).out
        assert "terminated" in shown, command
        assert "终止" in shown, command
    told = await shell("worklist", "--role", "reader", "--limit", "10000")
    assert case.account_id in told.out.rpartition("nobody awaits these tasks")[2]
    act = ("withdraw", case.account_id, "--reason", "x", "--actor", json.dumps(PEOPLE["centre_director"]), "--json")
    ended = await shell(*act)
    assert (ended.code, ended.refusal["type"], "terminated" in ended.refusal["message"]) == (1, "NoCase", True)
    alive = (await shell("status", other.account_id, "--json")).result
    assert "workflow" not in alive
    assert alive["waiting_for"]


async def test_an_account_whose_case_was_opened_anew_has_one_terminated_line(world: World, shell: Cli) -> None:
    case = await world.open()
    await case.recorded("notice.issued")
    await case.handle.terminate(reason="by hand")
    anew = await world.open(case.account_id)
    await anew.becomes(lambda s: bool(s["notices"]), "a notice")
    assert "workflow" not in (await shell("status", case.account_id, "--json")).result
    listed = (await shell("list", "--json", "--limit", "10000")).result
    keys = {row["case_key"] for row in listed["cases"] if row["account_id"] == case.account_id}
    assert keys & set(listed["without_workflow"]) == {case.handle.first_execution_run_id}


async def test_a_list_without_temporal_says_that_it_was_not_compared(cli: Cli, world: World, shell: Cli) -> None:
    del cli
    case = await world.open()
    await case.recorded("notice.issued")
    with pytest.MonkeyPatch.context() as nowhere:
        nowhere.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        assert (await shell("list", "--json")).result["without_workflow"] is None
        assert "Temporal gives no answer" in (await shell("list")).out


# ---- stuck --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def switched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Case]]:
    """Keys were switched on without ARREARS_PAYLOAD_PLAIN=accept, under a case opened in clear, which then woke."""
    async with running_world(tmp_path_factory.mktemp("switched"), dynamic=(REPORTED_AT_ONCE,)) as world:
        case = await world.open()
        await case.notice("yellow")
        await case.recorded("notice.issued")
        await world.stop_worker()
        sealed = holding(world.client, "k1")
        async with make_worker(sealed, world.parts, world.settings):
            await sealed.get_workflow_handle(case.handle.id).signal(
                "recheck_requested", {"request_id": "q-1", "source": "operator"}
            )

            async def reported() -> bool:
                query = f"TemporalReportedProblems IS NOT NULL AND WorkflowId = '{case.handle.id}'"
                return (await world.client.count_workflows(query)).count == 1

            await until(reported, "a case listed as stuck")
            yield world, case
        await case.handle.terminate()
        await world.start_worker()


def with_keys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(world, ARREARS_PAYLOAD_KEYS=key("k1")).items():
        if name.startswith(("ARREARS_", "TEMPORAL_")):
            monkeypatch.setenv(name, value)


async def test_the_doctor_says_that_keys_are_the_cause_before_anybody_terminates_a_case(
    switched: tuple[World, Case], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line on cases, not only the one on keys further down; and it never sends to section 4 for this."""
    world, case = switched
    with_keys(world, monkeypatch)
    parts = json.loads((await cli("doctor", "--json")).out)["parts"]
    [finding] = [part for part in parts if part["part"] == "cases"]
    assert finding["state"] == "broken"
    assert finding["says"].startswith("stuck by their payload keys, not by their code")
    assert case.account_id in finding["says"]
    assert "opened in clear" in finding["says"]
    assert "ARREARS_PAYLOAD_PLAIN=accept" in finding["do"]
    assert "terminate none" in finding["do"]
    assert "section" not in finding["do"]


async def test_the_doctor_judges_the_keys_by_the_worker_and_not_by_its_own_shell(
    switched: tuple[World, Case], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This shell would accept what was never encrypted; the worker does not, and it is the worker that must."""
    world, _ = switched
    with_keys(world, monkeypatch)
    monkeypatch.setenv("ARREARS_PAYLOAD_PLAIN", "accept")
    parts = {part["part"]: part for part in json.loads((await cli("doctor", "--json")).out)["parts"]}
    assert parts["payload keys"]["state"] == "broken"
    assert "opened in clear" in parts["payload keys"]["says"]


def test_stuck_by_keys_and_stuck_by_code_are_two_findings_and_keys_come_first() -> None:
    """Both name their accounts; only the second leads to the sections on code."""
    by_keys, by_code = _stuck({"arrears-1": "encrypted by key k1, which the worker does not have"}, ["arrears-2"], "")
    assert (by_keys.says.endswith("does not have"), ": 1: " in by_keys.says) == (True, True)
    assert "section" not in by_keys.do
    assert (by_code.says, "section 4" in by_code.do) == ("stuck, their workflow tasks fail: 2", True)


@pytest.mark.parametrize(
    ("worker", "opened_by", "why"),
    [
        (mark_of({"k1": b"1" * 32}, accepts_plain=False, salt="s"), None, "opened in clear"),
        (mark_of({"k1": b"1" * 32}, accepts_plain=True, salt="s"), None, None),
        (mark_of({"k1": b"1" * 32}, accepts_plain=False, salt="s"), "k1", None),
        (mark_of({"k2": b"2" * 32}, accepts_plain=True, salt="s"), "k1", "encrypted by key k1"),
        (mark_of({}, accepts_plain=False, salt="s"), "k1", "encrypted by key k1"),
        (mark_of({}, accepts_plain=False, salt="s"), None, None),
    ],
)
def test_what_the_worker_cannot_read_is_seen_from_its_mark(
    worker: KeyRingMark, opened_by: str | None, why: str | None
) -> None:
    [start] = plain("x")
    started = codec(opened_by, workflow_id="arrears-1").seal(start) if opened_by else start
    assert (_closed_to(worker, [started]) or "").startswith(why or "")
    assert (_closed_to(worker, [started]) is None) is (why is None)


async def test_a_stuck_case_is_told_from_a_missing_worker(
    switched: tuple[World, Case], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked and told: neither says that a worker must be started, for one runs."""
    world, case = switched
    with_keys(world, monkeypatch)
    asked = await cli("status", case.account_id, "--json")
    assert (asked.code, asked.refusal["type"]) == (3, "NoAnswer")
    sealed, request = holding(world.client, "k1"), sample_of("withdraw")
    with pytest.raises(cases.NoAnswer) as told:
        await cases.update(sealed, case.account_id, "withdraw", request, patience=timedelta(seconds=3))
    for sentence in (asked.refusal["message"], told.value.message):
        assert "the case is stuck" in sentence
        assert "doctor" in sentence
        assert "worker.py" not in sentence


def sample_of(name: str) -> dict[str, Any]:
    """A well-formed payload of that update."""
    payload: dict[str, Any] = sample(UPDATES[name].payload)
    return payload


# ---- holds --------------------------------------------------------------------------------------


def hold(hold_id: str, **actor: str) -> tuple[str, ...]:
    said = {**PEOPLE["team_leader"], **actor}
    return ("--hold-id", hold_id, "--kind", "medical", "--reason", "x", "--actor", json.dumps(said), "--json")


async def test_a_hold_is_confirmed_by_the_case(world: World, shell: Cli) -> None:
    case = await world.open()
    await case.notice("yellow")
    assert (await shell("hold-placed", case.account_id, *hold("h-1"))).result["confirmed"]
    assert [h["hold_id"] for h in (await case.snapshot())["holds"]] == ["h-1"]
    lift = ("--hold-id", "h-1", "--actor", json.dumps(PEOPLE["team_leader"]), "--json")
    assert (await shell("hold-lifted", case.account_id, *lift)).result["confirmed"]
    early = ("--hold-id", "h-2", "--actor", json.dumps(PEOPLE["team_leader"]), "--json")
    assert not (await shell("hold-lifted", case.account_id, *early)).result["confirmed"], "no such hold is there yet"


@pytest.mark.parametrize(
    ("actor", "type_"),
    [
        ({"id": "r-017", "role": "reader"}, "NotAllowed"),
        ({"id": "f-009", "role": "field_crew", "unit": "FU-02"}, "NotAllowed"),
        ({"id": "t-9", "role": "team_leader", "unit": f"{CENTRE}-elsewhere"}, "Ignored"),
        ({"id": "d-9", "role": "centre_director", "unit": "RC-elsewhere"}, "Ignored"),
    ],
)
async def test_a_hold_that_the_case_will_ignore_is_not_called_sent(
    world: World, shell: Cli, actor: dict[str, str], type_: str
) -> None:
    """By role it is not sent at all; by unit only the case knows, and is asked."""
    case = await world.open()
    await case.notice("yellow")
    ended = await shell("hold-placed", case.account_id, *hold("h-1", **{"unit": None, **actor}))  # type: ignore[arg-type]
    assert (ended.code, ended.refusal["type"], ended.refusal["rule"]) == (1, type_, "R-04")
    assert (await case.snapshot())["holds"] == []


async def test_a_lifting_that_the_case_ignores_is_not_called_sent(world: World, shell: Cli) -> None:
    case = await world.open()
    await case.notice("yellow")
    assert (await shell("hold-placed", case.account_id, *hold("h-1"))).code == 0
    stranger = {"id": "t-9", "role": "team_leader", "unit": "RC-elsewhere"}
    lift = ("--hold-id", "h-1", "--actor", json.dumps(stranger), "--json")
    ended = await shell("hold-lifted", case.account_id, *lift)
    assert (ended.code, ended.refusal["type"], "still stands" in ended.refusal["message"]) == (1, "Ignored", True)


async def test_a_hold_under_the_id_of_one_that_was_lifted_does_not_stand(world: World, shell: Cli) -> None:
    case = await world.open()
    await case.notice("yellow")
    lift = ("--hold-id", "h-1", "--actor", json.dumps(PEOPLE["team_leader"]), "--json")
    assert (await shell("hold-lifted", case.account_id, *lift)).code == 0
    ended = await shell("hold-placed", case.account_id, *hold("h-1"))
    assert (ended.code, ended.refusal["type"]) == (1, "Ignored")
    assert "does not stand" in ended.refusal["message"]


async def test_a_hold_that_stands_is_changed_only_to_a_later_end(world: World, shell: Cli) -> None:
    """Once more the same is confirmed; another kind, or an earlier end, is not what stands."""
    case = await world.open()
    await case.notice("yellow")
    now = datetime.now(UTC)
    soon, late = (f"{now + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (3, 9))
    for end, code in ((soon, 0), (soon, 0), (late, 0), (soon, 1)):
        assert (await shell("hold-placed", case.account_id, *hold("h-1"), "--until", end)).code == code, end
    other = await shell("hold-placed", case.account_id, *hold("h-1"), "--until", late, "--kind", "dispute")
    assert (other.code, other.refusal["type"], "as medical" in other.refusal["message"]) == (1, "Ignored", True)


async def test_a_hold_that_no_worker_takes_is_sent_and_not_confirmed(world: World, shell: Cli) -> None:
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setenv("ARREARS_TASK_QUEUE", "nobody-serves-this")
        account = await world.customer()
        opened = ("--payment-id", "p", "--reason", "bounced", "--json")
        assert (await shell("payment-reversed", account, *opened)).result["case"] == "opened"
        ended = await shell("hold-placed", account, *hold("h-1"))
    assert ended.result["confirmed"] is False
    await world.client.get_workflow_handle(f"arrears-{account}").terminate()


# ---- pipes --------------------------------------------------------------------------------------


async def piped(world: World, folder: Path, *arguments: str) -> int:
    """The exit code of a command whose reader reads nothing and goes, before anything is written."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "starter.py"), *arguments),
        env=environment(world),
        cwd=folder,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    return await process.wait()


async def test_a_closed_pipe_changes_no_exit_code(world: World, tmp_path: Path) -> None:
    """`proof | head` is 0 where the record is intact, and 1 where it is not; so is every other command in a pipe."""
    async with world.apart(tmp_path) as own:
        case = await own.open()
        await case.recorded("notice.issued")
        account = case.account_id
        commands = (("proof", account), ("proof", account, "--json"), ("list",), ("why", account), ("--help",))
        for arguments in commands:
            assert await piped(own, tmp_path, *arguments) == 0, arguments
        with writing(own.parts.register_engine) as connection:
            connection.execute(text("DROP TRIGGER evidence_no_update"))
            connection.execute(text("UPDATE evidence SET clause = 'X' WHERE account_id = :a"), {"a": account})
        for arguments in commands[:2]:
            assert await piped(own, tmp_path, *arguments) == 1, arguments


# ---- what a person reads in Temporal UI ---------------------------------------------------------


def failed(converter: DefaultFailureConverter, error: Exception) -> Failure:
    """The failure that Temporal is given for an error."""
    failure = Failure()
    converter.to_failure(error, data_converter.payload_converter, failure)
    return failure


def raised() -> Exception:
    """As an adapter raises it: a sentence, and a cause with a trace below it."""
    try:
        try:
            raise OSError("disk I/O error " * 400)
        except OSError as problem:
            raise RegisterUnavailable("no answer from the register: database is locked.") from problem
    except RegisterUnavailable as problem:
        return problem


def test_a_failed_activity_says_its_sentence_and_no_trace() -> None:
    failure = failed(ShortFailures(), raised())
    assert failure.message == "no answer from the register: database is locked."
    assert failure.application_failure_info.type == "RegisterUnavailable"
    assert (failure.stack_trace, failure.HasField("cause")) == ("", False)


def test_a_failure_fits_into_a_history_with_keys_on() -> None:
    """The server keeps 4 KB of it; an unforeseen error of any length stays below that, in cipher, too."""
    for error in (raised(), ValueError("x" * 50_000), KeyError("电" * 50_000)):
        failure = failed(ShortEncodedFailures(), error)
        assert failure.message == "Encoded failure"
        assert failure.ByteSize() < 3_000
        back = ShortEncodedFailures().from_failure(failure, data_converter.payload_converter)
        assert str(error)[: LONGEST_SENTENCE - 10] in str(back)


async def test_a_refused_update_carries_no_trace(world: World) -> None:
    """Type, sentence, field, rule and clause; nothing of the server's files."""
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await case.handle.execute_update("withdraw", sample_of("withdraw"))
    refusal = caught.value.cause
    assert isinstance(refusal, ApplicationError)
    assert refusal.type == "NotAllowed"
    assert refusal.failure is not None
    assert refusal.failure.stack_trace == ""
    history = (await case.handle.fetch_history()).to_json()
    assert "site-packages" not in history
    assert ".py" not in history
