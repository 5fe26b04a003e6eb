"""Holds placed and lifted again, late, twice and in the wrong order: what stands, and what leaves a note."""

from datetime import datetime
from typing import Any

import pytest

from domain.case.billing_answers import with_circumstances
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.procedure import ReadCircumstances, next_act
from domain.case.rulings import signals
from domain.contract.signals import HoldLifted, HoldPlaced
from domain.law.calendar import Calendar
from domain.law.circumstances import Circumstances
from domain.vocabulary import Actor
from tests.support.one_life import HOUR, MINUTE, OPENED, facts, whats

OPERATOR = Actor(id="o-1", role="operator")
HOURS = {"-": None, **{str(n): OPENED + n * HOUR for n in range(1, 10)}}
"""Times as the letters of a life: an hour, or "-" for a time left out."""


def live(life: str, case: CaseFacts | None = None, kind: str = "hardship", **more: Any) -> CaseFacts:
    """`p1 l3 p-`: placed at one, lifted at three, placed without a time; the messages come hourly from ten on."""
    case = case or facts(present_since=OPENED)
    for n, message in enumerate(life.split(), start=10):
        case = heard(case, message[0], HOURS[message[1]], OPENED + n * HOUR, kind, **more)
    return case


def heard(case: CaseFacts, what: str, at: datetime | None, now: datetime, kind: str, **more: Any) -> CaseFacts:
    if what == "p":
        message = HoldPlaced.model_validate(
            {"hold_id": "h-1", "kind": kind, "reason": "illness", "actor": OPERATOR, "at": at, **more}
        )
        return signals.hold_placed(case, message, now)
    return signals.hold_lifted(case, HoldLifted(hold_id="h-1", actor=OPERATOR, at=at), now)


@pytest.mark.parametrize(
    ("life", "stands", "notes"),
    [
        ("p1", True, 0),
        ("p1 p1", True, 1),
        ("p1 l3", False, 0),
        ("p1 l3 l3", False, 1),
        ("p1 l3 p1", False, 1),
        ("p1 l3 p3", False, 1),
        ("p1 l3 p4", True, 0),
        ("p1 l3 p-", True, 0),
        ("p- l- p-", True, 0),
        ("p1 l3 p4 p4", True, 1),
        ("p1 l3 p4 l3", True, 1),
        ("p1 l3 p4 l5", False, 0),
        ("p1 l3 p4 l-", False, 0),
        ("p1 l3 l5 p4", False, 2),
        ("p1 l3 l5 p6", True, 1),
        ("l3", False, 0),
        ("l3 l3", False, 1),
        ("l3 p1", False, 0),
        ("l3 p-", False, 0),
        ("l3 p4", True, 0),
        ("l3 p1 p4", True, 0),
        ("l3 p1 p1", False, 1),
        ("l3 l5 p4", False, 1),
        ("l3 p4 l3", True, 1),
        ("p1 l3 p4 l5 p4", False, 1),
        ("p1 l3 p4 l5 p6", True, 0),
    ],
)
def test_a_placing_stands_for_a_time_after_the_lifting_and_what_changes_nothing_says_so(
    life: str, stands: bool, notes: int
) -> None:
    """R-31, R-04: whatever the order of arrival."""
    case = live(life)
    assert case.held == stands, life
    assert sum(e.what == "message.ignored" for e in case.journal) == notes
    assert len(case.holds) <= 1
    assert len(case.journal) == len(life.split()), "every message has left its evidence, or a note"


def test_a_hold_that_ran_out_stands_again_when_it_is_placed_again() -> None:
    case = heard(facts(present_since=OPENED), "p", HOURS["1"], OPENED + HOUR, "medical", until=OPENED + 2 * HOUR)
    case = settle(case, OPENED + 3 * HOUR)
    assert not case.held
    assert not heard(case, "p", HOURS["1"], OPENED + 4 * HOUR, "medical", until=OPENED + 2 * HOUR).held
    assert heard(case, "p", HOURS["4"], OPENED + 4 * HOUR, "medical", until=OPENED + 6 * HOUR).held


def test_a_standing_hold_is_made_longer_by_a_later_end_and_never_shorter() -> None:
    """R-31: the id that was heard once does not hide that the illness goes on."""
    case = live("p1", until=OPENED + 20 * HOUR)
    for until, now in ((OPENED + 15 * HOUR, 20), (OPENED + 30 * HOUR, 30), (None, None)):
        after = heard(case, "p", HOURS["2"], OPENED + 11 * HOUR, "hardship", until=until)
        (hold,) = after.standing_holds
        assert hold.until == (OPENED + now * HOUR if now else None)


@pytest.mark.parametrize("listed", [True, False])
def test_of_a_moratorium_that_is_signalled_again_the_register_decides(listed: bool) -> None:
    """R-31: a batch of signals may be late; the register is read at once, and a note says so."""
    case = live("p1 l3", kind="moratorium")
    again = heard(case, "p", None, OPENED + 20 * HOUR, "moratorium")
    assert whats(case, again) == ["message.ignored"]
    assert not again.held
    assert set(again.doubted) == {"h-1"}
    assert isinstance(next_act(again, OPENED + 20 * HOUR, asking=False), ReadCircumstances)
    asked = OPENED + 20 * HOUR + MINUTE
    look = Circumstances(calendar=Calendar(), moratoria=("h-1",) if listed else (), moratoria_over=())
    older = with_circumstances(again, look.model_copy(update={"moratoria": ()}), OPENED + 19 * HOUR, asked)
    assert older.doubted, "that answer is older than the doubt"
    after = with_circumstances(again, look, asked, asked)
    assert after.held == listed
    assert not after.doubted


def test_before_the_rules_a_known_hold_stays_as_it_is_and_says_nothing() -> None:
    case = live("p1 l3", facts())
    assert live("p4", case) == case
    assert live("l5", case) == case
