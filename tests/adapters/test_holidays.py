"""China's holidays: the break as arranged, its eve, the working weekends; statutory days where nothing is announced."""

from datetime import date

import pytest

from adapters.holidays import ChinaHolidays


def kinds(first: str, last: str) -> dict[str, str]:
    found = ChinaHolidays().barred_days(date.fromisoformat(first), date.fromisoformat(last))
    return {entry.day.isoformat(): entry.kind for entry in found}


def test_spring_festival_2026_with_its_working_saturdays() -> None:
    assert kinds("2026-02-13", "2026-02-28") == {
        "2026-02-14": "working_day",
        **{f"2026-02-{day}": "holiday" for day in range(15, 24)},
        "2026-02-28": "working_day",
    }


def test_national_day_2026_has_an_eve_and_the_sunday_in_its_midst() -> None:
    assert kinds("2026-09-28", "2026-10-09") == {
        "2026-09-30": "eve",
        **{f"2026-10-0{day}": "holiday" for day in range(1, 8)},
    }


def test_new_years_eve_belongs_to_the_year_before() -> None:
    assert kinds("2026-12-30", "2027-01-01") == {"2026-12-31": "eve", "2027-01-01": "holiday"}
    assert kinds("2026-12-31", "2026-12-31") == {"2026-12-31": "eve"}


def test_a_holiday_next_to_a_weekend_has_its_eve_before_the_weekend() -> None:
    assert kinds("2026-04-02", "2026-04-07") == {
        "2026-04-03": "eve",
        "2026-04-04": "holiday",
        "2026-04-05": "holiday",
        "2026-04-06": "holiday",
    }


def test_a_working_sunday() -> None:
    assert kinds("2026-09-19", "2026-09-21") == {"2026-09-20": "working_day"}


def test_holidays_carry_their_chinese_names() -> None:
    entries = ChinaHolidays().barred_days(date(2026, 9, 30), date(2026, 10, 4))
    assert [entry.name for entry in entries] == ["国庆节"] * 5


@pytest.mark.parametrize("year", [2031, 2045, 2099])
def test_a_year_that_is_not_announced_has_its_statutory_days(year: int) -> None:
    found = kinds(f"{year}-01-01", f"{year}-12-31")
    for day in ("01-01", "05-01", "05-02", "10-01", "10-02", "10-03"):
        assert found[f"{year}-{day}"] == "holiday"
    assert "eve" in found.values()
    assert "working_day" not in found.values()


def test_spring_festival_of_a_year_not_announced_follows_the_moon() -> None:
    assert kinds("2031-01-20", "2031-01-26") == {
        "2031-01-21": "eve",
        **{f"2031-01-{day}": "holiday" for day in range(22, 27)},
    }


def test_only_the_days_asked_for_in_order_and_each_once() -> None:
    first, last = date(2025, 6, 1), date(2028, 6, 30)
    days = [entry.day for entry in ChinaHolidays().barred_days(first, last)]
    assert days == sorted(set(days))
    assert first <= days[0]
    assert days[-1] <= last


def test_an_empty_or_plain_period_has_none() -> None:
    assert kinds("2026-11-02", "2026-11-30") == {}
    assert kinds("2026-11-02", "2026-10-01") == {}
