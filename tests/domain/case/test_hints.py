"""Messages about the debt that come again: each has billing asked, seldom while they pour in, and soon for a permit."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.case.billing_answers import with_debt
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.hints import copies_go_along, copies_wait, only_copies_ask
from domain.case.procedure import Leave, Sleep, boundaries, next_act
from domain.case.rulings import cutting, signals
from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed, RecheckRequested, SupplyFoundCut
from domain.contract.updates import RequestPermit
from domain.money.debt import DebtQuery
from domain.vocabulary import Actor
from tests.support.one_life import (
    CUT,
    MINUTE,
    OPENED,
    OWES,
    PERMIT,
    SECOND,
    SETTLED,
    T,
    facts,
    ready,
    whats,
)

NOW = T + 2 * MINUTE
Message = Callable[[CaseFacts, datetime], CaseFacts]


def present(**changes: object) -> CaseFacts:
    """A case in its window under R-31."""
    return ready(present_since=OPENED, **changes)


def payment(case: CaseFacts, now: datetime, payment_id: str = "P-1", amount: str = "10.00") -> CaseFacts:
    return signals.payment_received(case, PaymentReceived(payment_id=payment_id, amount=Decimal(amount)), now)


def reversal(case: CaseFacts, now: datetime) -> CaseFacts:
    return signals.payment_reversed(case, PaymentReversed(payment_id="P-1", reason="bounced"), now)


def overdue(case: CaseFacts, now: datetime, bill_id: str = "B-7") -> CaseFacts:
    event = BillOverdue(
        event_id="e-1", account_id="A-1", bill_id=bill_id, amount=Decimal("50.00"), due_date=date(2026, 12, 1)
    )
    return signals.bill_overdue(case, event, now)


def recheck(case: CaseFacts, now: datetime) -> CaseFacts:
    return signals.recheck_requested(case, RecheckRequested(request_id="q-1", source="operator"), now)


def found_cut(case: CaseFacts, now: datetime) -> CaseFacts:
    report = SupplyFoundCut(report_id="f-1", meter_id="M-1", reported_by="Wang", source="95598", at=CUT.at + SECOND)
    return signals.supply_found_cut(case, report, now)


MESSAGES: tuple[Message, ...] = (payment, reversal, overdue, recheck)


def answered(case: CaseFacts, now: datetime, hints: int | None = None) -> CaseFacts:
    """Billing says that he owes, to a question asked after so many hints."""
    query = DebtQuery(account_id="A-1", as_of=now, bills=case.query_bills())
    return settle(with_debt(case, query, OWES, now, case.hints if hints is None else hints), now)


def asked(case: CaseFacts, message: Message, every: timedelta, through: timedelta) -> list[float]:
    """Seconds after NOW at which a question is due, while the message comes again and again and billing answers."""
    times: list[float] = []
    now = NOW
    while now <= NOW + through:
        case = settle(message(case, now), now)
        if case.debt_is_stale:
            times.append((now - NOW).total_seconds())
            case = answered(case, now)
        now += every
    return times


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_that_comes_again_has_billing_asked(message: Message) -> None:
    """R-31: the id makes the effect happen once; what is said of the debt is asked for each time."""
    once = answered(message(present(), NOW), NOW)
    again = message(once, NOW + 5 * MINUTE)
    assert again.debt_is_stale
    assert whats(once, again) == [], "a copy is no new fact"


@pytest.mark.parametrize("message", MESSAGES)
def test_copies_that_pour_in_are_asked_for_after_growing_pauses(message: Message) -> None:
    times = asked(facts(present_since=OPENED), message, SECOND / 4, 5 * MINUTE)
    assert times[:9] == [0, 0.25, 1.25, 3.25, 7.25, 15.25, 31.25, 63.25, 123.25]
    assert times[9:] == [183.25, 243.25], "a minute is the longest pause"


def test_after_a_quiet_time_of_twice_the_pause_the_pauses_start_anew() -> None:
    case = facts(present_since=OPENED)
    for second in (0, 0, 1, 3, 7):  # the next pause is eight seconds
        case = answered(payment(case, NOW + second * SECOND), NOW + second * SECOND)
    assert not payment(case, NOW + 14 * SECOND).debt_is_stale
    assert payment(case, NOW + 16 * SECOND).debt_is_stale
    case = answered(payment(case, NOW + 23 * SECOND), NOW + 23 * SECOND)
    assert not payment(case, NOW + 23.5 * SECOND).debt_is_stale
    assert payment(case, NOW + 24 * SECOND).debt_is_stale, "a second, as at the start"


@pytest.mark.parametrize(
    "case",
    [present(permits=(PERMIT,)), facts(present_since=OPENED, cuts=(CUT,), stage="disconnected")],
    ids=["a permit is open", "supply is off"],
)
def test_with_a_permit_open_or_supply_off_a_copy_waits_two_seconds_at_most(case: CaseFacts) -> None:
    times = asked(case, payment, SECOND / 4, 3 * MINUTE)
    assert max(b - a for a, b in pairwise(times)) <= 2.25  # the next copy came a quarter later


def test_a_permit_given_while_a_copy_waits_does_not_make_it_wait_longer() -> None:
    case = present()
    for second in (0, 0, 1, 3, 7, 15):
        case = answered(payment(case, NOW + second * SECOND), NOW + second * SECOND)
    case = payment(case, NOW + 16 * SECOND)
    assert copies_wait(case)
    (due,) = (at for at, why in boundaries(case) if "came again" in why)
    assert due == NOW + 31 * SECOND
    (due,) = (at for at, why in boundaries(case.but(permits=(PERMIT,))) if "came again" in why)
    assert due == NOW + 18 * SECOND


def test_no_permit_while_a_copy_waits_that_came_after_the_question() -> None:
    """P2: it may say that he has paid just now."""
    case = present()
    for second in (0, 0, 1, 3):
        case = answered(payment(case, NOW + second * SECOND), NOW + second * SECOND)
    waits = payment(case, NOW + 4 * SECOND)
    request = RequestPermit(ticket_id="ticket-1", meter_id="M-1", actor=Actor(id="f-1", role="field_crew"))
    _, refused = cutting.decide_permit(waits, request, NOW + 4 * SECOND, asked=True, answered=True)
    assert [c.rule for c in refused.unmet or ()] == ["R-17"]
    along = copies_go_along(waits, NOW + 5 * SECOND)
    assert not copies_wait(along)
    assert along.debt_is_stale
    _, granted = cutting.decide_permit(
        answered(along, NOW + 5 * SECOND), request, NOW + 5 * SECOND, asked=True, answered=True
    )
    assert granted.granted


def test_a_case_does_not_close_while_a_copy_waits() -> None:
    """A reversal that comes again may have opened the debt anew."""
    case = facts(present_since=OPENED, debt=SETTLED)
    for second in (0, 0, 1):
        case = reversal(case, NOW + second * SECOND).but(hints=0, hints_answered=0)
    waits = reversal(case, NOW + 2 * SECOND)
    assert isinstance(next_act(case, NOW + 2 * SECOND, asking=False), Leave)
    assert isinstance(next_act(waits, NOW + 2 * SECOND, asking=False), Sleep)


def test_one_id_may_say_another_thing_and_each_is_on_record_once() -> None:
    case = overdue(facts(present_since=OPENED), NOW)
    other = overdue(case, NOW, "B-8")
    assert whats(case, other) == ["bill.overdue"]
    assert whats(other, overdue(other, NOW)) == []


# ---- by when billing must answer --------------------------------------------------------------


@pytest.mark.parametrize("message", MESSAGES)
def test_silence_of_billing_after_a_message_revokes_an_open_permit(message: Message) -> None:
    """R-31: fifteen seconds; billing that answers, and says that he owes, leaves it."""
    case = answered(message(present(), NOW - MINUTE), NOW - MINUTE).but(permits=(PERMIT,))
    again = message(case, NOW)
    assert again.open_permit, "a copy does not itself revoke"
    silent = settle(again, NOW + 14 * SECOND)
    assert silent.open_permit
    assert answered(silent, NOW + 14 * SECOND).open_permit
    revoked = settle(silent, NOW + 15 * SECOND)
    assert revoked.open_permit is None
    (entry,) = (e for e in revoked.journal if e.what == "permit.revoked")
    assert "15 seconds" in entry.detail["reason"]
    assert settle(answered(silent, NOW + 14 * SECOND), NOW + MINUTE).open_permit


def test_the_answer_to_an_older_question_is_none_for_a_later_message() -> None:
    case = payment(present(permits=(PERMIT,)), NOW)
    hints = case.hints
    case = overdue(case, NOW + 9 * SECOND)
    case = answered(case, NOW + 10 * SECOND, hints)
    assert settle(case, NOW + 23 * SECOND).open_permit
    assert settle(case, NOW + 24 * SECOND).open_permit is None


def test_a_permit_that_lapses_first_is_not_revoked() -> None:
    case = payment(present(permits=(PERMIT,)), PERMIT.valid_until - 5 * SECOND)
    after = settle(case, PERMIT.valid_until + MINUTE)
    assert [p.state for p in after.permits] == ["lapsed"]


# ---- what it costs ----------------------------------------------------------------------------


def test_only_copies_are_asked_for_within_the_workflow_task() -> None:
    case = payment(facts(present_since=OPENED), NOW)
    assert not only_copies_ask(case)
    case = payment(answered(case, NOW), NOW + MINUTE)
    assert only_copies_ask(case)
    assert not only_copies_ask(overdue(case, NOW + MINUTE))


def test_what_is_kept_of_copies_is_forgotten_once_they_have_ended() -> None:
    case = facts(present_since=OPENED)
    for n in range(50):
        case = answered(payment(payment(case, NOW, f"P-{n}"), NOW, f"P-{n}"), NOW)
    assert len(case.on_hints.copies) == 50
    assert copies_go_along(case, NOW + MINUTE).on_hints.copies == {}


def test_thousands_of_copies_of_thousands_of_payments_cost_little() -> None:
    """A workflow task that takes two seconds stops the case."""
    case = present(permits=(PERMIT,))
    began = time.process_time()
    for _ in range(3):
        for n in range(1000):
            case = settle(payment(case, NOW, f"P-{n}", "0.01"), NOW)
    assert time.process_time() - began < 1.5
    assert len(case.on_hints.unanswered) == 1


# ---- cases of before --------------------------------------------------------------------------


@pytest.mark.parametrize("message", MESSAGES)
def test_an_id_spent_before_the_rules_is_new_once_they_count(message: Message) -> None:
    """What it said is not known: in favour of the customer, it may be another payment."""
    before = message(ready(), NOW - MINUTE)
    assert message(before, NOW) == before
    adopted = answered(before, NOW - MINUTE).but(present_since=NOW)
    after = message(adopted, NOW)
    assert after.debt_is_stale
    assert len(whats(adopted, after)) == 1
    assert whats(after, message(after, NOW)) == []


# ---- supply found cut -------------------------------------------------------------------------

LATER = CUT.at + 10 * MINUTE


def test_a_report_of_supply_found_cut_that_comes_again_leaves_a_note_and_has_billing_asked() -> None:
    case = answered(found_cut(facts(present_since=OPENED, cuts=(CUT,), stage="disconnected"), LATER), LATER)
    again = found_cut(case, LATER + MINUTE)
    assert whats(case, again) == ["message.ignored"]
    assert again.debt_is_stale
    assert len(again.incidents) == 0


def test_another_meter_or_a_time_after_the_restoration_is_a_new_report() -> None:
    """R-31: the id alone does not say that the same thing is meant."""
    restored = CUT.model_copy(update={"restored_at": LATER})
    case = found_cut(facts(present_since=OPENED, cuts=(restored,)), LATER)
    assert case.incidents == ()
    first = SupplyFoundCut(report_id="f-1", meter_id="M-1", reported_by="Wang", source="95598")
    for report in (
        first.model_copy(update={"meter_id": "M-2", "at": CUT.at + SECOND}),
        first.model_copy(update={"at": LATER + MINUTE}),
        first,  # without a time, it is found so now
    ):
        after = signals.supply_found_cut(case, report, LATER + 2 * MINUTE)
        assert [i.kind for i in after.incidents] == ["wrong_meter" if report.meter_id == "M-2" else "unauthorised_cut"]
