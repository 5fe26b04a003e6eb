"""I.3: holds, promises and plans stop the procedure until they are over; what they cost a red notice, and what not."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.law.clock import end_of_day, local_day
from domain.record.moratorium import Moratorium
from tests.support.world import PEOPLE, SOON, Case, Refusal, World, running_world

KINDS = ("dispute", "hardship", "medical", "moratorium", "other")


async def hold(case: Case, hold_id: str = "h-1", kind: str = "hardship", by: str = "operator", **more: Any) -> None:
    """A hold is placed, and has reached the case."""
    actor = PEOPLE[by]
    await case.signal("hold_placed", hold_id=hold_id, kind=kind, reason="illness in the family", actor=actor, **more)


async def holds(case: Case, *standing: str) -> dict[str, Any]:
    """The snapshot, once exactly these holds stand."""
    return await case.becomes(
        lambda s: {h["hold_id"] for h in s["holds"] if "ended_at" not in h} == set(standing), f"holds {standing}"
    )


async def lift(case: Case, hold_id: str = "h-1", by: str = "operator") -> None:
    """A hold is lifted."""
    await case.signal("hold_lifted", hold_id=hold_id, actor=PEOPLE[by])


async def day(case: Case, days: int) -> date:
    """The local date so many days from the case's now."""
    return local_day(await case.now(), case.world.policy) + timedelta(days=days)


async def promise(case: Case, amount: str = "200.00", days: int = 5, by: str = "reader", **more: Any) -> datetime:
    """The customer promises; returns the end of the promised day."""
    until = await day(case, days)
    payload = {"promise_id": "p-1", "amount": amount, "until": until.isoformat(), **more}
    await case.update("record_promise", by, **payload)
    return end_of_day(until, case.world.policy)


async def plan(case: Case, *parts: tuple[int, str], by: str = "team_leader") -> list[datetime]:
    """Instalments are agreed; returns the ends of their days."""
    days = [await day(case, n) for n, _ in parts]
    instalments = [{"due": d.isoformat(), "amount": a} for d, (_, a) in zip(days, parts, strict=True)]
    await case.update("agree_plan", by, plan_id="pl-1", instalments=instalments)
    return [end_of_day(d, case.world.policy) for d in days]


async def red_served(world: World) -> tuple[Case, dict[str, Any], datetime]:
    """The red notice is served and approved; also the time its ticket is due."""
    case = await world.open()
    await case.to_red()
    await case.deliver("red")
    await case.approve()
    red = await case.notice("red")
    return case, red, datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24)


async def red_ids(case: Case) -> list[tuple[str, str]]:
    """Red notices and their states."""
    return [(n["notice_id"], n["state"]) for n in (await case.snapshot())["notices"] if n["kind"] == "red"]


# ---- holds ------------------------------------------------------------------------------------


async def test_a_hold_stops_the_procedure_until_it_is_lifted(world: World) -> None:
    """R-04: nothing goes forward while it stands; the yellow notice stays served, the red one gets its full days."""
    case = await world.open()
    yellow = await case.notice("yellow")
    await case.deliver("yellow")
    await hold(case, by="liaison")
    await holds(case, "h-1")
    await case.until(datetime.fromisoformat(yellow["cut_at"]) + timedelta(days=1))
    assert await red_ids(case) == []
    assert (await case.stage()) == "yellow_notice"
    assert "R-04" in await case.why_not()
    await lift(case)
    red = await case.notice("red")
    assert (await case.notice("yellow"))["notice_id"] == yellow["notice_id"]
    ahead = datetime.fromisoformat(red["cut_at"]) - datetime.fromisoformat(red["issued_at"])
    assert ahead > timedelta(days=7)


async def test_holds_of_every_kind_stack_and_all_must_be_lifted(world: World) -> None:
    """R-04: several may stand at once, each with its history; the last one lifted lets the procedure go on."""
    case = await world.open()
    await case.deliver("yellow")
    for kind in KINDS:
        await hold(case, f"h-{kind}", kind, by="team_leader")
    await holds(case, *(f"h-{kind}" for kind in KINDS))
    placed = await case.recorded("hold.placed", len(KINDS))
    assert [(e.clause, e.detail["kind"], e.actor_role) for e in placed] == [("I.3", k, "team_leader") for k in KINDS]
    await case.until(datetime.fromisoformat((await case.notice("yellow"))["cut_at"]))
    for n, kind in enumerate(KINDS, start=1):
        assert await red_ids(case) == []
        await lift(case, f"h-{kind}", by="company_leader")
        await holds(case, *(f"h-{kind}" for kind in KINDS[n:]))
    await case.notice("red")


async def test_a_hold_before_the_first_notice_keeps_it_back(world: World) -> None:
    """R-04: no notice while a hold stands, and delivery is accepted during one."""
    case = await world.open()
    await case.notice("yellow")
    await hold(case)
    await holds(case, "h-1")
    assert (await case.deliver("yellow"))["served"] is True


async def test_a_hold_with_an_end_is_over_by_the_clock(world: World) -> None:
    """R-04: the end is the hold's own."""
    case = await world.open()
    await case.deliver("yellow")
    end = await case.now() + timedelta(days=30)
    await hold(case, until=end.isoformat())
    await holds(case, "h-1")
    await case.until(end - timedelta(minutes=1))
    assert await red_ids(case) == []
    await case.until(end + SOON)
    await case.notice("red")
    assert (await case.recorded("hold.ended"))[0].at == end


async def test_a_dispute_is_lifted_by_a_person_only(world: World) -> None:
    """R-04: never by the clock, whatever end was written down."""
    case = await world.open()
    await case.deliver("yellow")
    await hold(case, kind="dispute", until=(await case.now() + timedelta(days=2)).isoformat())
    await case.pass_time(days=40)
    await holds(case, "h-1")
    assert await red_ids(case) == []
    await lift(case, by="centre_director")
    await case.notice("red")


@pytest.mark.parametrize("who", ["reader", "field_crew", "hotline", "a team leader of another centre"])
async def test_a_hold_from_who_may_not_place_one_is_ignored_and_noted(world: World, who: str) -> None:
    """R-04: a wrong role stops nothing, and lifts nothing; it leaves a note."""
    case = await world.open()
    await case.notice("yellow")
    actor = PEOPLE.get(who) or {**PEOPLE["team_leader"], "unit": "RC-99"}
    await case.signal("hold_placed", hold_id="h-9", kind="other", reason="favour", actor=actor)
    await hold(case, "h-1")
    await holds(case, "h-1")
    await case.signal("hold_lifted", hold_id="h-1", actor=actor)
    notes = await case.recorded("message.ignored", 2)
    assert [(n.detail["message"], n.actor_id) for n in notes] == [
        ("hold_placed", actor["id"]),
        ("hold_lifted", actor["id"]),
    ]
    await holds(case, "h-1")


async def test_a_hold_lifted_before_its_placing_arrives_never_stands(world: World) -> None:
    """R-04: signals may overtake each other."""
    case = await world.open()
    await case.deliver("yellow")
    await lift(case)
    await hold(case)
    await case.recorded("hold.placed")
    await holds(case)
    await case.to_red_from_served_yellow()


async def test_a_hold_over_before_the_ticket_is_due_leaves_the_red_notice(world: World) -> None:
    """R-04: the served red notice and its approval stay; the cut keeps its time."""
    case, red, due = await red_served(world)
    await hold(case)
    await holds(case, "h-1")
    await case.until(due - timedelta(hours=1))
    await lift(case)
    await holds(case)
    await case.until(due + SOON)
    ticket = await case.ticket("cut")
    assert await red_ids(case) == [(red["notice_id"], "delivered")]
    assert ticket["notice_id"] == red["notice_id"]


async def test_no_approval_is_taken_while_a_hold_stands(world: World) -> None:
    """R-04: nothing goes forward."""
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    await hold(case)
    await holds(case, "h-1")
    with pytest.raises(Refusal, match="NotWaiting"):
        await case.update("decide_approval", "centre_director", notice_id=red["notice_id"], decision="approved")
    assert ("centre_director", "decide_approval") not in await case.awaited()


async def test_a_hold_still_standing_when_the_ticket_is_due_voids_the_red_notice(world: World) -> None:
    """R-04: its time has passed; the new one is issued when nothing holds any more, and does not count as a slip."""
    case, red, due = await red_served(world)
    await hold(case)
    await holds(case, "h-1")
    await case.until(due + SOON)
    await case.becomes(lambda s: s["notices"][-1]["state"] == "void")
    assert (await case.snapshot())["tickets"] == []
    await case.pass_time(days=20)
    assert await red_ids(case) == [(red["notice_id"], "void")]
    await lift(case)
    new = await case.notice("red")
    assert datetime.fromisoformat(new["cut_at"]) > datetime.fromisoformat(red["cut_at"]) + timedelta(days=20)
    (void,) = await case.recorded("notice.void")
    assert void.detail["counted"] is False


async def test_a_hold_after_the_ticket_ends_the_attempt_at_once(world: World) -> None:
    """R-04: at or after T - 24 h: ticket recalled, red notice void, the crew notified; the yellow one stays served."""
    case = await world.open()
    ticket = await case.to_ticket()
    yellow, red = await case.notice("yellow"), await case.notice("red")
    await hold(case)
    snap = await case.becomes(lambda s: s["tickets"][0]["state"] == "recalled")
    assert (snap["tickets"][0]["ticket_id"], snap["stage"]) == (ticket["ticket_id"], "red_notice")
    assert await red_ids(case) == [(red["notice_id"], "void")]
    await case.notified("field_crew", "ticket recalled")
    await lift(case)
    assert (await case.undelivered("red"))["notice_id"] != red["notice_id"]
    assert (await case.notice("yellow"))["notice_id"] == yellow["notice_id"]


# ---- promises ---------------------------------------------------------------------------------


async def test_a_promise_stops_the_procedure_and_is_kept_by_the_running_sum(world: World) -> None:
    """R-04: the payments since reach the amount; debt left after a kept promise goes on as after a broken one."""
    case = await world.open()
    await case.deliver("yellow")
    end = await promise(case, "150.00", days=25)
    await case.pass_time(days=20)
    assert await red_ids(case) == []
    await case.pay("60.00")
    await case.becomes(lambda s: s["owed"] == "140.00")
    assert (await case.snapshot())["promise"]["state"] == "open"
    await case.pay("90.00")
    await case.becomes(lambda s: s["promise"]["state"] == "kept")
    assert await case.now() < end
    red = await case.notice("red")
    assert red["amount"] == "50.00"


async def test_a_promise_is_broken_at_the_end_of_its_day_and_not_before(world: World) -> None:
    """R-04: `until` is a local date, met to its 24:00; then the procedure goes on, the yellow notice still served."""
    case = await world.open()
    await case.deliver("yellow")
    end = await promise(case, days=25, by="team_leader")
    await case.until(end - timedelta(seconds=30))
    assert (await case.snapshot())["promise"]["state"] == "open"
    await case.until(end + SOON)
    await case.becomes(lambda s: s["promise"]["state"] == "broken")
    await case.notice("red")
    assert (await case.recorded("promise.broken"))[0].at == end


async def test_a_payment_on_the_promised_evening_keeps_it_though_nobody_reported_it(world: World) -> None:
    """R-04: billing is asked before a promise is called broken."""
    case = await world.open()
    await case.deliver("yellow")
    end = await promise(case)
    await case.until(end - timedelta(minutes=5))
    await case.pay("200.00", reported=False)
    await case.until(end + SOON)
    assert (await case.result())["outcome"] == "settled"
    assert await case.recorded("promise.kept")


async def test_a_promise_may_not_reach_too_far_nor_back(world: World) -> None:
    """R-04: `max_promise_days`; and it is the reader or the team leader who takes it."""
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(Refusal) as refusal:
        await promise(case, days=31)
    assert (refusal.value.type, refusal.value.details["field"]) == ("TooLate", "until")
    with pytest.raises(Refusal, match="TooEarly"):
        await promise(case, days=-1)
    with pytest.raises(Refusal, match="NotAllowed"):
        await promise(case, by="field_crew")
    assert "promise" not in await case.snapshot()
    await promise(case, days=30)


async def test_a_promise_after_the_ticket_ends_the_attempt(world: World) -> None:
    """R-04: at or after T - 24 h the ticket is recalled and the red notice void; broken, a new one is served."""
    case = await world.open()
    await case.to_ticket()
    red = await case.notice("red")
    end = await promise(case)
    snap = await case.snapshot()
    assert [t["state"] for t in snap["tickets"]] == ["recalled"]
    assert await red_ids(case) == [(red["notice_id"], "void")]
    await case.until(end + SOON)
    assert (await case.undelivered("red"))["notice_id"] != red["notice_id"]


async def test_a_partial_payment_asks_for_an_offer_and_does_not_settle(world: World) -> None:
    """R-04: the reader is asked to offer a promise or a plan; the procedure goes on."""
    case = await world.open()
    await case.deliver("yellow")
    await case.pay("50.00")
    await case.notified("reader", "partial payment")
    assert ("reader", "record_promise") in await case.awaited()
    red = await case.to_red_from_served_yellow()
    assert red["amount"] == "150.00"


# ---- plans ------------------------------------------------------------------------------------


async def test_a_plan_is_kept_instalment_by_instalment(world: World) -> None:
    """R-04: by the running sum, each to the 24:00 of its day."""
    case = await world.open()
    await case.deliver("yellow")
    first, second = await plan(case, (5, "120.00"), (15, "80.00"))
    await case.pay("120.00")
    await case.until(first + timedelta(hours=1))
    assert (await case.snapshot())["plan"]["state"] == "open"
    await case.until(second - timedelta(hours=1))
    await case.pay("80.00")
    assert (await case.result())["outcome"] == "settled"
    assert await case.recorded("plan.kept")


async def test_a_plan_is_broken_when_an_instalment_is_short(world: World) -> None:
    """R-04: one cent short at the end of its day; the procedure goes on with what is left."""
    case = await world.open()
    await case.deliver("yellow")
    first, _ = await plan(case, (25, "120.00"), (35, "80.00"), by="centre_director")
    await case.pay("119.99")
    await case.until(first - timedelta(minutes=1))
    assert (await case.snapshot())["plan"]["state"] == "open"
    await case.until(first + SOON)
    await case.becomes(lambda s: s["plan"]["state"] == "broken")
    assert (await case.notice("red"))["amount"] == "80.01"


async def test_a_plan_covers_the_debt_and_ascends(world: World) -> None:
    """R-04: instalments ascend and sum to at least what is owed; a reader does not agree to one."""
    case = await world.open()
    await case.notice("yellow")
    with pytest.raises(Refusal) as refusal:
        await plan(case, (5, "100.00"), (10, "99.99"))
    assert (refusal.value.type, refusal.value.details["field"]) == ("BadRequest", "instalments")
    with pytest.raises(Refusal, match="BadRequest"):
        await plan(case, (10, "100.00"), (5, "100.00"))
    with pytest.raises(Refusal, match="NotAllowed"):
        await plan(case, (5, "200.00"), by="reader")
    assert "plan" not in await case.snapshot()


# ---- moratoria in the register ----------------------------------------------------------------


async def declare(world: World, case: Case, region: str) -> str:
    """A moratorium is written to the register, and no case is signalled."""
    now = await case.now()
    order = Moratorium(
        moratorium_id=f"mor-{region}",
        scope="region",
        value=region,
        reason="flood",
        starts_at=now,
        declared_by="o-001",
        declared_at=now,
    )
    world.parts.register.declare_moratorium(order)
    return order.moratorium_id


async def test_a_moratorium_is_found_when_the_ticket_is_due(world: World) -> None:
    """R-04: read at T - 24 h without any signal; lifted in the register, the procedure goes on within a day."""
    case = await world.open(region="R-flood-1")
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    moratorium = await declare(world, case, "R-flood-1")
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24) + SOON)
    snap = await holds(case, moratorium)
    assert snap["tickets"] == []
    assert await red_ids(case) == [(red["notice_id"], "void")]
    world.parts.register.lift_moratorium(moratorium, "o-001", await case.now())
    await case.pass_time(days=1, minutes=1)
    await holds(case)
    assert (await case.undelivered("red"))["notice_id"] != red["notice_id"]


async def test_a_moratorium_is_found_in_the_last_half_hour(world: World) -> None:
    """R-04: read at T - 30 min; the ticket is recalled."""
    case = await world.open(region="R-flood-2")
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    moratorium = await declare(world, case, "R-flood-2")
    await case.until(await case.cut_time() - timedelta(minutes=29))
    snap = await holds(case, moratorium)
    assert [t["state"] for t in snap["tickets"]] == ["recalled"]


async def test_a_moratorium_is_found_at_the_permit(world: World) -> None:
    """R-04, R-18: read again when the crew asks; no permit."""
    case = await world.open(region="R-flood-3")
    ticket = await case.to_window()
    await declare(world, case, "R-flood-3")
    answer = await case.permit(ticket)
    assert answer["granted"] is False
    assert "R-04" in {c["rule"] for c in answer["unmet"]}


async def test_a_moratorium_is_found_when_the_case_opens(world: World) -> None:
    """R-04: read before the first notice; the other regions go on."""
    other = await world.open(region="R-dry")
    moratorium = await declare(world, other, "R-flood-4")
    case = await world.open(region="R-flood-4")
    await case.becomes(lambda s: [h["hold_id"] for h in s.get("holds", [])] == [moratorium])
    assert (await case.snapshot())["notices"] == []
    await other.notice("yellow")


async def test_a_moratorium_signalled_and_lifted_in_the_register_alone_falls_within_a_day(world: World) -> None:
    """R-04: the batch of signals only makes it quick; the register is what counts, also for one the batch missed."""
    case = await world.open(region="R-flood-5")
    await case.notice("yellow")
    moratorium = await declare(world, case, "R-flood-5")
    await case.signal("hold_placed", hold_id=moratorium, kind="moratorium", reason="flood", actor=PEOPLE["operator"])
    await holds(case, moratorium)
    await case.pass_time(hours=1)
    world.parts.register.lift_moratorium(moratorium, "o-001", await case.now())
    await case.pass_time(days=1)
    await holds(case)


async def test_a_moratorium_in_the_register_outlasts_the_end_that_a_signal_gave_it(world: World) -> None:
    """R-04: the register is what counts; an end in the signal ends nothing that the register still lists."""
    case = await world.open(region="R-flood-7")
    await case.notice("yellow")
    moratorium = await declare(world, case, "R-flood-7")
    until = (await case.now() + timedelta(hours=2)).isoformat()
    order = {"hold_id": moratorium, "kind": "moratorium", "reason": "flood", "until": until}
    await case.signal("hold_placed", **order, actor=PEOPLE["operator"])
    await case.becomes(lambda s: any(h["listed"] for h in s["holds"]))
    await case.pass_time(days=3)
    await holds(case, moratorium)
    assert len(await case.evidence("hold.placed")) == 1


async def test_a_moratorium_placed_by_a_person_alone_stands_until_it_is_lifted(world: World) -> None:
    """R-04: the register has never listed it, so the register's silence ends nothing."""
    case = await world.open()
    await case.notice("yellow")
    await case.signal("hold_placed", hold_id="m-1", kind="moratorium", reason="flood", actor=PEOPLE["operator"])
    await holds(case, "m-1")
    await case.pass_time(days=3)
    await holds(case, "m-1")
    await case.signal("hold_lifted", hold_id="m-1", actor=PEOPLE["operator"])
    await holds(case)


async def test_a_moratorium_lifted_while_billing_was_silent_does_not_stand_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """R-04: the daily reading was asked before the lifting and is answered after it: what it says is out of date."""
    async with running_world(tmp_path_factory.mktemp("patient"), retry_max_seconds=3600) as world:
        case = await world.open(region="R-flood-6")
        await case.notice("yellow")
        moratorium = await declare(world, case, "R-flood-6")
        await case.signal(
            "hold_placed", hold_id=moratorium, kind="moratorium", reason="flood", actor=PEOPLE["operator"]
        )
        await case.pass_time(hours=1)
        await world.outage()
        await case.pass_time(hours=25)
        world.parts.register.lift_moratorium(moratorium, "o-001", await case.now())
        await case.signal("hold_lifted", hold_id=moratorium, actor=PEOPLE["operator"])
        await holds(case)
        await world.billing_back()
        await case.pass_time(days=2)
        await holds(case)
