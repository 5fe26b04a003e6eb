"""The lives in which the facts change under a case: a payment, the customer's record, a bill, and a cent left over."""

from datetime import timedelta
from decimal import Decimal

from edge.demo import procedure
from edge.demo.book import BYSTANDERS
from edge.demo.playing import Answer, Case, expect
from edge.demo.procedure import approve, at, close_incident, deliver, restore, to_served

_CENT = Decimal("0.01")


async def announced_twice(c: Case) -> None:
    """II.6, II.8: announced too early and given up; booked and announced again word for word, it revokes the permit."""
    sent = await procedure.to_ticket(c)
    cut_at = (await c.snapshot())["planned_cut_at"]
    announcement: Answer = {"payment_id": f"WX-{c.account_id}", "amount": str(c.customer.amount), "channel": "微信"}
    await c.until(at(cut_at, hours=-3))
    await c.hears("payment_received", **announcement)
    await c.until(at(cut_at, hours=-1, minutes=-50))
    await procedure.permit(c, await procedure.window(c, await procedure.half_hour(c, sent)))
    await c.later(minutes=1)
    await c.pays(silently=True, payment_id=announcement["payment_id"])
    await c.hears("payment_received", **announcement)
    await c.sees("the permit revoked", lambda s: s["permit"]["state"] == "revoked")
    await c.does("report_not_cut", "field_crew", reason="接到撤销通知，未操作 revoked in time")


async def meter_replaced(c: Case) -> None:
    """II.4, II.7: the meter is replaced after the approval: another red notice, and the ticket names the new meter."""
    await to_served(c)
    await approve(c)
    await c.is_recorded_anew(new_meter=f"N{c.account_id}")
    await c.until_deadline()
    sent = await procedure.serve_red_again(c)
    expect(sent["meter_id"] == c.customer.meter_id, f"the ticket names {sent['meter_id']}, not {c.customer.meter_id}")
    await procedure.cut(c, await procedure.window(c, await procedure.half_hour(c, sent)))
    await c.later(hours=4)
    await c.pays()
    await restore(c)


async def holder_changed(c: Case) -> None:
    """II.2: what was served on the former holder serves nobody else: the new one gets a yellow notice of his own."""
    await to_served(c)
    await approve(c)
    await c.is_recorded_anew(name="郝新主")
    await c.until_deadline()
    await deliver(c, "yellow")
    void = [n["kind"] for n in (await c.snapshot())["notices"] if n["state"] == "void"]
    expect(void == ["yellow", "red"], f"void are {void}")
    await c.later(days=3)
    await c.pays()


async def holder_changed_without_supply(c: Case) -> None:
    """II.2, III.1: the new holder asks 95598: supply is restored without payment; what is owed is dunned anew."""
    await procedure.to_cut(c)
    await c.later(hours=20)
    await c.is_recorded_anew(name="毕新来")
    answer = await c.says("request_restoration", "hotline", request_id=f"HL-{c.account_id}", source="hotline")
    expect(answer.get("ticket_id"), f"no ticket: {answer}")
    snap = await c.snapshot()
    expect((snap["owed"], "settled_at" in snap) == (str(c.customer.amount), False), "restoration waited for a payment")
    await restore(c)
    await deliver(c, "yellow")
    await c.later(days=2)
    await c.pays()


async def bill_corrected(c: Case) -> None:
    """III.3: the bill is corrected to what was paid of it weeks ago: 24 hours from when the case learns of it."""
    paid = c.customer.amount - Decimal("80.00")
    await deliver(c, "yellow")
    await c.later(days=1)
    await c.pays(paid)
    await c.until_deadline()
    await c.notice("red")
    await c.later(hours=2)
    await procedure.cut(c, await procedure.window(c, await procedure.half_hour(c, await procedure.serve_red_again(c))))
    await c.later(hours=5)
    await c.is_corrected(paid)
    learned = await c.now()
    await c.hears("recheck_requested", request_id=f"RC-{c.account_id}", source="hotline")
    snap = await c.sees("a restoration that is due", lambda s: s if s.get("restore_due_by") else None)
    expect(at(snap["settled_at"]) >= learned, f"settled at {snap['settled_at']}, before the case learned of it")
    expect(at(snap["restore_due_by"]) >= learned + timedelta(hours=24), f"due by {snap['restore_due_by']}")
    await restore(c)


async def neighbour_found_cut(c: Case) -> None:
    """III.4: a neighbour's meter is found cut: it is restored, and is no cut of this customer, who stays cut off.

    The crew typed our meter in a spelling of its own, which counts.
    """
    sent = await procedure.to_window(c)
    await procedure.cut(c, sent | {"meter_id": f"m-{c.account_id}"})
    await c.later(hours=2)
    meter = BYSTANDERS[0].meter_id
    report: Answer = {"report_id": f"F-{c.account_id}", "meter_id": meter, "reported_by": "邻居 the neighbour"}
    await c.hears("supply_found_cut", source="95598", **report)
    entry = await c.awaited("report_restored", "field_crew")
    his = next(t for t in (await c.snapshot())["tickets"] if t["ticket_id"] == entry["id"])
    expect(his["meter_id"] == meter, f"the ticket names {his['meter_id']}, not the neighbour's {meter}")
    await restore(c, hours=1)
    await c.sees("our own customer without supply", lambda s: s["stage"] == "disconnected")
    await close_incident(c, "表箱接线错误，已更正 the meter box was wired wrongly; corrected")
    await c.pays()
    await restore(c)


async def a_cent_left(c: Case) -> None:
    """II.0: nobody is cut off for a cent; it stays owed, and counts with the next bill."""
    await deliver(c, "yellow")
    await c.later(days=4)
    await c.pays(c.customer.amount - _CENT)
    reason = (await c.closed())["reason"]
    expect(f"{_CENT} CNY" in reason and reason.endswith("stays owed"), f"the reason names no rest: {reason}")
