"""The legal clock, by named cases: weekends, holidays, year's end, leap day, summer time, the second that decides."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.holidays import ChinaHolidays
from domain.law import clock
from domain.law.calendar import BarredDay, Calendar
from domain.law.policy import CutHours, Policy

SHANGHAI = ZoneInfo("Asia/Shanghai")
POLICY = Policy()
NO_HOLIDAYS = Calendar()
CHINA = Calendar(days=ChinaHolidays().barred_days(date(2025, 11, 1), date(2028, 12, 31)))
A_SECOND = timedelta(seconds=1)
LONG_AGO = date(2026, 1, 5)

NEW_YORK = Policy(timezone="America/New_York")  # the clocks go back on 2026-11-01 and forward on 2027-03-14
SANTIAGO = Policy(timezone="America/Santiago")  # 2026-09-06 begins at 01:00


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def same(moment: datetime, expected: datetime) -> bool:
    """The same instant: two times of one zone would be compared by the wall clock alone."""
    return moment.astimezone(UTC) == expected.astimezone(UTC)


# ---- local days -------------------------------------------------------------------------------


def test_the_local_day_begins_in_the_utilitys_zone() -> None:
    assert clock.local_day(datetime(2026, 10, 25, 15, 59, 59, tzinfo=UTC), POLICY) == date(2026, 10, 25)
    assert clock.local_day(datetime(2026, 10, 25, 16, 0, tzinfo=UTC), POLICY) == date(2026, 10, 26)


def test_a_day_ends_at_the_first_moment_of_the_next() -> None:
    assert clock.end_of_day(date(2026, 12, 31), POLICY) == at("2027-01-01T00:00")
    assert clock.start_of_day(date(2027, 1, 1), POLICY) == at("2027-01-01T00:00")


def test_a_day_without_midnight_begins_at_its_first_moment() -> None:
    begins = clock.start_of_day(date(2026, 9, 6), SANTIAGO)
    assert (begins.date(), begins.hour) == (date(2026, 9, 6), 1)
    assert clock.local_day(begins, SANTIAGO) == date(2026, 9, 6)
    assert clock.local_day(begins.astimezone(UTC) - A_SECOND, SANTIAGO) == date(2026, 9, 5)


# ---- days on which a cut is allowed -----------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "earliest"),
    [
        pytest.param("2026-09-25", "2026-10-26", id="thirty_one_days_later"),
        pytest.param("2026-12-15", "2027-01-15", id="years_end"),
        pytest.param("2028-01-30", "2028-03-01", id="leap_day"),
        pytest.param("2027-01-30", "2027-03-02", id="no_leap_day"),
    ],
)
def test_the_statute_forbids_a_cut_for_thirty_days_after_the_due_date(due: str, earliest: str) -> None:
    assert clock.earliest_cut_day(date.fromisoformat(due), POLICY) == date.fromisoformat(earliest)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        pytest.param("2026-10-22", None, id="thursday"),
        pytest.param("2026-10-23", "fri", id="friday"),
        pytest.param("2026-10-24", "sat", id="saturday"),
        pytest.param("2026-10-25", "sun", id="sunday"),
        pytest.param("2026-02-18", "holiday 春节", id="spring_festival"),
        pytest.param("2026-02-14", "sat", id="working_saturday"),
        pytest.param("2026-09-30", "eve of 国庆节", id="national_day_eve"),
        pytest.param("2026-10-07", "holiday 休息日（由 2026-10-10 调休）", id="last_day_of_national_day_break"),
        pytest.param("2026-10-08", None, id="first_working_day_after_national_day"),
        pytest.param("2027-02-04", "eve of 农历除夕", id="year_not_announced"),
        pytest.param("2028-02-29", None, id="leap_day"),
    ],
)
def test_days_on_which_nobody_is_cut_off(day: str, why: str | None) -> None:
    bar = clock.bar(date.fromisoformat(day), POLICY, CHINA)
    assert (bar and bar.en) == why
    assert clock.cut_allowed_on(date.fromisoformat(day), POLICY, CHINA) is (why is None)


@pytest.mark.parametrize(
    ("kind", "changes", "barred"),
    [
        pytest.param("holiday", {"bar_holidays": False}, False, id="holidays_not_barred"),
        pytest.param("eve", {"bar_eves": False}, False, id="eves_not_barred"),
        pytest.param("holiday", {"bar_eves": False}, True, id="eves_are_not_holidays"),
        pytest.param("working_day", {"bar_holidays": False, "bar_eves": False}, True, id="working_saturday"),
    ],
)
def test_what_the_policy_bars(kind: Any, changes: dict[str, Any], barred: bool) -> None:
    saturday = date(2026, 10, 10)
    policy = Policy(no_cut_weekdays=("sun",), **changes)
    calendar = Calendar(days=(BarredDay(day=saturday, kind=kind, name="国庆节"),))
    assert clock.cut_allowed_on(saturday, policy, NO_HOLIDAYS)
    assert clock.cut_allowed_on(saturday, policy, calendar) is not barred


@pytest.mark.parametrize(
    ("earliest", "cut_at"),
    [
        pytest.param("2026-10-22", "2026-10-22T09:00", id="thursday"),
        pytest.param("2026-10-23", "2026-10-26T09:00", id="friday"),
        pytest.param("2026-09-30", "2026-10-08T09:00", id="national_day_eve"),
        pytest.param("2026-02-12", "2026-02-12T09:00", id="thursday_before_spring_festival"),
        pytest.param("2026-02-13", "2026-02-24T09:00", id="spring_festival"),
        pytest.param("2026-12-31", "2027-01-04T09:00", id="years_end"),
        pytest.param("2028-02-29", "2028-02-29T09:00", id="leap_day"),
    ],
)
def test_the_first_time_at_which_a_cut_is_allowed(earliest: str, cut_at: str) -> None:
    assert clock.first_cut_time(date.fromisoformat(earliest), POLICY, CHINA) == at(cut_at)


def test_a_year_of_holidays_still_ends() -> None:
    first = date(2026, 1, 1)
    year = Calendar(days=tuple(BarredDay(day=first + timedelta(days=i), kind="holiday") for i in range(365)))
    only_mondays = Policy(no_cut_weekdays=("tue", "wed", "thu", "fri", "sat", "sun"))
    assert clock.first_cut_time(first, only_mondays, year) == at("2027-01-04T09:00")


# ---- II.1 yellow notice -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "due", "deadline", "cut_at"),
    [
        # 12 + 3 + 7 = 22 October, its end carried as the 23rd; 23 + 3 + 7 = 2 November, a Monday.
        pytest.param("2026-10-12T10:00", LONG_AGO, "2026-10-23T00:00", "2026-11-02T09:00", id="plain"),
        pytest.param("2026-10-12T00:00", LONG_AGO, "2026-10-23T00:00", "2026-11-02T09:00", id="first_moment_of_day"),
        pytest.param("2026-10-12T23:59:59", LONG_AGO, "2026-10-23T00:00", "2026-11-02T09:00", id="last_second_of_day"),
        pytest.param("2026-10-16T10:00", LONG_AGO, "2026-10-27T00:00", "2026-11-09T09:00", id="friday"),
        pytest.param("2026-09-09T10:00", LONG_AGO, "2026-09-20T00:00", "2026-10-08T09:00", id="national_day_eve"),
        pytest.param("2026-01-27T10:00", LONG_AGO, "2026-02-07T00:00", "2026-02-24T09:00", id="spring_festival"),
        pytest.param("2026-12-22T10:00", LONG_AGO, "2027-01-02T00:00", "2027-01-12T09:00", id="years_end"),
        pytest.param("2028-02-08T10:00", LONG_AGO, "2028-02-19T00:00", "2028-02-29T09:00", id="leap_day"),
        pytest.param(
            "2026-10-12T10:00",
            date(2026, 10, 11),
            "2026-10-23T00:00",
            "2026-11-11T09:00",
            id="due_date_floor_dominates",
        ),
    ],
)
def test_what_a_yellow_notice_states(issued: str, due: date, deadline: str, cut_at: str) -> None:
    schedule = clock.yellow_schedule(at(issued), due, POLICY, CHINA)
    assert schedule == clock.Schedule(at(deadline), at(cut_at))
    assert schedule == clock.yellow_schedule(at(issued).astimezone(UTC), due, POLICY, CHINA)


def test_a_yellow_notice_leaves_seven_days_to_pay() -> None:
    deadline = at("2026-10-23T00:00")
    assert clock.yellow_deliver_by(deadline, POLICY) == at("2026-10-16T00:00")
    assert clock.yellow_is_timely(at("2026-10-16T00:00"), deadline, POLICY)
    assert not clock.yellow_is_timely(at("2026-10-16T00:00") + A_SECOND, deadline, POLICY)


def test_days_to_pay_are_local_days_also_when_the_clocks_go_back() -> None:
    deadline = at("2026-11-05T00:00", NEW_YORK.zone)
    last = clock.yellow_deliver_by(deadline, NEW_YORK)
    assert same(last, at("2026-10-29T00:00", NEW_YORK.zone))
    assert deadline.astimezone(UTC) - last.astimezone(UTC) == timedelta(days=7, hours=1)


# ---- II.2 red notice --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deadline", "yellow_cut_at", "issued"),
    [
        pytest.param("2026-10-23T00:00", "2026-11-02T09:00", "2026-10-23T09:00", id="ten_days_before_the_stated_cut"),
        pytest.param("2026-10-27T00:00", "2026-11-09T09:00", "2026-10-30T09:00", id="cut_moved_by_the_weekend"),
        pytest.param("2026-10-23T00:00", "2026-10-29T09:00", "2026-10-23T00:00", id="not_before_the_deadline"),
    ],
)
def test_the_red_notice_is_issued_so_that_it_arrives_seven_days_ahead(
    deadline: str, yellow_cut_at: str, issued: str
) -> None:
    assert clock.red_issue_time(at(deadline), at(yellow_cut_at), POLICY) == at(issued)


@pytest.mark.parametrize(
    ("issued", "yellow_cut_at", "due", "cut_at"),
    [
        pytest.param("2026-10-23T09:00", "2026-11-02T09:00", LONG_AGO, "2026-11-02T09:00", id="as_the_yellow_stated"),
        pytest.param("2026-10-23T23:59", "2026-11-02T09:00", LONG_AGO, "2026-11-02T09:00", id="time_of_day_is_nothing"),
        pytest.param("2026-10-24T00:00", "2026-11-02T09:00", LONG_AGO, "2026-11-03T09:00", id="a_day_late"),
        pytest.param(
            "2026-10-16T09:00", "2026-11-02T09:00", LONG_AGO, "2026-11-02T09:00", id="never_before_the_yellow"
        ),
        pytest.param("2026-10-27T09:00", "2026-11-02T09:00", LONG_AGO, "2026-11-09T09:00", id="friday"),
        pytest.param("2026-09-20T09:00", "2026-09-24T09:00", LONG_AGO, "2026-10-08T09:00", id="national_day_eve"),
        pytest.param("2026-02-03T09:00", "2026-02-13T09:00", LONG_AGO, "2026-02-24T09:00", id="spring_festival"),
        pytest.param("2026-12-21T09:00", "2026-12-31T09:00", LONG_AGO, "2027-01-04T09:00", id="years_end"),
        pytest.param("2028-02-19T09:00", "2028-02-29T09:00", LONG_AGO, "2028-02-29T09:00", id="leap_day"),
        pytest.param(
            "2026-10-23T09:00",
            "2026-11-02T09:00",
            date(2026, 10, 11),
            "2026-11-11T09:00",
            id="due_date_floor_dominates",
        ),
    ],
)
def test_what_a_red_notice_states(issued: str, yellow_cut_at: str, due: date, cut_at: str) -> None:
    schedule = clock.red_schedule(at(issued), at(yellow_cut_at), due, POLICY, CHINA)
    assert schedule.cut_at == at(cut_at)
    assert schedule.deadline == at(cut_at).replace(hour=0)


def test_earlier_cut_hours_under_a_new_policy_do_not_bring_the_cut_forward() -> None:
    early = Policy(cut_hours=CutHours(start="08:00"))
    schedule = clock.red_schedule(at("2026-10-23T09:00"), at("2026-11-02T09:00"), LONG_AGO, early, CHINA)
    assert schedule.cut_at == at("2026-11-03T08:00")


@pytest.mark.parametrize(
    ("before", "timely"),
    [
        pytest.param(timedelta(days=7), True, id="exactly_7x24h_before"),
        pytest.param(timedelta(days=7) - A_SECOND, False, id="one_second_late"),
        pytest.param(timedelta(days=7) + A_SECOND, True, id="one_second_early"),
        pytest.param(timedelta(days=6), False, id="six_days"),
        pytest.param(-timedelta(days=1), False, id="after_the_cut"),
    ],
)
def test_seven_full_days_lie_between_delivery_and_cut(before: timedelta, timely: bool) -> None:
    cut_at = at("2026-11-02T09:00")
    assert clock.red_notice_is_timely(cut_at - before, cut_at, POLICY) is timely
    assert clock.red_notice_is_timely((cut_at - before).astimezone(UTC), cut_at, POLICY) is timely


@pytest.mark.parametrize(
    ("cut_at", "deliver_by"),
    [
        pytest.param("2026-11-03T09:00", "2026-10-27T10:00", id="clocks_went_back"),
        pytest.param("2027-03-16T09:00", "2027-03-09T08:00", id="clocks_went_forward"),
    ],
)
def test_seven_days_are_168_hours_whatever_the_clocks_do(cut_at: str, deliver_by: str) -> None:
    stated, last = at(cut_at, NEW_YORK.zone), at(deliver_by, NEW_YORK.zone)
    assert same(clock.red_deliver_by(stated, NEW_YORK), last)
    assert clock.red_notice_is_timely(last, stated, NEW_YORK)
    assert not clock.red_notice_is_timely(last + A_SECOND, stated, NEW_YORK)


# ---- II.3 - II.7 ------------------------------------------------------------------------------


def test_the_last_day_before_the_cut() -> None:
    cut_at = at("2026-11-02T09:00")
    assert clock.ticket_time(cut_at, POLICY) == at("2026-11-01T09:00")
    assert clock.ticket_too_late(cut_at, POLICY) == at("2026-11-02T00:00")
    assert clock.final_notice_time(cut_at, POLICY) == at("2026-11-02T08:30")
    assert clock.window_end(cut_at, POLICY) == at("2026-11-02T11:00")


def test_the_ticket_leaves_24_hours_before_also_over_a_night_of_25() -> None:
    monday = at("2026-11-01T09:00", NEW_YORK.zone)
    assert same(clock.ticket_time(monday, NEW_YORK), at("2026-10-31T10:00", NEW_YORK.zone))


def test_the_window_ends_with_the_cut_hours() -> None:
    short = Policy(cut_hours=CutHours(end="10:15"))
    assert clock.window_end(at("2026-11-02T09:00"), short) == at("2026-11-02T10:15")


@pytest.mark.parametrize(
    ("given", "until"),
    [
        pytest.param("2026-11-02T09:00", "2026-11-02T09:15", id="at_T"),
        pytest.param("2026-11-02T10:45", "2026-11-02T11:00", id="just_fits"),
        pytest.param("2026-11-02T10:59:59", "2026-11-02T11:00", id="last_second_of_the_window"),
    ],
)
def test_a_permit_never_outlasts_the_window(given: str, until: str) -> None:
    assert clock.permit_end(at(given).astimezone(UTC), at("2026-11-02T09:00"), POLICY) == at(until)


# ---- III --------------------------------------------------------------------------------------


def test_restored_within_24_hours_with_two_warnings() -> None:
    settled = at("2026-12-31T22:10")
    assert clock.restore_due(settled, POLICY) == at("2027-01-01T22:10")
    assert clock.restore_warning_times(settled, POLICY) == (at("2027-01-01T10:10"), at("2027-01-01T18:10"))


def test_24_hours_pass_in_23_on_the_wall_when_the_clocks_go_forward() -> None:
    settled = at("2027-03-13T20:00", NEW_YORK.zone)
    assert same(clock.restore_due(settled, NEW_YORK), at("2027-03-14T21:00", NEW_YORK.zone))


@pytest.mark.parametrize(
    ("settled", "until"),
    [
        pytest.param("2026-11-02T00:00", "2026-11-04T00:00", id="first_moment_of_the_day"),
        pytest.param("2026-11-02T23:59:59", "2026-11-04T00:00", id="last_second_of_the_day"),
        pytest.param("2028-02-28T12:00", "2028-03-01T00:00", id="leap_day"),
        pytest.param("2026-12-31T12:00", "2027-01-02T00:00", id="years_end"),
    ],
)
def test_an_exception_lasts_to_the_end_of_the_second_day(settled: str, until: str) -> None:
    assert clock.exception_end(at(settled), POLICY) == at(until)
    assert clock.exception_end(at(settled).astimezone(UTC), POLICY) == at(until)
    assert clock.exception_end(at(settled), POLICY) >= clock.restore_due(at(settled), POLICY)


def test_a_promised_day_is_met_to_its_end() -> None:
    assert clock.promise_end(date(2026, 11, 2), POLICY) == at("2026-11-03T00:00")


# ---- whatever the zone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "America/New_York", "America/Santiago", "Africa/Cairo", "Asia/Kathmandu"]
)
def test_every_day_of_a_year_gives_a_lawful_schedule(zone: str) -> None:
    policy = Policy(timezone=zone)
    for n in range(366):
        issued = datetime(2026, 6, 1, 3, 30, tzinfo=UTC) + timedelta(days=n)
        due = clock.local_day(issued, policy) - timedelta(days=1 + n % 40)
        yellow = clock.yellow_schedule(issued, due, policy, CHINA)
        issue = clock.red_issue_time(yellow.deadline, yellow.cut_at, policy)
        red = clock.red_schedule(issue, yellow.cut_at, due, policy, CHINA)
        instants = [
            m.astimezone(UTC)
            for m in (
                issued,
                yellow.deadline,
                issue,
                clock.red_deliver_by(red.cut_at, policy),
                red.deadline,
                red.cut_at,
            )
        ]
        assert instants == sorted(instants)
        assert red.cut_at == yellow.cut_at
        assert red.cut_at.tzinfo is policy.zone
        assert red.cut_at.date() >= clock.earliest_cut_day(due, policy)
        assert clock.cut_allowed_on(red.cut_at.date(), policy, CHINA)
        assert (red.cut_at.hour, red.cut_at.minute) == (9, 0)
