"""Yellow and red notices: what they state, when they count, when they are void and served again (R-05 – R-08, R-11)."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from domain.law.policy import Policy
from tests.support.register_reading import WholeRegister
from tests.support.world import SOON, World

DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def local_day(text: str, policy: Policy) -> date:
    return moment(text).astimezone(policy.zone).date()


def red_deliver_by(notice: dict[str, Any]) -> datetime:
    """The last moment for delivery of a red notice: 7 x 24 h before the time it states."""
    return moment(notice["cut_at"]) - timedelta(hours=7 * 24)


def yellow_deliver_by(notice: dict[str, Any]) -> datetime:
    """The last moment for delivery of a yellow notice: the deadline less the 7 days to pay."""
    return moment(notice["deadline"]) - 7 * DAY


# ---- the yellow notice -----------------------------------------------------------------


async def test_yellow_notice_states_its_four_parts(world: World) -> None:
    """R-05: account, amount per bill with late fee, final deadline, specific time: in the record and in the text."""
    account = await world.customer()
    bills = [await world.bill(account, "128.50", 40), await world.bill(account, "71.50", 10)]
    case = await world.open(account)
    await case.recorded("notice.issued")
    (filed,) = await asyncio.to_thread(WholeRegister(world.parts.reader.engine).notices, account)
    assert filed.amount == sum(line.outstanding for line in filed.lines)
    assert [line.bill_id for line in filed.lines] == bills
    assert [str(line.outstanding) for line in filed.lines] == ["128.50", "71.50"]
    assert filed.late_fee == sum(line.late_fee for line in filed.lines) > 0
    zone = world.policy.zone
    last_day, cut_at = filed.deadline.astimezone(zone) - DAY, filed.cut_at.astimezone(zone)
    dates = [f"{at.year}年{at.month}月{at.day}日" for at in (last_day, cut_at)]
    for part in (account, "200.00", "128.50", "71.50", *bills, *dates, f"{cut_at:%H:%M}"):
        assert part in filed.text_zh, part
    for part in (account, "200.00", *bills, f"{last_day:%Y-%m-%d}", f"{cut_at:%Y-%m-%d}"):
        assert part in filed.text_en, part


async def test_schedules_that_the_notices_state(world: World) -> None:
    """R-05, R-07, R-21: deadline, cut time, issue and T, all computed in local days of the utility."""
    case = await world.open()
    yellow = await case.notice("yellow")
    policy = world.policy
    deadline, cut_at = moment(yellow["deadline"]), moment(yellow["cut_at"])
    assert deadline.astimezone(policy.zone).time() == time(0)
    assert local_day(yellow["deadline"], policy) == local_day(yellow["issued_at"], policy) + 11 * DAY, "3 + 7, ended"
    assert cut_at.astimezone(policy.zone).time() == time(9)
    assert local_day(yellow["cut_at"], policy) >= local_day(yellow["deadline"], policy) + 10 * DAY
    assert cut_at.astimezone(policy.zone).weekday() < 4, "Monday to Thursday"
    red = await case.to_red()
    assert moment(red["issued_at"]) >= cut_at - 10 * DAY
    assert moment(red["issued_at"]) < cut_at - 10 * DAY + timedelta(hours=1), "ten days before the time yellow stated"
    assert red["cut_at"] == yellow["cut_at"], "the time that the yellow notice stated holds"
    assert local_day(red["deadline"], policy) == local_day(red["cut_at"], policy), "00:00 of T's own day"
    assert moment(red["deadline"]).astimezone(policy.zone).time() == time(0)
    assert moment(red["deadline"]) < moment(red["cut_at"]), "R-11: the time to pay ends before the cut"


async def test_statutory_day_moves_the_stated_time(world: World) -> None:
    """R-03: of a bill just overdue the cut time stated lies on due date + 31 days or later."""
    case = await world.open(overdue_days=1)
    yellow = await case.notice("yellow")
    today = local_day(yellow["issued_at"], world.policy)
    assert local_day(yellow["cut_at"], world.policy) >= today - DAY + 31 * DAY
    await case.deliver("yellow")
    await case.until(moment(yellow["deadline"]) + A_MINUTE)
    assert (await case.snapshot())["stage"] == "yellow_notice", "the red one is not issued weeks ahead"
    await case.until(moment(yellow["cut_at"]) - 10 * DAY + A_MINUTE)
    assert (await case.notice("red"))["cut_at"] == yellow["cut_at"]


async def test_issuing_is_not_delivering(world: World) -> None:
    """R-06, R-08: an undelivered yellow notice leads to another yellow one, never to a red one."""
    case = await world.open()
    first = await case.notice("yellow")
    await case.until(yellow_deliver_by(first) + SOON)
    second = (await case.notices("yellow", 2))[-1]
    assert second["state"] == "to_deliver"
    assert moment(second["deadline"]) > moment(first["deadline"])
    snap = await case.snapshot()
    assert snap["stage"] == "yellow_notice"
    assert snap["notices"][0]["state"] == "void"
    assert ("team_leader", "acknowledge_escalation") in await case.awaited(), "R-07: every void goes before the leader"
    late = await case.update(
        "record_delivery",
        "reader",
        notice_id=first["notice_id"],
        outcome="signed",
        delivered_at=(yellow_deliver_by(first) - A_MINUTE).isoformat(),
    )
    assert late == {"served": False, "void_reason": "not delivered in time"}, "even one made in time never revives"
    assert len(await case.recorded("notice.issued", 2)) == 2


async def test_yellow_delivered_on_the_last_moment_counts(world: World) -> None:
    """R-05, R-07: equality counts as timely for the yellow notice too; a second later is late, void, served again."""
    case = await world.open()
    yellow = await case.notice("yellow")
    by = yellow_deliver_by(yellow)
    await case.until(by - A_MINUTE)
    # Reported a minute early with the time at which the reader will stand there: within the five minutes allowed.
    late = await case.deliver("yellow", delivered_at=(by + timedelta(seconds=1)).isoformat())
    assert late == {"served": False, "void_reason": "delivered too late"}
    second = (await case.notices("yellow", 2))[-1]
    by = yellow_deliver_by(second)
    await case.until(by - A_MINUTE)
    assert await case.deliver("yellow", delivered_at=by.isoformat()) == {"served": True}
    served = (await case.notice("yellow"))["served_at"]
    assert moment(served) == by


# ---- the red notice --------------------------------------------------------------------------


async def test_red_delivered_seven_full_days_before_counts_and_a_second_less_is_void(world: World) -> None:
    """R-07: 7 x 24 h, equality timely; later is void for that time, and a new one with a new time is issued."""
    case = await world.open()
    first = await case.to_red()
    by = red_deliver_by(first)
    await case.until(by - A_MINUTE)
    late = await case.deliver("red", delivered_at=(by + timedelta(seconds=1)).isoformat())
    assert late == {"served": False, "void_reason": "delivered too late"}
    second = (await case.notices("red", 2))[-1]
    policy = world.policy
    assert moment(second["cut_at"]) > moment(first["cut_at"])
    assert local_day(second["cut_at"], policy) >= local_day(second["issued_at"], policy) + 10 * DAY
    by = red_deliver_by(second)
    await case.until(by - A_MINUTE)
    assert await case.deliver("red", delivered_at=by.isoformat()) == {"served": True}
    assert "R-07" not in await case.why_not()
    assert [a["act"] for a in (await case.snapshot())["waiting_for"] if a["role"] == "centre_director"] == [
        "decide_approval"
    ]


async def test_red_not_delivered_in_time_is_void_and_issued_again(world: World) -> None:
    """R-07: not delivered by then, it is void at once; the team leader is notified; the new one has its full days."""
    case = await world.open()
    first = await case.to_red()
    await case.until(red_deliver_by(first) + SOON)
    second = (await case.notices("red", 2))[-1]
    assert (await case.snapshot())["stage"] == "red_notice"
    assert red_deliver_by(second) - moment(second["issued_at"]) >= 2 * DAY, "time to deliver it"
    void = (await case.recorded("notice.void"))[0]
    assert void.about == first["notice_id"]
    assert void.clause == "II.2"
    raised = [e for e in (await case.snapshot())["escalations"] if e["kind"] == "void"]
    assert [(e["rung"], e["notice_id"]) for e in raised] == [("team_leader", first["notice_id"])]


async def test_undeliverable_is_not_service(world: World) -> None:
    """R-08: the task to deliver stays, as often as it fails; what counts is the delivery that follows."""
    case = await world.open()
    yellow = await case.notice("yellow")
    for _ in range(2):
        assert await case.deliver("yellow", "undeliverable") == {"served": False}
    snap = await case.snapshot()
    assert snap["notices"][0]["state"] == "to_deliver"
    assert [(a["act"], a["id"]) for a in snap["waiting_for"]] == [("record_delivery", yellow["notice_id"])]
    assert len(await case.recorded("notice.undeliverable", 2)) == 2
    assert await case.deliver("yellow") == {"served": True}


async def test_after_the_first_and_three_more_voids_a_person_decides(world: World) -> None:
    """R-07: max_reissues = 3: the fourth void in a row waits for a person; `serve_again` restarts the count."""
    case = await world.open()
    for count in range(1, 5):
        yellow = (await case.notices("yellow", count))[-1]
        assert yellow["state"] == "to_deliver"
        await case.until(yellow_deliver_by(yellow) + SOON)
    snap = await case.becomes(lambda s: "needs_person" in s, "the wait for a person")
    assert [n["state"] for n in snap["notices"]] == ["void"] * 4
    assert ("team_leader", "serve_again") in await case.awaited()
    await case.pass_time(days=30)
    assert len((await case.snapshot())["notices"]) == 4, "time alone never moves it"
    assert len(await case.recorded("escalation.raised", 4)) == 4
    await case.update("serve_again", "team_leader", reason="new address found")
    fifth = (await case.notices("yellow", 5))[-1]
    await case.until(yellow_deliver_by(fifth) + SOON)
    assert (await case.notices("yellow", 6))[-1]["state"] == "to_deliver", "the count began anew"


async def test_voids_of_red_notices_are_counted_whatever_their_reason(world: World) -> None:
    """R-07: late, undelivered and slipped count together; a vain attempt is no new start of the count."""
    policy = world.policy.model_copy(update={"max_reissues": 1})
    case = await world.open(policy=policy)
    first = await case.to_red()
    await case.until(red_deliver_by(first) + SOON)  # undelivered
    second = (await case.notices("red", 2))[-1]
    await case.deliver("red")
    await case.until(moment(second["cut_at"]) - DAY + SOON)  # slipped: nobody approved
    snap = await case.becomes(lambda s: "needs_person" in s, "the wait for a person")
    assert [n["state"] for n in snap["notices"] if n["kind"] == "red"] == ["void", "void"]
    yellow = next(n for n in snap["notices"] if n["kind"] == "yellow")
    assert yellow["state"] == "delivered", "the yellow notice stays served"


async def test_serve_again_gives_up_the_attempt_and_plans_a_new_time(world: World) -> None:
    """R-07, R-20: the reader gives up a served red notice; a new one follows with its own full days."""
    case = await world.open()
    first = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await case.pass_time(days=1)
    await case.update("serve_again", "reader", reason="the time was misread to the customer")
    second = (await case.notices("red", 2))[-1]
    assert second["state"] == "to_deliver"
    assert local_day(second["cut_at"], world.policy) >= local_day(second["issued_at"], world.policy) + 10 * DAY
    snap = await case.snapshot()
    assert next(n for n in snap["notices"] if n["notice_id"] == first["notice_id"])["state"] == "void"
    assert "R-12" in await case.why_not(), "R-13: the approval was for the other notice"


async def test_waking_weeks_late_skips_no_stage(world: World) -> None:
    """R-06, R-20: kept from acting past every date it had planned, the case goes on with the next stage only.

    Billing is silent from before the red notice is due until after the time that the yellow notice stated.
    """
    async with world.beside(retry_max_seconds=86_400) as patient:
        case = await patient.open()
        yellow = await case.notice("yellow")
        await case.deliver("yellow")
        await world.outage()
        try:
            await case.until(moment(yellow["cut_at"]) + 2 * DAY)
            snap = await case.snapshot()
            assert [n["kind"] for n in snap["notices"]] == ["yellow"], "nothing goes forward on a silent system"
        finally:
            await world.billing_back()
        await case.pass_time(days=1)
        red = await case.notice("red")
        snap = await case.snapshot()
        assert {"R-08", "R-07", "R-12"} <= set(await case.why_not())
    assert snap["stage"] == "red_notice"
    assert snap["tickets"] == []
    assert moment(red["issued_at"]) > moment(yellow["cut_at"]), "the time that the yellow notice stated has passed"
    assert local_day(red["cut_at"], world.policy) >= local_day(red["issued_at"], world.policy) + 10 * DAY


async def test_case_that_nobody_serves_waits_and_cuts_nothing(world: World) -> None:
    """R-02, R-06: half a year of silence from every person: no red notice served, no ticket, no cut."""
    case = await world.open()
    await case.deliver("yellow")
    await case.pass_time(days=180)
    snap = await case.becomes(lambda s: "needs_person" in s, "the wait for a person")
    assert snap["tickets"] == []
    assert {n["state"] for n in snap["notices"] if n["kind"] == "red"} == {"void"}
    assert len([n for n in snap["notices"] if n["kind"] == "red"]) == 4


# ---- which bills -----------------------------------------------------------------------------


async def test_red_notice_names_only_bills_of_the_yellow_that_still_owe(world: World) -> None:
    """R-05: a bill of the yellow notice that was paid meanwhile is not on the red one; its amount is what is left."""
    account = await world.customer()
    oldest, newer = await world.bill(account, "100.00", 60), await world.bill(account, "70.00", 35)
    case = await world.open(account)
    await case.deliver("yellow")
    assert (await case.notice("yellow"))["bills"] == [oldest, newer]
    await case.pay("120.00")  # the oldest first: 100 settled, 20 of the next
    await case.becomes(lambda s: s["owed"] == "50.00", "the partial payment")
    assert ("reader", "record_promise") in await case.awaited(), "R-04: a partial payment asks for an offer"
    red = await case.to_red()
    assert red["bills"] == [newer]
    assert red["amount"] == "50.00"


# ---- paid ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["yellow to deliver", "yellow served", "red to deliver", "red served"])
async def test_payment_in_full_ends_the_procedure_at_any_stage(world: World, when: str) -> None:
    """R-11: paid in full at any moment before the switch: nothing is cut, the notices are void, the case settled."""
    case = await world.open()
    await case.notice("yellow")
    match when:
        case "yellow served":
            await case.deliver("yellow")
        case "red to deliver":
            await case.to_red()
        case "red served":
            await case.to_red()
            await case.deliver("red")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    snap = await case.snapshot()
    assert {n["state"] for n in snap["notices"]} == {"void"}
    assert snap["waiting_for"] == []
    assert (await case.recorded("debt.settled"))[0].clause == "II.8"
