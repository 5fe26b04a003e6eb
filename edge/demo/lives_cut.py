"""The lives in which supply was cut, by us or by somebody else, and then restored."""

from datetime import timedelta
from decimal import Decimal

from edge.demo.playing import Answer, Case, expect
from edge.demo.procedure import (
    at,
    close_incident,
    cut,
    deliver,
    half_hour,
    permit,
    restore,
    serve_red_again,
    to_cut,
    to_window,
    window,
)


async def cut_and_restored(c: Case) -> None:
    """II.7, III.3: cut by the whole procedure, paid, restored in time."""
    await to_cut(c)
    await c.later(hours=3)
    await c.pays()
    await restore(c)


async def declared_delay(c: Case) -> None:
    """III.3: more than 24 hours, with customer and leader notified before they ended."""
    await to_cut(c)
    await c.later(hours=1)
    await c.pays()
    await c.does("acknowledge_ticket", "field_crew")
    await c.later(hours=12, minutes=10)
    await c.does("acknowledge_escalation", "team_leader", remark="线路抢修中 the line is being repaired")
    await c.later(hours=8)
    now = (await c.now()).isoformat()
    await c.says(
        "declare_delay",
        "team_leader",
        reason="暴雨致线路故障 a storm has damaged the line",
        customer_told_at=now,
        customer_told_how="电话 by telephone",
        leader=c.customer.actor("centre_director")["id"],
        leader_told_at=now,
    )
    await c.later(hours=7)
    await c.does("report_restored")


async def breached(c: Case) -> None:
    """III.3: more than 24 hours, and nothing declared: an incident, closed with its outcome."""
    await to_cut(c)
    await c.later(hours=1)
    await c.pays()
    await c.does("acknowledge_ticket", "field_crew")
    await c.later(hours=25)
    await close_incident(c, "抢修班延误，已考核 the crew was late; dealt with")
    await c.does("report_restored")


async def meter_confirmed(c: Case) -> None:
    """II.7: the crew is unsure; no permit until a reader has been there. Another meter gets none at all."""
    sent = await to_window(c)
    ids: Answer = {"ticket_id": sent["ticket_id"], "meter_id": sent["meter_id"]}
    await c.says("report_meter_uncertain", "field_crew", **ids, remark="表号磨损 the number is worn")
    answer = await c.says("request_permit", "field_crew", **ids)
    expect([u["rule"] for u in answer.get("unmet", ())] == ["R-19"], f"a permit in doubt: {answer}")
    await c.does("verify_meter", meter_id=sent["meter_id"], confirmed=True)
    wrong = await c.says("request_permit", "field_crew", ticket_id=sent["ticket_id"], meter_id="M-0")
    expect(not wrong["granted"], "a permit for another meter")
    first = await permit(c, sent)
    expect(await permit(c, sent) == first, "the same crew got a second permit")
    another = c.customer.actor("field_crew") | {"id": "f-99"}
    expect(not (await c.says("request_permit", "field_crew", by=another, **ids))["granted"], "two crews, two permits")
    await c.does("report_cut", meter_id=sent["meter_id"])
    await c.later(days=1)
    await c.pays()
    await restore(c)


async def asked_the_hotline(c: Case) -> None:
    """III.1: 95598 asks: first what is owed is the answer; once it is paid, the ticket."""
    await to_cut(c)
    await c.later(hours=5)
    ask: Answer = {"source": "hotline"}
    answer = await c.says("request_restoration", "hotline", request_id=f"HL1-{c.account_id}", **ask)
    expect(answer["still_owing"]["amount"] == str(c.customer.amount), f"still owing: {answer}")
    await c.later(hours=2)
    await c.pays(silently=True)
    await c.later(minutes=20)
    answer = await c.says("request_restoration", "hotline", request_id=f"HL2-{c.account_id}", **ask)
    expect(answer.get("ticket_id"), f"no ticket: {answer}")
    await restore(c)


async def found_by_the_sweep(c: Case) -> None:
    """III.2: nobody announced the payment to the case; the daily sweep finds it."""
    await to_cut(c)
    await c.later(hours=5)
    await c.pays(silently=True)
    await c.later(hours=2)
    await c.comes_to_its_turn()
    await c.sweep()
    await restore(c)


async def plan_kept(c: Case) -> None:
    """I.3, III.1: a plan brings supply back; kept, it ends the case."""
    await to_cut(c)
    await c.later(hours=6)
    half = (c.customer.amount / 2).quantize(Decimal("0.01"))
    await _plan(c, half)
    await restore(c)
    await c.later(days=5)
    await c.pays(half)
    await c.later(days=10)
    await c.pays(c.customer.amount - half)


async def plan_broken(c: Case) -> None:
    """I.3, II.1: a plan that is broken leads to a new yellow notice: the cut has used up the old ones."""
    await to_cut(c)
    await c.later(hours=6)
    await _plan(c, (c.customer.amount / 2).quantize(Decimal("0.01")))
    await restore(c)
    await c.later(days=9)
    await deliver(c, "yellow")
    await c.later(days=2)
    await c.pays()


async def _plan(c: Case, first: Decimal) -> None:
    today = await c.today()
    due = (today + timedelta(days=7), today + timedelta(days=20))
    amounts = (first, c.customer.amount - first)
    parts = [{"due": f"{day}", "amount": str(amount)} for day, amount in zip(due, amounts, strict=True)]
    await c.says("agree_plan", "team_leader", plan_id=f"PL-{c.account_id}", instalments=parts)


async def another_bill(c: Case) -> None:
    """II.0: a bill that joins later does not delay the restoration, and gets a yellow notice of its own afterwards."""
    await to_cut(c)
    second = await c.is_billed(Decimal("143.10"), (c.town.now() - timedelta(days=2)).date())
    await c.sees("two bills", lambda s: len(s["bills"]) == 2)
    await c.later(hours=4)
    await c.pays(bill=1)
    await restore(c)
    notice = await deliver(c, "yellow")
    expect(notice["bills"] == [f"B-{c.account_id}-{second}"], f"the new notice names {notice['bills']}")
    await c.later(days=1)
    await c.pays(Decimal("143.10"), bill=second)


async def withdrawn_after_the_cut(c: Case) -> None:
    """I.3, III.1: withdrawn when supply is already off: it is restored first."""
    await to_cut(c)
    await c.later(hours=1)
    await c.says("withdraw", "centre_director", reason="账单有误，撤销 the bill was wrong")
    await restore(c)


async def unauthorised_in_a_case(c: Case) -> None:
    """III.4: found cut without a permit of ours: restored at once; the debt is judged after that."""
    await deliver(c, "yellow")
    await c.later(days=1)
    await c.hears(
        "supply_found_cut",
        report_id=f"F-{c.account_id}",
        meter_id=c.customer.meter_id,
        reported_by="用户本人 the customer",
        source="95598",
    )
    await restore(c, hours=2)
    await close_incident(c, "外协人员擅自停电，已处理 a contractor acted on his own; dealt with")
    await c.later(days=2)
    await c.pays()


async def unauthorised_without_a_case(c: Case) -> None:
    """III.4: cut first, no case at all: the report opens one, which begins by restoring."""
    await c.found_cut_by_crew("no case")
    await restore(c, hours=2)
    await close_incident(c, "无票停电，已按违纪处理 a cut without a ticket; disciplined")


async def reported_late(c: Case) -> None:
    """II.8: paid at 09:58, cut at 10:02, both reported later and out of order: restored at once, and an incident."""
    sent = await to_window(c)
    begin = at((await c.snapshot())["planned_cut_at"])
    await c.until(begin + timedelta(minutes=50))
    permit_id = await permit(c, sent)
    await c.until(begin + timedelta(minutes=70))
    await c.says(
        "report_cut",
        "field_crew",
        permit_id=permit_id,
        meter_id=sent["meter_id"],
        at=(begin + timedelta(minutes=62)).isoformat(),
    )
    await c.pays(at=begin + timedelta(minutes=58))
    await restore(c, hours=1)
    await close_incident(c, "交费与停电仅差四分钟，已致歉 four minutes apart; we apologised")


async def cut_at_the_second_time(c: Case) -> None:
    """II.2, II.7: the first attempt slips, the second succeeds: nothing of the first is used again."""
    sent = await to_window(c)
    await c.says("report_not_cut", "field_crew", ticket_id=sent["ticket_id"], reason="客户正在手术 surgery at home")
    await cut(c, await window(c, await half_hour(c, await serve_red_again(c))))
    await c.later(hours=2)
    await c.pays()
    await restore(c)
