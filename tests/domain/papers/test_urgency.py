"""What overtakes what in the outbox."""

import pytest

from domain.papers.phrases import TITLES
from domain.papers.urgency import urgency_of
from domain.record.subjects import SUBJECTS
from tests.support.register_records import message


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


def test_the_subject_of_a_ticket_is_its_title() -> None:
    for code, kind in (("cut_ticket", "cut"), ("restoration_ticket", "restore")):
        assert SUBJECTS[code].en == " ".join(TITLES[kind])  # type: ignore[index]
