"""Updates around the cut: the permit asked for at the meter, the cut, the crew that left without one (II.5 – II.7)."""

from datetime import datetime

from domain.case.announced_payments import still_unbooked, would_settle
from domain.case.attempt import end_attempt, void_notice
from domain.case.billing_answers import record_as_read
from domain.case.checks import check_actor, known_ticket
from domain.case.conditions import ASK_AGAIN, NO_ANSWER, unmet_for_permit
from domain.case.entities import Cut, Permit, Ticket
from domain.case.escalations import close_escalations
from domain.case.facts import CaseFacts
from domain.case.hints import copies_wait
from domain.case.identity import among, same, same_meter
from domain.case.incidents import actor_name
from domain.case.own_meters import is_about, is_named_since
from domain.case.unauthorised_cut import known_cut, unauthorised_cut
from domain.contract import updates as m
from domain.contract.answers import Condition, CutRecorded, Done, PermitAnswer
from domain.contract.refusals import Refused, happened_at
from domain.law import clock
from domain.record.reasons import because
from domain.vocabulary import Stage

# ---- the permit -------------------------------------------------------------------------------


def permit_held_by(facts: CaseFacts, message: m.RequestPermit) -> PermitAnswer | None:
    """The open permit, if the same crew asks again for the same ticket and meter."""
    permit = facts.open_permit
    if (
        permit
        and message.actor.role == "field_crew"
        and same(facts, permit.holder, message.actor.id)
        and permit.ticket_id == message.ticket_id
        and same_meter(facts, permit.meter_id, message.meter_id)
    ):
        return PermitAnswer(granted=True, permit_id=permit.permit_id, valid_until=permit.valid_until)
    return None


def decide_permit(
    facts: CaseFacts, message: m.RequestPermit, now: datetime, *, asked: bool, answered: bool
) -> tuple[CaseFacts, PermitAnswer]:
    """Judge a request on the facts of this moment (R-18); raises NotAllowed, NotYourUnit or UnknownTicket.

    `asked`: billing has been asked for this request; `answered`: it has answered. Without having asked, the only
    possible answer is a refusal.
    """
    check_actor(facts, message.actor, ("field_crew",))
    known_ticket(facts, message.ticket_id)
    unmet = _unmet(facts, message, now, asked=asked, answered=answered)
    if asked:
        facts = _note_billing(facts, message.ticket_id, now, answered=answered)
    if unmet or not asked:
        return _refuse_permit(facts, message, now, unmet)
    return _grant_permit(facts, message, now)


def _unmet(
    facts: CaseFacts, message: m.RequestPermit, now: datetime, *, asked: bool, answered: bool
) -> tuple[Condition, ...]:
    """Every condition that this request does not meet, billing's answer among them (R-17, R-18)."""
    unmet = list(unmet_for_permit(facts, now, message.ticket_id, message.meter_id, message.actor.id))
    if asked and not answered:
        unmet.append(NO_ANSWER)
    elif asked and (facts.debt_is_stale or copies_wait(facts) or would_settle(facts)):
        unmet.append(ASK_AGAIN)
    return tuple(unmet)


def _note_billing(facts: CaseFacts, ticket_id: str, now: datetime, *, answered: bool) -> CaseFacts:
    """Record what billing answered for the permit (R-17)."""
    red = facts.red
    owing = "owes" if red and facts.owes(red) else "settled"
    named = facts.outstanding(red.live_bills) if facts.present_since and red and answered else None
    return facts.noted(
        now,
        "billing.checked",
        about=ticket_id,
        when="permit",
        answer=owing if answered else "no_answer",
        owed=facts.debt.owed if answered else None,
        named=named,
        unbooked=still_unbooked(facts) if facts.present_since and answered else None,
        **record_as_read(facts, answered=answered),
    )


def _refuse_permit(
    facts: CaseFacts, message: m.RequestPermit, now: datetime, unmet: tuple[Condition, ...]
) -> tuple[CaseFacts, PermitAnswer]:
    facts = facts.noted(
        now,
        "permit.refused",
        actor=message.actor,
        about=message.ticket_id,
        meter_id=message.meter_id,
        unmet=tuple(c.rule for c in unmet),
    )
    return facts, PermitAnswer(granted=False, unmet=unmet)


def _grant_permit(facts: CaseFacts, message: m.RequestPermit, now: datetime) -> tuple[CaseFacts, PermitAnswer]:
    """Open a permit for this crew and meter, for the minutes of the policy (R-18)."""
    red, ticket = facts.red, known_ticket(facts, message.ticket_id)
    assert red is not None
    facts, permit_id = facts.numbered("permit")
    permit = Permit(
        permit_id=permit_id,
        ticket_id=message.ticket_id,
        meter_id=ticket.meter_id,
        holder=message.actor.id,
        field_unit=facts.account.field_unit,
        given_at=now,
        valid_until=clock.permit_end(now, red.cut_at, facts.terms(red)),
    )
    facts = facts.but(permits=(*facts.permits, permit), voids_in_a_row={})
    facts = facts.noted(
        now,
        "permit.granted",
        actor=message.actor,
        about=permit_id,
        permit_id=permit_id,
        ticket_id=permit.ticket_id,
        meter_id=message.meter_id,
        meter_has_twin=facts.account.meter_has_twin or None,
        valid_until=permit.valid_until,
        cut_at=red.cut_at,
    )
    return facts, PermitAnswer(granted=True, permit_id=permit_id, valid_until=permit.valid_until)


# ---- the cut ----------------------------------------------------------------------------------


def report_cut(facts: CaseFacts, message: m.ReportCut, now: datetime) -> tuple[CaseFacts, CutRecorded]:
    """Supply was cut: lawful under a permit that was live for that meter then, else unauthorised (R-18, R-27)."""
    at = min(message.at or now, now)
    if again := _already_reported(facts, message, at):
        return facts, again
    permit = _permit_for(facts, message, at)
    if permit is None or not _is_our_crew(facts, message, permit):
        facts = _crew_has_answered(facts, message)
        source = f"reported by {message.actor.role}"
        cut = known_cut(facts, message.meter_id, at)
        if cut is None:
            facts, cut = unauthorised_cut(
                facts, now, at, message.meter_id, actor_name(message.actor), source, actor=message.actor
            )
        facts = facts.noted(
            now,
            "cut.reported",
            under=("R-27", "III.4"),
            at=at,
            actor=message.actor,
            about=cut.cut_id,
            lawful=cut.lawful,
            meter_id=message.meter_id,
            neighbour=cut.neighbour or None,
            permit_id=message.permit_id,
        )
        if cut.lawful:
            return facts, CutRecorded(lawful=True)
        incident = next((i for i in reversed(facts.incidents) if i.at == cut.at), None)
        return facts, CutRecorded(
            lawful=False, incident_id=incident.incident_id if incident else None, ticket_id=cut.restore_ticket
        )
    return _lawful_cut(facts, message, permit, at, now), CutRecorded(lawful=True)


def _lawful_cut(facts: CaseFacts, message: m.ReportCut, permit: Permit, at: datetime, now: datetime) -> CaseFacts:
    """Redeem the permit; the cut uses up its notices (R-05), and billing is asked once more (P2)."""
    ticket = known_ticket(facts, permit.ticket_id)
    notice = facts.notice(ticket.notice_id or "")
    # Reported after all of them were settled, it was a cut for all of them: supply must be restored (P3).
    bills = (notice.live_bills or notice.bills) if notice else ()
    facts, restore_ticket = facts.numbered("restore-ticket")
    facts, cut_id = facts.numbered("cut")
    facts = facts.with_permit(permit.permit_id, state="redeemed", ended_at=permit.ended_at or at, answered=True)
    facts = facts.with_permit(permit.permit_id, found_dark_at=None)
    facts = close_escalations(facts, about=permit.permit_id)
    for earlier in facts.permits if facts.present_since else ():
        if earlier.ticket_id == ticket.ticket_id and not earlier.answered:  # the crew that cut now had not cut then
            facts = close_escalations(facts.with_permit(earlier.permit_id, answered=True), about=earlier.permit_id)
    facts = facts.with_ticket(ticket.ticket_id, state="done", done_at=at)
    facts = _use_up_notices(facts, now, ticket)
    cut = Cut(
        cut_id=cut_id,
        meter_id=permit.meter_id,
        at=at,
        arrived_at=now,
        lawful=True,
        permit_id=permit.permit_id,
        bills=bills,
        restore_ticket=restore_ticket,
        restored_at=next((c.restored_at for c in facts.cuts if _restored_since(facts, c, permit.meter_id, at)), None),
    )
    facts = facts.but(cuts=(*facts.cuts, cut), hints=facts.hints + 1, needs_person=None)
    facts = facts.but(stage=_stage_after_cut(facts))
    return facts.noted(
        now,
        "cut.reported",
        at=at,
        actor=message.actor,
        about=cut_id,
        lawful=True,
        meter_id=message.meter_id,
        permit_id=permit.permit_id,
        ticket_id=ticket.ticket_id,
        notice_id=ticket.notice_id,
        reading=message.meter_reading,
    )


def _restored_since(facts: CaseFacts, cut: Cut, meter_id: str, at: datetime) -> bool:
    """That meter was found cut off and restored after the cut of which we only hear now."""
    back = cut.restored_at is not None and cut.restored_at > at
    return back and is_named_since(facts, cut.meter_id, meter_id, at)


def _stage_after_cut(facts: CaseFacts) -> Stage:
    if not facts.cuts_off:
        return "yellow_notice"
    return "restoring" if any(c.restore_since for c in facts.cuts_off) else "disconnected"


def _use_up_notices(facts: CaseFacts, now: datetime, ticket: Ticket) -> CaseFacts:
    """The notices of the cut are spent. A report that comes late may find another attempt under way: that one ends."""
    red = facts.red
    if red and red.notice_id != ticket.notice_id:
        facts = end_attempt(facts, now, because("cut_already"), counted=False)
    for notice in (facts.yellow, facts.red):
        if notice is None:
            continue
        if notice.state == "delivered":
            facts = facts.with_notice(notice.notice_id, spent=True)
        else:
            facts = void_notice(facts, notice.notice_id, now, because("cut_already"), counted=False)
    return facts


def _permit_for(facts: CaseFacts, message: m.ReportCut, at: datetime) -> Permit | None:
    """The permit that covers this cut: live then, for that meter, not redeemed, and the one named if one is named."""
    for permit in reversed(facts.permits):
        if permit.state == "redeemed" or not permit.live_at(at):
            continue
        if not same_meter(facts, permit.meter_id, message.meter_id):
            continue
        if message.permit_id in (None, permit.permit_id) and message.ticket_id in (None, permit.ticket_id):
            return permit
    return None


def _already_reported(facts: CaseFacts, message: m.ReportCut, at: datetime) -> CutRecorded | None:
    """The same cut reported again: a redeemed permit answers as it did the first time."""
    for cut in facts.cuts:
        same_permit = message.permit_id is not None and cut.permit_id == message.permit_id
        still_then = cut.restored_at is None or at <= cut.restored_at
        same_time = cut.at == at or (same_permit and still_then)
        if cut.lawful and same_time and is_about(facts, cut, message.meter_id):
            return CutRecorded(lawful=True)
    return None


def _is_our_crew(facts: CaseFacts, message: m.ReportCut, permit: Permit | None) -> bool:
    """The field unit of the account, or the one that was when the permit was given."""
    units, unit = {facts.account.field_unit, permit.field_unit if permit else None}, message.actor.unit
    return message.actor.role == "field_crew" and (unit is None or among(facts, unit, units))


def _crew_has_answered(facts: CaseFacts, message: m.ReportCut) -> CaseFacts:
    """The crew has answered for its permits, even where it reports no lawful cut."""
    for permit in facts.permits:
        if not _is_our_crew(facts, message, permit) or not same_meter(facts, permit.meter_id, message.meter_id):
            continue
        if permit.state in ("revoked", "lapsed") and not permit.answered:
            facts = facts.with_permit(permit.permit_id, answered=True)
            facts = close_escalations(facts, about=permit.permit_id)
    return facts


def report_not_cut(facts: CaseFacts, message: m.ReportNotCut, now: datetime) -> tuple[CaseFacts, Done]:
    """The crew left without cutting: its permits are answered for, and the time slips (R-20)."""
    asked = (p.field_unit for p in facts.permits if p.ticket_id == message.ticket_id and not p.answered)
    check_actor(facts, message.actor, ("field_crew",), also_of=asked if facts.present_since else ())
    ticket = known_ticket(facts, message.ticket_id)
    at = happened_at(message.at, now, "at")
    waiting = ticket.live or any(p.ticket_id == ticket.ticket_id and not p.answered for p in facts.permits)
    if ticket.kind != "cut" or not waiting:
        raise Refused("NotWaiting", "no answer about this ticket is awaited", field="ticket_id", clause="II.7")
    facts = facts.noted(
        now,
        "not_cut.reported",
        at=at,
        actor=message.actor,
        about=ticket.ticket_id,
        reason=message.reason,
    )
    for permit in facts.permits:
        if permit.ticket_id == ticket.ticket_id and permit.state != "redeemed" and not permit.answered:
            if permit.state == "open":
                facts = facts.with_permit(permit.permit_id, state="revoked", ended_at=min(now, permit.valid_until))
                facts = facts.noted(
                    now,
                    "permit.revoked",
                    under=("R-18", "II.7"),
                    about=permit.permit_id,
                    reason=because("given_back"),
                )
            facts = facts.with_permit(permit.permit_id, answered=True)
            facts = close_escalations(facts, about=permit.permit_id)
    if ticket.live:
        facts = facts.with_ticket(ticket.ticket_id, crew_left=True)
    return facts, Done()
