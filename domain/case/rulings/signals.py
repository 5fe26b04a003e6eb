"""Rulings on signals: bills, payments, holds, rechecks, and supply found cut."""

from datetime import datetime

from domain.case.announced_payments import announced_so_far, kept, settled_by, shown_beside
from domain.case.attempt import revoke_permit
from domain.case.entities import Announced, Hold, Permit
from domain.case.facts import CaseFacts
from domain.case.hints import copied, forgotten, heard, hinted
from domain.case.holds_again import (
    doubted,
    lifted_again,
    lifted_before_it_came,
    placed_after,
    signalled_at,
    why_not_again,
    why_not_lifted,
)
from domain.case.identity import same, same_meter
from domain.case.own_meters import is_named_since
from domain.case.unauthorised_cut import known_cut, unauthorised_cut
from domain.contract.business_keys import fingerprint
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
from domain.record.reasons import because
from domain.record.subjects import subject
from domain.vocabulary import Actor


def bill_overdue(facts: CaseFacts, message: BillOverdue, now: datetime) -> CaseFacts:
    """Another bill joins the case; what is owed is for billing to say."""
    if message.account_id != facts.account.account_id:
        return ignored(facts, now, "bill_overdue", f"account_id: this case is {facts.account.account_id}'s")
    what = fingerprint((message.bill_id, message.amount, message.due_date))
    facts, new = heard(facts, f"event:{message.event_id}", what, now)
    if not new:
        return facts
    facts = facts.noted(
        now,
        "bill.overdue",
        about=message.bill_id,
        amount=message.amount,
        due_date=str(message.due_date),
    )
    return hinted(facts, now)


def payment_received(facts: CaseFacts, message: PaymentReceived, now: datetime) -> CaseFacts:
    """Money arrived. A payment large enough to settle revokes an open permit before billing has been asked (P2).

    Of each id, every amount and channel is announced once, and once more after a reversal (R-31).
    """
    key = f"payment:{message.payment_id}"
    facts, new = heard(facts, key, fingerprint((message.amount, message.channel)), now)
    if not new:
        return facts
    at = min(message.paid_at or now, now)
    facts = facts.noted(
        now,
        "payment.hint",
        at=at,
        about=message.payment_id,
        amount=message.amount,
        channel=message.channel,
        **shown_beside(facts, message.payment_id),
    )
    facts = hinted(facts, now, message.amount)
    reversal = f"reversal:{message.payment_id}"
    facts = forgotten(facts, reversal)
    if reversal not in facts.answers:
        announced = Announced(payment_id=message.payment_id, amount=message.amount, at=now, channel=message.channel)
        facts = facts.but(heard=kept(facts, (*facts.heard, announced)))
    if facts.red and facts.open_permit and settled_by(facts, announced_so_far(facts)):
        facts = revoke_permit(facts, now, because("payment_arrived", payment=message.payment_id))
    return facts


def payment_reversed(facts: CaseFacts, message: PaymentReversed, now: datetime) -> CaseFacts:
    """A payment bounced: the debt may be open again. A restoration ticket is not recalled for it (R-24)."""
    facts, new = heard(facts, f"reversal:{message.payment_id}", "", now)
    if not new:
        return facts
    facts = forgotten(facts, f"payment:{message.payment_id}")
    facts = facts.noted(
        now,
        "payment.reversed",
        at=min(message.at or now, now),
        about=message.payment_id,
        reason=message.reason,
    )
    facts = facts.but(heard=_without(facts.heard, message), unbooked=_without(facts.unbooked, message))
    return hinted(facts, now)


def _without(payments: tuple[Announced, ...], reversal: PaymentReversed) -> tuple[Announced, ...]:
    return tuple(p for p in payments if p.payment_id != reversal.payment_id)


def recheck_requested(facts: CaseFacts, message: RecheckRequested, now: datetime) -> CaseFacts:
    """The sweep, the hotline or an operator wants billing asked again (R-22, R-23)."""
    facts, new = heard(facts, f"recheck:{message.request_id}", message.source, now)
    if not new:
        return facts
    facts = facts.noted(
        now,
        "recheck.requested",
        at=min(message.at or now, now),
        about=message.request_id,
        source=message.source,
    )
    return hinted(facts, now)


def hold_placed(facts: CaseFacts, message: HoldPlaced, now: datetime) -> CaseFacts:
    """Stop the procedure (R-04). At or after T - 24 h, `domain.case.deadlines` ends the attempt at once."""
    known = next((h for h in facts.holds if h.hold_id == message.hold_id), None)
    if known and facts.present_since is None:
        return facts
    if refusal := _may_not_hold(facts, message.actor):
        return ignored(facts, now, "hold_placed", refusal, message.actor)
    if known and (note := why_not_again(facts, known, message, now)):
        return doubted(ignored(facts, now, "hold_placed", note, message.actor), known, message, now)
    lifted = known is None and lifted_before_it_came(facts, message)
    hold = Hold(
        hold_id=message.hold_id,
        kind=message.kind,
        reason=message.reason,
        placed_by=message.actor.id,
        placed_at=now,
        until=message.until,
        ended_at=now if lifted else None,
        placed_after=placed_after(facts, known, message),
    )
    others = tuple(h for h in facts.holds if h.hold_id != hold.hold_id)
    facts = facts.but(holds=(*others, hold))
    facts = facts.noted(
        now,
        "hold.placed",
        at=signalled_at(message.at, now),
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
    if facts.present_since and (note := why_not_lifted(facts, hold, message)):
        return lifted_again(ignored(facts, now, "hold_lifted", note, message.actor), hold, message, now)
    if (hold is None and message.hold_id in facts.lifted_early) or (hold and not hold.stands):
        return facts
    at = signalled_at(message.at, now)
    facts = facts.noted(now, "hold.lifted", at=at, actor=message.actor, about=message.hold_id)
    if hold is None:
        early = {**facts.lifted_early_at, message.hold_id: at} if facts.present_since else {}
        return facts.but(lifted_early=(*facts.lifted_early, message.hold_id), lifted_early_at=early)
    return facts.with_hold(hold.hold_id, ended_at=now, lifted_at=at if facts.present_since else None)


def supply_found_cut(facts: CaseFacts, message: SupplyFoundCut, now: datetime) -> CaseFacts:
    """The customer is found cut off: ours if a cut or permit of ours explains it, else unauthorised (R-27)."""
    at = min(message.at or now, now)
    known = known_cut(facts, message.meter_id, at)
    ours = (p for p in facts.permits if is_named_since(facts, message.meter_id, p.meter_id, p.given_at))
    permit = next((p for p in ours if _may_explain(p, at)), None)
    key = f"found:{message.report_id}"
    if (before := facts.answers.get(key)) is not None:
        if facts.present_since is None:
            return facts
        one_meter = same_meter(facts, before.get("meter", message.meter_id), message.meter_id)
        if one_meter and (known or permit):  # else another meter, or a time after that cut was restored
            facts = ignored(facts, now, "supply_found_cut", f"report {message.report_id} has come already")
            return copied(facts, key, now)
    remembered = {"meter": message.meter_id} if facts.present_since else {}
    facts = facts.but(answers={**facts.answers, key: remembered})
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
    return hinted(facts, now)


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
    if actor.unit is not None and ours is not None and not same(facts, actor.unit, ours):
        return f"this account belongs to {ours}, not to {actor.unit}"
    return None
