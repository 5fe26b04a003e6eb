"""The customer's record changes while his case runs: lives on a real server, with the export read again (R-32)."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.customer import Customer
from domain.record.rows import Task
from edge.operations.proof import proof_of
from tests.support.receivers import mailbox
from tests.support.register_reading import WholeRegister
from tests.support.world import PEOPLE, SOON, Case, Refusal, World, running_world
from tests.workflows.test_notified_by_channel import to_mail, with_channels
from tests.workflows.test_rules_taken_over import open_before

OTHER_UNIT = "FU-09"
CREW_OF_OTHER_UNIT = {"id": "f-901", "role": "field_crew", "unit": OTHER_UNIT}


async def renamed(case: Case, **changes: Any) -> None:
    """The customers' export is read again, with these fields changed; `card` is what is personal."""
    book = case.world.parts.book
    before = await asyncio.to_thread(book.customer, case.account_id)
    assert before is not None
    card = before.card.model_copy(update=changes.pop("card", {}))
    account = before.account.model_copy(update=changes)
    await asyncio.to_thread(book.add_customers, (Customer(account=account, card=card),))


async def read_again(case: Case, request_id: str = "rq-1") -> None:
    """The record is read: with the debt where supply is off, else with the circumstances that a moratorium asks for."""
    if (await case.snapshot())["stage"] in ("disconnected", "restoring"):
        await case.signal("recheck_requested", request_id=request_id, source="operator")
        return
    known = len(await case.evidence("customer.changed"))
    leader, hold_id = PEOPLE["team_leader"], f"h-{request_id}"
    await case.signal("hold_placed", hold_id=hold_id, kind="moratorium", reason="frost", actor=leader)
    await changes(case, known + 1)
    await case.signal("hold_lifted", hold_id=hold_id, actor=leader)


async def changes(case: Case, count: int = 1) -> list[dict[str, Any]]:
    """What the case has put on record of its customer's record."""
    return [e.detail for e in await case.recorded("customer.changed", count)]


async def to_the_ticket_time(case: Case) -> None:
    await case.until(await case.cut_time() - timedelta(hours=24) + SOON)


async def tasks(case: Case, role: str) -> list[Task]:
    """The worklist of a role, of this account alone."""
    row = await asyncio.to_thread(WholeRegister(case.world.parts.reader.engine).case, case.account_id)
    assert row is not None
    return [task for task in row.tasks if task.role == role]


async def tasks_saying(case: Case, role: str, words: str) -> list[Task]:
    """Those lines of the worklist, once there are any."""
    for _ in range(200):
        if found := [t for t in await tasks(case, role) if words in t.text_en]:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no task of {role} says {words!r}: {[t.text_en for t in await tasks(case, role)]}")


async def proved(case: Case) -> dict[str, str]:
    """The verdicts of the case's proof, by rule."""
    proof = await asyncio.to_thread(proof_of, case.world.parts, case.account_id, None)
    return {line.rule: line.verdict for line in proof.rules}


async def void(case: Case, kind: str) -> list[str]:
    """Why notices of that kind are void."""
    return [n["void_reason"] for n in (await case.snapshot())["notices"] if n["kind"] == kind and n["state"] == "void"]


# ---- phone, mail ------------------------------------------------------------------------------


async def test_the_last_half_hour_goes_by_the_new_mail(world: World, tmp_path: Path) -> None:
    """The former one belongs to somebody else by now: he is not notified, and nobody counts as notified by him."""
    with mailbox() as box:
        async with with_channels(world, tmp_path, {"email": to_mail(box)}) as told:
            case = await told.open(card={"email": "former@canary.example"})
            await case.deliver("yellow")
            await renamed(case, card={"email": "new@canary.example", "phone": "13900000000"})
            red = await case.to_red_from_served_yellow()
            assert (await changes(case))[0]["fields"] == ["phone", "email"]
            await case.deliver("red")
            await case.approve()
            await to_the_ticket_time(case)
            ticket = await case.ticket("cut")
            await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
            await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(minutes=30) + SOON)
            await case.recorded("customer.told_by_channel")
            assert box.recipients == [["new@canary.example"]]


async def test_a_record_typed_otherwise_is_no_change(world: World) -> None:
    case = await world.open(card={"name": "Zhang San", "address": "北京路1号"})
    await case.deliver("yellow")
    await renamed(case, card={"name": "ＺＨＡＮＧ　san", "address": "北京路 １号。"}, meter_id=f"m {case.account_id}")
    await case.to_red_from_served_yellow()
    assert await case.evidence("customer.changed") == []


# ---- the holder -------------------------------------------------------------------------------


async def test_another_holder_gets_his_own_notices(world: World) -> None:
    """过户 after the approval: nothing that was served on the former one leads to a cut of the new one."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.approve()
    await renamed(case, card={"name": "李四"})
    await to_the_ticket_time(case)
    yellow = (await case.notices("yellow", 2))[-1]
    assert yellow["state"] == "to_deliver"
    assert await void(case, "red") == await void(case, "yellow") == ["the account has another holder"]
    assert (await case.snapshot())["stage"] == "yellow_notice"
    assert [t for t in (await case.snapshot())["tickets"] if t["kind"] == "cut"] == []
    (task,) = await tasks_saying(case, "reader", "record changed")
    assert task.act == "record_delivery"
    assert await tasks_saying(case, "team_leader", "the notices are void, deliver the new yellow notice")
    noted = (await changes(case))[0]
    assert "李四" not in str(noted)
    assert "张三" not in str([e.detail for e in await case.evidence()])


async def test_a_new_holder_without_supply_is_restored_unpaid(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    await renamed(case, card={"name": "李四"})
    learned = await case.now()
    await read_again(case)
    snap = await case.in_stage("restoring")
    due = datetime.fromisoformat(snap["restore_due_by"])
    assert timedelta(hours=23, minutes=59) < due - learned < timedelta(hours=24, minutes=1)
    assert "settled_at" not in snap
    assert snap["owed"] == "200.00"
    await case.notified("centre_director", "Customer record changed")
    await case.restore()
    yellow = (await case.notices("yellow", 2))[-1]
    assert yellow["state"] == "to_deliver"
    await case.recorded("supply.restored")
    verdicts = await proved(case)
    assert {rule for rule, verdict in verdicts.items() if verdict == "breached"} == set()
    assert (verdicts["R-24"], verdicts["R-25"]) == ("met", "met")


async def test_a_new_holder_learned_of_at_the_permit_gets_none(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    await renamed(case, card={"name": "李四"}, meter_id="M-NEW", customer_class="non_residential")
    answer = await case.permit(ticket)
    assert answer["granted"] is False
    assert await void(case, "red") == ["the account has another holder"]
    await case.notified("field_crew", "ticket recalled")
    await case.notices("yellow", 2)


# ---- the address ------------------------------------------------------------------------------


async def test_a_red_notice_at_the_former_address_is_served_again(world: World) -> None:
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await renamed(case, card={"address": "南京路9号"})
    await to_the_ticket_time(case)
    new = (await case.notices("red", 2))[-1]
    assert await void(case, "red") == ["the address in the record has changed"]
    assert await void(case, "yellow") == []
    ahead = datetime.fromisoformat(new["cut_at"]) - datetime.fromisoformat(new["issued_at"])
    assert ahead >= timedelta(days=7)
    assert datetime.fromisoformat(new["cut_at"]) > datetime.fromisoformat(red["cut_at"])


# ---- the meter --------------------------------------------------------------------------------


async def test_a_meter_replaced_after_the_yellow_notice_is_the_one_that_is_cut(world: World) -> None:
    """The crew's honest report is no wrong meter, and nothing names the old one."""
    case = await world.open()
    await case.deliver("yellow")
    await renamed(case, meter_id="M-NEW")
    ticket = await _cut(case)
    assert ticket["meter_id"] == "M-NEW"
    assert (await case.snapshot())["incidents"] == []
    assert (await proved(case))["P1"] == "met"


async def _cut(case: Case) -> dict[str, Any]:
    """From a served yellow notice to the cut."""
    await case.to_red_from_served_yellow()
    await case.deliver("red")
    await case.approve()
    await to_the_ticket_time(case)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(await case.cut_time() + timedelta(minutes=1))
    permit = await case.permit(ticket)
    assert permit["granted"], permit
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    assert answer == {"lawful": True}
    return ticket


async def test_a_meter_replaced_after_the_approval_needs_another(world: World) -> None:
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.approve()
    await renamed(case, meter_id="M-NEW")
    await to_the_ticket_time(case)
    await case.notices("red", 2)
    assert await void(case, "red") == ["the meter in the record has changed"]
    noted = (await changes(case))[0]
    assert (noted["before"], noted["after"]) == ({"meter_id": f"M-{case.account_id}"}, {"meter_id": "M-NEW"})


async def test_a_meter_replaced_while_supply_is_off_is_still_our_cut(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    await renamed(case, meter_id="M-NEW")
    await read_again(case)
    await changes(case)
    found = await case.now()
    await case.signal(
        "supply_found_cut", report_id="f-1", meter_id="M-NEW", reported_by="neighbour", source="hotline",
        at=found.isoformat(),
    )  # fmt: skip
    await case.recorded("cut.found")
    assert (await case.snapshot())["incidents"] == []
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    assert ticket["meter_id"] == "M-NEW"
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    assert {r for r, verdict in (await proved(case)).items() if verdict == "breached"} == set()


# ---- class, important -------------------------------------------------------------------------


async def test_a_class_that_changed_asks_the_company_leader_too(world: World) -> None:
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.approve()
    await renamed(case, customer_class="non_residential")
    await read_again(case)
    await changes(case)
    await case.notified("station_head", "red notice issued")
    assert ("company_leader", "decide_approval") in await case.awaited()
    await case.approve("company_leader")
    await to_the_ticket_time(case)
    await case.ticket("cut")
    assert (await proved(case))["R-12"] == "met"


async def test_a_class_first_seen_when_the_ticket_is_due_ends_the_attempt(world: World) -> None:
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.approve()
    await renamed(case, customer_class="non_residential")
    await to_the_ticket_time(case)
    await case.notices("red", 2)
    assert await void(case, "red") == ["the class in the record has changed and demands more"]


async def test_a_hospital_marked_important_is_filed_before_the_ticket(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await renamed(case, important=True)
    await case.to_red_from_served_yellow()
    await case.deliver("red")
    await case.approve()
    assert ("liaison", "record_filing") in await case.awaited()
    red = await case.notice("red")
    await case.update(
        "record_filing", "liaison", notice_id=red["notice_id"], purpose="filing", reference="F-1", authority="county"
    )
    await to_the_ticket_time(case)
    await case.ticket("cut")


# ---- units ------------------------------------------------------------------------------------


async def test_the_field_unit_of_the_record_cuts(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await renamed(case, field_unit=OTHER_UNIT)
    await case.to_red_from_served_yellow()
    await case.deliver("red")
    await case.approve()
    await to_the_ticket_time(case)
    ticket = await case.ticket("cut")
    with pytest.raises(Refusal, match="NotYourUnit"):
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.update("acknowledge_ticket", CREW_OF_OTHER_UNIT, ticket_id=ticket["ticket_id"])
    assert {t.unit for t in await tasks(case, "field_crew")} <= {OTHER_UNIT}


async def test_a_ticket_with_the_former_unit_is_recalled(world: World) -> None:
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await renamed(case, field_unit=OTHER_UNIT)
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.notices("red", 2)
    assert await void(case, "red") == ["another field unit takes over"]
    assert (await case.notified("field_crew", "ticket recalled")).to_unit == PEOPLE["field_crew"]["unit"]


@pytest.mark.parametrize("crew", [PEOPLE["field_crew"], CREW_OF_OTHER_UNIT], ids=["former_unit", "present_unit"])
async def test_a_restoration_ticket_is_held_by_both_units(world: World, crew: dict[str, str]) -> None:
    case = await world.open()
    await case.to_cut()
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    await renamed(case, field_unit=OTHER_UNIT)
    await read_again(case)
    held = await tasks_saying(case, "field_crew", "field unit")
    assert {t.unit for t in held} == {PEOPLE["field_crew"]["unit"], OTHER_UNIT}
    await case.update("acknowledge_ticket", crew, ticket_id=ticket["ticket_id"])
    await case.update("report_restored", crew, ticket_id=ticket["ticket_id"])
    assert (await case.result())["outcome"] == "restored"


# ---- again and again --------------------------------------------------------------------------


async def test_two_exports_that_alternate_end_with_a_person(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await case.to_red_from_served_yellow()
    for turn in range(3):
        await renamed(case, card={"address": "南京路9号" if turn % 2 == 0 else "北京路1号"})
        await read_again(case, f"rq-{turn}")
        await changes(case, turn + 1)
        if turn < 2:
            await case.notices("red", turn + 2)
    assert ("team_leader", "serve_again") in await case.awaited()
    await tasks_saying(case, "team_leader", "decide whether to serve again")
    await case.update("serve_again", "team_leader", reason="the address is settled")
    await case.notices("red", 4)
    assert (await case.snapshot())["notices"][-1]["state"] == "to_deliver"


# ---- where something else stands ---------------------------------------------------------------


async def test_a_crew_that_had_cut_before_it_was_stopped_cut_lawfully_and_restores_unpaid(world: World) -> None:
    """The permit was live at the switch; the holder changed before the report came."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    cut_at = await case.now()
    await case.pass_time(minutes=1)
    await renamed(case, card={"name": "李四"})
    await case.update(  # the crew is stopped at once, and the record is read for a meter that the case does not know
        "report_meter_uncertain", "field_crew", ticket_id=ticket["ticket_id"], meter_id="M-X", remark="no label"
    )
    await case.notified("field_crew", "permit revoked")
    await case.recorded("customer.changed")
    answer = await case.update(
        "report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"], at=cut_at.isoformat()
    )
    assert answer == {"lawful": True}
    snap = await case.in_stage("restoring")
    assert "settled_at" not in snap
    await case.restore()
    again = await case.notices("yellow", 3)
    assert again[1]["void_reason"] == "supply had been cut already"


async def test_a_hold_stands_through_a_change_and_the_new_yellow_notice_waits_for_its_end(world: World) -> None:
    case = await world.open()
    await case.to_red()
    await case.signal("hold_placed", hold_id="h-1", kind="medical", reason="oxygen", actor=PEOPLE["team_leader"])
    await renamed(case, card={"name": "李四"})
    await read_again(case)
    await changes(case)
    assert {n["state"] for n in (await case.snapshot())["notices"]} == {"void"}
    await case.signal("hold_lifted", hold_id="h-1", actor=PEOPLE["team_leader"])
    assert (await case.notices("yellow", 2))[-1]["state"] == "to_deliver"


async def test_a_reader_reassigned_by_hand_stays_until_billing_names_another(world: World) -> None:
    case = await world.open()
    await case.update("reassign", "team_leader", role="reader", to="r-018")
    await renamed(case, card={"phone": "13900000000"})
    await read_again(case)
    await changes(case)
    assert {t.person for t in await tasks(case, "reader")} == {"r-018"}
    await renamed(case, reader="r-020")
    await read_again(case, "rq-2")
    await changes(case, 2)
    await tasks_saying(case, "reader", "reader")
    assert {t.person for t in await tasks(case, "reader")} == {"r-020"}


async def test_a_case_open_before_these_rules_learns_of_a_change_at_its_next_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        async with open_before(world):
            case = await world.open()
            await case.to_red()
            await case.deliver("red")
            await case.approve()
            await renamed(case, meter_id="M-NEW", card={"address": "南京路9号"})
        await to_the_ticket_time(case)
        noted = (await changes(case))[0]
        assert noted["fields"] == ["address", "meter_id"]
        assert await void(case, "red") == ["the address in the record has changed"]
        await case.notices("red", 2)
