"""Messages judged without Temporal: permits on the facts of the moment, promises and plans by what was paid since."""

from datetime import datetime
from decimal import Decimal

import pytest

from domain import messages as m
from domain.deadlines import settle
from domain.facts import CaseFacts
from domain.model import Actor
from domain.rulings import cutting, signals
from tests.one_life import (
    DAY,
    MINUTE,
    OLD,
    OPENED,
    PERMIT,
    PLAN,
    PROMISE,
    SECOND,
    T,
    at,
    debt,
    facts,
    ready,
    whats,
)

CREW = Actor(id="f-1", role="field_crew")
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
def test_a_permit_needs_billings_word_of_this_moment(
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


def test_a_payment_that_settles_revokes_before_billing_has_spoken_and_the_crew_is_told() -> None:
    """R-18, P2: on the signal itself; a part of the debt leaves the permit, and a second part completes it."""
    out = ready(permits=(PERMIT,))
    part = signals.payment_received(out, m.PaymentReceived(payment_id="p-1", amount=Decimal("199.99")), T + 2 * MINUTE)
    assert part.open_permit == PERMIT
    rest = signals.payment_received(part, m.PaymentReceived(payment_id="p-2", amount=Decimal("0.01")), T + 3 * MINUTE)
    assert rest.open_permit is None
    assert [(o.to_role, o.subject) for o in rest.outgoing] == [("field_crew", "permit revoked")]


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
