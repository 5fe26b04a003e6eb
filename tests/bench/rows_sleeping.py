"""S5: what a sleeping case costs: the worker's memory and the server's database, ours ÷ bare."""

import asyncio
from pathlib import Path

from tests.bench.figures import Ratio, Round, Row, row_of_ratio
from tests.bench.ground import BARE, OURS, Ground, fresh_ground
from tests.bench.lives import (
    Life,
    Side,
    accounts,
    batch,
    paid_after_yellow,
    recorded,
    watch_of_bare,
    watch_of_ours,
    watching,
)

Costs = list[tuple[int, float, float]]
"""Number of sleeping cases, bytes of worker memory and bytes of database for all of them."""


async def asleep(life: Life) -> None:
    """It has issued its first notice, and sleeps."""
    await life.sees("notice.issued")


async def _settled_bytes(ground: Ground) -> int:
    """The server's database, once it has written what it had in hand."""
    before = ground.database_bytes()
    for _ in range(20):
        await asyncio.sleep(0.5)
        if (now := ground.database_bytes()) == before:
            break
        before = now
    return before


async def sleeping(folder: Path, count: int, portion: int) -> tuple[Ratio, Ratio, dict[str, Costs]]:
    """Memory and database by rounds of so many cases each; and, of ours and bare, how they grow up to `count`."""
    async with fresh_ground(folder, cached=200_000) as ground:
        plan = await recorded(ground, paid_after_yellow)
        ground.start_ours()
        ground.start_bare({paid_after_yellow.__name__: plan})
        growth: dict[str, Costs] = {OURS: [], BARE: []}
        async with watching(watch_of_ours(ground), 0.02) as seen, watching(watch_of_bare(ground), 0.02) as rows:
            ours = Side(ground, ground.client, seen)
            bare = Side(ground, ground.client, rows, paid_after_yellow.__name__, plan)
            slept = {OURS: 0, BARE: 0}
            spent = {OURS: [0.0, 0.0], BARE: [0.0, 0.0]}

            async def more(name: str) -> tuple[float, float]:
                side = ours if name == OURS else bare
                memory, disk = ground.memory(name), await _settled_bytes(ground)
                await batch(side, asleep, await accounts(ground, portion), 32)
                each = (ground.memory(name) - memory, await _settled_bytes(ground) - disk)
                slept[name] += portion
                for n in (0, 1):
                    spent[name][n] += each[n]
                growth[name].append((slept[name], spent[name][0], spent[name][1]))
                return each[0] / portion, each[1] / portion

            for side in (ours, bare):  # threads, pools and caches are there before anything is counted
                await batch(side, asleep, await accounts(ground, max(20, portion // 4)), 32)
            rounds = []
            while slept[OURS] < count:
                rounds.append([await more(name) for name in (BARE, OURS, OURS, BARE)])
    memory = Ratio(tuple(Round(*(each[0] for each in four)) for four in rounds))
    disk = Ratio(tuple(Round(*(each[1] for each in four)) for four in rounds))
    return memory, disk, growth


async def s5(folder: Path, small: bool) -> list[Row]:
    """2,000 of each, in five rounds."""
    return await sleeping_rows(folder, 40, 20) if small else await sleeping_rows(folder, 2_000, 200)


async def growth(folder: Path, small: bool) -> list[Row]:
    """The same up to 20,000 of each, for the picture; takes the better part of an hour on two cores."""
    return await sleeping_rows(folder, 80, 20) if small else await sleeping_rows(folder, 20_000, 1_000)


async def sleeping_rows(folder: Path, count: int, portion: int) -> list[Row]:
    """So many of each, in rounds of two portions."""
    memory, disk, growth = await sleeping(folder, count, portion)
    first = row_of_ratio("S5", f"worker memory per sleeping case ({count} each)", _kib(memory), most=1.25, unit="KiB")
    second = row_of_ratio("S5", f"database per sleeping case ({count} each)", _kib(disk), most=1.50, unit="KiB")
    first.detail["growth"] = growth
    return [first, second]


def _kib(ratio: Ratio) -> Ratio:
    return Ratio(
        tuple(Round(*(x / 1024 for x in (r.bare_first, r.ours_first, r.ours_last, r.bare_last))) for r in ratio.rounds)
    )
