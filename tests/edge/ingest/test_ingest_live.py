"""`ingest` as a program against a real server: every good line in, every bad line named, whatever the server does."""

import asyncio
import csv
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from datetime import date, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from client import cases
from client.converter import data_converter
from client.problems import Problem
from tests.support.programs import ROOT, environment, program, until
from tests.support.sample_exports import account, write_sample
from tests.support.world import World, temporal_cli


async def test_a_gb18030_export_with_bad_lines_is_ingested_whole(world: World, tmp_path: Path) -> None:
    """Every good line booked, its case open with a yellow notice; every bad line named by file, line and reason."""
    async with world.apart(tmp_path) as utility:
        sample = write_sample(tmp_path, 60, today=today(utility), bad=0.1, paid=0.3, encoding="gb18030", delimiter="\t")
        files = [str(file) for file in reversed(sample.files)]
        report = (await program(utility, "ingest", *files, "--json", folder=tmp_path)).result
        assert (report["lines"], report["accepted"], report["rejected"]) == (
            sample.lines,
            sample.good,
            len(sample.bad),
        )
        assert (report["cases_opened"], report["cases_joined"]) == (sample.overdue, 0)
        named = rejected(tmp_path / report["reject_file"])
        assert named.keys() == sample.bad.keys()
        assert [place for place, reason in sample.bad.items() if reason not in named[place]] == []

        async def all_noticed() -> bool:
            noticed = utility.parts.reader.list_cases(role="reader", limit=1_000)
            return {case.account_id for case in noticed} == {account(i) for i in range(18, 60)}

        await until(all_noticed, "a yellow notice for each")
        later = tmp_path / "later.csv"
        amount = utility.parts.reader.list_cases(limit=1)[0].owed
        later.write_text(f"流水号,户号,金额,交费时间\nL-1,{account(18)},{amount},{today(utility)} 00:00\n", "gb18030")
        again = (await program(utility, "ingest", *files, str(later), "--json", folder=tmp_path)).result
        assert (again["accepted"], again["duplicates"], again["rejected"]) == (1, sample.good, len(sample.bad))
        assert (again["cases_opened"], again["cases_joined"], again["payments_signalled"]) == (0, 0, 1)
        closed = await world.client.get_workflow_handle(f"arrears-{account(18)}").result()
        assert closed["outcome"] == "settled"


async def test_an_interrupted_ingest_says_how_far_it_came_and_the_same_command_goes_on(
    world: World, tmp_path: Path
) -> None:
    """Ctrl-C: what is booked stays, and a person is told so; stdout stays empty, for there is no result."""
    count, billing = 400, tmp_path / "billing.db"
    files = [str(file) for file in write_sample(tmp_path, count, today=today(world)).files]
    async with world.apart(tmp_path) as utility:
        url = {"ARREARS_BILLING_URL": f"sqlite:///{billing}"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "starter.py"), "ingest", *files),
            env=environment(utility, **url),
            cwd=tmp_path,
            stdout=PIPE,
            stderr=PIPE,
            # Whoever runs the tests in the background has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        await until(lambda: asyncio.sleep(0, 0 < announced(billing) < count), "the first announcements")
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        said = err.decode()
        assert (process.returncode, out) == (130, b"")
        assert "Interrupted: 已中止 interrupted." in said
        assert "the same command again does the rest" in said
        assert f" of {count} accounts done" in said
        assert "Traceback" not in said
        before = announced(billing)
        assert before < count
        report = (await program(utility, "ingest", *files, "--json", folder=tmp_path, **url)).result
        assert (report["accepted"], report["cases_opened"] + report["cases_joined"]) == (0, count - before)


async def test_a_list_of_rejected_lines_that_cannot_be_written_is_named_before_anything_is_announced(
    world: World, tmp_path: Path
) -> None:
    """`/dev/full` is a disk without room."""
    files = [str(file) for file in write_sample(tmp_path, 20, today=today(world), bad=0.5).files]
    async with world.apart(tmp_path) as utility:
        ended = await program(utility, "ingest", *files, "--rejects", "/dev/full", "--json", folder=tmp_path)
        assert ended.code == 3, ended.err
        assert ended.refusal["type"] == "CannotWrite"
        assert "/dev/full: No space left on device" in ended.refusal["message"]
        assert utility.parts.reader.list_cases(limit=10) == ()
        (tmp_path / "var").touch()  # a file, where the list's folder belongs
        ended = await program(utility, "ingest", *files, "--json", folder=tmp_path)
        assert (ended.code, ended.refusal["type"]) == (3, "CannotWrite")


async def test_a_server_killed_in_the_middle_of_an_ingest_costs_patience_and_no_case(
    world: World, tmp_path: Path
) -> None:
    """The command waits for the server to come back, and goes on."""
    count, address = 200, f"127.0.0.1:{free_port()}"
    sample = write_sample(tmp_path, count, today=today(world))
    billing = tmp_path / "billing.db"
    changes = {"TEMPORAL_ADDRESS": address, "ARREARS_BILLING_URL": f"sqlite:///{billing}"}
    async with server(address, tmp_path):
        files = [str(file) for file in sample.files]
        running = asyncio.create_task(program(world, "ingest", *files, "--json", folder=tmp_path, **changes))

        async def in_the_middle() -> bool:
            return announced(billing) > 0

        await until(in_the_middle, "the first announcements")
    assert announced(billing) < count, "the ingest was over before the server died"
    async with server(address, tmp_path) as client:
        report = (await running).result
        assert report["cases_opened"] + report["cases_joined"] == count
        assert announced(billing) == count

        async def all_listed() -> bool:
            return (await client.count_workflows("WorkflowType = 'ArrearsCase'")).count == count

        await until(all_listed, "every case in the list")


@pytest.mark.parametrize("busy", [cases.TemporalUnavailable("too busy"), cases.NoAnswer("A1", cases.PATIENCE)])
async def test_a_server_too_busy_to_answer_is_asked_again_and_a_refusal_is_final(
    busy: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of openings may overload a server for longer than the SDK tries; it is given up in the end."""
    monkeypatch.setattr(cases, "PAUSES", (0.01, 0.01))

    def answers(*given: Exception | str) -> Callable[[], Coroutine[None, None, str]]:
        left = list(given)

        async def ask() -> str:
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    assert await cases.patiently(answers(busy, busy, "opened")) == "opened"
    with pytest.raises(type(busy)):
        await cases.patiently(answers(busy, busy, busy, "opened"))
    with pytest.raises(cases.NoCase):
        await cases.patiently(answers(cases.NoCase("A1"), "opened"))


def today(world: World) -> date:
    """The local day."""
    return datetime.now(world.policy.zone).date()


def rejected(path: Path) -> dict[tuple[str, int], str]:
    """The reject file: reason by file name and line."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(Path(row["file"]).name, int(row["line"])): row["reason"] for row in csv.DictReader(file)}


def announced(billing: Path) -> int:
    """How many bills the book remembers to have announced."""
    if not billing.exists():
        return 0
    with closing(sqlite3.connect(f"file:{billing}?mode=ro", uri=True)) as book, suppress(sqlite3.OperationalError):
        return int(book.execute("SELECT count(announced_at) FROM bills").fetchone()[0])
    return 0  # it has no tables yet


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def server(address: str, folder: Path) -> AsyncIterator[Client]:
    """A server that keeps what it knows in a file of that folder; it is killed at the end."""
    host, _, port = address.partition(":")
    where = ("--ip", host, "--port", port, "--headless", "--db-filename", str(folder / "temporal.db"))
    process: Process = await asyncio.create_subprocess_exec(
        *(temporal_cli(), "server", "start-dev", *where, "--log-level", "never"),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(150):
            try:
                client = await Client.connect(address, data_converter=data_converter)
                break
            except RuntimeError:
                await asyncio.sleep(0.2)
        yield client
    finally:
        process.kill()
        await process.wait()
