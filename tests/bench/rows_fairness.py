"""S7, second line: a reading centre that floods the queue, and another centre's notices behind it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Row
from tests.bench.ground import QUEUES, fresh_ground
from tests.bench.lives import Side, Watch, accounts, open_all, watch_of_ours, watching
from tests.bench.rows_light import NOTICE_SECONDS

WITHOUT = ("matching.useNewMatcher=true", "matching.enableFairness=false")
PILING = 2.0
"""Seconds a notice while they pile up."""
FLOOD, SMALL_CENTRE = "RC-FLOOD", "RC-SMALL"


@dataclass(frozen=True)
class Waited:
    """How many of the flood were still to be issued when the other centre came, and when its last notice was out."""

    before: int
    after: int
    seconds: float

    @property
    def waited_for(self) -> int:
        """How many of the flood the other centre had to wait for."""
        return self.before - self.after


async def behind_a_flood(folder: Path, dynamic: Sequence[str], flood: int, few: int, waiting: int) -> Waited:
    """Open many cases of one centre, then few of another, with a slow notice office."""
    async with fresh_ground(folder, dynamic=dynamic) as ground:
        ground.start_ours(slow=True)
        async with watching(watch_of_ours(ground), 0.02) as seen:
            side = Side(ground, ground.client, seen)
            ground.notices_take(PILING)
            await open_all(side, await accounts(ground, flood, FLOOD))
            await ground.piled_up(waiting)
            ground.notices_take(NOTICE_SECONDS)
            ids = await accounts(ground, few, SMALL_CENTRE)
            before, began = flood - _issued(seen), time.perf_counter()
            await open_all(side, ids)
            seen_at = await asyncio.gather(*(seen.sees(account, "notice.issued") for account in ids))
            after = flood + few - _issued(seen)
            ground.notices_take(0.0)
    return Waited(before, after, max(seen_at) - began)


def _issued(seen: Watch) -> int:
    return sum(count for (_, what), count in seen.seen.items() if what == "notice.issued")


async def fairness_row(folder: Path, small: bool) -> Row:
    """With the server's fairness, and without."""
    flood, few, waiting = (160, 2, 15) if small else (600, 10, 300)
    without = await behind_a_flood(folder / "without", WITHOUT, flood, few, waiting)
    fair = await behind_a_flood(folder / "fair", QUEUES, flood, few, waiting)
    return Row(
        "S7",
        f"{few} notices of one centre behind {fair.before} of another",
        f"waited for {fair.waited_for} of them ({fair.seconds:.1f} s); "
        f"without fairness for {without.waited_for} of {without.before} ({without.seconds:.1f} s)",
        "fewer",
        "reached" if fair.waited_for < without.waited_for else "short",
        {"fair": vars(fair), "without": vars(without)},
    )
