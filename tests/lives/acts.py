"""What people, payments and outages do to a case: whom and what a step means is found in the case itself."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.money.book import BookedBill, BookedPayment
from tests.lives.life import Step
from tests.lives.playing import Playing, Snapshot, StepPlayer
from tests.support.world import PEOPLE

# ---- money -------------------------------------------------------------------------------------


async def pay(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Money reaches the book; the case hears of it once, thrice, never, or before it is there."""
    owing = [b for b in snap.get("bills", ()) if Decimal(b["outstanding"]) > 0]
    owed = Decimal(snap.get("owed", "0"))
    first = Decimal(owing[0]["outstanding"]) if owing else owed
    cent = Decimal("0.01")
    amounts = {
        "all": owed,
        "half": owed / 2,
        "a cent less": owed - cent,
        "a cent more": owed + cent,
        "double": owed * 2,
        "one bill": first,
        "tiny": cent,
    }
    amount = max(amounts[step["share"]].quantize(cent), cent)
    payment_id = p.next_id("P")
    paid_at = _stamp(step["stamp"], snap, now)
    hint: dict[str, Any] = {"payment_id": payment_id, "amount": str(amount), "paid_at": paid_at.isoformat()}
    if step["told"] == "before it is booked":
        await p.signal("payment_received", **hint)
    bill = owing[-1]["bill_id"] if step["names_bill"] and owing else None
    row = BookedPayment(payment_id, p.account_id, amount, paid_at, bill_id=bill)
    await p.book("payments", payment_id, lambda: p.town.billing.add_payments((row,)))
    if step["told"] in ("once", "three times"):
        await p.signal("payment_received", times=1 if step["told"] == "once" else 3, **hint)


async def reverse(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """The last payment bounces."""
    payments = await p.lines("payments")
    gone = {row["reverses"] for row in payments}
    standing = [row for row in payments if not row["reverses"] and row["payment_id"] not in gone]
    if not standing:
        return
    last_ = max(standing, key=lambda row: number(row["payment_id"]))
    payment_id, amount = last_["payment_id"], Decimal(last_["amount"]).scaleb(-2)
    back = BookedPayment(f"{payment_id}-back", p.account_id, -amount, await p.case.now(), reverses=payment_id)
    await p.book("payments", back.payment_id, lambda: p.town.billing.add_payments((back,)))
    for _ in range({"once": 1, "three times": 3, "never": 0}[step["told"]]):
        await p.signal("payment_reversed", payment_id=payment_id, reason="bounced")


def number(ident: str) -> int:
    """The number at the end of an id that the generator made."""
    return int(ident.rpartition("-")[2])


async def bill(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """Another bill, overdue by the case's clock, and announced or not."""
    due = now.astimezone(p.town.world.policy.zone).date() - timedelta(days=step["overdue_days"])
    bill_id = p.next_id("B")
    row = BookedBill(bill_id, p.account_id, due, Decimal(step["amount"]))
    await p.book("bills", bill_id, lambda: p.town.billing.add_bills((row,)))
    event = {"event_id": p.next_id("e"), "account_id": p.account_id, "bill_id": bill_id, "amount": step["amount"]}
    for _ in range(2 if step["told"] == "twice" else 0):
        await p.signal("bill_overdue", **event, due_date=str(due))


def _stamp(stamp: str, snap: Snapshot, now: datetime) -> datetime:
    """The time a payment bears; one that cannot be known yet, or lies ahead, is now."""
    red = _standing(snap, "red")
    permit = snap.get("permit")
    given = datetime.fromisoformat(permit["valid_until"]) - timedelta(minutes=15) if permit else None
    known: dict[str, datetime | None] = {
        "T": datetime.fromisoformat(red["cut_at"]) if red else None,
        "permit": given,
        "cut": datetime.fromisoformat(snap["cut_at"]) if snap.get("cut_at") else None,
    }
    fixed = {"now": timedelta(), "an hour ago": timedelta(hours=1), "two days ago": timedelta(days=2)}
    if stamp in fixed:
        return now - fixed[stamp]
    mark = known[stamp.removesuffix("-1s").removesuffix("+1s")]
    if mark is None:
        return now
    at = mark + timedelta(seconds=-1 if stamp.endswith("-1s") else 1 if stamp.endswith("+1s") else 0)
    return at if at <= now + timedelta(minutes=4) else now


# ---- people ------------------------------------------------------------------------------------


def last(items: list[Snapshot], **like: Any) -> Snapshot:
    """The last of these that is like that; one that does not exist if there is none."""
    found = [i for i in items if all(i.get(k) == v for k, v in like.items())]
    return found[-1] if found else {"ticket_id": "none/1", "notice_id": "none/1", "meter_id": "M-none"}


def _standing(snap: Snapshot, kind: str) -> Snapshot | None:
    found = [n for n in snap.get("notices", ()) if n["kind"] == kind and n["state"] != "void"]
    return found[-1] if found else None


def _cut_ticket(snap: Snapshot) -> Snapshot:
    return last(snap.get("tickets", []), kind="cut")


def _meter(p: Playing, which: str) -> str:
    return p.meters[-1] if which == "right" else p.meters[0] if which == "former" else f"M-{p.account_id}-next-door"


async def deliver(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    notices = [n for n in snap.get("notices", ()) if _is_meant(n, step["kind"])]
    if not notices:
        return
    outcome = step["outcome"].split()[0]
    record = {"place": "3-2-501", "persons": ["neighbour"], "words": "will not sign", "evidence": "photo 1"}
    payload: dict[str, Any] = {"notice_id": notices[-1]["notice_id"], "outcome": outcome}
    if outcome == "refused":
        payload["refusal"] = record if step["outcome"] == "refused" else {"place": "3-2-501"}
    at = max(now - timedelta(seconds=step["ago"]), datetime.fromisoformat(notices[-1]["issued_at"]))
    await p.say("record_delivery", step["by"], delivered_at=at.isoformat(), **payload)


def _is_meant(notice: Snapshot, kind: str) -> bool:
    match kind:
        case "standing":
            return bool(notice["state"] == "to_deliver")
        case "void":
            return bool(notice["state"] == "void")
        case _:
            return bool(notice["kind"] == kind)


async def decide(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    by = {
        "reader_as_director": {**PEOPLE["reader"], "role": "centre_director"},
        "director_as_company_leader": {"id": PEOPLE["centre_director"]["id"], "role": "company_leader"},
    }.get(step["by"], PEOPLE.get(step["by"], {}))
    notice = _standing(snap, "red") or last(snap.get("notices", []))
    await p.say("decide_approval", by, notice_id=notice["notice_id"], decision=step["decision"])


async def file(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    where = {"purpose": step["purpose"], "reference": p.next_id("ref"), "authority": "power bureau"}
    await p.say("record_filing", step["by"], **where)


async def acknowledge_report(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    if reports := [e for e in snap.get("escalations", ()) if e["state"] == "open"]:
        report = reports[0 if step["which"] == "first" else -1]
        by = report["rung"] if step["by"] == "rung" else step["by"]
        await p.say("acknowledge_escalation", by, escalation_id=report["escalation_id"], remark="seen")


async def acknowledge_ticket(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    await p.say("acknowledge_ticket", step["by"], ticket_id=last(snap.get("tickets", []))["ticket_id"])


async def final_notice(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    told = (now + timedelta(seconds=step["told"])).isoformat()
    ticket = _cut_ticket(snap)["ticket_id"]
    await p.say("record_final_notice", step["by"], ticket_id=ticket, told_at=told, how="phone")


async def permit(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    ticket, meter = _cut_ticket(snap)["ticket_id"], _meter(p, step["meter"])
    await p.while_billing_is_asked(p.say("request_permit", step["by"], ticket_id=ticket, meter_id=meter))


async def cut(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Somebody reports a cut: under the permit, without naming one, or under one that never was."""
    given = snap.get("permit")
    named = {"named": given and given["permit_id"], "unnamed": None, "invented": "none/permit/1"}[step["permit"]]
    payload = {"permit_id": named} if named else {}
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    await p.say("report_cut", step["by"], meter_id=_meter(p, step["meter"]), at=at, **payload)


async def not_cut(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    await p.say("report_not_cut", "field_crew", ticket_id=_cut_ticket(snap)["ticket_id"], reason="dog", at=at)


async def meter_uncertain(p: Playing, _step: Step, snap: Snapshot, _now: datetime) -> None:
    ticket = _cut_ticket(snap)["ticket_id"]
    meter = _meter(p, "right")
    await p.say("report_meter_uncertain", "field_crew", ticket_id=ticket, meter_id=meter, remark="two meters")


async def verify_meter(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    by = "other_reader" if step["by"] == "substitute" else step["by"]
    named = {"substitute_named_by": PEOPLE["team_leader"]} if step["by"] == "substitute" else {}
    ticket, meter = _cut_ticket(snap)["ticket_id"], _meter(p, "right")
    await p.say("verify_meter", by, ticket_id=ticket, meter_id=meter, confirmed=step["confirmed"], **named)


async def hold(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    until = {"until": (now + timedelta(hours=step["hours"])).isoformat()} if step["hours"] else {}
    hold_id, by = p.next_id("h"), PEOPLE[step["by"]]
    await p.signal("hold_placed", times=2, hold_id=hold_id, kind=step["kind"], reason="asked for", actor=by, **until)


async def lift(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    held = [h["hold_id"] for h in snap.get("holds", ()) if not h.get("ended_at")]
    hold_id = p.next_id("h") if step["which"] == "unknown" or not held else held[0 if step["which"] == "first" else -1]
    await p.signal("hold_lifted", hold_id=hold_id, actor=PEOPLE[step["by"]])


async def promise(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    owed = Decimal(snap.get("owed", "0"))
    amount = {"half": owed / 2, "all": owed, "double": owed * 2}[step["share"]].quantize(Decimal("0.01"))
    until = now.astimezone(p.town.world.policy.zone).date() + timedelta(days=step["days"])
    await p.say("record_promise", "reader", promise_id=p.next_id("pr"), amount=str(amount), until=str(until))


async def plan(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    part = (Decimal(snap.get("owed", "0")) / step["parts"]).quantize(Decimal("0.01")) + Decimal(
        "-0.01" if step["short"] else "0.01"
    )
    today = now.astimezone(p.town.world.policy.zone).date()
    parts = [
        {"due": str(today + timedelta(days=step["days"] * (n + 1))), "amount": str(part)} for n in range(step["parts"])
    ]
    await p.say("agree_plan", "team_leader", plan_id=p.next_id("pl"), instalments=parts)


async def hotline(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    asked = p.say("request_restoration", "hotline", request_id=p.next_id("q"), source="hotline")
    await p.while_billing_is_asked(asked)


async def found_cut(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    report = {"report_id": p.next_id("f"), "meter_id": _meter(p, step["meter"]), "at": at}
    await p.signal("supply_found_cut", times=2, **report, reported_by="neighbour", source="95598")


async def restored(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    ticket = last(snap.get("tickets", []), kind="restore")["ticket_id"]
    await p.say("report_restored", step["by"], ticket_id=ticket, at=at)


async def declare_delay(p: Playing, _step: Step, _snap: Snapshot, now: datetime) -> None:
    told = {"customer_told_at": now.isoformat(), "customer_told_how": "phone", "leader": "Li"}
    await p.say("declare_delay", "team_leader", reason="storm", leader_told_at=now.isoformat(), **told)


async def serve_again(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.say("serve_again", "team_leader", reason="asked for")


async def reassign(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """Another person or unit takes over; the crew of this town does not say of which unit it is."""
    to = {"reader": "r-018", "team_leader": "t-004", "field_unit": "FU-05"}[step["role"]]
    await p.say("reassign", "centre_director", role=step["role"], to=to)


async def close_incident(p: Playing, _step: Step, snap: Snapshot, _now: datetime) -> None:
    for incident in snap.get("incidents", ()):
        if not incident.get("outcome"):
            await p.say("close_incident", "centre_director", incident_id=incident["incident_id"], outcome="settled")
            return


async def withdraw(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.say("withdraw", step["by"], reason="a mistake of ours")


async def recheck(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.signal("recheck_requested", times=2, request_id=p.next_id("r"), source=step["source"])


# ---- time and outages --------------------------------------------------------------------------


async def wait(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.advance(timedelta(hours=step["hours"]))


async def wait_until(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """To one of the case's own deadlines, a little before or after it."""
    red, yellow, permit_ = _standing(snap, "red"), _standing(snap, "yellow"), snap.get("permit")
    notice = red or yellow
    if notice is None:
        return
    cut_at, deadline = (datetime.fromisoformat(notice[k]) for k in ("cut_at", "deadline"))
    marks = {
        "deliver_by": (cut_at if red else deadline) - timedelta(days=7),
        "red_issue": cut_at - timedelta(days=10),
        "ticket_time": cut_at - timedelta(hours=24),
        "half_hour": cut_at - timedelta(minutes=30),
        "T": cut_at,
        "window_end": cut_at + timedelta(hours=2),
        "permit_end": datetime.fromisoformat(permit_["valid_until"]) if permit_ else now,
        "restore_due": datetime.fromisoformat(snap["restore_due_by"]) if snap.get("restore_due_by") else now,
    }
    await p.advance(marks[step["mark"]] + timedelta(seconds=step["seconds"]) - now)


async def billing_down(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.silence()


async def register_down(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    p.was_down = True
    p.town.register.silent.add(p.account_id)


async def all_up(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    if await p.put_back():
        await p.advance(timedelta(hours=5))


async def restart(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.town.restart_worker()


ACTS: dict[str, StepPlayer] = {
    act.__name__: act
    for act in (
        pay,
        reverse,
        bill,
        deliver,
        decide,
        file,
        acknowledge_report,
        acknowledge_ticket,
        final_notice,
        permit,
        cut,
        not_cut,
        meter_uncertain,
        verify_meter,
        hold,
        lift,
        promise,
        plan,
        hotline,
        found_cut,
        restored,
        declare_delay,
        serve_again,
        reassign,
        close_incident,
        withdraw,
        recheck,
        wait,
        wait_until,
        billing_down,
        register_down,
        all_up,
        restart,
    )
}
