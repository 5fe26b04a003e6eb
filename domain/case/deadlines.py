"""What time and new facts bring about by themselves: holds run out, notices go void, permits lapse, warnings go up.

`settle(facts, now)` applies every rule of the table until nothing changes. The case runs it after each message, billing
answer and wake-up. So a case that wakes late goes through every stage it slept over, in order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.case import hints, restoration
from domain.case.attempt import end_attempt, recall_cut_ticket, void_notice
from domain.case.conditions import filing_missing, missing_approvals, statutory_day_reached, why_the_day_is_barred
from domain.case.entities import Escalation, Notice
from domain.case.escalations import raise_escalation
from domain.case.facts import CaseFacts
from domain.case.unauthorised_cut import found_cut_under_a_permit_is_judged
from domain.law import clock
from domain.record.reasons import Reason, because
from domain.record.subjects import subject

A_MOMENT = timedelta(milliseconds=1)
Times = list[tuple[datetime, str]]
"""Times at which the clock changes something, each with what it is, for Temporal UI."""


@dataclass(frozen=True)
class _Rule:
    """What happens (`apply`), and the times at which the clock alone brings it about (`due`); none: facts do."""

    apply: Callable[[CaseFacts, datetime], CaseFacts]
    due: Callable[[CaseFacts], Times] = lambda facts: []  # noqa: ARG005


def settle(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Apply all that is due by now."""
    while True:
        before = facts
        for rule in _RULES:
            facts = rule.apply(facts, now)
        if facts is before:
            return facts


def due_times(facts: CaseFacts) -> Times:
    """Every time, past or ahead, at which a rule falls due: the case wakes then, and `settle` applies it."""
    return [time for rule in _RULES for time in rule.due(facts)]


# ---- I.3: holds, promises, plans --------------------------------------------------------------


def _holds_run_out(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A hold with an end is over by the clock; a dispute never is, a person lifts it."""
    for hold in facts.standing_holds:
        if hold.kind != "dispute" and hold.until and hold.until <= now:
            facts = facts.with_hold(hold.hold_id, ended_at=now)
            facts = facts.noted(now, "hold.ended", at=hold.until, about=hold.hold_id)
    return facts


def _promise_is_judged(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Kept once the payments since reach the amount; broken if billing, asked after its day, says otherwise."""
    promise = facts.promise
    if promise is None or promise.state != "open":
        return facts
    paid = facts.debt.paid_total - promise.paid_before
    end = clock.promise_end(promise.until, facts.policy)
    if paid >= promise.amount:
        facts = facts.but(promise=promise.model_copy(update={"state": "kept"}))
        return facts.noted(now, "promise.kept", about=promise.promise_id, paid=paid)
    if end <= facts.debt_read_at:
        facts = facts.but(promise=promise.model_copy(update={"state": "broken"}))
        return facts.noted(now, "promise.broken", at=end, about=promise.promise_id, paid=paid)
    return facts


def _plan_is_judged(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Each instalment is judged by the running sum at the end of its day; the last one keeps the plan."""
    plan = facts.plan
    if plan is None or plan.state != "open":
        return facts
    paid = facts.debt.paid_total - plan.paid_before
    if paid >= sum(i.amount for i in plan.instalments):
        facts = facts.but(plan=plan.model_copy(update={"state": "kept"}))
        return facts.noted(now, "plan.kept", about=plan.plan_id, paid=paid)
    due = sum(i.amount for i in plan.instalments if clock.promise_end(i.due, facts.policy) <= facts.debt_read_at)
    if paid < due:
        facts = facts.but(plan=plan.model_copy(update={"state": "broken"}))
        return facts.noted(now, "plan.broken", about=plan.plan_id, paid=paid, due=due)
    return facts


# ---- II.8: settled ----------------------------------------------------------------------------


def _settled_bills_end_the_procedure(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A notice whose bills are settled: nothing is cut (R-11), and debt re-opened later starts anew (R-05)."""
    for notice in facts.notices:
        if notice.stands and (settled := _newly_settled(facts, notice)):
            facts = facts.with_notice(notice.notice_id, settled_bills=(*notice.settled_bills, *settled))
    red, yellow = facts.red, facts.yellow
    if red and not facts.owes(red):
        facts = _note_settled(facts, now, red.bills)
        facts = recall_cut_ticket(facts, now, because("bills_settled"))
        facts = void_notice(facts, red.notice_id, now, because("settled"), counted=False, reported=False)
    if yellow and not facts.owes(yellow):
        if not red:
            facts = _note_settled(facts, now, yellow.bills)
        facts = void_notice(facts, yellow.notice_id, now, because("settled"), counted=False, reported=False)
        facts = facts.but(voids_in_a_row={}, needs_person=None)
    return facts


def _nothing_left_needs_nobody(facts: CaseFacts, _now: datetime) -> CaseFacts:
    """With all debt settled, what a person was to decide is moot, and the next debt starts anew."""
    if facts.needs_person is None or facts.in_arrears or facts.debt_is_stale:
        return facts
    return facts.but(needs_person=None, voids_in_a_row={})


def _newly_settled(facts: CaseFacts, notice: Notice) -> tuple[str, ...]:
    owing = {b.bill_id for b in facts.arrears}
    return tuple(b for b in notice.live_bills if b not in owing)


def _note_settled(facts: CaseFacts, now: datetime, bills: tuple[str, ...]) -> CaseFacts:
    at = restoration.settled_at(facts, bills, now)
    return facts.noted(now, "debt.settled", at=at, bills=bills, settled_at=at)


# ---- II.1, II.2: notices ----------------------------------------------------------------------


def _undelivered_notices_go_void(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Not delivered by the last moment that would have been in time (R-05, R-07)."""
    for notice in (facts.yellow, facts.red):
        if notice is None or notice.delivered_at is not None or notice.state != "to_deliver":
            continue
        if now > _deliver_by(facts, notice):
            counted = not facts.held and not facts.cuts_off
            facts = void_notice(facts, notice.notice_id, now, because("not_delivered_in_time"), counted=counted)
    return facts


def _silence_climbs_the_ladder(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A refusal that nobody has acknowledged goes to the next rung; the earlier ones stay open (R-09)."""
    for e in facts.escalations:
        notice = facts.notice(e.notice_id) if e.notice_id else None
        policy = facts.terms(notice) if notice else facts.policy
        ladder = policy.escalation_ladder
        if not _silent(e, now) or e.rung not in ladder:
            continue
        facts = facts.with_escalation(e.escalation_id, climbed=True)
        if higher := ladder[ladder.index(e.rung) + 1 :]:
            facts, _ = raise_escalation(
                facts,
                now,
                "refusal",
                higher[0],
                notice_id=e.notice_id,
                subject=because("no_answer", role=e.rung),
                answer_hours=policy.service_ack_hours,
            )
    return facts


def _silent(e: Escalation, now: datetime) -> bool:
    return (
        e.kind == "refusal" and e.state == "open" and not e.climbed and e.answer_by is not None and e.answer_by <= now
    )


def _approval_is_asked_for(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Once the red notice is served, every level that must approve is asked (R-12, R-13)."""
    red = facts.red
    if red is None or not red.served or red.approval_asked or facts.held or facts.cuts_off:
        return facts
    if now > clock.ticket_time(red.cut_at, facts.terms(red)):
        return facts
    roles = facts.required_approvals(red)
    facts = facts.with_notice(red.notice_id, approval_asked=True)
    facts = facts.noted(now, "approval.asked", about=red.notice_id, roles=roles)
    for role in missing_approvals(facts):
        facts = facts.notified(
            now,
            role,
            subject("approval_asked"),
            f"请审批停电：户号 {facts.account.account_id}，欠费 {red.amount} 元，通知书 {red.notice_id}，"
            f"计划停电时间 {clock.local_words(red.cut_at, facts.policy)}。",
            f"Decide on the cut of account {facts.account.account_id}: {red.amount} owed, notice {red.notice_id}, "
            f"planned for {clock.local_words(red.cut_at, facts.policy)}.",
            about=red.notice_id,
        )
    return facts


# ---- II.3 – II.7: the attempt -----------------------------------------------------------------


def _permits_lapse(facts: CaseFacts, now: datetime) -> CaseFacts:
    permit = facts.open_permit
    if permit and permit.valid_until <= now:
        facts = facts.with_permit(permit.permit_id, state="lapsed", ended_at=permit.valid_until)
        facts = facts.noted(now, "permit.lapsed", at=permit.valid_until, about=permit.permit_id)
    return facts


def _attempts_end(facts: CaseFacts, now: datetime) -> CaseFacts:
    """The time slips, or a hold ends the attempt: the notice is stale, a new one gets its full days (R-20)."""
    red = facts.red
    if red is None:
        return facts
    ticket_time = clock.ticket_time(red.cut_at, facts.terms(red))
    if (facts.held or facts.withdrawn or facts.cuts_off) and now >= ticket_time:
        return end_attempt(facts, now, _why_held(facts), counted=False)
    reason = _why_it_slips(facts, now)
    return end_attempt(facts, now, reason, counted=True) if reason else facts


def _why_held(facts: CaseFacts) -> Reason:
    if facts.withdrawn:
        return because("case_withdrawn")
    if facts.cuts_off:
        return because("found_cut")
    if facts.standing_holds:
        return because("held", hold=facts.standing_holds[0].kind)
    return because("promise_or_plan_stands")


def _why_it_slips(facts: CaseFacts, now: datetime) -> Reason | None:
    """Why the standing red notice can no longer lead to a cut at its time, or None while it still can."""
    red, ticket = facts.red, facts.cut_ticket
    assert red is not None
    policy = facts.terms(red)
    ticket_time = clock.ticket_time(red.cut_at, policy)
    if ticket is None:
        if now < ticket_time:
            return None
        if not red.served:
            return because("refusal_not_acknowledged") if red.delivered_at else None
        if missing := missing_approvals(facts):
            return because("not_approved_in_time", roles=", ".join(missing))
        if filing_missing(facts):
            return because("filing_missing")
        if clock.ticket_too_late(red.cut_at, policy) <= now:
            return because("ticket_not_sent")
        return _why_the_day_is_wrong(facts) if facts.looked_at >= ticket_time else None
    if ticket.state == "sent" and now >= clock.final_notice_time(red.cut_at, policy):
        return because("ticket_not_acknowledged")
    if ticket.billing_answer == "no_answer":
        return because("billing_silent")
    if ticket.crew_left:
        return because("crew_left")
    if now >= red.cut_at and ticket.told_at is None:
        return because("not_notified_again")
    if now >= red.cut_at and ticket.billing_checked_at is None:
        return because("billing_not_asked")
    if now >= clock.window_end(red.cut_at, policy) and facts.open_permit is None:
        return because("not_cut_in_window")
    return None


def _why_the_day_is_wrong(facts: CaseFacts) -> Reason | None:
    """Statute and calendar, judged again when the ticket is due (R-03, R-21)."""
    red = facts.red
    assert red is not None
    if barred := why_the_day_is_barred(facts, red):
        return because("day_barred", day=barred.en)
    return None if statutory_day_reached(facts, red) else because("oldest_bill_too_young")


# ---- II.7: the crew's answer ------------------------------------------------------------------


def _crew_is_asked_through_the_leader(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Ask the team leader, after the window, about a permit that ended without an answer of the crew."""
    for permit in facts.permits:
        if permit.answered or permit.state not in ("revoked", "lapsed"):
            continue
        if any(e.about == permit.permit_id for e in facts.escalations):
            continue
        ticket = facts.ticket(permit.ticket_id)
        notice = facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None
        if notice and clock.window_end(notice.cut_at, facts.terms(notice)) <= now:
            facts, _ = raise_escalation(
                facts,
                now,
                "permit_unanswered",
                "team_leader",
                about=permit.permit_id,
                subject=because("crew_never_answered", permit=permit.permit_id),
            )
    return facts


# ---- when each falls due ----------------------------------------------------------------------


def _holds_end(facts: CaseFacts) -> Times:
    ends = (hold.until for hold in facts.standing_holds if hold.kind != "dispute")
    return [(end, "II.0 a hold ends") for end in ends if end]


def promised_days(facts: CaseFacts) -> list[datetime]:
    """The ends of the days on which a promise or an instalment is judged, once billing has been asked after them."""
    return [at for at, _ in (*_promise_ends(facts), *_instalments_are_due(facts))]


def _promise_ends(facts: CaseFacts) -> Times:
    promise = facts.promise
    if promise is None or promise.state != "open":
        return []
    return [(clock.promise_end(promise.until, facts.policy), "I.3 a promised day ends")]


def _instalments_are_due(facts: CaseFacts) -> Times:
    plan = facts.plan
    if plan is None or plan.state != "open":
        return []
    return [(clock.promise_end(i.due, facts.policy), "I.3 a promised day ends") for i in plan.instalments]


def _deliver_by(facts: CaseFacts, notice: Notice) -> datetime:
    """The last moment at which delivery is in time (R-05, R-07)."""
    policy = facts.terms(notice)
    if notice.kind == "yellow":
        return clock.yellow_deliver_by(notice.deadline, policy)
    return clock.red_deliver_by(notice.cut_at, policy)


def _delivery_ends(facts: CaseFacts) -> Times:
    if facts.cuts_off:
        return []
    whys = ((facts.yellow, "II.1 yellow notice delivered in time"), (facts.red, "II.2 red notice delivered in time"))
    return [(_deliver_by(facts, n) + A_MOMENT, why) for n, why in whys if n and n.delivered_at is None]


def _rungs_must_answer(facts: CaseFacts) -> Times:
    silent = (e for e in facts.escalations if e.kind == "refusal" and e.state == "open" and not e.climbed)
    return [(e.answer_by, f"II.2 {e.rung} must have acknowledged") for e in silent if e.answer_by]


def _attempt_times(facts: CaseFacts) -> Times:
    """The times of a delivered red notice: at each the case acts, or the attempt ends."""
    red = facts.red
    if red is None or red.delivered_at is None or facts.cuts_off:
        return []
    policy = facts.terms(red)
    if facts.cut_ticket is None:
        return [
            (clock.ticket_time(red.cut_at, policy), "II.3 ticket, the day before"),
            (clock.ticket_too_late(red.cut_at, policy), "II.3 too late for the ticket"),
        ]
    return [
        (clock.final_notice_time(red.cut_at, policy), "II.4 the last half-hour"),
        (red.cut_at, "II.5 the stated time"),
        (clock.window_end(red.cut_at, policy), "II.7 the window ends"),
    ]


def _permit_ends(facts: CaseFacts) -> Times:
    red, permit = facts.red, facts.open_permit
    if permit is None or red is None or red.delivered_at is None or facts.cut_ticket is None or facts.cuts_off:
        return []
    return [(permit.valid_until, "II.7 the permit ends")]


def _crew_must_report(facts: CaseFacts) -> Times:
    found: Times = []
    for permit in facts.permits:
        if not permit.answered and permit.state in ("revoked", "lapsed"):
            ticket = facts.ticket(permit.ticket_id)
            notice = facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None
            if notice:
                end = clock.window_end(notice.cut_at, facts.terms(notice))
                found.append((end, "II.7 the crew must have reported"))
    return found


_RULES: tuple[_Rule, ...] = (
    _Rule(hints.billing_is_asked_and_must_answer, hints.asking_times),
    _Rule(_holds_run_out, _holds_end),
    _Rule(_promise_is_judged, _promise_ends),
    _Rule(_plan_is_judged, _instalments_are_due),
    _Rule(restoration.settlement_makes_restoration_due),
    _Rule(restoration.a_plan_makes_restoration_due),
    _Rule(_settled_bills_end_the_procedure),
    _Rule(_nothing_left_needs_nobody),
    _Rule(_permits_lapse, _permit_ends),
    _Rule(_undelivered_notices_go_void, _delivery_ends),
    _Rule(_silence_climbs_the_ladder, _rungs_must_answer),
    _Rule(_attempts_end, _attempt_times),
    _Rule(_approval_is_asked_for),
    _Rule(_crew_is_asked_through_the_leader, _crew_must_report),
    _Rule(found_cut_under_a_permit_is_judged),
    _Rule(restoration.withdrawal_restores),
    _Rule(restoration.restoration_is_watched, restoration.restoration_times),
    _Rule(restoration.restored_closes_reports),
)
