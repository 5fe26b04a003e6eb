"""Announced payments that billing's answers do not show: which are waited for, for how long, and how many."""

import time
from datetime import datetime
from decimal import Decimal

import pytest

from domain.case import announced_payments
from domain.case.billing_answers import with_debt
from domain.case.facts import CaseFacts
from domain.case.procedure import boundaries
from domain.case.rulings.signals import payment_received, payment_reversed
from domain.contract.signals import PaymentReceived, PaymentReversed
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery
from tests.support.one_life import CUT, HOUR, MINUTE, OLD, OWES, T, debt, facts, ready, whats


def announced(case: CaseFacts, payment_id: str, amount: str, now: datetime) -> CaseFacts:
    """The message of a payment has come."""
    return payment_received(case, PaymentReceived(payment_id=payment_id, amount=Decimal(amount)), now)


def answered(case: CaseFacts, answer: AccountDebt, now: datetime) -> CaseFacts:
    """Billing was asked after all that has been announced, and has answered so."""
    answer = answer.model_copy(update={"as_of": now})
    query = DebtQuery(account_id="A-1", as_of=now, bills=case.query_bills())
    unseen = announced_payments.unseen(case, answer, case.hints)
    after = with_debt(case, query, answer, now, case.hints)
    return announced_payments.awaited(after, unseen, now)


def asked_again(case: CaseFacts) -> list[datetime]:
    """When billing is to be asked for an announced payment."""
    return [at for at, why in boundaries(case) if "announced payment" in why]


def test_the_hour_runs_from_billings_first_answer_not_from_the_announcement() -> None:
    """P2: after an outage the books lag; its first answer is the first that could have shown the payment."""
    case = announced(ready(), "P-1", "200.00", T)
    back = T + 70 * MINUTE
    case = answered(case, OWES, back)
    assert announced_payments.would_settle(case)
    assert asked_again(case) == [back + n * MINUTE for n in (1, 5, 15, 60)]
    case = answered(case, OWES, back + 59 * MINUTE)
    assert announced_payments.would_settle(case)
    after = answered(case, OWES, back + 60 * MINUTE)
    assert not announced_payments.would_settle(after)
    assert asked_again(after) == []


def test_what_is_waited_for_and_what_no_longer_is_on_record() -> None:
    case = answered(announced(ready(), "P-1", "200.00", T), OWES, T)
    given_up = answered(case, OWES, T + HOUR)
    entries = [e for e in given_up.journal if e.what == "payment.unbooked"]
    assert [(e.about, e.detail["given_up"]) for e in entries] == [("P-1", False), ("P-1", True)]
    assert "payment.unbooked" not in whats(given_up, answered(given_up, OWES, T + 2 * HOUR))


def test_one_question_is_for_all_that_are_awaited() -> None:
    case = facts(cuts=(CUT,), stage="disconnected")
    for n in range(90):
        case = answered(announced(case, f"P-{n}", "200.00", T + n * MINUTE / 10), OWES, T + n * MINUTE / 10)
    assert len(case.unbooked) == 90
    assert len(asked_again(case)) == 4


def test_a_feeder_that_runs_wild_costs_little_and_the_latest_are_waited_for() -> None:
    """A workflow task that takes two seconds stops the case."""
    case = ready()
    for n in range(3000):
        case = announced(case, f"P-{n}", "0.01", T)
    case = answered(case, OWES, T)
    began = time.process_time()
    case = answered(case, OWES, T + MINUTE)
    assert time.process_time() - began < 0.2
    assert [p.payment_id for p in case.unbooked] == [f"P-{n}" for n in range(2900, 3000)]


def test_what_was_booked_for_a_bill_that_the_answer_does_not_list_is_waited_for_too() -> None:
    """P2: only the total shows it, and the total may have risen by another payment of the same amount."""
    case = announced(ready(), "P-1", "200.00", T)
    case = answered(case, OWES.model_copy(update={"paid_total": Decimal("200.00")}), T)
    assert announced_payments.would_settle(case)
    assert not announced_payments.would_settle(answered(case, OWES, T + HOUR))


def test_what_is_listed_is_not_taken_for_another_payment_too() -> None:
    case = announced(announced(ready(), "P-1", "50.00", T), "P-2", "150.00", T)
    first = BillPayment(payment_id="P-1", amount=Decimal("50.00"), paid_at=T)
    listed = AccountDebt(
        account_id="A-1",
        as_of=T,
        bills=(BillDebt(bill_id="B-1", amount=Decimal("200.00"), due_date=OLD, payments=(first,)),),
        paid_total=Decimal("50.00"),
    )
    case = answered(case, listed, T)
    assert [p.payment_id for p in case.unbooked] == ["P-2"]
    assert announced_payments.would_settle(case)


@pytest.mark.parametrize("rest_is_listed", [True, False])
def test_a_payment_spread_over_two_bills_explains_itself_and_no_other(rest_is_listed: bool) -> None:
    """P2: P-7 of 150 pays B-1 and half of another bill; P-8 of 50 is still on its way, and settles it."""
    part = BillPayment(payment_id="P-7", amount=Decimal("100.00"), paid_at=T)
    rest = part.model_copy(update={"amount": Decimal("50.00")})
    one = BillDebt(bill_id="B-0", amount=Decimal("100.00"), due_date=OLD, payments=(part,))
    other = BillDebt(bill_id="B-1", amount=Decimal("100.00"), due_date=OLD, payments=(rest,) if rest_is_listed else ())
    owed = tuple(bill.model_copy(update={"payments": ()}) for bill in (one, other))
    before = AccountDebt(account_id="A-1", as_of=T, bills=owed)
    case = ready(debt=before)
    case = announced(announced(case, "P-7", "150.00", T), "P-8", "50.00", T)
    shown = AccountDebt(account_id="A-1", as_of=T, bills=(one, other), paid_total=Decimal("150.00"))
    assert [p.payment_id for p in answered(case, shown, T).unbooked] == ["P-8"]


def test_a_reversal_that_came_first_takes_its_payment_back_before_it_comes() -> None:
    case = payment_reversed(ready(), PaymentReversed(payment_id="P-1", reason="bounced"), T)
    case = answered(announced(case, "P-1", "200.00", T), OWES, T)
    assert case.unbooked == ()


def test_a_meter_found_cut_off_is_asked_for_no_payment() -> None:
    """Its restoration is due already, whatever is paid."""
    found = CUT.model_copy(update={"lawful": False, "bills": ()})
    case = answered(announced(facts(cuts=(found,)), "P-1", "1.00", T), debt(("B-1", "200.00", OLD)), T)
    assert not announced_payments.would_settle(case)
