"""The command line against a running utility: every message by command, the programs as processes, lists and filters."""

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

from adapters.settings import Settings
from domain.messages import SIGNALS, UPDATES
from edge.cli import main
from tests.edge.test_cli import Ended
from tests.sample_exports import TITLES
from tests.world import PEOPLE, Case, World, temporal_cli

ROOT = Path(__file__).resolve().parent.parent.parent
Cli = Callable[..., Coroutine[Any, Any, Ended]]
_sent: set[str] = set()
"""Every message that a command of this module has sent, and a case has taken."""


def environment(world: World, **changes: str) -> dict[str, str]:
    """What a command needs to find this world."""
    rest = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
    return {
        **rest,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "ARREARS_REGISTER_URL": world.settings.register_url.get_secret_value(),
        "ARREARS_BILLING_URL": world.settings.billing_url.get_secret_value(),
        "ARREARS_TASK_QUEUE": world.settings.task_queue,
        **changes,
    }


@pytest.fixture
def cli(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """Run a command in this process, against the world."""
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setattr("adapters.settings.ENV_FILE", tmp_path / ".env")

    async def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        if code == 0 and (name := arguments[0].replace("-", "_")) in (*SIGNALS, *UPDATES):
            _sent.add(name)
        return Ended(code, said.out, said.err)

    return run


async def program(world: World, *arguments: str, folder: Path, **changes: str) -> Ended:
    """Run `python starter.py …` as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "starter.py"), *arguments),
        env=environment(world, **changes),
        cwd=folder,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def by(person: str) -> tuple[str, ...]:
    """Flags for one of the PEOPLE."""
    return tuple(part for key, value in PEOPLE[person].items() for part in (f"--actor-{key}", value))


async def until(ready: Callable[[], Coroutine[Any, Any, bool]], what: str) -> None:
    """Wait for something that comes about by itself."""
    for _ in range(300):
        if await ready():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} did not come about")


# ---- every message by its command -------------------------------------------------------------


async def test_a_whole_march_by_commands(world: World, cli: Cli, tmp_path: Path) -> None:
    """From the yellow notice to light again, told and asked with flags, --data, @FILE and -."""
    case = await world.open()
    account = case.account_id
    yellow = (await case.notice("yellow"))["notice_id"]
    served = await cli(
        "record-delivery", account, "--notice-id", yellow, "--outcome", "signed", *by("reader"), "--json"
    )
    assert served.result == {"served": True, "void_reason": None}
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
    report = await escalation(case)
    read = {"escalation_id": report, "remark": "核实", "actor": PEOPLE["team_leader"]}
    assert (await cli("acknowledge-escalation", account, "--data", "-", "--json", stdin=json.dumps(read))).result == {}
    filing = ("--purpose", "coordination", "--reference", "G-7", "--authority", "街道办", *by("liaison"))
    assert (await cli("record-filing", account, *filing, "--json")).result == {}
    decision = tmp_path / "decision.json"
    decision.write_text(json.dumps({"notice_id": red, "decision": "approved"}), "utf-8")
    approved = await cli("decide-approval", account, "--data", f"@{decision}", *by("centre_director"), "--json")
    assert approved.result == {"granted": True, "still_needed": []}

    cut_at = await case.cut_time()
    await case.until(cut_at - timedelta(hours=24) + timedelta(seconds=5))
    ticket = await case.ticket("cut")
    named = ("--ticket-id", ticket["ticket_id"])
    meter = ("--meter-id", ticket["meter_id"])
    crew = by("field_crew")
    assert (await cli("acknowledge-ticket", account, *named, *crew)).code == 0
    await case.until(cut_at - timedelta(minutes=30) + timedelta(seconds=1))
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
    payments = export(tmp_path, "payments", {"流水号": f"P-{account}", "户号": account, "金额": "200.00", "交费时间": paid_at})
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
    for command in ("status", "proof"):
        assert (await cli(command, account)).code == 0


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
    await case.becomes(lambda s: any(n["notice_id"] == first["notice_id"] and n["state"] == "void" for n in s["notices"]))
    await case.deliver("red")
    await case.approve()
    await case.until(await case.cut_time() - timedelta(hours=24) + timedelta(seconds=5))
    ticket = await case.ticket("cut")
    left = ("--ticket-id", ticket["ticket_id"], "--reason", "the road is flooded", *by("field_crew"))
    assert (await cli("report-not-cut", account, *left, "--json")).result == {}


async def test_a_cut_found_and_an_incident_closed_by_commands(world: World, cli: Cli) -> None:
    """R-27, R-28: found cut without a permit of ours; light at once, the incident until it has an outcome."""
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
    assert world.parts.billing.debts((query(case),))[0].owed == 200


def test_no_message_was_left_out() -> None:
    """The tests above have sent every signal and every update of the contract."""
    assert {*SIGNALS, *UPDATES} - _sent == set()
