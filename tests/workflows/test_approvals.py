"""Who must agree before anybody is cut off: levels, four eyes, rejections, filings (R-12 – R-14)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.world import CENTRE, SOON, Case, Refusal, World

DAY = timedelta(days=1)


async def served_red(case: Case) -> dict[str, Any]:
    """The red notice, signed for."""
    red = await case.to_red()
    await case.deliver("red")
    return red


async def decide(case: Case, notice: dict[str, Any], actor: str, decision: str = "approved", **more: Any) -> Any:
    return await case.update("decide_approval", actor, notice_id=notice["notice_id"], decision=decision, **more)


async def decide_as(case: Case, notice: dict[str, Any], person: str, role: str) -> Any:
    """That person decides, in that role."""
    return await case.update(
        "decide_approval",
        notice_id=notice["notice_id"],
        decision="approved",
        actor={"id": person, "role": role, "unit": CENTRE},
    )


async def file(case: Case, notice: dict[str, Any] | None = None, purpose: str = "filing") -> Any:
    named = {"notice_id": notice["notice_id"]} if notice else {}
    return await case.update(
        "record_filing", "liaison", **named, purpose=purpose, reference="NEA-2026-17", authority="city power bureau"
    )


async def the_day_before(case: Case, notice: dict[str, Any]) -> None:
    """T - 24 h has come."""
    await case.until(datetime.fromisoformat(notice["cut_at"]) - DAY + SOON)


async def next_red(case: Case, after: dict[str, Any]) -> dict[str, Any]:
    """The red notice that took the place of that one, which is void."""

    def later(snap: dict[str, Any]) -> list[dict[str, Any]]:
        return [n for n in snap["notices"] if n["kind"] == "red" and n["issued_at"] > after["issued_at"]]

    snap = await case.becomes(lambda s: bool(later(s)), "another red notice")
    assert next(n for n in snap["notices"] if n["notice_id"] == after["notice_id"])["state"] == "void"
    assert snap["tickets"] == []
    assert snap["stage"] == "red_notice"
    return later(snap)[-1]


async def approvers(case: Case) -> list[str]:
    """Whose decision is awaited."""
    return [role for role, act in await case.awaited() if act == "decide_approval"]


# ---- levels ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_class", "amount", "levels"),
    [
        ("residential", "200.00", ["centre_director"]),
        ("residential", "49999.99", ["centre_director"]),
        ("residential", "50000.00", ["centre_director", "company_leader"]),
        ("non_residential", "200.00", ["centre_director", "company_leader"]),
        ("non_residential", "50000.00", ["centre_director", "company_leader"]),
    ],
    ids=["small home", "a cent under, the late fee above", "at the threshold", "small shop", "big shop"],
)
async def test_every_level_that_class_and_amount_name_must_approve(
    world: World, customer_class: str, amount: str, levels: list[str]
) -> None:
    """R-12, R-13: no size is exempt; the threshold is inclusive and counts the principal alone."""
    case = await world.open(amount=amount, customer_class=customer_class)
    red = await served_red(case)
    assert await approvers(case) == levels
    for count, level in enumerate(levels, start=1):
        answer = await decide(case, red, level)
        assert answer == {"granted": count == len(levels), "still_needed": levels[count:]}
    assert await approvers(case) == []
    assert "R-12" not in await case.why_not()
    await the_day_before(case, red)
    assert (await case.ticket("cut"))["notice_id"] == red["notice_id"]
    given = await case.recorded("approval.given", len(levels))
    assert [(e.actor_role, e.clause) for e in given] == [(level, "III.4") for level in levels]


async def test_missing_level_lets_the_time_slip_the_day_before(world: World) -> None:
    """R-14, R-20: one level of two at T - 24 h: no ticket; a new red notice, and both decide again."""
    case = await world.open(customer_class="non_residential")
    red = await served_red(case)
    await decide(case, red, "centre_director")
    await the_day_before(case, red)
    second = await next_red(case, red)
    with pytest.raises(Refusal) as late:
        await decide(case, red, "company_leader")
    assert late.value.type == "TooLate"
    await case.deliver("red")
    assert await approvers(case) == ["centre_director", "company_leader"], "R-13: the first approval is spent"
    assert (await decide(case, second, "centre_director"))["still_needed"] == ["company_leader"]


async def test_approval_is_for_one_notice_and_asked_for_once_it_is_served(world: World) -> None:
    """R-13: nobody is asked before the red notice is served; an approval falls with its notice."""
    case = await world.open()
    yellow = await case.notice("yellow")
    red = await case.to_red()
    assert await approvers(case) == []
    for too_soon in (yellow, red):
        with pytest.raises(Refusal) as refused:
            await decide(case, too_soon, "centre_director")
        assert refused.value.type == "NotWaiting"
    await case.deliver("red")
    asked = await case.messages("centre_director")
    assert [m.about for m in asked if m.subject == "approval asked"] == [red["notice_id"]]
    await decide(case, red, "centre_director")
    await case.update("serve_again", "reader", reason="wrong time told")
    second = await next_red(case, red)
    await case.deliver("red")
    assert await approvers(case) == ["centre_director"]
    assert "R-12" in await case.why_not()
    await decide(case, second, "centre_director")
    assert "R-12" not in await case.why_not()


async def test_partial_payment_does_not_reopen_the_levels(world: World) -> None:
    """R-13: the threshold was judged on the principal that the notice names; a hundred less changes nothing."""
    case = await world.open(amount="50010.00")
    red = await served_red(case)
    await decide(case, red, "centre_director")
    await case.pay("100.00")
    await case.becomes(lambda s: s["owed"] == "49910.00", "the partial payment")
    assert await approvers(case) == ["company_leader"]
    assert (await decide(case, red, "company_leader"))["granted"]
    await the_day_before(case, red)
    await case.ticket("cut")


# ---- persons ---------------------------------------------------------------------------------


async def test_who_served_a_notice_never_approves_the_cut(world: World) -> None:
    """R-12: four eyes: neither who served the red notice nor who served the yellow one, in whatever role."""
    case = await world.open()
    await case.to_red()  # the yellow one was served by r-017
    red = await case.notice("red")
    await case.update("record_delivery", "other_reader", notice_id=red["notice_id"], outcome="signed")
    for served in ("r-017", "r-018"):
        with pytest.raises(Refusal) as refused:
            await decide_as(case, red, served, "centre_director")
        assert refused.value.type == "SamePerson"
        assert refused.value.details["rule"] == "R-12"
    refusals = await case.recorded("message.refused", 2)
    assert [e.actor_id for e in refusals] == ["r-017", "r-018"]
    assert {e.detail["type"] for e in refusals} == {"SamePerson"}
    assert (await decide(case, red, "centre_director"))["granted"]


async def test_one_person_fills_one_level_only(world: World) -> None:
    """R-12: the director who is also the company leader decides once; another person must fill the other level."""
    case = await world.open(customer_class="non_residential")
    red = await served_red(case)
    await decide_as(case, red, "d-001", "centre_director")
    with pytest.raises(Refusal) as refused:
        await decide_as(case, red, "d-001", "company_leader")
    assert refused.value.type == "SamePerson"
    assert await approvers(case) == ["company_leader"]
    assert (await decide_as(case, red, "c-001", "company_leader"))["granted"]


async def test_level_already_filled_is_not_filled_again(world: World) -> None:
    """R-12: a second director's approval is not awaited; the same approval sent again gets its first answer."""
    case = await world.open(customer_class="non_residential")
    red = await served_red(case)
    first = await decide(case, red, "centre_director")
    assert await decide(case, red, "centre_director") == first
    with pytest.raises(Refusal) as refused:
        await decide_as(case, red, "d-002", "centre_director")
    assert refused.value.type == "NotWaiting"
    assert len((await case.snapshot())["approvals"]) == 1


async def test_only_the_roles_that_the_policy_names_decide(world: World) -> None:
    """R-12, III.4: a company leader is no level of a small home; nobody approves for another centre."""
    case = await world.open()
    red = await served_red(case)
    for actor in ("company_leader", "team_leader", "reader", "field_crew", "operator"):
        with pytest.raises(Refusal) as refused:
            await decide(case, red, actor)
        assert refused.value.type == "NotAllowed"
    with pytest.raises(Refusal) as stranger:
        await case.update(
            "decide_approval",
            notice_id=red["notice_id"],
            decision="approved",
            actor={"id": "d-077", "role": "centre_director", "unit": "RC-99"},
        )
    assert stranger.value.type == "NotYourUnit"
    assert await approvers(case) == ["centre_director"]


# ---- rejection -------------------------------------------------------------------------------


async def test_rejection_ends_the_attempt_until_somebody_has_it_served_again(world: World) -> None:
    """R-13: the notice is void with the reason, and no new red notice is issued until `serve_again`."""
    case = await world.open(customer_class="non_residential")
    red = await served_red(case)
    await decide(case, red, "centre_director")
    answer = await decide(case, red, "company_leader", "rejected", remark="a school; talk to them first")
    assert answer["granted"] is False
    snap = await case.snapshot()
    void = next(n for n in snap["notices"] if n["notice_id"] == red["notice_id"])
    assert void["state"] == "void"
    assert "a school" in void["void_reason"]
    assert snap["stage"] == "red_notice"
    await case.pass_time(days=60)
    snap = await case.snapshot()
    assert len([n for n in snap["notices"] if n["kind"] == "red"]) == 1, "time alone issues no other"
    assert ("team_leader", "serve_again") in await case.awaited()
    with pytest.raises(Refusal) as late:
        await decide(case, red, "company_leader")
    assert late.value.type == "TooLate"
    await case.update("serve_again", "team_leader", reason="the school has been talked to")
    second = await next_red(case, red)
    await case.deliver("red")
    assert await approvers(case) == ["centre_director", "company_leader"]
    assert second["notice_id"] != red["notice_id"]


async def test_rejection_after_the_ticket_recalls_it(world: World) -> None:
    """R-13, R-20: rejected at the last moment: the ticket is recalled and the crew notified; nothing is cut."""
    case = await world.open()
    ticket = await case.to_ticket()
    red = await case.notice("red")
    await decide(case, red, "centre_director", "rejected", remark="wait")
    snap = await case.snapshot()
    assert [(t["ticket_id"], t["state"]) for t in snap["tickets"]] == [(ticket["ticket_id"], "recalled")]
    assert snap["stage"] == "red_notice"
    await case.recorded("ticket.recalled")
    recalls = [m.about for m in await case.messages("field_crew") if m.subject == "ticket recalled"]
    assert recalls == [ticket["ticket_id"]]


# ---- important customers, help of the government ---------------------------------------------


async def test_important_customer_is_filed_with_the_power_authority_before_the_ticket(world: World) -> None:
    """R-14: without the filing the time slips; a filing counts for one red notice, so the next needs its own."""
    case = await world.open(important=True, customer_class="non_residential")
    red = await served_red(case)
    assert ("liaison", "record_filing") in await case.awaited()
    await case.approve("centre_director", "company_leader")
    assert "R-14" in await case.why_not()
    await the_day_before(case, red)
    second = await next_red(case, red)
    with pytest.raises(Refusal) as late:
        await file(case, red)
    assert late.value.type == "TooLate"
    await case.deliver("red")
    await case.approve("centre_director", "company_leader")
    await file(case, second)
    assert "R-14" not in await case.why_not()
    assert ("liaison", "record_filing") not in await case.awaited()
    await the_day_before(case, second)
    assert (await case.ticket("cut"))["notice_id"] == second["notice_id"]
    filed = (await case.recorded("filing.recorded"))[0]
    assert (filed.clause, filed.about, filed.detail["reference"]) == ("III.5", second["notice_id"], "NEA-2026-17")


async def test_filing_that_names_no_notice_is_for_the_one_standing(world: World) -> None:
    """R-14: it counts for that one alone; after another notice is issued a new filing is needed."""
    case = await world.open(important=True)
    with pytest.raises(Refusal) as soon:
        await file(case)
    assert soon.value.type == "NotWaiting", "no red notice stands yet"
    red = await served_red(case)
    await file(case)
    assert "R-14" not in await case.why_not()
    await case.update("serve_again", "reader", reason="wrong time told")
    await next_red(case, red)
    assert "R-14" in await case.why_not()


async def test_help_of_the_local_government_is_recorded_in_any_case(world: World) -> None:
    """R-14, III.5: coordination may be recorded at any stage of any case, and is no filing."""
    case = await world.open()
    await case.notice("yellow")
    await file(case, purpose="coordination")
    recorded = (await case.recorded("filing.recorded"))[0]
    assert (recorded.clause, recorded.detail["purpose"]) == ("III.5", "coordination")
    important = await world.open(important=True)
    await served_red(important)
    await file(important, purpose="coordination")
    assert "R-14" in await important.why_not()


async def test_ordinary_customers_need_no_filing(world: World) -> None:
    """R-14: the filing is for important customers; others are not held up by it."""
    case = await world.open()
    red = await served_red(case)
    assert "R-14" not in await case.why_not()
    assert ("liaison", "record_filing") not in await case.awaited()
    await case.approve()
    await the_day_before(case, red)
    await case.ticket("cut")
