"""Rulings on restoration: it is asked for, supply is reported restored, a delay is declared (III.1, III.3)."""

from datetime import datetime

from domain.case.checks import check_actor
from domain.case.entities import Cut
from domain.case.escalations import close_escalations
from domain.case.facts import CaseFacts
from domain.case.identity import among
from domain.case.own_meters import is_about, own_cuts
from domain.case.restoration import cut_to_answer_for, restored_too_late
from domain.contract import updates as m
from domain.contract.answers import Done, RestorationAnswer, RestorationReported, StillOwing
from domain.contract.refusals import Refused, happened_at
from domain.law import clock
from domain.record.subjects import subject
from domain.vocabulary import Role, money
from domain.words import role_name

Both = tuple[str, str]
"""A sentence in Chinese and in English."""
_ASKED_TO_CONFIRM: tuple[Role, ...] = ("field_crew", "team_leader")


def request_restoration(
    facts: CaseFacts, message: m.RequestRestoration, now: datetime
) -> tuple[CaseFacts, RestorationAnswer]:
    """What 95598 or the counter is answered, once billing has been asked (R-22).

    A restoration that is due, or done meanwhile, is answered with its ticket; else the answer is what is still owing.
    """
    cut = cut_to_answer_for(facts)
    if cut is None or cut.restore_since is not None:
        ticket = cut.restore_ticket if cut else own_cuts(facts)[-1].restore_ticket
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


def report_restored(
    facts: CaseFacts, message: m.ReportRestored, now: datetime
) -> tuple[CaseFacts, RestorationReported]:
    """Supply is back. Every report is recorded; only that of a unit that holds the ticket counts (R-25, R-33)."""
    at = min(message.at or now, now)
    cut = next((c for c in facts.cuts if c.restore_ticket == message.ticket_id), None)
    if cut is None and len(facts.to_restore) == 1:
        cut = facts.to_restore[0]
    restored_at = at if cut is None or at >= cut.at else now  # a time before the cut cannot be true
    ours = message.actor.role == "field_crew" and _holds_the_ticket(facts, message.actor.unit, cut, restored_at)
    if cut is not None and not cut.off:
        return facts, _answered(_restored_already(facts, cut, message, ours=ours))
    if cut is None or not ours:
        to_confirm = (cut,) if cut else facts.to_restore
        facts = facts.noted(
            now,
            "supply.reported",
            at=at,
            actor=message.actor,
            about=message.ticket_id,
            counts=False,
            to_confirm=tuple(c.restore_ticket for c in to_confirm) if facts.present_since else None,
        )
        facts = _confirmation_asked(facts, now, message, to_confirm)
        return facts, _answered(_why_it_does_not_count(facts, cut, message))
    at = restored_at
    # A meter may be found cut off before our own cut of it is reported: one restoration ends both.
    for cut_off in facts.to_restore:
        same = is_about(facts, cut, cut_off.meter_id) or is_about(facts, cut_off, cut.meter_id)
        if same and cut_off.at <= at and cut_off.neighbour == cut.neighbour:
            facts = _restored(facts, cut_off, message, at, now)
    if not cut.neighbour and not facts.cuts_off and facts.in_arrears and facts.withdrawn is None:
        facts = facts.but(stage="red_notice" if facts.red or _had_red(facts) else "yellow_notice")
    return facts, _answered(None)


def _answered(why_not: Both | None) -> RestorationReported:
    """The answer: whether the report counted, and why not."""
    return RestorationReported(counted=why_not is None, why=why_not and f"{why_not[0]} / {why_not[1]}")


def _restored_already(facts: CaseFacts, cut: Cut, message: m.ReportRestored, *, ours: bool) -> Both | None:
    """Why another report of a supply that is back changes nothing; None for the one that counted."""
    assert cut.restored_at is not None
    if ours and message.at in (None, cut.restored_at):
        return None
    at = clock.local_words(cut.restored_at, facts.policy)
    return f"该户已于 {at} 记为恢复供电，此次回报不作更改", f"supply is on record as restored at {at} already"


def _why_it_does_not_count(facts: CaseFacts, cut: Cut | None, message: m.ReportRestored) -> Both:
    if cut is None:
        ticket = message.ticket_id
        return f"本案没有待复电的工作票 {ticket}", f"no restoration is awaited in this case under ticket {ticket}"
    unit = holder(facts, cut)
    if message.actor.role != "field_crew":
        role = message.actor.role
        return (
            f"{role_name(role, 'zh')}的回报已记录，但不作复电认定；已请持票单位 {unit} 核实并回报",
            f"a report by {role_name(role, 'en')} is recorded and does not count; {unit}, which holds the ticket, was"
            " asked to confirm it",
        )
    return (
        f"工作票由 {unit} 持有，{message.actor.unit} 的回报已记录，但不作复电认定；已请持票单位核实并回报",
        f"{unit} holds the ticket; the report by {message.actor.unit} is recorded and does not count, and {unit} was"
        " asked to confirm it",
    )


def _confirmation_asked(facts: CaseFacts, now: datetime, message: m.ReportRestored, cuts: tuple[Cut, ...]) -> CaseFacts:
    """Supply may be back: the unit and the team leader are asked to confirm it, once for each cut (R-33)."""
    for cut in cuts if facts.present_since else ():
        if cut.confirm_asked:
            continue
        facts = facts.with_cut(cut.cut_id, confirm_asked=True)
        by, ticket = f"{message.actor.role} {message.actor.id}", cut.restore_ticket
        for role in _ASKED_TO_CONFIRM:
            facts = facts.notified(
                now,
                role,
                subject("confirm_restored"),
                f"{by} 报告表号 {cut.meter_id} 已恢复供电（工作票 {ticket}），但不是持票单位的回报。"
                "请立即核实，并由持票单位回报。",
                f"{by} reports that supply is restored at meter {cut.meter_id} (ticket {ticket}), and does not hold the"
                " ticket. Find out at once, and have the unit that holds it report.",
                about=ticket,
            )
    return facts


def holder(facts: CaseFacts, cut: Cut) -> str:
    """The field unit that holds the restoration ticket of a cut, or will."""
    ticket = facts.ticket(cut.restore_ticket)
    return ticket.field_unit if ticket else facts.account.field_unit


def _holds_the_ticket(facts: CaseFacts, unit: str | None, cut: Cut | None, at: datetime) -> bool:
    """The account's field unit, one that had the ticket then and passed it on, and who holds it too (R-32).

    A unit left out is taken for it.
    """
    ticket = facts.ticket(cut.restore_ticket) if cut else None
    former = {p.field_unit for p in ticket.passed_on if at <= p.until} if ticket else set()
    return unit is None or among(
        facts, unit, {facts.account.field_unit, *former, *(ticket.also_held_by if ticket else ())}
    )


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
        neighbour=cut.neighbour or None,
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
    waiting = [c for c in facts.to_restore if c.restore_since is not None]
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
