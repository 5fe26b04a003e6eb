"""The little law that the oracle needs, written from the procedure a second time: no case shares it."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Shanghai")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WEEK = 7 * DAY
TICKET_LEAD, HALF_HOUR, WINDOW, PERMIT_LASTS = 24 * HOUR, 30 * MINUTE, 2 * HOUR, 15 * MINUTE
REISSUES = 3
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


class Bill(NamedTuple):
    """A bill of the book; money in cents; `known_by` as for a payment."""

    bill_id: str
    due: date
    cents: int
    known_by: datetime


class Payment(NamedTuple):
    """A payment or a reversal of the book; `known_by` is the case's time by which the book certainly held it."""

    payment_id: str
    cents: int
    paid_at: datetime
    bill_id: str | None
    reverses: str | None
    known_by: datetime


class Standing(NamedTuple):
    """What one bill still owes, in cents, and when money last reached it."""

    owes: int
    last_paid: datetime | None


def standing(bills: Iterable[Bill], payments: Iterable[Payment]) -> dict[str, Standing]:
    """Payments settle the bill they name, else the oldest; what was taken back counts for nothing."""
    held = list(payments)
    back = {p.reverses for p in held if p.reverses}
    money = sorted(
        (p for p in held if not p.reverses and p.payment_id not in back), key=lambda p: (p.paid_at, p.payment_id)
    )
    oldest_first = sorted(bills, key=lambda b: (b.due, b.bill_id))
    owes = {b.bill_id: b.cents for b in oldest_first}
    last: dict[str, datetime] = {}

    def put(payment: Payment, bill_id: str, cents: int) -> int:
        part = min(cents, owes[bill_id])
        if part:
            owes[bill_id] -= part
            last[bill_id] = max(last.get(bill_id, payment.paid_at), payment.paid_at)
        return cents - part

    left = [(p, put(p, p.bill_id, p.cents) if p.bill_id in owes else p.cents) for p in money]
    for payment, cents in left:
        for bill in oldest_first:
            if cents:
                cents = put(payment, bill.bill_id, cents)
    return {i: Standing(cents, last.get(i)) for i, cents in owes.items()}
