"""Which payment pays which bill, case by case."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money.allocation import allocate
from domain.money.book import BookedBill, BookedPayment


class Case(NamedTuple):
    name: str
    bills: str  # id:month of 2026 in which it is due:amount
    payments: str  # id:amount, then @bill it names, or -payment it takes back
    outstanding: str
    credit: str = "0"
    paid_total: str = "0"


CASES = (
    Case("nothing_paid", "a:1:100 b:2:50", "", "a:100 b:50"),
    Case("oldest_bill_first_whatever_the_order_of_the_book", "b:2:50 a:1:100", "p:120", "a:0 b:30", "0", "120"),
    Case("a_payment_that_names_a_bill_goes_there", "a:1:100 b:2:50", "p:50@b", "a:100 b:0", "0", "50"),
    Case("excess_of_a_named_payment_settles_the_oldest", "a:1:100 b:2:50", "p:70@b", "a:80 b:0", "0", "70"),
    Case("named_payments_go_first_even_if_later", "a:1:100 b:2:50", "p:100 q:100@a", "a:0 b:0", "50", "200"),
    Case("what_no_bill_needs_is_credit", "a:1:100", "p:130.01", "a:0", "30.01", "130.01"),
    Case("credit_settles_a_later_bill_too", "a:1:100 b:9:20", "p:130", "a:0 b:0", "10", "130"),
    Case("no_bill_at_all", "", "p:5", "", "5", "5"),
    Case("a_reversed_payment_counts_for_nothing", "a:1:100", "p:100 r:-100-p", "a:100", "0", "0"),
    Case("a_reversal_takes_back_only_its_own", "a:1:100", "p:60 q:30 r:-60-p", "a:70", "0", "30"),
    Case("a_reversed_named_payment", "a:1:100 b:2:50", "p:50@b q:100 r:-50-p", "a:0 b:50", "0", "100"),
    Case("two_bills_due_on_one_day_go_by_id", "b:1:10 a:1:10", "p:15", "a:0 b:5", "0", "15"),
    Case("a_bill_of_nothing_needs_nothing", "z:1:0 a:2:10", "p:4", "z:0 a:6", "0", "4"),
    Case("a_named_bill_that_is_not_there", "a:1:10", "p:4@x", "a:6", "0", "4"),
)


def bills(text: str) -> list[BookedBill]:
    lines = (line.split(":") for line in text.split())
    return [BookedBill(key, "1001", date(2026, int(month), 1), Decimal(amount)) for key, month, amount in lines]


def payments(text: str) -> list[BookedPayment]:
    booked = []
    for day, line in enumerate(text.split(), 1):
        key, amount = line.split(":")
        amount, _, named = amount.partition("@")
        reverses = None
        if amount.startswith("-"):
            amount, _, reverses = amount[1:].partition("-")
            amount = f"-{amount}"
        paid_at = datetime(2026, 10, day, tzinfo=UTC)
        booked.append(BookedPayment(key, "1001", Decimal(amount), paid_at, named or None, None, reverses))
    return booked


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_payments_settle(case: Case) -> None:
    book = bills(case.bills)
    allocation = allocate(book, payments(case.payments))
    paid = {b.bill_id: sum(s.amount for s in allocation.on_bill.get(b.bill_id, ())) for b in book}
    expected = dict(line.split(":") for line in case.outstanding.split())
    assert {b.bill_id: b.amount - paid[b.bill_id] for b in book} == {k: Decimal(v) for k, v in expected.items()}
    assert allocation.credit == Decimal(case.credit)
    assert allocation.paid_total == Decimal(case.paid_total)


def test_a_bill_says_which_payments_reached_it_and_when() -> None:
    allocation = allocate(bills("a:1:100 b:2:50"), payments("p:60 q:60"))
    assert [(s.payment_id, s.amount) for s in allocation.on_bill["a"]] == [("p", Decimal(60)), ("q", Decimal(40))]
    assert [(s.payment_id, s.amount, s.paid_at.day) for s in allocation.on_bill["b"]] == [("q", Decimal(20), 2)]


@given(
    amounts=st.lists(st.integers(0, 500), max_size=6),
    paid=st.lists(st.tuples(st.integers(1, 800), st.integers(0, 6)), max_size=8),
)
def test_no_cent_is_lost_and_nothing_is_credit_while_a_bill_is_open(
    amounts: list[int], paid: list[tuple[int, int]]
) -> None:
    book = [BookedBill(f"b{i}", "1001", date(2026, 1, i + 1), Decimal(a)) for i, a in enumerate(amounts)]
    lines = [
        BookedPayment(f"p{i}", "1001", Decimal(a), datetime(2026, 2, 1, tzinfo=UTC), f"b{named}" if named else None)
        for i, (a, named) in enumerate(paid)
    ]
    allocation = allocate(book, lines)
    booked = {b.bill_id: sum(s.amount for s in allocation.on_bill.get(b.bill_id, ())) for b in book}
    assert sum(booked.values()) + allocation.credit == allocation.paid_total == sum(a for a, _ in paid)
    assert all(0 <= booked[b.bill_id] <= b.amount for b in book)
    assert allocation.credit == 0 or all(booked[b.bill_id] == b.amount for b in book)
