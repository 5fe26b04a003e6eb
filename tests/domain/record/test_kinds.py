"""Kinds of evidence: each has its rule, clause and name, and a misspelled one is an error of the type checker."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

from domain.record.evidence import Evidence
from domain.record.kinds import KINDS, EvidenceKind, kind_name

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
ON_NO_CHINESE_PAPER_YET = {"case.ended_by_force", "customer.told_by_channel", "report.made", "report.sent"}
"""Printed by their English names since the first version: a paper is named by its digest, so they stay."""


def test_the_table_has_every_kind() -> None:
    assert set(KINDS) == set(get_args(EvidenceKind))
    assert all(kind.rule.startswith("R-") and kind.clause for kind in KINDS.values())


def test_everything_the_record_may_say_has_a_chinese_name() -> None:
    assert {name for name in KINDS if kind_name(name, "zh") == name} == ON_NO_CHINESE_PAPER_YET
    assert kind_name("notice.issued", "en") == "notice issued"


def test_a_kind_of_another_version_is_read_all_the_same() -> None:
    fields = {"key": "k", "rule": "R-99", "clause": "II.2", "at": "2026-10-25T09:00:00+08:00"}
    read = Evidence.model_validate({**fields, "what": "notice.folded", "recorded_at": fields["at"]})
    assert kind_name(read.what, "zh") == "notice.folded"


def test_a_misspelled_kind_is_an_error_of_the_type_checker(tmp_path: Path) -> None:
    questions = (
        'r.first("notice.served")',
        'r.all("notice.void", "notice.served")',
        'e.what == "notice.served"',
        'e.what in kinds("notice.served")',
        'facts.noted(now, "notice.served")',
    )
    asked = [*questions, *(q.replace("notice.served", "notice.sreved") for q in questions)]
    program = (
        "from datetime import datetime\n"
        "from domain.case.facts import CaseFacts\nfrom domain.proof.reading import Reading\n"
        "from domain.record.evidence import Evidence\nfrom domain.record.kinds import kinds\n"
        "def ask(r: Reading, e: Evidence, facts: CaseFacts, now: datetime) -> None:\n"
    )
    lines = program.count("\n")
    (tmp_path / "asking.py").write_text(program + "".join(f"    _{n} = {q}\n" for n, q in enumerate(asked)))
    run = [sys.executable, "-m", "mypy", str(tmp_path / "asking.py")]
    said = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    wrong = [
        int(line.split(":")[1]) - lines for line in said.splitlines() if "asking.py:" in line and ": error:" in line
    ]
    assert wrong == [6, 7, 8, 9, 10], said
