"""R-34: another customer's meter found or cut in our case: restored at once, and no cut of this case."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.world import PEOPLE, SOON, Case, World
from tests.workflows.test_discipline import close, found_cut

NEXT_DOOR = "M-next-door"
READER = ("reader", "verify_meter")


async def restore(case: Case, meter_id: str = NEXT_DOOR) -> dict[str, Any]:
    """The crew restores the meter that is not ours; the answer says that it counts."""
    snap = await case.becomes(lambda s: any(t["meter_id"] == meter_id for t in s["tickets"]), "his ticket")
    (ticket,) = [t for t in snap["tickets"] if t["meter_id"] == meter_id]
    answer = await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])
    assert answer == {"counted": True}
    return dict(ticket)


async def close_all(case: Case) -> None:
    """Every incident gets its outcome."""
    for incident in (await case.snapshot())["incidents"]:
        if not incident.get("outcome"):
            await close(case, incident)


async def verify(case: Case, **more: Any) -> Any:
    """The reader at our meter, under the ticket that the snapshot names."""
    (awaited,) = [a for a in (await case.snapshot())["waiting_for"] if a["act"] == "verify_meter"]
    message = {"ticket_id": awaited["id"], "meter_id": f"M-{case.account_id}", "confirmed": True, **more}
    return await case.update("verify_meter", "reader", **message)


def no_cut_of_ours(snap: dict[str, Any]) -> bool:
    """Nothing of the neighbour's stands among what is this customer's."""
    return not {"cut_at", "restored_at", "settled_at"} & set(snap)


# ---- beside our own procedure -------------------------------------------------------------------


async def test_found_in_the_window_the_attempt_stands_and_our_meter_is_verified_first(world: World) -> None:
    """R-34, R-19: the permit is revoked, none is given until the reader has verified ours, then the cut is lawful."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    await found_cut(case, NEXT_DOOR)
    snap = await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    assert (snap["stage"], no_cut_of_ours(snap)) == ("restoring", True)
    assert [i["kind"] for i in snap["incidents"]] == ["wrong_meter"]
    assert (await case.notice("red"))["state"] == "delivered", "the attempt stands"
    assert READER in await case.awaited()
    await case.notified("reader", "verify the meter")
    refused = await case.permit(ticket)
    assert "R-19" in {c["rule"] for c in refused["unmet"]}
    assert "R-02" not in {c["rule"] for c in refused["unmet"]}
    await verify(case)
    assert READER not in await case.awaited()
    given = await case.permit(ticket)
    assert given["granted"] is True
    assert given["permit_id"] != permit["permit_id"]
    assert (await case.stage()) == "restoring", "his ticket is out still"
    answer = await case.update("report_cut", "field_crew", permit_id=given["permit_id"], meter_id=ticket["meter_id"])
    assert answer == {"lawful": True}
    await restore(case)
    await case.in_stage("disconnected")
    await case.pay("200.00")
    await case.restore()
    await close_all(case)
    assert (await case.result())["outcome"] == "restored"


async def test_found_and_restored_during_our_lawful_cut_the_case_is_disconnected_again(world: World) -> None:
    """R-34: the stage is what it was, and somebody is awaited when our customer pays."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=1)
    cut_at = (await case.snapshot())["cut_at"]
    await found_cut(case, NEXT_DOOR)
    await case.in_stage("restoring")
    await restore(case)
    snap = await case.in_stage("disconnected")
    assert (snap["cut_at"], "restored_at" in snap, "restore_due_by" in snap) == (cut_at, False, False)
    await case.pay("200.00")
    await case.restore()
    snap = await case.becomes(lambda s: "restored_at" in s)
    await close_all(case)
    assert (await case.result())["outcome"] == "restored"


async def test_a_case_in_which_only_a_neighbour_was_cut_closes_settled_and_not_before_he_is_restored(
    world: World,
) -> None:
    """R-34: `restored` only if this customer's supply was ever cut; and nobody is left without supply."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case, NEXT_DOOR)
    await case.ticket("restore")
    await case.pay("200.00")
    await close_all(case)
    await case.pass_time(hours=2)
    snap = await case.snapshot()
    assert (snap["stage"], snap["owed"]) == ("restoring", "0.00")
    assert ("field_crew", "report_restored") in await case.awaited()
    assert READER not in await case.awaited(), "he owes nothing, and nobody will cut him off"
    await restore(case)
    assert (await case.result())["outcome"] == "settled"


async def test_a_case_opened_by_a_neighbours_meter_was_never_cut(world: World) -> None:
    """R-34: the report names our account, and a meter that is not his."""
    account_id = await world.customer()
    report = {"report_id": "f-1", "meter_id": NEXT_DOOR, "reported_by": "Wang", "source": "95598"}
    case = await world.open(account_id, signal="supply_found_cut", payload=report)
    assert (await case.in_stage("restoring"))["incidents"][0]["kind"] == "wrong_meter"
    await restore(case)
    await close_all(case)
    assert (await case.result())["outcome"] == "settled"


@pytest.mark.parametrize("stage", ["yellow_notice", "red_notice", "ticketed"])
async def test_after_his_restoration_the_stage_is_what_it_was(world: World, stage: str) -> None:
    """R-34, R-20: at whatever step, the notices stand, and the case goes on from there."""
    case = await world.open()
    match stage:
        case "yellow_notice":
            await case.deliver("yellow")
        case "red_notice":
            await case.to_red()
            await case.deliver("red")
        case "ticketed":
            await case.to_ticket()
    before = await case.in_stage(stage)
    await found_cut(case, NEXT_DOOR)
    assert (await case.in_stage("restoring"))["planned_cut_at"] == before["planned_cut_at"]
    await restore(case)
    snap = await case.in_stage(stage)
    assert [n["state"] for n in snap["notices"]] == [n["state"] for n in before["notices"]]
    assert READER in await case.awaited()


async def test_verified_before_there_is_a_ticket_to_cut_no_doubt_is_left(world: World) -> None:
    """R-34, R-19: the reader reports under the ticket that restores the neighbour, while he stands there anyway."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await found_cut(case, NEXT_DOOR)
    await case.ticket("restore")
    await verify(case, meter_id=f"m {case.account_id}")
    assert READER not in await case.awaited()
    await restore(case)
    assert (await case.recorded("meter.verified"))[0].detail["confirmed"] is True


async def test_our_meter_denied_ends_the_attempt(world: World) -> None:
    """R-34, R-19: the reader finds that the meter billing names is not his: a person decides."""
    case = await world.open()
    await case.to_window()
    await found_cut(case, NEXT_DOOR)
    await case.becomes(lambda s: s["incidents"])
    await verify(case, confirmed=False)
    snap = await case.becomes(lambda s: len(s["incidents"]) == 2)
    assert [i["kind"] for i in snap["incidents"]] == ["wrong_meter", "wrong_meter"]
    assert ("team_leader", "serve_again") in await case.awaited()


async def test_two_neighbours_are_two_tickets_and_the_case_waits_for_both(world: World) -> None:
    """R-34: each meter has its own incident and ticket; the stage is `restoring` until the last is back."""
    case = await world.open()
    await case.deliver("yellow")
    for number, meter in enumerate((NEXT_DOOR, "M-across"), start=1):
        await found_cut(case, meter, f"f-{number}")
    await case.becomes(lambda s: len(s["tickets"]) == 2)
    await restore(case)
    assert (await case.stage()) == "restoring"
    await restore(case, "M-across")
    await case.in_stage("yellow_notice")


async def test_a_neighbour_who_is_not_restored_is_a_breach_like_any_other(world: World) -> None:
    """R-34, P3: warnings go up, and the breach is recorded and sent up."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case, NEXT_DOOR)
    ticket = await case.ticket("restore")
    await case.pass_time(hours=13)
    assert [e.about for e in await case.recorded("restore.warning")] == [ticket["ticket_id"]]
    await case.until(datetime.fromisoformat((await case.snapshot())["restore_due_by"]) + SOON)
    snap = await case.becomes(lambda s: len(s["incidents"]) == 2)
    assert [i["kind"] for i in snap["incidents"]] == ["wrong_meter", "restoration_breach"]


async def test_a_neighbours_meter_reported_cut_under_our_permit_names_no_cut_of_ours(world: World) -> None:
    """R-34: the crew cut the wrong meter: not lawful, no `cut_at`, and our permit is gone until ours is verified."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=NEXT_DOOR)
    assert answer["lawful"] is False
    snap = await case.snapshot()
    assert (snap["permit"]["state"], snap["stage"], no_cut_of_ours(snap)) == ("revoked", "restoring", True)
    assert "R-19" in await case.why_not()
    assert "R-02" not in await case.why_not()


# ---- his ticket ---------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["billing knows him", "billing does not"])
async def test_his_ticket_names_his_account_and_nothing_of_the_debtor(world: World, known: bool) -> None:
    """R-34: neither name nor address of the debtor; the account that billing knows for the meter, else unknown."""
    card = {"name": "李债务", "address": "欠费路9号"}
    case = await world.open(card=card)
    his = await world.customer(meter_id="M-NEXT-7") if known else "户号待查 / account unknown"
    typed = "m next 7" if known else "M-nobodys"
    await case.deliver("yellow")
    await found_cut(case, typed)
    ticket = await case.ticket("restore")
    message = await case.notified("field_crew", "复电工作票 Restoration ticket")
    assert message.about == ticket["ticket_id"]
    for text in (message.text_zh, message.text_en):
        assert his in text
        assert not [said for said in (*card.values(), case.account_id) if said in text.replace(ticket["ticket_id"], "")]
    filed = [e for e in await case.recorded("paper.filed", 2) if e.about == ticket["ticket_id"]]
    assert [e.detail["anothers_account"] for e in filed] == [his]


async def test_his_ticket_waits_for_no_answer_of_billing(world: World) -> None:
    """R-34: billing is silent; the ticket goes out at once, and says that the account is unknown."""
    case = await world.open()
    await case.deliver("yellow")
    await world.outage()
    try:
        await found_cut(case, NEXT_DOOR)
        message = await case.notified("field_crew", "复电工作票 Restoration ticket")
        assert "户号待查 / account unknown" in message.text_zh
        await restore(case)
    finally:
        await world.billing_back()


# ---- who reports him restored -------------------------------------------------------------------


async def test_a_neighbour_reported_restored_by_a_stranger_is_confirmed_without_our_account(world: World) -> None:
    """R-33, R-34: unit and leader are asked; the message names his meter and ticket."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case, NEXT_DOOR)
    ticket = await case.ticket("restore")
    stranger = {**PEOPLE["field_crew"], "unit": "FU-77"}
    answer = await case.update("report_restored", stranger, ticket_id=ticket["ticket_id"])
    assert answer["counted"] is False
    asked = await case.notified("field_crew", "reported restored: confirm it")
    assert NEXT_DOOR in asked.text_zh
    assert (await case.stage()) == "restoring"
    await restore(case)


async def test_a_delay_may_be_declared_for_him(world: World) -> None:
    """R-26, R-34: his 24 hours are lengthened as anybody's."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case, NEXT_DOOR)
    await case.ticket("restore")
    due = datetime.fromisoformat((await case.snapshot())["restore_due_by"])
    told = (await case.now()).isoformat()
    people = {"customer_told_at": told, "customer_told_how": "phone", "leader": "Li", "leader_told_at": told}
    await case.update("declare_delay", "team_leader", reason="storm", **people)
    assert datetime.fromisoformat((await case.snapshot())["restore_due_by"]) >= due - timedelta(hours=24)
    assert len(await case.recorded("delay.declared")) == 1
