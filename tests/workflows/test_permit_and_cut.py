"""The permit that fences the cut: its window, its end, its revocation, the doubtful meter, the crew's answer."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from adapters.holidays import ChinaHolidays
from composition.serving import make_worker
from domain.law.calendar import BarredDay
from domain.law.policy import CutHours
from tests.support.world import PEOPLE, SOON, Case, Refusal, World
from workflows.billing_desk import ANSWER_IS_FRESH


async def granted(case: Case, ticket: dict[str, Any]) -> dict[str, Any]:
    """A permit for the crew at the right meter."""
    permit: dict[str, Any] = await case.permit(ticket)
    assert permit["granted"], permit
    return permit


def unmet(answer: dict[str, Any]) -> set[str]:
    """The rules that a refused permit names."""
    assert answer["granted"] is False, answer
    return {c["rule"] for c in answer["unmet"]}


async def voided(case: Case, notice_id: str) -> dict[str, Any]:
    """That notice, once it is void."""

    def void(snap: dict[str, Any]) -> list[dict[str, Any]]:
        return [n for n in snap["notices"] if n["notice_id"] == notice_id and n["state"] == "void"]

    return void(await case.becomes(lambda s: bool(void(s)), f"void {notice_id}"))[0]


async def assert_served_anew(case: Case, old: dict[str, Any]) -> None:
    """The old red notice is void, its ticket recalled; a new one leaves seven full days, and nothing may be cut."""
    await voided(case, old["notice_id"])
    new = await case.notice("red")
    assert new["notice_id"] != old["notice_id"]
    ahead = datetime.fromisoformat(new["cut_at"]) - datetime.fromisoformat(new["issued_at"])
    assert ahead >= timedelta(days=7)
    assert [t for t in (await case.snapshot())["tickets"] if t["kind"] == "cut" and t["state"] != "recalled"] == []
    assert {"R-08", "R-12", "R-15"} <= set(await case.why_not())


# ---- the window (R-18) ------------------------------------------------------------------------


async def test_inside_the_window_the_crew_gets_a_permit_for_fifteen_minutes(world: World) -> None:
    """R-18: given in the window, for that meter, for `permit_minutes` at most."""
    case = await world.open()
    ticket = await case.to_window()
    asked_at = await case.now()
    permit = await granted(case, ticket)
    left = datetime.fromisoformat(permit["valid_until"]) - asked_at
    assert timedelta(minutes=14) < left < timedelta(minutes=15, seconds=20)
    assert (await case.snapshot())["permit"]["state"] == "open"
    (given,) = await case.recorded("permit.granted")
    assert (given.clause, given.actor_id, given.detail["meter_id"]) == ("II.7", "f-009", ticket["meter_id"])


async def test_before_the_stated_time_no_permit_is_given(world: World) -> None:
    """R-18: the customer was notified of T; a minute before it nobody may cut."""
    case = await world.open()
    ticket = await case.to_half_hour()
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(await case.cut_time() - timedelta(seconds=20))
    answer = await case.permit(ticket)
    assert unmet(answer) == {"R-18"}
    await case.until(await case.cut_time())
    await granted(case, ticket)


async def test_a_late_permit_ends_with_the_window(world: World) -> None:
    """R-18: a permit never reaches beyond min(T + 2 h, the end of the cut hours)."""
    case = await world.open()
    ticket = await case.to_window()
    end = await case.cut_time() + timedelta(hours=2)
    await case.until(end - timedelta(minutes=5))
    permit = await granted(case, ticket)
    assert datetime.fromisoformat(permit["valid_until"]) == end


async def test_the_window_ends_with_the_cut_hours_where_those_are_shorter(world: World) -> None:
    """R-18, R-21: cut hours that end one hour after T end the window."""
    policy = world.policy.model_copy(update={"cut_hours": CutHours(start="09:00", end="10:00")})
    case = await world.open(policy=policy)
    ticket = await case.to_window()
    end = await case.cut_time() + timedelta(hours=1)
    await case.until(end - timedelta(minutes=3))
    assert datetime.fromisoformat((await granted(case, ticket))["valid_until"]) == end


async def test_when_the_window_has_passed_the_permit_is_refused_and_the_notice_stale(world: World) -> None:
    """R-18, R-20: nothing is cut at a time the customer was not notified."""
    case = await world.open()
    ticket = await case.to_window()
    red = await case.notice("red")
    await case.until(datetime.fromisoformat(red["cut_at"]) + timedelta(hours=2, seconds=1))
    assert "R-18" in unmet(await case.permit(ticket))
    await assert_served_anew(case, red)


async def test_the_wrong_meter_gets_no_permit(world: World) -> None:
    """R-18: the permit names the meter of the ticket."""
    case = await world.open()
    ticket = await case.to_window()
    answer = await case.permit(ticket, meter_id="M-somebody-else")
    assert unmet(answer) == {"R-18"}
    assert "meter" in answer["unmet"][0]["text_en"]
    assert not await case.evidence("permit.granted")


async def test_every_unmet_condition_is_named_with_its_clause(world: World) -> None:
    """R-18: an hour early, not acknowledged, not notified, billing not asked: all of it is said at once."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.until(await case.cut_time() - timedelta(hours=1))
    answer = await case.permit(ticket, meter_id="M-somebody-else")
    assert {"R-15", "R-16", "R-17", "R-18"} <= unmet(answer)
    assert all(c["clause"] and c["text_zh"] and c["text_en"] for c in answer["unmet"])
    (refused,) = await case.recorded("permit.refused")
    assert set(refused.detail["unmet"]) == unmet(answer)


async def test_an_unknown_ticket_is_refused_by_name(world: World) -> None:
    """R-18: a permit is asked for by the ticket that is out."""
    case = await world.open()
    ticket = await case.to_window()
    with pytest.raises(Refusal) as refusal:
        await case.permit({**ticket, "ticket_id": "no-such-ticket"})
    assert (refusal.value.type, refusal.value.details["field"]) == ("UnknownTicket", "ticket_id")


async def test_only_the_field_unit_asks_for_a_permit(world: World) -> None:
    """R-18: neither the reader nor a crew of another unit; the attempt is recorded."""
    case = await world.open()
    ticket = await case.to_window()
    with pytest.raises(Refusal, match="NotAllowed"):
        await case.permit(ticket, "reader")
    stranger = {**PEOPLE["field_crew"], "unit": "FU-99"}
    with pytest.raises(Refusal, match="NotYourUnit"):
        await case.update("request_permit", stranger, ticket_id=ticket["ticket_id"], meter_id=ticket["meter_id"])
    assert [e.detail["type"] for e in await case.recorded("message.refused", 2)] == ["NotAllowed", "NotYourUnit"]
    assert not await case.evidence("permit.granted")


async def test_the_same_crew_asking_again_holds_the_same_permit(world: World) -> None:
    """R-18: to one request; a repeated question is answered with the permit that is open, anyone else gets none."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await granted(case, ticket)
    assert await case.permit(ticket) == permit
    assert unmet(await case.permit(ticket, "other_crew")) == {"R-18"}
    assert len(await case.recorded("permit.granted")) == 1


# ---- billing at the permit (R-17) -------------------------------------------------------------


async def test_paid_but_not_reported_is_found_when_the_crew_asks(world: World) -> None:
    """R-17, R-11: billing is asked again at the permit; paid means no cut."""
    case = await world.open()
    ticket = await case.to_window()
    await case.pay("200.00", reported=False)
    assert "R-11" in unmet(await case.permit(ticket))
    assert (await case.result())["outcome"] == "settled"
    assert not await case.evidence("permit.granted")


async def test_billing_silent_at_the_permit_refuses_and_the_crew_asks_again(world: World) -> None:
    """R-17: no answer is no permit, not an endless wait; inside the window the crew may ask again."""
    case = await world.open()
    ticket = await case.to_window()
    await world.outage()
    try:
        asking = asyncio.create_task(case.permit(ticket))
        for _ in range(20):
            await asyncio.sleep(0.1)
            if asking.done():
                break
            await case.pass_time(seconds=2)
        answer = await asking
    finally:
        await world.billing_back()
    assert unmet(answer) == {"R-17"}
    assert (await case.stage()) == "final_half_hour"
    await granted(case, ticket)
    assert [e.detail["answer"] for e in await case.recorded("billing.checked", 4)][-2:] == ["no_answer", "owes"]


# ---- the permit ends --------------------------------------------------------------------------


async def test_a_settling_payment_revokes_the_permit_and_notifies_the_crew(world: World) -> None:
    """R-18, P2: revoked as soon as the payment arrives; the crew is notified at once."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await granted(case, ticket)
    await case.pay("200.00")
    snap = await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    assert snap["permit"]["permit_id"] == permit["permit_id"]
    await case.becomes(lambda s: s["owed"] == "0.00")
    await case.notified("field_crew", "permit revoked")
    assert unmet(await case.permit(ticket)) >= {"R-11"}


async def test_a_partial_payment_leaves_the_permit(world: World) -> None:
    """R-04, R-18: a part does not settle; billing is asked, and the permit stands."""
    case = await world.open()
    ticket = await case.to_window()
    await granted(case, ticket)
    await case.pay("50.00")
    snap = await case.becomes(lambda s: s["owed"] == "150.00")
    assert snap["permit"]["state"] == "open"


async def test_two_parts_that_settle_together_revoke_the_permit(world: World) -> None:
    """P2: what counts is that the named bills are settled, by however many payments."""
    case = await world.open()
    ticket = await case.to_window()
    await granted(case, ticket)
    await case.pay("50.00")
    await case.pay("150.00")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")


STOPPERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "promise": ("record_promise", "reader", {"promise_id": "p-1", "amount": "200.00"}),
    "plan": ("agree_plan", "team_leader", {"plan_id": "pl-1"}),
    "withdraw": ("withdraw", "centre_director", {"reason": "booked on the wrong account"}),
    "serve_again": ("serve_again", "team_leader", {"reason": "the customer asks for time"}),
    "another_unit": ("reassign", "team_leader", {"role": "field_unit", "to": "FU-03"}),
    "doubt": ("report_meter_uncertain", "field_crew", {"remark": "two meters in the box"}),
}


@pytest.mark.parametrize("stopper", STOPPERS)
async def test_whatever_stops_the_attempt_revokes_the_permit(world: World, stopper: str) -> None:
    """R-18, R-04: a promise, a plan, a recall or a doubt ends the permit at once, and the crew is notified."""
    case = await world.open()
    ticket = await case.to_window()
    await granted(case, ticket)
    act, who, payload = STOPPERS[stopper]
    day = ((await case.now()).astimezone(world.policy.zone) + timedelta(days=5)).date().isoformat()
    more: dict[str, dict[str, Any]] = {
        "promise": {"until": day},
        "plan": {"instalments": [{"due": day, "amount": "200.00"}]},
        "doubt": {"ticket_id": ticket["ticket_id"], "meter_id": ticket["meter_id"]},
    }
    await case.update(act, who, **payload, **more.get(stopper, {}))
    assert (await case.snapshot())["permit"]["state"] == "revoked"
    assert (await case.permit(ticket))["granted"] is False if stopper != "another_unit" else True
    await case.notified("field_crew", "permit revoked")


async def test_a_hold_revokes_the_permit_and_recalls_the_ticket(world: World) -> None:
    """R-18, R-04: at or after T - 24 h a hold ends the attempt: ticket recalled, permit revoked, notice void."""
    case = await world.open()
    ticket = await case.to_window()
    red = await case.notice("red")
    await granted(case, ticket)
    await case.signal(
        "hold_placed", hold_id="h-1", kind="medical", reason="ventilator at home", actor=PEOPLE["operator"]
    )
    snap = await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    assert [t["state"] for t in snap["tickets"]] == ["recalled"]
    await voided(case, red["notice_id"])
    await case.notified("field_crew", "permit revoked")
    await case.notified("field_crew", "ticket recalled")


async def test_a_permit_lapses_after_its_minutes(world: World) -> None:
    """R-18: it lasts `permit_minutes` at most; the next one needs another question to billing."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await granted(case, ticket)
    await case.until(datetime.fromisoformat(permit["valid_until"]) + SOON)
    await case.becomes(lambda s: s["permit"]["state"] == "lapsed")
    checks = len(await case.recorded("billing.checked", 3))
    another = await granted(case, ticket)
    assert another["permit_id"] != permit["permit_id"]
    assert len(await case.recorded("billing.checked", checks + 1)) == checks + 1
    (lapsed,) = await case.recorded("permit.lapsed")
    assert lapsed.at == datetime.fromisoformat(permit["valid_until"])


# ---- the doubtful meter (R-19) ----------------------------------------------------------------


async def doubted(world: World) -> tuple[Case, dict[str, Any]]:
    """The crew stands before the meter and is not sure."""
    case = await world.open()
    ticket = await case.to_window()
    await case.update(
        "report_meter_uncertain",
        "field_crew",
        ticket_id=ticket["ticket_id"],
        meter_id=ticket["meter_id"],
        remark="the number plate is gone",
    )
    return case, ticket


async def verify(case: Case, ticket: dict[str, Any], who: str, confirmed: bool, **more: Any) -> None:
    """The reader at the meter says yes or no."""
    await case.update(
        "verify_meter", who, ticket_id=ticket["ticket_id"], meter_id=ticket["meter_id"], confirmed=confirmed, **more
    )


async def test_a_doubtful_meter_gets_no_permit_until_the_reader_says_yes(world: World) -> None:
    """R-19: the reader who served comes; until then no permit, after his yes there is one."""
    case, ticket = await doubted(world)
    assert unmet(await case.permit(ticket)) == {"R-19"}
    assert ("reader", "verify_meter") in await case.awaited()
    await case.notified("reader", "verify the meter")
    await verify(case, ticket, "reader", confirmed=True)
    await granted(case, ticket)


async def test_a_no_at_the_meter_ends_the_attempt_and_opens_an_incident(world: World) -> None:
    """R-19: "no" ends the attempt as a rejection does: no new red notice until somebody says `serve_again`."""
    case, ticket = await doubted(world)
    red = await case.notice("red")
    await verify(case, ticket, "reader", confirmed=False)
    await voided(case, red["notice_id"])
    snap = await case.snapshot()
    assert [i["kind"] for i in snap["incidents"]] == ["wrong_meter"]
    assert snap["stage"] == "red_notice"
    await case.pass_time(days=3)
    assert [n["state"] for n in (await case.snapshot())["notices"] if n["kind"] == "red"] == ["void"]
    await case.update("serve_again", "team_leader", reason="the record of the meter is corrected")
    assert (await case.notice("red"))["notice_id"] != red["notice_id"]


async def test_the_wrong_number_read_at_the_meter_is_a_no(world: World) -> None:
    """R-19: a yes about another meter than the ticket's is no yes."""
    case, ticket = await doubted(world)
    await verify(case, {**ticket, "meter_id": "M-next-door"}, "reader", confirmed=True)
    assert [i["kind"] for i in (await case.snapshot())["incidents"]] == ["wrong_meter"]
    assert (await case.permit(ticket))["granted"] is False


async def test_a_substitute_reader_verifies_when_the_team_leader_names_him(world: World) -> None:
    """R-19: the reader who served, or a substitute whom the team leader names; nobody else."""
    case, ticket = await doubted(world)
    with pytest.raises(Refusal, match="NotAllowed"):
        await verify(case, ticket, "other_reader", confirmed=True)
    with pytest.raises(Refusal, match="NotAllowed"):
        await verify(case, ticket, "other_reader", confirmed=True, substitute_named_by=PEOPLE["reader"])
    assert unmet(await case.permit(ticket)) == {"R-19"}
    await verify(case, ticket, "other_reader", confirmed=True, substitute_named_by=PEOPLE["team_leader"])
    (verified,) = await case.recorded("meter.verified")
    assert (verified.actor_id, verified.detail["substitute_named_by"]) == ("r-018", "t-003")
    await granted(case, ticket)


async def test_a_sure_meter_needs_no_verification(world: World) -> None:
    """R-19: nobody is unsure, so nothing is awaited."""
    case = await world.open()
    ticket = await case.to_window()
    with pytest.raises(Refusal, match="NotWaiting"):
        await verify(case, ticket, "reader", confirmed=True)


async def test_a_meter_not_verified_in_the_window_lets_the_time_slip(world: World) -> None:
    """R-19, R-20: doubt never leads to a cut."""
    case, _ = await doubted(world)
    red = await case.notice("red")
    await case.until(datetime.fromisoformat(red["cut_at"]) + timedelta(hours=2, seconds=1))
    await assert_served_anew(case, red)


# ---- the time slips (R-20) --------------------------------------------------------------------


async def test_the_crew_that_leaves_without_cutting_lets_the_time_slip(world: World) -> None:
    """R-20: a new red notice with the full seven days; the crew's reason is kept."""
    case = await world.open()
    ticket = await case.to_window()
    red = await case.notice("red")
    await granted(case, ticket)
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="dog in the yard")
    await assert_served_anew(case, red)
    (left,) = await case.recorded("not_cut.reported")
    assert left.detail["reason"] == "dog in the yard"


async def test_a_customer_not_notified_again_is_not_cut(world: World) -> None:
    """R-16, R-20: at T without the 30-minute notice the time slips."""
    case = await world.open()
    await case.to_half_hour()
    red = await case.notice("red")
    await case.until(datetime.fromisoformat(red["cut_at"]) + SOON)
    await assert_served_anew(case, red)


async def test_a_ticket_nobody_acknowledged_is_recalled_at_the_half_hour(world: World) -> None:
    """R-15, R-20: no crew by T - 30 min, no cut."""
    case = await world.open()
    await case.to_ticket()
    red = await case.notice("red")
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(minutes=30) + SOON)
    await assert_served_anew(case, red)


async def test_billing_silent_at_the_half_hour_lets_the_time_slip_at_once(world: World) -> None:
    """R-17, R-20: the system never cuts on a balance it could not read."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    red = await case.notice("red")
    await world.outage()
    try:
        await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(minutes=30) + SOON)
        for _ in range(20):
            if any(n["state"] == "void" for n in (await case.snapshot())["notices"]):
                break
            await asyncio.sleep(0.1)
            await case.pass_time(seconds=2)
    finally:
        await world.billing_back()
    assert await case.now() < datetime.fromisoformat(red["cut_at"]) - timedelta(minutes=28)
    await voided(case, red["notice_id"])
    (void,) = await case.recorded("notice.void")
    assert "billing" in void.detail["reason"]
    for _ in range(20):  # billing answers again, and is asked within its longest pause
        if any(n["kind"] == "red" and n["state"] == "to_deliver" for n in (await case.snapshot())["notices"]):
            break
        await asyncio.sleep(0.1)
        await case.pass_time(minutes=1)
    await assert_served_anew(case, red)


async def test_the_second_attempt_cuts_at_the_new_time_only(world: World) -> None:
    """R-20: after a slip the whole way is gone again, and the cut is lawful at the newly stated time."""
    case = await world.open()
    await case.to_half_hour()
    old = await case.notice("red")
    await case.until(datetime.fromisoformat(old["cut_at"]) + SOON)
    await voided(case, old["notice_id"])
    red = await case.notice("red")
    await case.deliver("red")
    await case.approve()
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(minutes=29))
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(datetime.fromisoformat(red["cut_at"]) + SOON)
    permit = await granted(case, ticket)
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    assert answer == {"lawful": True}


# ---- the crew's answer ------------------------------------------------------------------------


async def paid_under_a_permit(world: World) -> tuple[Case, dict[str, Any]]:
    """The permit was out when the money came; nobody knows yet whether the switch was thrown."""
    case = await world.open()
    ticket = await case.to_window()
    await granted(case, ticket)
    await case.pay("200.00")
    await case.becomes(lambda s: s["owed"] == "0.00" and s["permit"]["state"] == "revoked")
    return case, ticket


async def test_a_settled_case_waits_for_the_crew_and_closes_on_its_report(world: World) -> None:
    """R-18, P3: a permit ended without a report; supply may be off, so the case does not close."""
    case, ticket = await paid_under_a_permit(world)
    assert {("field_crew", "report_not_cut"), ("field_crew", "report_cut")} <= set(await case.awaited())
    assert await case.stage() != "closed"
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="stopped in time")
    assert (await case.result())["outcome"] == "settled"


async def test_after_the_window_the_team_leader_finds_out_and_ends_the_wait(world: World) -> None:
    """R-18: a crew that does not answer is searched for; the leader's acknowledgement ends the wait."""
    case, _ = await paid_under_a_permit(world)
    assert not (await case.snapshot())["escalations"]
    await case.pass_time(hours=2)
    snap = await case.becomes(lambda s: bool(s["escalations"]), "the team leader to be told")
    (report,) = snap["escalations"]
    assert (report["rung"], report["state"], snap["stage"] == "closed") == ("team_leader", "open", False)
    await case.update(
        "acknowledge_escalation",
        "team_leader",
        escalation_id=report["escalation_id"],
        remark="went there: the light is on",
    )
    assert (await case.result())["outcome"] == "settled"


async def test_a_slip_does_not_wait_for_the_crew(world: World) -> None:
    """R-20: a lapsed, unreported permit keeps no new red notice waiting, but is asked after."""
    case = await world.open()
    ticket = await case.to_window()
    red = await case.notice("red")
    await granted(case, ticket)
    await case.until(datetime.fromisoformat(red["cut_at"]) + timedelta(hours=2, seconds=1))
    await assert_served_anew(case, red)
    assert {("field_crew", "report_not_cut"), ("team_leader", "acknowledge_escalation")} <= set(await case.awaited())


async def test_a_crew_whose_permit_is_answered_for_is_no_longer_awaited(world: World) -> None:
    """R-18: nothing is awaited of a ticket that is closed."""
    case = await world.open()
    ticket = await case.to_cut()
    with pytest.raises(Refusal, match="NotWaiting"):
        await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="too late")


async def until(ready: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    for _ in range(1000):
        if ready():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


@dataclass
class SlowCalendar:
    """The calendar, when asked to, takes its time: an activity is in hand meanwhile."""

    real: ChinaHolidays
    seconds: float = 0.0
    asked: int = 0

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        """As the real one, later."""
        self.asked += 1
        time.sleep(self.seconds)
        return self.real.barred_days(first, last)


async def test_an_answer_that_lay_waiting_for_a_worker_gives_no_permit(world: World) -> None:
    """R-17: billing was asked, the worker stopped before anybody judged, and the customer paid meanwhile."""
    calendar = SlowCalendar(world.parts.calendar)
    parts = replace(world.parts, calendar=calendar)  # type: ignore[arg-type]
    settings = world.settings.model_copy(update={"task_queue": "slow-calendar"})
    first = make_worker(world.client, parts, settings)
    running = asyncio.create_task(first.run())
    case = await World(world.env, parts, settings, world.policy).open()
    ticket = await case.to_window()
    calendar.seconds, before = 2.0, calendar.asked
    asking = asyncio.create_task(case.permit(ticket))
    await until(lambda: calendar.asked > before)
    await first.shutdown()  # it finishes the activity, and takes up nothing more
    await running
    calendar.seconds = 0.0
    await case.pay("200.00", reported=False)
    await asyncio.sleep(ANSWER_IS_FRESH.total_seconds() + 1)
    async with make_worker(world.client, parts, settings):
        answer = await asyncio.wait_for(asking, 30)
        assert answer["granted"] is False
        assert "R-17" in {c["rule"] for c in answer["unmet"]}
        assert (await case.permit(ticket))["granted"] is False
