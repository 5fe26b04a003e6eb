"""The late fee: from the day after the due date, on what is unpaid that day, by class and year, at least one yuan."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.law.policy import LateFeePerDay, Policy
from domain.money.debt import BillDebt, BillPayment
from domain.money.late_fee import FormerClass, late_fee, total_late_fee

POLICY = Policy()
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def bill(due: str = "2026-10-25", amount: str = "1000.00", *paid: tuple[str, str]) -> BillDebt:
    payments = tuple(
        BillPayment(payment_id=f"p-{i}", amount=Decimal(sum_), paid_at=at(when)) for i, (when, sum_) in enumerate(paid)
    )
    return BillDebt(bill_id="b-1", amount=Decimal(amount), due_date=date.fromisoformat(due), payments=payments)


@pytest.mark.parametrize(
    ("as_of", "fee"),
    [
        pytest.param("2026-10-25T23:59:59", "0.00", id="not_overdue"),
        pytest.param("2026-10-26T00:00", "1.00", id="first_moment_overdue"),
        pytest.param("2026-10-26T23:59", "1.00", id="first_day"),
        pytest.param("2026-10-28T00:00", "3.00", id="third_day"),
        pytest.param("2026-12-31T12:00", "67.00", id="years_end"),
        pytest.param("2027-01-02T12:00", "69.00", id="residents_pay_one_rate"),
    ],
)
def test_a_resident_pays_one_thousandth_a_day(as_of: str, fee: str) -> None:
    assert late_fee(bill(), "residential", at(as_of), POLICY) == Decimal(fee)
    assert late_fee(bill(), "residential", at(as_of).astimezone(UTC), POLICY) == Decimal(fee)


@pytest.mark.parametrize(
    ("due", "as_of", "fee"),
    [
        pytest.param("2026-12-29", "2026-12-31T12:00", "4.00", id="this_years_debt"),
        pytest.param("2026-12-29", "2027-01-01T00:00", "7.00", id="carried_over"),
        pytest.param("2026-12-29", "2027-01-02T12:00", "10.00", id="two_years"),
        pytest.param("2026-12-31", "2027-01-01T12:00", "3.00", id="due_on_the_last_day_of_the_year"),
        pytest.param("2028-02-28", "2028-03-01T12:00", "4.00", id="leap_day"),
    ],
)
def test_others_pay_two_thousandths_this_year_and_three_after(due: str, as_of: str, fee: str) -> None:
    assert late_fee(bill(due), "non_residential", at(as_of), POLICY) == Decimal(fee)


def test_the_due_dates_year_counts_however_long_ago() -> None:
    days_of_2024, days_since = 31, 365 + 365
    expected = Decimal(2 * days_of_2024 + 3 * days_since)
    assert late_fee(bill("2024-11-30"), "non_residential", at("2026-12-31T12:00"), POLICY) == expected


@pytest.mark.parametrize(
    ("paid", "fee"),
    [
        pytest.param([], "10.00", id="unpaid"),
        pytest.param([("2026-10-30T00:00", "600.00")], "6.40", id="from_the_day_it_was_paid"),
        pytest.param([("2026-10-30T23:59", "600.00")], "6.40", id="whatever_the_hour"),
        pytest.param([("2026-10-20T12:00", "600.00")], "4.00", id="paid_before_the_due_date"),
        pytest.param([("2026-10-30T12:00", "1500.00")], "4.00", id="paid_too_much"),
        pytest.param(
            [("2026-10-28T12:00", "300.00"), ("2026-10-30T12:00", "700.00")], "3.40", id="paid_off_in_two_parts"
        ),
        pytest.param([("2026-10-28T12:00", "300.00"), ("2026-10-28T13:00", "100.00")], "6.80", id="twice_on_one_day"),
        pytest.param([("2026-12-01T12:00", "1000.00")], "10.00", id="paid_after_the_day_asked_for"),
        pytest.param([("2026-10-25T23:59:59", "1000.00")], "0.00", id="paid_in_the_last_second"),
        pytest.param([("2026-10-26T00:00", "1000.00")], "1.00", id="paid_the_moment_it_was_overdue"),
        pytest.param([("2026-10-26T09:00", "1000.00")], "1.00", id="paid_on_the_first_day_overdue"),
    ],
)
def test_payments_reduce_it_from_the_day_they_were_paid(paid: list[tuple[str, str]], fee: str) -> None:
    as_of = at("2026-11-04T12:00")  # ten days overdue
    assert late_fee(bill("2026-10-25", "1000.00", *paid), "residential", as_of, POLICY) == Decimal(fee)


@pytest.mark.parametrize(
    ("amount", "as_of", "fee"),
    [
        pytest.param("20.00", "2026-10-26T12:00", "1.00", id="small_bill"),
        pytest.param("0.01", "2027-10-26T12:00", "1.00", id="a_cent_for_a_year"),
        pytest.param("500.00", "2026-10-27T12:00", "1.00", id="just_reached"),
        pytest.param("128.35", "2026-11-25T12:00", "3.98", id="rounded_half_up"),  # 31 days: 3.97885
        pytest.param("125.00", "2026-11-03T12:00", "1.13", id="half_a_cent_up"),  # 9 days: 1.125
        pytest.param("999999999999.99", "2027-10-25T12:00", "365000000000.00", id="largest_bill"),
    ],
)
def test_cents_and_the_minimum(amount: str, as_of: str, fee: str) -> None:
    assert late_fee(bill(amount=amount), "residential", at(as_of), POLICY) == Decimal(fee)


def test_the_minimum_is_the_policys() -> None:
    dearer = Policy(late_fee_per_day=LateFeePerDay(minimum=Decimal("5.00")))
    assert late_fee(bill(), "residential", at("2026-10-27T12:00"), dearer) == Decimal("5.00")


def test_the_minimum_holds_for_each_bill() -> None:
    bills = (bill(amount="20.00"), bill("2026-09-25", "20.00"), bill("2026-11-25", "20.00"))
    assert total_late_fee(bills, "residential", at("2026-10-30T12:00"), POLICY) == Decimal("2.00")


def former(*past: tuple[str, str]) -> tuple[FormerClass, ...]:
    return tuple(FormerClass(customer_class=c, before=date.fromisoformat(day)) for c, day in past)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("customer_class", "past", "fee"),
    [
        pytest.param("non_residential", (("residential", "2026-10-29"),), "7.00", id="three_days_at_one_two_at_two"),
        pytest.param("residential", (("non_residential", "2026-10-29"),), "8.00", id="three_days_at_two_two_at_one"),
        pytest.param("non_residential", (("residential", "2026-10-26"),), "10.00", id="before_it_was_overdue"),
        pytest.param("non_residential", (("residential", "2026-10-31"),), "5.00", id="only_from_tomorrow_on"),
        pytest.param(
            "residential",
            (("residential", "2026-10-27"), ("non_residential", "2026-10-29")),
            "7.00",
            id="there_and_back",
        ),
        pytest.param(
            "residential",
            (("residential", "2026-10-28"), ("non_residential", "2026-10-28")),
            "5.00",
            id="there_and_back_in_one_day",
        ),
    ],
)
def test_days_past_keep_the_class_that_they_had(customer_class: Any, past: Any, fee: str) -> None:
    """R-32: the class that the record names counts from the day on which it was read; as of 30 October, five days."""
    assert late_fee(bill(), customer_class, at("2026-10-30T12:00"), POLICY, former(*past)) == Decimal(fee)


@pytest.mark.parametrize("customer_class", ["residential", "non_residential"])
def test_it_is_the_sum_of_its_days(customer_class: Any) -> None:
    owed = bill("2026-12-20", "5000.00", ("2026-12-24T10:00", "1234.56"), ("2027-01-10T10:00", "2000.00"))
    expected = Decimal(0)
    for day in range(21, 21 + 40):  # 21 December and the 39 days after it
        today = date.fromordinal(date(2026, 12, 1).toordinal() + day - 1)
        principal = owed.amount - sum(p.amount for p in owed.payments if p.paid_at.date() <= today)
        rate = "0.001" if customer_class == "residential" else "0.002" if today.year == 2026 else "0.003"
        expected += principal * Decimal(rate)
    assert late_fee(owed, customer_class, at("2027-01-29T08:00"), POLICY) == expected.quantize(Decimal("0.01"))
