"""The legal clock: every deadline of the procedure, computed from recorded moments, the policy and the calendar.

A period in days counts local days of the policy's zone, without the day of the event. A period in hours or minutes runs
from the moment (民法典 arts 201-204). All times returned are aware, in that zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from domain.law.calendar import Calendar
from domain.law.policy import WEEKDAYS, Policy

_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """What a notice states: the end of the time to pay, and the specific time of the cut."""

    deadline: datetime
    cut_at: datetime


# ---- local days -------------------------------------------------------------------------------


def local_day(moment: datetime, policy: Policy) -> date:
    """The utility's local date at that moment."""
    return moment.astimezone(policy.zone).date()


def start_of_day(day: date, policy: Policy) -> datetime:
    """00:00 local; where summer time skips midnight, the first moment of the day."""
    return _wall(day, time(), policy)


def end_of_day(day: date, policy: Policy) -> datetime:
    """24:00 local, carried as 00:00 of the next day (R-05)."""
    return start_of_day(day + _A_DAY, policy)


def _wall(day: date, clock_time: time, policy: Policy) -> datetime:
    """That time on the wall clock; one that summer time skips is moved to the clock's next real one."""
    return _in_zone(datetime.combine(day, clock_time, tzinfo=policy.zone), policy)


def _in_zone(moment: datetime, policy: Policy) -> datetime:
    return moment.astimezone(UTC).astimezone(policy.zone)


def local_words(moment: datetime, policy: Policy) -> str:
    """That time as people read it, to the minute."""
    return f"{_in_zone(moment, policy):%Y-%m-%d %H:%M}"


def _after(moment: datetime, elapsed: timedelta, policy: Policy) -> datetime:
    """A period in hours or minutes: time that really passes, whatever the wall clock does meanwhile."""
    return (moment.astimezone(UTC) + elapsed).astimezone(policy.zone)


def _earlier(one: datetime, other: datetime) -> datetime:
    # Two times of one ZoneInfo compare by their wall clock alone, which lies in the hour that comes twice.
    return one if one.astimezone(UTC) <= other.astimezone(UTC) else other


def _later(one: datetime, other: datetime) -> datetime:
    return other if _not_after(one, other) else one


def _not_after(one: datetime, other: datetime) -> bool:
    return one.astimezone(UTC) <= other.astimezone(UTC)


# ---- days on which a cut is allowed -----------------------------------------------------------


def earliest_cut_day(due_date: date, policy: Policy) -> date:
    """The first local date on which the statute allows a cut, the due day not counted (R-03, I.1).

    More than 30 days after the due date: 电力供应与使用条例 (2019) art. 39.
    """
    return due_date + timedelta(days=policy.min_overdue_days + 1)


@dataclass(frozen=True)
class Bar:
    """Why nobody is cut off on a day, in both languages."""

    zh: str
    en: str


def bar(day: date, policy: Policy, calendar: Calendar) -> Bar | None:
    """Why nobody is cut off on that local date, or None (R-21).

    A working Saturday or Sunday (调休) stays barred, also under a policy that allows cuts on that weekday. A day of a
    protected season is barred even where nothing else bars it.
    """
    weekday = day.weekday()
    if WEEKDAYS[weekday] in policy.no_cut_weekdays:
        return Bar(f"周{'一二三四五六日'[weekday]}", WEEKDAYS[weekday])
    if season := calendar.season(day):
        return Bar(f"保护期：{season.name_zh}", f"protected season, {season.name_en}")
    entry = calendar.on(day)
    if entry is None:
        return None
    barred = {"holiday": policy.bar_holidays, "eve": policy.bar_eves, "working_day": True}[entry.kind]
    zh, en = _BARRED_AS[entry.kind]
    return Bar(f"{zh} {entry.name}".strip(), f"{en} {entry.name}".strip()) if barred else None


_BARRED_AS = {
    "holiday": ("节假日", "holiday"),
    "eve": ("节前一日", "eve of"),
    "working_day": ("调休上班日", "working day in place of a holiday"),
}


def cut_allowed_on(day: date, policy: Policy, calendar: Calendar) -> bool:
    """Whether a cut may happen on that local date (R-21)."""
    return bar(day, policy, calendar) is None


def first_cut_time(earliest: date, policy: Policy, calendar: Calendar) -> datetime:
    """The start of the cut hours on the first allowed day from `earliest` on (R-05, R-07, R-21).

    There is always one. A calendar lists finitely many days, and no policy bars all seven weekdays. The seasons of one
    policy leave two weeks in a row of every year.
    """
    return _wall(next(cut_days(earliest, policy, calendar)), time.fromisoformat(policy.cut_hours.start), policy)


def cut_days(earliest: date, policy: Policy, calendar: Calendar) -> Iterator[date]:
    """The allowed days from `earliest` on, without end (R-21)."""
    day = earliest
    while True:
        if cut_allowed_on(day, policy, calendar):
            yield day
        day += _A_DAY


# ---- II.1 yellow notice -----------------------------------------------------------------------


def yellow_schedule(
    issued_at: datetime, oldest_due: date, policy: Policy, calendar: Calendar, not_before: Schedule | None = None
) -> Schedule:
    """The final payment deadline and the specific cut time that a yellow notice states (R-05, R-03, II.1).

    `not_before`: neither of them lies before those of this schedule.
    """
    days = policy.delivery_allowance_days + policy.yellow_payment_days
    deadline = end_of_day(local_day(issued_at, policy) + timedelta(days=days), policy)
    if not_before is not None:
        deadline = _later(deadline, not_before.deadline)
    earliest = max(local_day(deadline, policy) + _red_days(policy), earliest_cut_day(oldest_due, policy))
    return Schedule(deadline, _cut_time(earliest, not_before.cut_at if not_before else None, policy, calendar))


def _cut_time(earliest: date, not_before: datetime | None, policy: Policy, calendar: Calendar) -> datetime:
    """The first time allowed from that day on, and not before that moment."""
    if not_before is None:
        return first_cut_time(earliest, policy, calendar)
    cut_at = first_cut_time(max(earliest, local_day(not_before, policy)), policy, calendar)
    if not _not_after(not_before, cut_at):  # the cut hours begin earlier than they did when that time was stated
        cut_at = first_cut_time(cut_at.date() + _A_DAY, policy, calendar)
    return cut_at


def yellow_deliver_by(deadline: datetime, policy: Policy) -> datetime:
    """The last moment at which delivery leaves the customer his local days to pay (R-05, II.1)."""
    local = deadline.astimezone(policy.zone)
    return _wall(local.date() - timedelta(days=policy.yellow_payment_days), local.time(), policy)


def yellow_is_timely(delivered_at: datetime, deadline: datetime, policy: Policy) -> bool:
    """Whether a yellow notice delivered then counts; equality does (R-05, R-07)."""
    return _not_after(delivered_at, yellow_deliver_by(deadline, policy))


# ---- II.2 red notice --------------------------------------------------------------------------


def _red_days(policy: Policy) -> timedelta:
    return timedelta(days=policy.delivery_allowance_days + policy.red_notice_days)


def red_issue_time(deadline: datetime, cut_at: datetime, policy: Policy) -> datetime:
    """When the red notice is issued: the yellow deadline past, about seven days before the stated time (R-07, II.2)."""
    local = cut_at.astimezone(policy.zone)
    ahead = _wall(local.date() - _red_days(policy), local.time(), policy)
    return _in_zone(deadline, policy) if _not_after(ahead, deadline) else ahead


def red_schedule(
    issued_at: datetime,
    yellow_cut_at: datetime,
    oldest_due: date,
    policy: Policy,
    calendar: Calendar,
    *,
    not_before: date | None = None,
) -> Schedule:
    """T and the payment deadline of a red notice: never before what the yellow one stated (R-07, R-03, R-11, II.2).

    `not_before` may put T off to a later day, and never brings it forward.
    """
    earliest = max(
        not_before or local_day(issued_at, policy),
        local_day(issued_at, policy) + _red_days(policy),
        earliest_cut_day(oldest_due, policy),
    )
    cut_at = _cut_time(earliest, yellow_cut_at, policy, calendar)
    return Schedule(start_of_day(cut_at.date(), policy), cut_at)


def red_deliver_by(cut_at: datetime, policy: Policy) -> datetime:
    """The last moment for delivery: 7 x 24 hours before the stated cut (R-07, II.2)."""
    return _after(cut_at, timedelta(hours=-24 * policy.red_notice_days), policy)


def red_notice_is_timely(delivered_at: datetime, cut_at: datetime, policy: Policy) -> bool:
    """Seven full days between delivery and the stated cut; equality is timely (R-07, II.2)."""
    return _not_after(delivered_at, red_deliver_by(cut_at, policy))


# ---- II.3 – II.7 the attempt ------------------------------------------------------------------


def ticket_time(cut_at: datetime, policy: Policy) -> datetime:
    """T - 24 h: the ticket goes to the field unit (R-15, II.3)."""
    return _after(cut_at, timedelta(hours=-policy.ticket_lead_hours), policy)


def ticket_too_late(cut_at: datetime, policy: Policy) -> datetime:
    """The end of the local day on which the ticket is due: "the day before" is over then (R-15, II.3)."""
    return end_of_day(local_day(ticket_time(cut_at, policy), policy), policy)


def final_notice_time(cut_at: datetime, policy: Policy) -> datetime:
    """T - 30 min: the customer is notified of the time again (R-16, II.4; 河南省供用电条例 (2012) art. 45).

    Billing is asked then too (R-17, II.6): a policy states one number of minutes for both.
    """
    return _after(cut_at, timedelta(minutes=-policy.final_notice_minutes), policy)


def window_end(cut_at: datetime, policy: Policy) -> datetime:
    """The end of the stated window, exclusive: T + 2 h, or the end of that day's cut hours (R-18, R-21, II.7)."""
    closing = _wall(local_day(cut_at, policy), time.fromisoformat(policy.cut_hours.end), policy)
    return _earlier(_after(cut_at, timedelta(hours=policy.cut_window_hours), policy), closing)


def permit_end(given_at: datetime, cut_at: datetime, policy: Policy) -> datetime:
    """How long a permit given then lasts, never beyond the window (R-18, II.7)."""
    return _earlier(_after(given_at, timedelta(minutes=policy.permit_minutes), policy), window_end(cut_at, policy))


# ---- III restoration, I.3 promises ------------------------------------------------------------


def restore_due(since: datetime, policy: Policy) -> datetime:
    """24 hours from the settlement itself, not from its detection (R-25, III.3)."""
    return _after(since, timedelta(hours=policy.restore_hours), policy)


def restore_warning_times(since: datetime, policy: Policy) -> tuple[datetime, ...]:
    """When warnings go up while supply is still off, ascending (R-25, III.3)."""
    return tuple(_after(since, timedelta(hours=hours), policy) for hours in policy.restore_warnings_hours)


def exception_end(settled_at: datetime, policy: Policy) -> datetime:
    """24:00 local of the day after the settlement (第二天): as far as a declared exception reaches (R-26, III.3)."""
    return end_of_day(local_day(settled_at, policy) + _A_DAY, policy)


def promise_end(until: date, policy: Policy) -> datetime:
    """A promised day is met to its 24:00 (R-04, I.3)."""
    return end_of_day(until, policy)


CLOCK_SKEW = timedelta(minutes=5)
