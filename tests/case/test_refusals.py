"""Every refusal of the contract for every update it applies to: type, sentence, details, and the case unchanged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from domain.messages import UPDATES
from domain.model import Role
from tests.world import CENTRE, PEOPLE, STATION, UNIT, Case, Refusal, World

DAY = timedelta(days=1)
ROLES: tuple[str, ...] = get_args(Role)
HOME_UNIT = {
    "reader": CENTRE,
    "team_leader": CENTRE,
    "centre_director": CENTRE,
    "station_head": STATION,
    "field_crew": UNIT,
}
# What happened is recorded and judged, whoever tells it: these two are refused only for form.
ONLY_FOR_FORM = ("report_cut", "report_restored")


# ---- cases in the states that the rows ask for; a refusal leaves them as they are, so rows share them ----


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
    """Inside the stated window: told, billing asked, the ticket acknowledged, no permit asked for."""
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


async def dark(world: World) -> Waiting:
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
    """Withdrawn while supply is off: it waits for light."""
    found = await dark(world)
    await found.case.update("withdraw", "centre_director", reason="meter exchanged by mistake")
    return found


STATES: dict[str, Callable[[World], Awaitable[Waiting]]] = {
    make.__name__: make
    for make in (yellow, yellow_served, refused, served, slipped, window, doubted, dark, withdrawn)
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


@pytest.fixture(scope="module")
def standing(world: World) -> Standing:
    """The cases of this file."""
    return Standing(world)


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
    "request_restoration": ("dark", "hotline", {"request_id": "q-1", "source": "hotline"}),
    "report_restored": ("dark", "field_crew", {"ticket_id": "<ticket>"}),
    "declare_delay": (
        "dark",
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
    "close_incident": ("dark", "centre_director", {"incident_id": "<incident>", "outcome": "disciplined"}),
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


def test_every_update_of_the_contract_has_a_sample() -> None:
    assert set(SAMPLES) == set(UPDATES)


# ---- BadRequest: form ------------------------------------------------------------------------------


async def test_bad_form_is_refused_by_field_and_leaves_no_event(standing: Standing) -> None:
    """BadRequest: a field missing, an unknown role, no payload at all, for every update; refused in the validator."""
    waiting = await standing.at("yellow")
    events, before = await events_at_rest(waiting.case), await waiting.case.snapshot()
    for update, (_, actor, payload) in SAMPLES.items():
        first = next(name for name, info in UPDATES[update].payload.model_fields.items() if info.is_required())
        good = {**payload, "actor": PEOPLE[actor]}
        bad = [
            ({k: v for k, v in good.items() if k != first}, first),
            ({**good, "actor": {**PEOPLE[actor], "role": "emperor"}}, "actor.role"),
            ({k: v for k, v in good.items() if k != "actor"}, "actor"),
        ]
        for message, name in bad:
            refusal = await refusal_to(waiting, update, message)
            assert (refusal.type, refusal.details["field"]) == ("BadRequest", name), update
            assert name in refusal.message
        assert (await refusal_to(waiting, update)).type == "BadRequest"
    assert await waiting.case.snapshot() == before
    assert await events_at_rest(waiting.case) == events


@pytest.mark.parametrize(
    ("update", "changes", "name"),
    [
        ("record_delivery", {"outcome": "lost"}, "outcome"),
        ("record_delivery", {"delivered_at": "yesterday"}, "delivered_at"),
        ("record_delivery", {"delivered_at": "2026-11-01T09:00:00"}, "delivered_at"),
        ("record_delivery", {"notice_id": "n" * 129}, "notice_id"),
        ("record_delivery", {"notice_id": "n\u0000"}, "notice_id"),
        ("acknowledge_escalation", {"remark": "   "}, "remark"),
        ("acknowledge_escalation", {"remark": "x" * 4001}, "remark"),
        ("decide_approval", {"decision": "maybe"}, "decision"),
        ("record_filing", {"purpose": "gossip"}, "purpose"),
        ("verify_meter", {"confirmed": "yes"}, "confirmed"),
        ("request_restoration", {"source": "rumour"}, "source"),
        ("record_promise", {"amount": "0.00"}, "amount"),
        ("record_promise", {"amount": "-5.00"}, "amount"),
        ("record_promise", {"amount": "NaN"}, "amount"),
        ("record_promise", {"amount": 50}, "amount"),
        ("record_promise", {"amount": "1e9"}, "amount"),
        ("record_promise", {"amount": "10.001"}, "amount"),
        ("record_promise", {"until": "2026-02-30"}, "until"),
        ("record_promise", {"until": "2026-11-30T00:00:00Z"}, "until"),
        ("agree_plan", {"instalments": []}, "instalments"),
        ("agree_plan", {"instalments": [{"due": "2027-03-01", "amount": "0.00"}]}, "instalments"),
        ("reassign", {"role": "hotline"}, "role"),
        ("declare_delay", {"leader_told_at": "9999-01-01T00:00:00Z"}, "leader_told_at"),
    ],
)
async def test_values_that_cannot_be_true_are_refused_by_field(
    standing: Standing, update: str, changes: dict[str, Any], name: str
) -> None:
    """BadRequest: out of range, no money, no date, no time with an offset, too long, unprintable."""
    state, actor, payload = SAMPLES[update]
    refusal = await refusal_of(await standing.at(state), update, {**payload, **changes}, PEOPLE[actor])
    assert refusal.type == "BadRequest"
    assert refusal.details["field"].split(".")[0] == name


@pytest.mark.parametrize(
    "instalments",
    [
        [{"due": "<today+5>", "amount": "199.99"}],
        [{"due": "<today+9>", "amount": "100.00"}, {"due": "<today+5>", "amount": "100.00"}],
        [{"due": "<today+5>", "amount": "100.00"}, {"due": "<today+5>", "amount": "100.00"}],
    ],
    ids=["a cent short", "descending", "twice the same day"],
)
async def test_plan_that_does_not_ascend_or_falls_short(standing: Standing, instalments: list[dict[str, str]]) -> None:
    """R-04, BadRequest: instalments ascend and sum to at least what is owed."""
    payload = {"plan_id": "pl-2", "instalments": instalments}
    refusal = await refusal_of(await standing.at("yellow"), "agree_plan", payload, PEOPLE["team_leader"])
    assert refusal.type == "BadRequest"
    assert "instalments" in refusal.message


# ---- NotAllowed, NotYourUnit, SamePerson: recorded as evidence -------------------------------------


def allowed_roles(update: str) -> set[str]:
    """Who may, by the contract's table."""
    return {
        "acknowledge_escalation": {"team_leader"},  # the sample's rung
        "decide_approval": {"centre_director", "company_leader"},  # the levels of a non-residential account
    }.get(update, set(UPDATES[update].roles))


@pytest.mark.parametrize("update", [name for name in UPDATES if name not in ONLY_FOR_FORM])
async def test_every_wrong_role_is_refused_and_recorded(standing: Standing, update: str) -> None:
    """NotAllowed (III.4): every role that the contract does not name, for every update; each leaves evidence."""
    state, _, payload = SAMPLES[update]
    waiting = await standing.at(state)
    wrong = [role for role in ROLES if role not in allowed_roles(update)]
    assert wrong
    before = [e.key for e in await waiting.case.evidence("message.refused")]
    good, unchanged = await filled(payload, waiting), await waiting.case.snapshot()
    messages = [{**good, "actor": {"id": f"x-{role}", "role": role}} for role in wrong]
    caught = await asyncio.gather(*(refusal_to(waiting, update, message) for message in messages))
    for role, refusal in zip(wrong, caught, strict=True):
        assert refusal.type == "NotAllowed", (role, str(refusal))
        assert refusal.details["field"] == "actor.role"
        assert refusal.details["clause"] == "III.4"
        assert role in refusal.message
    assert await waiting.case.snapshot() == unchanged
    recorded = await waiting.case.recorded("message.refused", len(before) + len(wrong))
    fresh = [e for e in recorded if e.key not in before]
    assert {(e.actor_id, e.actor_role) for e in fresh} == {(f"x-{role}", role) for role in wrong}
    assert {(e.clause, e.detail["message"], e.detail["type"]) for e in fresh} == {("III.4", update, "NotAllowed")}


@pytest.mark.parametrize(
    ("update", "role"),
    [
        (update, role)
        for update in UPDATES
        if update not in ONLY_FOR_FORM
        for role in sorted(allowed_roles(update) & set(HOME_UNIT))
    ],
)
async def test_people_of_another_unit_are_refused_and_recorded(standing: Standing, update: str, role: str) -> None:
    """NotYourUnit (III.4): the right role of the wrong centre or field unit; a unit left out is not checked."""
    state, _, payload = SAMPLES[update]
    waiting = await standing.at(state)
    before = len(await waiting.case.evidence("message.refused"))
    stranger = {"id": f"y-{role}", "role": role, "unit": "ELSEWHERE"}
    refusal = await refusal_of(waiting, update, payload, stranger)
    assert refusal.type == "NotYourUnit"
    assert refusal.details["field"] == "actor.unit"
    assert HOME_UNIT[role] in refusal.message
    recorded = (await waiting.case.recorded("message.refused", before + 1))[before:]
    assert [(e.actor_unit, e.detail["type"]) for e in recorded] == [("ELSEWHERE", "NotYourUnit")]


async def test_substitute_verifier_needs_the_team_leader_of_the_account(standing: Standing) -> None:
    """R-19: another reader is NotAllowed unless the team leader names him; nobody names himself; not by a stranger."""
    waiting = await standing.at("doubted")
    payload = SAMPLES["verify_meter"][2]
    rows: list[tuple[dict[str, Any] | None, str]] = [
        (None, "NotAllowed"),
        (PEOPLE["reader"], "NotAllowed"),
        ({**PEOPLE["team_leader"], "unit": "RC-99"}, "NotYourUnit"),
        ({**PEOPLE["team_leader"], "id": "r-018"}, "SamePerson"),
    ]
    before = len(await waiting.case.evidence("message.refused"))
    for named_by, type_ in rows:
        message = {**payload, "substitute_named_by": named_by}
        refusal = await refusal_of(waiting, "verify_meter", message, PEOPLE["other_reader"])
        assert refusal.type == type_
        assert refusal.details["clause"] in ("II.7", "III.4")
    recorded = (await waiting.case.recorded("message.refused", before + len(rows)))[before:]
    assert [e.detail["type"] for e in recorded] == [type_ for _, type_ in rows]


@pytest.mark.parametrize(
    ("person", "role"), [("r-017", "company_leader"), ("d-001", "company_leader")], ids=["who served", "two levels"]
)
async def test_same_person_is_refused_and_recorded(standing: Standing, person: str, role: str) -> None:
    """R-12, SamePerson: who served the notice, and who has filled a level already."""
    waiting = await standing.at("served")
    before = len(await waiting.case.evidence("message.refused"))
    actor = {"id": person, "role": role}
    refusal = await refusal_of(waiting, "decide_approval", SAMPLES["decide_approval"][2], actor)
    assert refusal.type == "SamePerson"
    assert refusal.details == {"field": "actor.id", "rule": "R-12", "clause": "III.4"}
    recorded = (await waiting.case.recorded("message.refused", before + 1))[before:]
    assert [(e.actor_id, e.detail["type"]) for e in recorded] == [(person, "SamePerson")]


# ---- the rest, row by row --------------------------------------------------------------------------

_FULL = {"place": "3-2-501", "persons": ["Wang"], "words": "no", "evidence": "photo"}
_REFUSED = {"notice_id": "<yellow>", "outcome": "refused"}
_FILING = SAMPLES["record_filing"][2]
_DELAY = SAMPLES["declare_delay"][2]

ROWS: list[tuple[str, str, str, dict[str, Any], str, str | None]] = [
    # type, state, update, payload, actor, field
    ("UnknownNotice", "yellow", "record_delivery", {"notice_id": "n-0", "outcome": "signed"}, "reader", "notice_id"),
    (
        "UnknownNotice",
        "served",
        "decide_approval",
        {"notice_id": "n-0", "decision": "approved"},
        "company_leader",
        "notice_id",
    ),
    ("UnknownNotice", "served", "record_filing", {**_FILING, "notice_id": "n-0"}, "liaison", "notice_id"),
    ("UnknownTicket", "window", "acknowledge_ticket", {"ticket_id": "t-0"}, "field_crew", "ticket_id"),
    ("UnknownTicket", "window", "record_final_notice", {"ticket_id": "t-0", "how": "phone"}, "reader", "ticket_id"),
    (
        "UnknownTicket",
        "window",
        "request_permit",
        {"ticket_id": "t-0", "meter_id": "<meter>"},
        "field_crew",
        "ticket_id",
    ),
    ("UnknownTicket", "window", "report_not_cut", {"ticket_id": "t-0", "reason": "gate"}, "field_crew", "ticket_id"),
    (
        "UnknownTicket",
        "window",
        "report_meter_uncertain",
        {"ticket_id": "t-0", "meter_id": "<meter>", "remark": "two"},
        "field_crew",
        "ticket_id",
    ),
    (
        "UnknownTicket",
        "doubted",
        "verify_meter",
        {"ticket_id": "t-0", "meter_id": "<meter>", "confirmed": True},
        "reader",
        "ticket_id",
    ),
    (
        "UnknownEscalation",
        "refused",
        "acknowledge_escalation",
        {"escalation_id": "e-0", "remark": "read"},
        "team_leader",
        "escalation_id",
    ),
    (
        "UnknownIncident",
        "dark",
        "close_incident",
        {"incident_id": "i-0", "outcome": "none"},
        "centre_director",
        "incident_id",
    ),
    # MissingEvidence
    ("MissingEvidence", "yellow", "record_delivery", _REFUSED, "reader", "refusal.place"),
    ("MissingEvidence", "yellow", "record_delivery", {**_REFUSED, "refusal": {}}, "reader", "refusal.place"),
    (
        "MissingEvidence",
        "yellow",
        "record_delivery",
        {**_REFUSED, "refusal": {**_FULL, "persons": []}},
        "reader",
        "refusal.persons",
    ),
    (
        "MissingEvidence",
        "yellow",
        "record_delivery",
        {**_REFUSED, "refusal": {**_FULL, "evidence": " "}},
        "reader",
        "refusal.evidence",
    ),
    # TooEarly
    (
        "TooEarly",
        "yellow",
        "record_delivery",
        {"notice_id": "<yellow>", "outcome": "signed", "delivered_at": "<now+1h>"},
        "reader",
        "delivered_at",
    ),
    (
        "TooEarly",
        "yellow",
        "record_delivery",
        {"notice_id": "<yellow>", "outcome": "signed", "delivered_at": "<now-2h>"},
        "reader",
        "delivered_at",
    ),
    (
        "TooEarly",
        "window",
        "record_final_notice",
        {"ticket_id": "<ticket>", "how": "phone", "told_at": "<now+1h>"},
        "reader",
        "told_at",
    ),
    (
        "TooEarly",
        "window",
        "report_not_cut",
        {"ticket_id": "<ticket>", "reason": "gate", "at": "<now+1h>"},
        "field_crew",
        "at",
    ),
    (
        "TooEarly",
        "doubted",
        "verify_meter",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "confirmed": True, "at": "<now+1h>"},
        "reader",
        "at",
    ),
    (
        "TooEarly",
        "dark",
        "declare_delay",
        {**_DELAY, "customer_told_at": "<now+1h>"},
        "team_leader",
        "customer_told_at",
    ),
    ("TooEarly", "dark", "declare_delay", {**_DELAY, "leader_told_at": "<now+1h>"}, "team_leader", "leader_told_at"),
    (
        "TooEarly",
        "yellow",
        "record_promise",
        {"promise_id": "p-2", "amount": "5.00", "until": "<today-1>"},
        "reader",
        "until",
    ),
    (
        "TooEarly",
        "yellow",
        "agree_plan",
        {"plan_id": "pl-3", "instalments": [{"due": "<today-1>", "amount": "200.00"}]},
        "team_leader",
        "instalments.0.due",
    ),
    # TooLate
    (
        "TooLate",
        "slipped",
        "decide_approval",
        {"notice_id": "<void>", "decision": "rejected"},
        "centre_director",
        "notice_id",
    ),
    ("TooLate", "slipped", "record_filing", {**_FILING, "notice_id": "<void>"}, "liaison", "notice_id"),
    ("TooLate", "slipped", "acknowledge_ticket", {"ticket_id": "<ticket>"}, "field_crew", "ticket_id"),
    ("TooLate", "slipped", "record_final_notice", {"ticket_id": "<ticket>", "how": "phone"}, "reader", "ticket_id"),
    (
        "TooLate",
        "slipped",
        "report_meter_uncertain",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "remark": "two"},
        "field_crew",
        "ticket_id",
    ),
    (
        "TooLate",
        "slipped",
        "verify_meter",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "confirmed": True},
        "reader",
        "ticket_id",
    ),
    ("TooLate", "dark", "declare_delay", _DELAY, "team_leader", None),
    (
        "TooLate",
        "yellow",
        "record_promise",
        {"promise_id": "p-3", "amount": "5.00", "until": "<today+31>"},
        "reader",
        "until",
    ),
    # NotWaiting
    (
        "NotWaiting",
        "yellow_served",
        "record_delivery",
        {"notice_id": "<yellow>", "outcome": "undeliverable"},
        "reader",
        "notice_id",
    ),
    (
        "NotWaiting",
        "refused",
        "decide_approval",
        {"notice_id": "<red>", "decision": "approved"},
        "centre_director",
        "notice_id",
    ),
    (
        "NotWaiting",
        "yellow",
        "decide_approval",
        {"notice_id": "<yellow>", "decision": "approved"},
        "centre_director",
        "notice_id",
    ),
    (
        "NotWaiting",
        "yellow",
        "record_filing",
        {"purpose": "filing", "reference": "17", "authority": "bureau"},
        "liaison",
        "notice_id",
    ),
    ("NotWaiting", "yellow", "record_filing", {**_FILING, "notice_id": "<yellow>"}, "liaison", "notice_id"),
    ("NotWaiting", "dark", "record_final_notice", {"ticket_id": "<ticket>", "how": "phone"}, "reader", "ticket_id"),
    (
        "NotWaiting",
        "slipped",
        "report_not_cut",
        {"ticket_id": "<ticket>", "reason": "gate"},
        "field_crew",
        "ticket_id",
    ),
    ("NotWaiting", "dark", "report_not_cut", {"ticket_id": "<ticket>", "reason": "gate"}, "field_crew", "ticket_id"),
    (
        "NotWaiting",
        "dark",
        "report_meter_uncertain",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "remark": "two"},
        "field_crew",
        "ticket_id",
    ),
    (
        "NotWaiting",
        "window",
        "verify_meter",
        {"ticket_id": "<ticket>", "meter_id": "<meter>", "confirmed": True},
        "reader",
        "ticket_id",
    ),
    ("NotWaiting", "yellow", "request_restoration", {"request_id": "q-2", "source": "counter"}, "operator", None),
    ("NotWaiting", "yellow", "declare_delay", _DELAY, "centre_director", None),
    (
        "NotWaiting",
        "dark",
        "record_promise",
        {"promise_id": "p-4", "amount": "5.00", "until": "<today+3>"},
        "team_leader",
        None,
    ),
    (
        "NotWaiting",
        "dark",
        "agree_plan",
        {"plan_id": "pl-4", "instalments": [{"due": "<today+3>", "amount": "1.00"}]},
        "centre_director",
        None,
    ),
    ("NotWaiting", "yellow_served", "serve_again", {"reason": "why not"}, "reader", None),
    ("NotWaiting", "dark", "serve_again", {"reason": "why not"}, "team_leader", None),
    ("NotWaiting", "withdrawn", "serve_again", {"reason": "why not"}, "team_leader", None),
    ("NotWaiting", "withdrawn", "withdraw", {"reason": "again"}, "centre_director", None),
]


@pytest.mark.parametrize(
    ("type_", "state", "update", "payload", "actor", "name"),
    ROWS,
    ids=[f"{row[0]}-{row[2]}-{row[1]}-{number}" for number, row in enumerate(ROWS)],
)
async def test_refused_with_its_type_and_the_case_unchanged(
    standing: Standing, type_: str, state: str, update: str, payload: dict[str, Any], actor: str, name: str | None
) -> None:
    """Each row is a message that is well formed and comes from the right person, at the wrong moment or thing."""
    waiting = await standing.at(state)
    refusal = await refusal_of(waiting, update, payload, PEOPLE[actor])
    assert refusal.type == type_, str(refusal)
    assert refusal.details.get("field") == name
    assert name is None or refusal.details.get("clause") or type_ == "TooEarly", "the clause it serves"


async def test_acknowledged_report_needs_no_second_answer(standing: Standing) -> None:
    """NotWaiting: a report that was closed unanswered; one already acknowledged gives its first answer again."""
    waiting = await standing.at("served")
    answer = await waiting.case.update(
        "acknowledge_escalation", "team_leader", escalation_id=waiting.ids["report"], remark="read"
    )
    assert answer == {}


async def test_permit_at_the_wrong_time_meter_or_state_is_no_refusal_but_an_answer(standing: Standing) -> None:
    """R-18: `request_permit` answers `granted: false` with everything unmet, each with rule, clause and both texts."""
    rows = [("slipped", "<meter>", {"R-08", "R-12", "R-15", "R-18"}), ("window", "M-OTHER", {"R-18"})]
    for state, meter, rules in rows:
        waiting = await standing.at(state)
        payload = await filled({"ticket_id": "<ticket>", "meter_id": meter}, waiting)
        answer = await waiting.case.update("request_permit", "field_crew", **payload)
        assert answer["granted"] is False
        assert rules <= {c["rule"] for c in answer["unmet"]}
        assert all(c["clause"] and c["text_zh"] and c["text_en"] for c in answer["unmet"])


async def test_filled_in_moment_of_the_sample_is_the_cases_own(standing: Standing) -> None:
    """TooEarly is judged by the case's clock, weeks ahead of the machine's: five minutes ahead is still fine."""
    waiting = await standing.at("window")
    ahead = await waiting.case.now() + timedelta(minutes=4)
    assert ahead > datetime.now(ahead.tzinfo) + DAY
    answer = await waiting.case.update(
        "record_final_notice",
        "reader",
        ticket_id=waiting.ids["ticket"],
        told_at=ahead.isoformat(),
        how="phone",
    )
    assert answer == {"told": False}, "after T it is too late to count, and yet it is no refusal"
