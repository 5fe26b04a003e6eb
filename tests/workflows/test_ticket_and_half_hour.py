"""From the day before to the stated time: ticket, last notification, billing asked (R-15 – R-17, R-20, R-21)."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from adapters.holidays import ChinaHolidays
from domain.law.calendar import BarredDay
from tests.support.register_reading import WholeRegister
from tests.support.world import UNIT, Case, Refusal, World

DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
HALF_HOUR = timedelta(minutes=30)


async def approved_red(case: Case) -> dict[str, Any]:
    """A red notice served and approved."""
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    return red


def stated(notice: dict[str, Any]) -> datetime:
    """T."""
    return datetime.fromisoformat(notice["cut_at"])


async def slipped(case: Case, first: dict[str, Any]) -> dict[str, Any]:
    """The snapshot once the time of that red notice has slipped: void, its ticket recalled, a new notice out."""

    def again(snap: dict[str, Any]) -> bool:
        red = [n for n in snap["notices"] if n["kind"] == "red"]
        return bool(red[-1]["notice_id"] != first["notice_id"] and red[-1]["state"] == "to_deliver")

    snap = await case.becomes(again, "a new red notice")
    assert next(n for n in snap["notices"] if n["notice_id"] == first["notice_id"])["state"] == "void"
    assert all(t["state"] == "recalled" for t in snap["tickets"])
    assert snap["stage"] == "red_notice"
    new = snap["notices"][-1]
    assert stated(new) - datetime.fromisoformat(new["issued_at"]) >= 9 * DAY, "the full days of a new notice"
    assert "cut_at" not in snap
    return snap


# ---- the ticket ------------------------------------------------------------------------------


async def test_ticket_goes_out_a_day_before_in_the_name_of_the_reader_who_served(world: World) -> None:
    """R-15: not before T - 24 h, then at once; to the field unit; signed by who served, not by who is assigned."""
    case = await world.open()
    red = await case.to_red()
    await case.update("record_delivery", "other_reader", notice_id=red["notice_id"], outcome="signed")
    await case.approve()
    await case.until(stated(red) - DAY - timedelta(minutes=1))
    assert (await case.snapshot())["tickets"] == []
    await case.until(stated(red) - DAY + A_SECOND)
    ticket = await case.ticket("cut")
    assert await case.stage() == "ticketed"
    assert ticket["state"] == "sent"
    assert stated(red) - DAY <= datetime.fromisoformat(ticket["sent_at"]) < stated(red) - DAY + timedelta(minutes=1)
    await case.recorded("ticket.sent")
    (filed,) = await asyncio.to_thread(WholeRegister(world.parts.reader.engine).tickets, case.account_id)
    assert (filed.sent_by, filed.field_unit, filed.meter_id) == ("r-018", UNIT, f"M-{case.account_id}")
    assert filed.due_at == stated(red)
    assert "r-018" in filed.text_zh
    assert f"{stated(red):%H:%M}起，至{stated(red) + timedelta(hours=2):%H:%M}止" in filed.text_zh  # the window
    assert ("field_crew", "acknowledge_ticket") in await case.awaited()
    assert "R-15" in await case.why_not()
    await case.update("acknowledge_ticket", "other_crew", ticket_id=ticket["ticket_id"])
    assert (await case.ticket("cut"))["state"] == "acknowledged"
    assert "R-15" not in await case.why_not()


async def test_unacknowledged_ticket_means_no_cut(world: World) -> None:
    """R-15, R-20: at T - 30 min the unit has not acknowledged: recalled, the crew notified, a new red notice."""
    case = await world.open()
    ticket = await case.to_ticket()
    red = await case.notice("red")
    await case.until(stated(red) - HALF_HOUR + A_SECOND)
    await slipped(case, red)
    await case.recorded("ticket.recalled")
    recalls = [m for m in await case.messages("field_crew") if m.subject == "ticket recalled"]
    assert [m.about for m in recalls] == [ticket["ticket_id"]]
    with pytest.raises(Refusal) as late:
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    assert late.value.type == "TooLate"


# ---- notified again ------------------------------------------------------------------------------


async def test_customer_notified_again_in_the_last_half_hour(world: World) -> None:
    """R-16: before T - 30 min it does not count, at T - 30 min sharp it does; an outbox row is no notification."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    begin = await case.cut_time() - HALF_HOUR
    await case.until(begin - timedelta(minutes=10))
    early = await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="phone")
    assert early == {"told": False}
    await case.until(begin + A_SECOND)
    await case.in_stage("final_half_hour")
    assert ("reader", "record_final_notice") in await case.awaited()
    await case.recorded("half_hour.reached")
    assert (await case.notified("customer", "the time of the cut, again")).about == ticket["ticket_id"]
    assert "R-16" in await case.why_not(), "composed for the customer, but nobody has told him"
    just_before = (begin - A_SECOND).isoformat()
    answer = await case.update(
        "record_final_notice", "reader", ticket_id=ticket["ticket_id"], told_at=just_before, how="phone"
    )
    assert answer == {"told": False}
    answer = await case.update(
        "record_final_notice", "reader", ticket_id=ticket["ticket_id"], told_at=begin.isoformat(), how="at the door"
    )
    assert answer == {"told": True}
    assert {"R-16", "R-17"}.isdisjoint(await case.why_not())
    told = await case.recorded("customer.told", 3)
    assert [e.detail["counts"] for e in told] == [False, False, True]
    assert {e.clause for e in told} == {"II.4"}


async def test_customer_not_notified_is_not_cut(world: World) -> None:
    """R-16, R-20: nobody notified him by T: the permit is out of reach and the time slips."""
    case = await world.open()
    ticket = await case.to_half_hour()
    red = await case.notice("red")
    refused = await case.permit(ticket)
    assert refused["granted"] is False
    assert {"R-16", "R-18"} <= {c["rule"] for c in refused["unmet"]}
    await case.until(stated(red) + A_SECOND)
    await slipped(case, red)


# ---- billing in the last half-hour -----------------------------------------------------------


async def test_billing_is_asked_at_the_last_half_hour(world: World) -> None:
    """R-17: "owes" is on record within the last half-hour, and the condition is met."""
    case = await world.open()
    await case.to_half_hour()
    await case.becomes(lambda s: s["stage"] == "final_half_hour")
    checks = [e for e in await case.recorded("billing.checked", 2) if e.detail["when"] == "half_hour"]
    assert [e.detail["answer"] for e in checks] == ["owes"]
    assert checks[0].clause == "II.6"
    assert stated(await case.notice("red")) - checks[0].at <= HALF_HOUR
    assert "R-17" not in await case.why_not()


async def test_silent_billing_at_the_last_half_hour_slips_at_once(world: World) -> None:
    """R-17, R-20: no answer means no cut, before T has even come; a balance that cannot be read is never cut on."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    red = await case.notice("red")
    await world.outage()
    try:
        await case.until(stated(red) - HALF_HOUR + timedelta(minutes=2))
        snap = await case.becomes(lambda s: s["tickets"][0]["state"] == "recalled", "the recall")
        assert await case.now() < stated(red)
        assert next(n for n in snap["notices"] if n["notice_id"] == red["notice_id"])["state"] == "void"
        checked = [e for e in await case.recorded("billing.checked", 2) if e.detail["when"] == "half_hour"]
        assert [e.detail["answer"] for e in checked] == ["no_answer"]
    finally:
        await world.billing_back()
    await case.pass_time(minutes=10)
    await slipped(case, red)


async def test_paid_unheard_before_the_last_half_hour_is_found_there(world: World) -> None:
    """R-17, R-11: no payment event ever came, but billing says "settled" at T - 30 min: nothing is cut."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(hours=1))
    await case.pay("200.00", reported=False)
    await case.pass_time(minutes=31)
    assert (await case.result())["outcome"] == "settled"
    snap = await case.snapshot()
    assert [t["state"] for t in snap["tickets"]] == ["recalled"]
    assert "permit" not in snap
    recalls = [m for m in await case.messages("field_crew") if m.subject == "ticket recalled"]
    assert [m.about for m in recalls] == [ticket["ticket_id"]]


# ---- judged again the day before -------------------------------------------------------


@dataclass
class LateArrangement:
    """China's calendar, to which the State Council adds days later on."""

    announced: list[BarredDay] = field(default_factory=list)

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        """Holidays as computed, and what was announced since."""
        return (*ChinaHolidays().barred_days(first, last), *(d for d in self.announced if first <= d.day <= last))


@pytest.mark.parametrize("kind", ["holiday", "eve", "working_day"])
async def test_calendar_is_read_again_the_day_before_and_decides(world: World, kind: Any) -> None:
    """R-21: a day announced as barred after the notice was planned: no ticket; the new time avoids it."""
    calendar = LateArrangement()
    async with world.beside(calendar) as announced:
        case = await announced.open()
        red = await approved_red(case)
        day = stated(red).astimezone(world.policy.zone).date()
        calendar.announced.append(BarredDay(day=day, kind=kind, name="announced late"))
        await case.until(stated(red) - DAY + A_SECOND)
        snap = await slipped(case, red)
        assert snap["tickets"] == []
        void = next(n for n in snap["notices"] if n["notice_id"] == red["notice_id"])
        assert "barred" in void["void_reason"]
        assert stated(snap["notices"][-1]).astimezone(world.policy.zone).date() != day


async def test_statutory_day_is_judged_again_the_day_before_and_at_the_permit(world: World) -> None:
    """R-03: the oldest bill is paid, the one still owing is too young: no ticket; or, paid later still, no permit."""
    statute = world.policy.model_copy(update={"min_overdue_days": 60})
    for paid_when in ("red served", "last half-hour"):
        account = await world.customer()
        await world.bill(account, "100.00", overdue_days=100)
        await world.bill(account, "70.00", overdue_days=2)
        case = await world.open(account, policy=statute)
        if paid_when == "red served":
            red = await approved_red(case)
            await case.pay("100.00")
            await case.becomes(lambda s: s["owed"] == "70.00", "the payment")
            assert "R-03" in await case.why_not()
            await case.until(stated(red) - DAY + A_SECOND)
            snap = await slipped(case, red)
            assert snap["tickets"] == []
            young = datetime.fromisoformat(snap["bills"][-1]["due_date"]).date()
            day = stated(snap["notices"][-1]).astimezone(world.policy.zone).date()
            assert day >= young + timedelta(days=61), "more than 60 days, the due day not counted"
        else:
            ticket = await case.to_window()
            await case.pay("100.00")
            await case.becomes(lambda s: s["owed"] == "70.00", "the payment")
            refused = await case.permit(ticket)
            assert [c["rule"] for c in refused["unmet"]] == ["R-03"]


async def test_stated_times_are_never_on_a_barred_day(world: World) -> None:
    """R-21: with every Monday to Wednesday of the next weeks a holiday, the notice states a Thursday."""
    today = datetime.now(world.policy.zone).date()
    days = [today + n * DAY for n in range(110)]
    calendar = LateArrangement([BarredDay(day=d, kind="holiday", name="long feast") for d in days if d.weekday() < 3])
    async with world.beside(calendar) as feasting:
        case = await feasting.open()
        cut_at = stated(await case.notice("yellow")).astimezone(world.policy.zone)
        await case.recorded("notice.issued")
    barred = {d.day for d in ChinaHolidays().barred_days(today, today + 120 * DAY)}
    assert cut_at.weekday() == 3 or cut_at.date() > days[-1]
    assert cut_at.date() not in barred
    assert f"{cut_at:%H:%M}" == "09:00"
