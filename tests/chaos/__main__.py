"""`python -m tests.chaos`: every fault, a line each, and exit code 1 unless all that was promised was reached."""

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from tests.chaos.absence import run_absence
from tests.chaos.killed import Ended, Victim, run_killed
from tests.chaos.ledgers import sample
from tests.chaos.outages import DOWN, HOURS, run_outages

Verdict = Literal["reached", "short", "void"]
SEEDS = (1, 2, 3, 4, 5)
_AT_ONCE = 2


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    row: str
    fault: str
    seed: int | None
    cases: int
    kills: int
    twice: int
    acknowledged: int
    lost: int
    missing: int
    duplicates: int
    verdict: Verdict
    seconds: float
    note: str = ""
    faults: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    seeds: Sequence[int]
    cases: int
    kills: int
    folder: Path


async def _killed(row: str, victim: Victim, asked: Asked) -> list[Line]:
    """L1 and L2: one line a seed, two seeds at a time: most of their time they wait for time-outs."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(seed: int) -> Line:
        async with turn:
            ended = await run_killed(asked.folder / f"{row}-{seed}", victim, seed, asked.cases, asked.kills)
        line = _line_of(row, victim, ended)
        _say(line)
        return line

    return await asyncio.gather(*(one(seed) for seed in asked.seeds))


def _line_of(row: str, victim: Victim, ended: Ended) -> Line:
    found = ended.findings
    if not found.clean:
        verdict: Verdict = "short"
    elif ended.kills == 0 or (victim == "worker" and not found.twice) or (victim == "server" and not ended.opening):
        verdict = "void"
    else:
        verdict = "reached"
    caught = f"{ended.caught} caught between commit and completion" if victim == "worker" else ""
    opening = f"{ended.opening} while opening" if victim == "server" else ""
    note = f"{caught}{opening}; {found.records_twice} records committed twice; {found.slips} slips"
    return Line(
        row=row,
        fault=f"{victim} SIGKILLed",
        seed=ended.seed,
        cases=ended.cases,
        kills=ended.kills,
        twice=found.twice,
        acknowledged=found.acknowledged,
        lost=len(found.lost) + len(found.unreplayable),
        missing=len(found.missing),
        duplicates=len(found.duplicates),
        verdict=verdict,
        seconds=ended.seconds,
        note=note,
        faults=(*found.lost, *found.missing, *found.duplicates, *found.unreplayable),
    )


async def _l1(asked: Asked) -> list[Line]:
    return await _killed("L1", "worker", asked)


async def _l2(asked: Asked) -> list[Line]:
    return await _killed("L2", "server", asked)


async def _l7(asked: Asked) -> list[Line]:
    """L7: one line for each counterparty that is down."""
    lines = []
    for outage in await run_outages(asked.folder / "L7", each=2, down=DOWN):
        line = Line(
            row="L7",
            fault=f"{outage.down} down {HOURS} h",
            seed=None,
            cases=outage.cases,
            kills=0,
            twice=0,
            acknowledged=outage.acknowledged,
            lost=len(outage.faults),
            missing=0,
            duplicates=0,
            verdict="short" if outage.faults else ("reached" if outage.visible else "void"),
            seconds=outage.seconds,
            note=f"{outage.visible} seen waiting; {outage.permits} permits in the dark",
            faults=tuple(outage.faults),
        )
        _say(line)
        lines.append(line)
    return lines


async def _l8(asked: Asked) -> list[Line]:
    """L8: one line for each absence."""
    began = time.monotonic()
    absent = await run_absence(asked.folder / "L8", each=2)
    lines = []
    for left, hours in dict.fromkeys((a.left, a.hours) for a in absent):
        these = [a for a in absent if (a.left, a.hours) == (left, hours)]
        faults = tuple(fault for a in these for fault in a.faults)
        away = min(a.back - a.since for a in these)
        late = away.total_seconds() > 24 * 3600
        line = Line(
            row="L8",
            fault=f"no worker {hours} h, {left}",
            seed=None,
            cases=len(these),
            kills=0,
            twice=0,
            acknowledged=0,
            lost=len(faults),
            missing=0,
            duplicates=0,
            verdict="short" if faults else "reached",
            seconds=time.monotonic() - began,
            note=f"{away} after settlement: {'breach recorded at once' if late else 'restored in time'}",
            faults=faults,
        )
        _say(line)
        lines.append(line)
    return lines


ROWS: dict[str, Callable[[Asked], Awaitable[list[Line]]]] = {"L1": _l1, "L2": _l2, "L7": _l7, "L8": _l8}

_HEAD = f"{'row':4}{'fault':34}{'seed':>5}{'cases':>6}{'kills':>6}{'twice':>6}{'ack':>6}"
_HEAD += f"{'lost':>6}{'miss':>5}{'dup':>5}  {'verdict':8}{'s':>5}  note"


def _say(line: Line) -> None:
    seed = "" if line.seed is None else line.seed
    _out(
        f"{line.row:4}{line.fault:34}{seed:>5}{line.cases:>6}{line.kills:>6}{line.twice:>6}{line.acknowledged:>6}"
        f"{line.lost:>6}{line.missing:>5}{line.duplicates:>5}  {line.verdict:8}{line.seconds:>5.0f}  {line.note}"
    )
    for fault in sample(line.faults):
        _out(f"      {fault}")


_out: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731, T201


def main() -> int:
    """Exit code 0 when every row was reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--row", action="append", choices=[*ROWS], help="only this row; may be repeated")
    parser.add_argument("--seed", action="append", type=int, help="only this seed; may be repeated (default 1 to 5)")
    parser.add_argument("--cases", type=int, default=40, help="cases for each seed of L1 and L2 (default 40)")
    parser.add_argument("--kills", type=int, default=3, help="kills for each seed of L1 and L2 (default 3)")
    parser.add_argument("--json", action="store_true", help="the lines as JSON on stdout")
    parser.add_argument("--keep", action="store_true", help="keep the folder with databases, logs and ledgers")
    options = parser.parse_args()
    folder = Path(mkdtemp(prefix="chaos-"))
    asked = Asked(options.seed or SEEDS, options.cases, options.kills, folder)
    began = time.monotonic()
    _out(_HEAD)
    lines = asyncio.run(_all(options.row or [*ROWS], asked))
    _out(f"{len(lines)} lines in {time.monotonic() - began:.0f} s")
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], ensure_ascii=False) + "\n")
    if options.keep:
        _out(f"kept in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(line.verdict == "reached" for line in lines) else 1


async def _all(rows: Sequence[str], asked: Asked) -> list[Line]:
    lines = []
    for row in rows:
        lines += await ROWS[row](asked)
    return lines


if __name__ == "__main__":
    sys.exit(main())
