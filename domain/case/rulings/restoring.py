"""Rulings on restoration: it is asked for, supply is reported restored, a delay is declared (III.1, III.3)."""

from datetime import datetime

from domain.case.checks import check_actor
from domain.case.entities import Cut
from domain.case.escalations import close_escalations
from domain.case.facts import CaseFacts
from domain.case.own_meters import is_about
from domain.case.restoration import cut_to_answer_for, restored_too_late
from domain.contract import updates as m
from domain.contract.answers import Done, RestorationAnswer, StillOwing
from domain.contract.refusals import Refused, happened_at
from domain.law import clock
from domain.vocabulary import money


def request_restoration(
    facts: CaseFacts, message: m.RequestRestoration, now: datetime
) -> tuple[CaseFacts, RestorationAnswer]:
    """What 95598 or the counter is answered, once billing has been asked (R-22).

    A restoration that is due, or done meanwhile, is answered with its ticket; else the answer is what is still owing.
    """
    cut = cut_to_answer_for(facts)
    if cut is None or cut.restore_since is not None:
        ticket = cut.restore_ticket if cut else facts.cuts[-1].restore_ticket
        answer = RestorationAnswer(ticket_id=ticket)
    else:
        owing = StillOwing(amount=money(facts.outstanding(cut.bills)), late_fee=facts.late_fee(now, cut.bills))
        answer = RestorationAnswer(still_owing=owing)
    facts = facts.noted(
        now,
        "restoration.requested",
        actor=message.actor,
        about=message.request_id,
        source=message.source,
        answer="ticket" if answer.ticket_id else "still_owing",
    )
    return facts, answer


def report_restored(facts: CaseFacts, message: m.ReportRestored, now: datetime) -> tuple[CaseFacts, Done]:
    """Supply is back. Every report is recorded; only the field unit's counts as restoration (R-25)."""
    at = min(message.at or now, now)
    cut = next((c for c in facts.cuts if c.restore_ticket == message.ticket_id), None)
    if cut is None and len(facts.cuts_off) == 1:
        cut = facts.cuts_off[0]
    restored_at = at if cut is None or at >= cut.at else now  # a time before the cut cannot be true
    ours = message.actor.role == "field_crew" and message.actor.unit in _units_with(facts, cut, restored_at)
    if cut is not None and not cut.off:
        return facts, Done()
    if cut is None or not ours:
        facts = facts.noted(
            now,
            "supply.reported",
            at=at,
            actor=message.actor,
            about=message.ticket_id,
            counts=False,
        )
        return facts, Done()
    at = restored_at
    # A meter may be found cut off before our own cut of it is reported: one restoration ends both.
    for cut_off in facts.cuts_off:
        same = is_about(facts, cut, cut_off.meter_id) or is_about(facts, cut_off, cut.meter_id)
        if same and cut_off.at <= at:
            facts = _restored(facts, cut_off, message, at, now)
    if not facts.cuts_off and facts.in_arrears and facts.withdrawn is None:
        facts = facts.but(stage="red_notice" if facts.red or _had_red(facts) else "yellow_notice")
    return facts, Done()


def _units_with(facts: CaseFacts, cut: Cut | None, at: datetime) -> set[str | None]:
    """The account's field unit, one that had the ticket then and has passed it on, and who holds it too (R-32)."""
    ticket = facts.ticket(cut.restore_ticket) if cut else None
    former = {p.field_unit for p in ticket.passed_on if at <= p.until} if ticket else set()
    beside = ticket.also_held_by if ticket else ()
    return {None, facts.account.field_unit, *former, *beside}


def _restored(facts: CaseFacts, cut: Cut, message: m.ReportRestored, at: datetime, now: datetime) -> CaseFacts:
    """Supply of this cut is back; later than it was due is a breach, whenever it is learned (R-26)."""
    due = cut.restore_due_by
    facts = facts.with_cut(cut.cut_id, restored_at=at)
    if facts.ticket(cut.restore_ticket):
        facts = facts.with_ticket(cut.restore_ticket, state="done", done_at=at)
    facts = facts.noted(
        now,
        "supply.restored",
        at=at,
        actor=message.actor,
        about=cut.restore_ticket,
        meter_id=cut.meter_id,
        since=cut.restore_since,
        settled_at=cut.settled_at if facts.present_since and not cut.by_plan else None,
        cut_at=cut.at if facts.present_since else None,
        due_by=due,
        in_time=due is None or at <= due,
        reading=message.meter_reading,
    )
    facts = close_escalations(facts, about=cut.cut_id)
    return restored_too_late(facts, now, cut, due, at)


def _had_red(facts: CaseFacts) -> bool:
    """A red notice has been issued since the standing yellow one: the procedure goes on from there."""
    yellow = facts.yellow
    return yellow is not None and any(n.kind == "red" and n.issued_at >= yellow.issued_at for n in facts.notices)


def declare_delay(facts: CaseFacts, message: m.DeclareDelay, now: datetime) -> tuple[CaseFacts, Done]:
    """Restoration may last to the end of the day after settlement, once customer and leader are notified (R-26)."""
    check_actor(facts, message.actor, ("team_leader", "centre_director"))
    happened_at(message.customer_told_at, now, "customer_told_at")
    happened_at(message.leader_told_at, now, "leader_told_at")
    waiting = [c for c in facts.cuts_off if c.restore_since is not None]
    if not waiting:
        raise Refused("NotWaiting", "no restoration is due", rule="R-26", clause="III.3")
    in_time = [c for c in waiting if c.restore_since and now < clock.restore_due(c.restore_since, facts.terms(c))]
    if not in_time:
        raise Refused("TooLate", "a delay is declared before the 24 hours end", rule="R-26", clause="III.3")
    for cut in in_time:
        assert cut.restore_since is not None
        facts = facts.with_cut(
            cut.cut_id, delay_declared=True, restore_due_by=clock.exception_end(cut.restore_since, facts.policy)
        )
        facts = facts.noted(
            now,
            "delay.declared",
            actor=message.actor,
            about=cut.restore_ticket,
            reason=message.reason,
            customer_told_at=message.customer_told_at,
            customer_told_how=message.customer_told_how,
            leader=message.leader,
            leader_told_at=message.leader_told_at,
            until=clock.exception_end(cut.restore_since, facts.policy),
        )
    return facts, Done()
