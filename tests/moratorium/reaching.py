"""Declares and lifts a moratorium over many open cases by the commands, and counts in histories whom it reached."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType

from tests.support.programs import program
from tests.support.register_reading import WholeRegister
from tests.support.world import Case, World

HERE, ELSEWHERE = "R-here", "R-elsewhere"
AT_ONCE = 32
T = TypeVar("T")


@dataclass(frozen=True)
class Reached:
    """How often each signal stands in the histories of the cases covered, and of the others; who is held."""

    placed: Counter[int]
    lifted: Counter[int]
    held: int
    others_signalled: int
    others_held: int


@dataclass(frozen=True)
class Town:
    """Open cases in a region that is to be spared, and in one that is not."""

    world: World
    folder: Path
    here: list[Case]
    elsewhere: list[Case]

    async def command(self, *arguments: str, **changes: str) -> dict[str, Any]:
        """`starter.py moratorium …` as a process; its result."""
        ended = await program(self.world, "moratorium", *arguments, "--json", folder=self.folder, **changes)
        return ended.result

    async def reached(self, moratorium_id: str) -> Reached:
        """What the histories and the register say."""
        order = await asyncio.to_thread(self.world.parts.moratoria.one, moratorium_id)
        assert order is not None
        here = await _many(_signals(c) for c in self.here)
        elsewhere = await _many(_signals(c) for c in self.elsewhere)
        others = await _many(asyncio.to_thread(_holds, self.world, c) for c in self.elsewhere)
        return Reached(
            placed=Counter(s["hold_placed"] for s in here),
            lifted=Counter(s["hold_lifted"] for s in here),
            held=len(await asyncio.to_thread(self.world.parts.moratoria.held, order)),
            others_signalled=sum(s["hold_placed"] + s["hold_lifted"] for s in elsewhere),
            others_held=sum(others),
        )


async def open_town(world: World, folder: Path, here: int, elsewhere: int) -> Town:
    """So many open cases, each with its yellow notice out."""
    cases = await _many(world.open(region=HERE if n < here else ELSEWHERE) for n in range(here + elsewhere))
    await until(lambda: _yellow(world, len(cases)), 1800, every=0.2 + len(cases) / 500)  # a reading is work, too
    return Town(world, folder, cases[:here], cases[here:])


async def until(ready: Callable[[], Awaitable[bool]], seconds: float, every: float) -> None:
    """Wait for something that comes about by itself."""
    end = time.monotonic() + seconds
    while not await ready():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(every)


async def _yellow(world: World, count: int) -> bool:
    """Whether the register awaits a delivery for so many cases."""
    waiting = await asyncio.to_thread(world.parts.reader.worklist, "reader", limit=count + 1)
    return len({w.account_id for w in waiting if w.act == "record_delivery"}) >= count


async def _signals(case: Case) -> Counter[str]:
    signalled = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    return Counter(
        [
            e.workflow_execution_signaled_event_attributes.signal_name
            async for e in case.handle.fetch_history_events()
            if e.event_type == signalled
        ]
    )


def _holds(world: World, case: Case) -> int:
    return sum(e.what == "hold.placed" for e in WholeRegister(world.parts.reader.engine).evidence(case.account_id))


async def _many(asked: Iterable[Awaitable[T]]) -> list[T]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(waited: Awaitable[T]) -> T:
        async with gate:
            return await waited

    return list(await asyncio.gather(*(one(a) for a in asked)))


def shown(result: Any) -> str:
    """As one line of JSON."""
    return json.dumps(result, ensure_ascii=False, default=str)
