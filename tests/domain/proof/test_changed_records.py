"""The proof of a case whose customer's record changed: judged by what the record named at each step (R-32)."""

from typing import Any

import pytest

from tests.domain.proof.test_rules import (
    RED,
    RESTORE,
    Step,
    Story,
    breached,
    changed,
    clean,
    cut,
    find,
    permitted,
    proof,
    put_after,
    put_before,
    red_served,
    restored,
    step,
    t,
    ticketed,
    without,
    yellow_served,
)

LEADER = "company_leader c-9"


def record_changed(at: Any, *fields: str, before: Step | None = None, after: Step | None = None) -> Step:
    return step("customer.changed", at, about="3001", fields=list(fields), before=before, after=after, record=2)


def class_changed(at: Any, *, back: bool = False) -> Step:
    named = [{"customer_class": "residential"}, {"customer_class": "non_residential"}]
    before, after = reversed(named) if back else named
    return record_changed(at, "customer_class", before=before, after=after)


def test_a_class_that_changes_after_the_cut_asks_nothing_of_it() -> None:
    story = put_after(clean(), "cut.reported", class_changed(t("11-02", "18:00")))
    assert breached(story, customer_class="non_residential") == set()


@pytest.mark.parametrize("back", [False, True])
def test_a_class_that_changes_before_the_ticket_asks_for_its_approvals(back: bool) -> None:
    """Also one that changed back meanwhile: what was once demanded of a red notice stays so."""
    news = [class_changed(t("10-26", "12:00"))] + ([class_changed(t("10-26", "14:00"), back=True)] if back else [])
    story = put_before(clean(), "approvals.complete", *news)
    assert breached(story, customer_class="residential" if back else "non_residential") == {"R-10", "R-12", "P1"}
    told = step("station_head.told", t("10-26", "12:00"), about=RED)
    given = step("approval.given", t("10-26", "15:00"), LEADER, RED)
    story = put_before(story, "approvals.complete", told, given)
    assert breached(story, customer_class="residential" if back else "non_residential") == set()


def test_an_important_customer_who_is_one_no_longer_was_to_be_filed() -> None:
    news = record_changed(t("11-02", "18:00"), "important", before={"important": True}, after={"important": False})
    story = put_after(clean(), "cut.reported", news)
    assert breached(story) == {"R-14", "P1"}
    assert breached(put_after(clean(), "cut.reported", news), important=True) == {"R-14", "P1"}


def new_holder(at: Any) -> Story:
    """Cut off, then another holder: restored without payment."""
    story = [*yellow_served(), *red_served(), *ticketed(), *permitted(), cut(), record_changed(at, "name")]
    return [*story, *restored()]


def test_supply_of_a_new_holder_is_due_without_payment_from_when_the_case_knew() -> None:
    lines = proof(new_holder(t("11-03", "07:00")))
    assert {rule for rule, line in lines.items() if line.verdict == "breached"} == set()
    assert lines["R-24"].verdict == "met"
    assert lines["R-25"].verdict == "met"
    late = [*new_holder(t("11-02", "09:20"))]
    assert "R-25" in breached(late), "more than 24 hours"
    assert "R-24" in breached(without(late, "customer.changed")), "nothing makes it due"


def test_the_restoration_ticket_of_a_replaced_meter_is_found() -> None:
    news = record_changed(t("11-02", "18:00"), "meter_id", before={"meter_id": "m-9"}, after={"meter_id": "m-10"})
    story = put_after(clean(), "cut.reported", news)
    at = find(story, "ticket.sent", RESTORE)
    story = [*story[:at], {**story[at], "detail": {**story[at]["detail"], "meter_id": "m-10"}}, *story[at + 1 :]]
    assert breached(story) == set()
    assert breached(changed(story, "customer.changed", after={"meter_id": "m-11"})) == {"R-24"}


def test_a_class_that_ended_the_notice_asked_nothing_more_of_it() -> None:
    """R-10: first seen when the ticket is due, it makes the red notice void in the same step."""
    seen = t("11-01", "09:00")
    void = step("notice.void", seen, about=RED, kind="red", reason="another class", counted=False)
    story = [*clean()[: find(clean(), "ticket.sent")], class_changed(seen), void]
    assert breached(story, customer_class="non_residential", closed_at=None) == set()
    later = [*story[:-1], {**void, "at": t("11-01", "10:00"), "recorded_at": t("11-01", "10:00")}]
    assert breached(later, customer_class="non_residential", closed_at=None) == {"R-10"}
