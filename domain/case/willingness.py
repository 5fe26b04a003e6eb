"""Promises and plans: the bills they are measured on, what was paid on these since, whether they are kept (R-04)."""

from datetime import date, datetime
from decimal import Decimal

from domain.case import due_times
from domain.case.entities import Agreed, AgreedBill, Plan, Promise
from domain.case.facts import CaseFacts
from domain.law import clock

_NOTHING = Decimal("0.00")


def agreed_on(facts: CaseFacts) -> Agreed | None:
    """What a promise or plan that is agreed now is measured on: the bills in arrears, as billing last listed them."""
    if facts.present_since is None:
        return None
    bills = (AgreedBill(bill_id=b.bill_id, due_date=b.due_date, payments=b.payments) for b in facts.arrears)
    return Agreed(bills=tuple(bills), others=tuple(b.bill_id for b in facts.debt.bills if b.outstanding <= 0))


# ---- judging ----------------------------------------------------------------------------------


def promise_is_judged(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Kept once the payments since reach the amount; broken if billing, asked after its day, says otherwise."""
    promise, end = facts.promise, due_times.promise_end(facts)
    if promise is None or end is None or not _covered(facts, promise):
        return facts
    paid = paid_since(facts, promise)
    if paid >= promise.amount or _nothing_left(facts, promise):
        facts = facts.but(promise=promise.model_copy(update={"state": "kept"}))
        return facts.noted(now, "promise.kept", about=promise.promise_id, paid=paid)
    if end <= facts.debt_read_at:
        facts = facts.but(promise=promise.model_copy(update={"state": "broken"}))
        return facts.noted(now, "promise.broken", at=end, about=promise.promise_id, paid=paid)
    return facts


def plan_is_judged(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Each instalment is judged by the running sum at the end of its day; the last one keeps the plan."""
    plan = facts.plan
    if plan is None or plan.state != "open" or not _covered(facts, plan):
        return facts
    paid = paid_since(facts, plan)
    if paid >= sum(i.amount for i in plan.instalments) or _nothing_left(facts, plan):
        facts = facts.but(plan=plan.model_copy(update={"state": "kept"}))
        return facts.noted(now, "plan.kept", about=plan.plan_id, paid=paid)
    due = sum(i.amount for i, end in due_times.instalments_due(facts) if end <= facts.debt_read_at)
    if paid < due:
        facts = facts.but(plan=plan.model_copy(update={"state": "broken"}))
        return facts.noted(now, "plan.broken", about=plan.plan_id, paid=paid, due=due)
    return facts


def paid_since(facts: CaseFacts, arrangement: Promise | Plan) -> Decimal:
    """What billing has booked to the bills of a promise or plan since it was agreed, less what was taken back of that.

    A payment counts by what it has on these bills more than it had then. One that had been there, and bounced, or that
    lies on another bill, changes nothing.
    """
    if arrangement.on is None:
        return facts.debt.paid_total - arrangement.paid_before
    since: dict[str, Decimal] = {}
    tracked = {b.bill_id for b in arrangement.on.bills}
    for bill in facts.debt.bills:
        for payment in bill.payments if bill.bill_id in tracked else ():
            since[payment.payment_id] = since.get(payment.payment_id, _NOTHING) + payment.amount
    for agreed in arrangement.on.bills:
        for payment in agreed.payments:
            since[payment.payment_id] = since.get(payment.payment_id, _NOTHING) - payment.amount
    return sum((amount for amount in since.values() if amount > 0), _NOTHING)


def _covered(facts: CaseFacts, arrangement: Promise | Plan) -> bool:
    """Whether billing's last answer speaks of every bill of it: one in flight when it was agreed may not."""
    if arrangement.on is None:
        return True
    spoken_of = {*facts.debt_asked, *(b.bill_id for b in facts.debt.bills)}
    return all(b.bill_id in spoken_of for b in arrangement.on.bills)


def _nothing_left(facts: CaseFacts, arrangement: Promise | Plan) -> bool:
    """Its bills owe nothing above what may stay unpaid."""
    if arrangement.on is None:
        return False
    left = facts.outstanding(tuple(b.bill_id for b in arrangement.on.bills))
    return left <= facts.may_stay_unpaid(facts.policy)


# ---- a bill that replaces a cancelled one -----------------------------------------------------


def with_replaced_bills(facts: CaseFacts) -> CaseFacts:
    """Open promises and plans, once billing has answered: a bill that replaces a cancelled one takes its place."""
    promise, plan = facts.promise, facts.plan
    if promise and promise.state == "open" and (on := _with_replacements(facts, promise.on, promise.made_at)):
        facts = facts.but(promise=promise.model_copy(update={"on": on}))
    if plan and plan.state == "open" and (on := _with_replacements(facts, plan.on, plan.agreed_at)):
        facts = facts.but(plan=plan.model_copy(update={"on": on}))
    return facts


def _with_replacements(facts: CaseFacts, on: Agreed | None, agreed_at: datetime) -> Agreed | None:
    found = _replacements(facts, on, clock.local_day(agreed_at, facts.policy)) if on else ()
    return on.model_copy(update={"bills": (*on.bills, *found)}) if on and found else None


def _replacements(facts: CaseFacts, on: Agreed, day: date) -> tuple[AgreedBill, ...]:
    """What stands for bills that are cancelled; billing names no successor.

    It is what is new and fell due on the same day, else one that fell due before the agreement, on `day`. It was not
    there then, and no bill of the ordinary course appears with so old a due date.
    """
    listed, known = {b.bill_id for b in facts.debt.bills}, {*on.others, *(b.bill_id for b in on.bills)}
    replaced = {b.replaces for b in on.bills}
    new = [b for b in facts.debt.bills if b.bill_id not in known]
    found: list[AgreedBill] = []
    for cancelled in on.bills:
        if cancelled.bill_id in listed or cancelled.bill_id in replaced or cancelled.bill_id not in facts.debt_asked:
            continue
        left = [b for b in new if b.bill_id not in {f.bill_id for f in found}]
        same_day = [b for b in left if b.due_date == cancelled.due_date]
        older = [b for b in left if b.due_date < day]
        for bill in same_day or older[:1]:
            found.append(AgreedBill(bill_id=bill.bill_id, due_date=bill.due_date, replaces=cancelled.bill_id))
    return tuple(found)
