"""A changed record while supply is off: whose meter it is, who restores it, and from when (R-32)."""

from datetime import datetime
from typing import Any

import pytest

from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.issuing import send_restoration_ticket
from domain.case.procedure import IssueNotice, SendRestorationTicket, next_act
from domain.case.restoration import cut_to_answer_for
from domain.case.rulings import SIGNAL_RULINGS, UPDATE_RULINGS
from domain.case.rulings.restoring import request_restoration
from domain.case.views import case_row, restore_due_by, snapshot
from domain.contract import updates as m
from domain.contract.refusals import Refused
from domain.contract.signals import SupplyFoundCut
from domain.vocabulary import Actor
from tests.support.changed_records import present, read_again, taken
from tests.support.one_life import (
    CUT,
    CUT_OFF,
    DAY,
    HOUR,
    MINUTE,
    PAID_AFTER_THE_CUT,
    PAID_BEFORE_THE_CUT,
    PERMIT,
    PLAN,
    RED_SERVED,
    RESTORE,
    SECOND,
    YELLOW_SERVED,
    T,
    account,
    facts,
    ready,
    whats,
)

SPENT = tuple(n.model_copy(update={"spent": True}) for n in (YELLOW_SERVED, RED_SERVED))
REDEEMED = PERMIT.model_copy(update={"state": "redeemed", "answered": True, "ended_at": CUT.at})
HOTLINE = Actor(id="95598", role="hotline")
LATER = T + 5 * HOUR


def cut_off(**changes: Any) -> CaseFacts:
    """Lawfully cut off; the record was last taken over before the cut."""
    given = {"notices": SPENT, "cuts": (CUT,), "permits": (REDEEMED,), "stage": "disconnected", **changes}
    return present(facts(**given))


def restoring(**changes: Any) -> CaseFacts:
    """Its restoration ticket is out."""
    given = {"cuts": (CUT_OFF,), "tickets": (RESTORE,), "stage": "restoring", **changes}
    return cut_off(**given)


def found(case: CaseFacts, meter: str, at: datetime, now: datetime = LATER) -> CaseFacts:
    message = SupplyFoundCut(report_id=f"f-{meter}", meter_id=meter, reported_by="a neighbour", source="hotline", at=at)
    return settle(SIGNAL_RULINGS["supply_found_cut"](case, message, now), now)


def restored(case: CaseFacts, unit: str | None, at: datetime = LATER + 2 * HOUR) -> CaseFacts:
    crew = Actor(id="f-1", role="field_crew", unit=unit)
    message = m.ReportRestored(ticket_id="restore-1", at=at, actor=crew)
    return settle(UPDATE_RULINGS["report_restored"](case, message, at)[0], at)


# ---- the holder -------------------------------------------------------------------------------


def test_a_new_holder_is_restored_without_payment_24_hours_from_when_the_case_knows() -> None:
    before = cut_off()
    after = read_again(before, LATER, "name")
    (cut,) = after.cuts
    assert (cut.restore_since, cut.restore_due_by, cut.settled_at) == (LATER, LATER + DAY, None)
    assert next_act(after, LATER, asking=False) == SendRestorationTicket("cut-1")
    assert restore_due_by(after) == LATER + DAY
    assert after.debt == before.debt
    told = {(msg.to_role, msg.subject) for msg in after.outgoing}
    assert told == {("centre_director", "Customer record changed"), ("team_leader", "Customer record changed")}
    (text,) = [msg.text_en for msg in after.outgoing if msg.to_role == "team_leader"]
    assert "restore supply within 24 hours, paid or not" in text


def test_what_the_former_holder_pays_later_settles_nothing_of_that_cut() -> None:
    case = read_again(cut_off(), LATER, "name")
    paid = settle(case.but(debt=PAID_AFTER_THE_CUT, debt_asked=("B-1",)), LATER + HOUR)
    (cut,) = paid.cuts
    assert (cut.settled_at, cut.restore_since) == (None, LATER)
    assert "settled_at" not in snapshot(paid, LATER + HOUR)
    early = settle(case.but(debt=PAID_BEFORE_THE_CUT, debt_asked=("B-1",)), LATER + HOUR)
    assert early.cuts[0].settled_at is None
    assert [i.kind for i in early.incidents] == ["cut_after_settlement"]


def test_a_cut_that_is_settled_already_keeps_its_hours() -> None:
    settled = CUT_OFF.model_copy(update={"settled_at": T + 3 * HOUR})
    after = read_again(restoring(cuts=(settled,)), LATER, "name")
    assert after.cuts == (settled,)


def test_a_cut_that_a_plan_restores_keeps_its_hours() -> None:
    planned = CUT_OFF.model_copy(update={"settled_at": T + 3 * HOUR, "by_plan": True})
    after = read_again(restoring(cuts=(planned,), plan=PLAN), LATER, "name")
    assert after.cuts[0].restore_since == T + 3 * HOUR


def test_whoever_asks_for_a_new_holder_is_answered_with_the_ticket() -> None:
    case = read_again(cut_off(), LATER, "name")
    asked = m.RequestRestoration(request_id="q-1", source="hotline", actor=HOTLINE)
    _, answer = request_restoration(case, asked, LATER + MINUTE)
    assert answer.ticket_id == "restore-1"


def test_once_restored_the_new_holder_gets_his_own_yellow_notice() -> None:
    case = read_again(cut_off(), LATER, "name")
    case, _ = send_restoration_ticket(case, "cut-1", LATER)
    back = restored(case, "FU-1").but(looked_at=LATER + 2 * HOUR, hints_answered=case.hints)
    assert back.stage == "yellow_notice"
    assert next_act(back, LATER + 2 * HOUR, asking=False) == IssueNotice("yellow")


def test_no_restoration_in_24_hours_is_a_breach_for_a_new_holder_too() -> None:
    case = read_again(cut_off(), LATER, "name")
    assert [i.kind for i in settle(case, LATER + DAY).incidents] == ["restoration_breach"]


@pytest.mark.parametrize("cut_before_the_change", [True, False])
def test_a_cut_reported_after_the_change_of_holder(cut_before_the_change: bool) -> None:
    """Under a permit that was live then it was lawful, and is restored unpaid; after its revocation it was not."""
    changed_at = T + 6 * MINUTE
    case = read_again(present(ready(permits=(PERMIT,))), changed_at, "name")
    cut_at = changed_at - MINUTE if cut_before_the_change else changed_at + MINUTE
    crew = Actor(id="f-1", role="field_crew", unit="FU-1")
    report = m.ReportCut(ticket_id="ticket-1", meter_id="M-1", at=cut_at, actor=crew)
    now = T + 10 * MINUTE
    case, answer = UPDATE_RULINGS["report_cut"](case, report, now)
    case = settle(case, now)
    (cut,) = case.cuts
    assert getattr(answer, "lawful") is cut_before_the_change  # noqa: B009
    assert (cut.restore_since, cut.settled_at, cut.new_holder) == (now, None, cut_before_the_change)


def test_supply_found_cut_under_a_permit_is_restored_at_once_for_a_new_holder() -> None:
    """Nobody waits for the crew: supply is due whoever cut it."""
    case = found(present(ready(permits=(PERMIT,))), "M-1", T + 2 * MINUTE, T + 3 * MINUTE)
    assert case.cuts == ()
    case = read_again(case, T + 4 * MINUTE, "name")
    assert [c.restore_since for c in case.cuts] == [T + 4 * MINUTE]


def test_a_cut_of_the_new_holder_himself_waits_for_his_payment() -> None:
    case = read_again(present(facts(notices=(YELLOW_SERVED,))), T - 30 * DAY, "name")
    case = settle(case.but(cuts=(CUT,), notices=SPENT, stage="disconnected"), LATER)
    assert case.cuts[0].restore_since is None


# ---- the meter --------------------------------------------------------------------------------


@pytest.mark.parametrize("meter", ["M-1", "M-2", "M-3"])
def test_a_report_about_any_meter_named_since_the_cut_is_about_our_cut(meter: str) -> None:
    case = taken(cut_off(), T + HOUR, meter_id="M-2")
    case = taken(case, T + 2 * HOUR, number=3, meter_id="M-3")
    after = found(case, meter, T + 3 * HOUR)
    assert (after.cuts, after.incidents) == (case.cuts, ())
    assert cut_to_answer_for(after) == case.cuts[0]
    assert snapshot(after, LATER)["cut_at"]


def test_a_meter_that_was_never_his_is_another_customers() -> None:
    case = taken(cut_off(), T + HOUR, meter_id="M-2")
    after = found(case, "M-9", T + 3 * HOUR)
    assert [i.kind for i in after.incidents] == ["wrong_meter"]
    assert cut_to_answer_for(after) == case.cuts[0]


def test_two_exports_that_alternate_lose_no_meter() -> None:
    case = cut_off()
    for number in range(2, 8):
        case = taken(case, T + number * HOUR, number=number, meter_id="M-1" if number % 2 else "M-2")
    for meter in ("M-1", "M-2"):
        assert found(case, meter, T + 8 * HOUR).incidents == ()


@pytest.mark.parametrize(("at", "kind"), [(T - 20 * DAY, "unauthorised_cut"), (T - 20 * DAY + 3 * HOUR, "wrong_meter")])
def test_a_former_meter_found_cut_was_his_until_billing_named_another(at: datetime, kind: str) -> None:
    """With supply on: before the case learned of the change the report is of his own supply, and restored as such."""
    case = taken(present(facts(notices=(YELLOW_SERVED,))), T - 20 * DAY + 2 * HOUR, meter_id="M-2")
    after = found(case, "M-1", at, T - 20 * DAY + 4 * HOUR)
    assert [i.kind for i in after.incidents] == [kind]
    _, ticket = send_restoration_ticket(after, after.cuts[0].cut_id, T - 20 * DAY + 4 * HOUR)
    assert ticket.meter_id == ("M-2" if kind == "unauthorised_cut" else "M-1")


def test_the_new_meter_found_cut_is_his_own() -> None:
    case = taken(present(facts(notices=(YELLOW_SERVED,))), T - 20 * DAY, meter_id="M-2")
    assert [i.kind for i in found(case, "M-2", T - 19 * DAY, T - 19 * DAY).incidents] == ["unauthorised_cut"]


def test_the_restoration_ticket_names_the_meter_now_installed() -> None:
    case = taken(cut_off(), T + HOUR, meter_id="M-2")
    paid = settle(case.but(debt=PAID_AFTER_THE_CUT, debt_asked=("B-1",)), LATER)
    sent, ticket = send_restoration_ticket(paid, "cut-1", LATER)
    assert ticket.meter_id == "M-2"
    assert restored(sent, "FU-1").cuts_off == ()


def test_a_ticket_that_is_out_is_amended_and_its_crew_notified() -> None:
    before = restoring()
    after = taken(before, LATER, meter_id="M-2")
    (ticket,) = after.tickets
    assert (ticket.meter_id, ticket.state) == ("M-2", before.tickets[0].state)
    assert "ticket.amended" in whats(before, after)
    (said,) = [msg for msg in after.outgoing if msg.to_role == "field_crew"]
    assert (said.to_unit, said.subject, said.about) == ("FU-1", "ticket amended", "restore-1")
    assert "the meter now installed is M-2" in said.text_en
    assert "现装表号 M-2" in said.text_zh
    (task,) = [t for t in case_row(after, 1, LATER).tasks if t.act == "report_restored"]
    assert "record changed on 2026-12-15: meter" in task.text_en


def test_the_ticket_of_another_customers_meter_is_left_alone() -> None:
    """The debtor's new meter and address are nothing to his neighbour's crew."""
    case = found(cut_off(), "M-9", T + HOUR, T + HOUR)
    case, ticket = send_restoration_ticket(case, case.cuts[1].cut_id, T + HOUR)
    after = taken(case, LATER, "address", meter_id="M-2")
    assert after.ticket(ticket.ticket_id) == case.ticket(ticket.ticket_id)
    assert [msg.subject for msg in after.outgoing[len(case.outgoing) :]] == ["Customer record changed"]


def test_one_restoration_ends_the_cut_found_at_the_new_meter_and_our_own() -> None:
    """The crew cut the old meter; before it reported, the new one was found without supply."""
    case = taken(present(ready(permits=(PERMIT,))), T + 2 * MINUTE, meter_id="M-2")
    case = found(case, "M-2", T + 3 * MINUTE, T + 4 * MINUTE)
    assert len(case.cuts) == 1, "its permit was over when supply was found cut"
    crew = Actor(id="f-1", role="field_crew", unit="FU-1")
    report = m.ReportCut(permit_id="permit-1", meter_id="M-1", at=T + 90 * SECOND, actor=crew)
    case, answer = UPDATE_RULINGS["report_cut"](case, report, T + 5 * MINUTE)
    assert getattr(answer, "lawful") is True  # noqa: B009
    case, ticket = send_restoration_ticket(settle(case, T + 5 * MINUTE), case.cuts[0].cut_id, T + 5 * MINUTE)
    back = m.ReportRestored(ticket_id=ticket.ticket_id, at=LATER, actor=crew)
    assert UPDATE_RULINGS["report_restored"](case, back, LATER)[0].cuts_off == ()


def test_a_permit_of_the_former_meter_may_explain_what_is_found_at_the_new_one() -> None:
    case = taken(present(ready(permits=(PERMIT,))), T + 10 * MINUTE, meter_id="M-2")
    after = found(case, "M-2", T + 5 * MINUTE, T + 12 * MINUTE)
    assert after.cuts == ()
    assert after.permits[0].found_dark_at == T + 5 * MINUTE


# ---- the field unit ---------------------------------------------------------------------------


def test_a_restoration_ticket_is_held_by_both_units_and_the_report_of_either_counts() -> None:
    before = restoring()
    after = taken(before, LATER, field_unit="FU-2")
    (ticket,) = after.tickets
    assert (ticket.field_unit, ticket.also_held_by, ticket.state) == ("FU-2", ("FU-1",), "sent")
    tasks = {(t.act, t.unit) for t in case_row(after, 1, LATER).tasks if t.role == "field_crew"}
    assert tasks == {
        ("acknowledge_ticket", "FU-2"),
        ("acknowledge_ticket", "FU-1"),
        ("report_restored", "FU-2"),
        ("report_restored", "FU-1"),
    }
    said = {msg.to_unit: msg.text_en for msg in after.outgoing if msg.to_role == "field_crew"}
    assert set(said) == {"FU-1", "FU-2"}
    assert all("FU-2 and FU-1 hold it" in text for text in said.values())
    for unit in ("FU-1", "FU-2"):
        assert restored(after, unit).cuts_off == ()
    assert [c.cut_id for c in restored(after, "FU-3").cuts_off] == ["cut-1"]


@pytest.mark.parametrize(("unit", "may"), [("FU-1", True), ("FU-2", True), ("FU-3", False)])
def test_each_unit_that_holds_the_ticket_may_acknowledge_it(unit: str, may: bool) -> None:
    case = taken(restoring(), LATER, field_unit="FU-2")
    message = m.AcknowledgeTicket(ticket_id="restore-1", actor=Actor(id="f-1", role="field_crew", unit=unit))
    if may:
        done, _ = UPDATE_RULINGS["acknowledge_ticket"](case, message, LATER + HOUR)
        assert done.tickets[0].state == "acknowledged"
    else:
        with pytest.raises(Refused) as refused:
            UPDATE_RULINGS["acknowledge_ticket"](case, message, LATER + HOUR)
        assert refused.value.type == "NotYourUnit"


def test_a_third_unit_holds_the_ticket_with_both_before_it() -> None:
    case = taken(restoring(), LATER, field_unit="FU-2")
    case = taken(case, LATER + HOUR, number=3, field_unit="FU-3")
    assert case.tickets[0].also_held_by == ("FU-1", "FU-2")
    back = taken(case, LATER + 2 * HOUR, number=4, field_unit="FU-1")
    assert (back.tickets[0].field_unit, back.tickets[0].also_held_by) == ("FU-1", ("FU-2", "FU-3"))


def test_a_ticket_not_sent_yet_goes_to_the_unit_of_the_record_alone() -> None:
    case = taken(cut_off(), T + HOUR, field_unit="FU-2")
    case = settle(case.but(debt=PAID_AFTER_THE_CUT, debt_asked=("B-1",)), LATER)
    _, ticket = send_restoration_ticket(case, "cut-1", LATER)
    assert (ticket.field_unit, ticket.also_held_by) == ("FU-2", ())


# ---- the rest ---------------------------------------------------------------------------------


def test_who_restores_is_notified_of_another_address() -> None:
    before = restoring()
    after = taken(before, LATER, "address")
    assert after.tickets == before.tickets
    (said,) = [msg for msg in after.outgoing if msg.to_role == "field_crew"]
    assert "the address changed" in said.text_en
    assert "用电地址已变更" in said.text_zh


@pytest.mark.parametrize("personal", [("phone",), ("email", "preferred_channel")])
def test_another_phone_is_nothing_to_who_restores(personal: Any) -> None:
    after = taken(restoring(), LATER, *personal)
    assert [msg.to_role for msg in after.outgoing] == ["team_leader"]


def test_everything_at_once_while_the_ticket_is_out() -> None:
    """Holder, meter and unit change in one read: one ticket, one message a unit, one report."""
    before = cut_off()
    paid = restoring()
    for case in (before, paid):
        after = read_again(case, LATER, "name", "address", meter_id="M-2", field_unit="FU-2", important=True)
        assert after.account == account(meter_id="M-2", field_unit="FU-2", important=True)
        assert [e.kind for e in after.escalations] == ["record_changed"]
        assert len(after.cuts) == 1
        assert after.cuts[0].restore_since is not None
        crews = [msg.to_unit for msg in after.outgoing if msg.to_role == "field_crew"]
        assert sorted(filter(None, crews)) == (["FU-1", "FU-2"] if case.tickets else [])
        assert after.stage == "restoring"


def test_an_incident_stays_open_through_every_change() -> None:
    case = found(present(facts(notices=(YELLOW_SERVED, RED_SERVED))), "M-1", T - 8 * DAY, T - 8 * DAY)
    after = read_again(case, T - 8 * DAY + HOUR, "name", meter_id="M-2")
    assert after.incidents == case.incidents
    assert after.cuts[0].restore_since == T - 8 * DAY
    assert after.stage == "restoring"
    assert {n.state for n in after.notices} == {"void"}


@pytest.mark.parametrize(
    ("personal", "change"),
    [(("name",), {}), (("address",), {}), ((), {"meter_id": "M-2"}), ((), {"field_unit": "FU-2"})],
)
def test_no_permit_stays_open_through_a_change_that_ends_the_attempt(personal: Any, change: dict[str, Any]) -> None:
    after = read_again(present(ready(permits=(PERMIT,))), T + 2 * MINUTE, *personal, **change)
    assert [p.state for p in after.permits] == ["revoked"]
