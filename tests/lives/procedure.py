"""Plays a life from its opening to its evening: the procedure, with its steps in between."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from tests.lives.acts import ACTS, close_incident, last, pay
from tests.lives.acts_of_change import CHANGES
from tests.lives.book import Booked
from tests.lives.life import Life, Step
from tests.lives.playing import Playing, Snapshot, StepPlayer
from tests.lives.town import Town
from tests.support.world import SOON, Case

# ---- the procedure ---------------------------------------------------------------------------------


async def proceed(p: Playing, _step: Step, snap: Snapshot, now: datetime) -> None:
    """What helps the case on: the first act that is awaited, else time until the next deadline."""
    awaited = {a["act"]: a for a in reversed(snap.get("waiting_for", ()))}
    for act, help_on in _HELP.items():
        if act in awaited and (await _what_waited_for(p, act) or await help_on(p, awaited[act], snap)):
            return
    if snap["stage"] == "disconnected":
        if await _what_waited_for(p, "pay"):
            return
        await pay(p, {"share": "all", "told": "once", "stamp": "now", "names_bill": False}, snap, now)
    elif snap.get("next_deadline"):
        await p.advance(datetime.fromisoformat(snap["next_deadline"]) + SOON - now)
    elif "close_incident" in awaited:
        await close_incident(p, {}, snap, now)
    else:
        await p.advance(timedelta(hours=1))


async def _what_waited_for(p: Playing, act: str) -> bool:
    """Play the steps that were put off until the procedure comes to this act; false if there are none."""
    for number, (wanted, steps) in enumerate(p.later):
        if wanted == act:
            del p.later[number]
            for step in steps:
                await p.play(step)
            return True
    return False


async def when(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """Put steps off until the procedure comes to an act."""
    p.later.append((step["act"], step["steps"]))


async def _restore(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("report_restored", "field_crew", ticket_id=awaited["id"])
    return True


async def _acknowledge(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("acknowledge_ticket", "field_crew", ticket_id=awaited["id"])
    return True


async def _answer_for_permit(p: Playing, _awaited: Snapshot, snap: Snapshot) -> bool:
    permit, ticket = snap["permit"], last(snap["tickets"], kind="cut")
    if permit["state"] == "open":
        await p.say("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    else:
        await p.say("report_not_cut", "field_crew", ticket_id=permit["ticket_id"], reason="nobody at home")
    return True


async def _read_report(p: Playing, _awaited: Snapshot, snap: Snapshot) -> bool:
    for e in snap["escalations"]:
        if e["state"] == "open" and e["kind"] in ("refusal", "permit_unanswered"):
            await p.say("acknowledge_escalation", e["rung"], escalation_id=e["escalation_id"], remark="read")
            return True
    return False


async def _hand_over(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("record_delivery", "reader", notice_id=awaited["id"], outcome="signed")
    return True


async def _approve(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("decide_approval", awaited["role"], notice_id=awaited["id"], decision="approved")
    return True


async def _file(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    where = {"purpose": "filing", "reference": p.next_id("ref"), "authority": "power bureau"}
    await p.say("record_filing", "liaison", notice_id=awaited["id"], **where)
    return True


async def _notify_again(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("record_final_notice", "reader", ticket_id=awaited["id"], how="at the door")
    return True


async def _ask_permit(p: Playing, awaited: Snapshot, snap: Snapshot) -> bool:
    ticket = last(snap["tickets"], kind="cut")
    answer: list[Any] = []

    async def ask() -> None:
        answer.append(await p.say("request_permit", "field_crew", ticket_id=awaited["id"], meter_id=ticket["meter_id"]))

    await p.while_billing_is_asked(ask())
    return bool(answer and answer[0] and answer[0]["granted"])


async def _verify(p: Playing, awaited: Snapshot, snap: Snapshot) -> bool:
    ticket = last(snap["tickets"], kind="cut")
    await p.say("verify_meter", "reader", ticket_id=awaited["id"], meter_id=ticket["meter_id"], confirmed=True)
    return True


async def _serve_again(p: Playing, _awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("serve_again", "team_leader", reason="another time")
    return True


_HELP: dict[str, Callable[[Playing, Snapshot, Snapshot], Awaitable[bool]]] = {
    "report_cut": _answer_for_permit,
    "acknowledge_ticket": _acknowledge,
    "report_restored": _restore,
    "verify_meter": _verify,
    "serve_again": _serve_again,
    "acknowledge_escalation": _read_report,
    "record_delivery": _hand_over,
    "decide_approval": _approve,
    "record_filing": _file,
    "record_final_notice": _notify_again,
    "request_permit": _ask_permit,
}


async def together(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Several things at once."""
    await asyncio.gather(*(p.steps[s["do"]](p, s, snap, now) for s in step["steps"]))


STEPS: dict[str, StepPlayer] = {**ACTS, **CHANGES, "march": proceed, "when": when, "together": together}


# ---- a whole life ---


async def play(town: Town, life: Life, account_id: str) -> Playing:
    """Open the case and live the life to its end; what is cut off then has two more days to be restored or a breach."""
    who = life["customer"]
    world = town.world
    await world.customer(account_id=account_id, customer_class=who["customer_class"], important=who["important"])
    meter = f"M-{account_id}"
    await world.customer(
        account_id=f"{account_id}-N", meter_id=f"{meter}-next-door", card={"name": "邻居", "address": "隔壁"}
    )
    bill_id = await world.bill(account_id, who["amount"], who["overdue_days"])
    report = {"report_id": f"first-{account_id}", "meter_id": meter, "reported_by": "x", "source": "95598"}
    opened = await (
        world.open(account_id, signal="supply_found_cut", payload=report)
        if who["opened_by"] == "supply_found_cut"
        else world.open(account_id, amount=who["amount"])
    )
    case = Case(world, account_id, world.client.get_workflow_handle(opened.handle.id))
    playing = Playing(town, case, opened_at=(now := await case.now()), now=now, steps=STEPS)
    playing.meters.append(meter)
    before = now - timedelta(days=1)
    playing.booked += [Booked(bill_id, before, before, "bills"), Booked(account_id, before, before, "customers")]
    for step in life["steps"]:
        if not await playing.play(step):
            break
    await _evening(playing)
    return playing


async def _evening(playing: Playing) -> None:
    """Everything answers again, the case reads once more, and a cut has time to be noticed."""
    if await playing.put_back():
        await playing.skip(timedelta(hours=5))
    await playing.signal("recheck_requested", request_id=f"evening-{playing.account_id}", source="operator")
    await playing.at_rest()
    for hours in (25, 24):
        if playing.closed or not _may_be_cut_off(await playing.read()):
            break
        await playing.skip(timedelta(hours=hours))
        await playing.at_rest()


def _may_be_cut_off(snap: Snapshot) -> bool:
    return snap["stage"] in ("disconnected", "restoring") or bool(snap.get("restore_due_by"))
