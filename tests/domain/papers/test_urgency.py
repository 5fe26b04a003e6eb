"""What overtakes what in the outbox; and that the table speaks of subjects that the domain really writes."""

from pathlib import Path

import pytest

from domain.papers import urgency
from domain.papers.phrases import TICKET_TITLES
from domain.papers.urgency import urgency_of
from tests.support.register_records import message

DOMAIN = Path(urgency.__file__).parents[1]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("复电工作票 Restoration ticket", 1),
        ("permit revoked", 1),
        ("ticket recalled", 1),
        ("incident: unauthorised_cut", 2),
        ("Restoration warning", 2),
        ("催费停电工作票 Disconnection ticket", 2),
        ("approval asked", 3),
        ("红色欠费中止供电通知书 red notice to deliver", 3),
    ],
)
def test_restorations_and_revocations_overtake_everything(subject: str, expected: int) -> None:
    assert urgency_of(message(subject=subject)) == expected


@pytest.mark.parametrize("subject", urgency._BY_SUBJECT)
def test_every_subject_of_the_table_is_written_somewhere(subject: str) -> None:
    said = "".join(p.read_text("utf-8") for p in DOMAIN.rglob("*.py") if p.name != "urgency.py")
    assert subject in TICKET_TITLES.values() or f'"{subject}"' in said
