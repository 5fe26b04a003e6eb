"""What is asked for the figures may be down, hang, or meet a fault of ours: each shows as what it is, and in time."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import SQLAlchemyError

from activities.billing import BillingUnavailable
from composition.parts import build
from composition.settings.model import Settings
from console.metrics import CaseFigures, case_figures
from console.metrics import shown as shown_at
from console.questions import Asked
from domain.metrics import Figures
from tests.adapters.anchor.test_register_anchor import SPELLED
from tests.console.test_metrics import NO_FAULT, shown
from tests.support.receivers import free_port

ROOT = Path(__file__).resolve().parents[2]


def answered(question: Asked[Any], seconds: float = 5.0) -> Any:
    return question.put().answer(time.monotonic() + seconds)


def test_what_hangs_is_asked_once_and_has_no_answer() -> None:
    go_on, asked = threading.Event(), []

    def ask() -> int:
        asked.append(1)
        go_on.wait(10)
        return len(asked)

    question = Asked("register", ask, fresh=0.0)
    assert [answered(question, 0.05), answered(question, 0.05)] == [None, None]
    assert len(asked) == 1
    go_on.set()
    answered(question)  # what hung may be of the time when it was asked
    assert answered(question) == 2


def test_who_asks_often_gets_the_same_answer_for_some_seconds() -> None:
    question = Asked("register", partial(next, itertools.count(1)), fresh=60.0)
    assert [answered(question), answered(question)] == [1, 1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_question_that_was_cut_off_leaves_no_answer_of_the_one_before() -> None:
    """As by SystemExit, which ends a thread silently."""
    answers = iter([1])

    def ask() -> int:
        for answer in answers:
            return answer
        raise SystemExit

    question = Asked("register", ask, fresh=0.0)
    assert [answered(question), answered(question)] == [1, None]


@pytest.mark.parametrize("silence", [BillingUnavailable("off"), OSError("no route"), SQLAlchemyError("gone")])
def test_billing_that_gives_no_answer_is_down(silence: Exception) -> None:
    def ask() -> bool:
        raise silence

    samples = shown(CaseFigures(Asked("register", Figures), Asked("billing", ask)))
    assert (samples["arrears_billing_up", ()], samples["arrears_console_fault", ("billing",)]) == (0.0, 0.0)


def test_a_fault_of_ours_is_not_taken_for_a_register_that_is_down() -> None:
    """It hides no other part, and no number of before stays."""
    faulty = threading.Event()

    def ask() -> Figures:
        if faulty.is_set():
            raise KeyError("cases")
        return Figures()

    figures = CaseFigures(Asked("register", ask, fresh=0.0), Asked("billing", lambda: True))
    assert shown(figures)["arrears_register_up", ()] == 1.0
    faulty.set()
    fault = {("arrears_console_fault", ("register",)): 1.0}
    assert shown(figures) == {("arrears_billing_up", ()): 1.0} | NO_FAULT | fault


# ---- receivers that take a connection and say nothing ----------------------------------------------


@contextmanager
def silent() -> Iterator[int]:
    """A port at which every connection is taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def never_read(place: Path) -> Iterator[Path]:
    """A file on a disk that hangs: whoever opens it waits for somebody who writes."""
    os.mkfifo(place)
    try:
        yield place
    finally:
        place.open("wb").close()


def test_where_everything_hangs_prometheus_is_answered_before_it_gives_up(tmp_path: Path) -> None:
    """Register, billing and the anchor's disk at once, asked by two; that they are down is an answer as well."""
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))["global"]
    patience = float(prometheus["scrape_timeout"].removesuffix("s"))
    at = f"127.0.0.1:{free_port()}"

    def scraped(_number: int) -> dict[str, float]:
        text = httpx.get(f"http://{at}/metrics", timeout=patience).text
        return {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}

    with silent() as register, silent() as billing, never_read(tmp_path / "anchor") as anchor:
        urls = {"register_url": f"postgresql://r:b7e2f4a90c@127.0.0.1:{register}/r", "anchor": anchor}
        others = {"billing_url": f"http://127.0.0.1:{billing}", "anchor_key": SPELLED}
        parts = build(Settings.model_validate(urls | others))
        with shown_at(case_figures(parts), at), ThreadPoolExecutor(2) as two:
            answers = list(two.map(scraped, range(2)))
    parts.close()
    down = {f"arrears_{name}": 0.0 for name in ("register_up", "billing_up", "anchor_intact", "console_fault")}
    assert answers == [down, down]
