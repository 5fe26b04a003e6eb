"""Every deliberate fault must be caught: a table of which test caught which; exit 1 if one survives.

    python -m tests.mutants [--jobs N] [WORD…]      only faults whose name, rule or file holds one of the words

First the tests of the chosen faults run on an untouched copy: where they fail by themselves, nothing would be proved.
"""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.mutants.fault import Fault, NoLongerApplies
from tests.mutants.faults import FAULTS
from tests.mutants.running import ROOT, Verdict, copy_of_the_tree, last_line, run_tests, try_out

console = Console(width=200, highlight=False, markup=False)


def main() -> int:
    """Try every chosen fault; 0 if each was caught."""
    arguments = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    arguments.add_argument("--jobs", type=int, default=2, help="faults tried at a time (default: %(default)s)")
    arguments.add_argument("words", nargs="*", metavar="WORD")
    given = arguments.parse_args()
    chosen = [f for f in FAULTS if not given.words or any(w in f"{f.name} {f.rule} {f.file}" for w in given.words)]
    if stale := [str(problem) for problem in _stale(chosen)]:
        console.print("These edits no longer apply; bring the table up to date:", *stale, sep="\n  ")
        return 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as copies:
        roots: SimpleQueue[Path] = SimpleQueue()
        for n in range(given.jobs):
            roots.put(copies.enter_context(copy_of_the_tree(Path(folder) / str(n))))
        if problem := _baseline(roots, chosen):
            console.print(f"VOID: the tests fail without any fault: {problem}")
            return 1
        console.print(f"the tests pass on an untouched copy ({time.monotonic() - started:.0f} s)")
        with ThreadPoolExecutor(given.jobs) as pool:
            verdicts = list(pool.map(lambda fault: _tried(roots, fault), chosen))
    return _report(verdicts, time.monotonic() - started)


def _stale(faults: list[Fault]) -> list[NoLongerApplies]:
    problems = []
    for fault in faults:
        try:
            fault.applied_in(ROOT)
        except NoLongerApplies as problem:
            problems.append(problem)
    return problems


def _baseline(roots: "SimpleQueue[Path]", faults: list[Fault]) -> str | None:
    every = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
    root = roots.get()
    run = run_tests(root, every)
    roots.put(root)
    if run.returncode == 0:
        return None
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "\n".join((*failed, last_line(run.stdout))) + run.stderr[-300:]


def _tried(roots: "SimpleQueue[Path]", fault: Fault) -> Verdict:
    root = roots.get()
    try:
        verdict = try_out(root, fault)
    finally:
        roots.put(root)
    word = "void" if verdict.void else "caught" if verdict.caught_by else "SURVIVED"
    console.print(f"  {verdict.seconds:4.0f} s  {word:8}  {fault.rule}  {fault.name}")
    return verdict


def _report(verdicts: list[Verdict], seconds: float) -> int:
    table = Table("rule", "fault", "caught by", "s", title="deliberate faults")
    for v in verdicts:
        caught_by = v.caught_by or (f"VOID: {v.void}" if v.void else "SURVIVED")
        table.add_row(v.fault.rule, v.fault.name, Text(caught_by), f"{v.seconds:.0f}")
    console.print(table)
    caught = sum(v.caught_by is not None for v in verdicts)
    console.print(f"{caught} of {len(verdicts)} faults caught in {seconds:.0f} s")
    return 0 if caught == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
