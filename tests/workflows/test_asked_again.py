"""A message under an id that was heard before: it is never deafness, and what says "not yet" is worked out afresh."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from domain.law.clock import local_day
from tests.support.world import PEOPLE, SOON, Case, Refusal, World, running_world


async def announced(case: Case, payment_id: str, amount: str = "200.00", **more: str) -> None:
    """The message alone: billing has not booked it, or has already."""
    await case.signal("payment_received", payment_id=payment_id, amount=amount, **more)


async def given_up(case: Case, payment_id: str) -> None:
    """An hour passes, and the case believes this payment no more."""
    await announced(case, payment_id)
    before = len(await case.recorded("payment.unbooked"))
    await case.pass_time(minutes=61)
    await case.recorded("payment.unbooked", before + 1)


def unmet(answer: Any) -> list[str]:
    """The rules for which a permit was refused."""
    return [] if answer["granted"] else [c["rule"] for c in answer["unmet"]]


# ---- A.1: heard once, given up, booked, and announced again -----------------------------------


async def told_again_at_the_meter(case: Case, payment_id: str) -> dict[str, Any]:
    """Three hours before T a payment is announced and not booked; at T the crew gets its permit. Gives the ticket."""
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    cut_at = await case.cut_time()
    await case.until(cut_at - timedelta(hours=3))
    await given_up(case, payment_id)
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(cut_at + timedelta(minutes=1))
    return ticket


async def test_a_payment_given_up_and_announced_again_revokes_the_permit(world: World) -> None:
    """R-31, P2: the same message, word for word, once billing has it."""
    case = await world.open()
    payment_id = f"WX-{case.account_id}"
    ticket = await told_again_at_the_meter(case, payment_id)
    assert (await case.permit(ticket))["granted"]
    await case.pay("200.00", reported=False, payment_id=payment_id)
    await announced(case, payment_id)
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="paid")
    assert (await case.result())["outcome"] == "settled"
    assert await case.evidence("incident.opened") == []


async def test_a_payment_given_up_and_announced_again_restores_supply(world: World) -> None:
    """R-31, P3: without the sweep, and without another message."""
    case = await world.open()
    payment_id = f"WX-{case.account_id}"
    ticket = await told_again_at_the_meter(case, payment_id)
    permit = await case.permit(ticket)
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.in_stage("disconnected")
    await case.pass_time(hours=2)
    await case.pay("200.00", reported=False, payment_id=payment_id)
    await announced(case, payment_id)
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


@pytest.mark.parametrize("name", ["recheck_requested", "bill_overdue", "payment_reversed"])
async def test_any_other_message_that_comes_again_has_billing_asked_too(world: World, name: str) -> None:
    """R-31: whatever the message says, billing says what is owed."""
    case = await world.open()
    await case.to_cut()
    said = {
        "recheck_requested": {"request_id": "q-1", "source": "hotline"},
        "payment_reversed": {"payment_id": "P-9", "reason": "bounced"},
        "bill_overdue": {
            "event_id": "e-1",
            "account_id": case.account_id,
            "bill_id": "b-1",
            "amount": "5.00",
            "due_date": "2026-01-01",
        },
    }[name]
    await case.signal(name, **said)
    await case.pass_time(hours=2)
    await case.pay("200.00", reported=False)
    await case.signal(name, **said)
    await case.ticket("restore")


async def test_a_permit_is_revoked_when_billing_is_silent_after_a_copy(world: World) -> None:
    """R-31: the copy itself revokes nothing; fifteen seconds of silence do."""
    case = await world.open()
    ticket = await case.to_window()
    await announced(case, "P-part", "20.00")
    await case.recorded("payment.hint")
    assert (await case.permit(ticket))["granted"]
    await world.outage()
    try:
        await announced(case, "P-part", "20.00")
        await case.pass_time(seconds=10)
        assert (await case.snapshot())["permit"]["state"] == "open"
        await case.pass_time(seconds=10)
        await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
    finally:
        await world.billing_back()
    (entry,) = await case.recorded("permit.revoked")
    assert "no answer within 15 seconds" in entry.detail["reason"]


# ---- A.2: booked in part, announced anew, announced in vain -----------------------------------


async def test_a_payment_that_billing_lists_in_part_still_holds_permits_back(world: World) -> None:
    """R-31: billing lists 120 of the 200 announced; the rest may be on its way."""
    case = await world.open()
    ticket = await case.to_window()
    assert (await case.permit(ticket))["granted"]
    payment_id = f"SQ-{case.account_id}"
    await case.pay("120.00", reported=False, payment_id=payment_id)
    await announced(case, payment_id)
    await case.recorded("permit.revoked")
    await case.recorded("payment.unbooked")
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.pass_time(minutes=50)
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.pass_time(minutes=15)
    assert (await case.permit(ticket))["granted"], "an hour later billing's answer stands"


async def test_another_amount_or_channel_is_a_new_announcement_and_a_copy_is_none(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    await announced(case, "P-1", "120.00", channel="bank")
    await announced(case, "P-1", "120.00", channel="bank")
    await case.recorded("payment.unbooked")
    assert (await case.permit(ticket))["granted"], "copies of 120 do not add up to 200"
    await announced(case, "P-1", "130.00", channel="app")
    await case.recorded("payment.hint", 2)
    assert (await case.snapshot())["permit"]["state"] == "open", "of one id the largest amount decides"
    await announced(case, "P-2", "70.00")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")


async def test_a_payment_after_its_reversal_is_a_new_announcement(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    await announced(case, "P-1")
    await case.signal("payment_reversed", payment_id="P-1", reason="bounced")
    await case.recorded("payment.reversed")
    assert (await case.permit(ticket))["granted"]
    await announced(case, "P-1")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
    assert unmet(await case.permit(ticket)) == ["R-17"]


async def test_once_three_have_come_to_nothing_later_ones_hold_back_until_the_next_answer(world: World) -> None:
    """R-31: whoever announces payments that never come does not keep the procedure for ever; the leader is notified."""
    case = await world.open()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    for n in (1, 2, 3):
        await case.recorded("ticket.sent")
        await announced(case, f"P-{n}")
        await case.recorded("payment.unbooked", 2 * n - 1)
        await case.pass_time(minutes=61)
        await case.recorded("payment.unbooked", 2 * n)
    await case.notified("team_leader", "announced payments never booked")
    cut_at = await case.cut_time()
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(cut_at + timedelta(minutes=1))
    assert (await case.permit(ticket))["granted"]
    await announced(case, "P-4")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
    await case.recorded("payment.unbooked", 7)
    assert (await case.permit(ticket))["granted"]


async def test_a_payment_ahead_of_the_books_is_asked_for_while_supply_is_off_without_leave(world: World) -> None:
    """R-31: cut off by nobody's leave, he has paid, and the case hears of it without another message."""
    case = await world.open()
    await case.deliver("yellow")
    found = {"report_id": "f-1", "meter_id": f"M-{case.account_id}", "reported_by": "Wang", "source": "95598"}
    await case.signal("supply_found_cut", **found)
    await case.ticket("restore")
    payment_id = f"P-{case.account_id}"
    await announced(case, payment_id)
    await case.recorded("payment.unbooked")
    await case.pay("200.00", reported=False, payment_id=payment_id)
    await case.pass_time(minutes=1, seconds=30)
    await case.becomes(lambda s: s["owed"] == "0.00", "the settlement")


# ---- A.3: the same request, worked out afresh -------------------------------------------------


async def test_the_same_request_for_restoration_is_worked_out_afresh(world: World) -> None:
    """R-22, R-31: still owing; he pays, no event comes; the same work order asks again."""
    case = await world.open()
    await case.to_cut()
    order = {"request_id": "95598-1", "source": "hotline"}
    first = await case.update("request_restoration", "hotline", update_id="u-1", **order)
    assert first["still_owing"]["amount"] == "200.00"
    assert (await case.update("request_restoration", "hotline", **order)) == first
    assert len(await case.recorded("restoration.requested")) == 1
    await case.pay("200.00", reported=False)
    assert await case.update("request_restoration", "hotline", update_id="u-1", **order) == first, "Temporal's own copy"
    again = await case.update("request_restoration", "hotline", **order)
    assert again == {"ticket_id": (await case.ticket("restore"))["ticket_id"]}
    assert await case.update("request_restoration", "hotline", **order) == again
    assert len(await case.recorded("restoration.requested", 2)) == 2


async def test_the_same_approver_hears_who_is_missing_now(world: World) -> None:
    """R-12, R-31: nobody is told of himself that one person fills one level only."""
    case = await world.open(customer_class="non_residential")
    red = await case.to_red()
    await case.deliver("red")
    decision = {"notice_id": red["notice_id"], "decision": "approved"}
    first = await case.update("decide_approval", "centre_director", **decision)
    assert first == {"granted": False, "still_needed": ["company_leader"]}
    assert await case.update("decide_approval", "centre_director", **decision) == first
    await case.update("decide_approval", "company_leader", **decision)
    again = await case.update("decide_approval", "centre_director", **decision)
    assert again == {"granted": True, "still_needed": []}
    assert len(await case.recorded("approval.given", 2)) == 2


async def test_a_refused_delivery_hears_that_it_counts_by_now(world: World) -> None:
    case = await world.open()
    refused: dict[str, Any] = {
        "outcome": "refused",
        "refusal": {"place": "door", "persons": "Li", "words": "no", "evidence": "photo"},
    }
    notice = await case.notice("yellow")
    report: dict[str, Any] = {"notice_id": notice["notice_id"], **refused}
    assert await case.update("record_delivery", "reader", **report) == {"served": False}
    assert await case.update("record_delivery", "reader", **report) == {"served": False}
    (escalation,) = (await case.snapshot())["escalations"]
    await case.update("acknowledge_escalation", "team_leader", escalation_id=escalation["escalation_id"], remark="seen")
    assert await case.update("record_delivery", "reader", **report) == {"served": True}
    assert len(await case.recorded("notice.refused")) == 1


# ---- the same id, another content -------------------------------------------------------------


async def test_a_second_plan_or_promise_under_a_used_id_is_refused_with_the_field(world: World) -> None:
    """R-31: it stops nothing, so it is not answered as if it did."""
    case = await world.open()
    await case.notice("yellow")
    today = local_day(await case.now(), world.policy)
    later, latest = (today + timedelta(days=5)).isoformat(), (today + timedelta(days=6)).isoformat()
    promise = {"promise_id": "pr-1", "amount": "200.00", "until": later}
    plan = {"plan_id": "pl-1", "instalments": [{"due": later, "amount": "200.00"}]}
    others: tuple[tuple[str, dict[str, Any], str, Any], ...] = (
        ("record_promise", promise, "amount", "100.00"),
        ("record_promise", promise, "until", latest),
        ("agree_plan", plan, "instalments", [{"due": latest, "amount": "200.00"}]),
    )
    for name, message, field, other in others:
        assert await case.update(name, "team_leader", **message) == {}
        assert await case.update(name, "team_leader", **message) == {}
        with pytest.raises(Refusal) as refusal:
            await case.update(name, "team_leader", **{**message, field: other})
        assert (refusal.value.type, refusal.value.details["field"]) == ("BadRequest", field)
    snap = await case.snapshot()
    assert (snap["promise"]["amount"], snap["promise"]["until"]) == ("200.00", later)
    assert len(await case.recorded("plan.agreed")) == 1


async def test_another_outcome_or_source_under_a_used_id_is_refused_and_a_colleague_may_repeat(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    at = (await case.now()).isoformat()
    cut = await case.update("report_cut", "field_crew", meter_id=f"M-{case.account_id}", at=at)
    closing = {"incident_id": cut["incident_id"], "outcome": "the person was warned"}
    assert await case.update("close_incident", "centre_director", **closing) == {}
    assert await case.update("close_incident", "company_leader", **closing) == {}
    asked = {"request_id": "q-1", "source": "counter"}
    ticket = await case.update("request_restoration", "operator", **asked)
    assert await case.update("request_restoration", "hotline", **asked) == ticket
    for name, who, message, field in (
        ("close_incident", "centre_director", {**closing, "outcome": "dismissed"}, "outcome"),
        ("request_restoration", "hotline", {**asked, "source": "hotline"}, "source"),
    ):
        with pytest.raises(Refusal) as refusal:
            await case.update(name, who, **message)
        assert (refusal.value.type, refusal.value.details["field"]) == ("BadRequest", field)
    with pytest.raises(Refusal, match="NotAllowed"):
        await case.update("close_incident", "reader", **closing)


async def test_the_same_moment_in_another_zone_is_the_same_content(world: World) -> None:
    case = await world.open()
    notice = await case.notice("yellow")
    at = datetime.fromisoformat(notice["issued_at"])
    report = {"notice_id": notice["notice_id"], "outcome": "signed"}
    first = await case.update("record_delivery", "reader", delivered_at=at.isoformat(), **report)
    utc = at.astimezone(tz=None).isoformat()
    assert await case.update("record_delivery", "reader", delivered_at=utc, **report) == first
    later = (at + timedelta(seconds=1)).isoformat()
    with pytest.raises(Refusal, match="delivered_at"):
        await case.update("record_delivery", "reader", delivered_at=later, **report)


# ---- holds ------------------------------------------------------------------------------------


async def test_a_hold_placed_again_after_its_lifting_stands_and_a_copy_leaves_a_note(world: World) -> None:
    """R-04, R-31: a copy of the first placing, late, does not stop the procedure for ever."""
    case = await world.open()
    await case.notice("yellow")
    placed = (await case.now()).isoformat()
    hold = {"hold_id": "h-1", "kind": "hardship", "reason": "illness", "actor": PEOPLE["operator"]}
    await case.signal("hold_placed", **hold, at=placed)
    await case.becomes(lambda s: standing(s) == ["h-1"], "the hold")
    await case.signal("hold_lifted", hold_id="h-1", actor=PEOPLE["operator"])
    await case.becomes(lambda s: not standing(s), "the lifting")
    await case.signal("hold_placed", **hold, at=placed)
    (note,) = await case.recorded("message.ignored")
    assert "was over at" in note.detail["reason"]
    await case.pass_time(minutes=5)
    await case.signal("hold_placed", **hold, at=(await case.now()).isoformat())
    await case.becomes(lambda s: standing(s) == ["h-1"], "the hold, again")
    await case.signal("hold_placed", **hold)
    notes = await case.recorded("message.ignored", 2)
    assert "stands already" in notes[-1].detail["reason"]


def standing(snap: dict[str, Any]) -> list[str]:
    """The holds that stand."""
    return [h["hold_id"] for h in snap["holds"] if "ended_at" not in h]


# ---- what it costs ----------------------------------------------------------------------------


async def costs(case: Case, since: int) -> tuple[Counter[str], int]:
    """Activities and local activities since then, and all events besides the signals."""
    events = (await case.events())[since:]
    count = Counter(EventType.Name(e).removeprefix("EVENT_TYPE_") for e in events)
    return count, len(events) - count["WORKFLOW_EXECUTION_SIGNALED"]


@pytest.mark.parametrize("stage", ["yellow", "permit", "off"])
async def test_a_hundred_copies_at_once_cost_few_questions(world: World, stage: str) -> None:
    case = await world.open()
    await {"yellow": yellow, "permit": permit, "off": off}[stage](case)
    await announced(case, "P-1", "20.00")
    await case.recorded("payment.hint")
    await case.at_rest()
    before = len(await case.events())
    await asyncio.gather(*(announced(case, "P-1", "20.00") for _ in range(100)))
    await case.pass_time(seconds=5)
    await case.at_rest()
    count, others = await costs(case, before)
    assert count["WORKFLOW_EXECUTION_SIGNALED"] == 100
    assert 1 <= count["ACTIVITY_TASK_SCHEDULED"] + count["MARKER_RECORDED"] <= 8, count
    assert others < 60, count


@pytest.mark.parametrize("stage", ["yellow", "permit", "off"])
async def test_copies_a_minute_apart_cost_five_events_each_at_most(world: World, stage: str) -> None:
    case = await world.open()
    await {"yellow": yellow, "permit": permit, "off": off}[stage](case)
    await announced(case, "P-1", "20.00")
    await case.recorded("payment.hint")
    await case.at_rest()
    copies = 8 if stage == "permit" else 100  # a permit lasts fifteen minutes
    await case.pass_time(minutes=1)
    before = len(await case.events())
    for _ in range(copies):
        await announced(case, "P-1", "20.00")
        await case.at_rest()  # the test's own hand at the clock, during a workflow task, would cost another one
        await case.pass_time(minutes=1)
    count, others = await costs(case, before)
    assert count["MARKER_RECORDED"] >= copies, "each has billing asked"
    assert others <= 5 * copies, count


async def yellow(case: Case) -> None:
    await case.deliver("yellow")


async def permit(case: Case) -> None:
    assert (await case.permit(await case.to_window()))["granted"]


async def off(case: Case) -> None:
    await case.to_cut()


# ---- cases of before --------------------------------------------------------------------------


async def test_a_case_of_before_hears_an_id_that_it_has_spent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """R-31: the earlier worker heard the payment, gave it up, and gave the permit; today's hears it again."""
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        await world.stop_worker()
        await world.start_worker(earlier=True)
        case = await world.open()
        payment_id = f"WX-{case.account_id}"
        ticket = await told_again_at_the_meter(case, payment_id)
        assert (await case.permit(ticket))["granted"]
        await announced(case, payment_id)
        await case.at_rest()
        assert (await case.snapshot())["permit"]["state"] == "open", "as before the rules"
        await world.restart_worker()
        await case.pay("200.00", reported=False, payment_id=payment_id)
        await announced(case, payment_id)
        await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
        await world.restart_worker()  # and what it has done replays
        await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="paid")
        assert (await case.result())["outcome"] == "settled"


async def test_a_case_of_before_refuses_another_promise_or_plan_under_a_used_id(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """R-31: it kept the answer alone, and would give it to whoever promises something else."""
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        await world.stop_worker()
        await world.start_worker(earlier=True)
        case = await world.open()
        await case.notice("yellow")
        today = local_day(await case.now(), world.policy)
        promise: dict[str, Any] = {"promise_id": "p-1", "amount": "200.00", "until": str(today + timedelta(days=2))}
        plan: dict[str, Any] = {
            "plan_id": "q-1",
            "instalments": [{"due": str(today + timedelta(days=3)), "amount": "200.00"}],
        }
        await case.update("record_promise", "reader", **promise)
        await case.update("agree_plan", "team_leader", **plan)
        await world.restart_worker()
        assert await case.update("record_promise", "reader", **promise) == {}
        assert await case.update("agree_plan", "team_leader", **plan) == {}
        with pytest.raises(Refusal) as refused:
            await case.update("record_promise", "reader", **promise | {"until": str(today + timedelta(days=9))})
        assert (refused.value.type, refused.value.details["field"]) == ("BadRequest", "until")
        later = [{"due": str(today + timedelta(days=9)), "amount": "200.00"}]
        with pytest.raises(Refusal) as refused:
            await case.update("agree_plan", "team_leader", **plan | {"instalments": later})
        assert (refused.value.type, refused.value.details["field"]) == ("BadRequest", "instalments")
