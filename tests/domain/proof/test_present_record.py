"""A proof shows that the customer's record was read before the cut, and that notices and meter are its own (R-32)."""

from datetime import datetime
from typing import Any

import pytest

from tests.domain.proof.test_rules import (
    CREW,
    CUT_TICKET,
    RED,
    RESTORE,
    Step,
    Story,
    breached,
    changed,
    clean,
    find,
    present,
    proof,
    put_after,
    put_before,
    step,
    t,
    without,
    without_rules,
)


def record_changed(moment: datetime, *fields: str, told: bool = True, **values: tuple[str, str]) -> Story:
    before, after = ({f: both[n] for f, both in values.items()} or None for n in (0, 1))
    said: Step = {"fields": [*fields, *values], "before": before, "after": after, "record": 2}
    news = step("customer.changed", moment, about="3001", **said)
    report = step("escalation.raised", moment, about="esc-9", kind="record_changed", rung="team_leader")
    return [news, report] if told else [news]


def test_the_record_was_read_at_both_moments_of_the_last_half_hour() -> None:
    line = proof(present(clean()))["R-32"]
    assert (line.verdict, line.clause) == ("met", "II.7")
    assert breached(present(clean())) == set()


@pytest.mark.parametrize("when", ["half_hour", "permit"])
@pytest.mark.parametrize(
    "spoilt",
    [{"record_read_at": None}, {"record": None}, {"record_read_at": t("11-02", "08:29").isoformat()}],
    ids=["not read", "no version", "read before"],
)
def test_a_record_not_read_in_the_last_half_hour_is_a_breach(when: str, spoilt: Step) -> None:
    story = present(clean())
    i = next(n for n, s in enumerate(story) if s["what"] == "billing.checked" and s["detail"]["when"] == when)
    story[i] = {**story[i], "detail": {**story[i]["detail"], **spoilt}}
    assert breached(story) == {"R-32", "P1"}
    assert proof(without_rules(story))["R-32"].verdict == "not_reached"
    assert breached(without_rules(story)) == set()


def test_a_record_read_at_half_past_and_not_again_at_the_permit_is_a_breach() -> None:
    story = present(clean())
    i = max(n for n, s in enumerate(story) if s["what"] == "billing.checked")
    story[i] = {**story[i], "detail": {**story[i]["detail"], "record_read_at": t("11-02", "08:30").isoformat()}}
    assert breached(story) == {"R-32", "P1"}


def test_rules_taken_over_in_the_last_half_hour_judge_nothing_before_them() -> None:
    adopted = step("rules.adopted", t("11-02", "08:40"), rules="R-35")
    story = put_after(clean(), "customer.told", adopted)
    i = max(n for n, s in enumerate(story) if s["what"] == "billing.checked")
    story[i] = {**story[i], "detail": {**story[i]["detail"], "named": "128.50"}}
    assert breached(story) == set()
    before = put_before(clean(), "half_hour.reached", {**adopted, "at": t("11-02"), "recorded_at": t("11-02", "08:30")})
    assert "R-32" in breached(before)


STALE: dict[str, tuple[Any, str]] = {
    "another holder since the red notice": (("name",), "10-27"),
    "another holder since the yellow notice": (("name",), "10-20"),
    "another address since the red notice": (("address",), "10-27"),
}


@pytest.mark.parametrize("name", STALE)
def test_no_ticket_on_notices_of_a_former_record(name: str) -> None:
    fields, day = STALE[name]
    change = record_changed(t(day), *fields)
    last = "approvals.complete" if day > "10-23" else "notice.issued"
    story = put_before(present(clean()), last, *change, about=RED)
    assert breached(story) == {"R-32", "P1"}
    assert breached(without_rules(story)) == set()


def test_an_address_that_changed_between_the_notices_voids_none() -> None:
    story = put_before(present(clean()), "notice.issued", *record_changed(t("10-20"), "address"), about=RED)
    assert breached(story) == set()


def test_an_address_that_changed_under_way_to_the_customer_is_another_matter() -> None:
    change = record_changed(t("10-12", "12:00"), "address")
    assert breached(put_before(present(clean()), "notice.delivered", *change)) == {"R-32", "P1"}


def test_a_phone_that_changed_voids_nothing() -> None:
    change = record_changed(t("11-01", "12:00"), "phone", "email", "preferred_channel")
    assert breached(put_after(present(clean()), "ticket.acknowledged", *change)) == set()


def test_no_permit_for_a_meter_that_was_replaced_after_the_approval() -> None:
    story = put_after(present(clean()), "approval.given", *record_changed(t("10-27"), meter_id=("m-8", "m-9")))
    assert breached(story) == {"R-32", "P1"}
    before = put_before(present(clean()), "approval.asked", *record_changed(t("10-25"), meter_id=("m-8", "m-9")))
    assert breached(before) == set(), "before any approval, it is only named as it is now"


def test_no_ticket_for_another_meter_than_the_record_names() -> None:
    change = record_changed(t("10-25"), meter_id=("m-9", "m-10"))
    assert breached(put_before(present(clean()), "approval.asked", *change)) == {"R-32", "P1"}
    spelled = record_changed(t("10-25"), meter_id=("m-8", "Ｍ 9"))
    assert breached(put_before(present(clean()), "approval.asked", *spelled)) == set()


def test_a_change_with_a_permit_open_takes_it_back_at_once() -> None:
    change = record_changed(t("11-02", "09:12"), "name")
    left = step("not_cut.reported", t("11-02", "09:20"), CREW, CUT_TICKET, reason="told to stop")
    story = present(clean())
    open_still = [*story[: find(story, "cut.reported")], *change, left]
    assert breached(open_still) == {"R-32"}
    revoked = step("permit.revoked", t("11-02", "09:12"), about="p-1", reason="another holder")
    assert breached([*open_still[:-1], revoked, left]) == set()


def test_the_team_leader_reads_of_every_change() -> None:
    def story(told: bool) -> Story:
        return put_after(present(clean()), "notice.served", *record_changed(t("10-14"), "phone", told=told))

    assert proof(story(True))["R-32"].verdict == "met"
    assert breached(story(False)) == {"R-32"}
    assert breached(without_rules(story(False))) == set()


def to_a_new_holder(sent: datetime) -> Story:
    """Cut off, then another holder, and nobody pays."""
    story = put_after(present(without(clean(), "debt.settled")), "cut.reported", *record_changed(t("11-03"), "name"))
    return changed(story, "ticket.sent", RESTORE, {"at": sent, "recorded_at": sent})


def test_a_new_holder_without_supply_has_a_restoration_ticket_at_once() -> None:
    assert breached(to_a_new_holder(t("11-03"))) == set()
    assert breached(to_a_new_holder(t("11-03", "09:10"))) == {"R-32"}
    story = to_a_new_holder(t("11-03"))
    none = [s for s in story[: find(story, "supply.restored")] if s["about"] != RESTORE]
    still_off = [*none, step("recheck.requested", t("11-03", "20:00"), about="sweep-1", source="sweep")]
    assert breached(still_off) == {"R-32"}
