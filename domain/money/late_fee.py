"""The late fee: so many thousandths a day of what is unpaid of a bill, and a minimum once it is overdue."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from domain.law import clock
from domain.law.policy import Policy
from domain.money.debt import BillDebt
from domain.vocabulary import CENT, Contract, CustomerClass, Day

_A_DAY = timedelta(days=1)
_NOTHING = Decimal("0.00")


class FormerClass(Contract):
    """The customer's class on every day before this one, but for the days of an earlier entry (R-32)."""

    customer_class: CustomerClass
    before: Day


def late_fee(
    bill: BillDebt,
    customer_class: CustomerClass,
    as_of: datetime,
    policy: Policy,
    former: tuple[FormerClass, ...] = (),
) -> Decimal:
    """Late fee of one bill as of a time, in money; zero for a bill not overdue (R-01).

    It runs by local days, from the day after the due date to the day of `as_of`, both included. Each day's fee is on
    the principal outstanding that day. A payment lowers it from the day it was paid, and the fee so far stays. Days in
    the year of the due date are this year's debt, later ones are carried over (the two rates differ for non-residential
    customers). It is rounded once, half up to the cent. A bill that still owed when it fell overdue costs at least the
    minimum, even when it is paid that very day. Days past keep their class (`former`, R-32).
    Rates: 电力供应与使用条例 (2019) art. 39, 1 ‰ to 3 ‰ a day.
    """
    first, end = bill.due_date + _A_DAY, clock.local_day(as_of, policy) + _A_DAY
    fell_overdue = clock.start_of_day(first, policy)
    if end <= first or bill.amount <= sum(p.amount for p in bill.payments if p.paid_at < fell_overdue):
        return _NOTHING
    paid = [(clock.local_day(p.paid_at, policy), p.amount) for p in bill.payments]
    turns = {day for day, _ in paid} | {date(bill.due_date.year + 1, 1, 1)} | {f.before for f in former}
    days = [first, *sorted(day for day in turns if first < day < end), end]
    fee = Decimal(0)
    for start, stop in pairwise(days):
        principal = bill.amount - sum(amount for day, amount in paid if day <= start)
        then = next((f.customer_class for f in former if start < f.before), customer_class)
        fee += max(principal, _NOTHING) * _rate(start, bill, then, policy) * (stop - start).days
    return max(fee.quantize(CENT, ROUND_HALF_UP), policy.late_fee_per_day.minimum)


def total_late_fee(
    bills: Iterable[BillDebt],
    customer_class: CustomerClass,
    as_of: datetime,
    policy: Policy,
    former: tuple[FormerClass, ...] = (),
) -> Decimal:
    """Late fee over several bills; the minimum holds for each."""
    return sum((late_fee(bill, customer_class, as_of, policy, former) for bill in bills), _NOTHING)


def _rate(day: date, bill: BillDebt, customer_class: CustomerClass, policy: Policy) -> Decimal:
    rates = policy.late_fee_per_day
    if customer_class == "residential":
        return rates.residential
    return rates.other_this_year if day.year == bill.due_date.year else rates.other_carried_over
