"""S6, S7: from a payment to the restoration ticket in the field unit's inbox, with and without a backlog of notices."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.bare_plan import Plan, Step
from tests.bench.figures import Ratio, Round, Row, Verdict, percentile
from tests.bench.ground import Ground, fresh_ground
from tests.bench.lives import (
    Life,
    Side,
    Watch,
    accounts,
    batch,
    open_all,
    recorded,
    to_cut,
    watch_of_bare,
    watch_of_ours,
    watching,
)
from tests.bench.rows_sleeping import asleep

NOTICE_SECONDS = 0.25
"""What a notice takes while they pile up: twenty at a time, eighty a second."""
PILING_SECONDS = 12.0
"""The same until enough of them wait: so slow that the pile grows with every case opened, and no notice times out."""
RESTORATION = "light"


@dataclass(frozen=True)
class Scale:
    """How many sleep, how many are cut and paid in S6 and again in S7, how many notices pile up."""

    sleeping: int = 2_000
    blocks: int = 5
    in_a_block: int = 6
    notices: int = 3_000
    backlog: int = 2_000

    @property
    def paid(self) -> int:
        """Of each side, in S6 and S7 together."""
        return 2 * 2 * self.blocks * self.in_a_block


SMALL = Scale(sleeping=20, blocks=1, in_a_block=2, notices=160, backlog=15)


def restoration_plan(ticket_size: int, start_size: int) -> Plan:
    """A bare signal-to-activity round trip: signalled, one row written."""
    steps = (
        Step(kind="signal", number=2),
        Step(kind="activity", number=1, size=ticket_size, shows="ticket.sent"),
        Step(kind="done", number=1),
    )
    return Plan(steps=steps, start_size=start_size)


@dataclass
class Restorations:
    """Times from payment to ticket, in seconds, as they were met: blocks of bare, ours, ours, bare."""

    ours: list[float]
    bare: list[float]
    ratio: Ratio
    backlogs: list[int]


async def s6_and_s7(folder: Path, scale: Scale) -> tuple[Restorations, Restorations]:
    """Both on one server, one after the other."""
    async with fresh_ground(folder, time_skipping=True, cached=20_000) as ground:
        ground.start_ours(slow=True)
        seen, rows = watch_of_ours(ground), watch_of_bare(ground)
        tickets = Watch(
            str(ground.parts.register_engine.url.database),
            "SELECT rowid AS n, account_id, kind FROM tickets WHERE rowid > ? ORDER BY rowid",
        )
        plan = await recorded(ground, to_cut)
        size = max(s.size for s in plan.steps if s.shows.startswith("send_ticket"))
        restoration = restoration_plan(size, plan.start_size)
        ground.start_bare({RESTORATION: restoration})
        async with watching(seen, 0.02):
            ours = Side(ground, ground.clocks.client, seen)
            cut = await _cut(ours, scale.paid)
            await batch(Side(ground, ground.client, seen), asleep, await accounts(ground, scale.sleeping), 32)
        async with watching(rows, 0.002), watching(tickets, 0.002):
            bare = Side(ground, ground.client, rows, RESTORATION, restoration)
            waiting = [await bare.open(a) for a in await accounts(ground, scale.paid)]
            quiet = await _restorations(ground, tickets, cut[: scale.paid // 2], waiting[: scale.paid // 2], scale)
            flood = await accounts(ground, scale.notices)
            ground.notices_take(PILING_SECONDS)
            await open_all(Side(ground, ground.client, seen), flood)
            await ground.piled_up(scale.backlog)
            ground.notices_take(NOTICE_SECONDS)
            await asyncio.sleep(PILING_SECONDS)
            busy = await _restorations(ground, tickets, cut[scale.paid // 2 :], waiting[scale.paid // 2 :], scale)
            ground.notices_take(0.0)
    return quiet, busy


async def _cut(side: Side, count: int) -> list[Life]:
    gate = asyncio.Semaphore(8)

    async def one(account: str) -> Life:
        async with gate:
            life = await side.open(account)
            await to_cut(life)
            return life

    return list(await asyncio.gather(*(one(a) for a in await accounts(side.ground, count))))


async def _restorations(
    ground: Ground, tickets: Watch, cut: Sequence[Life], waiting: Sequence[Life], scale: Scale
) -> Restorations:
    """Pay one after the other, in blocks of bare, ours, ours, bare."""
    cut_left, waiting_left = iter(cut), iter(waiting)
    found = Restorations([], [], Ratio(()), [])

    async def ours() -> float:
        took = [await _until_restored(next(cut_left), tickets) for _ in range(scale.in_a_block)]
        found.ours.extend(took)
        return median(took)

    async def bare() -> float:
        took = [await _until_row(next(waiting_left)) for _ in range(scale.in_a_block)]
        found.bare.extend(took)
        return median(took)

    rounds = []
    for _ in range(scale.blocks):
        four = [await figure() for figure in (bare, ours, ours, bare)]
        found.backlogs.append(await ground.backlog())
        rounds.append(Round(four[0], four[1], four[2], four[3]))
    found.ratio = Ratio(tuple(rounds))
    return found


async def _until_restored(life: Life, tickets: Watch) -> float:
    payment = await life.books()
    await asyncio.sleep(0.02)
    sent = time.perf_counter()
    await life.hears_of(payment)
    return await tickets.sees(life.account, "restore") - sent


async def _until_row(life: Life) -> float:
    payment = await life.books()
    await asyncio.sleep(0.02)
    sent = time.perf_counter()
    await life.hears_of(payment)
    return await life.sees("ticket.sent") - sent


async def restoration_rows(folder: Path, small: bool) -> list[Row]:
    """S6 and S7."""
    scale = SMALL if small else Scale()
    quiet, busy = await s6_and_s7(folder, scale)
    ours, bare, under = (percentile(values, 0.99) for values in (quiet.ours, quiet.bare, busy.ours))
    p50, bare50, under50 = (median(values) for values in (quiet.ours, quiet.bare, busy.ours))
    s6: Verdict = "void" if quiet.ratio.void else "reached" if ours < 1.0 and ours <= 1.5 * bare else "short"
    thin = min(busy.backlogs) < scale.backlog // 2
    s7: Verdict = "void" if thin or busy.ratio.void else "reached" if under <= 2 * ours else "short"
    return [
        Row(
            "S6",
            f"payment → restoration ticket, {scale.sleeping} open",
            f"p99 {_ms(ours)} = {ours / bare:.2f} × bare {_ms(bare)} · p50 {_ms(p50)} = {p50 / bare50:.2f} × "
            f"{_ms(bare50)} · by rounds {quiet.ratio.spread} · bare÷bare {quiet.ratio.calm}",
            "< 1 s, ≤ 1.50",
            s6,
            {"ours": quiet.ours, "bare": quiet.bare},
        ),
        Row(
            "S7",
            f"the same while {min(busy.backlogs)} – {max(busy.backlogs)} notices wait",
            f"p99 {_ms(under)} = {under / ours:.2f} × S6 · p50 {_ms(under50)} = {under50 / p50:.2f} × S6 · "
            f"bare÷bare {busy.ratio.calm}",
            "≤ 2 × S6",
            s7,
            {"ours": busy.ours, "bare": busy.bare, "backlogs": busy.backlogs},
        ),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1_000:.0f} ms"
