"""`starter.py doctor`: each way a set-up can be broken is made for real, found, and hides nothing else."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from temporalio.client import ScheduleState, ScheduleUpdate, ScheduleUpdateInput

from adapters.checkup.database import check_register, open_rows, time_at_register, unsent
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import writing
from client.schedules import install_daily_sweep, install_government_report
from composition.parts import build
from composition.places import places
from composition.settings.checkup import ReadSettings
from composition.settings.model import Settings
from edge.doctor import Doctor, machine
from edge.doctor.finding import Finding, aside, in_time, ok
from tests.adapters.anchor.test_register_anchor import SPELLED
from tests.edge.commands.test_application import Cli, Ended, cli
from tests.support.billing_lines import bill, customer
from tests.support.programs import environment, program
from tests.support.register_records import message, record
from tests.support.sealing import holding, key
from tests.support.world import Case, World

__all__ = ["cli"]  # the fixture

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
async def utility(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A set-up in which all is well, with one open case."""
    async with world.apart(tmp_path_factory.mktemp("utility")) as apart:
        queue = apart.settings.task_queue
        await install_daily_sweep(apart.client, queue, "Asia/Shanghai", 5, 30)
        await install_government_report(apart.client, queue, "Asia/Shanghai", 6, 30)
        case = await apart.open()
        await case.recorded("notice.issued")
        yield apart
        for schedule in ("daily-sweep", "government-report"):
            await apart.client.get_schedule_handle(schedule).delete()


Doctoring = Callable[..., Coroutine[Any, Any, Ended]]


@pytest.fixture
def doctor(utility: World, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Doctoring:
    """The command, with these settings; whatever is wrong, it must not hang."""

    async def run(*arguments: str, **changes: str) -> Ended:
        with monkeypatch.context() as settings:
            for name, value in {**environment(utility), **changes}.items():
                if name.startswith(("ARREARS_", "TEMPORAL_")):
                    settings.setenv(name, value)
            return await asyncio.wait_for(cli(*(arguments or ("doctor", "--json"))), 30)

    return run


def found(ended: Ended) -> dict[str, list[dict[str, str]]]:
    """Findings by part."""
    parts: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(ended.out)["parts"]:
        parts.setdefault(finding["part"], []).append(finding)
    return parts


def states(ended: Ended) -> dict[str, str]:
    """The worst of each part."""
    order = ("ok", "warning", "broken")
    return {part: max((f["state"] for f in findings), key=order.index) for part, findings in found(ended).items()}


def only(ended: Ended, part: str, state: str, says: str) -> None:
    """That part is in that state for that reason and says what to do; every other part is well."""
    assert {p: s for p, s in states(ended).items() if s != "ok"} == {part: state}, ended.out
    finding = next(f for f in found(ended)[part] if f["state"] == state)
    assert says in finding["says"], finding
    assert finding["do"]
    assert ended.code == (3 if state == "broken" else 0)
    if state == "broken":
        assert json.loads(ended.err.splitlines()[-1])["parts"] == [part]


async def test_where_all_is_well_it_says_so_of_every_part(utility: World, doctor: Doctoring, tmp_path: Path) -> None:
    ended = await doctor()
    assert set(states(ended).values()) == {"ok"}, ended.out
    assert ended.code == 0
    assert states(ended).keys() == {
        *("settings", "policy", "temporal", "search attributes", "workers", "schedule daily-sweep"),
        *("schedule government-report", "register", "billing", "channels", "outbox", "letters", "cases", "open rows"),
        *("payload keys", "anchor", "documents", "clocks", "disk"),
    }
    people = await program(utility, "doctor", folder=tmp_path)  # a process of its own, as people run it
    assert (people.code, "一切正常" in people.out) == (0, True)


# ---- what somebody set wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "part", "state", "says"),
    [
        ("ARREARS_LOG_FORMAT", "xml", "settings", "broken", "ARREARS_LOG_FORMAT"),
        ("ARREARS_BUILD_ID", "2", "settings", "broken", "must be set together"),
        ("ARREARS_REGISTER_ULR", "x", "settings", "warning", "ARREARS_REGISTER_ULR"),
        ("ARREARS_POLICY", "no-such-pack", "policy", "broken", "no-such-pack"),
        ("ARREARS_DOCUMENTS", "/dev/null/papers", "documents", "broken", "/dev/null"),
        ("ARREARS_NOTIFY", "/nowhere/channels.toml", "channels", "broken", "/nowhere/channels.toml: cannot be read"),
        ("ARREARS_TASK_QUEUE", "elsewhere", "workers", "broken", "elsewhere"),
        ("TEMPORAL_NAMESPACE", "elsewhere", "temporal", "broken", "no namespace elsewhere"),
        ("ARREARS_ANCHOR_PUBLIC_KEY", "x", "settings", "broken", "ARREARS_ANCHOR_PUBLIC_KEY"),
    ],
)
async def test_a_wrong_setting_is_named_and_the_rest_is_checked(
    doctor: Doctoring, name: str, value: str, part: str, state: str, says: str
) -> None:
    ended = await doctor(**{name: value})
    if name == "TEMPORAL_NAMESPACE":  # nothing is in that namespace
        assert states(ended)[part] == state
        assert says in found(ended)[part][0]["says"]
        return
    only(ended, part, state, says)


async def test_folders_are_checked_where_the_program_uses_them(
    doctor: Doctoring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A relative one belongs to the project's folder, wherever the command is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers").write_text("a file, where a folder should be", "utf-8")
    [documents] = found(await doctor(ARREARS_DOCUMENTS="papers"))["documents"]
    assert (documents["state"], documents["says"]) == ("ok", f"{ROOT / 'papers'} can be made when needed")
    assert ROOT / "papers" in [place.path for place in places(Settings.model_validate({"documents": "papers"}))]


# ---- who is notified by which channel ------------------------------------------------------------------

CREW = '[[staff]]\nrole = "field_crew"\nunit = "FU-02"\nchannels = [{ kind = "app", url = "jsons://app.example" }]\n'
EVERYBODY = "".join(
    f'[[staff]]\nrole = "{role}"\nchannels = [{{ kind = "app", url = "jsons://app.example/{{person}}" }}]\n'
    for role in ("reader", "team_leader", "centre_director", "company_leader", "station_head", "field_crew", "liaison")
)


@pytest.mark.parametrize(
    ("table", "state", "says"),
    [
        (EVERYBODY, "ok", "every role has a channel; customers are notified by their readers alone"),
        (CREW, "warning", "no entry for reader, team_leader, centre_director, company_leader, station_head, liaison: "),
        (CREW, "warning", "for field_crew there are entries of some units or persons alone"),
        (EVERYBODY.replace("jsons", "json"), "warning", "app: texts would go to another machine in clear"),
        (EVERYBODY.replace("jsons", "nosuch"), "broken", "the address of channel app is none that Apprise knows"),
        ("staff = 1", "broken", "channels.toml: staff"),
    ],
    ids=["everybody", "roles_left_out", "units_left_out", "in_clear", "unknown_service", "no_table"],
)
async def test_the_routing_table_is_checked_and_who_has_no_channel_is_named(
    doctor: Doctoring, tmp_path: Path, table: str, state: str, says: str
) -> None:
    (tmp_path / "channels.toml").write_text(table, "utf-8")
    ended = await doctor(ARREARS_NOTIFY=str(tmp_path / "channels.toml"))
    assert says in " ".join(f["says"] for f in found(ended)["channels"] if f["state"] == state), ended.out
    assert {part for part, worst in states(ended).items() if worst != "ok"} <= {"channels"}


async def test_production_without_channels_is_warned(doctor: Doctoring) -> None:
    assert states(await doctor(ARREARS_MODE="production"))["channels"] == "warning"


async def test_messages_that_nobody_has_taken_for_long_are_named(doctor: Doctoring, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    engine = open_register(url)
    register = SqlRegister(engine, hands_on=True)
    register.write(record(messages=(message("m-1", at=datetime.now(UTC) - 0.2 * HOUR),)))
    assert states(await doctor(ARREARS_REGISTER_URL=url))["outbox"] == "ok"
    register.write(record(2, messages=(message("m-2", at=datetime.now(UTC) - 3 * HOUR),)))
    engine.dispose()
    [outbox] = found(await doctor(ARREARS_REGISTER_URL=url))["outbox"]
    assert outbox["state"] == "warning"
    assert "2 messages to staff wait to be sent, the oldest for 3.0 h" in outbox["says"]


async def test_customers_whose_letters_no_font_has_are_named(utility: World, doctor: Doctoring) -> None:
    case = await utility.open(card={"name": "𠀀野", "address": "𠮷祥路1号"})
    await case.recorded("notice.issued")
    [letters] = found(await doctor())["letters"]
    assert letters["state"] == "warning"
    assert "U+20000" in letters["says"]
    assert "U+20BB7" not in letters["says"]
    assert case.account_id in letters["says"]
    await case.update("withdraw", "centre_director", reason="moved")
    await case.result()
    assert states(await doctor())["letters"] == "ok"


async def test_weak_settings_are_named_as_production_would_refuse_them(doctor: Doctoring) -> None:
    ended = await doctor(ARREARS_MODE="production")
    assert states(ended)["settings"] == "broken"
    said = " ".join(f["says"] for f in found(ended)["settings"])
    assert "ARREARS_REGISTER_URL: a SQLite file" in said
    assert "ARREARS_PAYLOAD_KEYS" in said
    assert states(ended)["register"] == "ok"


# ---- what is down ----------------------------------------------------------------------------------


async def test_without_temporal_the_rest_is_checked_all_the_same(doctor: Doctoring) -> None:
    ended = await doctor(TEMPORAL_ADDRESS="127.0.0.1:1")
    only(ended, "temporal", "broken", "127.0.0.1:1")
    assert {"register", "billing", "policy", "disk"} <= states(ended).keys()


async def test_a_database_that_is_down_is_distinguished_from_the_other(doctor: Doctoring) -> None:
    nowhere = "postgresql://register:b7e2f4a90c@127.0.0.1:1/register"
    ended = await doctor(ARREARS_REGISTER_URL=nowhere)
    assert states(ended)["register"] == "broken"
    assert states(ended)["billing"] == "ok"
    assert "b7e2f4a90c" not in ended.out + ended.err
    ended = await doctor(ARREARS_BILLING_URL=nowhere)
    assert (states(ended)["billing"], states(ended)["register"]) == ("broken", "ok")


async def test_a_register_that_somebody_has_locked_does_not_hang_the_doctor(utility: World, doctor: Doctoring) -> None:
    with opened(utility.settings.register_url.get_secret_value()) as database:
        database.execute("BEGIN IMMEDIATE")
        ended = await doctor()
        database.rollback()
    only(ended, "register", "broken", "database is locked")
    assert "another program holds the file" in found(ended)["register"][0]["do"]


async def test_a_file_that_cannot_be_made_or_opened_is_no_database_to_start(doctor: Doctoring, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for part, name in (("register", "ARREARS_REGISTER_URL"), ("billing", "ARREARS_BILLING_URL")):
        ended = await doctor(**{name: f"sqlite:///{tmp_path / 'file' / 'below' / 'it.db'}"})
        assert states(ended)[part] == "broken"
        assert "cannot be made" in found(ended)[part][0]["says"]
        assert "right to write there" in found(ended)[part][0]["do"]
        assert "start the database" not in ended.out


async def test_a_billing_system_that_does_not_answer_is_no_database(doctor: Doctoring) -> None:
    ended = await doctor(ARREARS_BILLING_URL="http://127.0.0.1:1/", ARREARS_BILLING_TOKEN="t" * 32)
    assert states(ended)["billing"] == "broken"
    assert "the utility's system runs" in found(ended)["billing"][0]["do"]


async def test_billing_switched_off_is_found_though_its_database_answers(utility: World, doctor: Doctoring) -> None:
    await utility.outage()
    try:
        only(await doctor(), "billing", "broken", "switched off")
    finally:
        await utility.billing_back()


# ---- registers that are not as they should be ------------------------------------------------------


@contextmanager
def opened(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as database:
        yield database


def copied(utility: World, folder: Path, *statements: str) -> str:
    """A copy of the register, spoiled."""
    place = folder / "copy.db"
    with opened(utility.settings.register_url.get_secret_value()) as source, closing(sqlite3.connect(place)) as copy:
        source.backup(copy)
        for statement in statements:
            copy.execute(statement)
        copy.commit()
    return f"sqlite:///{place}"


@pytest.mark.parametrize(
    ("statement", "state", "says"),
    [
        ("DROP TRIGGER evidence_no_update", "broken", "triggers are gone that let evidence only"),
        ("DROP TRIGGER reports_no_delete", "broken", "triggers are gone that let reports only"),
        ("ALTER TABLE cases DROP COLUMN policy", "broken", "lacks cases.policy"),
        ("DROP TABLE event_nonces", "warning", "lacks event_nonces"),
    ],
)
async def test_a_spoiled_register_is_named(
    utility: World, doctor: Doctoring, tmp_path: Path, statement: str, state: str, says: str
) -> None:
    spoiled = copied(utility, tmp_path, statement)
    only(await doctor(ARREARS_REGISTER_URL=spoiled), "register", state, says)


async def test_a_file_that_is_no_database_and_one_that_is_not_there(doctor: Doctoring, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to look at" * 20, "utf-8")
    ended = await doctor(ARREARS_REGISTER_URL=f"sqlite:///{tmp_path / 'text.db'}")
    only(ended, "register", "broken", "not a database")
    missing = tmp_path / "none" / "register.db"
    ended = await doctor(ARREARS_REGISTER_URL=f"sqlite:///{missing}")
    assert "is not there yet" in found(ended)["register"][0]["says"]
    assert states(ended)["register"] == "warning"
    assert not missing.parent.exists(), "the doctor makes nothing"


async def test_on_postgresql_too(postgresql_url: str) -> None:
    engine = open_register(postgresql_url)
    SqlRegister(engine).write(record())
    assert (await aside(lambda: check_register(postgresql_url))).unguarded == ()
    assert unsent(postgresql_url).messages == 0
    assert [row.account_id for row in open_rows(postgresql_url)] == ["3001"]
    told = time_at_register(postgresql_url)
    assert told is not None
    assert abs(told - datetime.now(UTC)) < HOUR
    read_only = f"{postgresql_url}{'&' if '?' in postgresql_url else '?'}options=-cdefault_transaction_read_only%3Don"
    assert "read-only" in (check_register(read_only).unwritable or "")
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE evidence DISABLE TRIGGER evidence_append_only"))
    seen = check_register(postgresql_url)
    assert (seen.unguarded, seen.unwritable, seen.missing) == (("evidence",), None, ())
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE reports ENABLE REPLICA TRIGGER reports_append_only"))
    assert check_register(postgresql_url).unguarded == ("evidence", "reports")
    engine.dispose()


def test_what_the_runbook_says_makes_the_guards_anew(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_register(database_url)
    SqlRegister(engine).write(record())
    with writing(engine) as connection:
        for table in ("evidence", "reports"):
            guard = f"{table}_no_update" if engine.dialect.name == "sqlite" else f"{table}_append_only ON {table}"
            connection.execute(text(f"DROP TRIGGER {guard}"))
    engine.dispose()
    assert check_register(database_url).unguarded == ("evidence", "reports")
    section = (ROOT / "docs" / "runbook.md").read_text("utf-8").partition("\n## 10. ")[2]
    script = section.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    monkeypatch.setenv("ARREARS_REGISTER_URL", database_url)
    exec(script, {})
    assert check_register(database_url).unguarded == ()


async def test_an_empty_billing_book_is_named(utility: World, doctor: Doctoring, tmp_path: Path) -> None:
    parts = build(utility.settings.model_copy(update={"billing_url": _secret(tmp_path / "b.db")}))
    parts.billing.customer("-")
    parts.close()
    ended = await doctor(ARREARS_BILLING_URL=f"sqlite:///{tmp_path / 'b.db'}")
    only(ended, "billing", "warning", "no customers and no bills")


async def test_two_accounts_with_one_meter_are_named(utility: World, doctor: Doctoring, tmp_path: Path) -> None:
    """R-33: however the meter is written; whose it is must be known before one is cut off for the other."""
    book = build(utility.settings.model_copy(update={"billing_url": _secret(tmp_path / "b.db")})).book
    book.add_customers([customer("1001", meter_id="M-A-1"), customer("1002", meter_id="ｍ a 1")])
    book.add_bills([bill("b1")])
    book.close()
    ended = await doctor(ARREARS_BILLING_URL=f"sqlite:///{tmp_path / 'b.db'}")
    only(ended, "billing", "warning", "accounts with one meter: 1001 and 1002")


def _secret(place: Path) -> Any:
    return Settings.model_validate({"billing_url": f"sqlite:///{place}"}).billing_url


# ---- Temporal, and what is daily -------------------------------------------------------------------


async def test_a_schedule_that_is_paused_or_not_there_is_named(
    utility: World, doctor: Doctoring, tmp_path: Path
) -> None:
    handle = utility.client.get_schedule_handle("daily-sweep")
    await handle.pause(note="holidays")
    only(await doctor(), "schedule daily-sweep", "warning", "paused: holidays")

    def resumed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        known.description.schedule.state = ScheduleState()
        return ScheduleUpdate(known.description.schedule)

    await handle.update(resumed)
    report = utility.client.get_schedule_handle("government-report")
    await report.pause(note="elections")
    only(await doctor(), "schedule government-report", "warning", "paused: elections")
    await report.unpause()
    anchored = {"ARREARS_ANCHOR": str(tmp_path / "anchor"), "ARREARS_ANCHOR_KEY": SPELLED}
    ended = await doctor(**anchored)
    assert states(ended)["schedule evidence-anchor"] == "warning"
    assert "schedules install" in found(ended)["schedule evidence-anchor"][0]["do"]
    assert states(ended)["anchor"] == "warning"


async def test_days_later_what_is_daily_is_late_and_clocks_disagree(utility: World) -> None:
    """The doctor with a clock of its own: a day and a half ahead of everybody."""
    read = _read(utility.settings)
    ahead = timedelta(hours=36)
    examined = await _examine(utility, read, lambda: datetime.now(UTC) + ahead)
    late = {f.part: f for f in examined if f.state != "ok"}
    assert late["schedule daily-sweep"].state == "warning"
    assert "schedule government-report" not in late
    next_month = await _examine(utility, read, lambda: datetime.now(UTC) + timedelta(days=33))
    assert "schedule government-report" in {f.part for f in next_month if f.state == "warning"}
    assert late["clocks"].says.startswith("Temporal is 129600 s behind")
    assert late["clocks"].state == "broken"


def _read(settings: Settings) -> ReadSettings:
    return ReadSettings(settings, (), (), (), True, Path("none"))


async def _examine(utility: World, read: ReadSettings, now: Any) -> tuple[Finding, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", utility.client.service_client.config.target_host)
        return await Doctor(read, now).examine()


# ---- cases that nobody carries on ------------------------------------------------------------------


async def test_rows_that_no_workflow_carries_on_are_named_and_can_be_closed(utility: World, doctor: Doctoring) -> None:
    """Terminated by hand: cut off, with supply, and one that was opened anew."""
    lit, dark = await utility.open(), await utility.open()
    await lit.recorded("notice.issued")
    await report_found_cut(dark)
    for case in (lit, dark):
        await case.handle.terminate("by mistake")
    ended = await doctor()
    rows = {f["state"]: f for f in found(ended)["open rows"]}
    assert dark.account_id in rows["broken"]["says"]
    assert "supply-found-cut" in rows["broken"]["do"]
    assert lit.account_id in rows["warning"]["says"]
    assert ended.code == 3

    async def close(case: Case, *more: str) -> Ended:
        who = ("--by", "d-001", "--reason", "terminated by mistake")
        return await doctor("close-row", case.account_id, *who, *more, "--json")

    assert (await close(lit)).result["closed"] == [lit.handle.first_execution_run_id]
    assert (await close(lit)).refusal["type"] == "NothingToClose"
    assert (await close(dark)).refusal["type"] == "StillDark"
    anew = await utility.open(dark.account_id)
    await report_found_cut(anew)
    assert "rows of earlier cases" in found(await doctor())["open rows"][0]["says"]
    assert (await close(dark)).refusal["type"] == "MissingEvidence"
    assert (await close(dark, "--outcome", "warned")).refusal["type"] == "NotAllowed"
    director = ("--role", "centre_director", "--outcome", "warned")
    assert (await close(dark, *director)).result["closed"] == [dark.handle.first_execution_run_id]
    assert states(await doctor())["open rows"] == "ok"
    reader = utility.parts.reader
    assert await asyncio.to_thread(lambda: reader.verify(dark.account_id).intact)
    old = await asyncio.to_thread(reader.case_file, dark.account_id, dark.handle.first_execution_run_id)
    assert old is not None
    assert (old.case.stage, {t.state for t in old.tickets}) == ("closed", {"recalled"})
    assert {i.outcome for i in old.incidents} == {"warned"}
    assert (await close(anew)).refusal["type"] == "NothingToClose", "it runs"
    await anew.restore()


async def report_found_cut(case: Case) -> None:
    found_ = {"report_id": "f-1", "meter_id": f"M-{case.account_id}", "reported_by": "neighbour", "source": "95598"}
    await case.signal("supply_found_cut", **found_)
    await case.ticket("restore")
    await case.recorded("ticket.sent")


async def test_keys_that_do_not_open_the_open_cases_are_named(doctor: Doctoring) -> None:
    ended = await doctor(ARREARS_PAYLOAD_KEYS=key("k1"))
    only(ended, "payload keys", "broken", "not encrypted")
    both = {"ARREARS_PAYLOAD_KEYS": key("k1"), "ARREARS_PAYLOAD_PLAIN": "accept"}
    only(await doctor(**both), "payload keys", "broken", "the worker has no payload keys")


async def test_cases_encrypted_by_a_key_that_is_not_there_are_named(
    world: World, doctor: Doctoring, tmp_path: Path
) -> None:
    """By the oldest and the newest case: opened under k1, read with k2, with none, and with both."""
    async with world.apart(tmp_path) as books:
        sealed = holding(books.client, "k1")
        account = await books.customer()
        handle = await sealed.start_workflow(
            "ArrearsCase", {"account_id": account}, id=f"arrears-{account}", task_queue="nobody"
        )
        own = {"ARREARS_REGISTER_URL": books.settings.register_url.get_secret_value()}
        for keys, says in ((key("k2"), "not in the ring"), ("off", "no key is set")):
            ended = await doctor(**own, ARREARS_PAYLOAD_KEYS=keys)
            assert says in found(ended)["payload keys"][0]["says"], ended.out
            assert states(ended)["payload keys"] == "broken"
        await handle.terminate()


# ---- the anchor, the disk, and parts that hang -----------------------------------------------------


async def test_an_anchor_that_is_old_or_tampered_with_is_named(utility: World, tmp_path: Path) -> None:
    place = tmp_path / "anchor"
    anchored = {"anchor": place, "anchor_key": SPELLED}
    settings = Settings.model_validate({**utility.settings.model_dump(), **anchored})
    parts = build(settings)
    assert parts.anchor is not None
    at = datetime.now(UTC)
    await asyncio.to_thread(parts.anchor.anchor, at)

    def look(later: timedelta = timedelta()) -> Finding:
        [finding] = machine.anchor(settings, at + later)
        return finding

    assert look(timedelta(hours=25)).state == "ok"
    assert (look(timedelta(hours=27)).state, "27.0 h ago" in look(timedelta(hours=27)).says) == ("warning", True)
    place.with_name("anchor.heads-1").unlink()
    assert "missing or was changed" in look().says
    place.write_text("{}\n", "utf-8")
    assert (look().state, "line 1 of the anchor file" in look().says) == ("broken", True)
    parts.close()


def test_a_disk_that_is_nearly_full_is_named(tmp_path: Path) -> None:
    def state(free: int) -> str:
        [finding] = machine.disks([tmp_path / "not" / "yet", tmp_path], lambda _place: free)
        return finding.state

    assert [state(free) for free in (machine.LITTLE, machine.LITTLE - 1, machine.TOO_LITTLE - 1)] == [
        *("ok", "warning", "broken")
    ]
    [real] = machine.disks([tmp_path])
    assert f"{shutil.disk_usage(tmp_path).free / machine.GIB:.1f}"[:-1] in real.says


async def test_a_part_that_hangs_or_fails_is_itself_a_finding() -> None:
    async def hang() -> tuple[Finding, ...]:
        await asyncio.sleep(60)
        return ()

    async def fail() -> tuple[Finding, ...]:
        raise RuntimeError("no such thing")

    async def well() -> tuple[Finding, ...]:
        return (ok("well", "it is"),)

    looks = {"hangs": hang, "fails": fail, "well": well}
    found_ = [await in_time(part, look, 0.05) for part, look in looks.items()]
    assert [(f.part, f.state) for [f] in found_] == [("hangs", "broken"), ("fails", "broken"), ("well", "ok")]
    assert "no such thing" in found_[1][0].says
    assert f"({__file__}:" in found_[1][0].says
