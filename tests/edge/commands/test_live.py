"""The command line against a running utility: every message by command, filters, the programs as processes."""

import asyncio
import hashlib
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.duration_pb2 import Duration
from pypdf import PdfReader
from temporalio.api.enums.v1 import EventType, IndexedValueType, PendingActivityState
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from client.cases import open_or_join
from composition.settings.model import Settings
from domain.money.debt import DebtQuery
from edge.commands.application import main
from tests.edge.commands.test_application import Ended
from tests.support.programs import ROOT, environment, program, until, worker_program
from tests.support.register_reading import WholeRegister
from tests.support.sample_exports import write_sample
from tests.support.world import PEOPLE, SOON, Case, World, overdue_event, running_world, temporal_cli

Cli = Callable[..., Coroutine[Any, Any, Ended]]


@pytest.fixture
def cli(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command in this process, against the world."""
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setattr("composition.settings.model.ENV_FILE", tmp_path / ".env")

    async def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


def by(person: str) -> tuple[str, ...]:
    """Flags for one of the PEOPLE."""
    return tuple(part for key, value in PEOPLE[person].items() for part in (f"--actor-{key}", value))


@dataclass
class Unanswered:
    """A command put to a case that no worker serves, begun first and read last: it takes half a minute."""

    asking: asyncio.Task[Ended]
    began: float


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of its own: what other tests left unannounced in a shared book would be announced to their cases here."""
    async with running_world(tmp_path_factory.mktemp("live")) as own:
        yield own


@pytest.fixture(scope="module", autouse=True)
async def unanswered(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Unanswered]:
    """`withdraw` of such a case."""
    folder, account = tmp_path_factory.mktemp("unanswered"), await world.customer()
    nobody = {"ARREARS_TASK_QUEUE": "nobody-listens"}
    found = ("--report-id", "f-1", "--meter-id", "M-1", "--reported-by", "neighbour", "--source", "hotline")
    opened = await program(world, "supply-found-cut", account, *found, folder=folder, **nobody)
    assert opened.code == 0, opened.err
    reason = ("--reason", "x", *by("centre_director"))
    asking = asyncio.create_task(program(world, "withdraw", account, *reason, "--json", folder=folder, **nobody))
    yield Unanswered(asking, asyncio.get_running_loop().time())
    asking.cancel()


# ---- a worker that cannot write -----------------------------------------------------------------


async def test_a_worker_says_at_once_where_it_cannot_write(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {"ARREARS_DOCUMENTS": str(tmp_path / "file" / "papers"), "ARREARS_TASK_QUEUE": "cannot-write"}
    async with worker_program(world, tmp_path, **nowhere) as worker:
        await until(lambda: worker.said("worker.started"), "the worker's start, all the same")
        assert await worker.said("place.unwritable")
        assert await worker.said("ARREARS_DOCUMENTS")


# ---- every message by its command -------------------------------------------------------------


async def test_a_whole_procedure_by_commands(world: World, cli: Cli, tmp_path: Path) -> None:
    """From the yellow notice to the restoration, signalled and asked with flags, --data, @FILE and -."""
    case = await world.open()
    account = case.account_id
    yellow = (await case.notice("yellow"))["notice_id"]
    served = await cli(
        "record-delivery", account, "--notice-id", yellow, "--outcome", "signed", *by("reader"), "--json"
    )
    assert served.result == {"served": True}
    hold = ("--hold-id", "h-1", "--kind", "dispute", "--reason", "读数有争议", *by("team_leader"))
    assert (await cli("hold-placed", account, *hold)).code == 0
    lifted = {"hold_id": "h-1", "actor": PEOPLE["team_leader"]}
    assert (await cli("hold-lifted", account, "--data", json.dumps(lifted))).code == 0

    await case.to_red_from_served_yellow()
    red = (await case.notice("red"))["notice_id"]
    words = ("--refusal-place", "3-2-501", "--refusal-persons", "neighbour Wang", "--refusal-words", "will not sign")
    photo = ("--refusal-evidence", "photo 1", "--notice-id", red, "--outcome", "refused")
    refused = await cli("record-delivery", account, *words, *photo, *by("reader"), "--json")
    assert refused.result["served"] is False
    snap = await case.becomes(lambda s: bool(s["escalations"]), "a report to the team leader")
    report = snap["escalations"][-1]["escalation_id"]
    read = {"escalation_id": report, "remark": "核实", "actor": PEOPLE["team_leader"]}
    assert (await cli("acknowledge-escalation", account, "--data", "-", "--json", stdin=json.dumps(read))).result == {}
    filing = ("--purpose", "coordination", "--reference", "G-7", "--authority", "街道办", *by("liaison"))
    assert (await cli("record-filing", account, *filing, "--json")).result == {}
    decision = tmp_path / "decision.json"
    decision.write_text(json.dumps({"notice_id": red, "decision": "approved"}), "utf-8")
    approved = await cli("decide-approval", account, "--data", f"@{decision}", *by("centre_director"), "--json")
    assert approved.result == {"granted": True, "still_needed": []}

    cut_at = await case.cut_time()
    await case.until(cut_at - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    named = ("--ticket-id", ticket["ticket_id"])
    meter = ("--meter-id", ticket["meter_id"])
    crew = by("field_crew")
    assert (await cli("acknowledge-ticket", account, *named, *crew)).code == 0
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    told = await cli("record-final-notice", account, *named, "--how", "at the door", *by("reader"), "--json")
    assert told.result == {"told": True}
    assert (await cli("report-meter-uncertain", account, *named, *meter, "--remark", "two alike", *crew)).code == 0
    await case.until(cut_at + timedelta(minutes=1))
    denied = await cli("request-permit", account, *named, *meter, *crew)
    assert denied.code == 0
    assert "R-19" in denied.out
    assert (await cli("verify-meter", account, *named, *meter, "--confirmed", *by("reader"))).code == 0
    permit = (await cli("request-permit", account, *named, *meter, *crew, "--json")).result
    assert permit["granted"] is True
    cut = ("--permit-id", permit["permit_id"], "--meter-reading", "12345", *meter, *crew, "--update-id", "cut-1")
    assert (await cli("report-cut", account, *cut, "--json")).result["lawful"] is True
    assert (await cli("report-cut", account, *cut, "--json")).result["lawful"] is True
    await case.in_stage("disconnected")

    asked = await cli(
        "request-restoration", account, "--request-id", "q-1", "--source", "hotline", *by("hotline"), "--json"
    )
    assert asked.result["still_owing"]["amount"] == "200.00"
    paid_at = (await case.now()).isoformat()
    payments = tmp_path / "payments.csv"
    payments.write_text(f"流水号,户号,金额,交费时间\nP-{account},{account},200.00,{paid_at}\n", "gb18030")
    assert (await cli("ingest", str(payments), "--json")).result["payments_signalled"] == 1
    ticket = await case.ticket("restore")
    storm = ("--reason", "storm", "--customer-told-at", paid_at, "--customer-told-how", "phone", "--leader", "Li")
    assert (
        await cli("declare-delay", account, *storm, "--leader-told-at", paid_at, *by("team_leader"), "--json")
    ).result == {}
    assert (await cli("acknowledge-ticket", account, "--ticket-id", ticket["ticket_id"], *crew)).code == 0
    assert (await cli("report-restored", account, "--ticket-id", ticket["ticket_id"], *crew)).code == 0
    assert (await case.result())["outcome"] == "restored"

    proof = (await cli("proof", account, "--json")).result
    assert proof["record"]["intact"] is True
    assert [r["rule"] for r in proof["rules"] if r["verdict"] == "breached"] == []
    assert [(p["about"].split("/")[1], p["state"]) for p in proof["papers"]] == [
        (about, "intact") for about in ("yellow-notice", "red-notice", "cut-ticket", "restore-ticket", "restore-ticket")
    ]
    for command in ("status", "proof"):
        assert (await cli(command, account)).code == 0

    pdf = tmp_path / "proof.pdf"
    for _ in range(2):
        written = (await cli("proof", account, "--pdf", str(pdf), "--json")).result["pdf"]
        assert written == {"file": str(pdf), "sha256": hashlib.sha256(pdf.read_bytes()).hexdigest()}
    pages = ["".join(page.extract_text().split()) for page in PdfReader(pdf).pages]
    assert "停电催费案件证明" in pages[0]
    whole = f"记录完整。{proof['record']['length']}条，末条散列{proof['record']['head']}"
    assert any(whole in page for page in pages)
    for rule in proof["rules"]:
        assert any(rule["rule"] + rule["clause"] in page for page in pages), rule
    for paper in proof["papers"]:
        assert any(paper["sha256"] in page for page in pages)
    assert any("申报延期复电" in page and "抄表班长t-003" in page for page in pages)

    lost = world.settings.documents_folder / proof["papers"][0]["key"]
    lost.unlink()
    doubted = await cli("proof", account, "--json")
    assert (doubted.code, json.loads(doubted.out)["papers"][0]["state"]) == (1, "missing")
    assert "文书缺失 missing" in (await cli("proof", account)).out

    refused = await cli("proof", account, "--pdf", str(tmp_path / "no" / "proof.pdf"), "--json")
    assert (refused.code, refused.refusal["type"], refused.refusal["field"]) == (1, "CannotWrite", "pdf")


async def test_detours_by_commands(world: World, cli: Cli) -> None:
    """Bills that join, promises and plans, another reader, another attempt, a crew that leaves, a case withdrawn."""
    case = await world.open()
    account = case.account_id
    await case.notice("yellow")
    bill = await world.bill(account, "30.00", overdue_days=3)
    event = ("--event-id", "e-2", "--bill-id", bill, "--amount", "30.00", "--due-date", "2026-01-01")
    assert (await cli("bill-overdue", account, *event, "--json")).result["case"] == "joined"
    await case.becomes(lambda s: s["owed"] == "230.00")
    reassigned = await cli("reassign", account, "--role", "reader", "--to", "r-018", *by("team_leader"), "--json")
    assert reassigned.result == {}
    today = (await case.now()).astimezone(world.policy.zone).date()
    promise = ("--promise-id", "p-1", "--amount", "30.00", "--until", str(today + timedelta(days=2)))
    assert (await cli("record-promise", account, *promise, *by("other_reader"))).code == 0
    instalments = [{"due": str(today + timedelta(days=5)), "amount": "230.00"}]
    plan = ("--plan-id", "pl-1", "--instalments", json.dumps(instalments), *by("team_leader"))
    assert (await cli("agree-plan", account, *plan, "--json")).result == {}
    assert (await case.snapshot())["plan"]["plan_id"] == "pl-1"
    assert (await cli("withdraw", account, "--reason", "billing error", *by("centre_director"))).code == 0
    assert (await case.result())["outcome"] == "withdrawn"

    case = await world.open()
    account = case.account_id
    await case.to_red()
    first = await case.notice("red")
    assert (await cli("serve-again", account, "--reason", "customer away", *by("reader"))).code == 0
    await case.becomes(lambda s: (first["notice_id"], "void") in {(n["notice_id"], n["state"]) for n in s["notices"]})
    await case.deliver("red")
    await case.approve()
    await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    left = ("--ticket-id", ticket["ticket_id"], "--reason", "the road is flooded", *by("field_crew"))
    assert (await cli("report-not-cut", account, *left, "--json")).result == {}


async def test_a_cut_found_and_an_incident_closed_by_commands(world: World, cli: Cli) -> None:
    """R-27, R-28: found cut without a permit of ours; restored at once, the incident until it has an outcome."""
    account = await world.customer()
    found = ("--report-id", "f-1", "--meter-id", f"M-{account}", "--reported-by", "neighbour", "--source", "hotline")
    assert (await cli("supply-found-cut", account, *found, "--json")).result["case"] == "opened"
    case = Case(world, account, world.client.get_workflow_handle(f"arrears-{account}"))
    await until(lambda: restoring(cli, account), "the stage restoring")
    ticket = await case.ticket("restore")
    assert (await cli("report-restored", account, "--ticket-id", ticket["ticket_id"], *by("field_crew"))).code == 0
    [incident] = (await case.snapshot())["incidents"]
    outcome = ("--incident-id", incident["incident_id"], "--outcome", "纪律处分", *by("centre_director"))
    assert (await cli("close-incident", account, *outcome, "--json")).result == {}
    assert (await case.result())["outcome"] == "restored"


async def restoring(cli: Cli, account: str) -> bool:
    """Whether the case stands in its last stage but one."""
    ended = await cli("status", account, "--json")
    return ended.code == 0 and ended.result.get("stage") == "restoring"


async def test_payment_received_only_signals(world: World, cli: Cli) -> None:
    """The contract: a payment reaches the book through `ingest`; the signal alone makes the case ask, and no more."""
    case = await world.open()
    await case.notice("yellow")
    said = ("--payment-id", "p-9", "--amount", "200.00", "--channel", "网上")
    assert (await cli("payment-received", case.account_id, *said)).code == 0
    assert (await cli("recheck-requested", case.account_id, "--request-id", "r-9", "--source", "operator")).code == 0
    assert (await cli("payment-reversed", case.account_id, "--payment-id", "p-9", "--reason", "bounced")).code == 0
    await case.recorded("payment.reversed")
    assert (await case.snapshot())["owed"] == "200.00"
    asked = DebtQuery(account_id=case.account_id, as_of=datetime.now(UTC))
    assert [debt and debt.owed for debt in world.parts.billing.debts((asked,))] == [200]


# ---- lists and filters ------------------------------------------------------------------------


async def test_an_operator_finds_restorations_due_within_four_hours(world: World) -> None:
    """R-25: by a list filter on RestoreDueBy, as one would type it into Temporal UI."""
    soon, later, unpaid, restored = [await world.open(region="R-due") for _ in range(4)]
    for case in (soon, later, unpaid, restored):
        await case.to_cut()
    for case in (soon, restored):
        await case.pay("200.00")
        await case.in_stage("restoring")
    await world.bill(restored.account_id, "60.00", overdue_days=2)
    await restored.signal("bill_overdue", **overdue_event(restored.account_id, "60.00"))
    await restored.becomes(lambda s: s["owed"] == "60.00")
    await restored.restore()  # and the case goes on, for the bill that has fallen overdue since
    await restored.in_stage("yellow_notice")
    for case in (soon, later):
        await case.pass_time(hours=21)
    await later.pay("200.00")
    await later.in_stage("restoring")
    within = (await soon.now() + timedelta(hours=4)).astimezone(UTC)
    due = f"RestoreDueBy <= '{within.isoformat()}' AND Region = 'R-due' AND ExecutionStatus = 'Running'"
    await finds(world, due, soon)
    await finds(world, "RestoreDueBy IS NOT NULL AND Region = 'R-due' AND ExecutionStatus = 'Running'", soon, later)
    await finds(world, "ArrearsStage = 'disconnected' AND Region = 'R-due'", unpaid)


async def test_an_operator_finds_what_waits_for_approval(world: World) -> None:
    """R-12: by a list filter on WaitingFor; neither those not yet served nor those approved."""
    unserved, waiting, approved = [await world.open(region="R-approval") for _ in range(3)]
    business = await world.open(region="R-approval", customer_class="non_residential")
    for case in (unserved, waiting, approved, business):
        await case.to_red()
    for case in (waiting, approved, business):
        await case.deliver("red")
    await approved.approve()
    await business.approve()
    here = "Region = 'R-approval' AND ArrearsStage = 'red_notice'"
    await finds(world, f"WaitingFor = 'centre_director' AND {here}", waiting)
    await finds(world, f"WaitingFor = 'company_leader' AND {here}", business)
    await finds(world, f"WaitingFor IN ('centre_director', 'company_leader') AND {here}", waiting, business)
    await finds(world, f"CustomerClass = 'non_residential' AND AmountOwed >= 200 AND {here}", business)


async def finds(world: World, query: str, *cases: Case) -> None:
    """The filter comes to find these cases and no other."""
    wanted, found = {c.handle.id for c in cases}, set()
    for _ in range(100):  # what is listed follows what is so
        found = {w.id async for w in world.client.list_workflows(query)}
        if found == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{query}: {found}, not {wanted}")


async def test_a_payment_signalled_as_temporal_ui_does_it_settles_the_case(world: World) -> None:
    """R-11: plain JSON from Temporal's own CLI, whose request is that of the UI's form."""
    case = await world.open()
    await case.notice("yellow")
    await case.pay("200.00", reported=False)
    said = json.dumps({"payment_id": "ui-1", "amount": "200.00"})
    process = await asyncio.create_subprocess_exec(
        *(temporal_cli(), "workflow", "signal", "--address", world.client.service_client.config.target_host),
        *("--workflow-id", case.handle.id, "--type", "payment_received", "--input", said),
        stdout=PIPE,
        stderr=PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert (await case.result())["outcome"] == "settled"


async def test_the_schedule_runs_the_sweep(world: World, cli: Cli) -> None:
    """R-23: installed twice it is one schedule; triggered, it sweeps and leaves its record."""
    case = await world.open()
    await case.notice("yellow")
    await case.recorded("notice.issued")
    await case.pay("50.00", reported=False)
    assert (await cli("schedules", "install", "--json")).result["done"] == "created"
    handle = world.client.get_schedule_handle("daily-sweep")
    try:
        assert (await cli("schedules", "install", "--json")).result["done"] == "updated"
        await handle.trigger()
        await case.becomes(lambda s: s["owed"] == "150.00", "the sweep's signal")
        ran = (await handle.describe()).info.recent_actions[-1].action
        done = await world.client.get_workflow_handle(ran.workflow_id).result()  # type: ignore[attr-defined]
        pages = WholeRegister(world.parts.reader.engine).sweep(done["sweep_id"])
        assert sum(page.counted for page in pages) == done["counted"] >= 1
        assert sum(page.signalled for page in pages) >= 1
    finally:
        await handle.delete()
        await world.client.get_schedule_handle("government-report").delete()


# ---- what is not there ------------------------------------------------------------------------


async def test_a_namespace_without_room_for_the_search_attributes_is_named(world: World, tmp_path: Path) -> None:
    """Unregistered search attributes: the commands that open cases, and the worker, say what is missing and stop."""
    service, name, a_day = world.client.service_client, "crowded", Duration(seconds=86_400)
    await service.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=a_day)
    )
    taken = {f"Taken{n}": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME for n in range(3)}
    request = AddSearchAttributesRequest(namespace=name, search_attributes=taken)

    async def filled() -> bool:
        try:
            await service.operator_service.add_search_attributes(request)
        except RPCError:
            return False  # the namespace is not known everywhere yet
        return True

    await until(filled, "a namespace without room")
    overdue, started = await asyncio.gather(
        program(world, "overdue", "--json", folder=tmp_path, TEMPORAL_NAMESPACE=name),
        program(world, folder=tmp_path, script="worker.py", TEMPORAL_NAMESPACE=name),
    )
    assert (overdue.code, overdue.refusal["type"]) == (3, "TemporalUnavailable")
    assert started.code == 3
    for said in (overdue.refusal["message"], started.err):
        assert "search-attribute create" in said
        assert "--name RestoreDueBy --type Datetime" in said
        assert "crowded" in said
    assert "Traceback" not in overdue.err + started.err


async def test_an_ingest_without_billing_ends_with_3_and_keeps_nothing(world: World, tmp_path: Path) -> None:
    """Billing unreachable: a clear sentence, exit 3; the next run books what this one could not."""
    async with world.apart(tmp_path) as own:
        sample = write_sample(tmp_path, 3, today=datetime.now(own.policy.zone).date())
        await own.outage()
        files = [str(f) for f in sample.files]
        ended = await program(own, "ingest", *files, "--json", folder=tmp_path)
        assert (ended.code, ended.refusal["type"]) == (3, "BillingUnavailable")
        await own.billing_back()
        again = await program(own, "ingest", *files, "--json", folder=tmp_path)
        assert (again.result["accepted"], again.result["cases_opened"]) == (sample.lines, 3)


# ---- the worker as a program ------------------------------------------------------------------


async def test_a_worker_waits_for_billing_and_the_register_and_finishes_what_it_holds(
    world: World, tmp_path: Path
) -> None:
    """Started with both down, it serves when they are there; on SIGTERM it ends with 0 and nothing half done."""
    account = await world.customer()
    await world.bill(account)
    in_the_way = tmp_path / "folder"
    in_the_way.touch()  # a file where the register's folder should be: the register cannot be reached
    changes = {"ARREARS_REGISTER_URL": f"sqlite:///{in_the_way / 'register.db'}", "ARREARS_TASK_QUEUE": "program"}
    await world.outage()
    try:
        async with worker_program(world, tmp_path, **changes, ARREARS_RETRY_MAX_SECONDS="1") as running:
            await until(lambda: running.said("worker.started"), "a started worker")
            handle = await opened(world, account, "program")
            await until(lambda: attempts(handle, 2), "a second try")
            await world.billing_back()
            await until(lambda: attempts(handle, 3), "a third try, against the register alone")
            in_the_way.unlink()
            case = Case(world, account, handle)
            await case.notice("yellow")

            database = sqlite3.connect(in_the_way / "register.db")
            database.execute("BEGIN IMMEDIATE")  # what the worker writes now takes until this ends
            await world.bill(account, "30.00", overdue_days=3)
            other = await world.customer()
            await world.bill(other)
            held = await opened(world, other, "program")
            await until(lambda: attempts(held, 1), "an activity in hand")
            running.process.send_signal(signal.SIGTERM)
            await until(lambda: running.said("worker.stopping"), "a stopping worker")
            database.rollback()
            database.close()
            assert await asyncio.wait_for(running.process.wait(), 20) == 0
        assert await running.said("worker.stopped")
        history = [e async for e in held.fetch_history_events()]
        done = [e for e in history if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]
        tried = [e for e in history if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED]
        assert len(done) == 1
        assert tried[0].activity_task_started_event_attributes.attempt == 1
    finally:
        await world.billing_back()


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
async def test_the_health_check_of_the_compose_file_sees_a_worker(
    world: World, tmp_path: Path, versioned: bool
) -> None:
    """The very command of docker-compose.yml: unhealthy before the worker asks for work, healthy from then on."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    kind, check = compose["services"]["worker"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    queue = f"health-{versioned}"
    inside = environment(world, ARREARS_TASK_QUEUE=queue, HOSTNAME=socket.gethostname())
    inside["PATH"] = f"{Path(sys.executable).parent}:{inside['PATH']}"

    async def healthy() -> bool:
        probe = await asyncio.create_subprocess_shell(check.replace("$$", "$"), env=inside, stdout=PIPE, stderr=PIPE)
        await probe.communicate()
        return probe.returncode == 0

    assert not await healthy()
    build = {"ARREARS_DEPLOYMENT_NAME": queue, "ARREARS_BUILD_ID": "1"} if versioned else {}
    async with worker_program(world, tmp_path, ARREARS_TASK_QUEUE=queue, **build) as running:
        await until(lambda: running.said("worker.started"), "a started worker")
        await until(healthy, "a healthy worker")


async def opened(world: World, account: str, queue: str) -> WorkflowHandle[Any, Any]:
    """A case of this account, on that queue."""
    event = overdue_event(account)
    await open_or_join(world.client, account, "bill_overdue", event, policy=world.policy, task_queue=queue)
    return world.client.get_workflow_handle(f"arrears-{account}")


async def attempts(handle: WorkflowHandle[Any, Any], number: int) -> bool:
    """Whether the case's activity has been begun so many times."""
    pending = (await handle.describe()).raw_description.pending_activities
    begun = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    return bool(pending) and (pending[0].attempt > number or (pending[0].attempt, pending[0].state) == (number, begun))


async def test_with_no_worker_a_command_waits_half_a_minute_and_says_so(unanswered: Unanswered) -> None:
    """The contract: with no worker there is no answer; that is neither a yes nor a no."""
    ended = await unanswered.asking
    assert asyncio.get_running_loop().time() - unanswered.began >= 30
    assert (ended.code, ended.refusal["type"]) == (3, "NoAnswer")
    assert "worker.py" in ended.refusal["message"]
