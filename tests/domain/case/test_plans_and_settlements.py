"""Bills settled beside a plan that was to restore supply, or has restored it: the settlement counts (P2, R-25)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.case.billing_answers import with_debt
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.restoration import bills_restored_by_plan, paid_beside_a_plan
from domain.money.debt import BillPayment, DebtQuery
from tests.support.one_life import CUT, DAY, HOUR, MINUTE, PLAN, facts, whats

AGREED = CUT.at + 10 * HOUR


def planned(*agreed: datetime) -> CaseFacts:
    """Cut, and then a plan was agreed, or another after another."""
    case = facts(cuts=(CUT,), stage="disconnected")
    for number, at in enumerate(agreed):
        due = tuple(i.model_copy(update={"due": (at + 30 * DAY).date()}) for i in PLAN.instalments)
        plan = PLAN.model_copy(update={"plan_id": f"pl-{number}", "agreed_at": at, "instalments": due})
        case = settle(case.but(plan=plan), at)
    return case


def told_of(case: CaseFacts, paid_at: datetime, now: datetime) -> CaseFacts:
    """Billing reports now that all was paid then."""
    (bill,) = case.debt.bills
    payment = BillPayment(payment_id="P-1", amount=bill.amount, paid_at=paid_at)
    answer = case.debt.model_copy(
        update={
            "bills": (bill.model_copy(update={"payments": (payment,)}),),
            "paid_total": case.debt.paid_total + bill.amount,
            "as_of": now,
        }
    )
    bills = {*case.query_bills(), *bills_restored_by_plan(case)}
    query = DebtQuery(account_id=answer.account_id, as_of=now, bills=tuple(sorted(bills)))
    return settle(paid_beside_a_plan(with_debt(case, query, answer, now, case.hints), now), now)


@pytest.mark.parametrize("agreed", [(AGREED,), (AGREED, AGREED + 2 * HOUR)], ids=["one plan", "a second plan"])
def test_the_24_hours_run_from_a_settlement_before_the_plan(agreed: tuple[datetime, ...]) -> None:
    after = told_of(planned(*agreed), CUT.at + 2 * HOUR, AGREED + 3 * HOUR)
    assert after.cuts[0].restore_since == CUT.at + 2 * HOUR
    assert after.cuts[0].restore_due_by == CUT.at + 26 * HOUR


@pytest.mark.parametrize("agreed", [(AGREED,), (AGREED, AGREED + 2 * HOUR)], ids=["one plan", "a second plan"])
@pytest.mark.parametrize("lit", [False, True], ids=["cut off", "restored"])
def test_a_settlement_before_the_switch_is_an_incident(agreed: tuple[datetime, ...], lit: bool) -> None:
    case = planned(*agreed)
    if lit:
        case = case.with_cut("cut-1", restored_at=AGREED + 2 * HOUR)
    after = told_of(case, CUT.at - HOUR, AGREED + 3 * HOUR)
    assert [i.kind for i in after.incidents] == ["cut_after_settlement"]


@pytest.mark.parametrize(("lit_after", "late"), [(13 * HOUR, False), (15 * HOUR, True)])
def test_a_restoration_by_the_plan_was_too_late_if_the_settlement_came_a_day_before_it(
    lit_after: timedelta, late: bool
) -> None:
    """P3, R-26: within a day of the plan it was in time; from the settlement, learned of afterwards, it was not."""
    case = planned(AGREED).with_cut("cut-1", restored_at=AGREED + lit_after)
    after = told_of(case, CUT.at + MINUTE, AGREED + DAY)
    assert [i.kind for i in after.incidents] == (["restoration_breach"] if late else [])
    assert whats(case, after).count("restore.breached") == late
    assert after.cuts[0].settled_at == CUT.at + MINUTE


def test_what_is_paid_after_the_restoration_by_the_plan_says_nothing_of_the_cut() -> None:
    case = planned(AGREED).with_cut("cut-1", restored_at=AGREED + 2 * HOUR)
    after = told_of(case, AGREED + 4 * HOUR, AGREED + 5 * HOUR)
    assert "debt.settled" not in whats(case, after)
    assert after.incidents == ()
    assert after.cuts[0].settled_at == AGREED


@pytest.mark.parametrize("paid", [AGREED, AGREED + HOUR])
def test_a_settlement_is_on_record_once(paid: datetime) -> None:
    """At the very moment of the plan, or after it: the clock started earlier stays."""
    case = planned(AGREED)
    after = told_of(case, paid, AGREED + 2 * HOUR)
    again = told_of(after.but(debt=case.debt), paid, AGREED + 2 * HOUR + timedelta(minutes=1))
    assert [e.what for e in again.journal].count("debt.settled") == 1
    assert again.cuts[0].restore_since == AGREED
    assert again.debt.owed == Decimal("0.00")
