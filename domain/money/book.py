"""Lines of the billing book: bills and payments as billing books them, and what became of a line offered to it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple


class BookedBill(NamedTuple):
    """A bill: `amount` is the principal, `due_date` the last day to pay it, `period` the month it is for."""

    bill_id: str
    account_id: str
    due_date: date
    amount: Decimal
    period: str = ""


class BookedPayment(NamedTuple):
    """A payment, or with `reverses` the line (its amount negative) that takes that payment back entirely.

    `bill_id` names the bill it is for; without one it settles the oldest bill first.
    """

    payment_id: str
    account_id: str
    amount: Decimal
    paid_at: datetime
    bill_id: str | None = None
    channel: str | None = None
    reverses: str | None = None


class Verdict(NamedTuple):
    """What became of a line: booked (`new`, `changed`), there already, or refused with a reason.

    `early` is a refusal that a later line may cure: a reversal whose payment has not been seen yet.
    """

    kind: Literal["new", "changed", "duplicate", "conflict", "early"]
    reason: str = ""


class Unannounced(NamedTuple):
    """What the cases do not know yet of an account: bills overdue by now, payments and reversals."""

    account_id: str
    bills: tuple[BookedBill, ...]
    payments: tuple[BookedPayment, ...]


class Twin(NamedTuple):
    """What a line of an export has in common with another: both ids, and a sentence that names them."""

    ids: tuple[str, str]
    kind: Literal["alike", "one meter"]
    reason: str
