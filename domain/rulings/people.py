"""Updates by which people steer a case: promises, plans, a delay, serving again, reassigning, withdrawing."""

from datetime import datetime, timedelta

from domain import clock
from domain import messages as m
from domain.attempt import end_attempt, recall_cut_ticket, revoke_permit, void_notice
from domain.facts import CaseFacts, PassedOn, Plan, Promise, Withdrawal
from domain.model import Role
from domain.refusal import Refused, check_actor, happened_at
from domain.terms import terms


def record_promise(facts: CaseFacts, message: m.RecordPromise, now: datetime) -> tuple[CaseFacts, m.Done]:
    """The customer promises an amount by a date: the march stops until it is kept or broken (R-04)."""
    check_actor(facts, message.actor, ("reader", "team_leader"))
    _must_owe(facts)
    today = clock.local_day(now, facts.policy)
    if message.until < today:
        raise Refused("TooEarly", f"until lies before today, {today}", field="until", rule="R-04", clause="I.3")
    latest = today + timedelta(days=facts.policy.max_promise_days)
    if message.until > latest:
        raise Refused("TooLate", f"a promise may run until {latest} at most", field="until", rule="R-04", clause="I.3")
    promise = Promise(
        promise_id=message.promise_id,
        amount=message.amount,
        until=message.until,
        made_at=now,
        paid_before=facts.debt.paid_total,
    )
    facts = facts.but(promise=promise, offer_due=False)
    facts = facts.noted(
        now,
        "promise.made",
        "R-04",
        "I.3",
        actor=message.actor,
        about=message.promise_id,
        amount=message.amount,
        until=str(message.until),
    )
    return revoke_permit(facts, now, "the customer has promised to pay"), m.Done()


def agree_plan(facts: CaseFacts, message: m.AgreePlan, now: datetime) -> tuple[CaseFacts, m.Done]:
    """Instalments are agreed: the march stops, and supply comes back if the policy says so (R-04, R-24)."""
    check_actor(facts, message.actor, ("team_leader", "centre_director"))
    _must_owe(facts)
    if message.total < facts.debt.owed:
        raise Refused(
            "BadRequest",
            f"the instalments sum to {message.total}, less than the {facts.debt.owed} owed",
            field="instalments",
            rule="R-04",
            clause="I.3",
        )
    today = clock.local_day(now, facts.policy)
    if message.instalments[0].due < today:
        raise Refused(
            "TooEarly", f"the first instalment lies before today, {today}", field="instalments.0.due", clause="I.3"
        )
    plan = Plan(
        plan_id=message.plan_id,
        instalments=message.instalments,
        agreed_at=now,
        paid_before=facts.debt.paid_total,
    )
    facts = facts.but(plan=plan, offer_due=False)
    facts = facts.noted(
        now,
        "plan.agreed",
        "R-04",
        "I.3",
        actor=message.actor,
        about=message.plan_id,
        instalments=tuple(f"{i.due} {i.amount}" for i in message.instalments),
    )
    return revoke_permit(facts, now, "a plan is agreed"), m.Done()


def declare_delay(facts: CaseFacts, message: m.DeclareDelay, now: datetime) -> tuple[CaseFacts, m.Done]:
    """Restoration may last to the end of the day after settlement, customer and leader having been told (R-26)."""
    check_actor(facts, message.actor, ("team_leader", "centre_director"))
    happened_at(message.customer_told_at, now, "customer_told_at")
    happened_at(message.leader_told_at, now, "leader_told_at")
    waiting = [c for c in facts.cuts_off if c.restore_since is not None]
    if not waiting:
        raise Refused("NotWaiting", "no restoration is due", rule="R-26", clause="III.3")
    in_time = [c for c in waiting if c.restore_since and now < clock.restore_due(c.restore_since, terms(facts, c))]
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
            "R-26",
            "III.3",
            actor=message.actor,
            about=cut.restore_ticket,
            reason=message.reason,
            customer_told_at=message.customer_told_at,
            customer_told_how=message.customer_told_how,
            leader=message.leader,
            leader_told_at=message.leader_told_at,
            until=clock.exception_end(cut.restore_since, facts.policy),
        )
    return facts, m.Done()


def serve_again(facts: CaseFacts, message: m.ServeAgain, now: datetime) -> tuple[CaseFacts, m.Done]:
    """A person gives up this attempt and has a new time planned; the count of attempts starts anew (R-07)."""
    check_actor(facts, message.actor, ("reader", "team_leader"))
    red, yellow = facts.red, facts.yellow
    undelivered_yellow = yellow is not None and not yellow.served
    if facts.cuts_off or facts.withdrawn or (red is None and not undelivered_yellow and facts.needs_person is None):
        raise Refused("NotWaiting", "there is no attempt to give up", rule="R-07", clause="II.2")
    facts = facts.noted(now, "serve_again.requested", "R-07", "II.2", actor=message.actor, reason=message.reason)
    reason = f"served again: {message.reason}"
    if red is not None:
        facts = end_attempt(facts, now, reason, counted=False)
    elif yellow is not None and undelivered_yellow and facts.needs_person is None:
        facts = void_notice(facts, yellow.notice_id, now, reason, counted=False)
    return facts.but(needs_person=None, voids_in_a_row={}), m.Done()


def reassign(facts: CaseFacts, message: m.Reassign, now: datetime) -> tuple[CaseFacts, m.Done]:
    """Another reader, leader or field unit takes over; a ticket that is out moves and must be acknowledged anew."""
    check_actor(facts, message.actor, ("team_leader", "centre_director"))
    before = getattr(facts.account, message.role)
    if before == message.to:
        return facts, m.Done()
    if message.role == "field_unit":
        facts = revoke_permit(facts, now, "another field unit takes over")
        for ticket in facts.tickets:
            if ticket.live:
                facts = facts.told(
                    now,
                    "field_crew",
                    "ticket taken over",
                    f"工作票 {ticket.ticket_id} 已转交 {message.to}，你方不得再操作（表号 {ticket.meter_id}）。",
                    f"Ticket {ticket.ticket_id} now belongs to {message.to}: leave meter {ticket.meter_id} alone.",
                    about=ticket.ticket_id,
                )
    facts = facts.but(account=facts.account.model_copy(update={message.role: message.to}))
    facts = facts.noted(
        now, "reassigned", "R-30", "II.2", actor=message.actor, role=message.role, to=message.to, before=before
    )
    if message.role == "field_unit":
        for ticket in facts.tickets:
            if ticket.live:
                facts = facts.with_ticket(
                    ticket.ticket_id,
                    field_unit=message.to,
                    state="sent",
                    acknowledged_at=None,
                )
                facts = _told_of_transfer(facts, now, "field_crew", ticket.ticket_id)
    else:
        facts = _told_of_transfer(facts, now, message.role, facts.account.account_id)
    return facts, m.Done()


def passing_on(before: CaseFacts, facts: CaseFacts, now: datetime) -> CaseFacts:
    """The tickets know who had them: a light brought by the former unit counts, if it was before the change (R-25)."""
    for ticket in before.tickets:
        after = facts.ticket(ticket.ticket_id)
        if after and after.field_unit != ticket.field_unit:
            passed_on = (*ticket.passed_on, PassedOn(field_unit=ticket.field_unit, until=now))
            facts = facts.with_ticket(ticket.ticket_id, passed_on=passed_on)
    return facts


def _told_of_transfer(facts: CaseFacts, now: datetime, role: Role, about: str) -> CaseFacts:
    account = facts.account.account_id
    return facts.told(
        now,
        role,
        "reassigned to you",
        f"户号 {account} 的催费事项（{about}）现由你方负责，请查看待办并确认。",
        f"Account {account} ({about}) is now yours: look at your worklist and acknowledge.",
        about=about,
    )


def close_incident(facts: CaseFacts, message: m.CloseIncident, now: datetime) -> tuple[CaseFacts, m.Done]:
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
        "R-28",
        "III.4",
        actor=message.actor,
        about=incident.incident_id,
        outcome=message.outcome,
    ), m.Done()


def withdraw(facts: CaseFacts, message: m.Withdraw, now: datetime) -> tuple[CaseFacts, m.Done]:
    """End the case without a cut, or restore if cut (R-25: the 24 hours run from this message)."""
    check_actor(facts, message.actor, ("centre_director",))
    if facts.withdrawn:
        raise Refused("NotWaiting", "the case is withdrawn already", clause="I.3")
    facts = facts.but(withdrawn=Withdrawal(reason=message.reason, at=now), needs_person=None)
    facts = facts.noted(now, "withdrawn", "R-04", "I.3", actor=message.actor, reason=message.reason)
    facts = recall_cut_ticket(facts, now, "the case was withdrawn")
    for notice in (facts.red, facts.yellow):
        if notice is not None:
            facts = void_notice(facts, notice.notice_id, now, "withdrawn", counted=False, reported=False)
    return facts, m.Done()


def _must_owe(facts: CaseFacts) -> None:
    if not facts.in_arrears or facts.withdrawn:
        raise Refused("NotWaiting", "nothing overdue is owed", rule="R-04", clause="I.3")
