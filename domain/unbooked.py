"""Payments that a message has announced and that billing does not show: asked for again, and no permit meanwhile.

A billing system may tell of a payment before it answers with it: its event leaves ahead of its books, or its answer
comes from a copy that lags. Billing's word decides what is owed (R-11), but one answer too early must neither leave
the customer in the dark until the next sweep nor cut him off (P2).
"""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.debt import AccountDebt
from domain.facts import Announced, CaseFacts
from domain.terms import policies_since

ASKED_AGAIN_AFTER = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60))
"""After the announcement; a payment that billing does not show by the last of them is believed no longer."""


def missing(facts: CaseFacts, debt: AccountDebt, hints: int) -> tuple[Announced, ...]:
    """The announced payments that this answer does not show. `hints` is how many had come when billing was asked."""
    if debt.owed <= facts.policy.tolerance:
        return ()
    heard = facts.heard if facts.hints <= hints else ()  # newer ones are for the next answer to show
    booked = {payment.payment_id for bill in debt.bills for payment in bill.payments}
    return tuple(
        payment
        for payment in (*facts.unbooked, *heard)
        if payment.payment_id not in booked and debt.as_of < payment.at + ASKED_AGAIN_AFTER[-1]
    )


def awaited(facts: CaseFacts, payments: tuple[Announced, ...], now: datetime) -> CaseFacts:
    """Wait for billing to show these payments."""
    for payment in payments:
        if payment not in facts.unbooked:
            facts = facts.noted(
                now, "payment.unbooked", "R-11", "II.8", about=payment.payment_id, amount=payment.amount
            )
    return facts.but(unbooked=payments)


def would_settle(facts: CaseFacts) -> bool:
    """Whether what is announced and not booked would settle the bills for which supply is off, or is to be cut."""
    return bool(facts.unbooked) and settled_by(facts, sum((p.amount for p in facts.unbooked), Decimal(0)))


def settled_by(facts: CaseFacts, amount: Decimal) -> bool:
    """Whether so much more would settle the bills of the red notice, or those for which supply is off."""
    return any(
        facts.outstanding(bills) - amount <= max(policy.tolerance for policy in policies_since(facts, begun))
        for begun, bills in (
            *((cut, cut.bills) for cut in facts.cuts_off),
            *(((facts.red, facts.red.live_bills),) if facts.red else ()),
        )
    )


def asked_again_at(facts: CaseFacts) -> list[datetime]:
    """When billing is asked again: as long as it decides about light."""
    if not would_settle(facts) or not (facts.cuts_off or facts.cut_ticket):
        return []
    return [payment.at + wait for payment in facts.unbooked for wait in ASKED_AGAIN_AFTER]
