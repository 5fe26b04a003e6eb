"""`make server` says in a sentence why it did not start: no place for its database, or a port that is taken."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.programs import ROOT
from tests.support.world import temporal_cli


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, and an environment that is made already."""
    folder = tmp_path / "checkout"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv" / ".made").touch()
    os.utime(folder / ".venv" / ".made", (2**32, 2**32))
    (folder / ".venv" / "bin" / "temporal").symlink_to(temporal_cli())
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make server`, which ends at once where it cannot start."""
    return subprocess.run(
        ["make", "-s", "server", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_without_a_place_for_its_database_the_server_says_so(checkout: Path) -> None:
    (checkout / "var").write_text("a file, where a folder is wanted", "utf-8")
    ended = make(checkout)
    assert ended.returncode != 0
    assert "var/: 无法写入 cannot be written" in ended.stderr
    assert "admin DB" not in ended.stderr


def test_where_its_port_is_taken_the_server_names_the_flags(checkout: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = make(checkout, f"SERVER_FLAGS=--headless --port {taken.getsockname()[1]}")
    assert ended.returncode != 0
    assert 'make server SERVER_FLAGS="--port 7333 --ui-port 8333"' in ended.stderr
    assert "TEMPORAL_ADDRESS=localhost:7333" in ended.stderr
