"""The demo as a newcomer and a script run it: every life as scripted, nothing lost to a killed worker, nothing left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edge.demo.book import write_book
from edge.demo.lives import LIVES

ROOT = Path(__file__).resolve().parents[3]
_ALL = ("starter.py", "demo", "--json")
_SOME = (1, 3, 6, 12, 26)  # paid, cut, refused, permit revoked, another bill


def _only(*numbers: int) -> tuple[str, ...]:
    script = (
        "import sys\nfrom edge.demo import LIVES, run\n"
        f"sys.exit(run(keep=False, as_json=True, lives=[x for x in LIVES if x.customer.number in {numbers}]))"
    )
    return ("-c", script)


@dataclass
class Demo:
    """A demo that runs as a process."""

    process: subprocess.Popen[str]
    errors: Path

    def said(self) -> str:
        """Its progress so far."""
        return self.errors.read_text("utf-8")

    def until(self, ready: Callable[[str], bool]) -> str:
        """Wait until its progress is as wanted; returns it."""
        for _ in range(600):
            if ready(said := self.said()):
                return said
            assert self.process.poll() is None, f"the demo ended early: {said}"
            time.sleep(0.1)
        raise AssertionError(f"it did not come about: {self.said()}")

    @property
    def folder(self) -> Path:
        """Its folder in var/."""
        line = next(x for x in self.said().splitlines() if "the demo's folder:" in x)
        return Path(line.rpartition("folder:")[2].strip())

    @property
    def worker(self) -> int:
        """The pid of its worker."""
        return int((self.folder / "worker.pid").read_text())

    def result(self) -> dict[str, Any]:
        """Its one JSON object, at its end; fails with what it said if it did not end well."""
        out, _ = self.process.communicate(timeout=170)
        assert self.process.returncode == 0, self.said()
        result = json.loads(out)
        assert isinstance(result, dict)
        return result


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[tuple[str, ...]], Demo]]:
    """Starts demos; afterwards they are ended, and their folders removed."""
    demos: list[Demo] = []

    def start_one(command: tuple[str, ...]) -> Demo:
        errors = tmp_path / f"errors-{len(demos)}"
        with errors.open("w") as log:
            process = subprocess.Popen(
                (sys.executable, *command),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=_heeding_ctrl_c,
            )
        demos.append(Demo(process, errors))
        return demos[-1]

    yield start_one
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.terminate()
        demo.process.communicate(timeout=30)
        if "the demo's folder:" in demo.said():
            shutil.rmtree(demo.folder, ignore_errors=True)


def _heeding_ctrl_c() -> None:
    """Tests that run in a shell's background ignore Ctrl-C, and whatever they start inherits that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _assert_all_as_scripted(result: dict[str, Any], lives: int) -> None:
    assert [x["problems"] for x in result["lives"]] == [[] for _ in range(lives)]
    assert result["as_scripted"] == lives
    for life in result["lives"]:
        assert life["record_intact"], life
        assert all(Path(paper).is_file() for paper in life["papers"])
        words, kinds = life["path"], [Path(paper).name.split("_")[1] for paper in life["papers"]]
        assert [words.count(w) for w in ("yellow", "red", "ticket")] == [
            kinds.count(k) for k in ("yellow-notice", "red-notice", "cut-ticket")
        ]
        for path in life["proofs"]:
            proof = json.loads(Path(path).read_text("utf-8"))
            assert proof["record"]["intact"]
            assert proof["record"]["length"] > 0
            assert Path(path).with_suffix(".pdf").read_bytes().startswith(b"%PDF")
            assert "R-30" in {line["rule"] for line in proof["rules"] if line["verdict"] == "met"}


@pytest.mark.timeout(200)
def test_the_demo_plays_every_life_as_its_script_says(start: Callable[[tuple[str, ...]], Demo]) -> None:
    result = start(_ALL).result()

    _assert_all_as_scripted(result, len(LIVES))
    assert result["ingest"]["rejected"] == 3
    assert result["worker_restarts"] == 0
    lives = {x["life"]: x for x in result["lives"]}
    assert lives["paid after the yellow notice"]["events"] <= 60
    assert lives["cut, paid, restored in time"]["events"] <= 200
    assert lives["cut, paid, restored in time"]["days"] > 14
    outcomes = {x["outcome"] for x in result["lives"]}
    assert outcomes == {"settled", "restored", "withdrawn"}
    assert result["kept"] is False
    assert not [pid for pid in result["processes"].values() if _runs(pid)]


@pytest.mark.timeout(200)  # what the killed worker had in hand is tried again after a minute at most
def test_a_worker_killed_in_the_middle_of_the_demo_loses_nothing(start: Callable[[tuple[str, ...]], Demo]) -> None:
    demo = start(_only(*_SOME))
    demo.until(lambda said: "✓" in said)  # one life is over, the others are under way
    killed = demo.worker
    os.kill(killed, signal.SIGKILL)

    result = demo.result()

    _assert_all_as_scripted(result, len(_SOME))
    assert result["worker_restarts"] == 1
    assert result["processes"]["worker"] != killed


@pytest.mark.parametrize("place", ["a file", "/sys"])
def test_a_demo_without_a_place_to_write_says_so_in_a_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    script = (
        "import sys\nfrom pathlib import Path\nfrom edge.demo import run, stage\n"
        f"stage.ROOT = Path({str(tmp_path / place)!r})\nsys.exit(run(keep=False, as_json=True))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    refusal = json.loads(ended.stderr)
    assert (ended.returncode, ended.stdout, refusal["type"]) == (3, "", "CannotWrite")
    assert str(tmp_path / place) in refusal["message"]


def test_an_interrupted_demo_ends_all_that_it_started(start: Callable[[tuple[str, ...]], Demo]) -> None:
    demo = start(_only(3, 5))
    demo.until(lambda said: "cases opened" in said)
    worker = demo.worker

    demo.process.send_signal(signal.SIGINT)
    out, _ = demo.process.communicate(timeout=30)

    assert demo.process.returncode == 130
    assert out == ""
    assert "Traceback" not in demo.said()
    assert not _runs(worker)


def test_the_sample_book_is_dated_from_the_day_it_is_written_on(tmp_path: Path) -> None:
    files = write_book(tmp_path, [life.customer for life in LIVES], date(2028, 2, 29))

    customers = files[0].read_bytes().decode("gb18030").splitlines()
    bills = files[1].read_text("utf-8").splitlines()
    assert customers[0].startswith("户号,户名")
    assert len(customers) - 1 >= 16
    assert "2028-01-20" in bills[1], "40 days before"


def test_every_life_is_another_customer() -> None:
    assert len({life.customer.account_id for life in LIVES}) == len(LIVES) >= 16
