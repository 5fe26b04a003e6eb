"""The lives in which nothing is cut: paid in time, held up, rejected, or an attempt that came to nothing."""

from datetime import timedelta
from decimal import Decimal

from edge.demo import procedure
from edge.demo.playing import Case, expect
from edge.demo.procedure import approve, at, deliver, to_red, to_served

# ---- paid before anything is cut --------------------------------------------------------------


async def paid_after_yellow(c: Case) -> None:
    """II.8: the yellow notice is enough."""
    await deliver(c, "yellow")
    await c.later(days=3)
    await c.pays()


async def paid_after_red(c: Case) -> None:
    """II.8: paid between the red notice and the approval."""
    await to_served(c)
    await c.later(days=2)
    await c.pays()


async def partial_payments(c: Case) -> None:
    """I.3: a part is no settlement, but a reason to offer a promise; the parts together are."""
    await deliver(c, "yellow")
    await c.later(days=1)
    await c.pays(Decimal("60.00"))
    await c.awaited("record_promise", "reader")
    await c.later(days=3)
    await c.pays(Decimal("60.00"))
    await c.sees("a debt of what is left", lambda s: s["owed"] == str(c.customer.amount - 120))
    await c.later(days=2)
    await c.pays(c.customer.amount - 120)


async def promise_kept(c: Case) -> None:
    """I.3: a promise stops the procedure until it is kept."""
    await to_red(c)
    await deliver(c, "red")
    await _promise(c, "reader", days=14)
    await c.later(days=13)
    await c.pays()


async def promise_broken(c: Case) -> None:
    """I.3: broken after the day it was for; the red notice's time had passed, so a new one is served."""
    await to_served(c)
    await _promise(c, "team_leader", days=12)
    await c.later(days=14)
    await deliver(c, "red")
    await approve(c)
    await c.pays()


async def _promise(c: Case, role: str, *, days: int) -> None:
    """The customer promises all that he owes, in so many days."""
    until = await c.today() + timedelta(days=days)
    await c.says(
        "record_promise", role, promise_id=f"PR-{c.account_id}", amount=str(c.customer.amount), until=f"{until}"
    )


async def dispute(c: Case) -> None:
    """I.3: a dispute is lifted by a person, never by the clock; what it held up is served again."""
    await to_served(c)
    hold = {"hold_id": f"H-{c.account_id}", "actor": c.customer.actor("operator")}
    await c.hears("hold_placed", kind="dispute", reason="表计有异议，申请校验 the meter is to be tested", **hold)
    await c.later(days=25)
    expect((await c.snapshot())["stage"] == "red_notice", "the dispute did not stop the procedure")
    await c.hears("hold_lifted", **hold)
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()


async def stacked_holds(c: Case) -> None:
    """I.3: several holds stand at once; the procedure goes on when the last is gone."""
    await deliver(c, "yellow")
    end = await c.now()
    await c.hears(
        "hold_placed",
        hold_id=f"H1-{c.account_id}",
        kind="medical",
        reason="家中有呼吸机 a ventilator at home",
        until=at(end.isoformat(), days=40).isoformat(),
        actor=c.customer.actor("centre_director"),
    )
    hold = {"hold_id": f"H2-{c.account_id}", "actor": c.customer.actor("team_leader")}
    await c.hears("hold_placed", kind="hardship", reason="低保户 on public assistance", **hold)
    await c.later(days=20)
    await c.hears("hold_lifted", **hold)
    await c.later(days=15)
    waiting = [a["act"] for a in (await c.snapshot())["waiting_for"]]
    expect("record_delivery" not in waiting, "a red notice was issued during a hold")
    await c.until(at(end.isoformat(), days=40, minutes=10))
    await deliver(c, "red")
    await c.later(days=2)
    await c.pays()


async def bounced(c: Case) -> None:
    """II.0: a payment bounces after the case has closed: it is opened anew, with a yellow notice of its own."""
    await deliver(c, "yellow")
    await c.later(days=1)
    payment = await c.pays()
    expect((await c.closed())["outcome"] == "settled", "the payment did not settle")
    await c.bounces(payment)
    await deliver(c, "yellow")
    await c.later(days=2)
    await c.pays()


async def withdrawn(c: Case) -> None:
    """I.3: the centre director ends a case that should not have been one."""
    await to_served(c)
    await c.later(days=1)
    await c.refused("NotAllowed", "withdraw", "reader", reason="抄表差错 a reading error")
    await c.says("withdraw", "centre_director", reason="抄表差错，账单作废 a reading error; the bill is void")


# ---- delivery and approval --------------------------------------------------------------------


async def refused_signature(c: Case) -> None:
    """II.2: a refusal is recorded in detail and goes up; the team leader is silent, so the director answers."""
    notice = await to_red(c)
    empty = {"notice_id": notice["notice_id"], "outcome": "refused"}
    await c.refused("MissingEvidence", "record_delivery", "reader", **empty, refusal={"place": "门口 the door"})
    await deliver(c, "red", "refused")
    await c.awaited("acknowledge_escalation", "team_leader")
    await c.later(hours=24, minutes=10)
    await c.does("acknowledge_escalation", "centre_director", remark="已核实拒签经过 the refusal is verified")
    await approve(c)
    await c.pays()


async def delivered_too_late(c: Case) -> None:
    """II.2: nobody at home until it is too late: the notice is void for its time, and another is served."""
    first = await to_red(c)
    await c.later(days=1)
    await deliver(c, "red", "undeliverable")
    await c.until_deadline()
    await c.does("acknowledge_escalation", "team_leader", remark="改时间上门 another visit")
    answer = await c.says("record_delivery", "reader", notice_id=first["notice_id"], outcome="signed")
    expect(answer.get("void_reason"), f"the late delivery counted: {answer}")
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()


async def non_residential(c: Case) -> None:
    """II.2, III.4: the station head must have read the refusal, and two levels approve."""
    await to_red(c)
    await deliver(c, "red", "refused")
    await c.does("acknowledge_escalation", "team_leader", remark="已到场 was there")
    snap = await c.snapshot()
    expect(not any(n.get("served_at") for n in snap["notices"] if n["kind"] == "red"), "served without the station")
    await c.does("acknowledge_escalation", "station_head", remark="营业站已知悉 the station knows")
    expect(await approve(c) == ["centre_director", "company_leader"], "other levels were asked")
    await procedure.cut(c, await procedure.window(c, await procedure.half_hour(c, await procedure.ticket(c))))
    await c.later(hours=1)
    await c.pays()
    await procedure.restore(c)


async def important_customer(c: Case) -> None:
    """III.5: filed with the power authority before the ticket; paid in the last half-hour."""
    await to_served(c)
    await approve(c)
    await c.does(
        "record_filing", purpose="filing", reference="电监备〔2026〕17号", authority="市电力管理部门 power authority"
    )
    await c.says(
        "record_filing",
        "liaison",
        purpose="coordination",
        reference="协调会 meeting",
        authority="区政府 district",
    )
    await procedure.half_hour(c, await procedure.ticket(c))
    await c.later(minutes=10)
    await c.pays()


async def large_amount(c: Case) -> None:
    """III.4: from 50 000 on the company leader approves too, for any customer."""
    await to_served(c)
    await c.refused("NotAllowed", "decide_approval", "team_leader", **await _approving(c))
    expect(await approve(c) == ["centre_director", "company_leader"], "other levels were asked")
    await c.later(days=1)
    await c.pays()


async def _approving(c: Case) -> dict[str, str]:
    entry = await c.awaited("decide_approval")
    return {"notice_id": entry["id"], "decision": "approved"}


async def rejected(c: Case) -> None:
    """III.4: a rejection ends the attempt; nothing is served again until a person says so."""
    await to_served(c)
    await c.does("decide_approval", decision="rejected", remark="先协商分期 offer instalments first")
    await c.does("serve_again", reason="协商未果 no agreement was reached")
    await deliver(c, "red")
    await approve(c)
    await c.later(days=1)
    await c.pays()


# ---- the attempt that comes to nothing --------------------------------------------------------


async def unacknowledged(c: Case) -> None:
    """II.3: the field unit does not take the ticket: the time slips, and a new red notice is served."""
    await procedure.to_ticket(c)
    await c.until_deadline()
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()


async def not_cut(c: Case) -> None:
    """II.7: the crew leaves without cutting: the time slips."""
    sent = await procedure.to_window(c)
    await c.says("report_not_cut", "field_crew", ticket_id=sent["ticket_id"], reason="无人在家 nobody at home")
    await c.does("acknowledge_escalation", "team_leader", remark="另约时间 another time")
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()


async def paid_at_the_meter(c: Case) -> None:
    """II.6, II.8: a payment arrives while the crew holds its permit: revoked, and nothing is cut."""
    sent = await procedure.to_window(c)
    await procedure.permit(c, sent)
    await c.later(minutes=3)
    await c.pays()
    await c.sees("billing's answer that all is paid", lambda s: s["owed"] == "0.00")
    await c.does("report_not_cut", "field_crew", reason="接到撤销通知，未操作 revoked in time")


async def meter_denied(c: Case) -> None:
    """II.7: the reader says it is another's meter: the attempt ends, with an incident."""
    sent = await procedure.to_window(c)
    doubt = {"ticket_id": sent["ticket_id"], "meter_id": sent["meter_id"]}
    await c.says("report_meter_uncertain", "field_crew", **doubt, remark="两块表无户号 two meters, no number")
    await c.does("verify_meter", meter_id=sent["meter_id"], confirmed=False)
    await procedure.close_incident(c, "现场表号贴错，已更正 the labels were swapped; corrected")
    await c.does("serve_again", reason="表号已更正 the labels are right now")
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()


async def billing_silent(c: Case) -> None:
    """II.6: billing gives no answer in the last half-hour: no cut, and the time slips at once."""
    sent = await procedure.to_ticket(c)
    await c.says("acknowledge_ticket", "field_crew", ticket_id=sent["ticket_id"])
    await c.comes_to_its_turn()
    await c.billing_down()
    try:
        await c.until_deadline()
        await c.sees("the ticket recalled", lambda s: s["tickets"][-1]["state"] == "recalled")
    finally:
        await c.billing_back()
    await c.later(minutes=2)  # billing is asked again after a minute at most
    await deliver(c, "red")
    await c.later(days=1)
    await c.pays()
