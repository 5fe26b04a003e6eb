"""Records the histories that replay tests hold the workflow to: run it only when a change of history is intended.

    python -m tests.record_histories CHANGE [LIFE…]

One file for every stage a case can stand in, and for finished lives, in `histories/CHANGE/`; of a change that touches
few of them, only those. The folders of earlier changes stay, and go on being replayed: cases like them may still be
open.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from tests.support.world import SOON, Case, World, running_world
from tests.workflows.test_rules_taken_over import open_before

HISTORIES = Path(__file__).parent / "histories"
Life = Callable[[World], Awaitable[Case]]


async def yellow_notice(world: World) -> Case:
    """A yellow notice is out."""
    case = await world.open()
    await case.notice("yellow")
    return case


async def held_in_yellow(world: World) -> Case:
    """A dispute stops the procedure."""
    case = await yellow_notice(world)
    await case.deliver("yellow")
    actor = {"id": "t-003", "role": "team_leader"}
    await case.signal("hold_placed", hold_id="h-1", kind="dispute", reason="meter reading", actor=actor)
    await case.becomes(lambda s: bool(s["holds"]))
    return case


async def red_refused(world: World) -> Case:
    """A red notice whose signature was refused, the ladder climbed."""
    case = await world.open(customer_class="non_residential")
    await case.to_red()
    await case.deliver("red", "refused")
    await case.pass_time(hours=25)
    await case.becomes(lambda s: len(s["escalations"]) > 2)
    return case


async def ticketed(world: World) -> Case:
    """The ticket is out."""
    case = await world.open()
    await case.to_ticket()
    return case


async def final_half_hour(world: World) -> Case:
    """In the last half-hour."""
    case = await world.open()
    await case.to_half_hour()
    return case


async def slipped(world: World) -> Case:
    """The customer was not notified: the second red notice is out."""
    case = await final_half_hour(world)
    first = await case.cut_time()
    await case.pass_time(minutes=31)
    await case.becomes(lambda s: s["planned_cut_at"] > first.isoformat())
    return case


async def permit_open(world: World) -> Case:
    """The crew holds a permit."""
    case = await world.open()
    assert (await case.permit(await case.to_window()))["granted"]
    return case


async def disconnected(world: World) -> Case:
    """Cut, unpaid."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=1)
    return case


async def restoring(world: World) -> Case:
    """Paid, the first warning gone up."""
    case = await disconnected(world)
    await case.pay("200.00")
    await case.ticket("restore")
    await case.pass_time(hours=13)
    return case


async def announced(world: World) -> Case:
    """A payment was announced that billing did not show; asked again, it did."""
    case = await disconnected(world)
    ahead = f"P-ahead-{case.account_id}"
    await case.signal("payment_received", payment_id=ahead, amount="200.00")
    await case.recorded("payment.unbooked")
    await case.pass_time(minutes=2)
    await case.pay("200.00", reported=False, payment_id=ahead)
    await case.pass_time(minutes=4)
    await case.ticket("restore")
    return case


async def breached(world: World) -> Case:
    """Not restored in time: the incident is open."""
    case = await restoring(world)
    await case.pass_time(hours=12)
    await case.becomes(lambda s: bool(s["incidents"]))
    await case.restore()
    return case


async def settled(world: World) -> Case:
    """Paid after the red notice; finished."""
    case = await world.open()
    await case.to_red()
    await case.pay("200.00")
    await case.result()
    return case


async def restored(world: World) -> Case:
    """Cut, paid, restored; finished."""
    case = await restoring(world)
    await case.restore()
    await case.result()
    return case


async def withdrawn(world: World) -> Case:
    """Withdrawn under an open permit; finished."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await case.update("withdraw", "centre_director", reason="wrong account")
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="recalled")
    await case.result()
    return case


async def found_cut(world: World) -> Case:
    """Opened by a report that supply was found cut; finished."""
    case = await world.open(
        signal="supply_found_cut",
        payload={"report_id": "r-1", "meter_id": "M-1", "reported_by": "customer", "source": "hotline"},
    )
    await case.restore()
    incident = (await case.snapshot())["incidents"][0]["incident_id"]
    await case.update("close_incident", "centre_director", incident_id=incident, outcome="a crew's mistake")
    await case.pass_time(minutes=1)  # the yellow notice is issued
    await case.update("withdraw", "centre_director", reason="apology")
    await case.result()
    return case


# ---- facts are present, not remembered ---------------------------------------------------------


async def announced_twice(world: World) -> Case:
    """Given up, booked, announced again word for word: the permit is revoked, and the crew asked for its report."""
    return await announced_again(*await permit_after_a_payment_given_up(world))


async def permit_after_a_payment_given_up(world: World) -> tuple[Case, dict[str, str]]:
    """The crew holds a permit; a payment was announced before, and billing had not shown it for an hour."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    cut_at = await case.cut_time()
    await case.until(cut_at - timedelta(hours=3))
    announcement = {"payment_id": f"P-ahead-{case.account_id}", "amount": "200.00"}
    await case.signal("payment_received", **announcement)
    await case.recorded("payment.unbooked")
    await case.pass_time(minutes=61)
    await case.recorded("payment.unbooked", 2)
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(cut_at + timedelta(minutes=1))
    assert (await case.permit(ticket))["granted"]
    return case, announcement


async def announced_again(case: Case, announcement: dict[str, str]) -> Case:
    """It is booked, and the same message comes again."""
    await case.pay("200.00", reported=False, payment_id=announcement["payment_id"])
    await case.signal("payment_received", **announcement)
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    return case


async def copies_of_a_payment(world: World) -> Case:
    """Without supply: one payment announced three times, of which billing lists a part; the rest brings supply back."""
    case = await disconnected(world)
    announcement = {"payment_id": f"P-part-{case.account_id}", "amount": "200.00"}
    await case.pay("120.00", reported=False, payment_id=announcement["payment_id"])
    for _ in range(3):
        await case.signal("payment_received", **announcement)
        await case.recorded("payment.unbooked")
        await case.at_rest()
        await case.pass_time(seconds=5)
    await case.pay("80.00")
    await case.ticket("restore")
    return case


async def record_changed(world: World) -> Case:
    """Another meter and another phone in the record at T - 30 min: the second red notice is out."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await world.customer(account_id=case.account_id, meter_id="M-NEW", card={"phone": "13900000000"})
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.recorded("customer.changed")
    await case.notices("red", 2)
    return case


async def record_without_consequence(world: World) -> Case:
    """Another phone, and other units that hold no ticket: they count from the red notice on, and nothing ends."""
    case = await world.open()
    await case.deliver("yellow")
    await world.customer(account_id=case.account_id, reader="r-018", card={"phone": "13900000000"})
    await case.to_red_from_served_yellow()
    await case.recorded("customer.changed")
    return case


async def new_holder_without_supply(world: World) -> Case:
    """Another holder in the record while supply is off: restoration is due, unpaid."""
    case = await disconnected(world)
    await world.customer(account_id=case.account_id, card={"name": "李四"})
    await case.signal("recheck_requested", request_id="q-1", source="operator")
    await case.ticket("restore")
    return case


async def bill_corrected(world: World) -> Case:
    """The bill corrected to what was paid of it, while supply is off: restored; finished."""
    case = await yellow_notice(world)
    await case.pay("150.00")
    await case.becomes(lambda s: s["owed"] == "50.00")
    await case.to_cut()
    await case.pass_time(hours=5)
    bill_id = (await case.snapshot())["bills"][0]["bill_id"]
    await asyncio.to_thread(world.parts.book.correct_bill, bill_id, Decimal("150.00"))
    await case.signal("recheck_requested", request_id="q-1", source="operator")
    await case.restore()
    await case.result()
    return case


async def a_cent_left(world: World) -> Case:
    """All but a cent paid after the red notice; finished."""
    case = await world.open()
    await case.to_red()
    await case.pay("199.99")
    await case.result()
    return case


async def neighbour_found_cut(world: World) -> Case:
    """A neighbour's meter found cut under our open permit: it is revoked, and his restoration ticket is out."""
    case = await permit_open(world)
    await case.signal("supply_found_cut", report_id="r-1", meter_id="M-OTHER", reported_by="Wang", source="hotline")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    await case.ticket("restore")
    return case


async def neighbour_restored(world: World) -> Case:
    """The same while our lawful cut stands, and restored: our customer stays cut off, by a meter typed otherwise."""
    case = await world.open()
    ticket = await case.to_window()
    meter = ticket["meter_id"].lower().replace("-", "")
    permit_id = (await case.permit(ticket, meter_id=meter))["permit_id"]
    assert await case.update("report_cut", "field_crew", permit_id=permit_id, meter_id=meter) == {"lawful": True}
    await case.in_stage("disconnected")
    await case.pass_time(hours=1)
    await case.signal("supply_found_cut", report_id="r-1", meter_id="M-OTHER", reported_by="Wang", source="hotline")
    await case.restore()
    await case.in_stage("disconnected")
    return case


async def taken_over(world: World) -> Case:
    """Opened before R-31 to R-35, which it takes over at T - 24 h: cut, paid, restored; finished."""
    async with open_before(world):
        case = await world.open()
        await case.to_red()
        await case.deliver("red")
        await case.approve()
    await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
    await case.recorded("rules.adopted")
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(await case.cut_time() + timedelta(minutes=1))
    permit = await case.permit(ticket)
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.in_stage("disconnected")
    await case.pay("200.00")
    await case.restore()
    await case.result()
    return case


async def taken_over_at_the_permit(world: World) -> Case:
    """The payment was heard and given up before the rules, and the permit given: announced again, it is revoked."""
    async with open_before(world):
        case, announcement = await permit_after_a_payment_given_up(world)
    return await announced_again(case, announcement)


LIVES: tuple[Life, ...] = (
    yellow_notice,
    held_in_yellow,
    red_refused,
    ticketed,
    final_half_hour,
    slipped,
    permit_open,
    disconnected,
    restoring,
    announced,
    breached,
    settled,
    restored,
    withdrawn,
    found_cut,
    announced_twice,
    copies_of_a_payment,
    record_changed,
    record_without_consequence,
    new_holder_without_supply,
    bill_corrected,
    a_cent_left,
    neighbour_found_cut,
    neighbour_restored,
)
"""Lives of a worker of today; the order of what each asks Temporal for is written down."""
OF_BEFORE: tuple[Life, ...] = (taken_over, taken_over_at_the_permit)
"""Lives that an earlier worker began."""


async def record(change: str, lives: Sequence[Life]) -> None:
    """Live these lives and write their histories."""
    folder = HISTORIES / change
    folder.mkdir(parents=True)
    async with running_world(Path(tempfile.mkdtemp())) as world:
        for life in lives:
            case = await life(world)
            history = await case.handle.fetch_history()
            (folder / f"{life.__name__}.json").write_text(history.to_json(), encoding="utf-8")


if __name__ == "__main__":
    names = {life.__name__: life for life in (*LIVES, *OF_BEFORE)}
    if len(sys.argv) < 2 or (HISTORIES / sys.argv[1]).exists() or not set(sys.argv[2:]) <= set(names):
        sys.exit(
            f"usage: python -m tests.record_histories CHANGE [LIFE…]\nCHANGE: a name that {HISTORIES} does not hold"
            f" yet; LIFE: {', '.join(names)}"
        )
    asyncio.run(record(sys.argv[1], [names[name] for name in sys.argv[2:] or names]))
