"""The little law that the oracle needs, written from the procedure a second time: no case shares it."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Shanghai")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SECOND = timedelta(seconds=1)
WEEK = 7 * DAY
TICKET_LEAD, HALF_HOUR, WINDOW, PERMIT_LASTS = 24 * HOUR, 30 * MINUTE, 2 * HOUR, 15 * MINUTE
REISSUES = 3
LONGEST_PLAN = 366
"""Days from the agreement to the last instalment."""
WARNINGS = (12, 20)
LEADERS = ("centre_director", "company_leader")


def local(moment: datetime) -> date:
    """The date on the utility's wall."""
    return moment.astimezone(ZONE).date()


def nine_o_clock(day: date) -> datetime:
    """09:00 local: where every cut window begins (R-21)."""
    return datetime.combine(day, time(9), tzinfo=ZONE)


def midnight_after(day: date) -> datetime:
    """24:00 local of that day."""
    return datetime.combine(day + DAY, time(), tzinfo=ZONE)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("CN", years=year))


def ordered_off(day: date) -> bool:
    """The days off that this town's government orders at short notice, as `tests.lives.town` announces them."""
    return day.toordinal() % 11 == 5


def day_bars_a_cut(day: date) -> bool:
    """Friday to Sunday, a public holiday or its eve, a day off ordered (R-21)."""
    off = any(d in _holidays(d.year) for d in (day, day + DAY))
    return day.weekday() >= 4 or off or ordered_off(day)


def levels(customer_class: str, cents: int) -> set[str]:
    """Who must approve (R-12): the director; the company leader too for a non-residential customer or 50,000."""
    needed = {"centre_director"}
    if customer_class != "residential" or cents >= 5_000_000:
        needed.add("company_leader")
    return needed


MAY_STAY_UNPAID = 999
"""Cents that all bills named together may still owe and count as settled: less than the 10.00 of `min_debt` (R-35)."""


def spelled(ident: str) -> str:
    """An id of a meter, unit or person without what does not count in it: width, case, blanks, dashes (R-33)."""
    folded = unicodedata.normalize("NFKC", ident).casefold()
    kept = "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Pd", "Zs", "Cf"))
    return kept.replace("\u2212", "") or ident


def words(text: str) -> str:
    """What counts in a name or an address: neither width, case and blanks, nor punctuation (R-32)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PZCS")


class Bill(NamedTuple):
    """A bill of the book; money in cents."""

    bill_id: str
    due: date
    cents: int


class Payment(NamedTuple):
    """A payment or a reversal of the book; `bill_id` is the bill it names, `reverses` the payment it takes back."""

    payment_id: str
    cents: int
    paid_at: datetime
    bill_id: str | None
    reverses: str | None


class Part(NamedTuple):
    """What of one payment lies on one bill."""

    payment_id: str
    cents: int
    paid_at: datetime


class Standing(NamedTuple):
    """What one bill still owes, in cents, and what was paid on it."""

    owes: int
    parts: tuple[Part, ...]


def standing(bills: Iterable[Bill], payments: Iterable[Payment]) -> dict[str, Standing]:
    """Payments settle the bill they name, else the oldest; what was taken back counts for nothing."""
    held = list(payments)
    back = {p.reverses for p in held if p.reverses}
    money = sorted(
        (p for p in held if not p.reverses and p.payment_id not in back), key=lambda p: (p.paid_at, p.payment_id)
    )
    oldest_first = sorted(bills, key=lambda b: (b.due, b.bill_id))
    owes = {b.bill_id: b.cents for b in oldest_first}
    parts: dict[str, list[Part]] = {b: [] for b in owes}

    def put(payment: Payment, bill_id: str, cents: int) -> int:
        part = min(cents, owes[bill_id])
        if part > 0:
            owes[bill_id] -= part
            parts[bill_id].append(Part(payment.payment_id, part, payment.paid_at))
        return cents - max(part, 0)

    left = [(p, put(p, p.bill_id, p.cents) if p.bill_id in owes else p.cents) for p in money]
    for payment, cents in left:
        for bill in oldest_first:
            if cents:
                cents = put(payment, bill.bill_id, cents)
    return {i: Standing(cents, tuple(parts[i])) for i, cents in owes.items()}


def owed(state: Mapping[str, Standing], bills: Iterable[str]) -> int:
    """What these bills owe in all, in cents; one that the book no longer holds owes nothing."""
    return sum(state[b].owes for b in bills if b in state)
