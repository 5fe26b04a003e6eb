"""A recorded procedure under another policy: later, earlier, not reached, possible, or why it cannot be judged."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.law.calendar import BarredDay, Calendar, Season
from domain.law.policy import Policy
from domain.law.policy_file import load_policy
from domain.replay.policy_replay import Replayed, replay
from tests.domain.proof.test_rules import (
    POLICY,
    RED,
    YELLOW,
    Story,
    at,
    case_file,
    changed,
    clean,
    cut,
    permitted,
    put_after,
    red_served,
    restored,
    settled,
    step,
    t,
    ticketed,
    yellow_served,
)

LEAST = load_policy("statutory-minimum")
SLOWER = Policy(name="slower", delivery_allowance_days=4)
AUTUMN = Season(name_zh="秋", name_en="autumn", first="10-25", last="11-05")
PROTECTED = Policy(name="protected", protected_seasons=(AUTUMN,))
DEAR = Policy(name="dear", min_debt=Decimal("200.00"))
NO_HOLIDAYS = Calendar()


def replayed(story: Story, policy: Policy, calendar: Calendar = NO_HOLIDAYS, **case: object) -> Replayed:
    [line] = replay(case_file(story, **case), policy, calendar, POLICY)
    return line


def paid_late() -> Story:
    """Cut on 2 November, paid a week later."""
    week = t("11-10", "08:00")
    story = changed(clean(), "debt.settled", None, at(week), settled_at=week)
    for what in ("supply.restored", "case.closed"):
        story = changed(story, what, None, at(t("11-10", "12:00")))
    return story


def paid_before(day: str, story: Story) -> Story:
    """Nothing was cut: paid on that day."""
    return [
        *story,
        step("debt.settled", t(day), bills=["b-1"], settled_at=t(day)),
        step("notice.void", t(day), about=RED, kind="red", reason="settled", counted=False),
        step("case.closed", t(day), outcome="settled"),
    ]


def in_hand() -> Story:
    """The red notice is served, and the case goes on."""
    return [*yellow_served(), *red_served()]


@pytest.mark.parametrize(
    ("story", "policy", "verdict", "then_at", "days"),
    [
        pytest.param(clean(), POLICY, "unchanged", "11-02T09:15", 0, id="its_own_policy"),
        pytest.param(paid_late(), SLOWER, "later", "11-04T09:15", 2, id="a_day_more_to_deliver"),
        pytest.param(clean(), SLOWER, "not_reached", "11-04T09:15", 2, id="paid_on_the_third"),
        pytest.param(clean(), LEAST, "earlier", "10-26T09:15", -7, id="three_days_notice"),
        pytest.param(paid_late(), PROTECTED, "later", "11-09T09:15", 7, id="a_protected_season"),
        pytest.param(clean(), PROTECTED, "not_reached", "11-09T09:15", 7, id="paid_within_the_season"),
        pytest.param(in_hand(), SLOWER, "later", "11-04T09:00", 2, id="in_hand"),
        pytest.param(in_hand(), POLICY, "unchanged", "11-02T09:00", 0, id="in_hand_unchanged"),
        pytest.param(yellow_served(), SLOWER, "later", "11-04T09:00", 2, id="yellow_only"),
        pytest.param(paid_before("10-28", in_hand()), POLICY, "unchanged", "11-02T09:00", 0, id="paid_in_time"),
        pytest.param(paid_before("10-28", in_hand()), LEAST, "possible", "10-26T09:00", -7, id="paid_too_late"),
        pytest.param(paid_before("10-20", yellow_served()), LEAST, "unchanged", "10-26T09:00", -7, id="paid_early"),
    ],
)
def test_what_the_other_policy_would_have_done(
    story: Story, policy: Policy, verdict: str, then_at: str, days: int
) -> None:
    line = replayed(story, policy)
    assert (line.verdict, line.days) == (verdict, days)
    assert line.then_at is not None
    assert f"{line.then_at:%m-%dT%H:%M}" == then_at
    assert all(at.tzinfo == policy.zone for at in (line.cut_at, line.then_at, line.paid_at) if at)


def test_a_debt_below_the_least_of_the_other_policy_would_have_had_no_notice() -> None:
    line = replayed(clean(), DEAR)
    assert (line.verdict, line.notices, line.notices_then, line.crew_days_then) == ("not_reached", 2, 0, 0)
    assert "200.00" in line.why_zh
    assert "200.00" in line.why_en


@pytest.mark.parametrize(
    ("story", "policy", "notices", "crew"),
    [
        pytest.param(clean(), POLICY, (2, 2), (2, 2), id="cut_and_restored_either_way"),
        pytest.param(clean(), SLOWER, (2, 2), (2, 0), id="nobody_drives_out"),
        pytest.param(paid_before("10-24", in_hand()), LEAST, (2, 2), (0, 0), id="red_either_way"),
        pytest.param(paid_before("10-22", yellow_served()), LEAST, (1, 2), (0, 0), id="the_red_one_was_out_by_then"),
        pytest.param(paid_before("10-28", in_hand()), LEAST, (2, 2), (0, 2), id="cut_and_restored_for_nothing"),
    ],
)
def test_notices_and_crew_days_are_counted_both_ways(
    story: Story, policy: Policy, notices: tuple[int, int], crew: tuple[int, int]
) -> None:
    line = replayed(story, policy)
    assert (line.notices, line.notices_then) == notices
    assert (line.crew_days, line.crew_days_then) == crew


def slow_reader() -> Story:
    """The red notice took two days and an hour: too long for a policy with two days to deliver."""
    story, late = clean(), t("10-25", "10:00")
    for what in ("notice.delivered", "notice.served"):
        story = changed(story, what, RED, at(late), delivered_at=late)
    return story


def slow_approval() -> Story:
    return changed(clean(), "approvals.complete", None, at(t("10-31")))


def held() -> Story:
    hold = [step("hold.placed", t("10-20"), about="h-1", kind="hardship"), step("hold.lifted", t("10-21"), about="h-1")]
    return put_after(clean(), "notice.served", *hold, about=YELLOW)


def planned_after_the_cut() -> Story:
    return put_after(paid_late(), "cut.reported", step("plan.agreed", t("11-03"), "team_leader t-1", "pl-1"))


def without_due_dates() -> Story:
    return [s for s in clean() if s["what"] != "bill.overdue"]


@pytest.mark.parametrize(
    ("story", "policy", "why"),
    [
        pytest.param(slow_reader(), LEAST, "2 d 1 h to deliver", id="delivered_too_slowly"),
        pytest.param(slow_approval(), LEAST, "approval took 8 d", id="approved_too_slowly"),
        pytest.param(held(), POLICY, "a hold stood from 2026-10-20", id="held"),
        pytest.param(planned_after_the_cut(), SLOWER, "a plan stood from 2026-11-03", id="planned"),
        pytest.param(without_due_dates(), POLICY, "due date", id="no_due_dates"),
    ],
)
def test_what_cannot_be_judged_says_why(story: Story, policy: Policy, why: str) -> None:
    line = replayed(story, policy)
    assert line.verdict == "unknown"
    assert why in line.why_en
    assert line.why_zh
    assert (line.notices_then, line.crew_days_then) == (line.notices, line.crew_days)


def test_a_plan_after_the_cut_matters_only_to_a_cut_that_would_have_come_later() -> None:
    assert replayed(planned_after_the_cut(), POLICY).verdict == "unchanged"
    assert replayed(planned_after_the_cut(), LEAST).verdict == "earlier"


def slipped() -> Story:
    """Nobody came at T: void at the window's end, and another notice at once, for which he was cut off."""
    void = step("notice.void", t("11-02", "11:00"), about=RED, kind="red", reason="nothing was cut inside the window")
    again = t("11-12")
    second = [
        step(
            "notice.issued", t("11-02", "11:00"), about="r-2", kind="red", bills=["b-1"], amount="128.50", cut_at=again
        ),
        step("notice.delivered", t("11-04"), "reader r-017", "r-2", kind="red", delivered_at=t("11-04")),
        step("notice.served", t("11-04"), None, "r-2", kind="red", delivered_at=t("11-04")),
        step("ticket.sent", t("11-11"), about="ct-2", kind="cut", notice_id="r-2", meter_id="m-9"),
        step("half_hour.reached", t("11-12", "08:30"), about="ct-2"),
        step("permit.granted", t("11-12", "09:05"), "field_crew c-1", "p-2", ticket_id="ct-2"),
        step("cut.reported", t("11-12", "09:10"), "field_crew c-1", "cut-1", lawful=True, permit_id="p-2"),
    ]
    half_hour = step("half_hour.reached", t("11-02", "08:30"), about="ct-1")
    return [*yellow_served(), *red_served(), *ticketed(), half_hour, void, *second]


def test_a_slip_slips_under_the_other_policy_too_as_long_after_its_time() -> None:
    same = replayed(slipped(), POLICY)
    assert (same.verdict, same.notices_then, same.crew_days_then) == ("unchanged", 3, 2)
    line = replayed(slipped(), LEAST)
    # T is 26 October; void at 11:00, the next time five days on falls on Saturday, so Monday.
    assert line.then_at is not None
    assert f"{line.then_at.astimezone(POLICY.zone):%m-%dT%H:%M}" == "11-02T09:10"
    assert (line.verdict, line.days) == ("earlier", -10)


def too_late() -> Story:
    """The red notice was delivered a day late, and void; the next one is out."""
    late = t("10-27")
    delivered = step("notice.delivered", late, "reader r-017", RED, kind="red", delivered_at=late)
    void = step("notice.void", late, about=RED, kind="red", reason="delivered too late", counted=True)
    second = step("notice.issued", late, about="r-2", kind="red", bills=["b-1"], amount="128.50", cut_at=t("11-09"))
    return [*yellow_served(), *red_served()[:1], delivered, void, second]


def test_a_notice_that_came_too_late_and_would_have_been_in_time_cannot_be_judged() -> None:
    assert replayed(too_late(), POLICY).verdict == "unchanged"
    assert "would have been in time" in replayed(too_late(), Policy(name="x", delivery_allowance_days=6)).why_en


def test_a_red_notice_that_an_outage_held_up_is_held_up_as_long_under_the_other() -> None:
    """Issued three days after it was due: the delay belongs to the utility, not to the policy."""
    story = in_hand()
    issued, delivered = t("10-26"), t("10-28")
    story = changed(story, "notice.issued", RED, at(issued), cut_at=t("11-05"))
    for what in ("notice.delivered", "notice.served"):
        story = changed(story, what, RED, at(delivered), delivered_at=delivered)
    assert replayed(story, POLICY).verdict == "unchanged"
    assert replayed(story, SLOWER).days == 4, "29 October and three days, then the weekend"


def test_debt_settled_and_opened_again_is_another_procedure() -> None:
    times: dict[str, Any] = {"cut_at": t("11-26"), "deadline": t("11-16", "00:00")}
    second = [step("notice.issued", t("11-05"), about="y-2", kind="yellow", bills=["b-1"], amount="128.50", **times)]
    story = [*paid_before("10-28", in_hand())[:-1], *second]
    lines = replay(case_file(story), SLOWER, NO_HOLIDAYS, POLICY)
    assert [(line.march, line.verdict) for line in lines] == [(1, "unchanged"), (2, "later")]


def test_a_case_that_issued_no_notice_has_nothing_to_replay() -> None:
    assert replay(case_file([step("case.opened", t("10-12"))]), LEAST, NO_HOLIDAYS) == ()
    assert replay(case_file([]), LEAST, NO_HOLIDAYS) == ()


def test_holidays_and_the_class_of_the_customer_count() -> None:
    holiday = Calendar(days=(BarredDay(day=datetime(2026, 11, 2).date(), kind="holiday"),))  # noqa: DTZ001 - a date
    assert replayed(paid_late(), POLICY, holiday).days == 1
    assert replayed(paid_late(), PROTECTED, customer_class="non_residential").verdict == "unchanged"


def test_paid_in_the_very_moment_of_the_cut_counts_as_paid_before() -> None:
    """II.8: paid at any moment before the switch, no cut."""
    moment = t("11-04", "09:15")
    story = [*yellow_served(), *red_served(), *ticketed(), *permitted(), cut(), settled(), *restored()]
    story = changed(story, "debt.settled", None, at(moment), settled_at=moment)
    assert replayed(story, SLOWER).verdict == "not_reached"
    after = moment + timedelta(seconds=1)
    assert replayed(changed(story, "debt.settled", None, at(after), settled_at=after), SLOWER).verdict == "later"
