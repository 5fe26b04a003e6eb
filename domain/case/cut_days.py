"""The time a red notice states for its cut: the first allowed day, or a later one on which the field unit has room.

R-07 sets the earliest day. Many cases can fall on the same one (R-20, R-21), above all when a moratorium is lifted.
A unit gets no more cuts a day than it can restore (`Circumstances.spreads_cuts`). The day is booked when the
circumstances are read, before every red notice; a booking of its own would cost each case another activity.
"""

from datetime import date, datetime

from domain.case.conditions import oldest_due
from domain.case.facts import CaseFacts
from domain.law import clock
from domain.law.circumstances import SlotWish


def bills_for_red(facts: CaseFacts) -> tuple[str, ...]:
    """The bills of the served yellow notice that still owe (R-05)."""
    yellow = facts.yellow
    return tuple(b.bill_id for b in facts.arrears if yellow and b.bill_id in yellow.live_bills)


def red_schedule(facts: CaseFacts, now: datetime, *, not_before: date | None = None) -> clock.Schedule:
    """What a red notice issued now would state by the policy in force, and never before what a former one would (R-07).

    `not_before`: the day booked for it.
    """
    yellow, oldest = facts.yellow, oldest_due(facts, bills_for_red(facts))
    assert yellow is not None, "a red notice follows a yellow one"
    assert oldest is not None, "a notice names at least one bill that owes"
    stated, calendar = yellow.cut_at, facts.protected_days()
    for former in facts.former:
        stated = clock.red_schedule(now, stated, oldest, former.policy, calendar).cut_at
    return clock.red_schedule(now, stated, oldest, facts.policy, calendar, not_before=not_before)


def has_cut_day(facts: CaseFacts, now: datetime) -> bool:
    """Whether a red notice issued now would state a day that is booked for it, where days are booked at all."""
    if not facts.spreads_cuts:
        return True
    slot = facts.slot
    if slot is None or slot.notice_id != facts.coming("red-notice"):
        return False
    return clock.local_day(red_schedule(facts, now, not_before=slot.day).cut_at, facts.policy) == slot.day


def slot_wish(facts: CaseFacts, now: datetime) -> SlotWish | None:
    """The booking that the next red notice needs; None if none is about to be issued, or its day is booked."""
    yellow = facts.yellow
    if not facts.spreads_cuts or facts.held or facts.needs_person or facts.red or yellow is None or not yellow.served:
        return None
    if now < clock.red_issue_time(yellow.deadline, yellow.cut_at, facts.terms(yellow)) or not bills_for_red(facts):
        return None
    if has_cut_day(facts, now):
        return None
    first = red_schedule(facts, now).cut_at
    return SlotWish(
        notice_id=facts.coming("red-notice"),
        case_key=facts.case_key,
        earliest=clock.local_day(first, facts.policy),
        policy=facts.policy,
        seasons=facts.protected_days().seasons,
    )
