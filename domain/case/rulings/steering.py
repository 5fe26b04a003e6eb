"""Rulings by which people steer a case: serve again, reassign, close an incident, withdraw."""

from datetime import datetime

from domain.case.attempt import end_attempt, recall_cut_ticket, revoke_permit, void_notice
from domain.case.checks import check_actor
from domain.case.entities import PassedOn, Withdrawal
from domain.case.facts import CaseFacts
from domain.case.identity import same
from domain.contract import updates as m
from domain.contract.answers import Done
from domain.contract.refusals import Refused
from domain.record.reasons import because
from domain.record.subjects import subject
from domain.vocabulary import Role


def serve_again(facts: CaseFacts, message: m.ServeAgain, now: datetime) -> tuple[CaseFacts, Done]:
    """A person gives up this attempt and has a new time planned; every count of attempts starts anew (R-07, R-32)."""
    check_actor(facts, message.actor, ("reader", "team_leader"))
    red, yellow = facts.red, facts.yellow
    undelivered_yellow = yellow is not None and not yellow.served
    if facts.cuts_off or facts.withdrawn or (red is None and not undelivered_yellow and facts.needs_person is None):
        raise Refused("NotWaiting", "there is no attempt to give up", rule="R-07", clause="II.2")
    facts = facts.noted(now, "serve_again.requested", actor=message.actor, reason=message.reason)
    reason = because("served_again", remark=message.reason)
    if red is not None:
        facts = end_attempt(facts, now, reason, counted=False)
    elif yellow is not None and undelivered_yellow and facts.needs_person is None:
        facts = void_notice(facts, yellow.notice_id, now, reason, counted=False)
    records = facts.records.model_copy(update={"attempts_ended": 0})
    return facts.but(needs_person=None, voids_in_a_row={}, records=records), Done()


def reassign(facts: CaseFacts, message: m.Reassign, now: datetime) -> tuple[CaseFacts, Done]:
    """Another reader, leader or field unit takes over; a ticket that is out moves and must be acknowledged anew."""
    check_actor(facts, message.actor, ("team_leader", "centre_director"))
    before = getattr(facts.account, message.role)
    if same(facts, before, message.to):
        return facts, Done()
    if message.role == "field_unit":
        facts = revoke_permit(facts, now, because("another_unit"))
        for ticket in facts.tickets:
            if ticket.live:
                facts = facts.notified(
                    now,
                    "field_crew",
                    subject("ticket_taken_over"),
                    f"工作票 {ticket.ticket_id} 已转交 {message.to}，你方不得再操作（表号 {ticket.meter_id}）。",
                    f"Ticket {ticket.ticket_id} now belongs to {message.to}: leave meter {ticket.meter_id} alone.",
                    about=ticket.ticket_id,
                )
    facts = facts.but(account=facts.account.model_copy(update={message.role: message.to}))
    facts = facts.noted(now, "reassigned", actor=message.actor, role=message.role, to=message.to, before=before)
    if message.role == "field_unit":
        for ticket in facts.tickets:
            if ticket.live:
                facts = facts.with_ticket(
                    ticket.ticket_id,
                    field_unit=message.to,
                    state="sent",
                    acknowledged_at=None,
                )
                facts = notify_of_transfer(facts, now, "field_crew", ticket.ticket_id)
    else:
        facts = notify_of_transfer(facts, now, message.role, facts.account.account_id)
    return facts, Done()


def passing_on(before: CaseFacts, facts: CaseFacts, now: datetime) -> CaseFacts:
    """The tickets know who had them: a restoration by the former unit counts, if it was before the change (R-25)."""
    for ticket in before.tickets:
        after = facts.ticket(ticket.ticket_id)
        if after and after.field_unit != ticket.field_unit:
            passed_on = (*ticket.passed_on, PassedOn(field_unit=ticket.field_unit, until=now))
            facts = facts.with_ticket(ticket.ticket_id, passed_on=passed_on)
    return facts


def notify_of_transfer(facts: CaseFacts, now: datetime, role: Role, about: str) -> CaseFacts:
    """Notify whoever the account names for this role that it is his now."""
    account = facts.account.account_id
    return facts.notified(
        now,
        role,
        subject("reassigned"),
        f"户号 {account} 的催费事项（{about}）现由你方负责，请查看待办并确认。",
        f"Account {account} ({about}) is now yours: look at your worklist and acknowledge.",
        about=about,
    )


def close_incident(facts: CaseFacts, message: m.CloseIncident, now: datetime) -> tuple[CaseFacts, Done]:
    """An incident has its outcome (R-28)."""
    check_actor(facts, message.actor, ("centre_director", "company_leader"))
    incident = next((i for i in facts.incidents if i.incident_id == message.incident_id), None)
    if incident is None:
        raise Refused(
            "UnknownIncident", f"this case has no incident {message.incident_id}", field="incident_id", clause="III.4"
        )
    if incident.outcome is not None:
        raise Refused("NotWaiting", "the incident is closed already", field="incident_id", clause="III.4")
    facts = facts.with_incident(incident.incident_id, outcome=message.outcome, closed_at=now)
    return facts.noted(
        now,
        "incident.closed",
        actor=message.actor,
        about=incident.incident_id,
        outcome=message.outcome,
    ), Done()


def withdraw(facts: CaseFacts, message: m.Withdraw, now: datetime) -> tuple[CaseFacts, Done]:
    """End the case without a cut, or restore if cut (R-25: the 24 hours run from this message)."""
    check_actor(facts, message.actor, ("centre_director",))
    if facts.withdrawn:
        raise Refused("NotWaiting", "the case is withdrawn already", clause="I.3")
    facts = facts.but(withdrawn=Withdrawal(reason=message.reason, at=now), needs_person=None)
    facts = facts.noted(now, "withdrawn", actor=message.actor, reason=message.reason)
    facts = recall_cut_ticket(facts, now, because("case_withdrawn"))
    for notice in (facts.red, facts.yellow):
        if notice is not None:
            facts = void_notice(facts, notice.notice_id, now, because("withdrawn"), counted=False, reported=False)
    return facts, Done()
