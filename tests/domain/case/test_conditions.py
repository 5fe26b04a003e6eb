"""Why nobody is cut yet, as a table: each condition of P1 alone bars the cut, at the permit too."""

from datetime import datetime, timedelta

import pytest

from domain.case.conditions import unmet_for_permit, why_not_cut
from domain.case.entities import Permit, Withdrawal
from domain.case.facts import CaseFacts
from tests.support.one_life import (
    APPROVED,
    BARRED,
    CUT,
    DAY,
    HOLD,
    LAPSED,
    MINUTE,
    NAME_BOTH,
    NOTIFIED,
    OLD,
    PERMIT,
    PLAN,
    POLICY,
    PROMISE,
    RED_BY,
    RED_SERVED,
    SECOND,
    SETTLED,
    TWO_BILLS,
    WINDOW_END,
    YELLOW,
    YELLOW_SERVED,
    T,
    account,
    debt,
    ready,
)


def test_everything_done_leaves_nothing_unmet() -> None:
    """P1: all conditions met: only billing's answer at the permit remains."""
    assert why_not_cut(ready(), T) == ()
    assert why_not_cut(ready(), WINDOW_END - SECOND) == ()


UNMET: list[tuple[str, CaseFacts, datetime]] = [
    ("R-18", ready(), T - SECOND),
    ("R-18", ready(), WINDOW_END),
    ("R-06", ready(notices=(RED_SERVED,)), T),
    ("R-06", ready(notices=(YELLOW, RED_SERVED)), T),
    ("R-08", ready(notices=(YELLOW_SERVED, RED_SERVED.model_copy(update={"served_at": None}))), T),
    ("R-07", ready(notices=(YELLOW_SERVED, RED_SERVED.model_copy(update={"delivered_at": RED_BY + SECOND}))), T),
    ("R-03", ready(notices=NAME_BOTH, debt=TWO_BILLS), T),
    ("R-11", ready(debt=debt(("B-2", "60.00", OLD))), T),
    ("R-11", ready(debt=SETTLED), T),
    ("R-12", ready(approvals=()), T),
    ("R-12", ready(approvals=(APPROVED.model_copy(update={"decision": "rejected"}),)), T),
    ("R-12", ready(account=account(customer_class="non_residential")), T),
    ("R-14", ready(account=account(important=True)), T),
    ("R-15", ready(tickets=(NOTIFIED.model_copy(update={"state": "sent"}),)), T),
    ("R-16", ready(tickets=(NOTIFIED.model_copy(update={"told_at": None}),)), T),
    ("R-17", ready(tickets=(NOTIFIED.model_copy(update={"billing_answer": None}),)), T),
    ("R-17", ready(tickets=(NOTIFIED.model_copy(update={"billing_answer": "no_answer"}),)), T),
    ("R-19", ready(tickets=(NOTIFIED.model_copy(update={"meter_verdict": "asked"}),)), T),
    ("R-19", ready(tickets=(NOTIFIED.model_copy(update={"meter_verdict": "denied"}),)), T),
    ("R-21", ready(calendar=BARRED), T),
    ("R-21", ready(policy=POLICY.model_copy(update={"no_cut_weekdays": ("tue",)})), T),
    ("R-04", ready(holds=(HOLD,)), T),
    ("R-04", ready(promise=PROMISE), T),
    ("R-04", ready(plan=PLAN), T),
    ("R-04", ready(withdrawn=Withdrawal(reason="error", at=T)), T),
    ("R-04", ready(needs_person="rejected"), T),
    ("R-02", ready(cuts=(CUT,)), T),
]


@pytest.mark.parametrize(("rule", "given", "now"), UNMET, ids=[f"{r[0]}-{n}" for n, r in enumerate(UNMET)])
def test_each_condition_alone_bars_the_cut(rule: str, given: CaseFacts, now: datetime) -> None:
    """P1: one thing amiss, and exactly its condition is unmet; with clause and both texts."""
    (unmet,) = why_not_cut(given, now)
    assert unmet.rule == rule
    assert unmet.clause
    assert unmet.text_zh
    assert unmet.text_en
    assert unmet_for_permit(given, now, "ticket-1", "M-1", "f-1")[0] == unmet, "the permit judges by the same list"


def test_lifted_hold_and_confirmed_meter_bar_nothing() -> None:
    """R-04, R-19: what is over is over: a lifted hold, a kept promise, a meter that the reader confirmed."""
    ended = ready(
        holds=(HOLD.model_copy(update={"ended_at": T - 3 * DAY}),),
        promise=PROMISE.model_copy(update={"state": "broken"}),
        plan=PLAN.model_copy(update={"state": "broken"}),
        tickets=(NOTIFIED.model_copy(update={"meter_verdict": "confirmed"}),),
    )
    assert why_not_cut(ended, T) == ()


@pytest.mark.parametrize(("days_overdue", "too_young"), [(30, True), (31, False)])
def test_before_a_red_notice_only_what_really_bars_is_listed(days_overdue: int, too_young: bool) -> None:
    """R-03, R-21: with no day stated yet, the age of the debt is judged by today, and no day is called barred."""
    due = T.astimezone(POLICY.zone).date() - timedelta(days=days_overdue)
    listed = [c.rule for c in why_not_cut(ready(notices=(YELLOW_SERVED,), debt=debt(("B-1", "60.00", due))), T)]
    assert ("R-03" in listed) == too_young
    assert {"R-11", "R-08"} <= set(listed)
    assert "R-21" not in listed


@pytest.mark.parametrize(
    ("ticket_id", "meter_id", "crew", "permits", "en"),
    [
        ("ticket-0", "M-1", "f-1", (), "this is not the ticket that stands"),
        ("ticket-1", "M-2", "f-1", (), "the meter is not the one on the ticket"),
        ("ticket-1", "M-1", "f-1", (PERMIT,), "another permit is still open"),
        ("ticket-1", "M-1", "f-2", (LAPSED,), "another permit is still open"),
        ("ticket-1", "M-1", "f-1", (LAPSED,), None),
        ("ticket-1", "M-1", "f-2", (LAPSED.model_copy(update={"answered": True}),), None),
    ],
    ids=["other ticket", "other meter", "one is out", "another crew has not answered", "asks again", "answered for"],
)
def test_permit_is_for_one_ticket_one_meter_and_one_request(
    ticket_id: str, meter_id: str, crew: str, permits: tuple[Permit, ...], en: str | None
) -> None:
    """R-18: another ticket or meter, or while one is out or unanswered by others: exactly that is unmet."""
    unmet = unmet_for_permit(ready(permits=permits), T + 20 * MINUTE, ticket_id, meter_id, crew)
    assert [(c.rule, c.text_en) for c in unmet] == ([("R-18", en)] if en else [])
