"""The calendar answer: which days bar a cut, as read in an activity, and the seasons in which a policy protects."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from domain.vocabulary import Contract, CustomerClass, Day, Text

_LEAP_YEAR = 2028  # has every day that a year can have


def _day_of_the_year(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 5 and value.isascii():
        try:
            date.fromisoformat(f"{_LEAP_YEAR}-{value}")
        except ValueError:
            pass
        else:
            return value
    raise ValueError('must be a day of the year in quotes, month and day, such as "11-15"')


def _once_each(values: tuple[CustomerClass, ...]) -> tuple[CustomerClass, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names a customer class more than once")
    return values


DayOfTheYear = Annotated[str, BeforeValidator(_day_of_the_year)]


class BarredDay(Contract):
    """A day on which nobody is cut off: a public holiday, the eve of one, or a working Saturday."""

    day: Day
    kind: Literal["holiday", "eve", "working_day"]
    name: str = ""


@lru_cache(maxsize=4096)
def _kept_once(day: BarredDay) -> BarredDay:
    return day


class Season(Contract):
    """A part of every year in which these customers are not cut off: winter cold, summer heat (R-21).

    `first` and `last` are days of the year, both included. A season whose last day comes before its first one runs over
    the turn of the year.
    """

    name_zh: Annotated[Text, Field(max_length=40)]
    name_en: Annotated[Text, Field(max_length=40)]
    first: DayOfTheYear
    last: DayOfTheYear
    classes: Annotated[tuple[CustomerClass, ...], Field(min_length=1), AfterValidator(_once_each)] = ("residential",)

    @property
    def days(self) -> int:
        """How many days of a leap year it covers."""
        return sum(self.covers(date(_LEAP_YEAR, 1, 1) + timedelta(days=n)) for n in range(366))

    def covers(self, day: date) -> bool:
        """Whether that day of any year lies in the season."""
        of_the_year = f"{day:%m-%d}"
        if self.first <= self.last:
            return self.first <= of_the_year <= self.last
        return of_the_year >= self.first or of_the_year <= self.last


class Calendar(Contract):
    """Barred days within the period asked for; days outside it are judged by weekday and season alone.

    `seasons` are those in which the case's policy protects its customer; they are not read but come from the policy.
    """

    days: tuple[Annotated[BarredDay, AfterValidator(_kept_once)], ...] = ()  # one object for all cases in memory
    seasons: tuple[Season, ...] = ()

    def on(self, day: date) -> BarredDay | None:
        """The entry for that day, if it is barred."""
        return next((d for d in self.days if d.day == day), None)

    def season(self, day: date) -> Season | None:
        """The protected season that covers that day."""
        return next((s for s in self.seasons if s.covers(day)), None)
