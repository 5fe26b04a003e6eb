"""The day of a cut where the field unit has room for so many: booked before the red notice, never before R-07's day."""

from datetime import timedelta

import pytest

from domain.case.closing import close
from domain.case.cut_days import has_cut_day, red_schedule, slot_wish
from domain.case.facts import CaseFacts
from domain.case.issuing import issue_notice
from domain.case.procedure import IssueNotice, Leave, ReadCircumstances, next_act
from domain.law import clock
from domain.law.circumstances import CutSlot
from tests.support.one_life import DAY, HOLD, POLICY, RED_ISSUE, RED_SERVED, YELLOW, YELLOW_SERVED, facts

DUE = facts(notices=(YELLOW_SERVED,), spreads_cuts=True, looked_at=RED_ISSUE)
FIRST = red_schedule(DUE, RED_ISSUE).cut_at
FIRST_DAY = clock.local_day(FIRST, POLICY)
LATER_DAY = next(clock.cut_days(FIRST_DAY + timedelta(days=1), POLICY, DUE.calendar))
COMING = DUE.coming("red-notice")


def booked(day: object, notice_id: str = COMING) -> CaseFacts:
    return DUE.but(slot=CutSlot.model_validate({"notice_id": notice_id, "day": day}))


def test_a_red_notice_waits_for_its_day() -> None:
    """R-07, R-20: without a day booked the case reads its circumstances again, however fresh they are."""
    assert next_act(DUE, RED_ISSUE, asking=False) == ReadCircumstances()
    assert next_act(booked(FIRST_DAY), RED_ISSUE, asking=False) == IssueNotice("red")
    assert next_act(DUE.but(spreads_cuts=False), RED_ISSUE, asking=False) == IssueNotice("red")


def test_the_notice_states_the_day_that_is_booked() -> None:
    """R-07, R-11: T at the start of the cut hours, the deadline before it; the record says that it was put off."""
    after, red = issue_notice(booked(LATER_DAY), "red", RED_ISSUE)
    assert clock.local_day(red.cut_at, POLICY) == LATER_DAY
    assert red.deadline == clock.start_of_day(LATER_DAY, POLICY)
    assert red.cut_at.timetz() == FIRST.timetz()
    assert after.journal[-1].detail["put_off_from"] == FIRST.isoformat()
    plain, same = issue_notice(booked(FIRST_DAY), "red", RED_ISSUE)
    assert same.cut_at == FIRST
    assert "put_off_from" not in plain.journal[-1].detail


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(DUE, id="none"),
        pytest.param(booked(FIRST_DAY - DAY), id="a_day_before_the_law_allows"),
        pytest.param(booked(FIRST_DAY, "run-1/red-notice/9"), id="for_another_notice"),
        pytest.param(booked(next(d for n in range(9) if (d := FIRST_DAY + n * DAY).weekday() == 5)), id="a_barred_day"),
    ],
)
def test_a_day_that_does_not_fit_is_no_day(given: CaseFacts) -> None:
    """R-21: another is asked for."""
    assert not has_cut_day(given, RED_ISSUE)
    wish = slot_wish(given, RED_ISSUE)
    assert wish is not None
    assert (wish.earliest, wish.notice_id, wish.case_key) == (FIRST_DAY, COMING, DUE.case_key)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(booked(LATER_DAY), id="booked"),
        pytest.param(DUE.but(spreads_cuts=False), id="no_limit"),
        pytest.param(DUE.but(holds=(HOLD,)), id="held"),
        pytest.param(DUE.but(needs_person="four voids"), id="a_person_decides"),
        pytest.param(DUE.but(notices=(YELLOW_SERVED, RED_SERVED)), id="a_red_notice_is_out"),
        pytest.param(DUE.but(notices=(YELLOW,)), id="yellow_is_not_served"),
    ],
)
def test_no_day_is_asked_for_when_no_red_notice_comes(given: CaseFacts) -> None:
    assert slot_wish(given, RED_ISSUE) is None


def test_nor_before_its_time() -> None:
    assert slot_wish(DUE, RED_ISSUE - DAY) is None


def test_a_closed_case_has_no_day() -> None:
    """The register has given it to others, should the case be opened again."""
    assert close(booked(FIRST_DAY), Leave("settled", "paid"), RED_ISSUE).slot is None
