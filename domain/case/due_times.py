"""When each thing falls due that time brings about: the case wakes then, and `deadlines` acts by the same moment.

Each of these times is counted here once, so that no rule acts at another moment than the one for which the case wakes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from domain.case.entities import Cut, Escalation, Hold, Notice, Permit
from domain.case.facts import CaseFacts
from domain.contract.updates import Instalment
from domain.law import clock

A_MOMENT = timedelta(milliseconds=1)
Times = list[tuple[datetime, str]]
"""Times at which the clock changes something, each with what it is, for Temporal UI."""


# ---- I.3: holds, promises, plans --------------------------------------------------------------


def holds_that_end(facts: CaseFacts) -> list[tuple[Hold, datetime]]:
    """Standing holds that the clock ends, each with its end. It never ends a dispute: a person lifts that (R-04)."""
    return [(hold, hold.until) for hold in facts.standing_holds if hold.kind != "dispute" and hold.until]


def hold_ends(facts: CaseFacts) -> Times:
    """The ends of `holds_that_end`."""
    return [(end, "II.0 a hold ends") for _, end in holds_that_end(facts)]


def promise_end(facts: CaseFacts) -> datetime | None:
    """The end of the day up to which the open promise may be kept; None if none is open (R-04, I.3)."""
    promise = facts.promise
    if promise is None or promise.state != "open":
        return None
    return clock.promise_end(promise.until, facts.policy)


def promise_ends(facts: CaseFacts) -> Times:
    """The `promise_end`, if a promise is open."""
    end = promise_end(facts)
    return [(end, "I.3 a promised day ends")] if end else []


def instalments_due(facts: CaseFacts) -> list[tuple[Instalment, datetime]]:
    """The instalments of the open plan, each with the end of its day (R-04, I.3)."""
    plan = facts.plan
    if plan is None or plan.state != "open":
        return []
    return [(instalment, clock.promise_end(instalment.due, facts.policy)) for instalment in plan.instalments]


def instalment_ends(facts: CaseFacts) -> Times:
    """The ends of the days of `instalments_due`."""
    return [(end, "I.3 a promised day ends") for _, end in instalments_due(facts)]


def promised_days(facts: CaseFacts) -> list[datetime]:
    """The ends of the days on which a promise or an instalment is judged, once billing has been asked after them."""
    return [at for at, _ in (*promise_ends(facts), *instalment_ends(facts))]


# ---- II.1, II.2: notices ----------------------------------------------------------------------


def deliver_by(facts: CaseFacts, notice: Notice) -> datetime:
    """The last moment at which delivery is in time (R-05, R-07)."""
    policy = facts.terms(notice)
    if notice.kind == "yellow":
        return clock.yellow_deliver_by(notice.deadline, policy)
    return clock.red_deliver_by(notice.cut_at, policy)


def deliveries_too_late(facts: CaseFacts) -> Times:
    """The first moments at which the delivery of a standing notice is no longer in time."""
    if facts.cuts_off:
        return []
    whys = ((facts.yellow, "II.1 yellow notice delivered in time"), (facts.red, "II.2 red notice delivered in time"))
    return [(deliver_by(facts, n) + A_MOMENT, why) for n, why in whys if n and n.delivered_at is None]


def rungs_asked(facts: CaseFacts) -> list[tuple[Escalation, datetime]]:
    """Reports of a refused signature that nobody has acknowledged, each with the end of the time to do so (R-09)."""
    silent = (e for e in facts.escalations if e.kind == "refusal" and e.state == "open" and not e.climbed)
    return [(e, e.answer_by) for e in silent if e.answer_by]


def rungs_must_answer(facts: CaseFacts) -> Times:
    """The times by which `rungs_asked` must have acknowledged."""
    return [(by, f"II.2 {e.rung} must have acknowledged") for e, by in rungs_asked(facts)]


# ---- II.3 – II.7: the attempt -----------------------------------------------------------------


class AttemptTimes(NamedTuple):
    """The times of a red notice: at each the case acts, or the attempt ends (R-15 to R-18, II.3 – II.7)."""

    ticket: datetime
    ticket_too_late: datetime
    final_notice: datetime
    cut: datetime
    window_end: datetime


def attempt_times(facts: CaseFacts, red: Notice) -> AttemptTimes:
    """The times of this red notice, counted by the policy under which it was issued."""
    policy = facts.terms(red)
    return AttemptTimes(
        ticket=clock.ticket_time(red.cut_at, policy),
        ticket_too_late=clock.ticket_too_late(red.cut_at, policy),
        final_notice=clock.final_notice_time(red.cut_at, policy),
        cut=red.cut_at,
        window_end=clock.window_end(red.cut_at, policy),
    )


def attempt_goes_on(facts: CaseFacts) -> Times:
    """The `attempt_times` at which a delivered red notice is judged: before its ticket is out, and after."""
    red = facts.red
    if red is None or red.delivered_at is None or facts.cuts_off:
        return []
    times = attempt_times(facts, red)
    if facts.cut_ticket is None:
        return [
            (times.ticket, "II.3 ticket, the day before"),
            (times.ticket_too_late, "II.3 too late for the ticket"),
        ]
    return [
        (times.final_notice, "II.4 the last half-hour"),
        (times.cut, "II.5 the stated time"),
        (times.window_end, "II.7 the window ends"),
    ]


def permit_ends(facts: CaseFacts) -> Times:
    """The end of the open permit, while its attempt goes on (R-18)."""
    red, permit = facts.red, facts.open_permit
    if permit is None or red is None or red.delivered_at is None or facts.cut_ticket is None or facts.cuts_off:
        return []
    return [(permit.valid_until, "II.7 the permit ends")]


def permits_to_answer(facts: CaseFacts) -> list[tuple[Permit, datetime]]:
    """Permits that ended without an answer of the crew, each with the end of its window."""
    found = []
    for permit in facts.permits:
        if not permit.answered and permit.state in ("revoked", "lapsed"):
            ticket = facts.ticket(permit.ticket_id)
            notice = facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None
            if notice:
                found.append((permit, attempt_times(facts, notice).window_end))
    return found


def crew_must_report(facts: CaseFacts) -> Times:
    """The times by which the crew must have answered for `permits_to_answer`."""
    return [(end, "II.7 the crew must have reported") for _, end in permits_to_answer(facts)]


# ---- III: restoration -------------------------------------------------------------------------


class RestorationWatch(NamedTuple):
    """A cut whose restoration is due: the warnings still to come, each with its place, and the end (R-25, R-26)."""

    cut: Cut
    warnings: list[tuple[int, datetime]]
    due_by: datetime


def restorations_watched(facts: CaseFacts) -> list[RestorationWatch]:
    """Every cut whose 24 hours run, counted by the policy under which it was reported; not those in breach."""
    found = []
    for cut in facts.to_restore:
        if cut.restore_since and cut.restore_due_by and not cut.breached:
            warnings = list(enumerate(clock.restore_warning_times(cut.restore_since, facts.terms(cut))))
            found.append(RestorationWatch(cut, warnings[cut.warned :], cut.restore_due_by))
    return found


def restoration_times(facts: CaseFacts) -> Times:
    """The times of `restorations_watched`: the next warnings, and the end."""
    found: Times = []
    for _, warnings, due_by in restorations_watched(facts):
        found += [(at, "III.3 warning") for _, at in warnings]
        found.append((due_by, "III.3 light again by now"))
    return found
