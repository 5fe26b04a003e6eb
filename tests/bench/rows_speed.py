"""S1: whole cases per second, ours ÷ bare, on two paths."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.figures import Ratio, Round, Row, row_of_ratio
from tests.bench.ground import fresh_ground
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


async def whole_cases(folder: Path, script: Script, count: int, in_flight: int, rounds: int) -> Ratio:
    """Cases per second of that path, in rounds."""
    skipping = script is not paid_after_yellow
    async with fresh_ground(folder, time_skipping=True) as ground:
        plan = await recorded(ground, script)
        ground.start_ours()
        ground.start_bare({script.__name__: plan})
        client = ground.clocks.client if skipping else ground.client
        async with watching(watch_of_ours(ground)) as seen, watching(watch_of_bare(ground)) as rows:
            ours = Side(ground, client, seen)
            bare = Side(ground, client, rows, script.__name__, plan)

            def figure(side: Side) -> Figure:
                async def measure() -> float:
                    return await batch(side, script, await accounts(ground, count), in_flight)

                return measure

            for side in (bare, ours):  # a first batch to warm up
                await batch(side, script, await accounts(ground, max(2, count // 4)), in_flight)
            return await rounds_of(figure(bare), figure(ours), rounds)


async def s1(folder: Path, small: bool) -> list[Row]:
    """Both lines."""
    count, rounds = (8, 1) if small else (64, 5)
    plain = await whole_cases(folder / "paid", paid_after_yellow, count, 32, rounds)
    lives = await whole_cases(folder / "restored", cut_and_restored, max(4, count // 4), 8, rounds)
    return [
        row_of_ratio("S1", "whole cases/s, paid after yellow", plain, least=0.90, unit="/s"),
        row_of_ratio("S1", "whole cases/s, cut and restored", lives, least=0.90, unit="/s"),
    ]
