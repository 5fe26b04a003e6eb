"""Rulings on promises and instalment plans (I.3)."""

from datetime import datetime, timedelta

from domain.case.attempt import revoke_permit
from domain.case.checks import check_actor
from domain.case.entities import Plan, Promise
from domain.case.facts import CaseFacts
from domain.case.willingness import agreed_on
from domain.contract import updates as m
from domain.contract.answers import Done
from domain.contract.refusals import Refused
from domain.law import clock
from domain.record.reasons import because


def record_promise(facts: CaseFacts, message: m.RecordPromise, now: datetime) -> tuple[CaseFacts, Done]:
    """The customer promises an amount by a date: the procedure stops until it is kept or broken (R-04)."""
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
        on=agreed_on(facts),
    )
    facts = facts.but(promise=promise, offer_due=False)
    facts = facts.noted(
        now,
        "promise.made",
        actor=message.actor,
        about=message.promise_id,
        amount=message.amount,
        until=str(message.until),
    )
    return revoke_permit(facts, now, because("promise_made")), Done()


def agree_plan(facts: CaseFacts, message: m.AgreePlan, now: datetime) -> tuple[CaseFacts, Done]:
    """Instalments are agreed: the procedure stops, and supply comes back if the policy says so (R-04, R-24)."""
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
    latest = today + timedelta(days=facts.policy.max_plan_days)
    too_late = next((n for n, i in enumerate(message.instalments) if i.due > latest), None)
    if facts.present_since and too_late is not None:
        raise Refused(
            "TooLate",
            f"a plan may run until {latest} at most",
            field=f"instalments.{too_late}.due",
            rule="R-04",
            clause="I.3",
        )
    plan = Plan(
        plan_id=message.plan_id,
        instalments=message.instalments,
        agreed_at=now,
        paid_before=facts.debt.paid_total,
        on=agreed_on(facts),
    )
    facts = facts.but(plan=plan, offer_due=False)
    facts = facts.noted(
        now,
        "plan.agreed",
        actor=message.actor,
        about=message.plan_id,
        instalments=tuple(f"{i.due} {i.amount}" for i in message.instalments),
    )
    return revoke_permit(facts, now, because("plan_agreed")), Done()


def _must_owe(facts: CaseFacts) -> None:
    if not facts.in_arrears or facts.withdrawn:
        raise Refused("NotWaiting", "nothing overdue is owed", rule="R-04", clause="I.3")
