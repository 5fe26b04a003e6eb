"""What changes under a running case: payments announced, moved, corrected; bills; the record; ids misspelled."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.customer import Account, Customer, CustomerCard
from domain.money.book import BookedBill, BookedPayment
from tests.lives import acts
from tests.lives.life import Step
from tests.lives.playing import Playing, Snapshot, StepPlayer
from tests.support.world import PEOPLE

_CENT = Decimal("0.01")

# ---- announcements -----------------------------------------------------------------------------


async def announce(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """A payment is announced, and nothing is booked: a new one, or the last one with other words or the same."""
    owed = Decimal(snap.get("owed", "0"))
    amount = max({"all": owed, "half": owed / 2, "double": owed * 2}[step["share"]].quantize(_CENT), _CENT)
    said = _announced(p)
    if step["which"] == "new" or not said:
        payload: dict[str, Any] = {"payment_id": p.next_id("P"), "amount": str(amount), "paid_at": now.isoformat()}
    elif step["which"] == "word for word":
        payload = dict(said[-1])
    else:
        payload = said[-1] | {"amount": str(amount), "channel": step["channel"] or "bank"}
    if step["which"] == "new" and step["channel"]:
        payload["channel"] = step["channel"]
    await p.signal("payment_received", times=step["times"], **payload)


def _announced(p: Playing) -> list[dict[str, Any]]:
    return [told.payload for told in p.told if told.message == "payment_received"]


async def book_announced(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """What was announced and never booked is booked now, whole or in part, and announced again or not."""
    held = {row["payment_id"] for row in await p.lines("payments")}
    waiting = [said for said in _announced(p) if said["payment_id"] not in held]
    if not waiting:
        return
    said = waiting[-1]
    amount = max((Decimal(said["amount"]) * step["percent"] / 100).quantize(_CENT), _CENT)
    row = BookedPayment(said["payment_id"], p.account_id, amount, now, channel=said.get("channel"))
    await p.book("payments", row.payment_id, lambda: p.town.billing.add_payments((row,)))
    if step["told"]:
        await p.signal("payment_received", times=step["told"], **said)


# ---- what billing's own people correct ------------------------------------------------------------


async def move_payment(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """The last payment is put on another bill, or on none in particular."""
    if payment := await _last_payment(p):
        bills = [row["bill_id"] for row in await p.lines("bills") if row["bill_id"] != payment["bill_id"]]
        bill = bills[0 if step["to"] == "oldest" else -1] if bills and step["to"] != "none" else None
        await p.sql(
            *("payments", payment["payment_id"], "UPDATE payments SET bill_id = ? WHERE payment_id = ?"),
            *(bill, payment["payment_id"]),
        )
        await _tell(p, step["told"], payment, snap, now)


async def correct_payment(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """The last payment was another amount."""
    if payment := await _last_payment(p):
        cents = max(payment["amount"] * step["percent"] // 100, 1)
        await p.sql(
            *("payments", payment["payment_id"], "UPDATE payments SET amount = ? WHERE payment_id = ?"),
            *(cents, payment["payment_id"]),
        )
        await _tell(p, step["told"], payment, snap, now)


async def correct_bill(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """The oldest bill comes to less, or to what was paid on it, or is cancelled, or replaced by another."""
    bills = sorted(await p.lines("bills"), key=lambda row: (row["due_date"], row["bill_id"]))
    if not bills:
        return
    bill, bill_id = bills[0], bills[0]["bill_id"]
    shown = [b for b in snap.get("bills", ()) if b["bill_id"] == bill_id]
    paid = bill["amount"] - int(Decimal(shown[0]["outstanding"]) * 100) if shown else 0
    to = {"half": bill["amount"] // 2, "paid": paid, "double": bill["amount"] * 2, "trifle": paid + 999}.get(step["to"])
    if to is not None:
        await p.sql("bills", bill_id, "UPDATE bills SET amount = ? WHERE bill_id = ?", max(to, 1), bill_id)
    else:
        await p.sql("bills", bill_id, "DELETE FROM bills WHERE bill_id = ?", bill_id)
    if step["to"] == "replaced":
        due = datetime.fromisoformat(bill["due_date"]).date()
        row = BookedBill(p.next_id("B"), p.account_id, due, Decimal(max(bill["amount"] // 2, 1)).scaleb(-2))
        await p.book("bills", row.bill_id, lambda: p.town.billing.add_bills((row,)))
    await _tell(p, step["told"], None, snap, now)


async def current_bill(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """A bill that is not due yet, and perhaps paid at once: it is none of the arrears."""
    due = now.astimezone(p.town.world.policy.zone).date() + timedelta(days=step["days"])
    bill = BookedBill(p.next_id("B"), p.account_id, due, Decimal(step["amount"]))
    await p.book("bills", bill.bill_id, lambda: p.town.billing.add_bills((bill,)))
    if step["paid"]:
        payment = BookedPayment(p.next_id("P"), p.account_id, bill.amount, now, bill_id=bill.bill_id)
        await p.book("payments", payment.payment_id, lambda: p.town.billing.add_payments((payment,)))
        await p.signal("payment_received", payment_id=payment.payment_id, amount=str(payment.amount))


async def all_but_a_trifle(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """He pays, and a trifle is left, or a cent more than that."""
    owed = Decimal(snap.get("owed", "0")) - Decimal(step["left"])
    if owed <= 0:
        return
    row = BookedPayment(p.next_id("P"), p.account_id, owed, now)
    await p.book("payments", row.payment_id, lambda: p.town.billing.add_payments((row,)))
    for _ in range(step["told"]):
        await p.signal("payment_received", payment_id=row.payment_id, amount=str(owed), paid_at=now.isoformat())


async def _last_payment(p: Playing) -> dict[str, Any] | None:
    payments = await p.lines("payments")
    gone = {row["reverses"] for row in payments}
    standing = [row for row in payments if not row["reverses"] and row["payment_id"] not in gone]
    return max(standing, key=lambda row: acts.number(row["payment_id"]), default=None)


async def _tell(p: Playing, how: str, payment: dict[str, Any] | None, snap: Snapshot, now: datetime) -> None:
    if how == "recheck" or (how == "payment" and payment is None):
        await acts.recheck(p, {"source": "operator"}, snap, now)
    elif how == "payment" and payment is not None:
        amount = Decimal(payment["amount"]).scaleb(-2)
        await p.signal("payment_received", payment_id=payment["payment_id"], amount=str(amount))


# ---- the customer's record -------------------------------------------------------------------------

_VALUES: dict[str, tuple[str | bool, ...]] = {
    "name": ("李新户", "欧阳新户"),
    "address": ("南京路99号", "长江路7号"),
    "phone": ("13911112222", "13700007777"),
    "email": ("neu@example.org", "old@example.org"),
    "preferred_channel": ("sms", "email"),
    "customer_class": ("non_residential", "residential"),
    "important": (True, False),
    "reading_centre": ("RC-09", "RC-08"),
    "reader": ("r-019", "r-020"),
    "team_leader": ("t-009", "t-008"),
    "field_unit": ("FU-09", "FU-08"),
    "business_station": ("BS-09", "BS-08"),
    "region": ("R-South", "R-West"),
}
RECORD_FIELDS = (*_VALUES, "meter_id")


async def record(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """A later export says something else of the customer: a new value, the first one again, or another spelling."""
    row = await p.line("customers", p.account_id)
    assert row is not None, "the account is in the book"
    name = step["field"]
    old, first = row[name], next((b.was for b in p.booked if b.table == "customers" and b.was), row)[name]
    match step["to"]:
        case "first":
            value = first
        case "spelling":
            value = f" {old.swapcase()}" if isinstance(old, str) and name in ("name", "address", "meter_id") else old
        case _ if name == "meter_id":
            value = f"M-{p.account_id}-{len(p.meters) + 1}"
        case number:
            value = _VALUES[name][number]
    changed = row | {name: value}
    customer = Customer(account=Account.model_validate(changed), card=CustomerCard.model_validate(changed))
    await p.book("customers", p.account_id, lambda: p.town.billing.add_customers((customer,)))
    if name == "meter_id" and value != p.meters[-1]:
        p.meters.append(str(value))
    if step["told"]:
        await acts.recheck(p, {"source": "operator"}, snap, now)


# ---- what is said again -----------------------------------------------------------------------------


async def hold_again(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """A hold is placed once more under an id that was used: as a copy, or for a time of its own."""
    if placed := [told.payload for told in p.told if told.message == "hold_placed"]:
        payload = {k: v for k, v in placed[-1].items() if k != "at"}
        at = {"now": now, "an hour ago": now - timedelta(hours=1)}.get(step["at"])
        payload |= {"at": at.isoformat()} if at else {}
        await p.signal("hold_placed", times=step["times"], **payload)


async def found_again(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """The same report of a meter found cut, of another meter, or for a later time."""
    if reports := [told.payload for told in p.told if told.message == "supply_found_cut"]:
        meter = p.meters[-1] if step["meter"] == "right" else f"M-{p.account_id}-next-door"
        at = {} if step["at"] == "same" else {"at": now.isoformat()}
        await p.signal("supply_found_cut", **(reports[-1] | {"meter_id": meter} | at))


async def hotline_again(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    """The same request for restoration again."""
    if asked := [told.about for told in p.told if told.message == "request_restoration"]:
        again = p.say("request_restoration", "hotline", request_id=asked[-1], source="hotline")
        await p.while_billing_is_asked(again)


async def copies(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """The last message about the debt, word for word, many times at once or one after another."""
    kinds = ("payment_received", "payment_reversed", "recheck_requested", "bill_overdue")
    said = [told for told in p.told if told.message in kinds]
    for _ in range(step["rounds"] if said else 0):
        await p.signal(said[-1].message, times=step["times"], **said[-1].payload)
        await asyncio.sleep(0.05)


async def misspelled(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """A step in which ids of meters, units and persons are spelled otherwise; the crew says of which unit it is."""
    p.spelling = step["way"]
    try:
        inner = dict(step["step"])
        if inner.get("by") == "field_crew" and inner["do"] == "restored":
            row = await p.line("customers", p.account_id)
            inner["by"] = PEOPLE["field_crew"] | {"unit": row["field_unit"] if row else "FU-02"}
        await p.steps[inner["do"]](p, inner, snap, now)
    finally:
        p.spelling = None


CHANGES: dict[str, StepPlayer] = {
    act.__name__: act
    for act in (
        announce,
        book_announced,
        move_payment,
        correct_payment,
        correct_bill,
        current_bill,
        all_but_a_trifle,
        record,
        hold_again,
        found_again,
        hotline_again,
        copies,
        misspelled,
    )
}
