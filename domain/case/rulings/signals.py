"""Rulings on signals: bills, payments, holds, rechecks, and supply found cut."""

from datetime import datetime
from decimal import Decimal

from domain.case.announced_payments import AWAITED_AT_MOST, settled_by
from domain.case.attempt import revoke_permit
from domain.case.entities import Announced, Hold, Permit
from domain.case.facts import CaseFacts
from domain.case.own_meters import named_since
from domain.case.unauthorised_cut import known_cut, unauthorised_cut
from domain.contract.signals import (
    BillOverdue,
    HoldLifted,
    HoldPlaced,
    PaymentReceived,
    PaymentReversed,
    RecheckRequested,
    SupplyFoundCut,
)
from domain.contract.tables import HOLD_ROLES
from domain.law.clock import CLOCK_SKEW
from domain.record.reasons import because
from domain.record.subjects import subject
from domain.vocabulary import Actor


def bill_overdue(facts: CaseFacts, message: BillOverdue, now: datetime) -> CaseFacts:
    """Another bill joins the case; what is owed is for billing to say."""
    if message.account_id != facts.account.account_id:
        return ignored(facts, now, "bill_overdue", f"account_id: this case is {facts.account.account_id}'s")
    key = f"event:{message.event_id}"
    if key in facts.answers:
        return facts
    facts = _remembered(facts, key)
    facts = facts.noted(
        now,
        "bill.overdue",
        about=message.bill_id,
        amount=message.amount,
        due_date=str(message.due_date),
    )
    return _hinted(facts)


def payment_received(facts: CaseFacts, message: PaymentReceived, now: datetime) -> CaseFacts:
    """Money arrived. A payment large enough to settle revokes an open permit before billing has been asked (P2)."""
    key = f"payment:{message.payment_id}"
    if key in facts.answers:
        return facts
    facts = _remembered(facts, key)
    at = min(message.paid_at or now, now)
    facts = facts.noted(
        now,
        "payment.hint",
        at=at,
        about=message.payment_id,
        amount=message.amount,
        channel=message.channel,
    )
    facts = _hinted(facts, message.amount)
    if f"reversal:{message.payment_id}" not in facts.answers:
        announced = Announced(payment_id=message.payment_id, amount=message.amount, at=now)
        facts = facts.but(heard=(*facts.heard, announced)[-AWAITED_AT_MOST:])
    so_far = facts.announced + sum((p.amount for p in facts.unbooked), Decimal(0))
    if facts.red and facts.open_permit and settled_by(facts, so_far):
        facts = revoke_permit(facts, now, because("payment_arrived", payment=message.payment_id))
    return facts


def payment_reversed(facts: CaseFacts, message: PaymentReversed, now: datetime) -> CaseFacts:
    """A payment bounced: the debt may be open again. A restoration ticket is not recalled for it (R-24)."""
    key = f"reversal:{message.payment_id}"
    if key in facts.answers:
        return facts
    facts = _remembered(facts, key)
    facts = facts.noted(
        now,
        "payment.reversed",
        at=min(message.at or now, now),
        about=message.payment_id,
        reason=message.reason,
    )
    facts = facts.but(heard=_without(facts.heard, message), unbooked=_without(facts.unbooked, message))
    return _hinted(facts)


def _without(payments: tuple[Announced, ...], reversal: PaymentReversed) -> tuple[Announced, ...]:
    return tuple(p for p in payments if p.payment_id != reversal.payment_id)


def recheck_requested(facts: CaseFacts, message: RecheckRequested, now: datetime) -> CaseFacts:
    """The sweep, the hotline or an operator wants billing asked again (R-22, R-23)."""
    key = f"recheck:{message.request_id}"
    if key in facts.answers:
        return facts
    facts = _remembered(facts, key)
    facts = facts.noted(
        now,
        "recheck.requested",
        at=min(message.at or now, now),
        about=message.request_id,
        source=message.source,
    )
    return _hinted(facts)


def hold_placed(facts: CaseFacts, message: HoldPlaced, now: datetime) -> CaseFacts:
    """Stop the procedure (R-04). At or after T - 24 h, `domain.case.deadlines` ends the attempt at once."""
    if message.hold_id in {h.hold_id for h in facts.holds}:
        return facts
    if refusal := _may_not_hold(facts, message.actor):
        return ignored(facts, now, "hold_placed", refusal, message.actor)
    lifted = message.hold_id in facts.lifted_early
    hold = Hold(
        hold_id=message.hold_id,
        kind=message.kind,
        reason=message.reason,
        placed_by=message.actor.id,
        placed_at=now,
        until=message.until,
        ended_at=now if lifted else None,
    )
    facts = facts.but(holds=(*facts.holds, hold))
    facts = facts.noted(
        now,
        "hold.placed",
        at=_signalled_at(message.at, now),
        actor=message.actor,
        about=hold.hold_id,
        kind=hold.kind,
        until=hold.until,
    )
    if lifted:
        return facts
    return revoke_permit(facts, now, because("held", hold=hold.kind))


def hold_lifted(facts: CaseFacts, message: HoldLifted, now: datetime) -> CaseFacts:
    """A hold stands no longer; one lifted before its placing has arrived never comes to stand."""
    if refusal := _may_not_hold(facts, message.actor):
        return ignored(facts, now, "hold_lifted", refusal, message.actor)
    hold = next((h for h in facts.holds if h.hold_id == message.hold_id), None)
    if (hold is None and message.hold_id in facts.lifted_early) or (hold and not hold.stands):
        return facts
    at = _signalled_at(message.at, now)
    facts = facts.noted(now, "hold.lifted", at=at, actor=message.actor, about=message.hold_id)
    if hold is None:
        return facts.but(lifted_early=(*facts.lifted_early, message.hold_id))
    return facts.with_hold(hold.hold_id, ended_at=now)


def supply_found_cut(facts: CaseFacts, message: SupplyFoundCut, now: datetime) -> CaseFacts:
    """The customer is found cut off: ours if a cut or permit of ours explains it, else unauthorised (R-27)."""
    key = f"found:{message.report_id}"
    if key in facts.answers:
        return facts
    facts = _remembered(facts, key)
    at = min(message.at or now, now)
    known = known_cut(facts, message.meter_id, at)
    ours = (p for p in facts.permits if message.meter_id in named_since(facts, p.meter_id, p.given_at))
    permit = next((p for p in ours if _may_explain(p, at)), None)
    if known is None and permit is None:
        facts, _ = unauthorised_cut(
            facts, now, at, message.meter_id, (message.reported_by,), message.source, about=message.report_id
        )
        return facts
    facts = facts.noted(
        now,
        "cut.found",
        at=at,
        about=message.report_id,
        meter_id=message.meter_id,
        source=message.source,
        known=True,
    )
    if known is None and permit is not None and not permit.answered:
        facts = facts.with_permit(permit.permit_id, found_dark_at=permit.found_dark_at or at)
        facts = facts.notified(
            now,
            "field_crew",
            subject("report_asked"),
            f"户号 {facts.account.account_id} 被发现已停电，许可 {permit.permit_id} 当时有效，请立即回报。",
            f"Account {facts.account.account_id} was found without supply while permit {permit.permit_id} was live: "
            "report at once whether you cut.",
            about=permit.permit_id,
        )
    return _hinted(facts)


def _may_explain(permit: Permit, at: datetime) -> bool:
    """It was live then, and the crew has not said that it did not cut."""
    return permit.live_at(at) and (not permit.answered or permit.state == "redeemed")


def ignored(facts: CaseFacts, now: datetime, name: str, reason: str, actor: Actor | None = None) -> CaseFacts:
    """A signal that cannot be taken leaves a note and nothing else."""
    return facts.noted(now, "message.ignored", actor=actor, message=name, reason=reason)


def _may_not_hold(facts: CaseFacts, actor: Actor) -> str | None:
    if actor.role not in HOLD_ROLES:
        return f"{actor.role} may not place or lift holds"
    ours = facts.unit_of(actor.role)
    if actor.unit is not None and ours is not None and actor.unit != ours:
        return f"this account belongs to {ours}, not to {actor.unit}"
    return None


def _signalled_at(at: datetime | None, now: datetime) -> datetime:
    """A time too far ahead is kept as the time of arrival."""
    return at if at is not None and at <= now + CLOCK_SKEW else now


def _remembered(facts: CaseFacts, key: str) -> CaseFacts:
    return facts.but(answers={**facts.answers, key: {}})


def _hinted(facts: CaseFacts, amount: Decimal = Decimal("0.00")) -> CaseFacts:
    return facts.but(hints=facts.hints + 1, announced=facts.announced + amount)
