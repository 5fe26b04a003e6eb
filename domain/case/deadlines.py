"""What time and new facts bring about by themselves: holds run out, notices go void, permits lapse, warnings go up.

`settle(facts, now)` applies every rule of the table until nothing changes. The case runs it after each message, billing
answer and wake-up. So a case that wakes late goes through every stage it slept over, in order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.case import due_times, hints, restoration, settlement, willingness
from domain.case.attempt import attempt_ended_by_a_change, end_attempt, recall_cut_ticket, void_notice
from domain.case.conditions import filing_missing, missing_approvals, statutory_day_reached, why_the_day_is_barred
from domain.case.demands_of_class import barred_by_a_change
from domain.case.due_times import AttemptTimes, Times, attempt_times
from domain.case.entities import Notice
from domain.case.escalations import raise_escalation
from domain.case.facts import CaseFacts
from domain.case.new_holder import a_new_holder_makes_restoration_due
from domain.case.unauthorised_cut import found_cut_under_a_permit_is_judged
from domain.law import clock
from domain.record.reasons import Reason, because, code_of
from domain.record.subjects import subject


@dataclass(frozen=True)
class _Rule:
    """What happens (`apply`), and the times at which the clock alone brings it about (`due`); none: facts do.

    `apply` reads its times from `due_times` too, where `due` has them from.
    """

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


def wake_times(facts: CaseFacts) -> Times:
    """Every time, past or ahead, at which a rule falls due: the case wakes then, and `settle` applies it."""
    return [time for rule in _RULES for time in rule.due(facts)]


# ---- I.3: holds ------------------------------------------------------------------------------


def _holds_run_out(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A hold with an end is over by the clock; a dispute never is, a person lifts it."""
    for hold, end in due_times.holds_that_end(facts):
        if end <= now:
            facts = facts.with_hold(hold.hold_id, ended_at=now)
            facts = facts.noted(now, "hold.ended", at=end, about=hold.hold_id)
    return facts


# ---- II.8: settled ----------------------------------------------------------------------------


def _settled_bills_end_the_procedure(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A notice whose bills are settled: nothing is cut (R-11), and debt re-opened later starts anew (R-05)."""
    for notice in facts.notices:
        if notice.stands and (settled := _newly_settled(facts, notice)):
            facts = facts.with_notice(notice.notice_id, settled_bills=(*notice.settled_bills, *settled))
    red, yellow = facts.red, facts.yellow
    if red and not facts.owes(red):
        facts = _note_settled(facts, now, red)
        facts = recall_cut_ticket(facts, now, because("bills_settled"))
        facts = void_notice(facts, red.notice_id, now, because("settled"), counted=False, reported=False)
    if yellow and not facts.owes(yellow):
        if not red:
            facts = _note_settled(facts, now, yellow)
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


def _note_settled(facts: CaseFacts, now: datetime, notice: Notice) -> CaseFacts:
    at = settlement.settled_at(facts, notice, notice.bills, now)
    return facts.noted(now, "debt.settled", at=at, bills=notice.bills, settled_at=at)


# ---- II.1, II.2: notices ----------------------------------------------------------------------


def _undelivered_notices_go_void(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Not delivered by the last moment that would have been in time (R-05, R-07)."""
    for notice in (facts.yellow, facts.red):
        if notice is None or notice.delivered_at is not None or notice.state != "to_deliver":
            continue
        if now > due_times.deliver_by(facts, notice):
            counted = not facts.held and not facts.cuts_off
            facts = void_notice(facts, notice.notice_id, now, because("not_delivered_in_time"), counted=counted)
    return facts


def _silence_climbs_the_ladder(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A refusal that nobody has acknowledged goes to the next rung; the earlier ones stay open (R-09)."""
    for e, answer_by in due_times.rungs_asked(facts):
        notice = facts.notice(e.notice_id) if e.notice_id else None
        policy = facts.terms(notice) if notice else facts.policy
        ladder = policy.escalation_ladder
        if answer_by > now or e.rung not in ladder:
            continue
        facts = facts.with_escalation(e.escalation_id, climbed=True)
        higher = ladder[ladder.index(e.rung) + 1 :]
        if higher:
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


def _approval_is_asked_for(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Once the red notice is served, every level that must approve is asked (R-12, R-13)."""
    red = facts.red
    if red is None or not red.served or red.approval_asked or facts.held or facts.cuts_off:
        return facts
    if now > attempt_times(facts, red).ticket:
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
    times = attempt_times(facts, red)
    if (facts.held or facts.withdrawn or facts.cuts_off) and now >= times.ticket:
        return end_attempt(facts, now, _why_held(facts), counted=False)
    reason = _why_it_slips(facts, red, times, now)
    if reason is None:
        return facts
    if code_of(reason) == "day_barred" and barred_by_a_change(facts, red):  # its class now protects him
        return attempt_ended_by_a_change(end_attempt(facts, now, reason, counted=False))
    return end_attempt(facts, now, reason, counted=True)


def _why_held(facts: CaseFacts) -> Reason:
    if facts.withdrawn:
        return because("case_withdrawn")
    if facts.cuts_off:
        return because("found_cut")
    if facts.standing_holds:
        return because("held", hold=facts.standing_holds[0].kind)
    return because("promise_or_plan_stands")


def _why_it_slips(facts: CaseFacts, red: Notice, times: AttemptTimes, now: datetime) -> Reason | None:
    """Why the standing red notice can no longer lead to a cut at its time, or None while it still can."""
    ticket = facts.cut_ticket
    if ticket is None:
        if now < times.ticket:
            return None
        if not red.served:
            return because("refusal_not_acknowledged") if red.delivered_at else None
        if missing := missing_approvals(facts):
            return because("not_approved_in_time", roles=", ".join(missing))
        if filing_missing(facts):
            return because("filing_missing")
        if times.ticket_too_late <= now:
            return because("ticket_not_sent")
        return _why_the_day_is_wrong(facts, red) if facts.looked_at >= times.ticket else None
    if ticket.state == "sent" and now >= times.final_notice:
        return because("ticket_not_acknowledged")
    if ticket.billing_answer == "no_answer":
        return because("billing_silent")
    if ticket.crew_left:
        return because("crew_left")
    if now >= times.cut and ticket.told_at is None:
        return because("not_notified_again")
    if now >= times.cut and ticket.billing_checked_at is None:
        return because("billing_not_asked")
    if now >= times.window_end and facts.open_permit is None:
        return because("not_cut_in_window")
    return None


def _why_the_day_is_wrong(facts: CaseFacts, red: Notice) -> Reason | None:
    """Statute and calendar, judged again when the ticket is due (R-03, R-21)."""
    if barred := why_the_day_is_barred(facts, red):
        return because("day_barred", day=barred.en)
    return None if statutory_day_reached(facts, red) else because("oldest_bill_too_young")


# ---- II.7: the crew's answer ------------------------------------------------------------------


def _crew_is_asked_through_the_leader(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Ask the team leader, after the window, about a permit that ended without an answer of the crew."""
    for permit, end in due_times.permits_to_answer(facts):
        asked = any(e.about == permit.permit_id for e in facts.escalations)
        if end <= now and not asked:
            facts, _ = raise_escalation(
                facts,
                now,
                "permit_unanswered",
                "team_leader",
                about=permit.permit_id,
                subject=because("crew_never_answered", permit=permit.permit_id),
            )
    return facts


_RULES: tuple[_Rule, ...] = (
    _Rule(hints.billing_is_asked_and_must_answer, hints.asking_times),
    _Rule(_holds_run_out, due_times.hold_ends),
    _Rule(willingness.promise_is_judged, due_times.promise_ends),
    _Rule(willingness.plan_is_judged, due_times.instalment_ends),
    _Rule(restoration.settlement_makes_restoration_due),
    _Rule(restoration.settlement_before_the_cut_is_learned),
    _Rule(restoration.a_plan_makes_restoration_due),
    _Rule(settlement.settlements_are_kept),
    _Rule(a_new_holder_makes_restoration_due),
    _Rule(_settled_bills_end_the_procedure),
    _Rule(_nothing_left_needs_nobody),
    _Rule(_permits_lapse, due_times.permit_ends),
    _Rule(_undelivered_notices_go_void, due_times.deliveries_too_late),
    _Rule(_silence_climbs_the_ladder, due_times.rungs_must_answer),
    _Rule(_attempts_end, due_times.attempt_goes_on),
    _Rule(_approval_is_asked_for),
    _Rule(_crew_is_asked_through_the_leader, due_times.crew_must_report),
    _Rule(found_cut_under_a_permit_is_judged),
    _Rule(restoration.withdrawal_restores),
    _Rule(restoration.restoration_is_watched, due_times.restoration_times),
    _Rule(restoration.restored_closes_reports),
)
