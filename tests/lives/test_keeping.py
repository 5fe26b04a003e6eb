"""A breach that is named leaves no doubt: register, history and script are kept, and can be judged again."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.lives.keeping import keep, kept
from tests.lives.life import Life, read
from tests.lives.oracle import judge
from tests.lives.procedure import play
from tests.lives.town import running_town
from tests.workflows.test_replay import history_of, replayer

PAID_WHILE_OFF: Life = {
    "customer": {
        "customer_class": "residential",
        "important": False,
        "amount": "200.00",
        "overdue_days": 40,
        "opened_by": "bill_overdue",
    },
    "steps": [{"do": "march"}] * 20,
}


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of a life, kept; its case went on in new runs."""
    town_folder = tmp_path_factory.mktemp("town")
    async with running_town(town_folder, 90) as town:
        playing = await play(town, PAID_WHILE_OFF, "A-kept")
        return await keep(playing, PAID_WHILE_OFF, "nothing", town_folder / "breaches")


def test_what_was_kept_is_judged_as_it_was(folder: Path) -> None:
    book = kept(folder)
    assert book.all("supply.restored")
    assert judge(book) == []


def test_a_doubt_can_be_settled_afterwards(folder: Path) -> None:
    """The register that was kept is the register: what is doctored in it is found."""
    with closing(sqlite3.connect(folder / "register.db")) as database, database:
        database.execute("UPDATE cases SET owed = owed + 7")
    try:
        assert [b for b in judge(kept(folder)) if b.rule == "R-01"]
    finally:
        with closing(sqlite3.connect(folder / "register.db")) as database, database:
            database.execute("UPDATE cases SET owed = owed - 7")


@pytest.fixture
def histories(folder: Path) -> list[Path]:
    """One of each run, the latest first."""
    return sorted(folder.glob("history-*.json.gz"))


async def test_every_run_of_its_case_is_kept_and_replays(histories: list[Path]) -> None:
    assert len(histories) > 1
    for path in histories:
        await replayer().replay_workflow(history_of(path))


def test_its_script_is_kept_as_it_can_be_played(folder: Path) -> None:
    assert read(folder / "life.json") == PAID_WHILE_OFF
    outside = json.loads((folder / "outside.json").read_text(encoding="utf-8"))
    assert {told["message"] for told in outside["told"]} >= {"payment_received"}
