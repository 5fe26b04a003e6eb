"""What the embedded book says of an account: its bills with what is booked on them, and what was paid elsewhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from domain.money.allocation import Allocation, Share, allocate
from domain.money.book import BookedBill, BookedPayment
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery, PaymentElsewhere

LocalDay = Callable[[datetime], date]


def debt_of(
    query: DebtQuery, bills: Sequence[BookedBill], payments: Sequence[BookedPayment], local_day: LocalDay
) -> AccountDebt:
    """The answer to a question about one account, from all its bills and payments."""
    allocation, today = allocate(bills, payments), local_day(query.as_of)
    whole = {p.payment_id: p.amount for p in payments}
    ordered = sorted(bills, key=lambda b: (b.due_date, b.bill_id))
    listed = [b for b in ordered if b.bill_id in query.bills or (b.due_date < today and _owes(b, allocation))]
    asked = [b.due_date for b in bills if b.bill_id in query.bills]
    others = [b for b in ordered if b not in listed]
    return AccountDebt(
        account_id=query.account_id,
        as_of=query.as_of,
        bills=tuple(
            BillDebt(
                bill_id=bill.bill_id,
                amount=bill.amount,
                due_date=bill.due_date,
                payments=tuple(BillPayment(**_said(share, whole)) for share in _parts(bill, allocation)),
            )
            for bill in listed
        ),
        paid_total=allocation.paid_total,
        credit=allocation.credit,
        elsewhere=tuple(
            PaymentElsewhere(**_said(share, whole), **on)
            for share, on in _elsewhere(others, allocation)
            if asked and local_day(share.paid_at) >= min(asked)
        ),
    )


def _elsewhere(others: Iterable[BookedBill], allocation: Allocation) -> Iterator[tuple[Share, dict[str, Any]]]:
    """Every part of a payment that lies on one of the other bills, with that bill, and every part that is credit."""
    for bill in others:
        for share in _parts(bill, allocation):
            yield share, {"bill_id": bill.bill_id, "due_date": bill.due_date}
    for share in allocation.unused:
        yield share, {}


def _said(share: Share, whole: dict[str, Any]) -> dict[str, Any]:
    return {**share._asdict(), "payment_amount": whole[share.payment_id]}


def _parts(bill: BookedBill, allocation: Allocation) -> tuple[Share, ...]:
    return allocation.on_bill.get(bill.bill_id, ())


def _owes(bill: BookedBill, allocation: Allocation) -> bool:
    return sum(p.amount for p in _parts(bill, allocation)) < bill.amount
