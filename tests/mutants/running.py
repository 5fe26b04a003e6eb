"""Puts faults into a copy of the tree, one at a time, and runs the tests that must notice: never the tree itself."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.fault import Fault

ROOT = Path(__file__).parents[2]
_LEFT_BEHIND = shutil.ignore_patterns(
    ".venv", ".git", ".env", "var", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"
)
_A_TEST_MAY_TAKE = 60  # seconds
_FAILED = re.compile(r"^FAILED (?P<test>tests/.+?)(?: - (?P<why>.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """What the tests said to a fault: `caught_by` is the test that failed, None if none did.

    `void` says why the run proves nothing: the tests could not be run at all.
    """

    fault: Fault
    caught_by: str | None
    why: str
    seconds: float
    void: str | None = None


@contextmanager
def copy_of_the_tree(folder: Path) -> Iterator[Path]:
    """A copy to spoil, gone with the context."""
    root = folder / "tree"
    shutil.copytree(ROOT, root, ignore=_LEFT_BEHIND)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def spoiled(root: Path, fault: Fault) -> Iterator[None]:
    """The fault stands in the copy while the context lasts; raises NoLongerApplies."""
    path = root / fault.file
    wrong, right = fault.applied_in(root), path.read_text(encoding="utf-8")
    try:
        _write(path, wrong)
        yield
    finally:
        _write(path, right)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # Two edits within a second look alike to Python's cache of compiled modules.
    Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)


def try_out(root: Path, fault: Fault) -> Verdict:
    """Run the fault's tests on the copy with the fault in it, up to the first failure."""
    started = time.monotonic()
    with spoiled(root, fault):
        run = run_tests(root, fault.tests)
    seconds = time.monotonic() - started
    if failed := _FAILED.search(run.stdout):
        return Verdict(fault, failed["test"].removeprefix("tests/"), (failed["why"] or "").strip(), seconds)
    if run.returncode == 0:
        return Verdict(fault, None, "", seconds)
    return Verdict(fault, None, "", seconds, void=last_line(run.stdout) or run.stderr.strip()[-200:])


def run_tests(root: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """These tests in the copy, in this order, up to the first failure."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--tb=no",
            "-rf",
            f"--timeout={_A_TEST_MAY_TAKE}",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            *tests,
        ],
        cwd=root,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "ARREARS_", "COLUMNS"))}
        | {"COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )


def last_line(text: str) -> str:
    """The last line that says anything."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
