"""`python -m tests.bench [--rows S1,S5] [--small] [--json]`: measure, and put table, JSON and picture into var/."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Row
from tests.bench.ground import ROOT
from tests.bench.picture import draw
from tests.bench.rows_demo import s10
from tests.bench.rows_events import event_rows
from tests.bench.rows_fairness import fairness_row
from tests.bench.rows_opening import s4
from tests.bench.rows_replay import s9
from tests.bench.rows_restoration import restoration_rows
from tests.bench.rows_sleeping import growth, s5
from tests.bench.rows_speed import s1
from tests.bench.rows_sweep import s8


async def fairness(folder: Path, small: bool) -> list[Row]:
    """The second line of S7."""
    return [await fairness_row(folder, small)]


Measure = Callable[[Path, bool], Awaitable[list[Row]]]
MEASURES: dict[str, Measure] = {
    "S1": s1,
    "S2": event_rows,
    "S4": s4,
    "S5": s5,
    "GROWTH": growth,
    "S6": restoration_rows,
    "FAIRNESS": fairness,
    "S8": s8,
    "S9": s9,
    "S10": s10,
}
WITH = {"S3": "S2", "S7": "S6"}
"""Measured together."""
ONCE = {"GROWTH"}
"""Long, and for the picture, which shows itself whether bare differs from itself."""
VERDICTS = {"reached": "✓ reached", "short": "✗ short", "void": "· void", "noted": "· noted"}


async def measure(folder: Path, ids: list[str], small: bool) -> list[Row]:
    """The rows in order; one that comes out void is measured once more."""
    rows: list[Row] = []
    for id_ in ids:
        say(f"{id_} …")
        found = await measured(id_, folder / id_, small)
        if any(row.verdict == "void" for row in found) and not small and id_ not in ONCE:
            for row in found:
                say(f"{row.id} {row.measure}: {row.figure} ({row.verdict})")
            say(f"{id_} is void (bare differs from itself); once more")
            found = await measured(id_, folder / f"{id_}-again", small)
        for row in found:
            say(f"{row.id} {row.measure}: {row.figure} ({row.verdict})")
        rows += found
        write(folder, rows)
    return rows


async def measured(id_: str, folder: Path, small: bool) -> list[Row]:
    """The rows of one measure, in a folder of its own."""
    await asyncio.to_thread(folder.mkdir)
    return await MEASURES[id_](folder, small)


def write(folder: Path, rows: list[Row]) -> None:
    """The JSON, after every row: what was measured is kept even if the run is broken off."""
    text = json.dumps([asdict(r) for r in rows], indent=1, ensure_ascii=False)
    (folder / "bench.json").write_text(text + "\n", "utf-8")


def table(rows: list[Row]) -> Table:
    """The rows for people."""
    shown = Table(show_lines=False)
    for name in ("id", "measure", "figure: median (least – most)", "reach", "verdict"):
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(row.id, row.measure, row.figure, row.reach, VERDICTS[row.verdict])
    return shown


def say(text: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> int:
    """0 if every row was reached, 1 if one was short or void."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--rows", default=",".join(i for i in MEASURES if i != "GROWTH"), help=f"of {', '.join(MEASURES)}"
    )
    parser.add_argument("--small", action="store_true", help="a few cases: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="the rows as JSON on stdout")
    chosen = parser.parse_args()
    ids = list(dict.fromkeys(WITH.get(i, i) for i in (part.strip().upper() for part in chosen.rows.split(","))))
    if unknown := [i for i in ids if i not in MEASURES]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    folder = ROOT / "var" / f"bench-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    rows = asyncio.run(measure(folder, ids, chosen.small))
    drawn = draw(rows, folder / "growth.svg")
    if chosen.json:
        sys.stdout.write((folder / "bench.json").read_text("utf-8"))
    else:
        Console(width=150).print(table(rows))
        say(f"{folder.relative_to(ROOT)}/bench.json{' and growth.svg' if drawn else ''}")
    return 0 if all(r.verdict in ("reached", "noted") for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
