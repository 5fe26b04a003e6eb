"""R-04 without Temporal: what counts as paid on a promise or plan, and when it is kept or broken."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.case.billing_answers import with_debt
from domain.case.facts import CaseFacts
from domain.case.rulings import UPDATE_RULINGS
from domain.case.willingness import agreed_on, paid_since, plan_is_judged, promise_is_judged
from domain.contract import updates as m
from domain.contract.refusals import Refused
from domain.contract.updates import Instalment
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery
from domain.vocabulary import Actor
from tests.support.one_life import DAY, OLD, OPENED, PLAN, PROMISE, YOUNG, facts

LEADER = Actor(id="t-1", role="team_leader")
FIRST, SECOND = PLAN.instalments[0].due, PLAN.instalments[1].due


def bill(bill_id: str, amount: str, due: date = OLD, **paid: str) -> BillDebt:
    """A bill with its payments, by id and amount."""
    booked = (BillPayment(payment_id=i, amount=Decimal(a), paid_at=OPENED) for i, a in paid.items())
    return BillDebt(bill_id=bill_id, amount=Decimal(amount), due_date=due, payments=tuple(booked))


def answer(*bills: BillDebt, read: datetime = OPENED) -> AccountDebt:
    paid = sum((p.amount for b in bills for p in b.payments), Decimal("0.00"))
    return AccountDebt(account_id="A-1", as_of=read, bills=bills, paid_total=paid)


def agreed(*bills: BillDebt, **changes: Any) -> CaseFacts:
    """A promise and a plan, agreed when billing said so."""
    before = facts(present_since=OPENED, debt=answer(*bills), **changes)
    on, paid = agreed_on(before), before.debt.paid_total
    both = {"on": on, "paid_before": paid}
    return before.but(plan=PLAN.model_copy(update=both), promise=PROMISE.model_copy(update=both))


def after(before: CaseFacts, *bills: BillDebt, day: date = FIRST, past: bool = False) -> CaseFacts:
    """Billing has answered, on that day or after it is past."""
    read = datetime.combine(day + timedelta(days=1 if past else 0), OPENED.timetz())
    query = DebtQuery(account_id="A-1", as_of=read, bills=before.query_bills())
    return with_debt(before, query, answer(*bills, read=read), read, before.hints)


B1 = bill("B-1", "200.00")
STATES: list[Any] = [
    ("nothing paid", (B1,), (B1,), "open"),
    ("nothing paid in time", (B1,), (B1, "past"), "broken"),
    ("the first part", (B1,), (bill("B-1", "200.00", a="100.00"), "past"), "open"),
    ("all of it", (B1,), (bill("B-1", "200.00", a="200.00"),), "kept"),
    ("all but a trifle", (B1,), (bill("B-1", "200.00", a="190.01"),), "kept"),
    ("all but ten yuan", (B1,), (bill("B-1", "200.00", a="190.00"),), "open"),
    ("paid for another bill", (B1,), (B1, bill("B-9", "300.00", YOUNG, a="300.00"), "past"), "broken"),
    ("an older payment bounces", (bill("B-1", "200.00", old="50.00"),),
     (bill("B-1", "200.00", a="100.00"), "past"), "open"),
    ("an older payment does not count", (bill("B-1", "300.00", old="100.00"),),
     (bill("B-1", "300.00", old="100.00"), "past"), "broken"),
    ("an older payment moved between its bills", (bill("B-1", "200.00", old="50.00"), bill("B-2", "90.00", YOUNG)),
     (bill("B-1", "200.00"), bill("B-2", "90.00", YOUNG, old="50.00"), "past"), "broken"),
    ("one of two bills paid whole", (bill("B-1", "100.00"), bill("B-2", "100.00", YOUNG)),
     (bill("B-1", "100.00", a="100.00"), bill("B-2", "100.00", YOUNG), "past"), "open"),
    ("cancelled", (B1,), (), "kept"),
    ("replaced", (B1,), (bill("B-1a", "180.00"),), "open"),
    ("replaced, nothing paid in time", (B1,), (bill("B-1a", "180.00"), "past"), "broken"),
    ("replaced, and the first part paid", (B1,), (bill("B-1a", "180.00", a="100.00"), "past"), "open"),
    ("replaced by two of that day", (B1,), (bill("B-1a", "80.00", a="80.00"), bill("B-1b", "100.00")), "open"),
    ("replaced by one of another day", (B1,), (bill("B-1a", "180.00", YOUNG), "past"), "broken"),
    ("replaced, beside an older bill that is open again", (B1,),
     (bill("B-0", "90.00", OLD - 30 * DAY, a="90.00"), bill("B-1a", "180.00"), "past"), "broken"),
    ("a new bill of the ordinary course", (B1,),
     (bill("B-1", "200.00", a="200.00"), bill("B-3", "80.00", FIRST - 5 * DAY)), "kept"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "then", "state"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_a_plan_is_measured_on_its_bills(before: tuple[BillDebt, ...], then: tuple[Any, ...], state: str) -> None:
    bills = [b for b in then if b != "past"]
    plan = plan_is_judged(after(agreed(*before), *bills, past="past" in then), OPENED).plan
    assert plan is not None
    assert plan.state == state


def test_a_payment_of_the_plan_that_bounces_breaks_it_where_a_day_has_passed() -> None:
    paid = after(agreed(B1), bill("B-1", "200.00", a="100.00"), past=True)
    assert paid_since(paid, paid.plan or PLAN) == 100
    bounced = plan_is_judged(after(plan_is_judged(paid, OPENED), B1, past=True), OPENED)
    assert bounced.plan is not None
    assert bounced.plan.state == "broken"


def test_a_promise_is_measured_on_its_bills() -> None:
    case = agreed(bill("B-1", "200.00", old="50.00"))
    beside = promise_is_judged(after(case, bill("B-1", "200.00"), bill("B-9", "90.00", YOUNG, b="90.00")), OPENED)
    assert beside.promise is not None
    assert beside.promise.state == "open"
    kept = promise_is_judged(after(case, bill("B-1", "200.00", a="50.00")), OPENED)
    assert kept.promise is not None
    assert kept.promise.state == "kept"


def test_an_answer_that_does_not_speak_of_its_bills_judges_nothing() -> None:
    """One that was asked for before the agreement."""
    case = agreed(bill("B-1", "100.00"), bill("B-2", "100.00", YOUNG))
    late = datetime.combine(SECOND + DAY, OPENED.timetz())
    query = DebtQuery(account_id="A-1", as_of=late)
    seen = with_debt(case, query, answer(bill("B-2", "100.00", YOUNG), read=late), late, case.hints)
    assert plan_is_judged(seen, late).plan == seen.plan


def test_one_agreed_before_the_rules_is_measured_on_the_whole_account() -> None:
    case = facts(present_since=OPENED, debt=answer(B1), plan=PLAN)
    beside = plan_is_judged(after(case, B1, bill("B-9", "300.00", YOUNG, b="300.00")), OPENED)
    assert beside.plan is not None
    assert beside.plan.state == "kept"


@pytest.mark.parametrize(("days", "policy"), [(366, Policy()), (60, Policy(name="short", max_plan_days=60))])
def test_a_plan_ends_within_its_days(days: int, policy: Policy) -> None:
    case = facts(present_since=OPENED, policy=policy)

    def agree(until: int) -> None:
        parts = (
            Instalment(due=OPENED.date() + DAY, amount=Decimal("100.00")),
            Instalment(due=OPENED.date() + until * DAY, amount=Decimal("100.00")),
        )
        message = m.AgreePlan(plan_id="pl-2", instalments=parts, actor=LEADER)
        UPDATE_RULINGS["agree_plan"](case, message, OPENED)

    agree(days)
    with pytest.raises(Refused) as refused:
        agree(days + 1)
    assert (refused.value.type, refused.value.details["field"]) == ("TooLate", "instalments.1.due")
