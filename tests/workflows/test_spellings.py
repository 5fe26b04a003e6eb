"""R-33: a meter, a unit and a person are who they are, however somebody types them; and who reports is told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support.world import PEOPLE, UNIT, Refusal, World
from tests.workflows.test_discipline import found_cut
from tests.workflows.test_restoration import cut_off


def typed(meter_id: str, how: str) -> str:
    """The meter as somebody types it."""
    match how:
        case "lower case":
            return meter_id.lower()
        case "full width":
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in meter_id)
        case "another dash":
            return meter_id.replace("-", "\u2014")
        case "with blanks":
            return meter_id.replace("-", " \u3000\u00a0")
        case "without dashes":
            return meter_id.replace("-", "")
    raise AssertionError(how)


WAYS = ["lower case", "full width", "another dash", "with blanks", "without dashes"]
CREW, LEADER = PEOPLE["field_crew"], PEOPLE["team_leader"]


# ---- the meter ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
async def test_the_crews_own_lawful_cut_is_lawful_however_the_meter_is_typed(world: World, how: str) -> None:
    """R-33, R-18: permit, cut and restoration of one meter; the evidence keeps what was typed."""
    case = await world.open()
    ticket = await case.to_window()
    meter = typed(ticket["meter_id"], how)
    permit = await case.update("request_permit", "field_crew", ticket_id=ticket["ticket_id"], meter_id=meter)
    assert permit["granted"] is True
    again = await case.update("request_permit", "field_crew", ticket_id=ticket["ticket_id"], meter_id=meter.upper())
    assert again == permit
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=meter)
    assert answer == {"lawful": True}
    await case.pass_time(hours=1)
    await found_cut(case, typed(ticket["meter_id"], "full width"))
    await case.pay("200.00")
    restore = await case.ticket("restore")
    assert restore["meter_id"] == ticket["meter_id"]
    snap = await case.snapshot()
    assert (snap["incidents"], snap["permit"]["state"]) == ([], "redeemed")
    reported, granted = (await case.recorded("cut.reported"))[0], (await case.recorded("permit.granted"))[0]
    assert (reported.detail["meter_id"], granted.detail["meter_id"]) == (meter, meter)
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


@pytest.mark.parametrize("how", WAYS)
async def test_a_doubted_meter_is_verified_however_it_is_typed(world: World, how: str) -> None:
    """R-33, R-19: the reader confirms the meter of the ticket, and says so in his own spelling."""
    case = await world.open()
    ticket = await case.to_window()
    about = {"ticket_id": ticket["ticket_id"]}
    await case.update(
        "report_meter_uncertain", "field_crew", **about, meter_id=typed(ticket["meter_id"], how), remark="two of them"
    )
    reader = {**PEOPLE["reader"], "id": "Ｒ－０１７", "unit": PEOPLE["reader"]["unit"].lower()}
    await case.update("verify_meter", reader, **about, meter_id=typed(ticket["meter_id"], how), confirmed=True)
    assert (await case.permit(ticket))["granted"] is True
    assert (await case.snapshot())["incidents"] == []


async def test_our_unauthorised_cut_found_in_two_spellings_is_one_cut(world: World) -> None:
    """R-33, R-27: one incident, one ticket, and one restoration ends it."""
    case = await world.open()
    await case.deliver("yellow")
    meter = f"M-{case.account_id}"
    await found_cut(case, meter.lower(), "f-1")
    await case.ticket("restore")
    await found_cut(case, typed(meter, "full width"), "f-2")
    await case.recorded("cut.found", 2)
    snap = await case.snapshot()
    assert [i["kind"] for i in snap["incidents"]] == ["unauthorised_cut"]
    assert [t["meter_id"] for t in snap["tickets"]] == [meter]


async def test_a_meter_with_a_twin_is_compared_exactly(world: World) -> None:
    """R-33: another's meter differs only by its dashes: a permit for ours is none for that one."""
    neighbour = await world.customer()
    account_id = await world.customer(meter_id="M-TWIN-1")
    await world.customer(meter_id="M-TW-IN1", account_id=neighbour)
    await world.bill(account_id)
    case = await world.open(account_id)
    ticket = await case.to_window()
    about = {"ticket_id": ticket["ticket_id"]}
    refused = await case.update("request_permit", "field_crew", **about, meter_id="M-TW-IN1")
    assert [c["rule"] for c in refused["unmet"]] == ["R-18"]
    assert (await case.update("request_permit", "field_crew", **about, meter_id="M-TWIN-1"))["granted"] is True
    answer = await case.update("report_cut", "field_crew", meter_id="M-TW-IN1")
    assert answer["lawful"] is False
    assert (await case.ticket("restore"))["meter_id"] == "M-TW-IN1"


# ---- units and persons --------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["fu-02", "ＦＵ－０２", "FU\u201502", "FU 02", "fu02"])
async def test_the_unit_that_holds_the_ticket_reports_restored_in_any_spelling(world: World, unit: str) -> None:
    """R-33, R-25: `fu-02` is the unit that has the ticket; its report counts, and it is told so."""
    case = await cut_off(world)
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    answer = await case.update("report_restored", {**CREW, "unit": unit}, ticket_id=ticket["ticket_id"])
    assert answer == {"counted": True}
    assert (await case.result())["outcome"] == "restored"
    (restored,) = await case.evidence("supply.restored")
    assert restored.actor_unit == unit


@pytest.mark.parametrize(
    "who", [PEOPLE["reader"], PEOPLE["hotline"], {**CREW, "unit": "FU-99"}], ids=["reader", "hotline", "another unit"]
)
async def test_supply_reported_restored_by_another_is_recorded_and_confirmed(world: World, who: dict[str, str]) -> None:
    """R-33: he is told that it does not count, and why; unit and leader are asked to confirm it, once."""
    case = await cut_off(world)
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    for _ in range(3):
        answer = await case.update("report_restored", who, ticket_id=ticket["ticket_id"])
        assert answer["counted"] is False
        assert UNIT in answer["why"]
        zh, _, en = answer["why"].partition(" / ")
        assert any("\u4e00" <= c <= "\u9fff" for c in zh)
        assert en.isascii()
    assert (await case.stage()) == "restoring"
    await case.recorded("supply.reported", 3)
    for role in ("field_crew", "team_leader"):
        asked = [m for m in await case.messages(role) if m.subject == "reported restored: confirm it"]
        assert [m.about for m in asked] == [ticket["ticket_id"]], role
    answer = await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])
    assert answer == {"counted": True}
    assert (await case.result())["outcome"] == "restored"


async def test_a_report_under_a_ticket_that_is_none_is_answered(world: World) -> None:
    """R-33: two cuts wait; a report that names neither ticket ends neither, and the crew is told."""
    case = await cut_off(world)
    await case.pay("200.00")
    await found_cut(case, "M-next-door")
    await case.becomes(lambda s: len([t for t in s["tickets"] if t["kind"] == "restore"]) == 2)
    answer = await case.update("report_restored", "field_crew", ticket_id="no-such-ticket")
    assert answer["counted"] is False
    assert "no-such-ticket" in answer["why"]


async def test_restored_already_is_said_to_who_reports_it_again(world: World) -> None:
    """R-33: the copy of what counted counts; another time, or another unit, changes nothing and hears so."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case)
    ticket = await case.ticket("restore")
    about = {"ticket_id": ticket["ticket_id"]}
    await case.update("acknowledge_ticket", "field_crew", **about)
    assert await case.update("report_restored", "field_crew", **about) == {"counted": True}
    assert await case.update("report_restored", "field_crew", **about) == {"counted": True}
    earlier = (await case.now() - timedelta(minutes=1)).isoformat()
    for who, more in (({**CREW, "unit": "FU-99"}, {}), (CREW, {"at": earlier})):
        answer = await case.update("report_restored", who, **about, **more)
        assert (answer["counted"], "already" in answer["why"]) == (False, True)
    assert not [m for m in await case.messages("team_leader") if "confirm" in m.subject]


@pytest.mark.parametrize("typed_id", ["R-017", "ｒ－０１７", "r\u2010017", "r 017", "r017"])
async def test_who_served_may_not_approve_by_typing_his_id_otherwise(world: World, typed_id: str) -> None:
    """R-33, R-12: SamePerson is not dodged by a capital letter."""
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    await case.becomes(
        lambda s: ("centre_director", "decide_approval") in [(a["role"], a["act"]) for a in s["waiting_for"]]
    )
    director = {**PEOPLE["centre_director"], "id": typed_id}
    with pytest.raises(Refusal) as refused:
        await case.update("decide_approval", director, notice_id=red["notice_id"], decision="approved")
    assert refused.value.type == "SamePerson"


async def test_one_person_fills_one_level_only_in_any_spelling(world: World) -> None:
    """R-33, R-12: `D-001` and `d 001` are one leader."""
    account_id = await world.customer(customer_class="non_residential")
    await world.bill(account_id)
    case = await world.open(account_id)
    red = await case.to_red()
    await case.deliver("red")
    await case.update("decide_approval", "centre_director", notice_id=red["notice_id"], decision="approved")
    twice = {**PEOPLE["company_leader"], "id": "Ｄ 001"}
    with pytest.raises(Refusal) as refused:
        await case.update("decide_approval", twice, notice_id=red["notice_id"], decision="approved")
    assert refused.value.type == "SamePerson"
    director = {**PEOPLE["centre_director"], "id": "D\u2013001"}
    answer = await case.update("decide_approval", director, notice_id=red["notice_id"], decision="approved")
    assert answer == {"granted": False, "still_needed": ["company_leader"]}, "his first answer again"


async def test_a_substitute_does_not_name_himself_by_another_spelling(world: World) -> None:
    """R-33, R-19: the team leader names him, and is another person."""
    case = await world.open()
    ticket = await case.to_window()
    about = {"ticket_id": ticket["ticket_id"], "meter_id": ticket["meter_id"]}
    await case.update("report_meter_uncertain", "field_crew", **about, remark="two of them")
    named_by = {**LEADER, "id": "Ｒ０18"}
    with pytest.raises(Refusal) as refused:
        await case.update("verify_meter", "other_reader", **about, confirmed=True, substitute_named_by=named_by)
    assert refused.value.type == "SamePerson"


async def test_a_hold_by_a_leader_of_this_centre_stands_in_any_spelling(world: World) -> None:
    """R-33: his centre typed in small letters is his centre; another one is another."""
    case = await world.open()
    for hold_id, unit in (("h-1", LEADER["unit"].lower()), ("h-2", "RC-99")):
        actor = {**LEADER, "unit": unit}
        await case.signal("hold_placed", hold_id=hold_id, kind="hardship", reason="x", actor=actor)
    snap = await case.becomes(lambda s: len(s["holds"]) == 1)
    assert [h["hold_id"] for h in snap["holds"]] == ["h-1"]
    assert len(await case.recorded("message.ignored")) == 1


async def test_reassigned_to_the_unit_that_has_it_moves_nothing(world: World) -> None:
    """R-33: the unit itself, typed otherwise, takes nothing over: its permit is not revoked."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    await case.update("reassign", "team_leader", role="field_unit", to=UNIT.lower())
    snap = await case.snapshot()
    assert (snap["permit"]["permit_id"], snap["permit"]["state"]) == (permit["permit_id"], "open")


async def test_the_same_cut_reported_in_another_spelling_gets_the_first_answer(world: World) -> None:
    """R-33: the business key of a message that names a meter or a person has one spelling."""
    case = await world.open()
    await case.to_red()
    at = (await case.now()).isoformat()
    first = await case.update("report_cut", "reader", meter_id="Mx-1", at=at)
    again = await case.update("report_cut", {**PEOPLE["reader"], "id": "R017"}, meter_id="ＭＸ１", at=at)
    assert first == again
    assert len((await case.snapshot())["incidents"]) == 1


# ---- pages --------------------------------------------------------------------------------------


async def test_worklists_find_unit_and_person_in_any_spelling(world: World) -> None:
    """R-33: the flags of the worklist and of the list of cases."""
    case = await world.open()
    await case.recorded("notice.issued")
    reader = world.parts.reader
    for unit, person in ((PEOPLE["reader"]["unit"].lower(), "Ｒ017"), ("rc\u201403", "r 017")):
        found = await asyncio.to_thread(reader.worklist, "reader", unit, person, 10_000)
        assert case.account_id in {item.account_id for item in found}
    assert not await asyncio.to_thread(reader.worklist, "reader", "RC-99", None, 10_000)
    cases: Any = await asyncio.to_thread(reader.list_cases, None, None, PEOPLE["reader"]["unit"].lower(), False, 10_000)
    assert case.account_id in {row.account_id for row in cases}
