"""Winter and heat protection: named days, what notices state around a season, and policies that would bar every day."""

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.holidays import ChinaHolidays
from domain.case.conditions import why_not_cut
from domain.law import clock
from domain.law.calendar import BarredDay, Calendar, Season
from domain.law.policy import Policy
from domain.law.policy_file import PolicyError, load_policy
from tests.support.one_life import HALF_HOUR, MINUTE, T, account, facts, ready

SHANGHAI = ZoneInfo("Asia/Shanghai")
WINTER = Season(name_zh="冬季保暖", name_en="winter cold", first="11-15", last="03-15")
HEAT = Season(name_zh="夏季高温", name_en="summer heat", first="07-01", last="08-31")
GENTLE = Policy(name="gentle", protected_seasons=(WINTER, HEAT))
CHINA = Calendar(days=ChinaHolidays().barred_days(date(2026, 1, 1), date(2028, 12, 31)), seasons=(WINTER, HEAT))
LONG_AGO = date(2026, 1, 5)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("season", "day", "covered"),
    [
        pytest.param(WINTER, "2026-11-14", False, id="day_before_winter"),
        pytest.param(WINTER, "2026-11-15", True, id="first_day_of_winter"),
        pytest.param(WINTER, "2026-12-31", True, id="new_years_eve"),
        pytest.param(WINTER, "2027-01-01", True, id="new_year"),
        pytest.param(WINTER, "2028-02-29", True, id="leap_day"),
        pytest.param(WINTER, "2027-03-15", True, id="last_day_of_winter"),
        pytest.param(WINTER, "2027-03-16", False, id="day_after_winter"),
        pytest.param(HEAT, "2026-06-30", False, id="day_before_the_heat"),
        pytest.param(HEAT, "2026-07-01", True, id="first_day_of_the_heat"),
        pytest.param(HEAT, "2026-08-31", True, id="last_day_of_the_heat"),
        pytest.param(HEAT, "2026-12-01", False, id="no_heat_in_winter"),
    ],
)
def test_a_season_covers_its_first_and_last_day_and_runs_over_the_new_year(
    season: Season, day: str, covered: bool
) -> None:
    assert season.covers(date.fromisoformat(day)) is covered


def test_a_season_to_the_leap_day_ends_with_february_in_other_years() -> None:
    cold = Season(name_zh="寒", name_en="cold", first="02-01", last="02-29")
    assert cold.covers(date(2028, 2, 29))
    assert cold.covers(date(2027, 2, 28))
    assert not cold.covers(date(2027, 3, 1))


@pytest.mark.parametrize(
    ("earliest", "cut_at"),
    [
        pytest.param("2026-11-12", "2026-11-12T09:00", id="thursday_before_winter"),
        pytest.param("2026-11-13", "2027-03-16T09:00", id="friday_before_winter"),
        pytest.param("2026-12-15", "2027-03-16T09:00", id="in_winter"),
        pytest.param("2026-06-30", "2026-06-30T09:00", id="tuesday_before_the_heat"),
        pytest.param("2026-07-01", "2026-09-01T09:00", id="in_the_heat"),
        pytest.param("2028-03-14", "2028-03-16T09:00", id="leap_year"),
    ],
)
def test_the_first_time_outside_the_seasons(earliest: str, cut_at: str) -> None:
    assert clock.first_cut_time(date.fromisoformat(earliest), GENTLE, CHINA) == at(cut_at)


def test_notices_state_a_time_after_the_season_and_the_red_one_is_issued_ten_days_before_it() -> None:
    yellow = clock.yellow_schedule(at("2026-11-20T10:00"), LONG_AGO, GENTLE, CHINA)
    assert yellow == clock.Schedule(at("2026-12-01T00:00"), at("2027-03-16T09:00"))
    assert clock.red_issue_time(yellow.deadline, yellow.cut_at, GENTLE) == at("2027-03-06T09:00")
    late = clock.red_schedule(at("2027-03-10T09:00"), yellow.cut_at, LONG_AGO, GENTLE, CHINA)
    assert late.cut_at == at("2027-03-22T09:00")


def test_a_holiday_within_a_season_stays_barred_where_holidays_are_not() -> None:
    holiday = Calendar(days=(BarredDay(day=date(2027, 1, 4), kind="holiday"),), seasons=(WINTER,))
    assert not clock.cut_allowed_on(date(2027, 1, 4), Policy(bar_holidays=False), holiday)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"policy": GENTLE}, ("该日不得停电：保护期：冬季保暖", "protected season, winter cold"), id="winter"
        ),
        pytest.param(
            {"policy": GENTLE, "account": account(customer_class="non_residential")}, None, id="not_residential"
        ),
        pytest.param({}, None, id="no_season"),
    ],
)
def test_why_not_cut_names_the_season_in_both_languages(changes: dict[str, Any], said: tuple[str, str] | None) -> None:
    unmet = {c.rule: c for c in why_not_cut(ready(**changes), T + MINUTE)}
    if said is None:
        assert "R-21" not in unmet
    else:
        assert unmet["R-21"].text_zh == said[0]
        assert said[1] in unmet["R-21"].text_en


def test_a_barred_weekday_and_a_holiday_are_named_too() -> None:
    holiday = Calendar(days=(BarredDay(day=T.date(), kind="holiday", name="元旦"),))
    texts = [
        next(c.text_zh for c in why_not_cut(given, HALF_HOUR) if c.rule == "R-21")
        for given in (ready(calendar=holiday), ready(policy=Policy(no_cut_weekdays=("tue",))))
    ]
    assert texts == ["该日不得停电：节假日 元旦", "该日不得停电：周二"]


@pytest.mark.parametrize(
    ("body", "key", "what"),
    [
        pytest.param('first = "01-01"\nlast = "12-31"', "protected_seasons", "14 days", id="the_whole_year"),
        pytest.param('first = "01-10"\nlast = "01-05"', "protected_seasons", "14 days", id="all_but_four_days"),
        pytest.param(
            'first = "11-15"\nlast = "03-45"', "protected_seasons.0.last", "day of the year", id="no_such_day"
        ),
        pytest.param(
            'first = "11-31"\nlast = "03-15"', "protected_seasons.0.first", "day of the year", id="november_31"
        ),
        pytest.param(
            'first = "15.11."\nlast = "03-15"', "protected_seasons.0.first", "day of the year", id="other_order"
        ),
        pytest.param('first = "11-15"', "protected_seasons.0.last", "required", id="without_an_end"),
        pytest.param(
            'first = "11-15"\nlast = "03-15"\nclasses = []',
            "protected_seasons.0.classes",
            "at least 1",
            id="for_nobody",
        ),
    ],
)
def test_a_season_that_cannot_be_is_refused_by_key(tmp_path: Path, body: str, key: str, what: str) -> None:
    path = tmp_path / "east.toml"
    head = 'name = "east"\nversion = "1"\n[[protected_seasons]]\nname_zh = "冬"\nname_en = "winter"\n'
    path.write_text(head + body, encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        load_policy(str(path))
    assert any(line.startswith(f"{path}: {key}: ") and what in line for line in str(refused.value).splitlines())


def test_the_longest_season_that_a_policy_may_have_still_leaves_a_time_for_a_cut() -> None:
    """14 days in a row hold every weekday twice, so the search for a day ends."""
    long = Season(name_zh="长", name_en="long", first="01-15", last="12-31")
    policy = Policy(protected_seasons=(long,), no_cut_weekdays=("mon", "tue", "wed", "thu", "fri", "sat"))
    calendar = Calendar(seasons=(long,))
    for year in range(2026, 2056):
        assert clock.first_cut_time(date(year, 2, 1), policy, calendar).year == year + 1


def test_the_other_classes_of_a_policy_with_seasons_are_cut_as_ever() -> None:
    assert GENTLE.seasons_for("non_residential") == ()
    assert GENTLE.seasons_last("residential").days == 122 + 62
    assert facts(policy=GENTLE).calendar.seasons == ()
