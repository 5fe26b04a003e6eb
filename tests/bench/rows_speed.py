"""S1: whole cases per second, ours ÷ bare, on two paths."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.figures import Ratio, Round, Row, row_of_ratio
from tests.bench.ground import BARE, OURS, fresh_ground
from tests.bench.lives import (
    Script,
    Side,
    accounts,
    batch,
    cut_and_restored,
    paid_after_yellow,
    recorded,
    watch_of_bare,
    watch_of_ours,
    watching,
)

Figure = Callable[[], Awaitable[float]]


async def rounds_of(bare: Figure, ours: Figure, count: int, rest: float = 0.5) -> Ratio:
    """So many rounds of bare, ours, ours, bare, with a breath between."""
    rounds = []
    for _ in range(count):
        four = []
        for figure in (bare, ours, ours, bare):
            four.append(await figure())
            await asyncio.sleep(rest)
        rounds.append(Round(four[0], four[1], four[2], four[3]))
    return Ratio(tuple(rounds))


@dataclass(frozen=True)
class Load:
    """Processor time a case, in ms: the two workers', and the server's for ours and for bare."""

    ours: float = 0.0
    bare: float = 0.0
    server_ours: float = 0.0
    server_bare: float = 0.0

    def __str__(self) -> str:
        return (
            f"processor: worker {self.ours:.0f} ms a case ({self.ours / self.bare:.2f} × bare), "
            f"server {self.server_ours:.0f} ms ({self.server_ours / self.server_bare:.2f} ×)"
        )


async def whole_cases(folder: Path, script: Script, count: int, in_flight: int, rounds: int) -> tuple[Ratio, Load]:
    """Cases per second of that path, in rounds, and what they asked of the processors."""
    skipping = script is not paid_after_yellow
    async with fresh_ground(folder, time_skipping=True) as ground:
        plan = await recorded(ground, script)
        ground.start_ours()
        ground.start_bare({script.__name__: plan})
        client = ground.clocks.client if skipping else ground.client
        async with watching(watch_of_ours(ground)) as seen, watching(watch_of_bare(ground)) as rows:
            ours = Side(ground, client, seen)
            bare = Side(ground, client, rows, script.__name__, plan)

            spent: defaultdict[str, float] = defaultdict(float)

            def figure(name: str, side: Side) -> Figure:
                async def measure() -> float:
                    ids = await accounts(ground, count)
                    worker, server = ground.processor_seconds(name), ground.processor_seconds("server")
                    rate = await batch(side, script, ids, in_flight)
                    spent[name] += ground.processor_seconds(name) - worker
                    spent[f"server {name}"] += ground.processor_seconds("server") - server
                    return rate

                return measure

            for side in (bare, ours):  # a first batch to warm up
                await batch(side, script, await accounts(ground, max(2, count // 4)), in_flight)
            ratio = await rounds_of(figure(BARE, bare), figure(OURS, ours), rounds)
    each = 1_000 / (2 * rounds * count)
    return ratio, Load(*(spent[name] * each for name in (OURS, BARE, f"server {OURS}", f"server {BARE}")))


async def s1(folder: Path, small: bool) -> list[Row]:
    """Both lines."""
    count, rounds = (8, 1) if small else (64, 5)
    rows = []
    for what, script, cases, at_once in (
        ("paid after yellow", paid_after_yellow, count, 32),
        ("cut and restored", cut_and_restored, max(4, count // 4), 8),
    ):
        ratio, load = await whole_cases(folder / script.__name__, script, cases, at_once, rounds)
        row = row_of_ratio("S1", f"whole cases/s, {what}", ratio, least=0.90, unit="/s")
        rows.append(replace(row, figure=f"{row.figure} · {load}", detail={**row.detail, "processor_ms": vars(load)}))
    return rows
