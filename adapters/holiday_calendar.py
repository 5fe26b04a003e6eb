"""China's public holidays, their eves and the working weekends, from the `holidays` package."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

from domain.calendar import BarredDay

_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChinaHolidays:
    """HolidayCalendar for China; years whose arrangement is not announced yet have their statutory days (R-21)."""

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        """Holidays, eves and working weekends from `first` to `last`, both included."""
        found = (d for year in range(first.year, last.year + 1) for d in _of_year(year))
        return tuple(d for d in found if first <= d.day <= last)


@lru_cache(maxsize=16)
def _of_year(year: int) -> tuple[BarredDay, ...]:
    calendar = holidays.country_holidays("CN", years=(year - 1, year, year + 1), language="zh_CN")
    days: dict[date, BarredDay] = {}
    for day, name in sorted(calendar.items()):
        days[day] = BarredDay(day=day, kind="holiday", name=name)
    for day, name in sorted(calendar.items()):
        eve = day - _A_DAY
        if eve not in days:
            days[eve] = BarredDay(day=eve, kind="eve", name=name)
    for day in sorted(calendar.weekend_workdays):
        days.setdefault(day, BarredDay(day=day, kind="working_day", name="调休上班"))
    return tuple(days[d] for d in sorted(days) if d.year == year)
