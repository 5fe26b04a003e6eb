"""Payments that a message has announced and that billing does not show: asked for again, and no permit meanwhile.

A billing system may announce a payment before its answers show it: the event leaves ahead of the books, or a copy lags.
Billing's answer decides what is owed (R-11). One answer too early must neither cut the customer off, nor leave him
cut off until the next sweep (P2).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.case.entities import Announced, Cut, Notice
from domain.case.facts import CaseFacts
from domain.money.debt import AccountDebt
from domain.record.subjects import subject

ASKED_AGAIN_AFTER = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60))
"""After billing's first answer without the payment; one that billing does not show by the last of them is given up."""
AWAITED_AT_MOST = 100
"""A feeder that runs wild costs no case its workflow tasks."""
BELIEVED = 3
"""So many announced payments of a case may come to nothing; later ones hold no permit back after billing's answer."""
_NOTHING = Decimal("0.00")


def unseen(facts: CaseFacts, debt: AccountDebt, hints: int) -> tuple[Announced, ...]:
    """The announced payments that this answer does not list. `hints` is how many had come when billing was asked.

    One that paid a bill of which billing says nothing is in no list either. No amount would distinguish it from another
    that is still on its way. To wait an hour for it is less than to cut off who has paid (P2).
    """
    if debt.owed <= facts.may_stay_unpaid(facts.policy):
        return ()
    heard = facts.heard if facts.hints <= hints else ()  # newer ones are for the next answer to show
    candidates = (*facts.unbooked, *(h.model_copy(update={"missed_at": debt.as_of}) for h in heard))
    if facts.present_since is None:
        on_bills = {payment.payment_id for bill in debt.bills for payment in bill.payments}
        return kept(facts, tuple(p for p in candidates if p.payment_id not in on_bills))
    listed = _listed(debt)
    if not _short(facts, debt):
        return kept(facts, tuple(p for p in candidates if p.payment_id not in listed))
    whole = {p.payment_id: p.payment_amount for bill in debt.bills for p in bill.payments if p.payment_amount}
    booked = {i: max(amount, whole.get(i, _NOTHING)) for i, amount in listed.items()}
    return kept(facts, tuple(p for p in candidates if booked.get(p.payment_id, _NOTHING) < p.amount))


def kept(facts: CaseFacts, payments: tuple[Announced, ...]) -> tuple[Announced, ...]:
    """Of too many the largest, in the order of their coming: no flood of small ones hides the one that settles (P2)."""
    if facts.present_since is None or len(payments) <= AWAITED_AT_MOST:
        return payments[-AWAITED_AT_MOST:]
    largest = sorted(range(len(payments)), key=lambda n: (payments[n].amount, n))[-AWAITED_AT_MOST:]
    return tuple(payments[n] for n in sorted(largest))


def _listed(debt: AccountDebt) -> dict[str, Decimal]:
    """How much billing lists of each payment: on the bills of its answer, and elsewhere."""
    listed: dict[str, Decimal] = {}
    for payment in (*(p for bill in debt.bills for p in bill.payments), *debt.elsewhere):
        listed[payment.payment_id] = listed.get(payment.payment_id, _NOTHING) + payment.amount
    return listed


def decide_about_supply(facts: CaseFacts) -> bool:
    """Whether payments decide about supply now: it is off, or is to be cut."""
    if facts.present_since:
        return facts.cut_ticket is not None or bool(facts.cuts_off)
    return facts.cut_ticket is not None or any(cut.bills for cut in facts.cuts_off)


def awaited(facts: CaseFacts, payments: tuple[Announced, ...], now: datetime) -> CaseFacts:
    """Wait for billing to show these payments; on record are those new to it, and those that it waits for no longer."""
    known = {_announcement(payment) for payment in facts.unbooked}
    believed = facts.on_hints.came_to_nothing < BELIEVED
    waited_for, given_up_ids = [], set()
    for payment in payments:
        given_up = facts.debt.as_of >= _missed_at(payment) + ASKED_AGAIN_AFTER[-1]
        new = _announcement(payment) not in known
        if new and not believed:
            payment = payment.model_copy(update={"holds_back": False})
        if given_up or new:
            facts = facts.noted(
                now,
                "payment.unbooked",
                about=payment.payment_id,
                amount=payment.amount,
                given_up=given_up,
                holds_back=None if payment.holds_back else False,
            )
        if given_up:
            given_up_ids.add(payment.payment_id)
        else:
            waited_for.append(payment)
    facts = facts.but(unbooked=tuple(waited_for))
    return _come_to_nothing(facts, len(given_up_ids), now) if facts.present_since else facts


def _announcement(payment: Announced) -> tuple[object, ...]:
    """What makes an announcement: the same payment with another amount, or by another channel, is another one."""
    return payment.payment_id, payment.amount, payment.channel


def _come_to_nothing(facts: CaseFacts, count: int, now: datetime) -> CaseFacts:
    """Count the payments given up; once they are too many, the team leader is notified."""
    if not count:
        return facts
    before = facts.on_hints.came_to_nothing
    facts = facts.but(on_hints=facts.on_hints.model_copy(update={"came_to_nothing": before + count}))
    if before >= BELIEVED or before + count < BELIEVED:
        return facts
    account = facts.account.account_id
    return facts.notified(
        now,
        "team_leader",
        subject("payments_never_booked"),
        f"户号 {account} 已有 {before + count} 笔收到消息的缴费在一小时内未入账。"
        "此后的缴费消息只在营销系统应答之前暂停停电许可。请核实消息来源。",
        f"{before + count} payments of account {account} were announced and not booked within an hour. From now on an "
        "announced payment holds permits back only until billing's next answer. Find out who announces them.",
    )


def _missed_at(payment: Announced) -> datetime:
    return payment.missed_at or payment.at


def announced_so_far(facts: CaseFacts) -> Decimal:
    """What the messages that billing has not booked announce, all together."""
    if facts.present_since is None:
        return facts.announced + _sum(facts.unbooked)
    return _still_to_book(facts, (*facts.heard, *(p for p in facts.unbooked if p.holds_back)))


def would_settle(facts: CaseFacts) -> bool:
    """Whether what is announced and not booked would settle the bills for which supply is off, or is to be cut."""
    holding = tuple(p for p in facts.unbooked if p.holds_back)
    return bool(holding) and settled_by(facts, _still_to_book(facts, holding))


def _still_to_book(facts: CaseFacts, payments: Iterable[Announced]) -> Decimal:
    """Of each payment the largest amount announced, less what billing lists of it: copies do not add up (R-31)."""
    if facts.present_since is None:
        return _sum(payments)
    largest: dict[str, Decimal] = {}
    for payment in payments:
        largest[payment.payment_id] = max(payment.amount, largest.get(payment.payment_id, _NOTHING))
    listed = _listed(facts.debt)
    return sum((max(most - listed.get(p, _NOTHING), _NOTHING) for p, most in largest.items()), _NOTHING)


def shown_beside(facts: CaseFacts, payment_id: str) -> dict[str, Any]:
    """For the record of an announcement: what the red notice's bills owe, and what billing lists of it so far."""
    if facts.present_since is None or facts.red is None:
        return {}
    named = facts.outstanding(facts.red.live_bills)
    return {"named": named, "listed": _listed(facts.debt).get(payment_id, _NOTHING)}


def still_unbooked(facts: CaseFacts) -> dict[str, str]:
    """For the record of a permit: each payment that is awaited, and how much of it billing does not list."""
    ids = dict.fromkeys(p.payment_id for p in facts.unbooked)
    of_each = {i: _still_to_book(facts, (p for p in facts.unbooked if p.payment_id == i)) for i in ids}
    return {payment_id: str(amount) for payment_id, amount in of_each.items()}


def _sum(payments: Iterable[Announced]) -> Decimal:
    return sum((p.amount for p in payments), _NOTHING)


def settled_by(facts: CaseFacts, amount: Decimal) -> bool:
    """Whether so much more would settle the bills of the red notice, or those for which supply is off."""
    return any(facts.outstanding(bills) - amount <= facts.tolerance(begun) for begun, bills in _at_stake(facts))


def _at_stake(facts: CaseFacts) -> tuple[tuple[Notice | Cut, tuple[str, ...]], ...]:
    """The bills that decide about supply. A cut without any of its own, which nobody permitted: all that is overdue."""
    overdue = tuple(b.bill_id for b in facts.arrears) if facts.present_since else ()
    return (
        *((cut, bills) for cut in facts.cuts_off if (bills := cut.bills or overdue)),
        *(((facts.red, facts.red.live_bills),) if facts.red else ()),
    )


def _short(facts: CaseFacts, debt: AccountDebt) -> bool:
    """Whether bills at stake are still unpaid by this answer."""
    owed = {b.bill_id: b.outstanding for b in debt.bills}
    return any(
        sum((owed.get(b, _NOTHING) for b in bills), _NOTHING) > facts.tolerance(begun)
        for begun, bills in _at_stake(facts)
    )


def asked_again_at(facts: CaseFacts) -> list[datetime]:
    """When billing is asked again: while payments decide about supply. One question serves all that are awaited."""
    if not facts.unbooked or not decide_about_supply(facts):
        return []
    if not settled_by(facts, _still_to_book(facts, facts.unbooked)):
        return []
    latest = max(map(_missed_at, facts.unbooked))
    return [latest + wait for wait in ASKED_AGAIN_AFTER]
