"""The demo: server, worker, register and billing book on this machine, and people played by a script.

`run` is what `starter.py demo` calls. The lives are in `lives`, their common steps in `procedure`.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.billing import BillingUnavailable
from activities.papers import PapersUnavailable
from activities.register import RegisterUnavailable
from client.problems import DONE, REFUSED, NotThere, Problem
from client.schedules import install_daily_sweep
from composition.parts import build
from composition.settings.model import Settings
from domain.law.policy import Policy
from edge.demo.book import write_book
from edge.demo.ending import Ending, ending_of
from edge.demo.lives import LIVES, Life
from edge.demo.playing import Case, OffScript, Town
from edge.demo.show import Screen, closing
from edge.demo.stage import Stage, new_folder
from edge.terminal import print_problem
from edge.unwritable import cannot_write

_AT_ONCE = 8
_INTERRUPTED = 130


def run(*, keep: bool, as_json: bool, lives: Sequence[Life] = LIVES) -> int:
    """Play the lives, and show how they went. 0: every life ended as its script says; 1: one did not.

    3: Temporal is not installed or does not start, or nothing can be written in var/. 130: interrupted. Whatever was
    started has ended then, unless all lives were played and `keep` is set.
    """
    try:
        with (
            Stage(new_folder(_now().astimezone(Policy().zone)), keep=keep) as stage,
            Screen(as_json, len(lives)) as screen,
        ):
            return asyncio.run(perform(stage, screen, lives))
    except Problem as problem:
        print_problem(problem, as_json)
        return problem.exit_code
    except (BillingUnavailable, RegisterUnavailable, PapersUnavailable) as problem:
        refusal = NotThere(type(problem).__name__, str(problem))
        print_problem(refusal, as_json)
        return refusal.exit_code
    except OSError as problem:
        if (unwritable := cannot_write(problem, "演示须写入 The demo needs room in var/ of its own folder.")) is None:
            raise
        print_problem(unwritable, as_json)
        return unwritable.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        print_problem(Problem("Interrupted", "演示已中止 the demo was interrupted; what it started has ended"), as_json)
        return _INTERRUPTED


def _now() -> datetime:
    return datetime.now(UTC)


async def perform(stage: Stage, screen: Screen, lives: Sequence[Life]) -> int:
    """Play the lives while a watch restarts the worker, or ends the demo when the server has ended."""
    playing = asyncio.create_task(_play(stage, screen, lives))
    watching = asyncio.create_task(stage.watch(screen.say))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    try:
        await asyncio.wait((playing, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # the watch ends by an error alone
        return await playing
    finally:
        for task in (playing, watching):
            task.cancel()
        await asyncio.gather(playing, watching, return_exceptions=True)
        await asyncio.sleep(0.05)  # the SDK's threads may abort an interpreter that ends in the same breath


async def _play(stage: Stage, screen: Screen, lives: Sequence[Life]) -> int:
    began = time.monotonic()
    screen.say(f"演示目录 the demo's folder: {stage.folder}")
    client = await stage.start()
    screen.say(f"Temporal UI: {stage.ui} · 工作进程 worker: {stage.pids['worker']}")
    settings = Settings.model_validate(
        {
            "register_url": stage.settings["ARREARS_REGISTER_URL"],
            "billing_url": stage.settings["ARREARS_BILLING_URL"],
            "documents": stage.settings["ARREARS_DOCUMENTS"],
            "policy": stage.settings["ARREARS_POLICY"],
            "task_queue": stage.settings["ARREARS_TASK_QUEUE"],
        }
    )
    parts = build(settings)
    try:
        # Off until a script lets time pass: otherwise a case would run past every human deadline at once.
        clocks = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=100_000))
        town = Town(clocks.client, clocks, settings, parts, stage.folder, _now)
        (stage.folder / "exports").mkdir()
        await install_daily_sweep(client, settings.task_queue, parts.policy.timezone, 5, 30)
        today = _now().astimezone(parts.policy.zone).date()
        files = write_book(stage.folder / "exports", (life.customer for life in lives), today)
        report = await town.ingest(*files, say=screen.say)
        screen.say(
            f"导入 ingest: {report.lines} 行 lines, {report.accepted} 接受 accepted, {report.rejected} 拒绝 rejected"
            f" ({report.reject_file}), {report.cases_opened} 立案 cases opened"
        )
        endings = await _live_all(town, screen, lives)
    finally:
        parts.close()
    closing(screen, stage, endings, report.model_dump(mode="json"), time.monotonic() - began)
    return REFUSED if any(e.problems for e in endings) else DONE


async def _live_all(town: Town, screen: Screen, lives: Sequence[Life]) -> list[Ending]:
    """Play all lives, some at a time; those that need to be alone come to their point when the others are over."""
    gate = asyncio.Semaphore(_AT_ONCE)
    endings = {life: asyncio.create_task(_live(town, life, screen, gate)) for life in lives}
    try:
        for turn in sorted({life.alone for life in lives}):
            town.turns[turn].set()
            await asyncio.gather(*(task for life, task in endings.items() if life.alone == turn))
        return [task.result() for task in endings.values()]
    finally:
        for task in endings.values():
            task.cancel()


async def _live(town: Town, life: Life, screen: Screen, gate: asyncio.Semaphore) -> Ending:
    """Play one life to its end; whatever goes wrong in it ends it, and no other."""
    async with nullcontext() if life.alone else gate:
        screen.begins(life)
        case = Case(town, life.customer, lambda at, what: screen.step(life, at, what), life.alone)
        off_script = None
        try:
            await life.script(case)
            await case.closed()
        except OffScript as problem:
            off_script = str(problem)
        except Exception as problem:  # a fault in one life is shown with it, and the others go on
            off_script = f"{type(problem).__name__}: {problem}"
        ending = await ending_of(town, life, off_script)
        screen.ends(life, ending)
        return ending
