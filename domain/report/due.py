"""Which months still wait for their report to the government, and since when (R-29, III.5)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.report.month import Month, bounds, month_before
from domain.vocabulary import Contract, Id, Moment


class LastReport(Contract):
    """The last report of a month, the one that counts, and whether its sending is on record."""

    report_id: Id
    month: Month
    made_at: Moment
    sent: bool


class ReportsDue(Contract):
    """What waits longest: `to_make_since` the end of a month without a report, `to_send_since` when one was made.

    None: nothing waits.
    """

    to_make_since: Moment | None = None
    to_send_since: Moment | None = None


def reports_due(
    last_reports: Sequence[LastReport], cases_before: Callable[[datetime], bool], now: datetime, zone: ZoneInfo
) -> ReportsDue:
    """What is due of the months that are over, from the first that has a report on.

    Where there is none, the last two months in which there was a case. For these alone it asks `cases_before`, whether
    a case was open before a moment.
    """
    made = {report.month for report in last_reports}
    months = _from(min(made), now, zone) if made else _with_cases(cases_before, now, zone)
    ends = (bounds(month, zone)[1] for month in months if month not in made)
    unsent = (report.made_at for report in last_reports if not report.sent)
    return ReportsDue(to_make_since=min(ends, default=None), to_send_since=min(unsent, default=None))


def _from(first: str, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """The latest month that is over, and those before it back to the first."""
    month = month_before(now, zone)
    while month >= first:
        yield month
        month = month_before(bounds(month, zone)[0], zone)


def _with_cases(cases_before: Callable[[datetime], bool], now: datetime, zone: ZoneInfo) -> Iterator[str]:
    last = month_before(now, zone)
    before_last = month_before(bounds(last, zone)[0], zone)
    return (month for month in (last, before_last) if cases_before(bounds(month, zone)[1]))
