"""A case moved to another policy: who may, what keeps its terms, and that no deadline moves forward."""

import inspect
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from domain.case import issuing
from domain.case.conditions import missing_approvals, why_not_cut, why_the_day_is_barred
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.procedure import boundaries
from domain.case.restoration import restoration_due
from domain.case.rulings import UPDATE_RULINGS
from domain.case.rulings.policy import keeping_tolerance
from domain.case.settlement import settled_at, settled_for_supply
from domain.case.views import waiting_for
from domain.contract import updates as m
from domain.contract.refusals import Refused
from domain.law import clock
from domain.law.policy import Approvals, CutHours, Policy
from domain.money.debt import BillPayment
from domain.vocabulary import Actor
from tests.support.drawn_cases import CASES, NOW, WINTER, policies
from tests.support.one_life import (
    CUT,
    DAY,
    HOUR,
    MINUTE,
    OLD,
    PERMIT,
    PROMISE,
    RED,
    RED_BY,
    SETTLED,
    YELLOW_ISSUED,
    YELLOW_SERVED,
    T,
    facts,
    ready,
    served,
    whats,
)

OPERATOR = Actor(id="o-1", role="operator")
STRICT = Policy(
    name="strict",
    red_notice_days=10,
    yellow_payment_days=14,
    ticket_lead_hours=48,
    final_notice_minutes=30,
    min_overdue_days=60,
    protected_seasons=(WINTER,),
    restore_hours=12,
    restore_warnings_hours=(4, 8),
    approvals=Approvals(residential=("centre_director", "company_leader")),
)
LAX = Policy(
    name="lax",
    red_notice_days=3,
    yellow_payment_days=1,
    delivery_allowance_days=1,
    cut_hours=CutHours(start="08:00", end="10:00"),
    approvals=Approvals(residential=("team_leader",)),
)


def changed(before: CaseFacts, policy: Policy, now: datetime, actor: Actor = OPERATOR) -> CaseFacts:
    """The facts after the message, with what follows from it at once."""
    message = m.ChangePolicy(policy=policy, reason="cold wave", actor=actor)
    return settle(keeping_tolerance(before, UPDATE_RULINGS["change_policy"](before, message, now)[0], now), now)


# ---- the act ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reader", "team_leader", "centre_director", "field_crew", "hotline", "liaison"])
def test_only_an_operator_or_the_company_leader_moves_a_case(role: Any) -> None:
    """A centre director would choose by it who approves besides himself."""
    with pytest.raises(Refused) as refused:
        changed(served(), LAX, RED_BY, Actor(id="x", role=role))
    assert refused.value.type == "NotAllowed"
    assert changed(served(), LAX, RED_BY, Actor(id="c-1", role="company_leader")).policy == LAX


def test_the_act_is_evidence_with_both_policies_whole_and_the_leader_is_notified() -> None:
    before = served()
    after = changed(before, STRICT, RED_BY + DAY)
    assert "policy.changed" in whats(before, after)
    entry = next(e for e in after.journal if e.what == "policy.changed")
    assert (entry.actor_id, entry.rule, entry.clause) == ("o-1", "R-30", "II.0")
    assert (entry.detail["before"], entry.detail["after"]) == ("reading-centre@1", "strict@1")
    assert Policy.model_validate(entry.detail["terms_before"]) == before.policy
    assert Policy.model_validate(entry.detail["terms_after"]) == STRICT
    assert entry.detail["keeps_its_terms"] == ["yellow-1", "red-1"]
    assert [msg.to_role for msg in after.outgoing if msg.subject == "policy changed"] == ["team_leader"]


def test_the_policy_in_force_again_changes_nothing() -> None:
    once = changed(served(), STRICT, RED_BY)
    assert changed(once, STRICT, RED_BY + HOUR) == once


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        pytest.param(Policy(name="x", timezone="Asia/Urumqi"), "policy.timezone", id="zone"),
        pytest.param(Policy(name="x", currency="USD"), "policy.currency", id="currency"),
        pytest.param(Policy(red_notice_days=10), "policy.version", id="same_label_other_terms"),
    ],
)
def test_a_policy_that_the_case_cannot_have_is_refused_by_field(policy: Policy, field: str) -> None:
    with pytest.raises(Refused) as refused:
        changed(served(), policy, RED_BY)
    assert (refused.value.type, refused.value.details["field"]) == ("BadRequest", field)


# ---- what stands ------------------------------------------------------------------------------


def test_a_red_notice_keeps_its_time_and_its_seven_days() -> None:
    after = changed(served(notices=(YELLOW_SERVED, RED)), LAX, RED_BY - HOUR)
    assert after.red is not None
    assert after.red.cut_at == T
    assert after.terms(after.red).red_notice_days == 7
    late = settle(after, RED_BY + MINUTE)
    assert late.red is None, "not delivered 7 × 24 h before: void, though the new policy asks for 3 days"


def test_what_a_gentler_policy_asks_besides_is_asked_of_the_standing_notice_too() -> None:
    before = served()
    after = changed(before, STRICT, RED_BY + DAY)
    assert missing_approvals(after) == ("company_leader",), "the director has approved, and stays in"
    asked = [msg.to_role for msg in after.outgoing if msg.subject == "approval asked"]
    assert asked == ["company_leader"], "nobody is asked twice"
    assert {"R-21", "R-03", "R-12"} <= {c.rule for c in why_not_cut(after, RED_BY + 2 * DAY)}


def test_a_laxer_policy_drops_no_approval_of_a_standing_notice() -> None:
    after = changed(served(approvals=()), LAX, RED_BY)
    assert missing_approvals(after) == ("centre_director", "team_leader")


def test_an_open_permit_is_revoked_when_the_new_policy_bars_the_cut() -> None:
    """Winter protection on the very morning; a policy that bars nothing leaves the permit alone."""
    before = ready(permits=(PERMIT,))
    assert changed(before, Policy(name="other"), T + 2 * MINUTE).open_permit is not None
    after = changed(before, STRICT, T + 2 * MINUTE)
    assert after.open_permit is None
    assert [msg.subject for msg in after.outgoing if msg.to_role == "field_crew"] == ["permit revoked"]


def test_a_cut_keeps_its_hours_and_a_gentler_policy_only_restores_sooner() -> None:
    dark = facts(cuts=(CUT,), debt=SETTLED, debt_asked=("B-1",), stage="disconnected")
    for policy in (
        Policy(name="x", restore_hours=10, restore_warnings_hours=(4,)),
        Policy(name="y", tolerance=Decimal("1.00")),
    ):
        after = changed(facts(cuts=(CUT,), stage="disconnected"), policy, T + HOUR)
        assert restoration_due(after, "cut-1", T + 2 * HOUR).cuts[0].restore_due_by == T + 26 * HOUR
    blocked = Policy(name="z", late_fee_blocks=True)
    assert (
        settle(changed(dark.but(debt=facts().debt), blocked, T + HOUR).but(debt=SETTLED), T + 2 * HOUR)
        .cuts[0]
        .restore_since
    ), "settled by the policy under which he was cut off"


def test_the_next_notices_follow_the_new_policy_but_never_a_time_already_stated() -> None:
    """A yellow notice that stated T; the red one under the laxer policy states no earlier time."""
    after = changed(facts(notices=(YELLOW_SERVED,)), LAX, YELLOW_ISSUED + 2 * DAY)
    _, red = issuing.issue_notice(after, "red", T - 5 * DAY)
    _, would_have = issuing.issue_notice(facts(notices=(YELLOW_SERVED,)), "red", T - 5 * DAY)
    assert red.cut_at >= would_have.cut_at > T
    assert after.policy.label == "lax@1"


def test_a_second_change_keeps_what_began_under_the_first() -> None:
    once = changed(facts(notices=(YELLOW_SERVED,)), STRICT, YELLOW_ISSUED + 2 * DAY)
    with_red = once.but(notices=(YELLOW_SERVED, RED))
    twice = changed(with_red, LAX, RED.issued_at)
    assert twice.yellow
    assert twice.red
    assert twice.terms(twice.yellow) == Policy()
    assert twice.terms(twice.red) == STRICT
    assert twice.required_approvals(twice.red) == ("centre_director", "company_leader", "team_leader")


# ---- no deadline moves forward, whatever stands -----------------------------------------------

Deadline = Callable[[CaseFacts], datetime | date | None]


def of_yellow(count: Callable[..., Any], *what: str) -> Deadline:
    def deadline(f: CaseFacts) -> Any:
        return count(*(getattr(f.yellow, w) for w in what), f.terms(f.yellow)) if f.yellow else None

    return deadline


def of_red(count: Callable[..., Any], *more: Any) -> Deadline:
    def deadline(f: CaseFacts) -> Any:
        return count(*more, f.red.cut_at, f.terms(f.red)) if f.red else None

    return deadline


def of_cut(count: Callable[..., Any]) -> Deadline:
    def deadline(f: CaseFacts) -> Any:
        return count(f.cuts[0].restore_since or T + 3 * HOUR, f.terms(f.cuts[0])) if f.cuts else None

    return deadline


def planned(kind: Any, what: str) -> Deadline:
    """What the next notice would state, issued now."""

    def deadline(f: CaseFacts) -> Any:
        if not f.arrears or (kind == "red") != (f.yellow is not None):
            return None
        return getattr(issuing.issue_notice(f, kind, T - 12 * DAY)[1], what)

    return deadline


def first_allowed(f: CaseFacts) -> datetime | None:
    """The earliest day on which the standing red notice could lead to a cut, by statute."""
    if f.red is None:
        return None
    return clock.start_of_day(max(clock.earliest_cut_day(OLD, p) for p in f.policies_since(f.red)), f.policy)


# For the customer, later is kinder, or the same. Every function of the clock that gives a time stands here once.
NOT_EARLIER: dict[str, tuple[Deadline, ...]] = {
    "yellow_schedule": (planned("yellow", "deadline"), planned("yellow", "cut_at")),
    "red_schedule": (planned("red", "deadline"), planned("red", "cut_at")),
    "yellow_deliver_by": (of_yellow(clock.yellow_deliver_by, "deadline"),),
    "red_issue_time": (of_yellow(clock.red_issue_time, "deadline", "cut_at"),),
    "red_deliver_by": (of_red(clock.red_deliver_by),),
    "ticket_time": (of_red(clock.ticket_time),),
    "ticket_too_late": (of_red(clock.ticket_too_late),),
    "final_notice_time": (of_red(clock.final_notice_time),),
    "window_end": (of_red(clock.window_end),),
    "permit_end": (of_red(clock.permit_end, T + MINUTE),),
    "earliest_cut_day": (first_allowed,),
    "promise_end": (lambda f: clock.promise_end(PROMISE.until, f.policy),),
    "exception_end": (of_cut(clock.exception_end),),
}
# What protects him without supply: not later, and not earlier either, for the crew and the leaders were notified.
UNMOVED: dict[str, tuple[Deadline, ...]] = {
    "restore_due": (of_cut(clock.restore_due), lambda f: f.cuts[0].restore_due_by if f.cuts else None),
    "restore_warning_times": (of_cut(clock.restore_warning_times),),
}
# They say what a day is, or are asked through the others.
NO_DEADLINE = {"local_day", "start_of_day", "end_of_day", "first_cut_time", "cut_days"}


def test_every_function_of_the_clock_that_gives_a_time_is_held_against_a_change() -> None:
    def gives_a_time(function: Any) -> bool:
        return any(word in str(inspect.signature(function).return_annotation) for word in ("date", "Schedule"))

    own = {n: f for n, f in vars(clock).items() if inspect.isfunction(f) and f.__module__ == clock.__name__}
    times = {name for name, function in own.items() if not name.startswith("_") and gives_a_time(function)}
    assert times == {*NOT_EARLIER, *UNMOVED, *NO_DEADLINE}


def moved(before: CaseFacts, policy: Policy, now: datetime) -> CaseFacts:
    """The ruling alone: what the clock itself has brought about by now is in `before` already."""
    message = m.ChangePolicy(policy=policy, reason="x", actor=OPERATOR)
    after: CaseFacts = UPDATE_RULINGS["change_policy"](before, message, now)[0]
    return after


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(before=CASES, policy=policies("new"), another=policies("third"), now=NOW)
def test_no_deadline_moves_forward_whatever_stands(
    before: CaseFacts, policy: Policy, another: Policy, now: datetime
) -> None:
    before = settle(before, now)
    once = moved(before, policy, now)
    for after in (once, moved(once, another, now)):
        for name, (deadline, *rest) in NOT_EARLIER.items():
            for count in (deadline, *rest):
                one, other = count(before), count(after)
                assert one is None or (other is not None and other >= one), name
        for name, counts in UNMOVED.items():
            assert [count(before) for count in counts] == [count(after) for count in counts], name
        held_to = dict[str, list[datetime]]()
        for at, why in boundaries(after):
            held_to.setdefault(why, []).append(at)
        for at, why in boundaries(before):
            # A permit that the new policy forbids ends at once; nothing else may end because of it.
            assert why == "II.7 the permit ends" or at in held_to.get(why, ()), (why, at, held_to)
        by_then = {(a.act, a.id, a.role): a.by for a in waiting_for(after, now)}
        for awaited in waiting_for(before, now):
            assert by_then[awaited.act, awaited.id, awaited.role] == awaited.by, awaited


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(before=CASES, policy=policies("new"), now=NOW)
def test_nothing_that_protects_is_lost(before: CaseFacts, policy: Policy, now: datetime) -> None:
    """Approvals, barred days, restoration: never less than before for what stands."""
    before = settle(before, now)
    after = moved(before, policy, now)
    if before.red and after.red:
        assert set(before.required_approvals(before.red)) <= set(after.required_approvals(after.red))
        asked_now = policy.approvals_for(before.account.customer_class, before.red.amount)
        assert set(asked_now) <= set(after.required_approvals(after.red))
        assert not why_the_day_is_barred(before, before.red) or why_the_day_is_barred(after, after.red)
    for cut in before.cuts:
        settled = settled_at(before, cut, cut.bills, now)
        for paid in (before, before.but(debt=SETTLED)):
            restored = settled_for_supply(paid, cut, settled)
            assert not restored or settled_for_supply(after.but(debt=paid.debt), cut, settled)


def test_what_was_little_enough_when_the_notice_was_issued_stays_enough() -> None:
    """R-11: he paid down to what the policy of his notice lets pass; a stricter one does not cut him off for it."""
    lenient, exact = Policy(name="lenient", tolerance=Decimal("5.00")), Policy(name="exact")
    before = served(policy=lenient)
    assert before.red is not None
    owing = before.debt.owed
    moved = changed(before, exact, RED_BY + DAY)
    (bill,) = moved.debt.bills
    paid = bill.model_copy(
        update={"payments": (BillPayment(payment_id="P-1", amount=owing - 3, paid_at=RED_BY + DAY),)}
    )
    after = settle(moved.but(debt=moved.debt.model_copy(update={"bills": (paid,)})), RED_BY + 2 * DAY)
    assert after.red is None
    assert "debt.settled" in whats(moved, after)
