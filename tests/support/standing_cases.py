"""Cases that stand still in one state, and for every update a message that the case would take there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from domain.law.policy import Policy
from tests.support.world import Case, Refusal, World

GENTLER = Policy(name="gentler", version="1", red_notice_days=10)


@dataclass
class Waiting:
    """A case that stands still in one state, and the ids that its messages need."""

    case: Case
    ids: dict[str, str] = field(default_factory=dict)


async def yellow(world: World) -> Waiting:
    """The yellow notice is out and not delivered."""
    case = await world.open()
    await case.recorded("notice.issued")
    return Waiting(case, {"yellow": (await case.notice("yellow"))["notice_id"]})


async def yellow_served(world: World) -> Waiting:
    """The yellow notice is served; no red one is out."""
    case = await world.open()
    await case.deliver("yellow")
    return Waiting(case, {"yellow": (await case.notice("yellow"))["notice_id"]})


async def refused(world: World) -> Waiting:
    """The signature on the red notice was refused; nobody has acknowledged it."""
    case = await world.open(customer_class="non_residential")
    red = await case.to_red()
    await case.deliver("red", "refused")
    reports = {e["rung"]: e["escalation_id"] for e in (await case.snapshot())["escalations"]}
    return Waiting(case, {"red": red["notice_id"], "report": reports["team_leader"]})


async def served(world: World) -> Waiting:
    """The red notice is served after a refusal; one of two levels has approved."""
    case = await world.open(customer_class="non_residential")
    red = await case.to_red()
    await case.deliver("red", "refused")
    reports = {e["rung"]: e["escalation_id"] for e in (await case.snapshot())["escalations"]}
    for rung, report in reports.items():
        await case.update("acknowledge_escalation", rung, escalation_id=report, remark="read")
    await case.approve("centre_director")
    return Waiting(case, {"red": red["notice_id"], "report": reports["team_leader"]})


async def slipped(world: World) -> Waiting:
    """A red notice is void and its ticket recalled; another red notice is out."""
    case = await world.open()
    ticket = await case.to_ticket()
    void = await case.notice("red")
    await case.update("serve_again", "reader", reason="the time was misread")
    await case.becomes(lambda s: s["notices"][-1]["state"] == "to_deliver", "another red notice")
    return Waiting(case, {"void": void["notice_id"], "ticket": ticket["ticket_id"], "meter": ticket["meter_id"]})


async def window(world: World) -> Waiting:
    """Inside the stated window: notified, billing asked, the ticket acknowledged, no permit asked for."""
    case = await world.open()
    ticket = await case.to_window()
    return Waiting(case, {"ticket": ticket["ticket_id"], "meter": ticket["meter_id"]})


async def doubted(world: World) -> Waiting:
    """Inside the window, and the crew is unsure of the meter."""
    found = await window(world)
    await found.case.update(
        "report_meter_uncertain",
        "field_crew",
        ticket_id=found.ids["ticket"],
        meter_id=found.ids["meter"],
        remark="two meters, one label",
    )
    return found


async def cut_off(world: World) -> Waiting:
    """Found cut off without a permit, owing nothing, not restored for 25 hours; incidents are open."""
    account = await world.customer()
    report = {"report_id": f"h-{account}", "meter_id": f"M-{account}", "reported_by": "customer", "source": "95598"}
    case = await world.open(account, signal="supply_found_cut", payload=report)
    ticket = await case.ticket("restore")
    await case.pass_time(hours=25)
    snap = await case.becomes(lambda s: len(s["incidents"]) == 2, "the breach")
    return Waiting(
        case,
        {
            "ticket": ticket["ticket_id"],
            "meter": ticket["meter_id"],
            "incident": snap["incidents"][0]["incident_id"],
        },
    )


async def withdrawn(world: World) -> Waiting:
    """Withdrawn while supply is off: it waits for the restoration."""
    found = await cut_off(world)
    await found.case.update("withdraw", "centre_director", reason="meter exchanged by mistake")
    return found


STATES: dict[str, Callable[[World], Awaitable[Waiting]]] = {
    make.__name__: make
    for make in (yellow, yellow_served, refused, served, slipped, window, doubted, cut_off, withdrawn)
}


class Standing:
    """One case a state, brought there when the first row asks for it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: dict[str, Waiting] = {}

    async def at(self, state: str) -> Waiting:
        """The case that waits in that state."""
        if state not in self.found:
            self.found[state] = await STATES[state](self.world)
        return self.found[state]


# ---- messages that would be taken, were it not for one thing ---------------------------------------

SAMPLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "record_delivery": ("yellow", "reader", {"notice_id": "<yellow>", "outcome": "signed"}),
    "acknowledge_escalation": ("refused", "team_leader", {"escalation_id": "<report>", "remark": "read"}),
    "decide_approval": ("served", "company_leader", {"notice_id": "<red>", "decision": "approved"}),
    "record_filing": (
        "served",
        "liaison",
        {"notice_id": "<red>", "purpose": "filing", "reference": "17", "authority": "bureau"},
    ),
    "acknowledge_ticket": ("window", "field_crew", {"ticket_id": "<ticket>"}),
    "record_final_notice": ("window", "reader", {"ticket_id": "<ticket>", "how": "phone"}),
    "request_permit": ("window", "field_crew", {"ticket_id": "<ticket>", "meter_id": "<meter>"}),
    "report_cut": ("window", "field_crew", {"meter_id": "<meter>"}),
    "report_not_cut": ("window", "field_crew", {"ticket_id": "<ticket>", "reason": "locked gate"}),
    "report_meter_uncertain": (
        "window",
        "field_crew",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "remark": "two meters"},
    ),
    "verify_meter": ("doubted", "reader", {"ticket_id": "<ticket>", "meter_id": "<meter>", "confirmed": True}),
    "request_restoration": ("cut_off", "hotline", {"request_id": "q-1", "source": "hotline"}),
    "report_restored": ("cut_off", "field_crew", {"ticket_id": "<ticket>"}),
    "declare_delay": (
        "cut_off",
        "team_leader",
        {
            "reason": "storm",
            "customer_told_at": "<now>",
            "customer_told_how": "phone",
            "leader": "Li",
            "leader_told_at": "<now>",
        },
    ),
    "record_promise": ("yellow", "reader", {"promise_id": "p-1", "amount": "50.00", "until": "<today+3>"}),
    "agree_plan": (
        "yellow",
        "team_leader",
        {"plan_id": "pl-1", "instalments": [{"due": "<today+5>", "amount": "200.00"}]},
    ),
    "serve_again": ("served", "team_leader", {"reason": "another time"}),
    "reassign": ("yellow", "team_leader", {"role": "reader", "to": "r-099"}),
    "change_policy": ("yellow", "operator", {"policy": GENTLER.model_dump(mode="json"), "reason": "winter"}),
    "close_incident": ("cut_off", "centre_director", {"incident_id": "<incident>", "outcome": "disciplined"}),
    "withdraw": ("yellow", "centre_director", {"reason": "error"}),
}


async def filled(value: Any, waiting: Waiting) -> Any:
    """The payload with its placeholders replaced: ids of the case, `<now-3h>`, `<today+3>`."""
    if isinstance(value, dict):
        return {k: await filled(v, waiting) for k, v in value.items()}
    if isinstance(value, list):
        return [await filled(v, waiting) for v in value]
    if not (isinstance(value, str) and value.startswith("<")):
        return value
    word = value.strip("<>")
    if word.startswith("now"):
        hours = int(word[3:].rstrip("h") or 0)
        return (await waiting.case.now() + timedelta(hours=hours)).isoformat()
    if word.startswith("today"):
        today = (await waiting.case.now()).astimezone(waiting.case.world.policy.zone).date()
        return (today + timedelta(days=int(word[5:] or 0))).isoformat()
    return waiting.ids[word]


async def refusal_of(waiting: Waiting, update: str, payload: dict[str, Any], actor: Any) -> Refusal:
    """How the case refuses this; fails if it does not, or if anything of the case has changed."""
    before = await waiting.case.snapshot()
    with pytest.raises(Refusal) as caught:
        await waiting.case.update(update, **{**await filled(payload, waiting), "actor": actor})
    refusal = caught.value
    assert await waiting.case.snapshot() == before, f"{update} was refused and yet changed the case"
    assert len(refusal.message) > 10, "a sentence"
    assert set(refusal.details) <= {"field", "rule", "clause"}
    return refusal


async def refusal_to(waiting: Waiting, update: str, *payload: Any) -> Refusal:
    """How the case refuses this payload; fails if it does not."""
    with pytest.raises(Refusal) as caught:
        await waiting.case.update_raw(update, *payload)
    return caught.value


async def events_at_rest(case: Case) -> int:
    """How many events the history has, once what was under way has been written."""
    counts = [-1]
    for _ in range(100):
        counts.append(len(await case.events()))
        if counts[-1] == counts[-2]:
            break
        await asyncio.sleep(0.05)
    return counts[-1]
