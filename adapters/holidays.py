"""China's public holidays, their eves and the working weekends, from the `holidays` package."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

from domain.law.calendar import BarredDay

_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChinaHolidays:
    """HolidayCalendar for China (R-21).

    A year whose arrangement the package knows has its days off and its working weekends (调休); a later one has the
    statutory holidays as computed. The package ends with the year 2100.
    """

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        """Holidays, eves and working weekends from `first` to `last`, both included, in order."""
        years = range(first.year, last.year + 1)
        return tuple(entry for year in years for entry in _of_year(year) if first <= entry.day <= last)


@lru_cache(maxsize=64)
def _of_year(year: int) -> tuple[BarredDay, ...]:
    # With its neighbours: a break at New Year begins, and has its eve, in the year before.
    names = holidays.country_holidays("CN", years=(year - 1, year, year + 1), language="zh_CN")
    found = {d: BarredDay(day=d, kind="working_day", name="调休上班") for d in names.weekend_workdays}
    for days_off in _breaks(names):
        titles = [names[d] for d in days_off if d in names]
        title = next((n for n in titles if "调休" not in n), titles[0])
        found.setdefault(days_off[0] - _A_DAY, BarredDay(day=days_off[0] - _A_DAY, kind="eve", name=title))
        found.update({d: BarredDay(day=d, kind="holiday", name=names.get(d) or title) for d in days_off})
    return tuple(found[d] for d in sorted(found) if d.year == year)


def _breaks(names: holidays.HolidayBase) -> Iterator[list[date]]:
    """Runs of days off with a public holiday among them, the free weekend before, between and after included."""

    def free(day: date) -> bool:
        """Whether that day is a day off: listed, or a weekend that nobody works."""
        return day in listed or (names.is_weekend(day) and day not in names.weekend_workdays)

    # Asking the package for a day would make it add that day's year.
    listed = frozenset(names)
    seen: set[date] = set()
    for holiday in sorted(listed):
        if holiday in seen:
            continue
        first = last = holiday
        while free(first - _A_DAY):
            first -= _A_DAY
        while free(last + _A_DAY):
            last += _A_DAY
        days_off = [first + i * _A_DAY for i in range((last - first).days + 1)]
        seen.update(days_off)
        yield days_off
