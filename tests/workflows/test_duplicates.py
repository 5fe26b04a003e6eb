"""Every message twice: the same answer, one effect, one row in the register, whoever repeats it and however."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.law.clock import local_day
from tests.support.world import PEOPLE, REFUSAL, SOON, Case, World

Message = tuple[str, str, dict[str, Any]]
Scene = Callable[[World], Awaitable[tuple[Case, Message]]]


async def seen(case: Case) -> tuple[dict[str, Any], Counter[str]]:
    """The snapshot without what only time moves, and how much evidence of each kind the register holds."""
    snap = await case.snapshot()
    for moving in ("as_of", "late_fee", "next_deadline"):
        snap.pop(moving, None)
    return snap, Counter(e.what for e in await case.evidence())


async def settled_down(case: Case) -> tuple[dict[str, Any], Counter[str]]:
    """The same, once nothing is under way and two readings agree."""
    await case.at_rest()
    before = await seen(case)
    for _ in range(100):
        await asyncio.sleep(0.15)
        after = await seen(case)
        if after == before:
            return after
        before = after
    raise AssertionError(f"{case.account_id} does not settle down")


async def day(case: Case, days: int) -> str:
    """The local date so many days from the case's now."""
    return (local_day(await case.now(), case.world.policy) + timedelta(days=days)).isoformat()


# ---- a scene for each update: the case stands where the message is awaited ---------------------


async def delivery(world: World, outcome: str, **more: Any) -> tuple[Case, Message]:
    case = await world.open()
    notice = await case.notice("yellow")
    payload = {"notice_id": notice["notice_id"], "outcome": outcome, "delivered_at": notice["issued_at"], **more}
    return case, ("record_delivery", "reader", payload)


async def signed(world: World) -> tuple[Case, Message]:
    return await delivery(world, "signed", recipient="the customer")


async def refused(world: World) -> tuple[Case, Message]:
    return await delivery(world, "refused", refusal=REFUSAL)


async def undeliverable(world: World) -> tuple[Case, Message]:
    return await delivery(world, "undeliverable")


async def acknowledged_escalation(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.deliver("yellow", "refused")
    (escalation,) = (await case.snapshot())["escalations"]
    payload = {"escalation_id": escalation["escalation_id"], "remark": "seen"}
    return case, ("acknowledge_escalation", "team_leader", payload)


async def approval(world: World) -> tuple[Case, Message]:
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    return case, ("decide_approval", "centre_director", {"notice_id": red["notice_id"], "decision": "approved"})


async def rejection(world: World) -> tuple[Case, Message]:
    case, (name, who, payload) = await approval(world)
    return case, (name, who, {**payload, "decision": "rejected", "remark": "the customer is abroad"})


async def filing(world: World) -> tuple[Case, Message]:
    case = await world.open(important=True)
    await case.to_red()
    return case, ("record_filing", "liaison", {"purpose": "filing", "reference": "F-1", "authority": "energy bureau"})


async def coordination(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.notice("yellow")
    payload = {"purpose": "coordination", "reference": "C-1", "authority": "street office"}
    return case, ("record_filing", "liaison", payload)


async def acknowledged_ticket(world: World) -> tuple[Case, Message]:
    case = await world.open()
    ticket = await case.to_ticket()
    return case, ("acknowledge_ticket", "field_crew", {"ticket_id": ticket["ticket_id"]})


async def final_notice(world: World) -> tuple[Case, Message]:
    case = await world.open()
    ticket = await case.to_half_hour()
    return case, ("record_final_notice", "reader", {"ticket_id": ticket["ticket_id"], "how": "at the door"})


async def permit(world: World) -> tuple[Case, Message]:
    case = await world.open()
    ticket = await case.to_window()
    payload = {"ticket_id": ticket["ticket_id"], "meter_id": ticket["meter_id"]}
    return case, ("request_permit", "field_crew", payload)


async def cut(world: World) -> tuple[Case, Message]:
    case, (_, _, payload) = await permit(world)
    given = await case.update("request_permit", "field_crew", **payload)
    payload = {"permit_id": given["permit_id"], "meter_id": payload["meter_id"], "meter_reading": "04711"}
    return case, ("report_cut", "field_crew", payload)


async def unauthorised_cut(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.notice("yellow")
    payload = {"meter_id": f"M-{case.account_id}", "at": (await case.now()).isoformat()}
    return case, ("report_cut", "field_crew", payload)


async def not_cut(world: World) -> tuple[Case, Message]:
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    return case, ("report_not_cut", "field_crew", {"ticket_id": ticket["ticket_id"], "reason": "dog in the yard"})


async def doubt(world: World) -> tuple[Case, Message]:
    case, (_, _, payload) = await permit(world)
    return case, ("report_meter_uncertain", "field_crew", {**payload, "remark": "the plate is gone"})


async def verified(world: World) -> tuple[Case, Message]:
    case, (name, who, payload) = await doubt(world)
    await case.update(name, who, **payload)
    payload = {"ticket_id": payload["ticket_id"], "meter_id": payload["meter_id"], "confirmed": True}
    return case, ("verify_meter", "reader", payload)


async def denied(world: World) -> tuple[Case, Message]:
    case, (name, who, payload) = await verified(world)
    return case, (name, who, {**payload, "confirmed": False})


async def disconnected(world: World) -> Case:
    case = await world.open()
    await case.to_cut()
    return case


async def restoration_asked(world: World) -> tuple[Case, Message]:
    case = await disconnected(world)
    await case.pay("200.00", reported=False)
    return case, ("request_restoration", "hotline", {"request_id": "q-1", "source": "hotline"})


async def still_owing(world: World) -> tuple[Case, Message]:
    case = await disconnected(world)
    return case, ("request_restoration", "hotline", {"request_id": "q-1", "source": "hotline"})


async def restored(world: World) -> tuple[Case, Message]:
    case = await disconnected(world)
    await world.bill(case.account_id, "50.00", 2, local_day(await case.now(), world.policy))  # it stays open
    await case.pay("200.00")
    ticket = await case.ticket("restore")
    return case, ("report_restored", "field_crew", {"ticket_id": ticket["ticket_id"]})


async def delay(world: World) -> tuple[Case, Message]:
    case = await disconnected(world)
    await case.pay("200.00")
    await case.ticket("restore")
    told = (await case.now()).isoformat()
    payload = {
        "reason": "storm",
        "customer_told_at": told,
        "customer_told_how": "phone",
        "leader": "centre director Li",
        "leader_told_at": told,
    }
    return case, ("declare_delay", "team_leader", payload)


async def promise(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.notice("yellow")
    payload = {"promise_id": "p-1", "amount": "200.00", "until": await day(case, 5)}
    return case, ("record_promise", "reader", payload)


async def plan(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.notice("yellow")
    instalments = [{"due": await day(case, 5), "amount": "200.00"}]
    return case, ("agree_plan", "team_leader", {"plan_id": "pl-1", "instalments": instalments})


async def reassigned(world: World) -> tuple[Case, Message]:
    case = await world.open()
    await case.notice("yellow")
    return case, ("reassign", "team_leader", {"role": "reader", "to": "r-018"})


async def incident_closed(world: World) -> tuple[Case, Message]:
    case, (name, who, payload) = await unauthorised_cut(world)
    answer = await case.update(name, who, **payload)
    payload = {"incident_id": answer["incident_id"], "outcome": "the person was warned"}
    return case, ("close_incident", "centre_director", payload)


async def withdrawn(world: World) -> tuple[Case, Message]:
    case = await disconnected(world)
    return case, ("withdraw", "centre_director", {"reason": "booked on the wrong account"})


SCENES: tuple[Scene, ...] = (
    signed,
    refused,
    undeliverable,
    acknowledged_escalation,
    approval,
    rejection,
    filing,
    coordination,
    acknowledged_ticket,
    final_notice,
    permit,
    cut,
    unauthorised_cut,
    not_cut,
    doubt,
    verified,
    denied,
    restoration_asked,
    still_owing,
    restored,
    delay,
    promise,
    plan,
    reassigned,
    incident_closed,
    withdrawn,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
async def test_an_update_repeated_gets_its_first_answer_and_does_nothing_more(world: World, scene: Scene) -> None:
    """R-30, contract: by the same Temporal update id and by a fresh one alike."""
    case, (name, who, payload) = await scene(world)
    first = await case.update(name, who, update_id="u-1", **payload)
    once = await settled_down(case)
    assert await case.update(name, who, update_id="u-1", **payload) == first
    assert await case.update(name, who, **payload) == first
    assert await settled_down(case) == once


async def test_serving_again_is_repeated_by_its_update_id_only(world: World) -> None:
    """R-07: it has no id of its own; the same update id gives up one attempt, not two."""
    case = await world.open()
    red = await case.to_red()
    await case.update("serve_again", "team_leader", update_id="u-1", reason="the name was misspelt")
    new = await case.undelivered("red")
    await case.update("serve_again", "team_leader", update_id="u-1", reason="the name was misspelt")
    assert new["notice_id"] != red["notice_id"]
    assert (await case.undelivered("red"))["notice_id"] == new["notice_id"]
    assert len(await case.recorded("serve_again.requested")) == 1


# ---- signals ----------------------------------------------------------------------------------


async def test_every_signal_repeated_leaves_one_row_and_one_effect(world: World) -> None:
    """R-30, contract: signals are idempotent by their ids; two of each kind, the second one ignored."""
    case = await world.open()
    await case.deliver("yellow")
    operator = PEOPLE["operator"]
    bill_event = {"account_id": case.account_id, "bill_id": "b-1", "amount": "200.00", "due_date": "2026-01-01"}
    signals: list[tuple[str, str, dict[str, Any]]] = [
        ("bill_overdue", "bill.overdue", {"event_id": "e-1", **bill_event}),
        ("payment_received", "payment.hint", {"payment_id": "P-x", "amount": "20.00"}),
        ("payment_reversed", "payment.reversed", {"payment_id": "P-x", "reason": "bounced"}),
        ("recheck_requested", "recheck.requested", {"request_id": "q-1", "source": "operator"}),
        ("hold_placed", "hold.placed", {"hold_id": "h-1", "kind": "other", "reason": "flood", "actor": operator}),
        ("hold_lifted", "hold.lifted", {"hold_id": "h-1", "actor": operator}),
        (
            "supply_found_cut",
            "cut.found",
            {"report_id": "f-1", "meter_id": f"M-{case.account_id}", "reported_by": "Wang", "source": "95598"},
        ),
    ]
    _, before = await settled_down(case)
    for name, what, payload in signals:
        await case.signal(name, **payload)
        await case.recorded(what, before[what] + 1)
        await case.signal(name, **payload)
    snap, after = await settled_down(case)
    assert {what: after[what] - before[what] for _, what, _ in signals} == {what: 1 for _, what, _ in signals}
    assert (len(snap["holds"]), len(snap["incidents"])) == (1, 1)
    assert [t["kind"] for t in snap["tickets"]] == ["restore"]


async def test_a_payment_booked_and_reported_three_times_is_counted_once(world: World) -> None:
    """R-11, L3: half the debt three times over is still half."""
    case = await world.open()
    await case.deliver("yellow")
    for _ in range(3):
        await case.pay("100.00", payment_id=f"P-once-{case.account_id}")
    await case.becomes(lambda s: s["owed"] == "100.00")
    snap, rows = await settled_down(case)
    assert (snap["owed"], rows["payment.hint"]) == ("100.00", 1)


async def test_a_late_copy_of_a_delivery_does_not_touch_the_next_notice(world: World) -> None:
    """R-07: repeated weeks later it still answers for the notice it names."""
    case = await world.open()
    red = await case.to_red()
    payload = {"notice_id": red["notice_id"], "outcome": "signed", "delivered_at": red["issued_at"]}
    first = await case.update("record_delivery", "reader", **payload)
    await case.until(datetime.fromisoformat(red["cut_at"]) + SOON)  # nobody approved: the time has slipped
    new = await case.undelivered("red")
    assert await case.update("record_delivery", "reader", **payload) == first
    assert (await case.undelivered("red"))["notice_id"] == new["notice_id"]
