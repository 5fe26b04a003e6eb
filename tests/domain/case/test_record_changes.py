"""A changed record before the cut: what is a change, what ends with it, what counts from then on (R-32)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case.conditions import missing_approvals, unmet_for_permit, why_not_cut
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.procedure import IssueNotice, next_act
from domain.case.record_changes import take_record
from domain.case.rulings import UPDATE_RULINGS
from domain.case.views import case_row, snapshot
from domain.contract import updates as m
from domain.customer import RecordRead
from domain.law.calendar import Season
from domain.law.circumstances import CutSlot
from domain.same_words import same_words
from domain.vocabulary import Actor
from tests.support.changed_records import named, present, read_again, taken
from tests.support.one_life import (
    ACKNOWLEDGED,
    APPROVED,
    DAY,
    HALF_HOUR,
    HOLD,
    HOUR,
    MINUTE,
    OPENED,
    PERMIT,
    POLICY,
    PROMISE,
    RED,
    RED_BY,
    RED_ISSUE,
    RED_REFUSED,
    RED_SERVED,
    SENT,
    TICKET_TIME,
    YELLOW,
    YELLOW_ISSUED,
    YELLOW_REFUSED,
    YELLOW_SERVED,
    T,
    account,
    facts,
    ready,
    served,
    ticketed,
    whats,
)

DIRECTOR = Actor(id="d-1", role="centre_director")
LEADER = Actor(id="t-1", role="team_leader")


def messages(before: CaseFacts, after: CaseFacts) -> list[tuple[str, str | None, str]]:
    """Role, unit and subject of every message that was added."""
    return [(msg.to_role, msg.to_unit, msg.subject) for msg in after.outgoing[len(before.outgoing) :]]


def changes_noted(before: CaseFacts, after: CaseFacts) -> list[dict[str, Any]]:
    return [e.detail for e in after.journal[len(before.journal) :] if e.what == "customer.changed"]


def void_reasons(after: CaseFacts) -> dict[str, str | None]:
    return {n.notice_id: n.void_reason for n in after.notices if n.state == "void"}


HOLDER, ADDRESS, METER = (
    "the account has another holder",
    "the address in the record has changed",
    "the meter in the record has changed",
)
UNIT, CLASS = "another field unit takes over", "the class in the record has changed and demands more"


# ---- what is a change -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｍ－１", "m-1"),
        ("M 1", "M1"),
        ("M—1", "M-1"),
        ("M−1", "M-1"),
        ("杭州市西湖区文一路１号", "杭州市 西湖区，文一路1号。"),
        ("阿卜杜·热合曼", "阿卜杜•热合曼"),
        ("+86 138-0000-0000", "8613800000000"),
        ("\u200bZhang San", "ZHANG SAN"),
        ("", "—"),
    ],
)
def test_width_case_blanks_and_punctuation_are_no_difference(one: str, other: str) -> None:
    assert same_words(one, other)
    assert same_words(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("M-1", "M-2"), ("张三", "张三丰"), ("丽", "麗"), ("\ue000", "\ue001"), ("", "1"), ("1²号", "1号")],
)
def test_other_letters_and_figures_are_a_difference(one: str, other: str) -> None:
    """Rare characters of names lie in the private area: they are letters too."""
    assert not same_words(one, other)


@given(st.text(alphabet="张三ABCxyz019Ａｂ１", min_size=1), st.data())
def test_marks_strewn_into_a_text_are_no_change(text: str, data: st.DataObject) -> None:
    strewn = "".join(c + data.draw(st.sampled_from(["", " ", "-", "·", "，", "\u3000"])) for c in text)
    assert same_words(text, strewn)
    assert same_words(text.upper(), strewn)


@pytest.mark.parametrize(
    "spelled",
    [
        {"meter_id": "ｍ-1"},
        {"meter_id": "M 1"},
        {"field_unit": "fu1"},
        {"reader": "R－1"},
        {"region": "r 1"},
        {"reading_centre": "RC1", "team_leader": "T1", "business_station": "bs-1"},
    ],
)
def test_a_record_spelled_otherwise_changes_nothing(spelled: dict[str, str]) -> None:
    before = present(ready(permits=(PERMIT,)))
    after = taken(before, T + 2 * MINUTE, number=7, **spelled)
    assert after == before.but(record_number=7, record_read_at=T + 2 * MINUTE)


def test_an_id_of_nothing_but_marks_is_compared_exactly() -> None:
    before = present(facts(account=account(meter_id="--")))
    assert changes_noted(before, taken(before, OPENED, meter_id="-"))


def test_a_change_is_what_differs_from_what_the_case_took_over() -> None:
    """A read that was repeated, lost or late names the same again; once taken over, it is no change any more."""
    before = present(served())
    once = taken(before, RED_BY + DAY, "phone", number=3, region="R-2")
    (noted,) = changes_noted(before, once)
    assert (noted["fields"], noted["record"]) == (["phone", "region"], 3)
    again = take_record(once, RecordRead(number=3, account=named(once), changed=("phone",)), RED_BY + 2 * DAY)
    assert whats(once, again) == []
    assert again.record_read_at == RED_BY + 2 * DAY


def test_evidence_names_the_fields_and_no_value_of_the_person() -> None:
    before = present(served())
    after = taken(
        before, RED_BY + DAY, "name", "address", "phone", "email", meter_id="M-2", customer_class="non_residential"
    )
    (noted,) = changes_noted(before, after)
    assert noted["fields"] == ["name", "address", "phone", "email", "meter_id", "customer_class"]
    assert noted["before"] == {"meter_id": "M-1", "customer_class": "residential"}
    assert noted["after"] == {"meter_id": "M-2", "customer_class": "non_residential"}
    entry = next(e for e in after.journal if e.what == "customer.changed")
    assert (entry.rule, entry.clause) == ("R-32", "II.2")


def test_a_case_to_which_these_rules_do_not_apply_yet_takes_over_nothing() -> None:
    before = ready(permits=(PERMIT,))
    assert taken(before, T + MINUTE, "name", meter_id="M-2", customer_class="non_residential") == before


def test_an_answer_about_another_account_is_none() -> None:
    before = present(served())
    assert taken(before, RED_BY, "name", account_id="A-2", meter_id="M-2") == before


def test_a_case_from_before_compares_with_the_account_that_it_has() -> None:
    before = served(present_since=RED_BY)
    assert changes_noted(before, taken(before, RED_BY + DAY)) == []
    after = taken(before, RED_BY + DAY, meter_id="M-2")
    assert (after.account.meter_id, void_reasons(after)) == ("M-2", {"red-1": METER})


def test_what_a_person_reassigned_in_a_case_from_before_stands() -> None:
    """Its facts do not know what billing had named, so nothing tells that billing has changed it."""
    before, _ = UPDATE_RULINGS["reassign"](served(), m.Reassign(role="reader", to="r-9", actor=LEADER), RED_BY)
    before = before.but(present_since=RED_BY)
    read = RecordRead(number=1, account=account())
    after = take_record(before, read, RED_BY + DAY)
    assert (after.account.reader, changes_noted(before, after)) == ("r-9", [])
    assert after.record is not None
    assert after.record.reader == "r-1"
    later = taken(after, RED_BY + 2 * DAY, number=2, reader="r-3")
    assert later.account.reader == "r-3"


# ---- the team leader --------------------------------------------------------------------------


def test_the_team_leader_reads_what_changed_and_what_is_to_be_done() -> None:
    before = present(served())
    after = read_again(before, RED_BY + DAY, "name", meter_id="M-2")
    (report,) = [e for e in after.escalations if e.state == "open"]
    assert (report.kind, report.rung, report.fields) == ("record_changed", "team_leader", ("name", "meter_id"))
    (text,) = [msg for msg in after.outgoing if msg.subject == "Customer record changed"]
    assert text.to_person == "t-1"
    assert "record changed (name, meter): the notices are void, deliver the new yellow notice" in text.text_en
    assert "客户档案变更（户名、表号）：原通知书作废，重新送达黄色催费单" in text.text_zh
    (task,) = [t for t in case_row(after, 1, RED_BY + DAY).tasks if t.role == "team_leader"]
    assert "deliver the new yellow notice" in task.text_en
    assert "表号" in task.text_zh


def test_the_report_goes_to_the_leader_whom_the_record_names_now() -> None:
    before = present(served())
    after = taken(before, RED_BY + DAY, "address", team_leader="t-2", reading_centre="RC-2")
    people = {(msg.to_role, msg.to_unit, msg.to_person) for msg in after.outgoing}
    assert people == {("team_leader", "RC-2", "t-2"), ("reader", "RC-2", "r-1")}


def test_a_report_that_nobody_has_read_goes_into_the_next_one() -> None:
    """Two exports that alternate leave one report on the worklist, and not ninety."""
    case = present(served())
    for day in range(1, 6):
        case = taken(case, RED_BY + day * HOUR, "phone" if day % 2 else "email", number=day + 1)
    unread = [e for e in case.escalations if e.state == "open"]
    assert [e.fields for e in unread] == [("phone", "email")]


def test_a_report_that_was_read_is_not_told_again() -> None:
    case = taken(present(served()), RED_BY, "phone")
    report = case.escalations[-1].escalation_id
    case, _ = UPDATE_RULINGS["acknowledge_escalation"](
        case, m.AcknowledgeEscalation(escalation_id=report, remark="seen", actor=LEADER), RED_BY + HOUR
    )
    assert taken(case, RED_BY + DAY, "email", number=3).escalations[-1].fields == ("email",)


# ---- phone, mail, preferred channel -----------------------------------------------------------


@pytest.mark.parametrize("field", ["phone", "email", "preferred_channel"])
def test_another_phone_ends_nothing_and_who_was_notified_was_notified(field: Any) -> None:
    before = present(ready(permits=(PERMIT,)))
    after = read_again(before, T + 2 * MINUTE, field)
    assert whats(before, after) == ["customer.changed", "escalation.raised"]
    assert after.open_permit
    assert after.cut_ticket == before.cut_ticket
    assert after.red == before.red


# ---- name -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "void"),
    [
        pytest.param(facts(notices=(YELLOW,)), YELLOW_ISSUED + HOUR, {"yellow-1"}, id="yellow_not_delivered"),
        pytest.param(facts(notices=(YELLOW_REFUSED,)), YELLOW_ISSUED + 2 * DAY, {"yellow-1"}, id="yellow_refused"),
        pytest.param(facts(notices=(YELLOW_SERVED,)), YELLOW_ISSUED + 2 * DAY, {"yellow-1"}, id="yellow_served"),
        pytest.param(
            facts(notices=(YELLOW_SERVED, RED)), RED_ISSUE + HOUR, {"yellow-1", "red-1"}, id="red_not_delivered"
        ),
        pytest.param(
            facts(notices=(YELLOW_SERVED, RED_REFUSED)), RED_BY - HOUR, {"yellow-1", "red-1"}, id="red_refused"
        ),
        pytest.param(served(), RED_BY + DAY, {"yellow-1", "red-1"}, id="approved"),
        pytest.param(ticketed(), TICKET_TIME + HOUR, {"yellow-1", "red-1"}, id="ticket_out"),
        pytest.param(ready(permits=(PERMIT,)), T + 2 * MINUTE, {"yellow-1", "red-1"}, id="permit_open"),
        pytest.param(served(holds=(HOLD,)), RED_BY + DAY, {"yellow-1", "red-1"}, id="held"),
        pytest.param(served(promise=PROMISE), RED_BY + DAY, {"yellow-1", "red-1"}, id="promised"),
        pytest.param(served(needs_person="rejected"), RED_BY + DAY, {"yellow-1", "red-1"}, id="needs_person"),
    ],
)
def test_what_was_served_on_the_former_holder_serves_nobody_else(before: CaseFacts, now: Any, void: set[str]) -> None:
    before = present(before)
    after = read_again(before, now, "name")
    assert void_reasons(after) == dict.fromkeys(void, HOLDER)
    assert (after.yellow, after.red, after.cut_ticket, after.open_permit) == (None, None, None, None)
    assert after.stage == "yellow_notice"
    assert after.voids_in_a_row == before.voids_in_a_row
    assert after.needs_person == before.needs_person
    assert (after.holds, after.promise) == (before.holds, before.promise)


def test_a_new_yellow_notice_follows_and_the_stages_run_anew() -> None:
    after = read_again(present(served(looked_at=RED_BY + DAY)), RED_BY + DAY, "name")
    assert next_act(after, RED_BY + DAY, asking=False) == IssueNotice("yellow")


def test_the_crew_is_stopped_at_once_and_must_report() -> None:
    before = present(ready(permits=(PERMIT,)))
    after = read_again(before, T + 2 * MINUTE, "name")
    assert ("field_crew", "FU-1", "permit revoked") in messages(before, after)
    assert ("field_crew", "FU-1", "ticket recalled") in messages(before, after)
    assert {t.act for t in case_row(after, 1, T + 2 * MINUTE).tasks if t.role == "field_crew"} == {
        "report_cut",
        "report_not_cut",
    }


# ---- address ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "void"),
    [
        pytest.param(facts(notices=(YELLOW,)), {"yellow-1"}, id="yellow_not_delivered"),
        pytest.param(facts(notices=(YELLOW_REFUSED,)), set(), id="yellow_refused"),
        pytest.param(facts(notices=(YELLOW_SERVED,)), set(), id="yellow_served"),
        pytest.param(facts(notices=(YELLOW_SERVED, RED)), {"red-1"}, id="red_not_delivered"),
        pytest.param(facts(notices=(YELLOW_SERVED, RED_REFUSED)), {"red-1"}, id="red_refused"),
        pytest.param(served(), {"red-1"}, id="red_served"),
        pytest.param(ticketed(), {"red-1"}, id="ticket_out"),
        pytest.param(ready(permits=(PERMIT,)), {"red-1"}, id="permit_open"),
    ],
)
def test_another_address_voids_what_was_not_delivered_and_every_red_notice(before: CaseFacts, void: set[str]) -> None:
    before = present(before)
    after = taken(before, YELLOW_ISSUED + 2 * DAY, "address")
    assert void_reasons(after) == dict.fromkeys(void, ADDRESS)
    assert after.cut_ticket is None
    assert after.open_permit is None
    assert after.voids_in_a_row == {}
    assert after.yellow is None or after.yellow == before.yellow


# ---- meter ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "ends"),
    [
        pytest.param(facts(notices=(YELLOW_SERVED,)), RED_ISSUE, False, id="before_the_red_notice"),
        pytest.param(served(approvals=()), RED_BY + DAY, False, id="no_approval_yet"),
        pytest.param(served(), RED_BY + DAY, True, id="approved"),
        pytest.param(
            served(approvals=(APPROVED.model_copy(update={"notice_id": "red-0"}),)), RED_BY, False, id="another_notice"
        ),
        pytest.param(ticketed(SENT), TICKET_TIME + HOUR, True, id="ticket_out"),
        pytest.param(ready(permits=(PERMIT,)), T + 2 * MINUTE, True, id="permit_open"),
    ],
)
def test_an_approval_and_a_ticket_are_for_the_meter_that_they_name(before: CaseFacts, now: Any, ends: bool) -> None:
    after = read_again(present(before), now, meter_id="M-2")
    assert after.account.meter_id == "M-2"
    assert void_reasons(after) == ({"red-1": METER} if ends else {})
    assert (after.red is None) == (ends or before.red is None)
    assert after.yellow == before.yellow


def test_no_permit_for_a_meter_that_is_not_the_one_of_the_record() -> None:
    """However the ticket came to name another: P1 asks for the meter of the record."""
    late = ready(present_since=OPENED, account=account(meter_id="M-2"))
    assert [c.rule for c in why_not_cut(late, T)] == ["R-32"]
    assert unmet_for_permit(late, T, "ticket-1", "M-1", "f-1")[0].rule == "R-32"


@pytest.mark.parametrize(
    ("read_at", "met"), [(None, False), (HALF_HOUR - MINUTE, False), (HALF_HOUR, True), (T + MINUTE, True)]
)
def test_no_permit_unless_the_record_was_read_in_the_last_half_hour(read_at: Any, met: bool) -> None:
    given = present(ready(), record_read_at=read_at)
    assert [c.rule for c in why_not_cut(given, T + MINUTE)] == ([] if met else ["R-32"])


# ---- class, important -------------------------------------------------------------------------


def test_every_class_since_the_red_notice_demands_its_approvals_and_those_given_stay() -> None:
    before = present(served())
    after = read_again(before, RED_BY + DAY, customer_class="non_residential")
    assert after.red is not None
    assert missing_approvals(after) == ("company_leader",)
    assert after.approvals == before.approvals
    assert ("station_head", "BS-1", "red notice issued") in messages(before, after)
    assert ("company_leader", None, "approval asked") in messages(before, after)
    back = read_again(after, RED_BY + 2 * DAY, number=3, customer_class="residential")
    assert missing_approvals(back) == ("company_leader",)
    assert "station_head.told" not in whats(after, back)
    assert "approval.asked" not in whats(after, back)


def test_a_class_before_the_red_notice_demands_nothing_of_it() -> None:
    case = present(facts(notices=(YELLOW_SERVED,)))
    case = read_again(case, RED_ISSUE - DAY, customer_class="non_residential")
    case = read_again(case, RED_ISSUE - HOUR, number=3, customer_class="residential")
    case = settle(case.but(notices=(YELLOW_SERVED, RED_SERVED)), RED_BY)
    assert missing_approvals(case) == ("centre_director",)


@pytest.mark.parametrize("change", [{"important": True}, {"customer_class": "non_residential"}])
@pytest.mark.parametrize(
    ("before", "now", "ends"),
    [
        pytest.param(served(), TICKET_TIME - MINUTE, False, id="while_there_is_time"),
        pytest.param(served(), TICKET_TIME, True, id="at_the_ticket_time"),
        pytest.param(ticketed(ACKNOWLEDGED), TICKET_TIME + HOUR, True, id="ticket_out"),
        pytest.param(ready(permits=(PERMIT,)), T + 2 * MINUTE, True, id="permit_open"),
    ],
)
def test_a_new_demand_after_the_ticket_time_ends_the_attempt(
    change: dict[str, Any], before: CaseFacts, now: Any, ends: bool
) -> None:
    after = taken(present(before), now, **change)
    assert void_reasons(after) == ({"red-1": CLASS} if ends else {})
    assert after.voids_in_a_row == {}


@pytest.mark.parametrize("change", [{"important": False}, {"customer_class": "residential"}])
def test_what_is_demanded_no_longer_stays_demanded_of_the_standing_notice(change: dict[str, Any]) -> None:
    strict = served(account=account(important=True, customer_class="non_residential"))
    after = read_again(present(strict), RED_BY + DAY, **change)
    assert [c.rule for c in why_not_cut(after, T) if c.rule in ("R-12", "R-14")] == ["R-12", "R-14"]
    assert {t.act for t in case_row(after, 1, RED_BY + DAY).tasks} >= {"record_filing", "decide_approval"}


def test_a_change_that_demands_nothing_new_lets_the_cut_go_on() -> None:
    both = (APPROVED, APPROVED.model_copy(update={"role": "company_leader", "by": "c-1"}))
    before = present(ready(account=account(customer_class="non_residential"), approvals=both, permits=(PERMIT,)))
    after = taken(before, T + 2 * MINUTE, customer_class="residential")
    assert after.open_permit
    assert why_not_cut(after, T + 2 * MINUTE) == ()


def test_a_refusal_of_a_customer_who_is_non_residential_now_awaits_the_station_head() -> None:
    """R-10: acknowledged by the team leader alone it counted; it counts again once the station head has read it."""
    refused = RED_SERVED.model_copy(update={"outcome": "refused"})
    before = present(served(notices=(YELLOW_SERVED, refused), approvals=(APPROVED,)))
    after = read_again(before, RED_BY + DAY, customer_class="non_residential")
    assert after.red is not None
    assert not after.red.served
    assert after.red.delivered_at == RED_BY
    (report,) = [e for e in after.escalations if e.rung == "station_head"]
    head = Actor(id="h-1", role="station_head")
    done, _ = UPDATE_RULINGS["acknowledge_escalation"](
        after, m.AcknowledgeEscalation(escalation_id=report.escalation_id, remark="read", actor=head), RED_BY + 2 * DAY
    )
    assert done.red is not None
    assert not done.red.served, "nobody of the ladder has acknowledged here"


def test_a_refusal_is_a_new_demand_after_the_ticket_time() -> None:
    refused = RED_SERVED.model_copy(update={"outcome": "refused"})
    both = (APPROVED, APPROVED.model_copy(update={"role": "company_leader", "by": "c-1"}))
    before = present(ticketed(notices=(YELLOW_SERVED, refused), approvals=both))
    assert void_reasons(taken(before, TICKET_TIME + HOUR, customer_class="non_residential")) == {"red-1": CLASS}


WINTER = Season(name_zh="冬", name_en="winter", first="11-15", last="03-15", classes=("residential",))
PROTECTS_RESIDENTS = POLICY.model_copy(update={"protected_seasons": (WINTER,)})
PROTECTS_ALL = POLICY.model_copy(
    update={"protected_seasons": (WINTER.model_copy(update={"classes": ("residential", "non_residential")}),)}
)


@pytest.mark.parametrize(("policy", "counted"), [(PROTECTS_RESIDENTS, False), (PROTECTS_ALL, True)])
def test_a_season_that_protects_the_new_class_bars_the_day_and_counts_as_no_slip(policy: Any, counted: bool) -> None:
    both = (APPROVED, APPROVED.model_copy(update={"role": "company_leader", "by": "c-1"}))
    strict = served(account=account(customer_class="non_residential"), approvals=both, policy=policy)
    case = read_again(present(strict), RED_BY + DAY, customer_class="residential")
    assert case.red, "the calendar is read again at T - 24 h, and then decides"
    after = settle(case.but(looked_at=TICKET_TIME), TICKET_TIME)
    assert void_reasons(after) == {"red-1": "the day is barred: protected season, winter"}
    assert (after.voids_in_a_row.get("red", 0), after.records.attempts_ended) == ((1, 0) if counted else (0, 1))


def test_a_season_seen_after_the_ticket_time_ends_the_attempt() -> None:
    both = (APPROVED, APPROVED.model_copy(update={"role": "company_leader", "by": "c-1"}))
    strict = ticketed(account=account(customer_class="non_residential"), approvals=both, policy=PROTECTS_RESIDENTS)
    after = taken(present(strict), TICKET_TIME + HOUR, customer_class="residential")
    assert void_reasons(after) == {"red-1": CLASS}


# ---- units and people -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "notified"),
    [
        ({"reader": "r-2"}, {("reader", "RC-1")}),
        ({"team_leader": "t-2"}, {("team_leader", "RC-1")}),
        ({"reading_centre": "RC-2"}, {("reader", "RC-2"), ("team_leader", "RC-2")}),
        ({"business_station": "BS-2"}, {("station_head", "BS-2")}),
        ({"region": "R-2"}, set()),
        ({"field_unit": "FU-2"}, set()),
    ],
)
def test_whoever_answers_for_the_account_now_is_notified_as_if_it_were_reassigned(
    change: dict[str, Any], notified: set[tuple[str, str]]
) -> None:
    before = present(served())
    after = read_again(before, RED_BY + DAY, **change)
    assert {(role, unit) for role, unit, what in messages(before, after) if what == "reassigned to you"} == notified
    assert after.red == before.red
    (name, value) = next(iter(change.items()))
    assert getattr(after.account, name) == value


def test_a_reassignment_by_hand_stands_until_billing_itself_names_another() -> None:
    before = present(served())
    by_hand, _ = UPDATE_RULINGS["reassign"](before, m.Reassign(role="reader", to="r-9", actor=LEADER), RED_BY)
    same = taken(by_hand, RED_BY + DAY, "phone", number=2)
    assert same.account.reader == "r-9"
    other = taken(same, RED_BY + 2 * DAY, number=3, reader="r-3")
    assert other.account.reader == "r-3"


def test_billing_that_follows_a_reassignment_by_hand_moves_nothing() -> None:
    by_hand, _ = UPDATE_RULINGS["reassign"](
        present(ticketed()), m.Reassign(role="field_unit", to="FU-2", actor=LEADER), TICKET_TIME + HOUR
    )
    after = taken(by_hand, TICKET_TIME + 2 * HOUR, field_unit="FU-2")
    assert after.cut_ticket == by_hand.cut_ticket
    assert [e.fields for e in after.escalations] == [("field_unit",)]


@pytest.mark.parametrize(
    ("before", "now", "ends"),
    [
        pytest.param(served(), RED_BY + DAY, False, id="no_ticket_yet"),
        pytest.param(ticketed(SENT), TICKET_TIME + HOUR, True, id="ticket_out"),
        pytest.param(ready(permits=(PERMIT,)), T + 2 * MINUTE, True, id="permit_open"),
    ],
)
def test_a_cut_ticket_that_lies_with_a_former_unit_is_recalled(before: CaseFacts, now: Any, ends: bool) -> None:
    before = present(before)
    after = taken(before, now, field_unit="FU-2")
    assert void_reasons(after) == ({"red-1": UNIT} if ends else {})
    assert (("field_crew", "FU-1", "ticket recalled") in messages(before, after)) == ends


def test_the_former_units_crew_answers_for_its_permit() -> None:
    """Its worklist asks for it, and its answer is taken, though the account has another unit now."""
    after = read_again(present(ready(permits=(PERMIT,))), T + 2 * MINUTE, field_unit="FU-2")
    tasks = {(t.act, t.unit) for t in case_row(after, 1, T + 2 * MINUTE).tasks if t.role == "field_crew"}
    assert tasks == {("report_cut", "FU-1"), ("report_not_cut", "FU-1")}
    crew = Actor(id="f-1", role="field_crew", unit="FU-1")
    answer = m.ReportNotCut(ticket_id="ticket-1", reason="recalled", actor=crew)
    done, _ = UPDATE_RULINGS["report_not_cut"](after, answer, T + 5 * MINUTE)
    assert all(p.answered for p in done.permits)


def test_a_day_booked_with_the_former_unit_is_booked_anew() -> None:
    before = present(facts(slot=CutSlot(notice_id="case/red-notice/1", day=T.date()), spreads_cuts=True))
    assert taken(before, OPENED + HOUR, field_unit="FU-2").slot is None
    assert taken(before, OPENED + HOUR, "phone", region="R-2").slot == before.slot


# ---- several at once, and again and again -----------------------------------------------------


@pytest.mark.parametrize(
    ("personal", "change", "reason", "void"),
    [
        (("name",), {"meter_id": "M-2", "customer_class": "non_residential"}, HOLDER, {"yellow-1", "red-1"}),
        (("name", "address"), {}, HOLDER, {"yellow-1", "red-1"}),
        (("address",), {"meter_id": "M-2"}, ADDRESS, {"red-1"}),
        ((), {"meter_id": "M-2", "important": True}, METER, {"red-1"}),
        ((), {"field_unit": "FU-2", "customer_class": "non_residential"}, UNIT, {"red-1"}),
    ],
)
def test_of_several_changes_the_one_that_goes_furthest_is_the_reason(
    personal: Any, change: dict[str, Any], reason: str, void: set[str]
) -> None:
    before = present(ready(permits=(PERMIT,)))
    after = read_again(before, T + 2 * MINUTE, *personal, **change)
    assert void_reasons(after) == dict.fromkeys(void, reason)
    assert after.account == named(before, **change)
    assert after.records.attempts_ended == 1
    assert len(changes_noted(before, after)) == 1
    assert whats(before, after).index("customer.changed") < whats(before, after).index("permit.revoked")


def test_after_as_many_attempts_ended_by_changes_the_case_waits_for_a_person() -> None:
    case = present(served())
    for number in range(2, 5):
        assert case.needs_person is None
        case = read_again(case.but(notices=(YELLOW_SERVED, RED_SERVED)), RED_BY + DAY, "address", number=number)
    assert case.needs_person == "changes of the record have ended 3 attempts"
    assert {t.act for t in case_row(case, 1, RED_BY + DAY).tasks if t.role == "team_leader"} >= {"serve_again"}
    again, _ = UPDATE_RULINGS["serve_again"](case, m.ServeAgain(reason="settled now", actor=LEADER), RED_BY + 2 * DAY)
    assert again.needs_person is None
    again = read_again(again.but(notices=(YELLOW_SERVED, RED_SERVED)), RED_BY + 2 * DAY, "address", number=9)
    assert again.needs_person is None, "the count starts anew"


def test_changes_that_end_nothing_are_not_counted() -> None:
    case = present(served())
    for number in range(2, 12):
        case = read_again(case, RED_BY + number * HOUR, "phone", number=number, region=f"R-{number}")
    assert (case.records.attempts_ended, case.needs_person) == (0, None)


def test_a_withdrawn_case_takes_the_record_over_and_ends_nothing_more() -> None:
    case, _ = UPDATE_RULINGS["withdraw"](present(served()), m.Withdraw(reason="error", actor=DIRECTOR), RED_BY)
    after = read_again(case, RED_BY + DAY, "name", meter_id="M-2")
    assert (after.stage, after.account.meter_id, after.records.attempts_ended) == (case.stage, "M-2", 0)


# ---- how it is seen ---------------------------------------------------------------------------


def test_the_snapshot_keeps_its_shape_and_shows_no_person() -> None:
    before = present(ready(permits=(PERMIT,)))
    after = read_again(before, T + 2 * MINUTE, "name", "phone", customer_class="non_residential")
    assert set(snapshot(after, T + 2 * MINUTE)) <= set(snapshot(before, T + 2 * MINUTE))
    assert set(snapshot(after, T)["notices"][1]) - {"void_reason"} <= set(snapshot(before, T)["notices"][1])


def test_the_readers_worklist_says_what_changed() -> None:
    case = read_again(present(facts(notices=(YELLOW,))), YELLOW_ISSUED + HOUR, "address", "phone")
    case = case.but(notices=(*case.notices, YELLOW.model_copy(update={"notice_id": "yellow-2"})))
    (task,) = [t for t in case_row(case, 1, YELLOW_ISSUED + HOUR).tasks if t.act == "record_delivery"]
    assert "record changed on 2026-11-24: address, phone" in task.text_en
    assert "用电地址、联系电话" in task.text_zh


def test_a_worklist_without_a_change_reads_as_before() -> None:
    (task,) = case_row(present(facts(notices=(YELLOW,))), 1, YELLOW_ISSUED).tasks
    assert (task.text_zh, task.text_en) == ("送达通知书并回报", "deliver the notice and report")
