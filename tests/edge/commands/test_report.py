"""report make, show, sent as a script and a person use them."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.register.outbox import SqlOutbox
from composition.parts import build, sending, with_channels
from composition.settings.loading import load_settings
from domain.report.month import bounds, month_before
from tests.edge.commands.test_application import Cli, Utility, cli, standing_utility, utility
from tests.support.receivers import HOST, mailbox
from tests.support.register_reading import messages_unsent

__all__ = ["cli", "standing_utility", "utility"]

ZONE = ZoneInfo("Asia/Shanghai")
LAST_MONTH = month_before(datetime.now(UTC), ZONE)
LIAISON = json.dumps({"id": "l-1", "role": "liaison"})
SENT = ("report", "sent", LAST_MONTH, "--reference", "no. 7", "--authority", "区政府", "--actor")


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where papers go."""
    monkeypatch.setenv("ARREARS_DOCUMENTS", str(tmp_path / "papers"))
    return tmp_path / "papers"


async def test_a_report_from_making_it_to_its_sending(cli: Cli, papers: Path) -> None:
    made = (await cli("report", "make", "--json")).result
    assert (made["month"], made["number"], made["new"]) == (LAST_MONTH, 1, True)
    assert (papers / made["paper"]).is_file()
    assert (await cli("report", "make", "--month", LAST_MONTH, "--json")).result == made | {"new": False}
    shown = (await cli("report", "show", "--check", "--json")).result
    assert (shown["sent"], shown["differs"], shown["record"]["intact"]) == ([], [], True)
    [paper] = shown["papers"]
    assert (paper["key"], paper["sha256"], paper["state"]) == (made["paper"], made["paper_sha256"], "intact")
    assert shown["report"]["figures"]["month"] == LAST_MONTH
    sent = (await cli(*SENT, LIAISON, "--json")).result
    assert (sent["sha256"], sent["by"]) == (made["sha256"], "l-1")
    again = (await cli("report", "make", "--again", "late records", "--by", "c-1", "--json")).result
    assert (again["number"], again["new"]) == (2, True)
    shown = (await cli("report", "show", "--json")).result
    assert [(one["report_id"][-2:], one["reference"]) for one in shown["all"]] == [("/1", "no. 7"), ("/2", None)]
    assert (shown["report"]["number"], shown["sent"]) == (2, [])
    first = (await cli("report", "show", "--month", LAST_MONTH, "--number", "1", "--json")).result
    assert first["sent"] == [sent]


async def test_a_person_reads_the_text_and_what_became_of_it(cli: Cli, papers: Path) -> None:
    said = (await cli("report", "make")).out
    assert "已编制 made" in said
    assert "government-report_20" in said
    said = (await cli("report", "show", "--check")).out
    assert said.startswith("# 用电客户欠费停复电情况月度报告")
    assert "尚未登记报送" in said
    assert "文书完好 intact: 20" in said
    await asyncio.to_thread(lambda: [path.write_bytes(b"another") for path in papers.rglob("*.pdf")])
    assert "文书被改动 CHANGED: 20" in (await cli("report", "show")).out
    assert "Counted again: the same figures" in said
    assert "已登记报送" in (await cli(*SENT, LIAISON)).out
    said = (await cli("report", "show", "--language", "en")).out
    assert "# Monthly report on disconnection for arrears" in said
    assert "Sent: 区政府, no. 7" in said


async def test_each_command_takes_the_month_by_its_place_or_by_its_name(cli: Cli, papers: Path) -> None:
    del papers  # where they go is set
    for ways in ((LAST_MONTH,), ("--month", LAST_MONTH), (LAST_MONTH, "--month", LAST_MONTH)):
        assert (await cli("report", "make", *ways, "--json")).result["month"] == LAST_MONTH
        assert (await cli("report", "show", *ways, "--json")).result["report"]["month"] == LAST_MONTH
        assert (await cli("report", "sent", *ways, *SENT[3:], LIAISON, "--json")).result["reference"] == "no. 7"
    nameless = await cli("report", "sent", *SENT[3:], LIAISON, "--json")
    assert "such as 2026-10" in nameless.refusal["message"]


@pytest.mark.parametrize(
    ("arguments", "code", "type_", "field"),
    [
        (("make", "--month", "2026-13"), 1, "BadRequest", "month"),
        (("make", "--month", "2099-01"), 1, "TooEarly", "month"),
        (("make", "--again", "late records"), 2, "Usage", None),
        (("make", "--by", "c-1"), 2, "Usage", None),
        (("show",), 1, "UnknownReport", "month"),
        (("show", "--month", "October"), 1, "BadRequest", "month"),
        (("show", "--language", "fr"), 2, "Usage", None),
        (("sent", LAST_MONTH), 2, "Usage", None),
        (("make", "2026-13"), 1, "BadRequest", "month"),
        (("show", "October"), 1, "BadRequest", "month"),
        (("show", LAST_MONTH, "--month", "2026-01"), 2, "Usage", None),
        (("sent", *SENT[3:], LIAISON), 2, "Usage", None),
        ((*SENT[1:], LIAISON), 1, "UnknownReport", "month"),
        ((*SENT[1:], "{"), 1, "BadRequest", "actor"),
        ((*SENT[1:], '{"id": "l-1", "role": "king"}'), 1, "BadRequest", "actor.role"),
        ((*SENT[1:], LIAISON, "--at", "yesterday"), 1, "BadRequest", "at"),
    ],
)
async def test_what_is_wrong_is_named(
    cli: Cli, papers: Path, arguments: tuple[str, ...], code: int, type_: str, field: str | None
) -> None:
    ended = await cli("report", *arguments, "--json")
    assert (ended.code, ended.refusal["type"], ended.refusal.get("field")) == (code, type_, field)
    assert not await asyncio.to_thread(papers.exists)


async def test_only_the_liaison_sends(cli: Cli, papers: Path) -> None:
    await cli("report", "make")
    ended = await cli(*SENT, '{"id": "r-1", "role": "reader"}', "--json")
    assert (ended.code, ended.refusal["type"], ended.refusal["clause"]) == (1, "NotAllowed", "III.5")
    assert await asyncio.to_thread(papers.exists)


async def test_what_is_not_there_ends_with_3(cli: Cli, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread(papers.write_text, "a file where the folder should be")
    ended = await cli("report", "make", "--json")
    assert (ended.code, ended.refusal["type"]) == (3, "PapersUnavailable")
    assert "the same command again prints it" in ended.refusal["message"]
    monkeypatch.setenv("ARREARS_REGISTER_URL", "postgresql://nobody@127.0.0.1:1/register")
    ended = await cli("report", "make", "--json")
    assert (ended.code, ended.refusal["type"]) == (3, "RegisterUnavailable")


async def test_with_channels_a_report_made_by_hand_goes_out_by_a_worker(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command only queues it, in the transaction that keeps the report; asked for twice, it is mailed once."""
    with mailbox() as box:
        table = tmp_path / "channels.toml"
        address = f"mailto://{HOST}:{box.port}?from=no-reply@example.cn&to={{role}}@example.cn"
        table.write_text(
            f'[[staff]]\nrole = "liaison"\nchannels = [{{ kind = "email", url = "{address}" }}]\n', "utf-8"
        )
        monkeypatch.setenv("ARREARS_NOTIFY", str(table))
        made = [(await cli("report", "make", "--json")).result for _ in range(2)]
        assert [one["new"] for one in made] == [True, False]
        settings = load_settings()
        parts = with_channels(build(settings), settings)
        outbox = SqlOutbox(parts.register_engine)
        assert ((await asyncio.to_thread(messages_unsent, outbox.engine)), box.mails) == (1, [])
        async with sending(parts):
            await asyncio.to_thread(_until_sent, outbox)
        parts.close()
    assert [mail["subject"] for mail in box.mails] == [f"欠费停复电月报 {LAST_MONTH} government report {LAST_MONTH}"]


def _until_sent(outbox: SqlOutbox) -> None:
    end = time.monotonic() + 10
    while messages_unsent(outbox.engine):
        assert time.monotonic() < end, "it was not sent"
        time.sleep(0.02)


async def test_a_routing_table_that_cannot_be_used_keeps_the_report_from_being_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_NOTIFY", str(tmp_path / "none.toml"))
    ended = await cli("report", "make", "--json")
    assert (ended.code, ended.refusal["type"]) == (2, "Configuration")
    assert "ARREARS_NOTIFY" in ended.refusal["message"]
    assert (await cli("report", "show", "--json")).refusal["type"] == "UnknownReport"


async def test_installing_the_schedules_installs_the_report(cli: Cli, utility: Utility) -> None:
    """On the second of each month, and a month missed is made up for."""
    assert (await cli("schedules", "install", "--at", "05:10", "--json")).result["government_report"] == "created"
    handle = utility.client.get_schedule_handle("government-report")
    try:
        assert (await cli("schedules", "install", "--at", "05:30", "--json")).result["government_report"] == "updated"
        described = await handle.describe()
        [when] = described.schedule.spec.calendars
        assert [(r.start, r.end) for r in when.day_of_month] == [(2, 2)]
        assert (when.hour[0].start, when.minute[0].start) == (5, 30)
        assert described.schedule.spec.time_zone_name == "Asia/Shanghai"
        due = described.info.next_action_times[0].astimezone(ZONE)
        assert (due.day, due.hour, due.minute) == (2, 5, 30)
        assert described.schedule.policy.catchup_window == timedelta(days=365)
        daily = await utility.client.get_schedule_handle("daily-sweep").describe()
        times = [at.astimezone(ZONE) for at in daily.info.next_action_times[:3]]
        assert [(b - a).days for a, b in pairwise(times)] == [1, 1], "the sweep stays daily"
        assert bounds(month_before(due, ZONE), ZONE)[1] < due
    finally:
        await handle.delete()
        await utility.client.get_schedule_handle("daily-sweep").delete()
