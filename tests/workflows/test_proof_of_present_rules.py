"""Real cases, read by the proof: what R-31 to R-35 need is on record, and a case that kept them is not blamed."""

from domain.proof.rules import prove
from tests.support.world import Case, World
from tests.workflows.test_discipline import found_cut
from tests.workflows.test_neighbours import NEXT_DOOR, restore, verify


def verdicts(world: World, case: Case) -> dict[str, str]:
    """What the proof says of each rule."""
    file = world.parts.reader.case_file(case.account_id)
    assert file is not None
    return {line.rule: line.verdict for line in prove(file, world.policy)}


def those(found: dict[str, str], verdict: str) -> set[str]:
    return {rule for rule, said in found.items() if said == verdict}


async def test_announced_taken_back_cut_and_reported_restored_by_the_reader_first(world: World) -> None:
    """R-31, R-32, R-33, R-35: each is met, on the evidence that the case itself has left."""
    case = await world.open()
    ticket = await case.to_window()
    assert (await case.permit(ticket))["granted"]
    await case.signal("payment_received", payment_id="P-all", amount="200.00")
    await case.recorded("permit.revoked")
    await case.recorded("payment.unbooked")
    assert not (await case.permit(ticket))["granted"]
    await case.signal("payment_reversed", payment_id="P-all", reason="bounced")
    await case.recorded("payment.reversed")
    permit = await case.permit(ticket)
    assert permit["granted"]
    (*_, asked) = await case.evidence("billing.checked")
    assert (asked.detail["named"], asked.detail["unbooked"]) == ("200.00", {})
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.pay("200.00")
    restoration = await case.ticket("restore")
    await case.update("report_restored", "reader", ticket_id=restoration["ticket_id"])
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await case.recorded("case.closed")
    found = verdicts(world, case)
    assert those(found, "breached") == set()
    assert {"R-31", "R-32", "R-33", "R-35", "P1", "P2", "P3"} <= those(found, "met")


async def test_a_permit_that_ended_because_billing_was_silent(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    assert (await case.permit(ticket))["granted"]
    await world.outage()
    try:
        await case.signal("payment_received", payment_id="P-part", amount="5.00")
        await case.recorded("payment.hint")
        await case.pass_time(seconds=20)
        await case.recorded("permit.revoked")
    finally:
        await world.billing_back()
    (revoked,) = await case.evidence("permit.revoked")
    assert "unanswered_since" in revoked.detail
    assert verdicts(world, case)["R-31"] == "met"


async def test_a_neighbours_meter_in_the_window(world: World) -> None:
    """R-34: met; somebody was cut off without a permit (R-27), and it was no cut of this case (R-02)."""
    case = await world.open()
    ticket = await case.to_window()
    assert (await case.permit(ticket))["granted"]
    await found_cut(case, NEXT_DOOR)
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    await restore(case)
    await verify(case)
    assert (await case.permit(ticket))["granted"]
    await case.recorded("permit.granted", 2)
    found = verdicts(world, case)
    assert those(found, "breached") == {"R-27"}
    assert {"R-31", "R-34"} & those(found, "met") == {"R-34"}
