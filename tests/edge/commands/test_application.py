"""The command line as a script sees it: results on stdout, refusals on stderr, exit codes; on a real server."""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import (
    Client,
    ScheduleCalendarSpec,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from adapters.register.writing import SqlRegister
from client import cases
from client.converter import data_converter
from client.search_attributes import ensure_search_attributes
from composition.parts import Parts, build
from composition.serving import make_worker
from composition.settings.loading import load_settings
from composition.settings.model import Settings
from console.command import add_serve_command
from domain.contract.tables import SIGNALS, UPDATES
from domain.customer import Account, Customer, CustomerCard
from domain.money.book import BookedBill
from edge.commands.application import main
from edge.ingest.overdue import open_overdue
from tests.support.register_reading import WholeRegister
from tests.support.register_records import OPENED, case_row, record

ROOT = Path(__file__).resolve().parents[3]
READER = {"id": "r-017", "role": "reader", "unit": "RC-03"}
CREW = {"id": "f-1", "role": "field_crew", "unit": "FU-1"}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one object on stdout of a command that succeeded."""
        assert self.code == 0, self.err
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def refusal(self) -> dict[str, Any]:
        """The one object on stderr of a command that did not."""
        assert self.code != 0, self.out
        assert self.out == ""
        value = json.loads(next(line for line in self.err.splitlines() if line.startswith("{")))  # a log has others
        assert isinstance(value, dict)
        return value


Cli = Callable[..., Coroutine[Any, Any, Ended]]


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Cli:
    """Run a command in this process; nothing is configured but a folder of the test's own, and no Temporal."""
    folder = tmp_path_factory.mktemp("cli")
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setattr("composition.settings.model.ENV_FILE", folder / ".env")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(folder / "none.toml"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("ARREARS_CONNECT_SECONDS", "2")
    monkeypatch.setenv("ARREARS_REGISTER_URL", f"sqlite:///{folder / 'register.db'}")
    monkeypatch.setenv("ARREARS_BILLING_URL", f"sqlite:///{folder / 'billing.db'}")
    monkeypatch.setenv("ARREARS_DOCUMENTS", str(folder / "documents"))

    async def run(*arguments: str) -> Ended:
        code = await asyncio.to_thread(main, arguments, add_serve_command)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@dataclass(frozen=True)
class Utility:
    """A server, a running worker, and the books behind it."""

    client: Client
    settings: Settings
    parts: Parts

    def book(self, account_id: str, amount: str = "320.00") -> str:
        """A customer with one bill, overdue for ten days."""
        account = Account(
            account_id=account_id,
            customer_class="residential",
            meter_id=f"m-{account_id}",
            reading_centre="RC-03",
            reader="r-017",
            team_leader="t-1",
            field_unit="FU-1",
            business_station="BS-1",
            region="east",
        )
        card = CustomerCard(account_id=account_id, name="张三", address="东风路1号")
        due = date.today() - timedelta(days=10)  # noqa: DTZ011 - a sample book is dated from the tester's today
        self.parts.book.add_customers([Customer(account=account, card=card)])
        self.parts.book.add_bills([BookedBill(f"b-{account_id}", account_id, due, Decimal(amount))])
        return account_id


@pytest.fixture(scope="module")
async def standing_utility(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Utility]:
    """One real server and worker for the whole module."""
    folder = tmp_path_factory.mktemp("utility")
    temporal = Path(sys.executable).parent / "temporal"
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        register_url=f"sqlite:///{folder / 'register.db'}",  # type: ignore[arg-type]
        billing_url=f"sqlite:///{folder / 'billing.db'}",  # type: ignore[arg-type]
        documents=folder / "documents",
        shutdown_seconds=0,
    )
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal), data_converter=data_converter, dev_server_log_level="error"
    ) as environment:
        await ensure_search_attributes(environment.client)
        parts = build(settings)
        async with make_worker(environment.client, parts, settings):
            yield Utility(environment.client, settings, parts)
        parts.close()


@pytest.fixture
def utility(cli: Cli, standing_utility: Utility, monkeypatch: pytest.MonkeyPatch) -> Utility:
    """The utility, with the environment pointing the commands at it."""
    del cli  # its environment is set first
    monkeypatch.setenv("TEMPORAL_ADDRESS", standing_utility.client.service_client.config.target_host)
    for name in ("register_url", "billing_url"):
        monkeypatch.setenv(f"ARREARS_{name.upper()}", getattr(standing_utility.settings, name).get_secret_value())
    return standing_utility


async def _until(look: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - what is read is in another process
            await asyncio.sleep(0.05)


# ---- without a server -------------------------------------------------------------------------


async def test_help_shows_every_command_of_the_contract(cli: Cli) -> None:
    said = (await cli("--help")).out
    named = {
        "ingest",
        "overdue",
        "demo",
        "status",
        "list",
        "why",
        "worklist",
        "proof",
        "deliveries",
        "moratorium",
        "schedules",
        "policy",
        "report",
    }
    messages = {name.replace("_", "-") for name in (*SIGNALS, *UPDATES)}
    for name in named | messages:
        assert re.search(rf"\b{name}\b", said), name
    assert {"anchor", "serve", "serve-billing"} <= set(said.replace("serve-again", "").split())


def test_a_command_that_serves_nothing_loads_no_web_server() -> None:
    """Every command would start later by what they take to load."""
    starting = (sys.executable, "-X", "importtime", "starter.py")
    said = subprocess.run((*starting, "list", "--help"), cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert {"typer", "console", "temporalio"} <= loaded
    assert not {"uvicorn", "fastapi", "starlette", "apprise", "alembic"} & loaded


@pytest.mark.parametrize("name", [*SIGNALS, *UPDATES])
async def test_each_message_has_a_flag_for_every_field(cli: Cli, name: str) -> None:
    said = (await cli(name.replace("_", "-"), "--help")).out
    payload = (SIGNALS.get(name) or UPDATES[name]).payload
    for field in payload.model_fields:
        if field != "account_id":
            assert f"--{field.replace('_', '-')}" in said
    assert ("--actor-role" in said) == ("actor" in payload.model_fields)
    assert ("--update-id" in said) == (name in UPDATES)
    assert "--json" in said


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["payment-received", "A1", "--amount", "12"], "payment_id"),
        (["payment-received", "A1", "--payment-id", "p", "--amount", "12.345"], "amount"),
        (["payment-received", "A1", "--data", '{"payment_id": "p", "amount": 12}'], "amount"),
        (["payment-received", "A1", "--payment-id", "p", "--amount", "1", "--paid-at", "2026-10-25"], "paid_at"),
        (["hold-placed", "A1", "--hold-id", "h", "--kind", "mood", "--reason", "x", "--actor-id", "a"], "kind"),
        (["withdraw", "A1", "--reason", "x", "--actor-id", "a", "--actor-role", "king"], "actor.role"),
        (["withdraw", "A1", "--reason", "x", "--actor", "Li"], "actor"),
        (["withdraw", "A1", "--reason", "x", "--data", '{"actor": "Li"}', "--actor-id", "a"], "actor"),
        (["agree-plan", "A1", "--plan-id", "p", "--instalments", "[{"], "instalments"),
        (["bill-overdue", "A1", "--data", '{"account_id": "A2"}'], "account_id"),
    ],
)
async def test_a_payload_that_is_wrong_is_refused_with_its_field(cli: Cli, arguments: list[str], field: str) -> None:
    ended = await cli(*arguments, "--json")
    assert ended.code == 1
    assert ended.refusal["type"] == "BadRequest"
    assert ended.refusal["field"] == field


@pytest.mark.parametrize("data", ["{", "[]", "null", "7", '"x"', "[" * 100_000])
async def test_data_that_is_no_object_is_refused(cli: Cli, data: str) -> None:
    ended = await cli("payment-received", "A1", "--data", data, "--json")
    assert (ended.code, ended.refusal["type"]) == (1, "BadRequest")


@pytest.mark.parametrize(
    "arguments",
    [
        ["payment-received"],
        ["payment-received", "A1", "--colour", "red"],
        ["paymentreceived", "A1"],
        ["payment-received", "A1", "--data", "@/no/such/file"],
        ["worklist"],
        ["worklist", "--role", "king"],
        ["list", "--stage", "nirvana"],
        ["list", "--limit", "0"],
        ["list", "--after", "nobody"],
        ["schedules", "install", "--at", "25:00"],
        ["moratorium", "declare", "--scope", "world", "--value", "x", "--reason", "x", "--by", "x"],
    ],
)
async def test_a_wrong_command_line_ends_with_2(cli: Cli, arguments: list[str]) -> None:
    ended = await cli(*arguments, "--json")
    assert ended.code == 2
    assert {"type", "message"} <= ended.refusal.keys()


async def test_a_wrong_command_line_is_a_sentence_for_people(cli: Cli) -> None:
    ended = await cli("worklist", "--role", "king")
    assert ended.code == 2
    assert "team_leader" in ended.err


async def test_a_wrong_setting_ends_with_2_and_its_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_RETRY_MAX_SECONDS", "soon")
    ended = await cli("list", "--json")
    assert ended.code == 2
    assert "ARREARS_RETRY_MAX_SECONDS" in ended.refusal["message"]


async def test_an_unknown_policy_ends_with_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_POLICY", "no-such-pack")
    ended = await cli("list", "--json")
    assert ended.code == 2
    assert "ARREARS_POLICY" in ended.refusal["message"]


async def test_without_temporal_a_command_says_which_address_it_tried(cli: Cli) -> None:
    ended = await cli("status", "A1", "--json")
    assert (ended.code, ended.refusal["type"]) == (3, "TemporalUnavailable")
    assert "127.0.0.1:1" in ended.refusal["message"]


async def test_without_the_register_a_command_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_REGISTER_URL", "postgresql://nobody:hunter2@127.0.0.1:1/register")
    ended = await cli("worklist", "--role", "reader", "--json")
    assert (ended.code, ended.refusal["type"]) == (3, "RegisterUnavailable")
    assert "hunter2" not in ended.err


async def test_an_empty_register_has_no_cases_and_no_work(cli: Cli) -> None:
    assert (await cli("list", "--json")).result == {"cases": [], "next": None}
    assert (await cli("worklist", "--role", "reader", "--json")).result == {"role": "reader", "items": []}


COLD = ("--scope", "region", "--value", "east", "--reason", "寒潮", "--by", "d-1", "--id", "cold-1")


async def test_a_moratorium_stands_from_its_declaration_to_its_lifting_though_no_case_can_be_notified(cli: Cli) -> None:
    """The register comes first; without Temporal the sentence says that it stands, and what to do next."""
    declared = await cli("moratorium", "declare", *COLD, "--json")
    assert (declared.code, declared.refusal["type"]) == (3, "TemporalUnavailable")
    assert "cold-1 is in the register" in declared.refusal["message"]
    parts = build(load_settings())
    assert [m.lifted_at for m in WholeRegister(parts.reader.engine).moratoria()] == [None]
    lifted = await cli("moratorium", "lift", "cold-1", "--by", "d-1", "--json")
    assert (lifted.code, lifted.refusal["moratorium_id"]) == (3, "cold-1")
    assert WholeRegister(parts.reader.engine).moratoria()[0].lifted_by == "d-1"
    again = await cli("moratorium", "declare", *COLD, "--json")
    assert (again.code, again.refusal["type"]) == (1, "AlreadyLifted")
    parts.close()


async def test_a_dry_run_of_a_moratorium_needs_the_register_alone_and_writes_nothing(cli: Cli) -> None:
    preview = (await cli("moratorium", "declare", *COLD, "--dry-run", "--json")).result
    assert preview == {"dry_run": True, "cases": 0, "cuts": [], "assumed": [], "permits": [], "on_record": []}
    assert (await cli("moratorium", "declare", *COLD, "--dry-run")).out.startswith("试运行")
    ended = await cli("moratorium", "lift", "cold-1", "--by", "d-1", "--dry-run", "--json")
    assert (ended.code, ended.refusal["type"]) == (1, "UnknownMoratorium")


@pytest.mark.parametrize(
    ("scope", "there", "known"),
    [("region", "北区", "北区, 南区"), ("class", "residential", "residential"), ("centre", "RC-03", "RC-03")],
)
async def test_a_moratorium_for_what_no_case_was_ever_of_says_what_there_is(
    cli: Cli, scope: str, there: str, known: str
) -> None:
    """Spelled otherwise than billing spells it, it would keep nobody's supply on; a closed case counts too."""
    register = SqlRegister(build(load_settings()).register_engine)
    of_all: dict[str, Any] = {"customer_class": "residential", "reading_centre": "RC-03"}
    register.write(record(case=case_row(region="北区", **of_all)))
    ended: dict[str, Any] = {"account_id": "4001", "case_key": "run-2", "stage": "closed", "closed_at": OPENED}
    register.write(record(case=case_row(region="南区", **of_all, **ended)))

    def declare(value: str) -> tuple[str, ...]:
        return ("moratorium", "declare", "--scope", scope, "--value", value, *COLD[4:])

    for more in (("--dry-run",), ("--starts-at", "2199-01-01T00:00:00+08:00")):
        assert (await cli(*declare("nought"), *more, "--json")).result["on_record"] == known.split(", ")
        said = (await cli(*declare("nought"), *more)).out
        assert "no case ever was of" in said
        assert said.rstrip().endswith(f"On record are: {known}")
    silent = await cli(*declare(there), "--dry-run", "--json")
    assert "on_record" not in silent.result
    assert "no case ever" not in (await cli(*declare(there), "--dry-run")).out


async def test_a_moratorium_that_begins_later_is_written_down_and_signalled_later(cli: Cli) -> None:
    ahead = ("--starts-at", "2199-01-01T00:00:00+08:00")
    declared = (await cli("moratorium", "declare", *COLD, *ahead, "--json")).result
    assert declared == {
        "moratorium_id": "cold-1",
        "registered": True,
        "starts_at": "2198-12-31T16:00:00Z",
        "on_record": [],
    }


async def test_the_wording_of_a_moratorium_does_not_change(cli: Cli) -> None:
    await cli("moratorium", "declare", *COLD)
    ended = await cli("moratorium", "declare", *COLD[:3], "west", *COLD[4:], "--json")
    assert (ended.code, ended.refusal["type"], ended.refusal["field"]) == (1, "AlreadyDeclared", "id")


async def test_a_moratorium_does_not_end_before_it_begins(cli: Cli) -> None:
    ended = await cli("moratorium", "declare", *COLD, "--until", "2026-01-01T09:00:00+08:00", "--json")
    assert (ended.code, ended.refusal["field"]) == (1, "until")


async def test_lifting_what_was_never_declared_is_refused(cli: Cli) -> None:
    ended = await cli("moratorium", "lift", "nothing", "--by", "d-1", "--json")
    assert (ended.code, ended.refusal["type"]) == (1, "UnknownMoratorium")


async def test_a_moratorium_needs_a_time_with_an_offset(cli: Cli) -> None:
    order = ("--scope", "region", "--value", "east", "--reason", "x", "--by", "d-1", "--until", "2026-10-25 09:00")
    ended = await cli("moratorium", "declare", *order, "--json")
    assert (ended.code, ended.refusal["field"]) == (1, "until")


@pytest.mark.parametrize("time", range(5))  # the SDK may abort a program that ends right after a request
def test_as_a_program_it_ends_with_its_code_and_an_empty_stdout(tmp_path: Path, time: int) -> None:
    del time
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
    environment |= {"TEMPORAL_ADDRESS": "127.0.0.1:1", "ARREARS_CONNECT_SECONDS": "1"}
    environment |= {
        "ARREARS_REGISTER_URL": f"sqlite:///{tmp_path}/r.db",
        "ARREARS_BILLING_URL": f"sqlite:///{tmp_path}/b.db",
    }
    ended = subprocess.run(
        [sys.executable, ROOT / "starter.py", "why", "A1"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "Traceback" not in ended.stderr


def test_a_worker_without_temporal_says_so_and_ends_with_3(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
    environment |= {"TEMPORAL_ADDRESS": "127.0.0.1:1", "ARREARS_CONNECT_SECONDS": "1"}
    ended = subprocess.run(
        [sys.executable, ROOT / "worker.py"], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert ended.returncode == 3
    assert "no Temporal server at 127.0.0.1:1" in ended.stderr
    assert "Traceback" not in ended.stderr


# ---- with a server and a worker ---------------------------------------------------------------


async def test_a_message_to_no_case_is_refused(cli: Cli, utility: Utility) -> None:
    del utility
    ended = await cli("payment-received", "nobody", "--payment-id", "p-1", "--amount", "10.00", "--json")
    assert (ended.code, ended.refusal["type"]) == (1, "NoCase")
    ended = await cli(
        "withdraw", "nobody", "--reason", "x", "--actor-id", "d", "--actor-role", "centre_director", "--json"
    )
    assert (ended.code, ended.refusal["type"]) == (1, "NoCase")
    assert (await cli("status", "nobody", "--json")).refusal["type"] == "NoCase"


async def test_a_case_is_opened_joined_and_shown(cli: Cli, utility: Utility) -> None:
    account = utility.book("look-1")
    bill = ("--event-id", "e-1", "--bill-id", f"b-{account}", "--amount", "320.00", "--due-date", "2026-09-01")
    opened = (await cli("bill-overdue", account, *bill, "--json")).result
    assert opened == {"sent": "bill_overdue", "case": "opened", "workflow_id": f"arrears-{account}"}
    assert (await cli("bill-overdue", account, *bill, "--json")).result["case"] == "joined"

    async def awaits_the_reader() -> bool:
        items = (await cli("worklist", "--role", "reader", "--json")).result["items"]
        return any(item["account_id"] == account and item["act"] == "record_delivery" for item in items)

    await _until(awaits_the_reader)
    snapshot = (await cli("status", account, "--json")).result
    assert (snapshot["account_id"], snapshot["stage"], snapshot["owed"]) == (account, "yellow_notice", "320.00")
    assert (await cli("why", account, "--json")).result["unmet"]
    listed = (await cli("list", "--open", "--json")).result["cases"]
    assert account in {row["account_id"] for row in listed}
    for arguments in (["status", account], ["why", account], ["list"], ["worklist", "--role", "reader"]):
        assert (await cli(*arguments)).code == 0


async def test_a_notice_is_served_from_the_command_line_and_a_refusal_names_its_type(
    cli: Cli, utility: Utility
) -> None:
    account = utility.book("serve-1")
    assert (await cli("overdue", account, "--json")).result["cases_opened"] == 1

    async def has_a_notice() -> bool:
        return bool((await cli("status", account, "--json")).result.get("notices"))

    await _until(has_a_notice)
    notice = (await cli("status", account, "--json")).result["notices"][0]["notice_id"]
    delivery = ["record-delivery", account, "--notice-id", notice, "--outcome", "signed", "--recipient", "张三"]
    wrong = await cli(*delivery, "--actor", json.dumps(CREW), "--json")
    assert (wrong.code, wrong.refusal["type"]) == (1, "NotAllowed")
    assert wrong.refusal["message"]
    unknown = await cli(
        "record-delivery",
        account,
        "--data",
        json.dumps({"notice_id": "none", "outcome": "signed", "actor": READER}),
        "--json",
    )
    assert unknown.refusal["type"] == "UnknownNotice"
    served = await cli(*delivery, "--actor-id", "r-017", "--actor-role", "reader", "--actor-unit", "RC-03", "--json")
    assert served.result["served"] is True


async def test_the_same_update_id_gives_the_first_answer(cli: Cli, utility: Utility) -> None:
    account = utility.book("twice-1")
    await cli("overdue", account)
    promise = ["record-promise", account, "--amount", "320.00", "--actor", json.dumps(READER), "--update-id", "u-1"]
    until = str(date.today() + timedelta(days=3))  # noqa: DTZ011
    first = await cli(*promise, "--promise-id", "p-1", "--until", until, "--json")
    again = await cli(*promise, "--promise-id", "p-2", "--until", until, "--json")
    assert first.result == again.result
    assert (await cli("status", account, "--json")).result["promise"]["promise_id"] == "p-1"


async def test_overdue_opens_whoever_owes_and_says_who_does_not(cli: Cli, utility: Utility) -> None:
    owes, little = utility.book("owes-1"), utility.book("little-1", "3.00")
    result = (await cli("overdue", owes, little, "stranger", "--json")).result
    assert (result["asked"], result["cases_opened"], result["cases_joined"]) == (3, 1, 0)
    assert set(result["not_opened"]) == {little, "stranger"}
    again = (await cli("overdue", "--json")).result
    assert again["cases_joined"] >= 1
    description = await utility.client.get_workflow_handle(f"arrears-{owes}").describe()
    summary = await description.static_summary()
    assert summary is not None
    assert owes in summary
    assert "320.00" in summary
    assert "张三" not in summary


async def test_overdue_shows_how_many_it_has_done(utility: Utility) -> None:
    accounts = [utility.book(f"many-{number}") for number in range(40)]
    seen: list[tuple[str, int, int]] = []
    billing, policies = utility.parts.billing, utility.parts.policies
    await open_overdue(
        utility.client,
        billing,
        policies,
        utility.settings.task_queue,
        datetime.now(UTC),
        accounts,
        progress=lambda *moved: seen.append(moved),
    )
    assert seen == [("overdue", 32, 40), ("overdue", 40, 40)]


async def test_overdue_without_billing_ends_with_3(cli: Cli, utility: Utility) -> None:
    account = utility.book("down-1")
    utility.parts.book.set_reachable(False, "月末结算")
    try:
        ended = await cli("overdue", account, "--json")
    finally:
        utility.parts.book.set_reachable(True)
    assert (ended.code, ended.refusal["type"]) == (3, "BillingUnavailable")


async def test_a_cut_reported_to_no_case_opens_one_that_restores(cli: Cli, utility: Utility) -> None:
    account = utility.book("dark-1")
    report = ["report-cut", account, "--meter-id", f"m-{account}", "--actor", json.dumps(CREW), "--json"]
    result = (await cli(*report)).result
    assert result == {
        "lawful": False,
        "sent": "supply_found_cut",
        "case": "opened",
        "workflow_id": f"arrears-{account}",
    }

    async def is_restoring() -> bool:
        return bool((await cli("status", account, "--json")).result["stage"] == "restoring")

    await _until(is_restoring)


async def test_with_no_worker_there_is_no_answer(utility: Utility) -> None:
    client = utility.client
    await cases.open_or_join(
        client,
        "idle-1",
        "payment_reversed",
        {"payment_id": "p", "reason": "bounced"},
        policy=utility.parts.policy,
        task_queue="nobody-listens",
    )
    with pytest.raises(cases.NoAnswer):
        await cases.query(client, "idle-1", "snapshot", patience=timedelta(seconds=1))
    request = {"reason": "x", "actor": {"id": "d", "role": "centre_director"}}
    with pytest.raises(cases.NoAnswer):
        await cases.update(client, "idle-1", "withdraw", request, patience=timedelta(seconds=1))


async def test_schedules_are_installed_once_and_kept_up_to_date(cli: Cli, utility: Utility) -> None:
    assert (await cli("schedules", "install", "--at", "04:10", "--json")).result["done"] == "created"
    handle = utility.client.get_schedule_handle("daily-sweep")
    await handle.pause(note="维护")
    assert (await cli("schedules", "install", "--at", "05:20", "--json")).result["done"] == "updated"
    schedule = (await handle.describe()).schedule
    assert schedule.spec.time_zone_name == "Asia/Shanghai"
    assert [(c.hour[0].start, c.minute[0].start) for c in schedule.spec.calendars] == [(5, 20)]
    assert schedule.state.paused, "an operator's pause outlives an update"


async def test_schedules_keep_the_hour_that_was_set_until_another_is_named(
    cli: Cli, utility: Utility, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`doctor` and the runbook say `schedules install` alone: whoever follows them must not move anything."""
    names = ("daily-sweep", "government-report", "evidence-anchor")
    try:
        await cli("schedules", "install", "--at", "04:00", "--json")
        monkeypatch.setenv("ARREARS_ANCHOR", str(tmp_path / "anchor"))
        monkeypatch.setenv("ARREARS_ANCHOR_KEY", base64.b64encode(b"k" * 32).decode())
        kept = (await cli("schedules", "install", "--json")).result
        assert kept["at"] == "04:00"
        assert kept["times"] == dict.fromkeys(names, "04:00"), "what is new goes with the sweep"
        assert "04:00 Asia/Shanghai" in (await cli("schedules", "install")).out

        def twice_a_day(known: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule = known.description.schedule
            schedule.spec = ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(3), ScheduleRange(15)])], time_zone_name="UTC"
            )
            return ScheduleUpdate(schedule)

        handle = utility.client.get_schedule_handle("daily-sweep")
        await handle.update(twice_a_day)
        assert (await cli("schedules", "install", "--json")).result["at"] is None
        spec = (await handle.describe()).schedule.spec
        assert [r.start for r in spec.calendars[0].hour] == [3, 15]
        assert spec.time_zone_name == "Asia/Shanghai", "the policy's zone"
        assert (await cli("schedules", "install", "--at", "06:10", "--json")).result["times"] == dict.fromkeys(
            names, "06:10"
        )
    finally:
        for name in names:
            with suppress(RPCError):
                await utility.client.get_schedule_handle(name).delete()


async def test_search_attributes_are_added_once(utility: Utility) -> None:
    assert await ensure_search_attributes(utility.client) == ()


async def test_a_missing_namespace_is_named(cli: Cli, utility: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    del utility
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    for arguments in (["status", "A1"], ["overdue"], ["schedules", "install"]):
        ended = await cli(*arguments, "--json")
        assert (ended.code, ended.refusal["type"]) == (3, "TemporalUnavailable")
        assert "elsewhere" in ended.refusal["message"]


async def test_a_restoration_reported_by_another_unit_is_printed_as_not_counted(cli: Cli, utility: Utility) -> None:
    """R-33: whoever reports is told whether it counted; the command does not end as if it were done."""
    account = utility.book("not-counted-1")
    await cli("report-cut", account, "--meter-id", f"m-{account}", "--actor", json.dumps(CREW), "--json")

    async def ticket_is_out() -> bool:
        return bool((await cli("status", account, "--json")).result["tickets"])

    await _until(ticket_is_out)
    ticket = (await cli("status", account, "--json")).result["tickets"][0]["ticket_id"]
    stranger = json.dumps({**CREW, "unit": "FU-99"})
    ended = await cli("report-restored", account, "--ticket-id", ticket, "--actor", stranger, "--json")
    answer = json.loads(ended.out)
    problem = json.loads(next(line for line in ended.err.splitlines() if line.startswith("{")))
    assert (ended.code, answer["counted"], problem["type"]) == (1, False, "NotCounted")
    assert problem["message"] == answer["why"]
    said = await cli("report-restored", account, "--ticket-id", ticket, "--actor", stranger)
    assert (said.code, "counted" in said.out, "FU-99" in said.err) == (1, True, True)
    holder = json.dumps({**CREW, "unit": "fu－1"})
    assert (await cli("report-restored", account, "--ticket-id", ticket, "--actor", holder, "--json")).result == {
        "counted": True
    }
