"""A customer who will not sign: the detailed record, the report that climbs, the station head (R-09, R-10)."""

from datetime import datetime, timedelta

import pytest

from tests.support.world import SOON, STATION, Case, Refusal, World

DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def reports(case: Case, state: str = "open") -> dict[str, str]:
    """Rung and id of the reports on a refused signature in that state."""
    found = (await case.snapshot())["escalations"]
    return {e["rung"]: e["escalation_id"] for e in found if e["state"] == state and e["kind"] == "refusal"}


async def acknowledge(case: Case, rung: str) -> None:
    await case.update(
        "acknowledge_escalation", rung, escalation_id=(await reports(case))[rung], remark="read, go on as planned"
    )


async def test_refusal_needs_its_full_record(world: World) -> None:
    """R-09: place, persons, words and evidence; an empty one of the four is refused by name."""
    case = await world.open()
    full = {"place": "3-2-501", "persons": "neighbour Wang", "words": "will not sign", "evidence": "photo 7"}
    for part in full:
        for empty in ({**full, part: ""}, {k: v for k, v in full.items() if k != part}):
            with pytest.raises(Refusal) as refused:
                await case.deliver("yellow", "refused", refusal=empty)
            assert refused.value.type == "MissingEvidence"
            assert refused.value.details["field"] == f"refusal.{part}"
            assert refused.value.details["rule"] == "R-09"
    assert (await case.notice("yellow"))["state"] == "to_deliver"
    assert await case.deliver("yellow", "refused", refusal=full) == {"served": False}


async def test_refused_counts_once_the_team_leader_has_acknowledged(world: World) -> None:
    """R-09: until then the notice is to deliver with its delivered_at; served_at is the acknowledgement."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red", "refused")
    delivered = (await case.notice("red"))["delivered_at"]
    notice = await case.notice("red")
    assert notice["state"] == "to_deliver"
    assert "served_at" not in notice
    assert "R-08" in await case.why_not()
    assert ("centre_director", "decide_approval") not in await case.awaited(), "R-13: asked for after it is served"
    await case.pass_time(hours=5)
    await acknowledge(case, "team_leader")
    notice = await case.notice("red")
    assert notice["state"] == "delivered"
    assert notice["delivered_at"] == delivered
    assert moment(notice["served_at"]) - moment(delivered) >= timedelta(hours=5)
    assert "R-08" not in await case.why_not()
    refused = (await case.recorded("notice.refused"))[0]
    assert refused.clause == "II.2"
    assert refused.detail["place"] == "3-2-501"
    assert refused.detail["persons"] == ["neighbour Wang"]


async def test_silence_climbs_the_ladder_and_never_moves_the_case(world: World) -> None:
    """R-09: each rung has its time; silence adds the next, earlier ones stay open; any rung reached may acknowledge."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red", "refused")
    assert list(await reports(case)) == ["team_leader"]
    await case.pass_time(hours=24, seconds=1)
    await case.becomes(lambda s: len([e for e in s["escalations"] if e["state"] == "open"]) == 2, "the next rung")
    assert list(await reports(case)) == ["team_leader", "centre_director"]
    await case.pass_time(hours=30)
    assert list(await reports(case)) == ["team_leader", "centre_director"], "the ladder has no third rung"
    assert (await case.notice("red"))["state"] == "to_deliver", "silence never moves the case forward"
    await acknowledge(case, "centre_director")
    assert (await case.notice("red"))["state"] == "delivered"
    assert await reports(case) == {}
    closed = (await reports(case, "closed"))["team_leader"]
    with pytest.raises(Refusal) as late:
        await case.update("acknowledge_escalation", "team_leader", escalation_id=closed, remark="late")
    assert late.value.type == "NotWaiting"


async def test_unacknowledged_refusal_slips_the_day_before(world: World) -> None:
    """R-09, R-20: nobody acknowledged by T - 24 h: no ticket, the notice is void and served again."""
    case = await world.open()
    first = await case.to_red()
    await case.deliver("red", "refused")
    await case.until(moment(first["cut_at"]) - DAY + SOON)
    second = (await case.notices("red", 2))[-1]
    assert second["state"] == "to_deliver"
    snap = await case.snapshot()
    assert snap["tickets"] == []
    assert not [e for e in snap["escalations"] if e["kind"] == "refusal" and e["state"] == "open"]


async def test_late_refused_delivery_is_void_like_any_other(world: World) -> None:
    """R-07, R-09: the seven days run from delivered_at, however quickly the refusal is acknowledged."""
    case = await world.open()
    first = await case.to_red()
    by = moment(first["cut_at"]) - 7 * DAY
    await case.until(by - A_MINUTE)
    answer = await case.deliver("red", "refused", delivered_at=(by + timedelta(seconds=1)).isoformat())
    assert answer == {"served": False, "void_reason": "delivered too late"}
    assert len(await case.notices("red", 2)) == 2


async def test_refused_yellow_climbs_and_counts_like_a_red_one(world: World) -> None:
    """R-09: the yellow notice likewise; R-10 asks the station head for red notices only."""
    case = await world.open(customer_class="non_residential")
    await case.deliver("yellow", "refused")
    assert list(await reports(case)) == ["team_leader"]
    await acknowledge(case, "team_leader")
    assert (await case.notice("yellow"))["state"] == "delivered"


async def test_station_head_is_notified_of_every_red_notice_and_acknowledges_a_refusal(world: World) -> None:
    """R-10: non-residential: notified at issue; the refusal counts only once the station head too has acknowledged."""
    case = await world.open(customer_class="non_residential")
    red = await case.to_red()
    await case.deliver("red", "refused")
    told = await case.messages("station_head")
    assert [m.about for m in told if m.subject == "red notice issued"] == [red["notice_id"]]
    assert {m.to_unit for m in told} == {STATION}
    assert [e.about for e in await case.recorded("station_head.told")] == [red["notice_id"]]
    assert set(await reports(case)) == {"team_leader", "station_head"}
    await acknowledge(case, "team_leader")
    assert (await case.notice("red"))["state"] == "to_deliver"
    await acknowledge(case, "station_head")
    assert (await case.notice("red"))["state"] == "delivered"


async def test_station_head_alone_does_not_make_a_refusal_count(world: World) -> None:
    """R-09, R-10: the station head is no rung of the ladder: the team leader's answer is needed too."""
    case = await world.open(customer_class="non_residential")
    await case.to_red()
    await case.deliver("red", "refused")
    await acknowledge(case, "station_head")
    assert (await case.notice("red"))["state"] == "to_deliver"
    await acknowledge(case, "team_leader")
    assert (await case.notice("red"))["state"] == "delivered"


async def test_residential_red_notices_are_no_matter_of_the_station_head(world: World) -> None:
    """R-10: only non-residential cases reach the station head."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red", "refused")
    assert list(await reports(case)) == ["team_leader"]
    assert await case.messages("station_head") == []


async def test_refusing_customer_who_then_signs_is_served_at_once(world: World) -> None:
    """R-08: the task to deliver stayed; a signature afterwards serves, and the report needs no answer any more."""
    case = await world.open()
    await case.deliver("yellow", "refused")
    assert await case.deliver("yellow") == {"served": True}
    assert (await case.notice("yellow"))["state"] == "delivered"
    assert await reports(case) == {}
