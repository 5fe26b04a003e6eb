"""Discipline: supply cut without a live permit, by whoever, is an incident, restored at once, and never forgotten."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.world import PEOPLE, Case, Refusal, World


async def found_cut(case: Case, meter_id: str | None = None, report_id: str = "f-1", **more: Any) -> None:
    """Somebody found the customer without supply."""
    await case.signal(
        "supply_found_cut",
        report_id=report_id,
        meter_id=meter_id or f"M-{case.account_id}",
        reported_by="neighbour Wang",
        source="95598",
        **more,
    )


async def incidents(case: Case, count: int = 1) -> list[dict[str, Any]]:
    """The incidents of the case, once there are so many."""
    snap = await case.becomes(lambda s: len(s.get("incidents", [])) >= count, "incidents")
    found: list[dict[str, Any]] = snap["incidents"]
    assert len(found) == count, found
    return found


async def close(case: Case, incident: dict[str, Any], who: str = "centre_director") -> None:
    """A leader says what came of it."""
    await case.update("close_incident", who, incident_id=incident["incident_id"], outcome="the person was warned")


async def assert_unauthorised(case: Case, kind: str = "unauthorised_cut") -> dict[str, Any]:
    """Incident, leaders notified, restoration ticket at once and within 24 hours (R-27)."""
    (incident,) = await incidents(case)
    assert (incident["kind"], incident.get("outcome")) == (kind, None)
    ticket = await case.ticket("restore")
    snap = await case.snapshot()
    left = datetime.fromisoformat(snap["restore_due_by"]) - datetime.fromisoformat(ticket["sent_at"])
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert snap["stage"] == "restoring"
    for leader in ("centre_director", "company_leader"):
        await case.notified(leader, f"incident: {kind}")
    return incident


# ---- found cut (R-27) -------------------------------------------------------------------------


async def test_supply_found_cut_during_the_procedure_is_restored_and_the_procedure_goes_on(world: World) -> None:
    """R-27, R-28: no permit was live: incident, restored at once; the debt is then pursued as after a lifted hold."""
    case = await world.open()
    await case.deliver("yellow")
    await found_cut(case)
    incident = await assert_unauthorised(case)
    assert "neighbour Wang" in incident["persons"]
    await case.restore()
    snap = await case.in_stage("yellow_notice")
    assert snap["incidents"][0].get("outcome") is None
    red = await case.to_red_from_served_yellow()
    assert red["state"] == "to_deliver"  # the procedure does not wait for the incident
    await close(case, incident)
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "restored"


async def test_supply_found_cut_of_an_account_without_a_case(world: World) -> None:
    """R-27: a report opens the case; it starts in `restoring`, and without debt closes once the incident is closed."""
    account_id = await world.customer()
    report = {"report_id": "f-1", "meter_id": f"M-{account_id}", "reported_by": "the customer", "source": "95598"}
    case = await world.open(account_id, signal="supply_found_cut", payload=report)
    incident = await assert_unauthorised(case)
    await case.restore()
    snap = await case.becomes(lambda s: "restored_at" in s)
    assert snap["notices"] == []
    assert ("centre_director", "close_incident") in await case.awaited()
    await close(case, incident)
    assert (await case.result())["outcome"] == "restored"


async def test_a_found_cut_with_debt_is_restored_before_any_notice(world: World) -> None:
    """R-27: the reported cut goes first; the debt is judged once supply is back."""
    account_id = await world.customer()
    await world.bill(account_id)
    report = {"report_id": "f-1", "meter_id": f"M-{account_id}", "reported_by": "the customer", "source": "95598"}
    case = await world.open(account_id, signal="supply_found_cut", payload=report)
    await assert_unauthorised(case)
    assert (await case.snapshot())["notices"] == []
    await case.restore()
    assert (await case.undelivered("yellow"))["amount"] == "200.00"


async def test_a_red_notice_under_way_survives_an_unauthorised_cut_before_the_ticket(world: World) -> None:
    """R-27, R-04: as after a lifted hold: before T - 24 h the notice stands, after it a new one is served."""
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    await found_cut(case)
    await case.restore()
    await case.becomes(lambda s: "restored_at" in s)
    assert (await case.notice("red"))["notice_id"] == red["notice_id"]
    assert (await case.stage()) == "red_notice"


async def test_our_own_cut_found_is_no_incident(world: World) -> None:
    """R-27: our lawful cut of that meter stands unrestored at the time reported."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=1)
    await found_cut(case)
    await case.recorded("cut.found")
    snap = await case.snapshot()
    assert (snap["incidents"], snap["stage"]) == ([], "disconnected")
    assert [t for t in snap["tickets"] if t["kind"] == "restore"] == []


async def test_cut_off_before_our_own_cut_is_an_incident(world: World) -> None:
    """R-27: the lawful cut does not cover what was found hours before it."""
    case = await world.open()
    await case.to_cut()
    await found_cut(case, at=(await case.now() - timedelta(hours=5)).isoformat())
    await assert_unauthorised(case)
    await case.restore()
    snap = await case.becomes(lambda s: "restored_at" in s)
    assert snap["stage"] == "yellow_notice"  # one restoration ends both, and the cut has used up its notices


async def test_found_cut_while_a_permit_is_live_the_crew_is_asked(world: World) -> None:
    """R-27: a permit was live then, so the crew is asked for its report; it cut, and all is lawful."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    await found_cut(case)
    await case.notified("field_crew", "report asked")
    assert (await case.snapshot())["incidents"] == []
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    assert answer == {"lawful": True}
    assert (await case.in_stage("disconnected"))["incidents"] == []


async def test_found_cut_while_a_permit_is_live_but_the_crew_has_not_cut(world: World) -> None:
    """R-27: then somebody else did, and the customer is not left without supply."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await found_cut(case)
    await case.notified("field_crew", "report asked")
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="it was dark already")
    await assert_unauthorised(case)


ANSWERS = {
    "unsure of the meter": ("report_meter_uncertain", {"meter_id": "M-{account}", "remark": "two meters"}),
    "not cut": ("report_not_cut", {"reason": "it was dark already"}),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_found_cut_is_not_forgotten_whatever_the_crew_answers(world: World, answer: str) -> None:
    """R-27, R-24: found cut off under a permit; any answer but "we cut it" makes it unauthorised, paid or not."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await found_cut(case)
    await case.notified("field_crew", "report asked")
    name, payload = ANSWERS[answer]
    filled = {k: v.format(account=case.account_id) for k, v in payload.items()}
    await case.update(name, "field_crew", ticket_id=ticket["ticket_id"], **filled)
    await assert_unauthorised(case)
    await case.pay("200.00")
    await case.restore()


@pytest.mark.parametrize("answered_by", ["the crew", "the team leader"])
async def test_a_cut_found_after_the_answer_is_unauthorised(world: World, answered_by: str) -> None:
    """R-27: it fell inside the permit's life, but whoever was to answer for it has said that nothing was cut."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    found_at = await case.now() + timedelta(minutes=2)
    if answered_by == "the crew":
        await case.pass_time(minutes=3)
        await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="locked gate")
    else:
        await case.pass_time(hours=3)
        snap = await case.becomes(lambda s: any(e["kind"] == "permit_unanswered" for e in s["escalations"]))
        asked = next(e for e in snap["escalations"] if e["kind"] == "permit_unanswered")
        await case.update(
            "acknowledge_escalation", "team_leader", escalation_id=asked["escalation_id"], remark="nothing was cut"
        )
    await found_cut(case, at=found_at.isoformat())
    await assert_unauthorised(case)


async def test_one_found_cut_reported_twice_is_restored_once(world: World) -> None:
    """R-27: reported within the permit's life and after it: one incident, one restoration, whatever the crew says."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await found_cut(case)
    await case.notified("field_crew", "report asked")
    await case.pass_time(minutes=20)  # the permit lapses
    await found_cut(case, report_id="f-2")
    await assert_unauthorised(case)
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="it was dark already")
    await case.restore()
    await case.pass_time(hours=1)
    await incidents(case, 1)
    assert [t["kind"] for t in (await case.snapshot())["tickets"]] == ["cut", "restore"]


@pytest.mark.parametrize("reason", ["withdrawn", "plan"])
async def test_restoration_that_is_due_anyway_does_not_wait_for_the_crew(world: World, reason: str) -> None:
    """R-24, R-25: cut off under a permit, the crew silent, and a withdrawal or plan arrives: restored, whoever cut."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await found_cut(case)
    await case.notified("field_crew", "report asked")
    if reason == "withdrawn":
        await case.update("withdraw", "centre_director", reason="an error of ours")
    else:
        due = (await case.now() + timedelta(days=20)).date().isoformat()
        instalments = [{"due": due, "amount": "200.00"}]
        await case.update("agree_plan", "team_leader", plan_id="p-1", instalments=instalments)
    await assert_unauthorised(case)


async def test_a_cancelled_workflow_goes_on_until_supply_is_restored(world: World) -> None:
    """R-24: Temporal's own "cancel", pressed on a customer who is cut off, is noted and changes nothing."""
    case = await world.open()
    await case.to_cut()
    await case.handle.cancel()
    (noted,) = await case.recorded("message.ignored")
    assert noted.detail["message"] == "cancel"
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


# ---- reported by the wrong person, of the wrong meter, at the wrong time ----------------------


async def test_the_wrong_meter_cut_under_a_permit(world: World) -> None:
    """R-27, R-18: the permit names one meter; another's supply is restored at once, and the permit is gone."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id="M-next-door")
    assert answer["lawful"] is False
    incident = await assert_unauthorised(case, "wrong_meter")
    restore = await case.ticket("restore")
    assert answer == {"lawful": False, "incident_id": incident["incident_id"], "ticket_id": restore["ticket_id"]}
    assert restore["meter_id"] == "M-next-door"
    assert (await case.snapshot())["permit"]["state"] == "revoked"


@pytest.mark.parametrize("who", ["reader", "a crew of another unit"])
async def test_a_cut_by_another_than_the_crew_is_not_lawful(world: World, who: str) -> None:
    """R-18, R-27: only the field unit cuts; whoever else did is named in the incident."""
    case = await world.open()
    await case.to_red()
    actor = PEOPLE["reader"] if who == "reader" else {**PEOPLE["field_crew"], "id": "f-666", "unit": "FU-99"}
    answer = await case.update("report_cut", actor, meter_id=f"M-{case.account_id}")
    incident = await assert_unauthorised(case)
    assert (answer["lawful"], answer["incident_id"]) == (False, incident["incident_id"])
    assert incident["persons"] == [f"{actor['role']} {actor['id']}"]


async def test_a_reader_cutting_under_the_crews_permit_makes_nothing_lawful(world: World) -> None:
    """R-18, R-27: his report redeems no permit; supply is restored at once, and the permit is revoked."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    answer = await case.update("report_cut", "reader", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    incident = await assert_unauthorised(case)
    assert (answer["lawful"], answer["incident_id"]) == (False, incident["incident_id"])
    assert (await case.snapshot())["permit"]["state"] == "revoked"


async def test_cut_after_the_revocation(world: World) -> None:
    """R-27, P2: thrown before the revocation reached the crew: restored at once, with an incident."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    await case.pay("200.00")
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    await case.pass_time(minutes=2)
    answer = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    assert answer["lawful"] is False
    incident = await assert_unauthorised(case)
    await case.restore()
    await close(case, incident)
    assert (await case.result())["outcome"] == "restored"


async def test_cut_first_and_approved_later_is_the_same(world: World) -> None:
    """R-27, III.4: an approval after the fact changes nothing."""
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    answer = await case.update("report_cut", "field_crew", meter_id=f"M-{case.account_id}")
    assert answer["lawful"] is False
    with pytest.raises(Refusal, match="NotWaiting"):
        await case.update("decide_approval", "centre_director", notice_id=red["notice_id"], decision="approved")
    await assert_unauthorised(case)


async def test_cut_without_asking_although_everything_else_is_ready(world: World) -> None:
    """R-18, R-27: in the window, approved, notified, owing: without the permit it is unauthorised all the same."""
    case = await world.open()
    ticket = await case.to_window()
    answer = await case.update("report_cut", "field_crew", ticket_id=ticket["ticket_id"], meter_id=ticket["meter_id"])
    assert answer["lawful"] is False
    await assert_unauthorised(case)
    assert [t["state"] for t in (await case.snapshot())["tickets"] if t["kind"] == "cut"] == ["recalled"]


# ---- incidents (R-28) -------------------------------------------------------------------------


async def test_an_incident_keeps_the_case_open_until_it_has_an_outcome(world: World) -> None:
    """R-28: paid and restored, the case still waits; only a leader closes the incident, with an outcome."""
    case = await world.open()
    await case.notice("yellow")
    await found_cut(case)
    incident = await assert_unauthorised(case)
    await case.pay("200.00")
    await case.restore()
    await case.becomes(lambda s: "restored_at" in s and s["owed"] == "0.00")
    await case.pass_time(days=2)
    assert ("centre_director", "close_incident") in await case.awaited()
    with pytest.raises(Refusal, match="NotAllowed"):
        await close(case, incident, "team_leader")
    with pytest.raises(Refusal, match="UnknownIncident"):
        await close(case, {"incident_id": "no-such-incident"})
    with pytest.raises(Refusal) as refusal:
        await case.update("close_incident", "centre_director", incident_id=incident["incident_id"], outcome=" ")
    assert (refusal.value.type, refusal.value.details["field"]) == ("BadRequest", "outcome")
    assert (await case.stage()) != "closed"
    await close(case, incident, "company_leader")
    assert (await case.result())["outcome"] == "restored"
    (closed,) = await case.recorded("incident.closed")
    assert (closed.clause, closed.actor_role) == ("III.4", "company_leader")


async def test_each_incident_needs_its_own_outcome(world: World) -> None:
    """R-28: two meters cut without right are two incidents, two tickets, two outcomes."""
    case = await world.open()
    await case.notice("yellow")
    await found_cut(case)
    await found_cut(case, "M-next-door", "f-2")
    first, second = await incidents(case, 2)
    assert {first["kind"], second["kind"]} == {"unauthorised_cut", "wrong_meter"}
    await case.becomes(lambda s: len([t for t in s["tickets"] if t["kind"] == "restore"]) == 2)
    await case.pay("200.00")
    await case.restore()
    assert (await case.stage()) == "restoring"
    await case.restore()
    await close(case, first)
    await case.pass_time(hours=1)
    assert (await case.stage()) != "closed"
    await close(case, second)
    assert (await case.result())["outcome"] == "restored"


async def test_an_unauthorised_cut_that_is_not_restored_is_a_breach_too(world: World) -> None:
    """R-25, R-26: the 24 hours run from the arrival of the report."""
    case = await world.open()
    await case.notice("yellow")
    await found_cut(case)
    await assert_unauthorised(case)
    await case.pass_time(hours=24, minutes=1)
    kinds = [i["kind"] for i in await incidents(case, 2)]
    assert kinds == ["unauthorised_cut", "restoration_breach"]
