"""When bills were settled: by which payment, or when the case learned that less was owed (R-24, R-25)."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from domain.case.entities import Cut, Notice, Shown
from domain.case.facts import CaseFacts
from domain.law import clock
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, BillPayment

PAYMENTS_KEPT = 500
BILLS_KEPT = 200
"""The latest ones: an account with more of them costs its case no more."""
_NOTHING = Decimal("0.00")
_Kept = TypeVar("_Kept")


# ---- what billing has shown -------------------------------------------------------------------


def shown_so_far(facts: CaseFacts) -> Shown:
    """What billing has shown, its last answer included.

    It is kept when another answer comes, and when another policy does: only a payment that comes later is new.
    """
    payments = dict(facts.shown.payments)
    for bill_id, payment in _booked(facts.debt):
        on = (bill_id,) if bill_id else ()
        payments[payment.payment_id] = tuple(dict.fromkeys((*payments.pop(payment.payment_id, ()), *on)))
    amounts = {**facts.shown.amounts, **{b.bill_id: b.amount for b in facts.debt.bills}}
    return Shown(payments=_latest(payments, PAYMENTS_KEPT), amounts=_latest(amounts, BILLS_KEPT))


def _booked(debt: AccountDebt) -> Iterable[tuple[str | None, BillPayment]]:
    """Every part of a payment that the answer shows, with its bill; credit has none."""
    yield from ((bill.bill_id, payment) for bill in debt.bills for payment in bill.payments)
    yield from ((payment.bill_id, payment) for payment in debt.elsewhere)


def _latest(kept: dict[str, _Kept], at_most: int) -> dict[str, _Kept]:
    return dict(list(kept.items())[-at_most:])


# ---- when it was ------------------------------------------------------------------------------


class _Paid(NamedTuple):
    """Money that went to a late fee; without a time where billing gives none."""

    at: datetime | None
    amount: Decimal
    payment_id: str = ""


def settled_at(
    facts: CaseFacts, begun: Notice | Cut, bills: tuple[str, ...], now: datetime, fee: tuple[_Paid, ...] = ()
) -> datetime:
    """When these bills, of a notice or a cut, were settled, never later than now (R-25).

    Payments of billing's last answer decide it, if they settle the bills by what was known before, and one is new. Then
    it is the latest that was not merely moved between bills. Else it is now: the case learns that less is owed. `fee`
    is what paid the late fee.
    """
    listed = [b for b in facts.debt.bills if b.bill_id in bills]
    if facts.present_since is None:
        return min(max((b.last_paid_at for b in listed if b.last_paid_at), default=now), now)
    paid, shown = [payment for bill in listed for payment in bill.payments], facts.shown.payments
    new = any(not shown.get(p.payment_id) for p in paid) or any(p.at and p.payment_id not in shown for p in fee)
    if not new or sum((_short_by(facts, bill_id) for bill_id in bills), _NOTHING) > facts.tolerance(begun):
        return now
    moved = {p for p, on in shown.items() if on and not set(on) & set(bills)}
    times = [p.paid_at for p in paid if p.payment_id not in moved] + [p.at for p in fee if p.at]
    return min(max(times, default=now), now)


def _short_by(facts: CaseFacts, bill_id: str) -> Decimal:
    """What the payments of the answer leave unpaid of a bill, by what it came to before that answer."""
    bill = next((b for b in facts.debt.bills if b.bill_id == bill_id), None)
    paid = sum((p.amount for p in bill.payments), _NOTHING) if bill else _NOTHING
    amount = facts.shown.amounts.get(bill_id, bill.amount if bill else _NOTHING)
    return max(amount - paid, _NOTHING)


def settled_for_supply(facts: CaseFacts, cut: Cut, now: datetime) -> datetime | None:
    """When the bills of a cut were settled by a policy since, with the late fee where it counts; None if not (R-24).

    No policy that the case comes under later puts restoration off.
    """
    outstanding = facts.outstanding(cut.bills)
    policies = (p for p in facts.policies_since(cut) if outstanding <= facts.may_stay_unpaid(p))
    return min((at for at in (_settled_by(facts, cut, policy, now) for policy in policies) if at), default=None)


def _settled_by(facts: CaseFacts, cut: Cut, policy: Policy, now: datetime) -> datetime | None:
    fee = _late_fee_paid(facts, cut, policy, now)
    if fee is None:
        return None
    notice = notice_of(facts, cut)
    if notice and notice.settled_at:  # before the cut was reported
        return max((notice.settled_at, *(p.at for p in fee if p.at)))
    return settled_at(facts, cut, cut.bills, now, fee)


def notice_of(facts: CaseFacts, cut: Cut) -> Notice | None:
    """The red notice under which a lawful cut was made."""
    permit = next((p for p in facts.permits if p.permit_id == cut.permit_id), None)
    ticket = facts.ticket(permit.ticket_id) if permit else None
    return facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None


# ---- the late fee -----------------------------------------------------------------------------


def _late_fee_paid(facts: CaseFacts, cut: Cut, policy: Policy, now: datetime) -> tuple[_Paid, ...] | None:
    """What paid the late fee, if it holds up supply: nothing if it does not, None while it is not covered (R-24)."""
    if not policy.late_fee_blocks:
        return ()
    fee = facts.late_fee(now, cut.bills, policy)
    if facts.present_since is None:
        return () if facts.debt.credit >= fee else None
    used: list[_Paid] = []
    for part in sorted(_paid_beyond(facts, cut.bills), key=lambda p: p.at or cut.at):
        if fee <= 0:
            break
        used.append(part)
        fee -= part.amount
    return tuple(used) if fee <= 0 else None


def _paid_beyond(facts: CaseFacts, bills: tuple[str, ...]) -> list[_Paid]:
    """What was paid beyond the principal of these bills: it goes to their late fee before any bill not yet due.

    Credit counts whenever it came; what lies on another bill, if it was paid no earlier than the principal, and by that
    bill's due date. Where billing says no more than a payment's whole amount, the rest of it counts.
    """
    debt = facts.debt
    named = {p.payment_id: p for b in debt.bills if b.bill_id in bills for p in b.payments}
    principal_at = max((p.paid_at for p in named.values()), default=None)
    others = [(b.due_date, p) for b in debt.bills if b.bill_id not in bills for p in b.payments]
    others += [(p.due_date, p) for p in debt.elsewhere if p.due_date]
    on_others = [
        _Paid(p.paid_at, p.amount, p.payment_id)
        for due, p in others
        if (principal_at is None or p.paid_at >= principal_at) and clock.local_day(p.paid_at, facts.policy) <= due
    ]
    on_none = [_Paid(p.paid_at, p.amount, p.payment_id) for p in debt.elsewhere if p.due_date is None]
    rest = [
        _Paid(p.paid_at, left, p.payment_id)
        for p in named.values()
        if p.payment_amount and (left := p.payment_amount - _shown_of(debt, p.payment_id)) > 0
    ]
    without_time = debt.credit - sum((p.amount for p in (*on_none, *rest)), _NOTHING)
    return [*on_others, *on_none, *rest, *([_Paid(None, without_time)] if without_time > 0 else [])]


def _shown_of(debt: AccountDebt, payment_id: str) -> Decimal:
    return sum((p.amount for _, p in _booked(debt) if p.payment_id == payment_id), _NOTHING)


# ---- kept for a cut that is reported later ----------------------------------------------------


def settlements_are_kept(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A notice under which somebody may have been cut keeps when its bills were settled, until they owe again (R-25).

    A crew may report its cut after that, when other answers of billing have come.
    """
    if facts.present_since is None:
        return facts
    unanswered = {p.ticket_id for p in facts.permits if not p.answered and p.state != "redeemed"}
    at_stake = {t.notice_id for t in facts.tickets if t.ticket_id in unanswered}
    for notice in facts.notices:
        owes = facts.outstanding(notice.bills) > facts.tolerance(notice)
        asked = set(notice.bills) <= set(facts.debt_asked) and (notice.stands or notice.notice_id in at_stake)
        if notice.settled_at and owes:
            facts = facts.with_notice(notice.notice_id, settled_at=None)
        elif notice.settled_at is None and not owes and asked:
            at = settled_at(facts, notice, notice.bills, now)
            facts = facts.with_notice(notice.notice_id, settled_at=at)
    return facts
