"""`python -m tests.lives`: random lives by seed, or one saved life again; prints what they reached and what broke."""

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from tests.lives.drawing import life_of, shortest
from tests.lives.keeping import kept
from tests.lives.life import Life, read, to_text
from tests.lives.oracle import judge
from tests.lives.running import IN_FLIGHT, Batch, Lived, new_run_after, play_seeds, play_town, standing_town, town_of

CUT_AT_LEAST = 0.20
"""A run in which fewer lives than this were cut has not checked where it matters, and is void."""
LOST_AT_MOST = 0.02
_MIX = (
    "yellow served",
    "red served",
    "approved",
    "ticket",
    "half-hour",
    "permit",
    "cut",
    "restored",
    "found cut",
    "incident",
    "void",
    "refused",
    "held",
    "promise or plan",
    "permit refused",
    "permit revoked",
    "record changed",
    "announced in vain",
    "promise or plan kept",
    "neighbour",
    "closed",
)


def say(text: str = "") -> None:
    """A line of the report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def play_all(seeds: range, in_flight: int, processes: int, minutes: float) -> list[Batch]:
    """All of them, town after town; every other town has its cases go on in new runs.

    No town is begun that would hardly end within these minutes (0: however long it takes).
    """
    begun, slowest = time.monotonic(), 0.0
    towns = [list(town) for _, town in groupby(seeds, key=town_of)]
    batches: list[Batch] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        under_way: dict[Future[Batch], list[int]] = {}
        for some in [*towns, []]:
            while len(under_way) >= processes or (under_way and not some):
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                    played, batch = under_way.pop(done), done.result()
                    bad = sum(bool(lived.breaches) for lived in batch.lived)
                    say(f"  seeds {played[0]} to {played[-1]}: {batch.seconds:.0f} s, {bad} with breaches")
                    for lived in batch.lived:  # at once: a run that is broken off has named them
                        for breach in lived.breaches:
                            say(f"    {lived.name}: {breach}")
                        if lived.kept:
                            say(f"    {lived.name}: kept in {lived.kept}")
                    batches.append(batch)
                    slowest = max(slowest, batch.seconds)
            if not some:
                continue
            if minutes and time.monotonic() - begun + 1.3 * slowest > 60 * minutes:
                say(f"  time is up: go on with --from-seed {some[0]}")
                break
            under_way[pool.submit(play_seeds, some, in_flight)] = some
        batches += [done.result() for done in under_way]
    return batches


def report(batches: list[Batch]) -> dict[str, object]:
    """The table, and the same as data."""
    lived = [one for batch in batches for one in batch.lived]
    total: Counter[str] = Counter()
    for one in lived:
        total.update(one.reached)
    lost = sum(one.lost for one in lived)
    breached = Counter(b.rule.split()[0] for one in lived for b in one.breaches)
    table: dict[str, object] = {
        "lives": len(lived),
        "of which could not be played": lost,
        "days lived": round(sum(one.days for one in lived)),
        "steps": sum(one.steps for one in lived),
        "cuts": total["cut"],
        "restorations": total["restored"],
        "incidents": total["incident"],
        "workers started": sum(b.restarts + 1 for b in batches),
        "sweeps": sum(b.sweeps for b in batches),
        "lives that went on in a new run": sum(one.runs > 1 for one in lived),
        "breaches of P1": breached["P1"],
        "breaches of P2": breached["P2"],
        "breaches of P3": breached["P3"],
        "other breaches": sum(breached.values()) - breached["P1"] - breached["P2"] - breached["P3"],
        "seconds": round(sum(b.seconds for b in batches)),
    }
    for name, value in table.items():
        say(f"{name:>32}  {value}")
    say(f"{'share of lives that reached':>32}")
    for stage in _MIX:
        share = sum(bool(one.reached[stage]) for one in lived) / max(len(lived), 1)
        table[f"reached {stage}"] = round(share, 3)
        say(f"{stage:>32}  {share:6.1%}")
    return table


def signal(one: Lived, *, verbose: bool) -> None:
    """One life that broke something, and how to play it again."""
    say(f"\n{one.name}: {len(one.breaches)} breaches")
    for breach in one.breaches[:8]:
        say(f"  {breach}")
    say(f"  kept in {one.kept}" if one.kept else "  nothing of it could be kept: the case answered no more")
    if verbose:
        say("\n".join(("  what was said:", *(f"    {line}" for line in one.said))))
        say("\n".join(("  on record:", *(f"    {line}" for line in one.facts))))


def main() -> int:
    """0: no breach; 1: at least one; 2: void."""
    parser = argparse.ArgumentParser(prog="python -m tests.lives", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--from-seed", type=int, default=9000)
    parser.add_argument("--life", type=Path, help="play this saved life instead")
    parser.add_argument("--judge", type=Path, help="judge a life again that was kept in this folder")
    parser.add_argument("--print", action="store_true", dest="show", help="print the life of --from-seed, and no more")
    parser.add_argument(
        "--shrink", action="store_true", help="look for the shortest life that fails as --from-seed does"
    )
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--minutes", type=float, default=0, help="begin no town after so many (0: all)")
    parser.add_argument("--processes", type=int, default=2, help="towns at a time, each with its server")
    parser.add_argument("--verbose", action="store_true", help="all that was said and recorded in lives with breaches")
    parser.add_argument("--json", type=Path, help="write the table there too")
    given = parser.parse_args()
    if given.show:
        say(to_text(life_of(given.from_seed)))
        return 0
    if given.judge:
        breaches = judge(kept(given.judge))
        for breach in breaches:
            say(str(breach))
        return 1 if breaches else 0
    if given.shrink:
        return _shrink(given.from_seed, given.minutes)
    if given.life:
        batches = [play_town([(given.life.stem, read(given.life))], 1, None)]
    else:
        seeds = range(given.from_seed, given.from_seed + given.seeds)
        batches = play_all(seeds, given.in_flight, given.processes, given.minutes)
    table = report(batches)
    bad = [one for batch in batches for one in batch.lived if one.breaches]
    for one in (one for batch in batches for one in batch.lived if one.lost):
        say(f"\n{one.name} could not be played: {one.lost_by}")
    for one in bad:
        signal(one, verbose=given.verbose or bool(given.life))
    if bad and not given.life:
        say("\nplay one again:  python -m tests.lives --seeds 1 --verbose --from-seed " + bad[0].name)
        say("make it short:   python -m tests.lives --shrink --from-seed " + bad[0].name)
    if given.json:
        given.json.write_text(json.dumps(table | {"failing": [one.name for one in bad]}, indent=1), encoding="utf-8")
    if void := _why_void(table, given.seeds if not given.life else 0):
        say(f"VOID: {void}")
        return 2
    return 1 if bad else 0


def _why_void(table: dict[str, object], seeds: int) -> str | None:
    """Why a run shows nothing, or None if it does."""
    lives, lost, cut = (float(str(table[k])) for k in ("lives", "of which could not be played", "reached cut"))
    if lost > LOST_AT_MOST * lives:
        return f"{lost:.0f} of {lives:.0f} lives could not be played"
    if seeds >= 100 and cut < CUT_AT_LEAST:
        return f"fewer than {CUT_AT_LEAST:.0%} of the lives were cut"
    return None


def _shrink(number: int, minutes: float) -> int:
    """Play the life of this seed, then ever shorter ones that break the same rule; print the shortest."""
    begun = time.monotonic()
    with standing_town(new_run_after(number)) as play:
        rules = {b.rule for b in play(str(number), life_of(number)).breaches}
        say(f"seed {number} breaks {sorted(rules) or 'nothing'}")

        def fails(life: Life) -> bool:
            if minutes and time.monotonic() - begun > 60 * minutes:
                return False
            broken = rules & {b.rule for b in play("shorter", life).breaches}
            say(f"  {len(life['steps']):3} steps: {'fails' if broken else 'holds'}")
            return bool(broken)

        short = shortest(number, fails) if rules else None
    if rules:
        say(to_text(short) if short else "it did not fail again")
    return 1 if rules else 0


if __name__ == "__main__":
    sys.exit(main())
