"""Every refusal of the contract for every update it applies to: type, sentence, details, and the case unchanged."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from domain.contract.tables import UPDATES
from domain.vocabulary import Role
from tests.support.standing_cases import (
    GENTLER,
    SAMPLES,
    Standing,
    Waiting,
    events_at_rest,
    filled,
    refusal_of,
    refusal_to,
)
from tests.support.world import CENTRE, PEOPLE, STATION, UNIT, Refusal, World

DAY = timedelta(days=1)
ROLES: tuple[str, ...] = get_args(Role)
HOME_UNIT = {
    "reader": CENTRE,
    "team_leader": CENTRE,
    "centre_director": CENTRE,
    "station_head": STATION,
    "field_crew": UNIT,
}
# What happened is recorded and judged, whoever reports it: these two are refused only for form.
ONLY_FOR_FORM = ("report_cut", "report_restored")


@pytest.fixture(scope="module")
def standing(world: World) -> Standing:
    """The cases of this file."""
    return Standing(world)


def test_every_update_of_the_contract_has_a_sample() -> None:
    assert set(SAMPLES) == set(UPDATES)


# ---- BadRequest: form ------------------------------------------------------------------------------


async def test_bad_form_is_refused_by_field_and_leaves_no_event(standing: Standing) -> None:
    """BadRequest: a field missing, an unknown role, no payload at all, for every update; refused in the validator."""
    waiting = await standing.at("yellow")
    events, before = await events_at_rest(waiting.case), await waiting.case.snapshot()
    any_ids = Waiting(waiting.case, defaultdict(lambda: "x-0"))
    for update, (_, actor, payload) in SAMPLES.items():
        first = next(name for name, info in UPDATES[update].payload.model_fields.items() if info.is_required())
        good = {**await filled(payload, any_ids), "actor": PEOPLE[actor]}
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
        ("change_policy", {"policy": {}}, "policy"),
        ("change_policy", {"policy": {"name": "x", "version": "1", "red_notice_days": 2}}, "policy"),
        ("change_policy", {"policy": "reading-centre"}, "policy"),
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


def strangers(update: str) -> list[tuple[str, str | None, str]]:
    """Everybody who may not: each wrong role, of its own unit, of another and of none; each right one of another."""
    may = allowed_roles(update)
    wrong = [(role, unit) for role in ROLES if role not in may for unit in (None, HOME_UNIT.get(role), "ELSEWHERE")]
    rows: list[tuple[str, str | None, str]] = [(role, unit, "NotAllowed") for role, unit in dict.fromkeys(wrong)]
    return rows + [(role, "ELSEWHERE", "NotYourUnit") for role in sorted(may & set(HOME_UNIT))]


@pytest.mark.parametrize("update", [name for name in UPDATES if name not in ONLY_FOR_FORM])
async def test_every_act_by_everybody_who_may_not_is_refused_and_recorded(standing: Standing, update: str) -> None:
    """NotAllowed, NotYourUnit (III.4): every update by every role and unit that the contract does not name for it."""
    state, _, payload = SAMPLES[update]
    waiting = await standing.at(state)
    before = {e.key for e in await waiting.case.evidence("message.refused")}
    good, unchanged = await filled(payload, waiting), await waiting.case.snapshot()
    rows = strangers(update)
    actors = [
        {"id": f"x-{n}", "role": role} | ({"unit": unit} if unit else {}) for n, (role, unit, _) in enumerate(rows)
    ]
    at_once = asyncio.Semaphore(8)  # the server holds ten updates of a case at a time

    async def refused(actor: dict[str, str]) -> Refusal:
        async with at_once:
            return await refusal_to(waiting, update, {**good, "actor": actor})

    caught = await asyncio.gather(*(refused(actor) for actor in actors))
    for (role, unit, type_), refusal in zip(rows, caught, strict=True):
        assert refusal.type == type_, (role, unit, str(refusal))
        assert refusal.details["field"] == ("actor.role" if type_ == "NotAllowed" else "actor.unit")
        assert refusal.details["clause"] == "III.4"
        assert (role if type_ == "NotAllowed" else HOME_UNIT[role]) in refusal.message
    assert await waiting.case.snapshot() == unchanged
    recorded = await waiting.case.recorded("message.refused", len(before) + len(rows))
    fresh = {e.actor_id: e for e in recorded if e.key not in before}
    for actor, (role, unit, type_) in zip(actors, rows, strict=True):
        entry = fresh[actor["id"]]
        assert (entry.actor_role, entry.actor_unit, entry.clause) == (role, unit, "III.4")
        assert (entry.detail["message"], entry.detail["type"]) == (update, type_)


def test_the_table_of_strangers_is_whole() -> None:
    """Nobody is left out: every update, every role, and every unit that somebody could have."""
    rows = {update: strangers(update) for update in UPDATES if update not in ONLY_FOR_FORM}
    assert len(rows) == 19
    for update, table in rows.items():
        assert {role for role, _, type_ in table if type_ == "NotAllowed"} == set(ROLES) - allowed_roles(update)
    assert sum(len(table) for table in rows.values()) > 350


async def test_each_report_is_read_by_its_own_rung_alone(standing: Standing) -> None:
    """R-09, R-10: whoever it was not sent to, higher or lower, is NotAllowed."""
    waiting = await standing.at("refused")
    reports = (await waiting.case.snapshot())["escalations"]
    assert {r["rung"] for r in reports} >= {"team_leader", "station_head"}
    for report in reports:
        for role in (r for r in ROLES if r != report["rung"]):
            message = {"escalation_id": report["escalation_id"], "remark": "read"}
            refusal = await refusal_of(waiting, "acknowledge_escalation", message, {"id": f"z-{role}", "role": role})
            assert refusal.type == "NotAllowed"


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

Row = tuple[str, str, str, str, dict[str, Any], str | None]


def row(type_: str, state: str, update: str, actor: str, field: str | None, **changes: Any) -> Row:
    """In that state the sample of that update, with these changes, is refused with that type for that field."""
    return type_, state, update, actor, {**SAMPLES[update][2], **changes}, field


_FULL = {"place": "3-2-501", "persons": ["Wang"], "words": "no", "evidence": "photo"}
_PAST = [{"due": "<today-1>", "amount": "200.00"}]
_ELSEWHERE = GENTLER.model_copy(update={"timezone": "Asia/Urumqi"}).model_dump(mode="json")
_SAME_LABEL = {"name": "reading-centre", "version": "1", "red_notice_days": 10}
_PLAN = [{"due": "<today+3>", "amount": "1.00"}]

ROWS: list[Row] = [
    row("UnknownNotice", "yellow", "record_delivery", "reader", "notice_id", notice_id="n-0"),
    row("UnknownNotice", "served", "decide_approval", "company_leader", "notice_id", notice_id="n-0"),
    row("UnknownNotice", "served", "record_filing", "liaison", "notice_id", notice_id="n-0"),
    row("UnknownTicket", "window", "acknowledge_ticket", "field_crew", "ticket_id", ticket_id="t-0"),
    row("UnknownTicket", "window", "record_final_notice", "reader", "ticket_id", ticket_id="t-0"),
    row("UnknownTicket", "window", "request_permit", "field_crew", "ticket_id", ticket_id="t-0"),
    row("UnknownTicket", "window", "report_not_cut", "field_crew", "ticket_id", ticket_id="t-0"),
    row("UnknownTicket", "window", "report_meter_uncertain", "field_crew", "ticket_id", ticket_id="t-0"),
    row("UnknownTicket", "doubted", "verify_meter", "reader", "ticket_id", ticket_id="t-0"),
    row("UnknownEscalation", "refused", "acknowledge_escalation", "team_leader", "escalation_id", escalation_id="e"),
    row("UnknownIncident", "cut_off", "close_incident", "centre_director", "incident_id", incident_id="i-0"),
    # the record of a refusal
    row("MissingEvidence", "yellow", "record_delivery", "reader", "refusal.place", outcome="refused"),
    row("MissingEvidence", "yellow", "record_delivery", "reader", "refusal.place", outcome="refused", refusal={}),
    *(
        row(
            "MissingEvidence",
            "yellow",
            "record_delivery",
            "reader",
            f"refusal.{part}",
            outcome="refused",
            refusal=record,
        )
        for part, record in (("persons", {**_FULL, "persons": []}), ("evidence", {**_FULL, "evidence": " "}))
    ),
    # before its time, or later than now
    row("TooEarly", "yellow", "record_delivery", "reader", "delivered_at", delivered_at="<now+1h>"),
    row("TooEarly", "yellow", "record_delivery", "reader", "delivered_at", delivered_at="<now-2h>"),
    row("TooEarly", "window", "record_final_notice", "reader", "told_at", told_at="<now+1h>"),
    row("TooEarly", "window", "report_not_cut", "field_crew", "at", at="<now+1h>"),
    row("TooEarly", "doubted", "verify_meter", "reader", "at", at="<now+1h>"),
    row("TooEarly", "cut_off", "declare_delay", "team_leader", "customer_told_at", customer_told_at="<now+1h>"),
    row("TooEarly", "cut_off", "declare_delay", "team_leader", "leader_told_at", leader_told_at="<now+1h>"),
    row("TooEarly", "yellow", "record_promise", "reader", "until", until="<today-1>"),
    row("TooEarly", "yellow", "agree_plan", "team_leader", "instalments.0.due", instalments=_PAST),
    # after its time
    row(
        "TooLate", "slipped", "decide_approval", "centre_director", "notice_id", notice_id="<void>", decision="rejected"
    ),
    row("TooLate", "slipped", "record_filing", "liaison", "notice_id", notice_id="<void>"),
    row("TooLate", "slipped", "acknowledge_ticket", "field_crew", "ticket_id"),
    row("TooLate", "slipped", "record_final_notice", "reader", "ticket_id"),
    row("TooLate", "slipped", "report_meter_uncertain", "field_crew", "ticket_id"),
    row("TooLate", "slipped", "verify_meter", "reader", "ticket_id"),
    row("TooLate", "cut_off", "declare_delay", "team_leader", None),
    row("TooLate", "yellow", "record_promise", "reader", "until", until="<today+31>"),
    # nothing of the kind is awaited
    row("NotWaiting", "yellow_served", "record_delivery", "reader", "notice_id", outcome="undeliverable"),
    row("NotWaiting", "refused", "decide_approval", "centre_director", "notice_id"),
    row("NotWaiting", "yellow", "decide_approval", "centre_director", "notice_id", notice_id="<yellow>"),
    row("NotWaiting", "yellow", "record_filing", "liaison", "notice_id", notice_id=None),
    row("NotWaiting", "yellow", "record_filing", "liaison", "notice_id", notice_id="<yellow>"),
    row("NotWaiting", "cut_off", "record_final_notice", "reader", "ticket_id"),
    row("NotWaiting", "slipped", "report_not_cut", "field_crew", "ticket_id"),
    row("NotWaiting", "cut_off", "report_not_cut", "field_crew", "ticket_id"),
    row("NotWaiting", "cut_off", "report_meter_uncertain", "field_crew", "ticket_id"),
    row("NotWaiting", "window", "verify_meter", "reader", "ticket_id"),
    row("NotWaiting", "yellow", "request_restoration", "operator", None, source="counter"),
    row("NotWaiting", "yellow", "declare_delay", "centre_director", None),
    row("NotWaiting", "cut_off", "record_promise", "team_leader", None),
    row("NotWaiting", "cut_off", "agree_plan", "centre_director", None, instalments=_PLAN),
    row("NotWaiting", "yellow_served", "serve_again", "reader", None),
    row("NotWaiting", "cut_off", "serve_again", "team_leader", None),
    row("NotWaiting", "withdrawn", "serve_again", "team_leader", None),
    row("NotWaiting", "withdrawn", "withdraw", "centre_director", None),
    row("NotWaiting", "withdrawn", "change_policy", "operator", None),
    # another policy that this case cannot have
    row("BadRequest", "yellow", "change_policy", "operator", "policy.timezone", policy=_ELSEWHERE),
    row("BadRequest", "yellow", "change_policy", "company_leader", "policy.version", policy=_SAME_LABEL),
]


@pytest.mark.parametrize(
    ("type_", "state", "update", "actor", "payload", "name"), ROWS, ids=[f"{r[0]}-{r[2]}-{r[1]}-{r[5]}" for r in ROWS]
)
async def test_refused_with_its_type_and_the_case_unchanged(
    standing: Standing, type_: str, state: str, update: str, actor: str, payload: dict[str, Any], name: str | None
) -> None:
    """Each row is a message that is well formed and comes from the right person, at the wrong moment or thing."""
    refusal = await refusal_of(await standing.at(state), update, payload, PEOPLE[actor])
    assert refusal.type == type_, str(refusal)
    assert refusal.details.get("field") == name
    assert refusal.details.get("clause") or type_ == "TooEarly", "the clause it serves"


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
