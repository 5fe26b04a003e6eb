"""Plays many lives at once, has each judged, and says what came of them."""

import asyncio
import logging
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError

from tests.lives.book import Book, read
from tests.lives.drawing import life_of
from tests.lives.judge_cut import Breach
from tests.lives.keeping import keep
from tests.lives.life import Life
from tests.lives.oracle import judge, reached
from tests.lives.playing import Playing, Stuck
from tests.lives.procedure import play
from tests.lives.town import Town, running_town

_T = TypeVar("_T")
IN_FLIGHT = 25
SWEEP_EVERY = 20.0
RESTART_EVERY = 30.0
PER_TOWN = 25
NEW_RUN_AFTER = 90
"""Events after which every other batch goes on in a new run: a life crosses several."""
# A message arrived while the worker was closing a run: the server has the task done again.
_NO_FAULT = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_UPDATE,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
)


@dataclass
class Lived:
    """A life that was played, and what the oracle says of it."""

    name: str
    life: Life
    breaches: list[Breach] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    days: float = 0.0
    steps: int = 0
    runs: int = 1
    said: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    lost_by: str = ""
    kept: str = ""
    """Where everything about a life with breaches is kept."""

    @property
    def lost(self) -> bool:
        """Something of the harness failed, so it shows nothing: the server, a connection, the generator itself."""
        return bool(self.lost_by)


@dataclass
class Batch:
    """What came of some lives in one town."""

    lived: list[Lived]
    seconds: float
    restarts: int
    sweeps: int


async def live(town: Town, name: str, life: Life) -> Lived:
    """One life, from its opening to the oracle's verdict."""
    account_id = f"L-{name}-{time.monotonic_ns() % 10**9:09d}"
    lived = Lived(name, life)
    try:
        playing = await play(town, life, account_id)
    except Stuck as stuck:
        lived.breaches.append(Breach("stuck", str(stuck)))
        return lived
    except Exception as fault:  # a fault of one life must not hide what the others show
        lived.lost_by = "".join(traceback.format_exception(fault))[-1500:]
        await _find_failed_tasks(town, f"arrears-{account_id}", lived)
        return lived
    book = await _judged(town, playing, lived)
    lived.reached, lived.said = reached(book), playing.said
    lived.days = (playing.now - playing.opened_at).total_seconds() / 86_400
    lived.steps = sum(line.startswith("--") for line in playing.said)
    lived.facts = [f"{f.n:3} {f.recorded_at:%m-%d %H:%M:%S} {f.what} {f.about or ''} {f.detail}" for f in book.facts]
    if lived.breaches:
        verdict = "\n".join((*map(str, lived.breaches), "", *lived.said, "", *lived.facts))
        lived.kept = str(await keep(playing, life, verdict))
    if not playing.closed:
        with suppress(RPCError):
            await playing.case.handle.terminate("its life is over")
    return lived


async def _judged(town: Town, playing: Playing, lived: Lived) -> Book:
    """The oracle's verdict, and whether the case ever failed to go on; what is still being written is waited for."""
    for patience in (0.0, 1.0, 3.0):
        await asyncio.sleep(patience)
        book = await asyncio.to_thread(
            read,
            town.folder / "register.db",
            town.folder / "billing.db",
            playing.account_id,
            playing.booked,
            playing.now,
            not playing.was_down,
            playing.told,
            playing.silences,
        )
        lived.breaches = judge(book)
        if not lived.breaches:
            break
    await _find_failed_tasks(town, playing.case.handle.id, lived)
    return book


async def _find_failed_tasks(town: Town, workflow_id: str, lived: Lived) -> None:
    """A workflow task that fails is a case that does not replay, or a fault in its code."""
    client = town.world.client
    seen = await client.get_workflow_handle(workflow_id).describe()
    run_id = seen.run_id
    run = client.get_workflow_handle(workflow_id, run_id=run_id)
    async for event in run.fetch_history_events():
        failed = event.workflow_task_failed_event_attributes
        if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED or failed.cause in _NO_FAULT:
            continue
        if "deadlock" not in failed.failure.message.lower():  # a machine too busy to run a task within two seconds
            lived.breaches.append(Breach("task failed", failed.failure.message[:300]))
            break
    if seen.raw_description.workflow_execution_info.first_run_id != run_id:
        lived.runs = 2


async def run_batch(
    lives: Iterable[tuple[str, Life]], folder: Path, *, new_run_after: int | None = None, in_flight: int = IN_FLIGHT
) -> Batch:
    """These lives in one town, so many at once, while worker and sweep come and go."""
    begun, gate = time.monotonic(), asyncio.Semaphore(in_flight)
    async with running_town(folder, new_run_after) as town:

        async def one(name: str, life: Life) -> Lived:
            async with gate:
                return await live(town, name, life)

        sweeps: list[str] = []
        beside = asyncio.gather(_restart_now_and_then(town), _sweep_now_and_then(town, sweeps))
        try:
            lived = await asyncio.gather(*(one(name, life) for name, life in lives))
        finally:
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside
    return Batch(lived, time.monotonic() - begun, town.restarts, len(sweeps))


async def _restart_now_and_then(town: Town) -> None:
    while True:
        await asyncio.sleep(RESTART_EVERY)
        await town.restart_worker()


async def _sweep_now_and_then(town: Town, done: list[str]) -> None:
    """The daily sweep of the real register, by the wall's clock: it asks cases whose debt differs to read it again."""
    while True:
        await asyncio.sleep(SWEEP_EVERY)
        sweep = f"daily-sweep-{datetime.now(UTC).timestamp()}"
        world = town.world
        await world.client.execute_workflow("DailySweep", id=sweep, task_queue=world.settings.task_queue)
        done.append(sweep)


def play_town(named: list[tuple[str, Life]], in_flight: int, new_run_after: int | None) -> Batch:
    """Some lives in a town of their own, perhaps in a process of its own."""
    _quiet()
    with _folder_of_its_own("lives-") as folder:
        return asyncio.run(run_batch(named, Path(folder), new_run_after=new_run_after, in_flight=in_flight))


@contextmanager
def standing_town(events: int | None = None) -> Iterator[Callable[[str, Life], Lived]]:
    """A town that stays, for one life after another."""
    _quiet()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    with _folder_of_its_own("lives-") as folder:
        opening = running_town(Path(folder), events)
        town = wait_for(_entered(opening))
        try:
            yield lambda name, life: wait_for(live(town, name, life))
        finally:
            wait_for(_left(opening))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


async def _entered(opening: AbstractAsyncContextManager[Town]) -> Town:
    return await opening.__aenter__()


async def _left(opening: AbstractAsyncContextManager[Town]) -> None:
    await opening.__aexit__(None, None, None)


def play_seeds(seeds: list[int], in_flight: int) -> Batch:
    """The lives of these seeds, all of one town."""
    return play_town([(str(number), life_of(number)) for number in seeds], in_flight, new_run_after(seeds[0]))


def town_of(seed: int) -> int:
    """Which town a seed is played in; in every other one cases go on in new runs."""
    return (seed - 1) // PER_TOWN


def new_run_after(seed: int) -> int | None:
    """After how many events the cases of this seed's town go on in a new run."""
    return NEW_RUN_AFTER if town_of(seed) % 2 else None


def _quiet() -> None:
    """Outages are meant here, and would be logged by the thousand."""
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    errors = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    with suppress(RuntimeError):  # set already in this process
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=errors)))


def _folder_of_its_own(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """A folder under `var/` that goes when the run ends."""
    var = Path("var")
    var.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=prefix, dir=var, ignore_cleanup_errors=True)
