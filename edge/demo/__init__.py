"""The demo: server, worker, register and a billing book on this machine, and people played by a script.

`run` is what `starter.py demo` calls; the lives themselves are in `lives`.
"""

import asyncio
import signal
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from temporalio.testing import TimeSkipper, TimeSkippingConfig

import worker
from edge.demo.book import write_book
from edge.demo.ending import Ending, ending_of
from edge.demo.lives import LIVES, Life
from edge.demo.playing import Case, OffScript, Town
from edge.demo.show import Screen, closing
from edge.demo.stage import Stage, new_folder
from edge.output import DONE, REFUSED, Problem, print_problem
from edge.schedules import install_daily_sweep

_AT_ONCE = 8
_INTERRUPTED = 130


def run(*, keep: bool, as_json: bool) -> int:
    """Play the lives, and show how they went. 0: every life ended as its script says."""
    try:
        with Stage(new_folder(_now()), keep=keep) as stage, Screen(as_json, len(LIVES)) as screen:
            return asyncio.run(_demo(stage, screen))
    except Problem as problem:
        print_problem(problem, as_json)
        return problem.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _INTERRUPTED


def _now() -> datetime:
    return datetime.now(UTC)


async def _demo(stage: Stage, screen: Screen) -> int:
    """The whole performance, under the watch that the worker lives."""
    playing = asyncio.create_task(_play(stage, screen))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    watching = asyncio.create_task(stage.watch(screen.say))
    try:
        await asyncio.wait((playing, watching), return_when=asyncio.FIRST_COMPLETED)
        return watching.result() if watching.done() else await playing  # the watch only ends by an error
    finally:
        for task in (playing, watching):
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await asyncio.gather(playing, watching, return_exceptions=True)


async def _play(stage: Stage, screen: Screen) -> int:
    began = time.monotonic()
    screen.say(f"演示目录 the demo's folder: {stage.folder}")
    client = await stage.raise_curtain()
    screen.say(f"Temporal UI: {stage.ui} · 工作进程 worker: {stage.pids['worker']}")
    settings = worker.Settings.model_validate(
        {
            "register_url": stage.settings["ARREARS_REGISTER_URL"],
            "billing_url": stage.settings["ARREARS_BILLING_URL"],
            "policy": stage.settings["ARREARS_POLICY"],
            "task_queue": stage.settings["ARREARS_TASK_QUEUE"],
        }
    )
    parts = worker.build(settings)
    try:
        # Off until a script lets time pass: otherwise a case would run past every human deadline at once.
        clocks = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=100_000))
        town = Town(clocks.client, clocks, settings, parts, stage.folder, _now)
        (stage.folder / "exports").mkdir()
        await install_daily_sweep(client, settings.task_queue, parts.policy.timezone, 5, 30)
        today = _now().astimezone(parts.policy.zone).date()
        files = write_book(stage.folder / "exports", (life.customer for life in LIVES), today)
        report = await town.ingest(*files, say=screen.say)
        screen.say(
            f"导入 ingest: {report.lines} 行 lines, {report.accepted} 接受 accepted, {report.rejected} 拒绝 rejected"
            f" ({report.reject_file}), {report.cases_opened} 立案 cases opened"
        )
        in_order = await _live_all(town, screen)
    finally:
        parts.close()
    closing(screen, stage, in_order, report.model_dump(mode="json"), time.monotonic() - began)
    return REFUSED if any(e.problems for e in in_order) else DONE


async def _live_all(town: Town, screen: Screen) -> list[Ending]:
    """Play all lives, some at a time; those that need to be alone come to their point when the others are over."""
    gate = asyncio.Semaphore(_AT_ONCE)
    endings = {life: asyncio.create_task(_live(town, life, screen, gate)) for life in LIVES}
    try:
        await asyncio.gather(*(task for life, task in endings.items() if not life.alone))
        town.quiet.set()
        return await asyncio.gather(*endings.values())
    finally:
        for task in endings.values():
            task.cancel()


async def _live(town: Town, life: Life, screen: Screen, gate: asyncio.Semaphore) -> Ending:
    """Play one life to its end; whatever goes wrong in it ends it, and no other."""
    async with nullcontext() if life.alone else gate:
        screen.begins(life)
        case = Case(town, life.customer, lambda at, what: screen.step(life, at, what))
        off_script = None
        try:
            await life.script(case)
            await case.closed()
        except (OffScript, Problem, TimeoutError) as problem:
            off_script = str(problem) or type(problem).__name__
        ending = await ending_of(town, life, off_script)
        screen.ends(life, ending)
        return ending


