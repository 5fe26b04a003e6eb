"""L1 and L2: the worker, or the server, is killed again and again while whole lives of cases go on."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from sqlite3 import OperationalError
from typing import Any, Literal

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.service import RPCError

from client import cases
from client.problems import NOT_THERE, Problem
from tests.chaos.judging import Findings, judge
from tests.chaos.ledgers import Said, Watchman, Written
from tests.chaos.lives import draw_lives, messages_to_come, write_export
from tests.chaos.people import Life, People, Stuck
from tests.chaos.programs import Town, town

Victim = Literal["worker", "server"]
_HUNTS = 40
_MORE_KILLS = 2
_RUN_SECONDS = 580

# Where the paper of an order lies in the register, and what the order calls it.
_PAPERS = {"issue_notice": ("notices", "notice"), "send_ticket": ("tickets", "ticket")}


@dataclass
class Run:
    """One seed: its lives, its faults, and what came of it."""

    town: Town
    victim: Victim
    dice: Random
    lives: list[Life]
    said: Said
    written: Written
    kills: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the server is killed and started."""
    caught: int = 0
    """Kills between an activity's commit and its completion."""
    opened: bool = False
    opening: int = 0
    """Kills before the export had gone through."""
    stuck: list[str] = field(default_factory=list)
    """Cases that did not come to their end, or gave an answer that cannot be."""


@dataclass(frozen=True)
class Ended:
    """What one seed has shown."""

    seed: int
    cases: int
    kills: int
    caught: int
    opening: int
    seconds: float
    findings: Findings


async def run_killed(folder: Path, victim: Victim, seed: int, count: int, kills: int) -> Ended:
    """Whole lives of `count` cases, through so many kills of the victim; the seed draws the lives and the moments."""
    began = time.monotonic()
    dice = Random(f"{victim}/{seed}")
    async with town(folder) as place:
        written = Written(place.folder / "register.db")
        await asyncio.to_thread(place.parts.reader.verify, "none")  # makes the tables
        written.watch()
        run = Run(
            town=place,
            victim=victim,
            dice=dice,
            lives=draw_lives(dice, count),
            said=Said(place.folder / "said.jsonl"),
            written=written,
            kills=kills,
        )
        async with asyncio.timeout(_RUN_SECONDS), asyncio.TaskGroup() as group:
            killing = group.create_task(_kill(run))
            group.create_task(_keep_a_worker(run))
            await _open(run)
            async with asyncio.TaskGroup() as everyone:
                for life in run.lives:
                    everyone.create_task(_live(run, life))
            run.over.set()
            await killing
        findings = await judge(place, run.said, written, run.lives)
        findings.missing += run.stuck
        run.said.close()
        died = place.worker_kills if victim == "worker" else place.server_kills
    return Ended(seed, count, died, run.caught, run.opening, time.monotonic() - began, findings)


# ---- lives --------------------------------------------------------------------------------------


async def _open(run: Run) -> None:
    """`starter.py ingest`, repeated until it has gone through, and once more: then there is nothing new."""
    today = datetime.now(run.town.parts.policy.zone).date()
    files = [str(path) for path in write_export(run.town.folder, run.lives, today)]
    for life in run.lives:
        run.said.says(life.account_id, "bill_overdue", life.bill_id, {"bill_id": life.bill_id})
    await _ingest(run, files)
    run.opened = True
    again = await _ingest(run, files)
    if (again["accepted"], again["cases_opened"], again["rejected"]) != (0, 0, 0):
        run.stuck.append(f"the same export once more was not nothing new: {again}")
    for life in run.lives:
        run.said.heard(life.account_id, "bill_overdue", life.bill_id, {})


async def _ingest(run: Run, files: list[str]) -> dict[str, Any]:
    """What `ingest` reports, as soon as a run of it ends well."""
    while True:
        program = run.town.run_starter("ingest", *files, "--json")
        code = await asyncio.to_thread(program.wait)
        if code == 0:
            report: dict[str, Any] = json.loads((run.town.folder / "starter.out").read_text("utf-8"))
            return report
        assert code == NOT_THERE, (run.town.folder / "starter.log").read_text("utf-8")


async def _live(run: Run, life: Life) -> None:
    people = People(run.town, run.said, life)
    if life.ending == "found cut":
        report = f"F-{life.account_id}"
        payload = {"report_id": report, "meter_id": life.meter_id, "reported_by": "customer", "source": "95598"}
        run.said.says(life.account_id, "supply_found_cut", report, payload)
        for _ in range(2 if life.twice else 1):
            await people.insist(
                lambda: cases.open_or_join(
                    run.town.client,
                    life.account_id,
                    "supply_found_cut",
                    payload,
                    policy=None,
                    task_queue=run.town.settings.task_queue,
                    summary=None,
                )
            )
        run.said.heard(life.account_id, "supply_found_cut", report, {})
    try:
        await people.live()
    except (Stuck, Problem, RPCError, AssertionError) as problem:
        run.stuck.append(f"{life.account_id}: {problem}")


# ---- faults -------------------------------------------------------------------------------------


async def _kill(run: Run) -> None:
    """Kill at moments that the seed names by how far the run has come, not by a clock."""
    total = messages_to_come(run.lives)
    if run.victim == "server":
        await _kill_while_opening(run)
    left = run.kills - (run.victim == "server")
    moments = sorted(run.dice.uniform(0.02, 0.85) for _ in range(left))
    ways = [run.dice.random() for _ in range(left)]
    for number, (moment, way) in enumerate(zip(moments, ways, strict=True)):
        while len(run.said.acknowledged()) - len(run.lives) < moment * total:
            if run.over.is_set():
                return
            await asyncio.sleep(0.02)
        if run.victim == "server":
            await _server_dies(run, 0.1 + way)
        else:
            await _worker_dies(run, hunted=number == 0 or way < 0.7)
    for _ in range(_MORE_KILLS):  # a run in which nothing ran twice would show nothing
        if run.victim == "worker" and left and not run.caught and not run.over.is_set():
            await _worker_dies(run, hunted=True)


async def _keep_a_worker(run: Run) -> None:
    """What a service manager does: start again a worker that found no server, and a server that fell while starting."""
    while run.victim == "server" and not run.over.is_set():
        if run.town.worker is not None and run.town.worker.poll() is not None:
            run.town.start_worker()
        async with run.server:
            if run.town.server is not None and run.town.server.poll() is not None:
                await run.town.start_server()
        with suppress(TimeoutError):
            await asyncio.wait_for(run.over.wait(), 1)


async def _kill_while_opening(run: Run) -> None:
    """The server dies at a moment, by seed, when the export is in the book and its cases are being opened."""
    book = Written(run.town.folder / "billing.db")
    delay = run.dice.uniform(0.0, 0.15)
    while True:
        with suppress(OperationalError):  # the book is made by the first to use it
            if await asyncio.to_thread(book.rows, "SELECT 1 FROM bills LIMIT 1"):
                break
        await asyncio.sleep(0.005)
    await asyncio.sleep(delay)
    run.opening += not run.opened
    await _server_dies(run, 0.3)


async def _server_dies(run: Run, seconds: float) -> None:
    async with run.server:
        run.town.kill_server()
        await asyncio.sleep(seconds)
        await run.town.start_server()


async def _worker_dies(run: Run, *, hunted: bool) -> None:
    """Killed at once; or frozen as soon as the register has been written to, and killed if an activity was caught."""
    account_id = None
    for _ in range(_HUNTS if hunted else 0):
        account_id = await _caught(run)
        if account_id or run.over.is_set():
            break
    run.town.kill_worker()
    with suppress(TimeoutError, RPCError):
        run.caught += account_id is not None and await _is_pending(run, account_id)
    run.town.start_worker()


async def _caught(run: Run) -> str | None:
    """Freeze the worker right after a commit: the account if the server does not know of it, else it goes on."""
    before = await asyncio.to_thread(run.written.count)
    watchman = Watchman(run.written.path, run.town.freeze_worker)
    watchman.start()
    if not await asyncio.to_thread(watchman.wait, 3):
        return None
    await asyncio.sleep(0.25)  # what the worker had said before it froze reaches the server
    for account_id in {a for kind, _, a in await asyncio.to_thread(run.written.after, before) if kind != "messages"}:
        with suppress(TimeoutError, RPCError):
            if await _is_pending(run, account_id):
                return account_id
    run.town.thaw_worker()
    return None


async def _is_pending(run: Run, account_id: str) -> bool:
    """Whether a paper that the register holds is still thought to be under way: that one, not one from before it."""
    handle = run.town.client.get_workflow_handle(cases.workflow_id(account_id))
    async with asyncio.timeout(2):
        raw = (await handle.describe()).raw_description
        started = {
            p.activity_id
            for p in raw.pending_activities
            if p.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED and p.activity_type.name in _PAPERS
        }
        async for event in handle.fetch_history_events():
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_id not in started:
                continue
            table, name = _PAPERS[scheduled.activity_type.name]
            paper = json.loads(scheduled.input.payloads[0].data)[name][f"{name}_id"]
            if await asyncio.to_thread(
                run.written.rows, f"SELECT 1 FROM {table} WHERE {name}_id = ? AND text_zh <> ''", paper
            ):
                return True
    return False
