"""`python -m tests.moratorium --cases 2000`: declare and lift over so many open cases; all of them, and no other?"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.moratorium.reaching import HERE, open_town, shown
from tests.support.world import running_world


async def _run(cases: int, others: int, folder: Path) -> bool:
    def say(what: str, since: float) -> None:
        sys.stdout.write(f"{time.monotonic() - since:7.1f} s  {what}\n")
        sys.stdout.flush()

    async with running_world(folder, database=folder / "temporal.db") as world:
        began = time.monotonic()
        town = await open_town(world, folder, cases, others)
        say(f"{cases} cases open in {HERE}, {others} elsewhere", began)
        order = ("--scope", "region", "--value", HERE, "--reason", "typhoon", "--by", "c-001", "--id", "typhoon-1")
        preview = await town.command("declare", *order, "--dry-run")
        say(f"dry run: {preview['cases']} cases", began)
        since = time.monotonic()
        say(f"declare: {shown(await town.command('declare', *order))}", since)
        declared = await town.reached("typhoon-1")
        say(shown(declared.__dict__), began)
        since = time.monotonic()
        say(f"lift: {shown(await town.command('lift', 'typhoon-1', '--by', 'c-001'))}", since)
        lifted = await town.reached("typhoon-1")
        say(shown(lifted.__dict__), began)
    all_reached = declared.held == cases and declared.placed.keys() == {1} and preview["cases"] == cases
    all_let_go = lifted.held == 0 and lifted.lifted.keys() == {1}
    nobody_else = lifted.others_signalled == lifted.others_held == 0
    good = all_reached and all_let_go and nobody_else
    sys.stdout.write(f"{'all of them, and no other' if good else 'NOT as promised'}\n")
    return good


def main() -> int:
    """Exit code 0 if every case was reached, once, and no other."""
    asked = argparse.ArgumentParser(prog="python -m tests.moratorium")
    asked.add_argument("--cases", type=int, default=2000)
    asked.add_argument("--others", type=int, default=200)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="moratorium-") as folder:
        return 0 if asyncio.run(_run(options.cases, options.others, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
