"""Messages judged without Temporal: permits on the facts of the moment, holds, promises and plans."""

from datetime import date, datetime
from decimal import Decimal
from typing import get_args

import pytest

from domain.case.billing_answers import with_circumstances
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.rulings import cutting, signals, steering
from domain.case.rulings.arrangements import agree_plan, record_promise
from domain.contract import updates as m
from domain.contract.signals import HoldPlaced, PaymentReceived
from domain.law.calendar import Calendar
from domain.law.circumstances import Circumstances
from domain.vocabulary import Actor, Role
from tests.support.one_life import (
    DAY,
    MINUTE,
    OLD,
    OPENED,
    PERMIT,
    PLAN,
    PROMISE,
    SECOND,
    YELLOW_SERVED,
    T,
    at,
    debt,
    facts,
    ready,
    whats,
)

CREW, LEADER = Actor(id="f-1", role="field_crew"), Actor(id="t-1", role="team_leader")
OWED = Decimal("200.00")
REQUEST = m.RequestPermit(ticket_id="ticket-1", meter_id="M-1", actor=CREW)
AT_THE_METER = T + MINUTE


# ---- the permit (R-17, R-18) ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "asked", "answered", "unmet"),
    [
        (ready(), True, True, []),
        (ready(), True, False, ["the billing system gives no answer"]),
        (ready(hints=1), True, True, ["a payment or a recheck has just arrived; billing must be asked again"]),
        (ready(), False, False, []),
    ],
    ids=["billing says owes", "billing is silent", "a payment arrived meanwhile", "billing was not asked"],
)
def test_a_permit_needs_billings_answer_of_this_moment(
    given: CaseFacts, asked: bool, answered: bool, unmet: list[str]
) -> None:
    """R-17, P2: no permit on silence, nor on an answer that a message has overtaken, nor without having asked."""
    after, answer = cutting.decide_permit(given, REQUEST, AT_THE_METER, asked=asked, answered=answered)
    assert [c.text_en for c in answer.unmet or ()] == unmet
    assert answer.granted == (asked and answered and not unmet)
    assert (after.open_permit is not None) == answer.granted


def test_a_permit_is_handed_out_again_to_its_own_crew_only() -> None:
    """R-18: to one request: asked again by the same crew it is the same one, anyone else is refused."""
    out = ready(permits=(PERMIT,))
    again = cutting.permit_held_by(out, REQUEST)
    assert again is not None
    assert again.permit_id == PERMIT.permit_id
    other = REQUEST.model_copy(update={"actor": Actor(id="f-2", role="field_crew")})
    assert cutting.permit_held_by(out, other) is None


def test_a_payment_that_settles_revokes_before_billing_has_answered_and_the_crew_is_notified() -> None:
    """R-18, P2: on the signal itself; a part of the debt leaves the permit, and a second part completes it."""
    out = ready(permits=(PERMIT,))
    part = signals.payment_received(out, PaymentReceived(payment_id="p-1", amount=Decimal("199.99")), T + 2 * MINUTE)
    assert part.open_permit == PERMIT
    rest = signals.payment_received(part, PaymentReceived(payment_id="p-2", amount=Decimal("0.01")), T + 3 * MINUTE)
    assert rest.open_permit is None
    assert [(o.to_role, o.subject) for o in rest.outgoing] == [("field_crew", "permit revoked")]


def test_a_promise_or_a_plan_at_the_meter_revokes_the_permit() -> None:
    """R-18, R-04: whatever stops the procedure reaches the crew at once."""
    out = ready(permits=(PERMIT,))
    promise = m.RecordPromise(promise_id="pr-9", amount=Decimal("50.00"), until=date(2026, 12, 20), actor=LEADER)
    plan = m.AgreePlan(plan_id="pl-9", instalments=(m.Instalment(due=date(2026, 12, 20), amount=OWED),), actor=LEADER)
    for after, _ in (record_promise(out, promise, AT_THE_METER), agree_plan(out, plan, AT_THE_METER)):
        assert after.open_permit is None
        assert [o.subject for o in after.outgoing] == ["permit revoked"]


def test_a_permit_is_redeemed_once() -> None:
    """R-18, R-27: reported again it is the same cut; an earlier one under the same permit was not ours."""
    first = m.ReportCut(permit_id="permit-1", meter_id="M-1", at=T + 5 * MINUTE, actor=CREW)
    cut_off, answer = cutting.report_cut(ready(permits=(PERMIT,)), first, T + 6 * MINUTE)
    again, second = cutting.report_cut(cut_off, first, T + 7 * MINUTE)
    assert (answer.lawful, second.lawful, again) == (True, True, cut_off)
    another = m.ReportCut(meter_id="M-1", at=T + 2 * MINUTE, actor=CREW)
    after, third = cutting.report_cut(cut_off, another, T + 8 * MINUTE)
    assert not third.lawful
    assert [c.lawful for c in after.cuts] == [True, False]
    assert [i.kind for i in after.incidents] == ["unauthorised_cut"]


# ---- what a person decides, what the register knows -------------------------------------------


def test_serving_again_starts_the_count_anew() -> None:
    """R-07: after the first void and three more a person decides; then the case has as many tries as before."""
    stuck = facts(notices=(YELLOW_SERVED,), voids_in_a_row={"red": 4}, needs_person="4 red notices came to nothing")
    after, _ = steering.serve_again(stuck, m.ServeAgain(reason="the road is open again", actor=LEADER), T)
    assert (after.needs_person, after.voids_in_a_row) == (None, {})


def look(*moratoria: str, over: tuple[str, ...] = ()) -> Circumstances:
    """What the register says of moratoria, on an ordinary day."""
    return Circumstances(calendar=Calendar(), moratoria=moratoria, moratoria_over=over)


def test_a_moratorium_holds_while_the_register_says_so() -> None:
    """R-04: found at one reading it stands, found no more it falls, found again it stands again."""
    known = facts()
    found = with_circumstances(known, look("winter"), OPENED + DAY, OPENED + DAY)
    assert [(h.hold_id, h.kind) for h in found.standing_holds] == [("winter", "moratorium")]
    assert with_circumstances(found, look("winter"), OPENED + 2 * DAY, OPENED + 2 * DAY).holds == found.holds
    lifted = with_circumstances(found, look(), OPENED + 2 * DAY, OPENED + 2 * DAY)
    assert not lifted.held
    again = with_circumstances(lifted, look("winter"), OPENED + 3 * DAY, OPENED + 3 * DAY)
    assert again.held
    assert whats(known, again) == ["hold.placed", "hold.lifted", "hold.placed"]


def test_a_signalled_moratorium_falls_when_the_register_says_that_it_is_over() -> None:
    """R-04: its lifting may overtake a batch of signals; of what the register does not know, a person decides."""
    actor = Actor(id="c-001", role="operator")
    told = HoldPlaced(hold_id="winter", kind="moratorium", reason="snow", actor=actor)
    held = signals.hold_placed(facts(), told, OPENED)
    assert with_circumstances(held, look(), OPENED + DAY, OPENED + DAY).held, "a person's own"
    over = with_circumstances(held, look(over=("winter",)), OPENED + DAY, OPENED + DAY)
    assert not over.held
    assert whats(held, over) == ["hold.lifted"]
    again = with_circumstances(over, look("winter"), OPENED + 2 * DAY, OPENED + 2 * DAY)
    assert again.held, "what the register lists, stands"


def test_only_those_who_may_place_a_hold_place_one() -> None:
    """R-04: from anybody else it is ignored and noted; the same hold twice is one."""
    for role in get_args(Role):
        hold = HoldPlaced(hold_id="h-9", kind="other", reason="asked", actor=Actor(id="x-1", role=role))
        after = signals.hold_placed(facts(), hold, OPENED)
        assert after.held == (role in ("team_leader", "centre_director", "company_leader", "liaison", "operator"))
        assert signals.hold_placed(after, hold, OPENED).holds == after.holds
        assert whats(facts(), after) == ["hold.placed" if after.held else "message.ignored"]


# ---- promises and plans (R-04) ----------------------------------------------------------------

EVENING = at(PROMISE.until) + DAY - SECOND
BEFORE, AFTER = debt(("B-1", "200.00", OLD), paid="50.00"), debt(("B-1", "200.00", OLD), paid="100.00")
PAID_50 = {"paid_before": Decimal("50.00")}


@pytest.mark.parametrize(
    ("given", "read_at", "evidence"),
    [
        (facts(promise=PROMISE), EVENING, []),
        (facts(promise=PROMISE), EVENING + SECOND, ["promise.broken"]),
        (facts(promise=PROMISE, debt=BEFORE), OPENED, ["promise.kept"]),
        (facts(promise=PROMISE.model_copy(update=PAID_50), debt=BEFORE), EVENING, []),
        (facts(promise=PROMISE.model_copy(update=PAID_50), debt=AFTER), OPENED, ["promise.kept"]),
        (facts(plan=PLAN), EVENING, []),
        (facts(plan=PLAN), EVENING + SECOND, ["plan.broken"]),
        (facts(plan=PLAN, debt=AFTER), EVENING + SECOND, []),
        (facts(plan=PLAN.model_copy(update=PAID_50), debt=AFTER), EVENING + SECOND, ["plan.broken"]),
    ],
    ids=[
        "the promised evening",
        "the promised day is over",
        "paid as promised",
        "paid before it was promised",
        "paid since",
        "the evening of an instalment",
        "the instalment's day is over",
        "the first instalment is paid",
        "the first instalment was half paid before the plan",
    ],
)
def test_promises_and_plans_are_judged_by_what_was_paid_since(
    given: CaseFacts, read_at: datetime, evidence: list[str]
) -> None:
    """R-04: met to 24:00 of the day, by the payments since; billing must have been asked after the day's end."""
    known = given.but(debt_read_at=read_at)
    assert whats(known, settle(known, read_at)) == evidence
