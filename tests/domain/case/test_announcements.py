"""Announced payments by R-31: what is a new announcement, what settles, what counts as booked, and how often."""

from datetime import datetime
from decimal import Decimal

import pytest

from domain.case import announced_payments
from domain.case.billing_answers import with_debt
from domain.case.facts import CaseFacts
from domain.case.procedure import boundaries
from domain.case.rulings.signals import payment_received, payment_reversed
from domain.contract.signals import PaymentReceived, PaymentReversed
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery
from tests.support.one_life import CUT, HOUR, MINUTE, OLD, OPENED, OWES, PERMIT, T, facts, ready, whats

AT_THE_METER = T + 2 * MINUTE
Announcement = tuple[str, str] | tuple[str, str, str]


def present(**changes: object) -> CaseFacts:
    """A case in its window under R-31."""
    return ready(present_since=OPENED, **changes)


def announced(case: CaseFacts, said: Announcement, now: datetime = AT_THE_METER) -> CaseFacts:
    """A payment is announced: id, amount and perhaps the channel."""
    payment_id, amount, *channel = said
    message = PaymentReceived(payment_id=payment_id, amount=Decimal(amount), channel=channel[0] if channel else None)
    return payment_received(case, message, now)


def listing(*parts: tuple[str, str, str], whole: dict[str, str] | None = None, owed: str = "200.00") -> AccountDebt:
    """Billing's answer: B-1 of so much, and B-0 that is settled; parts by bill, payment and amount."""
    amounts = {i: Decimal(a) for i, a in (whole or {}).items()}

    def paid(bill_id: str) -> tuple[BillPayment, ...]:
        return tuple(
            BillPayment(payment_id=p, amount=Decimal(a), paid_at=T, payment_amount=amounts.get(p))
            for b, p, a in parts
            if b == bill_id
        )

    other = paid("B-0")
    bills = (
        BillDebt(bill_id="B-0", amount=sum((p.amount for p in other), Decimal(0)), due_date=OLD, payments=other),
        BillDebt(bill_id="B-1", amount=Decimal(owed), due_date=OLD, payments=paid("B-1")),
    )
    return AccountDebt(account_id="A-1", as_of=T, bills=bills)


def answered(case: CaseFacts, answer: AccountDebt, now: datetime = AT_THE_METER) -> CaseFacts:
    """Billing was asked after all that has been announced, and has answered so."""
    answer = answer.model_copy(update={"as_of": now})
    query = DebtQuery(account_id="A-1", as_of=now, bills=case.query_bills())
    unseen = announced_payments.unseen(case, answer, case.hints)
    return announced_payments.awaited(with_debt(case, query, answer, now, case.hints), unseen, now)


@pytest.mark.parametrize(
    ("announcements", "revokes"),
    [
        ((("P-1", "200.00"),), True),
        ((("P-1", "100.00"), ("P-1", "100.00")), False),
        ((("P-1", "100.00", "bank"), ("P-1", "100.00", "app")), False),
        ((("P-1", "100.00"), ("P-2", "100.00")), True),
        ((("P-1", "120.00"), ("P-1", "80.00")), False),
        ((("P-1", "80.00"), ("P-1", "120.00"), ("P-2", "80.00")), True),
        ((("P-1", "120.00"), ("P-1", "80.00"), ("P-2", "70.00")), False),
    ],
)
def test_of_one_payment_the_largest_amount_decides(announcements: tuple[Announcement, ...], revokes: bool) -> None:
    case = present(permits=(PERMIT,))
    for said in announcements:
        case = announced(case, said)
    assert (case.open_permit is None) == revokes


def test_what_billing_lists_of_a_payment_is_not_announced_again() -> None:
    """P-1 of 120 is booked; announced by another channel, it is 120 less 120."""
    case = answered(announced(present(), ("P-1", "120.00")), listing(("B-1", "P-1", "120.00")))
    case = case.but(permits=(PERMIT,))
    assert announced(case, ("P-1", "120.00", "app")).open_permit
    assert announced(case, ("P-1", "200.00")).open_permit is None


def test_a_new_announcement_is_on_record_and_a_copy_is_not() -> None:
    case = announced(present(), ("P-1", "50.00", "bank"))
    assert whats(case, announced(case, ("P-1", "50.00", "bank"))) == []
    for other in (("P-1", "60.00", "bank"), ("P-1", "50.00", "app"), ("P-1", "50.00")):
        assert whats(case, announced(case, other)) == ["payment.hint"]


def test_a_payment_after_its_reversal_and_a_reversal_after_its_payment_are_new() -> None:
    bounced = PaymentReversed(payment_id="P-1", reason="bounced")
    case = announced(present(permits=(PERMIT,)), ("P-1", "50.00"))
    case = payment_reversed(case, bounced, AT_THE_METER)
    assert case.heard == ()
    assert whats(case, payment_reversed(case, bounced, AT_THE_METER)) == []
    again = announced(case, ("P-1", "50.00"))
    assert [p.payment_id for p in again.heard] == ["P-1"]
    assert payment_reversed(again, bounced, AT_THE_METER).heard == ()
    early = payment_reversed(present(permits=(PERMIT,)), bounced, AT_THE_METER)
    assert announced(early, ("P-1", "200.00")).open_permit is None


SPLIT = (("B-0", "P-1", "100.00"), ("B-1", "P-1", "100.00"))


@pytest.mark.parametrize(
    ("answer", "held_back"),
    [
        (listing(), True),
        (listing(("B-1", "P-1", "120.00")), True),
        (listing(("B-1", "P-1", "120.00"), whole={"P-1": "120.00"}), True),
        (listing(("B-1", "P-1", "120.00"), whole={"P-1": "200.00"}), False),
        (listing(*SPLIT), False),
        (listing(("B-1", "P-1", "120.00"), owed="400.00"), False),
        (listing(("B-1", "P-1", "150.00"), ("B-1", "P-2", "50.00")), False),
    ],
    ids=[
        "not listed",
        "listed in part",
        "smaller than announced, as billing says",
        "the rest lies elsewhere, as billing says",
        "spread over two bills",
        "what is left of it would not settle",
        "the bills are settled",
    ],
)
def test_what_counts_as_booked(answer: AccountDebt, held_back: bool) -> None:
    """R-31: listed with that amount, or nothing is short any more, or its whole amount is given."""
    case = answered(announced(present(), ("P-1", "200.00")), answer)
    assert announced_payments.would_settle(case) == held_back
    assert bool([why for _, why in boundaries(case) if "announced payment" in why]) == held_back


def nothing_came(case: CaseFacts, payment_id: str, now: datetime) -> CaseFacts:
    """Announced, missed by billing's answer, and given up an hour later."""
    case = answered(announced(case, (payment_id, "200.00"), now), OWES, now)
    return answered(case, OWES, now + HOUR)


def test_after_three_that_came_to_nothing_the_next_holds_back_until_billing_has_answered() -> None:
    case = present()
    for n in range(3):
        assert not case.outgoing
        case = nothing_came(case, f"P-{n}", T + 2 * n * HOUR)
    assert [(m.to_role, m.subject) for m in case.outgoing] == [("team_leader", "announced payments never booked")]
    later = T + 8 * HOUR
    case = announced(
        case.but(permits=(PERMIT.model_copy(update={"valid_until": T + 9 * HOUR}),)), ("P-9", "200.00"), later
    )
    assert case.open_permit is None
    assert case.debt_is_stale
    case = answered(case, OWES, later)
    assert not announced_payments.would_settle(case)
    assert announced_payments.asked_again_at(case), "billing is asked for it all the same"
    assert len(nothing_came(case, "P-10", later + HOUR).outgoing) == len(case.outgoing), "notified once"


def test_one_payment_announced_in_three_ways_comes_to_nothing_once() -> None:
    case = present()
    for channel in ("bank", "app", "counter"):
        case = announced(case, ("P-1", "200.00", channel))
    case = answered(answered(case, OWES), OWES, AT_THE_METER + HOUR)
    assert case.unbooked == ()
    assert case.on_hints.came_to_nothing == 1


def test_supply_off_without_leave_is_a_reason_to_wait_for_a_payment() -> None:
    found = CUT.model_copy(update={"lawful": False, "bills": ()})
    case = answered(announced(facts(cuts=(found,), present_since=OPENED), ("P-1", "200.00")), OWES)
    assert announced_payments.decide_about_supply(case)
    assert len(announced_payments.asked_again_at(case)) == 4
    part = answered(announced(facts(cuts=(found,), present_since=OPENED), ("P-1", "20.00")), OWES)
    assert announced_payments.asked_again_at(part) == []


def test_a_flood_of_small_payments_hides_none_that_settles() -> None:
    """P2: the case keeps so many announcements, and the one that matters is among them."""
    case = announced(present(), ("P-1", "200.00"))
    for number in range(announced_payments.AWAITED_AT_MOST + 20):
        case = announced(case, (f"S-{number}", "0.01"))
    assert len(case.heard) == announced_payments.AWAITED_AT_MOST
    case = answered(case, listing())
    assert len(case.unbooked) == announced_payments.AWAITED_AT_MOST
    assert announced_payments.would_settle(case)
