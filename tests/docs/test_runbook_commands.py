"""Backup, restore and the query of section 5: the runbook's own lines are run on databases in a folder of their own."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from composition.settings.fields import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
NAMES = ("register", "billing", "temporal")


def block(beginning: str) -> str:
    """The block of shell lines that begins so."""
    (found,) = [text for text in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL) if text.startswith(beginning)]
    return str(found)


def run(command: str, folder: Path) -> str:
    """What the line prints; `python` is this one."""
    bin_ = folder / "bin"
    if not bin_.exists():
        bin_.mkdir()
        (bin_ / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env={"PATH": f"{bin_}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`var/` with three databases of one row each, written by programs that are gone without closing them."""
    (tmp_path / "var").mkdir()
    for name in NAMES:
        with closing(sqlite3.connect(tmp_path / "var" / f"{name}.db")) as database:
            database.execute("pragma journal_mode=wal")
            database.execute("create table evidence (seq integer, place integer, what text, account_id text)")
            for seq in (2, 1, 3):
                database.execute("insert into evidence values (?, ?, ?, '1006')", (seq, seq + 3, f"no. {seq}"))
            database.commit()
    return tmp_path


def test_what_was_backed_up_is_put_back_without_what_was_written_since(folder: Path) -> None:
    backup = block("python - var/backup-").replace("$(date -u +%Y%m%dT%H%M%SZ)", "20261124T134300Z")
    assert run(backup, folder).split() == [word for name in NAMES for word in (name, "ok")]
    with closing(sqlite3.connect(folder / "var" / "register.db")) as register:
        register.execute("delete from evidence")
        register.commit()
    (folder / "var" / "register.db-wal").write_bytes(b"left by a program that was killed")
    run(block("cp var/backup-"), folder)
    assert not list((folder / "var").glob("*-wal"))
    with closing(sqlite3.connect(folder / "var" / "register.db")) as register:
        assert register.execute("select count(*) from evidence").fetchone() == (3,)


def test_evidence_is_listed_in_its_order(folder: Path) -> None:
    (query,) = re.findall(r"^\$ (python -c .*from evidence where.*)$", RUNBOOK, re.MULTILINE)
    assert run(query, folder).splitlines() == ["(1, 4, 'no. 1')", "(2, 5, 'no. 2')", "(3, 6, 'no. 3')"]


def test_a_drain_says_where_the_pid_comes_from() -> None:
    drain = RUNBOOK.partition("\n## 6. ")[2].partition("\n## ")[0]
    assert drain.index("temporal worker list") < drain.index("PID@MACHINE") < drain.index("kill -TERM PID")
