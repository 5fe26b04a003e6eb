"""Updates from the field: tickets, the last half-hour, the meter, supply back (II.3, II.4, II.7, III.3)."""

from datetime import datetime

from domain import messages as m
from domain import telling
from domain.attempt import actor_name, close_escalations, end_attempt, open_incident, revoke_permit
from domain.darkness import lit_too_late
from domain.facts import CaseFacts, Cut, Ticket
from domain.refusal import Refused, check_actor, happened_at, known_ticket


def acknowledge_ticket(facts: CaseFacts, message: m.AcknowledgeTicket, now: datetime) -> tuple[CaseFacts, m.Done]:
    """The field unit has the ticket (R-15)."""
    check_actor(facts, message.actor, ("field_crew",))
    ticket = known_ticket(facts, message.ticket_id)
    if not ticket.live:
        raise _too_late(f"ticket {ticket.ticket_id} is {ticket.state}")
    if ticket.state == "acknowledged":
        return facts, m.Done()
    facts = facts.with_ticket(ticket.ticket_id, state="acknowledged", acknowledged_at=now)
    clause = "II.3" if ticket.kind == "cut" else "III.1"
    return facts.noted(
        now,
        "ticket.acknowledged",
        "R-15" if ticket.kind == "cut" else "R-22",
        clause,
        actor=message.actor,
        about=ticket.ticket_id,
        kind=ticket.kind,
    ), m.Done()


def record_final_notice(
    facts: CaseFacts, message: m.RecordFinalNotice, now: datetime
) -> tuple[CaseFacts, m.FinalNoticeRecorded]:
    """The reader told the customer again; it counts if told within [T - 30 min, T] (R-16)."""
    check_actor(facts, message.actor, ("reader",))
    ticket = _live_cut_ticket(facts, message.ticket_id)
    told_at = happened_at(message.told_at, now, "told_at")
    if ticket.told_at is not None and message.told_at in (None, ticket.told_at):
        return facts, m.FinalNoticeRecorded(told=True)
    facts, counts = telling.told_by_reader(facts, ticket, now, told_at, message.how, message.actor)
    return facts, m.FinalNoticeRecorded(told=counts)


# ---- the meter --------------------------------------------------------------------------------


def report_meter_uncertain(
    facts: CaseFacts, message: m.ReportMeterUncertain, now: datetime
) -> tuple[CaseFacts, m.Done]:
    """The crew is unsure of the meter: no permit until the reader has been there (R-19)."""
    check_actor(facts, message.actor, ("field_crew",))
    ticket = _live_cut_ticket(facts, message.ticket_id)
    if (ticket.meter_verdict, ticket.doubted_meter) == ("asked", message.meter_id):
        return facts, m.Done()
    facts = facts.with_ticket(ticket.ticket_id, meter_verdict="asked", doubted_meter=message.meter_id)
    facts = facts.noted(
        now,
        "meter.uncertain",
        "R-19",
        "II.7",
        actor=message.actor,
        about=ticket.ticket_id,
        meter_id=message.meter_id,
        remark=message.remark,
    )
    facts = revoke_permit(facts, now, "the crew is unsure of the meter")
    for permit in facts.permits:
        if permit.ticket_id == ticket.ticket_id and not permit.answered and permit.state != "redeemed":
            facts = facts.with_permit(permit.permit_id, answered=True)  # the crew stands there and has not cut
    return facts.told(
        now,
        "reader",
        "verify the meter",
        f"请立即到现场核实表计：户号 {facts.account.account_id}，工作票 {ticket.ticket_id}，表号 {message.meter_id}。",
        f"Go and verify the meter of account {facts.account.account_id}, ticket {ticket.ticket_id}: "
        f"the crew is unsure of {message.meter_id}.",
        about=ticket.ticket_id,
    ), m.Done()


def verify_meter(facts: CaseFacts, message: m.VerifyMeter, now: datetime) -> tuple[CaseFacts, m.Done]:
    """The reader who served, or a substitute named by the team leader, says yes or no (R-19)."""
    check_actor(facts, message.actor, ("reader",))
    ticket = known_ticket(facts, message.ticket_id)
    confirmed = message.confirmed and message.meter_id == ticket.meter_id
    if ticket.meter_verdict == ("confirmed" if confirmed else "denied"):
        return facts, m.Done()
    ticket = _live_cut_ticket(facts, message.ticket_id)
    if ticket.meter_verdict != "asked":
        raise Refused("NotWaiting", "nobody is unsure of the meter now", field="ticket_id", rule="R-19", clause="II.7")
    at = happened_at(message.at, now, "at")
    red = facts.red
    served_by = red.delivered_by if red else facts.account.reader
    if message.actor.id != served_by:
        if message.substitute_named_by is None:
            raise Refused(
                "NotAllowed",
                f"the reader who served the notice ({served_by}) verifies, or a substitute whom the team leader names",
                field="substitute_named_by",
                rule="R-19",
                clause="II.7",
            )
        check_actor(facts, message.substitute_named_by, ("team_leader",))
        if message.substitute_named_by.id == message.actor.id:
            raise Refused(
                "SamePerson", "nobody names himself as the substitute", field="substitute_named_by.id", clause="II.7"
            )
    facts = facts.with_ticket(ticket.ticket_id, meter_verdict="confirmed" if confirmed else "denied")
    facts = facts.noted(
        now,
        "meter.verified",
        "R-19",
        "II.7",
        at=at,
        actor=message.actor,
        about=ticket.ticket_id,
        meter_id=message.meter_id,
        confirmed=confirmed,
        substitute_named_by=message.substitute_named_by.id if message.substitute_named_by else None,
    )
    if confirmed:
        return facts, m.Done()
    facts, _ = open_incident(
        facts,
        now,
        "wrong_meter",
        at,
        actor_name(message.actor),
        f"表号 {message.meter_id} 现场核实不符，停电终止",
        f"meter {message.meter_id} turned out not to be the right one; the attempt has ended",
    )
    facts = end_attempt(facts, now, "the meter is not the right one", counted=False)
    return facts.but(needs_person="the meter is not the right one"), m.Done()


# ---- restored ---------------------------------------------------------------------------------


def report_restored(facts: CaseFacts, message: m.ReportRestored, now: datetime) -> tuple[CaseFacts, m.Done]:
    """Supply is back. What happened is recorded; only the field unit's word ends the darkness (R-25)."""
    at = min(message.at or now, now)
    cut = next((c for c in facts.cuts if c.restore_ticket == message.ticket_id), None)
    if cut is None and len(facts.cuts_off) == 1:
        cut = facts.cuts_off[0]
    believed = at if cut is None or at >= cut.at else now  # a time before the cut cannot be true
    ours = message.actor.role == "field_crew" and message.actor.unit in _units_with(facts, cut, believed)
    if cut is not None and not cut.off:
        return facts, m.Done()
    if cut is None or not ours:
        facts = facts.noted(
            now,
            "supply.reported",
            "R-25",
            "III.3",
            at=at,
            actor=message.actor,
            about=message.ticket_id,
            counts=False,
        )
        return facts, m.Done()
    at = believed
    # A dark meter may have been found, and our own cut of it reported later: one light ends both.
    for dark in facts.cuts_off:
        if dark.meter_id == cut.meter_id and dark.at <= at:
            facts = _lit_again(facts, dark, message, at, now)
    if not facts.cuts_off and facts.in_arrears and facts.withdrawn is None:
        facts = facts.but(stage="red_notice" if facts.red or _had_red(facts) else "yellow_notice")
    return facts, m.Done()


def _units_with(facts: CaseFacts, cut: Cut | None, at: datetime) -> set[str | None]:
    """The account's field unit, and one that had the ticket then and has passed it on since."""
    ticket = facts.ticket(cut.restore_ticket) if cut else None
    former = {p.field_unit for p in ticket.passed_on if at <= p.until} if ticket else set()
    return {None, facts.account.field_unit, *former}


def _lit_again(facts: CaseFacts, cut: Cut, message: m.ReportRestored, at: datetime, now: datetime) -> CaseFacts:
    """Supply of this cut is back; later than it was due is a breach, whenever it is learned (R-26)."""
    due = cut.restore_due_by
    facts = facts.with_cut(cut.cut_id, restored_at=at)
    if facts.ticket(cut.restore_ticket):
        facts = facts.with_ticket(cut.restore_ticket, state="done", done_at=at)
    facts = facts.noted(
        now,
        "supply.restored",
        "R-25",
        "III.3",
        at=at,
        actor=message.actor,
        about=cut.restore_ticket,
        meter_id=cut.meter_id,
        since=cut.restore_since,
        due_by=due,
        in_time=due is None or at <= due,
        reading=message.meter_reading,
    )
    facts = close_escalations(facts, about=cut.cut_id)
    return lit_too_late(facts, now, cut, due, at)


def _had_red(facts: CaseFacts) -> bool:
    """A red notice has been issued since the standing yellow one: the march goes on from there."""
    yellow = facts.yellow
    return yellow is not None and any(n.kind == "red" and n.issued_at >= yellow.issued_at for n in facts.notices)


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
