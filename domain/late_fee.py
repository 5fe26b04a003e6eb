"""The late fee: so many thousandths a day of what is unpaid, at least one yuan (电力供应与使用条例 2019, art. 39)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from domain import clock
from domain.debt import BillDebt
from domain.model import CENT, CustomerClass
from domain.policy import Policy


def late_fee(bill: BillDebt, customer_class: CustomerClass, as_of: datetime, policy: Policy) -> Decimal:
    """Late fee of one bill from the day after its due date to the day of `as_of`, both included; zero if not overdue.

    A day counts on the principal outstanding at its start, so the day of a payment still counts in full. A payment
    dated ahead of `as_of` has not reduced anything yet. Days in the year of the due date are "this year's debt"; later
    ones are carried over.
    """
    today = clock.local_day(as_of, policy)
    if today <= bill.due_date:
        return Decimal("0.00")
    changes = sorted((clock.local_day(p.paid_at, policy) + timedelta(days=1), p.amount) for p in bill.payments)
    marks = {bill.due_date + timedelta(days=1), date(bill.due_date.year + 1, 1, 1)} | {day for day, _ in changes}
    end = today + timedelta(days=1)
    steps = [d for d in sorted(marks) if bill.due_date < d < end] + [end]
    fee = Decimal(0)
    for start, stop in zip(steps, steps[1:], strict=False):
        principal = bill.amount - sum((amount for day, amount in changes if day <= start), Decimal(0))
        fee += max(principal, Decimal(0)) * _rate(start, bill, customer_class, policy) * (stop - start).days
    if fee == 0:
        return Decimal("0.00")
    return max(fee.quantize(CENT, ROUND_HALF_UP), policy.late_fee_per_day.minimum)


def total_late_fee(
    bills: Iterable[BillDebt], customer_class: CustomerClass, as_of: datetime, policy: Policy
) -> Decimal:
    """Late fee over several bills; each has its own minimum."""
    return sum((late_fee(b, customer_class, as_of, policy) for b in bills), Decimal("0.00"))


def _rate(day: date, bill: BillDebt, customer_class: CustomerClass, policy: Policy) -> Decimal:
    rates = policy.late_fee_per_day
    if customer_class == "residential":
        return rates.residential
    return rates.other_this_year if day.year <= bill.due_date.year else rates.other_carried_over
