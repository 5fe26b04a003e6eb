"""Which payment pays which bill: the bill it names, else the oldest; what is left over is credit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.money.book import BookedBill, BookedPayment


class Share(NamedTuple):
    """Part of a payment, booked on one bill."""

    payment_id: str
    amount: Decimal
    paid_at: datetime


class Allocation(NamedTuple):
    """An account's payments spread over its bills; bills on which nothing was paid are not in `on_bill`.

    `unused` are the parts that no bill needs; their sum is the credit.
    """

    on_bill: Mapping[str, tuple[Share, ...]]
    paid_total: Decimal
    unused: tuple[Share, ...] = ()

    @property
    def credit(self) -> Decimal:
        """What is overpaid."""
        return sum((share.amount for share in self.unused), Decimal("0.00"))


def allocate(bills: Sequence[BookedBill], payments: Sequence[BookedPayment]) -> Allocation:
    """Spread all payments of one account over all its bills.

    A payment that names a bill goes there first. Its excess, and every other payment, settle the oldest due date
    first, earlier payments before later ones. A reversed payment counts for nothing. What no bill needs is credit.
    """
    taken_back = {p.reverses for p in payments if p.reverses}
    standing = sorted(
        (p for p in payments if not p.reverses and p.payment_id not in taken_back),
        key=lambda p: (p.paid_at, p.payment_id),
    )
    unpaid = {b.bill_id: b.amount for b in sorted(bills, key=lambda b: (b.due_date, b.bill_id))}
    shares: dict[str, list[Share]] = {}
    rest: list[tuple[BookedPayment, Decimal]] = []

    def book(payment: BookedPayment, bill_id: str, at_most: Decimal) -> Decimal:
        """Book what the bill still needs; return what is left."""
        part = min(at_most, unpaid[bill_id])
        if part > 0:
            unpaid[bill_id] -= part
            shares.setdefault(bill_id, []).append(Share(payment.payment_id, part, payment.paid_at))
        return at_most - part

    for payment in standing:
        left = payment.amount
        if payment.bill_id in unpaid:
            left = book(payment, payment.bill_id, left)
        if left > 0:
            rest.append((payment, left))

    unused: list[Share] = []
    oldest_first = iter([bill_id for bill_id, open_ in unpaid.items() if open_ > 0])
    bill_id = next(oldest_first, None)
    for payment, left in rest:
        while left > 0 and bill_id is not None:
            left = book(payment, bill_id, left)
            if unpaid[bill_id] == 0:
                bill_id = next(oldest_first, None)
        if left > 0:
            unused.append(Share(payment.payment_id, left, payment.paid_at))

    return Allocation(
        on_bill={bill_id: tuple(parts) for bill_id, parts in shares.items()},
        paid_total=sum((p.amount for p in standing), Decimal("0.00")),
        unused=tuple(unused),
    )
