"""R-31 in a proof: a payment that was announced, and would settle, stops permits until billing has booked it."""

from datetime import timedelta
from decimal import Decimal

from domain.proof.reading import Check, Checks, Reading, amount, check, moment, text
from domain.record.case_file import FiledEvidence

_BELIEVED = 3
_ANSWERED_WITHIN = timedelta(seconds=15)
_A_MOMENT = timedelta(minutes=1)
"""What a busy machine may take to wake the case."""


def announced_payments_stop_permits(r: Reading) -> Checks:
    """R-31: none is granted, or stays open, while a payment is awaited that would settle; nor if billing is silent.

    The first three payments of a case are awaited, until they are booked or given up. A copy of a message leaves no
    evidence: it is judged only where billing's silence about it has ended a permit.
    """
    for permit in r.all("permit.granted"):
        if r.counts("R-31", permit):
            yield from _granted(r, permit)
    for hint in r.all("payment.hint"):
        still_open = r.open_at(hint)
        if still_open is not None and r.counts("R-31", hint) and _would_settle(r, still_open, hint):
            yield check(r.revoked_with(hint), still_open, hint, r.ended(still_open))
    for revoked in r.all("permit.revoked"):
        came = moment(revoked, "unanswered_since")
        if came is not None and r.counts("R-31", revoked):
            yield check(revoked.recorded_at - came <= _ANSWERED_WITHIN + _A_MOMENT, revoked)


def _granted(r: Reading, permit: FiledEvidence) -> Checks:
    """Whether what had been announced when a permit was granted would have settled its bills."""
    ticket = r.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
    asked = r.before(permit, "billing.checked", about=text(permit, "ticket_id"), when="permit")
    if ticket is None or asked is None:
        return
    awaited = {i: said for i, said in _unbooked(asked).items() if _believed(r, asked, i)}
    if awaited:
        kept = sum(awaited.values()) < _lacking(r, permit, asked)
        yield check(kept, *(r.before(asked, "payment.unbooked", about=i) for i in awaited), asked, permit)
    for hint in r.all("payment.hint"):
        if ticket.seq < hint.seq < permit.seq and r.counts("R-31", hint) and _would_settle(r, permit, hint):
            yield _answered(r, hint, permit)


def _answered(r: Reading, hint: FiledEvidence, permit: FiledEvidence) -> Check:
    """Billing has said since whether it lists that payment, or the payment was taken back."""
    answer = r.after(hint, "debt.read", "payment.unbooked", "payment.reversed")
    return check(answer is not None and answer.seq < permit.seq, hint, answer, permit)


def _unbooked(asked: FiledEvidence) -> dict[str, Decimal]:
    """What billing did not list at the permit of each payment that had been announced."""
    said = asked.detail.get("unbooked")
    return {str(i): Decimal(str(left)) for i, left in said.items()} if isinstance(said, dict) else {}


def _believed(r: Reading, asked: FiledEvidence, payment_id: str) -> bool:
    """Whether fewer than three announced payments had come to nothing when billing was first found not to list it."""
    missed = r.before(asked, "payment.unbooked", about=payment_id, given_up=False)
    nothing = r.all("payment.unbooked", given_up=True)
    return missed is not None and sum(e.seq < missed.seq and r.counts("R-31", e) for e in nothing) < _BELIEVED


def _would_settle(r: Reading, permit: FiledEvidence, hint: FiledEvidence) -> bool:
    """Whether the payment of this message is enough for the bills of the red notice, as they stood when it came."""
    return "named" in hint.detail and amount(hint, "amount") - amount(hint, "listed") >= _lacking(r, permit, hint)


def _lacking(r: Reading, permit: FiledEvidence, said: FiledEvidence) -> Decimal:
    """What the bills of the red notice owed beyond what may stay unpaid, as an entry says."""
    return amount(said, "named") - r.policies_since(r.red_of(permit), permit)[-1].may_stay_unpaid
