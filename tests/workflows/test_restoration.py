"""Restoration: who asks for it, what it needs, the 24 hours, the warnings, the breach and the declared delay."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.law.clock import end_of_day, local_day
from domain.money.book import BookedPayment
from tests.support.world import PEOPLE, SOON, Case, Refusal, World


def moment(snap: dict[str, Any], name: str) -> datetime:
    """A time of the snapshot."""
    return datetime.fromisoformat(snap[name])


async def cut_off(world: World, **opening: Any) -> Case:
    """A case whose supply was cut lawfully three hours ago."""
    case = await world.open(**opening)
    await case.to_cut()
    await case.pass_time(hours=3)
    return case


async def ask(case: Case, who: str = "hotline", request_id: str = "q-1", source: str = "hotline") -> Any:
    """A customer asks for supply."""
    return await case.update("request_restoration", who, request_id=request_id, source=source)


async def declare_delay(case: Case, who: str = "team_leader") -> None:
    """Everybody has been notified that it takes longer."""
    told = (await case.now()).isoformat()
    await case.update(
        "declare_delay",
        who,
        reason="the line is down after a storm",
        customer_told_at=told,
        customer_told_how="phone",
        leader="centre director Li",
        leader_told_at=told,
    )


# ---- who asks (R-22, R-23) --------------------------------------------------------------------


async def test_a_payment_brings_the_ticket_without_anybody_asking(world: World) -> None:
    """R-23, R-24: payment events do not wait for the sweep; the ticket needs no approval."""
    case = await cut_off(world)
    before = len((await case.snapshot())["approvals"])
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    snap = await case.in_stage("restoring")
    assert len(snap["approvals"]) == before
    assert ("field_crew", "report_restored") in await case.awaited()
    sent = (await case.recorded("ticket.sent", 2))[-1]
    assert (sent.clause, sent.about) == ("III.1", ticket["ticket_id"])
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_the_hotline_hears_what_is_owed_and_later_gets_a_ticket(world: World) -> None:
    """R-22: still owing, then no ticket; paid without anybody reporting it to the case, then a ticket."""
    case = await cut_off(world)
    await case.pay("50.00", reported=False)
    owing = (await ask(case))["still_owing"]
    assert owing["amount"] == "150.00"
    assert Decimal(owing["late_fee"]) > 0
    assert [t for t in (await case.snapshot())["tickets"] if t["kind"] == "restore"] == []
    await case.pay("150.00", reported=False)
    answer = await ask(case, request_id="q-2")
    assert answer == {"ticket_id": (await case.ticket("restore"))["ticket_id"]}
    assert await ask(case, "operator", "q-3", "counter") == answer
    asked = await case.recorded("restoration.requested", 3)
    assert [e.detail["answer"] for e in asked] == ["still_owing", "ticket", "ticket"]


async def test_nobody_without_the_right_asks_to_restore_supply_that_is_on(world: World) -> None:
    """R-22: the crew does not ask; and while supply is on there is nothing to ask for."""
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(Refusal, match="NotAllowed"):
        await ask(case, "field_crew")
    with pytest.raises(Refusal, match="NotWaiting"):
        await ask(case)


async def test_the_sweep_finds_a_payment_that_nobody_reported(world: World) -> None:
    """R-23: checked every day; the sweep's signal makes the case ask billing."""
    case = await cut_off(world)
    await case.signal("recheck_requested", request_id="sweep-1", source="sweep")
    await case.pay("200.00", reported=False)
    await case.signal("recheck_requested", request_id="sweep-2", source="sweep")
    await case.ticket("restore")
    assert {e.about for e in await case.recorded("recheck.requested", 2)} == {"sweep-1", "sweep-2"}


async def test_a_bill_never_noticed_does_not_hold_up_supply_and_gets_its_own_yellow(world: World) -> None:
    """R-24, R-05: only the bills of the red notice count; the new one starts its own yellow notice afterwards."""
    case = await cut_off(world)
    today = local_day(await case.now(), world.policy)
    newer = await world.bill(case.account_id, "80.00", 2, today)
    await case.pay("200.00")
    await case.restore()
    assert (await case.undelivered("yellow"))["bills"] == [newer]
    assert (await case.stage()) == "yellow_notice"
    await case.pay("80.00")
    assert (await case.result())["outcome"] == "restored"


async def test_a_bill_that_joined_before_the_cut_does_not_hold_up_supply_either(world: World) -> None:
    """R-24, R-05: overdue and known when the switch was thrown, but not named in the red notice of the cut."""
    case = await world.open()
    ticket = await case.to_window()
    newer = await world.bill(case.account_id, "80.00", 2, local_day(await case.now(), world.policy))
    await case.signal("recheck_requested", request_id="sweep-1", source="sweep")
    await case.becomes(lambda s: s["owed"] == "280.00")
    permit = await case.permit(ticket)
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.pay("200.00")
    await case.restore()
    assert (await case.undelivered("yellow"))["bills"] == [newer]


async def test_a_part_of_the_debt_restores_nothing(world: World) -> None:
    """R-24: the bills named in the red notice must be settled."""
    case = await cut_off(world)
    await case.pay("190.00")
    snap = await case.becomes(lambda s: s["owed"] == "10.00")
    assert snap["stage"] == "disconnected"
    assert "restore_due_by" not in snap


# ---- the late fee -----------------------------------------------------------------------------


async def test_the_late_fee_does_not_hold_up_supply(world: World) -> None:
    """R-24: it stays collectable; settled is the principal."""
    case = await cut_off(world)
    assert Decimal((await case.snapshot())["late_fee"]) > 0
    await case.pay("200.00")
    await case.ticket("restore")


async def test_where_the_policy_says_so_the_late_fee_is_paid_first(world: World) -> None:
    """R-24: `late_fee_blocks` is the policy's to say."""
    case = await cut_off(world, policy=world.policy.model_copy(update={"late_fee_blocks": True}))
    await case.pay("200.00")
    await case.becomes(lambda s: s["owed"] == "0.00")
    owing = (await ask(case))["still_owing"]
    assert owing["amount"] == "0.00"
    await case.pay(owing["late_fee"])
    await case.ticket("restore")


# ---- the 24 hours (R-25, R-26) ----------------------------------------------------------------


async def test_the_day_runs_from_the_payment_and_not_from_its_detection(world: World) -> None:
    """R-25: billing says when it was paid; who finds it two hours later has 22 hours left."""
    case = await cut_off(world)
    await case.pay("200.00", reported=False, ago=timedelta(hours=2))
    await ask(case)
    snap = await case.in_stage("restoring")
    (settled,) = await case.recorded("debt.settled")
    assert moment(snap, "settled_at") == settled.at
    assert settled.recorded_at - settled.at >= timedelta(hours=2)
    assert moment(snap, "restore_due_by") == settled.at + timedelta(hours=24)


async def test_warnings_at_twelve_and_twenty_hours_and_the_breach_at_the_end(world: World) -> None:
    """R-25, R-26, R-28, P3: never silence: two warnings, then an incident that goes up and stays until it is closed."""
    case = await cut_off(world)
    await case.pay("200.00")
    snap = await case.in_stage("restoring")
    settled = moment(snap, "settled_at")

    async def warned() -> list[str]:
        return [e["rung"] for e in (await case.snapshot())["escalations"]]

    await case.until(settled + timedelta(hours=12) - timedelta(minutes=1))
    assert await warned() == []
    await case.until(settled + timedelta(hours=12) + SOON)
    await case.becomes(lambda s: len(s["escalations"]) == 1)
    await case.until(settled + timedelta(hours=20) + SOON)
    await case.becomes(lambda s: len(s["escalations"]) == 2)
    assert await warned() == ["team_leader", "centre_director"]
    assert [e.detail["hours"] for e in await case.recorded("restore.warning", 2)] == [12, 20]
    await case.until(settled + timedelta(hours=24) + SOON)
    snap = await case.becomes(lambda s: bool(s["incidents"]))
    assert [i["kind"] for i in snap["incidents"]] == ["restoration_breach"]
    for leader in ("centre_director", "company_leader"):
        await case.notified(leader, "incident: restoration_breach")
    await case.restore()
    snap = await case.becomes(lambda s: "restored_at" in s)
    assert snap["stage"] != "closed"
    assert len(await case.evidence("incident.opened")) == 1
    incident = snap["incidents"][0]["incident_id"]
    await case.update("close_incident", "company_leader", incident_id=incident, outcome="the crew was one man short")
    assert (await case.result())["outcome"] == "restored"


async def test_a_declared_delay_reaches_to_the_end_of_the_next_day(world: World) -> None:
    """R-26: reason, customer and leader notified, before the 24 hours end; restored on the second day is no breach."""
    case = await cut_off(world)
    await case.pay("200.00")
    settled = moment(await case.in_stage("restoring"), "settled_at")
    await case.until(settled + timedelta(hours=23))
    await declare_delay(case)
    end = end_of_day(local_day(settled, world.policy) + timedelta(days=1), world.policy)
    assert moment(await case.snapshot(), "restore_due_by") == end
    await case.until(max(settled + timedelta(hours=25), end - timedelta(minutes=30)))
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    (restored,) = await case.recorded("supply.restored")
    assert restored.detail["in_time"] is True
    (declared,) = await case.recorded("delay.declared")
    assert (declared.detail["leader"], declared.detail["customer_told_how"]) == ("centre director Li", "phone")


async def test_a_declared_delay_that_runs_out_is_a_breach_too(world: World) -> None:
    """R-26: past the end of the day after settlement there is no excuse."""
    case = await cut_off(world)
    await case.pay("200.00")
    await case.in_stage("restoring")
    await declare_delay(case, "centre_director")
    end = moment(await case.snapshot(), "restore_due_by")
    await case.until(end - timedelta(minutes=1))
    assert (await case.snapshot())["incidents"] == []
    await case.until(end + SOON)
    snap = await case.becomes(lambda s: bool(s["incidents"]))
    assert snap["incidents"][0]["kind"] == "restoration_breach"


async def test_a_delay_is_declared_in_time_and_by_a_leader(world: World) -> None:
    """R-26: not by the crew, not before anything is due, not after the 24 hours."""
    case = await cut_off(world)
    with pytest.raises(Refusal, match="NotWaiting"):
        await declare_delay(case)
    await case.pay("200.00")
    settled = moment(await case.in_stage("restoring"), "settled_at")
    with pytest.raises(Refusal, match="NotAllowed"):
        await declare_delay(case, "field_crew")
    await case.until(settled + timedelta(hours=24) + SOON)
    with pytest.raises(Refusal, match="TooLate"):
        await declare_delay(case)
    assert (await case.snapshot())["incidents"][0]["kind"] == "restoration_breach"


async def test_restored_in_time_is_recorded_with_its_times(world: World) -> None:
    """R-25, R-30: what happened and when it was reported are both kept."""
    case = await cut_off(world)
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    await case.pass_time(hours=2)
    at = await case.now() - timedelta(hours=1)
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"], at=at.isoformat())
    await case.result()
    (restored,) = await case.recorded("supply.restored")
    assert restored.at == at
    assert restored.recorded_at - at >= timedelta(hours=1)
    assert restored.detail["in_time"] is True


async def test_only_the_field_unit_reports_supply_restored(world: World) -> None:
    """R-25: what others say is recorded, and the ticket stays out."""
    case = await cut_off(world)
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    await case.update("report_restored", "reader", ticket_id=ticket["ticket_id"])
    stranger = {**PEOPLE["field_crew"], "unit": "FU-99"}
    await case.update("report_restored", stranger, ticket_id=ticket["ticket_id"])
    assert (await case.stage()) == "restoring"
    assert [e.detail["counts"] for e in await case.recorded("supply.reported", 2)] == [False, False]


async def test_the_crew_that_had_the_ticket_when_it_restored_is_believed(world: World) -> None:
    """R-25: the ticket passed to another unit while the first stood at the meter; a unit that has it no more is not."""
    case = await cut_off(world)
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    at = await case.now()
    await case.pass_time(minutes=5)
    await case.update("reassign", "team_leader", role="field_unit", to="FU-03")
    await case.pass_time(minutes=5)
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])
    assert [e.detail["counts"] for e in await case.recorded("supply.reported")] == [False], "he had it no more by now"
    before_the_cut = at - timedelta(days=1)
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"], at=before_the_cut.isoformat())
    assert [e.detail["counts"] for e in await case.recorded("supply.reported", 2)][-1] is False, "that cannot be true"
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"], at=at.isoformat())
    assert (await case.result())["outcome"] == "restored"
    (restored,) = await case.evidence("supply.restored")
    assert restored.at == at


# ---- plans, reversals, holds, withdrawal after the cut ----------------------------------------


async def on_a_plan(world: World) -> tuple[Case, datetime]:
    """Cut, then two instalments agreed, then the restoration: the case stays open. Also the first day's end."""
    case = await cut_off(world)
    now = await case.now()
    days = [local_day(now, world.policy) + timedelta(days=n) for n in (5, 10)]
    parts = [{"due": day.isoformat(), "amount": "100.00"} for day in days]
    await case.update("agree_plan", "team_leader", plan_id="pl-1", instalments=parts)
    snap = await case.in_stage("restoring")
    assert timedelta() <= moment(snap, "settled_at") - now < timedelta(minutes=1)
    await case.restore()
    snap = await case.in_stage("yellow_notice")
    assert [n for n in snap["notices"] if n["state"] == "to_deliver"] == []
    return case, end_of_day(days[0], world.policy)


async def test_a_settlement_older_than_the_plan_counts_when_billing_reports_it(world: World) -> None:
    """R-25: he had paid before the plan was agreed, and nobody had reported it; the 24 hours run from his payment."""
    case = await cut_off(world)
    paid_at = await case.now()
    await case.pay("200.00", reported=False)
    await case.pass_time(minutes=20)
    day = local_day(await case.now(), world.policy) + timedelta(days=5)
    parts = [{"due": day.isoformat(), "amount": "200.00"}]
    await case.update("agree_plan", "team_leader", plan_id="pl-1", instalments=parts)
    await case.in_stage("restoring")
    await case.signal("recheck_requested", request_id="r-1", source="hotline")
    (settled,) = await case.recorded("debt.settled")
    assert abs(settled.at - paid_at) < timedelta(minutes=1)
    due = moment(await case.snapshot(), "restore_due_by")
    assert abs(due - paid_at - timedelta(hours=24)) < timedelta(minutes=1)
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_restoration_on_a_plan_that_is_kept(world: World) -> None:
    """R-24, R-04: an agreed plan brings supply back; kept, the case closes restored."""
    case, _ = await on_a_plan(world)
    await case.pay("100.00")
    await case.becomes(lambda s: s["owed"] == "100.00")
    await case.pass_time(days=6)
    assert (await case.snapshot())["plan"]["state"] == "open"
    await case.pay("100.00")
    assert (await case.result())["outcome"] == "restored"


async def test_restoration_on_a_plan_that_is_broken_starts_a_new_yellow(world: World) -> None:
    """R-05, R-24: the cut used up its notices, and supply stays on meanwhile."""
    case, first_day = await on_a_plan(world)
    await case.until(first_day + timedelta(minutes=1))
    assert (await case.undelivered("yellow"))["amount"] == "200.00"
    snap = await case.snapshot()
    assert snap["plan"]["state"] == "broken"
    assert [t["kind"] for t in snap["tickets"] if t["state"] in ("sent", "acknowledged")] == []


async def test_without_the_policy_a_plan_restores_nothing(world: World) -> None:
    """R-24: `restore_on_plan` is wider than III.1 and so the policy's to say."""
    case = await cut_off(world, policy=world.policy.model_copy(update={"restore_on_plan": False}))
    day = local_day(await case.now(), world.policy) + timedelta(days=5)
    parts = [{"due": day.isoformat(), "amount": "200.00"}]
    await case.update("agree_plan", "team_leader", plan_id="pl-1", instalments=parts)
    await case.pass_time(hours=1)
    assert (await case.stage()) == "disconnected"


async def test_a_reversal_does_not_recall_the_restoration_ticket(world: World) -> None:
    """R-24: supply is restored all the same; the debt that is open again starts anew with a yellow notice."""
    case = await cut_off(world)
    payment = await case.pay("200.00")
    ticket = await case.ticket("restore")
    await case.reverse(payment, "200.00")
    await case.becomes(lambda s: s["owed"] == "200.00")
    assert (await case.ticket("restore"))["ticket_id"] == ticket["ticket_id"]
    await case.restore()
    assert (await case.undelivered("yellow"))["amount"] == "200.00"


async def test_a_hold_after_the_cut_does_not_stop_the_restoration(world: World) -> None:
    """R-04, R-24: a hold stops the procedure, never a restoration."""
    case = await cut_off(world)
    await case.signal("hold_placed", hold_id="h-1", kind="dispute", reason="meter", actor=PEOPLE["operator"])
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_withdrawn_after_the_cut_is_restored_first(world: World) -> None:
    """R-25: the 24 hours run from the message; it closes withdrawn only once supply is restored."""
    case = await cut_off(world)
    now = await case.now()
    await case.update("withdraw", "centre_director", reason="the bill was another customer's")
    snap = await case.in_stage("restoring")
    assert timedelta() <= moment(snap, "restore_due_by") - (now + timedelta(hours=24)) < timedelta(minutes=1)
    await case.ticket("restore")
    await case.restore()
    assert (await case.result())["outcome"] == "withdrawn"
    assert not await case.evidence("debt.settled")


async def test_paid_before_the_switch_but_booked_later_is_restored_at_once_with_an_incident(world: World) -> None:
    """P2: a switch thrown on a payment not yet known."""
    case = await world.open()
    ticket = await case.to_window()
    paid_at = await case.now()
    permit = await case.permit(ticket)
    await case.pass_time(minutes=5)
    payment = BookedPayment(f"P-late-{case.account_id}", case.account_id, Decimal("200.00"), paid_at)
    world.parts.book.add_payments((payment,))
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.ticket("restore")
    snap = await case.in_stage("restoring")
    assert [i["kind"] for i in snap["incidents"]] == ["cut_after_settlement"]
