"""Rulings on tickets: acknowledged, the customer notified again, the meter doubted and verified (II.3, II.4, II.7)."""

from datetime import datetime

from domain.case import final_half_hour
from domain.case.attempt import end_attempt, revoke_permit
from domain.case.checks import check_actor, known_ticket
from domain.case.entities import Ticket
from domain.case.facts import CaseFacts
from domain.case.identity import same, same_meter
from domain.case.incidents import actor_name, open_incident
from domain.case.neighbours import may_verify_by
from domain.contract import updates as m
from domain.contract.answers import Done, FinalNoticeRecorded
from domain.contract.refusals import Refused, happened_at
from domain.record.reasons import because
from domain.record.subjects import subject


def acknowledge_ticket(facts: CaseFacts, message: m.AcknowledgeTicket, now: datetime) -> tuple[CaseFacts, Done]:
    """The field unit has the ticket (R-15)."""
    held = facts.ticket(message.ticket_id)
    check_actor(facts, message.actor, ("field_crew",), also_of=held.also_held_by if held else ())
    ticket = known_ticket(facts, message.ticket_id)
    if not ticket.live:
        raise _too_late(f"ticket {ticket.ticket_id} is {ticket.state}")
    if ticket.state == "acknowledged":
        return facts, Done()
    facts = facts.with_ticket(ticket.ticket_id, state="acknowledged", acknowledged_at=now)
    clause = "II.3" if ticket.kind == "cut" else "III.1"
    return facts.noted(
        now,
        "ticket.acknowledged",
        under=("R-15" if ticket.kind == "cut" else "R-22", clause),
        actor=message.actor,
        about=ticket.ticket_id,
        kind=ticket.kind,
    ), Done()


def record_final_notice(
    facts: CaseFacts, message: m.RecordFinalNotice, now: datetime
) -> tuple[CaseFacts, FinalNoticeRecorded]:
    """The reader notified the customer again; it counts within [T - 30 min, T] (R-16)."""
    check_actor(facts, message.actor, ("reader",))
    ticket = _live_cut_ticket(facts, message.ticket_id)
    told_at = happened_at(message.told_at, now, "told_at")
    if ticket.told_at is not None and message.told_at in (None, ticket.told_at):
        return facts, FinalNoticeRecorded(told=True)
    facts, counts = final_half_hour.notified_by_reader(facts, ticket, now, told_at, message.how, message.actor)
    return facts, FinalNoticeRecorded(told=counts)


# ---- the meter --------------------------------------------------------------------------------


def report_meter_uncertain(facts: CaseFacts, message: m.ReportMeterUncertain, now: datetime) -> tuple[CaseFacts, Done]:
    """The crew is unsure of the meter: no permit until the reader has been there (R-19)."""
    check_actor(facts, message.actor, ("field_crew",))
    ticket = _live_cut_ticket(facts, message.ticket_id)
    doubted = ticket.doubted_meter
    if ticket.meter_verdict == "asked" and doubted is not None and same_meter(facts, doubted, message.meter_id):
        return facts, Done()
    facts = facts.with_ticket(ticket.ticket_id, meter_verdict="asked", doubted_meter=message.meter_id)
    facts = facts.noted(
        now,
        "meter.uncertain",
        actor=message.actor,
        about=ticket.ticket_id,
        meter_id=message.meter_id,
        remark=message.remark,
    )
    facts = revoke_permit(facts, now, because("crew_unsure"))
    for permit in facts.permits:
        if permit.ticket_id == ticket.ticket_id and not permit.answered and permit.state != "redeemed":
            facts = facts.with_permit(permit.permit_id, answered=True)  # the crew stands there and has not cut
    return facts.notified(
        now,
        "reader",
        subject("verify_meter"),
        f"请立即到现场核实表计：户号 {facts.account.account_id}，工作票 {ticket.ticket_id}，表号 {message.meter_id}。",
        f"Go and verify the meter of account {facts.account.account_id}, ticket {ticket.ticket_id}: "
        f"the crew is unsure of {message.meter_id}.",
        about=ticket.ticket_id,
    ), Done()


def verify_meter(facts: CaseFacts, message: m.VerifyMeter, now: datetime) -> tuple[CaseFacts, Done]:
    """The reader who served, or a substitute named by the team leader, says yes or no (R-19)."""
    check_actor(facts, message.actor, ("reader",))
    ticket = known_ticket(facts, message.ticket_id)
    doubted = facts.meter_doubted_at is not None
    # At another's restoration ticket the reader speaks of the meter that this case is about, too.
    meant = ticket.meter_id if ticket.kind == "cut" else facts.account.meter_id
    confirmed = message.confirmed and same_meter(facts, message.meter_id, meant)
    if ticket.meter_verdict == ("confirmed" if confirmed else "denied") and not (doubted and confirmed):
        return facts, Done()
    if not may_verify_by(facts, ticket):
        ticket = _live_cut_ticket(facts, message.ticket_id)
    if ticket.meter_verdict != "asked" and not doubted:
        raise Refused("NotWaiting", "nobody is unsure of the meter now", field="ticket_id", rule="R-19", clause="II.7")
    at = happened_at(message.at, now, "at")
    _check_verifier(facts, message)
    if confirmed:
        facts = facts.but(meter_doubted_at=None)
    for asked in (ticket, facts.cut_ticket):
        if asked is not None:
            facts = facts.with_ticket(asked.ticket_id, meter_verdict="confirmed" if confirmed else "denied")
    facts = facts.noted(
        now,
        "meter.verified",
        at=at,
        actor=message.actor,
        about=ticket.ticket_id,
        meter_id=message.meter_id,
        confirmed=confirmed,
        substitute_named_by=message.substitute_named_by.id if message.substitute_named_by else None,
    )
    if confirmed:
        return facts, Done()
    return _wrong_meter(facts, message, at, now), Done()


def _check_verifier(facts: CaseFacts, message: m.VerifyMeter) -> None:
    """Refuse whoever neither served the notice nor was named by the team leader as the substitute (R-19)."""
    red = facts.red
    served_by = (red and red.delivered_by) or facts.account.reader
    if not same(facts, message.actor.id, served_by):
        if message.substitute_named_by is None:
            raise Refused(
                "NotAllowed",
                f"the reader who served the notice ({served_by}) verifies, or a substitute whom the team leader names",
                field="substitute_named_by",
                rule="R-19",
                clause="II.7",
            )
        check_actor(facts, message.substitute_named_by, ("team_leader",))
        if same(facts, message.substitute_named_by.id, message.actor.id):
            raise Refused(
                "SamePerson", "nobody names himself as the substitute", field="substitute_named_by.id", clause="II.7"
            )


def _wrong_meter(facts: CaseFacts, message: m.VerifyMeter, at: datetime, now: datetime) -> CaseFacts:
    """End the attempt with an incident; a person decides how the case goes on (R-19)."""
    facts, _ = open_incident(
        facts,
        now,
        "wrong_meter",
        at,
        actor_name(message.actor),
        f"表号 {message.meter_id} 现场核实不符，停电终止",
        f"meter {message.meter_id} turned out not to be the right one; the attempt has ended",
    )
    facts = end_attempt(facts, now, because("wrong_meter"), counted=False)
    return facts.but(needs_person=because("wrong_meter"))


# ---- shared -----------------------------------------------------------------------------------


def _live_cut_ticket(facts: CaseFacts, ticket_id: str) -> Ticket:
    ticket = known_ticket(facts, ticket_id)
    if not ticket.live:
        raise _too_late(f"ticket {ticket_id} is {ticket.state}")
    if ticket.kind != "cut":
        raise Refused("NotWaiting", "this is a restoration ticket", field="ticket_id", clause="II.3")
    return ticket


def _too_late(sentence: str) -> Refused:
    return Refused("TooLate", sentence, field="ticket_id", rule="R-15", clause="II.3")
