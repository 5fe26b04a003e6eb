"""Reports from the field may be late and out of order: they are judged by when it happened, and both times are kept."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.money.book import BookedPayment
from tests.support.world import SOON, Case, World


async def permitted(world: World) -> tuple[Case, dict[str, Any], datetime, datetime]:
    """The crew holds a permit: the case, the ticket, when it was given and when it ends."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    (given,) = await case.recorded("permit.granted")
    return case, ticket, given.at, datetime.fromisoformat(permit["valid_until"])


async def report_cut(case: Case, at: datetime, meter_id: str | None = None, **more: Any) -> Any:
    """The crew reports a cut, late."""
    meter = meter_id or f"M-{case.account_id}"
    return await case.update("report_cut", "field_crew", meter_id=meter, at=at.isoformat(), **more)


async def found_cut(case: Case, at: datetime) -> None:
    """Somebody found the customer without supply."""
    await case.signal(
        "supply_found_cut",
        report_id="f-1",
        meter_id=f"M-{case.account_id}",
        reported_by="neighbour Wang",
        source="95598",
        at=at.isoformat(),
    )


async def slipped(case: Case, ends: datetime) -> dict[str, Any]:
    """The window has passed; a new red notice is under way."""
    old = (await case.notice("red"))["notice_id"]
    await case.until(ends + timedelta(hours=3))
    red = await case.undelivered("red")
    assert red["notice_id"] != old
    return red


async def test_a_cut_inside_the_permit_reported_after_it_lapsed_is_lawful(world: World) -> None:
    """R-18: judged by its `at`, without naming the permit; the record keeps both times."""
    case, _, given, ends = await permitted(world)
    await case.until(ends + timedelta(minutes=20))
    at = given + timedelta(minutes=1)
    assert await report_cut(case, at) == {"lawful": True}
    snap = await case.in_stage("disconnected")
    assert (datetime.fromisoformat(snap["cut_at"]), snap["permit"]["state"], snap["incidents"]) == (at, "redeemed", [])
    (cut,) = await case.recorded("cut.reported")
    assert cut.at == at
    assert cut.recorded_at - at > timedelta(minutes=20)


async def test_a_cut_after_the_permit_lapsed_is_unauthorised(world: World) -> None:
    """R-18, R-27: a minute too late is without a permit."""
    case, _, _, ends = await permitted(world)
    await case.until(ends + timedelta(minutes=20))
    assert (await report_cut(case, ends + timedelta(minutes=1)))["lawful"] is False
    await case.ticket("restore")
    assert [i["kind"] for i in (await case.snapshot())["incidents"]] == ["unauthorised_cut"]


async def test_a_cut_before_the_permit_was_given_is_unauthorised(world: World) -> None:
    """R-27: cut first, ask later."""
    case, _, given, _ = await permitted(world)
    assert (await report_cut(case, given - timedelta(minutes=1)))["lawful"] is False
    assert (await case.ticket("restore"))["meter_id"] == f"M-{case.account_id}"


async def test_a_late_report_after_a_slip_ends_the_new_red_notice(world: World) -> None:
    """R-05, R-18, R-20: the cut was lawful then; the notice under way is void, and the cut used up the yellow one."""
    case, _, given, ends = await permitted(world)
    red = await slipped(case, ends)
    assert await report_cut(case, given + timedelta(minutes=2)) == {"lawful": True}
    snap = await case.in_stage("disconnected")
    assert [n["state"] for n in snap["notices"] if n["notice_id"] == red["notice_id"]] == ["void"]
    assert "acknowledge_escalation" not in [a["act"] for a in snap["waiting_for"] if a["role"] == "field_crew"]
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_a_late_report_recalls_the_ticket_of_the_next_attempt(world: World) -> None:
    """R-18, R-20: nobody is sent out to cut what is cut off already."""
    case, _, given, ends = await permitted(world)
    red = await slipped(case, ends)
    await case.deliver("red")
    await case.approve()
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    assert await report_cut(case, given + timedelta(minutes=2)) == {"lawful": True}
    states = {t["ticket_id"]: t["state"] for t in (await case.snapshot())["tickets"]}
    assert states[ticket["ticket_id"]] == "recalled"
    await case.notified("field_crew", "ticket recalled")


async def test_cut_at_two_paid_at_one_is_restored_at_once_with_an_incident(world: World) -> None:
    """P2: "cut at 10:02, paid at 09:58": a payment that billing books only after the cut was reported."""
    case, _, given, _ = await permitted(world)
    cut_at = given + timedelta(minutes=3)
    await case.until(cut_at + timedelta(minutes=1))
    assert await report_cut(case, cut_at) == {"lawful": True}
    await case.pass_time(hours=1)
    paid_at = given + timedelta(minutes=1)
    payment = BookedPayment(f"P-{case.account_id}", case.account_id, Decimal("200.00"), paid_at)
    world.parts.book.add_payments((payment,))
    learned = await case.now()
    await case.signal("payment_received", payment_id=payment.payment_id, amount="200.00", paid_at=paid_at.isoformat())
    await case.ticket("restore")
    snap = await case.in_stage("restoring")
    assert [i["kind"] for i in snap["incidents"]] == ["cut_after_settlement"]
    assert datetime.fromisoformat(snap["settled_at"]) == paid_at
    due = datetime.fromisoformat(snap["restore_due_by"]) - timedelta(hours=24)
    assert timedelta() <= due - learned < timedelta(minutes=1)
    await case.notified("company_leader", "incident: cut_after_settlement")


async def test_paid_after_the_cut_is_no_incident(world: World) -> None:
    """P2: the ordinary order: cut, then paid."""
    case, _, given, _ = await permitted(world)
    await case.pass_time(minutes=5)
    assert await report_cut(case, given + timedelta(minutes=2)) == {"lawful": True}
    await case.pay("200.00")
    await case.ticket("restore")
    assert (await case.snapshot())["incidents"] == []


async def test_a_settled_case_learns_late_that_it_was_cut_before_the_money_came(world: World) -> None:
    """P3: the permit was revoked by the payment, the switch thrown before it: lawful, and restored at once."""
    case, _, given, _ = await permitted(world)
    await case.pass_time(minutes=5)
    await case.pay("200.00")
    await case.becomes(lambda s: s["owed"] == "0.00")
    await case.pass_time(hours=1)
    assert await report_cut(case, given + timedelta(minutes=2)) == {"lawful": True}
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    assert not await case.evidence("incident.opened")


async def test_found_cut_off_then_the_crews_report_of_the_same_hour(world: World) -> None:
    """R-27: the finding overtook the report; a permit was live then, so it is one lawful cut and no incident."""
    case, _, given, _ = await permitted(world)
    await case.pass_time(minutes=6)
    await found_cut(case, given + timedelta(minutes=4))
    await case.notified("field_crew", "report asked")
    await case.pass_time(hours=1)
    assert await report_cut(case, given + timedelta(minutes=3)) == {"lawful": True}
    snap = await case.in_stage("disconnected")
    assert (snap["incidents"], [t["kind"] for t in snap["tickets"]]) == ([], ["cut"])


async def test_found_cut_off_after_the_permit_and_the_report_comes_last(world: World) -> None:
    """R-27, R-24: the restoration is on its way before the crew explains it; one restoration ends the cut for good."""
    case, _, given, ends = await permitted(world)
    await case.until(ends + timedelta(minutes=30))
    await found_cut(case, ends + timedelta(minutes=20))
    ticket = await case.ticket("restore")
    assert await report_cut(case, given + timedelta(minutes=3)) == {"lawful": True}
    snap = await case.in_stage("restoring")
    assert [t["ticket_id"] for t in snap["tickets"] if t["kind"] == "restore"] == [ticket["ticket_id"]]
    await case.restore()
    assert (await case.in_stage("yellow_notice"))["restored_at"]
    assert (await case.undelivered("yellow"))["amount"] == "200.00"


async def test_the_crew_explains_a_found_cut_that_is_over(world: World) -> None:
    """R-05, R-25: cut, found, restored, and only then reported: nobody is cut off, and the notices are used up."""
    case, _, given, ends = await permitted(world)
    await case.until(ends + timedelta(minutes=30))
    await found_cut(case, ends + timedelta(minutes=20))
    await case.restore()
    await case.becomes(lambda s: "restored_at" in s)
    assert await report_cut(case, given + timedelta(minutes=3)) == {"lawful": True}
    yellow = await case.undelivered("yellow")
    snap = await case.snapshot()
    assert (snap["stage"], yellow["amount"]) == ("yellow_notice", "200.00")
    assert [t for t in snap["tickets"] if t["state"] in ("sent", "acknowledged")] == []


async def test_restored_in_time_and_reported_a_day_late(world: World) -> None:
    """R-25, P3: at 24 hours nobody had said so: a breach is recorded, and the report says that supply was on."""
    case = await world.open()
    await case.to_cut()
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    at = await case.now() + timedelta(hours=5)
    await case.pass_time(hours=25)
    (incident,) = (await case.becomes(lambda s: bool(s["incidents"])))["incidents"]
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"], at=at.isoformat())
    (restored,) = await case.recorded("supply.restored")
    assert (restored.at, restored.detail["in_time"]) == (at, True)
    await case.update(
        "close_incident", "centre_director", incident_id=incident["incident_id"], outcome="reported late only"
    )
    assert (await case.result())["outcome"] == "restored"


async def test_a_time_of_restoration_before_the_cut_is_not_believed(world: World) -> None:
    """R-30: what cannot be true is kept as the time of arrival."""
    case = await world.open()
    await case.to_cut()
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    early = await case.now() - timedelta(days=1)
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"], at=early.isoformat())
    assert (await case.result())["outcome"] == "restored"
    (restored,) = await case.recorded("supply.restored")
    assert restored.at == restored.recorded_at


async def test_restored_before_its_ticket_was_acknowledged(world: World) -> None:
    """R-25: the crew was quicker than its paper."""
    case = await world.open()
    await case.to_cut()
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])
    assert (await case.result())["outcome"] == "restored"


async def test_a_payment_reported_three_days_late_counts_from_when_it_was_made(world: World) -> None:
    """R-25, R-26: the 24 hours have passed before anybody knew: restored at once, and the breach is on record."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(days=4)
    await case.pay("200.00", ago=timedelta(days=3))
    await case.ticket("restore")
    snap = await case.becomes(lambda s: bool(s["incidents"]))
    assert [i["kind"] for i in snap["incidents"]] == ["restoration_breach"]
