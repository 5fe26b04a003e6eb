"""Lines of the billing book: bills and payments as billing books them, and what became of a line offered to it."""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

_BLANKS_AND_DASHES = re.compile("[\\s\u00ad\u2010-\u2015\u2212\u2e3a\u2e3b-]")
_NO_BLANKS_AND_DASHES = dict.fromkeys(map(ord, "- \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"))


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


@lru_cache(maxsize=10_000)
def alike(ident: str) -> str:
    """The same text for all ids that differ only in case, width, blanks or dashes."""
    if ident.isascii():
        plain = ident.lower()
        return plain.translate(_NO_BLANKS_AND_DASHES) or plain
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", ident).casefold())
    return _BLANKS_AND_DASHES.sub("", plain) or plain
