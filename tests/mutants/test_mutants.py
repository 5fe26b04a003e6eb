"""The short version of `make mutants`: every edit still applies, and a few faults are caught without a server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.fault import Fault, NoLongerApplies
from tests.mutants.faults import FAULTS
from tests.mutants.running import ROOT, copy_of_the_tree, try_out

QUICK = (
    "6 days instead of 7",
    "a hold is ignored at the permit",
    "billing's silence at the permit means that he owes",
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_edit_still_applies_exactly_once(fault: Fault) -> None:
    """Where the code has moved on, the table must follow: a fault that cannot be made proves nothing."""
    assert fault.applied_in(ROOT) != (ROOT / fault.file).read_text(encoding="utf-8")
    for test in fault.tests:
        path, _, name = test.partition("::")
        assert name.partition("[")[0] in (ROOT / path).read_text(encoding="utf-8"), f"{test} is gone"


def test_every_fault_knows_the_names_that_it_uses(tmp_path: Path) -> None:
    """A name that the file does not know would be found by any test: that proves nothing about the law."""
    for number, fault in enumerate(FAULTS):
        (tmp_path / f"fault_{number}.py").write_text(fault.applied_in(ROOT), encoding="utf-8")
    rules = ("--isolated", "--no-cache", "--select", "F821,F822,E9", "--output-format", "concise")
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)], capture_output=True, text=True, check=False
    )
    unknown = {
        FAULTS[int(number)].name: why for number, why in re.findall(r"fault_(\d+)\.py:[\d:]+ (.*)", linted.stdout)
    }
    assert not unknown
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_table_is_long_enough_and_names_each_fault_once() -> None:
    """L5: at least 20 faults in the procedure; L6: at least 3 edits that are not deterministic."""
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert sum(fault.rule == "replay" for fault in FAULTS) >= 5
    assert sum(fault.rule.startswith(("R-", "P")) for fault in FAULTS) >= 24


@pytest.mark.timeout(300)
def test_a_few_faults_are_caught_and_the_tree_is_left_alone(tmp_path: Path) -> None:
    """Each by a test of its own rule; the working tree never holds a fault."""
    chosen = [fault for fault in FAULTS if fault.name in QUICK]
    assert len(chosen) == len(QUICK)
    before = {fault.file: (ROOT / fault.file).read_bytes() for fault in chosen}
    with copy_of_the_tree(tmp_path) as copy:
        for fault in chosen:
            verdict = try_out(copy, fault)
            assert verdict.caught_by is not None, (fault.name, verdict.void)
        assert {file: (copy / file).read_bytes() for file in before} == before, "each fault is taken back"
    assert {file: (ROOT / file).read_bytes() for file in before} == before


def test_an_edit_that_no_longer_applies_is_named() -> None:
    """A text that is gone, one that stands twice, a file that was moved."""
    for file, right in (
        ("domain/law/clock.py", "no such text"),
        ("domain/law/clock.py", "policy"),
        ("domain/gone.py", "x"),
    ):
        fault = Fault("a name", "R-01", file, right, "y", ())
        with pytest.raises(NoLongerApplies, match="a name"):
            fault.applied_in(ROOT)


def test_a_text_that_was_moved_is_found_in_its_new_file(tmp_path: Path) -> None:
    (tmp_path / "domain" / "law").mkdir(parents=True)
    (tmp_path / "domain" / "__init__.py").touch()
    (tmp_path / "domain" / "law" / "clock.py").write_text("a sentence\n", encoding="utf-8")
    (tmp_path / "domain" / "deadlines.py").write_text("another\n", encoding="utf-8")
    for file in ("domain/deadlines.py", "domain/gone.py"):
        with pytest.raises(NoLongerApplies, match=r"a name: .*; it stands in domain/law/clock\.py$"):
            Fault("a name", "R-01", file, "a sentence", "y", ()).applied_in(tmp_path)
