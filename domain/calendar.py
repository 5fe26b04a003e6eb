"""The calendar answer: which days bar a cut, as read in an activity and kept in the case's history."""

from datetime import date
from typing import Literal

from domain.model import Contract, Day


class BarredDay(Contract):
    """A day on which nobody is cut off: a public holiday, the eve of one, or a working Saturday."""

    day: Day
    kind: Literal["holiday", "eve", "working_day"]
    name: str = ""


class Calendar(Contract):
    """Barred days within the period asked for; days outside it are judged by weekday alone."""

    days: tuple[BarredDay, ...] = ()

    def on(self, day: date) -> BarredDay | None:
        """The entry for that day, if it is barred."""
        return next((d for d in self.days if d.day == day), None)
