"""Payments that a message has announced and that billing does not show: asked for again, and no permit meanwhile.

A billing system may announce a payment before its answers show it: the event leaves ahead of the books, or a copy lags.
Billing's answer decides what is owed (R-11). One answer too early must neither cut the customer off, nor leave him
cut off until the next sweep (P2).
"""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.case.entities import Announced
from domain.case.facts import CaseFacts
from domain.money.debt import AccountDebt

ASKED_AGAIN_AFTER = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60))
"""After billing's first answer without the payment; one that billing does not show by the last of them is given up."""
AWAITED_AT_MOST = 100
"""The latest ones: a feeder that runs wild costs no case its workflow tasks."""


def unseen(facts: CaseFacts, debt: AccountDebt, hints: int) -> tuple[Announced, ...]:
    """The announced payments that this answer does not list. `hints` is how many had come when billing was asked.

    One that paid a bill of which billing says nothing is in no list either. No amount would distinguish it from another
    that is still on its way. To wait an hour for it is less than to cut off who has paid (P2).
    """
    if debt.owed <= facts.may_stay_unpaid(facts.policy):
        return ()
    heard = facts.heard if facts.hints <= hints else ()  # newer ones are for the next answer to show
    candidates = (*facts.unbooked, *(h.model_copy(update={"missed_at": debt.as_of}) for h in heard))
    booked = {payment.payment_id for bill in debt.bills for payment in bill.payments}
    return tuple(p for p in candidates if p.payment_id not in booked)[-AWAITED_AT_MOST:]


def decide_about_supply(facts: CaseFacts) -> bool:
    """Whether payments decide about supply now: it is off for bills, or is to be cut."""
    return facts.cut_ticket is not None or any(cut.bills for cut in facts.cuts_off)


def awaited(facts: CaseFacts, payments: tuple[Announced, ...], now: datetime) -> CaseFacts:
    """Wait for billing to show these payments; on record are those new to it, and those that it waits for no longer."""
    known = {payment.payment_id for payment in facts.unbooked}
    waited_for = []
    for payment in payments:
        given_up = facts.debt.as_of >= _missed_at(payment) + ASKED_AGAIN_AFTER[-1]
        if given_up or payment.payment_id not in known:
            facts = facts.noted(
                now,
                "payment.unbooked",
                about=payment.payment_id,
                amount=payment.amount,
                given_up=given_up,
            )
        if not given_up:
            waited_for.append(payment)
    return facts.but(unbooked=tuple(waited_for))


def _missed_at(payment: Announced) -> datetime:
    return payment.missed_at or payment.at


def would_settle(facts: CaseFacts) -> bool:
    """Whether what is announced and not booked would settle the bills for which supply is off, or is to be cut."""
    return bool(facts.unbooked) and settled_by(facts, sum((p.amount for p in facts.unbooked), Decimal(0)))


def settled_by(facts: CaseFacts, amount: Decimal) -> bool:
    """Whether so much more would settle the bills of the red notice, or those for which supply is off."""
    return any(
        facts.outstanding(bills) - amount <= facts.tolerance(begun)
        for begun, bills in (
            *((cut, cut.bills) for cut in facts.cuts_off if cut.bills),
            *(((facts.red, facts.red.live_bills),) if facts.red else ()),
        )
    )


def asked_again_at(facts: CaseFacts) -> list[datetime]:
    """When billing is asked again: while payments decide about supply. One question serves all that are awaited."""
    if not would_settle(facts) or not decide_about_supply(facts):
        return []
    latest = max(map(_missed_at, facts.unbooked))
    return [latest + wait for wait in ASKED_AGAIN_AFTER]
