"""A cut of a case that is closed, and a payment made before it that billing books only now: a case for the incident."""

from datetime import datetime
from decimal import Decimal

from domain.case.facts import CaseFacts
from domain.case.incidents import open_incident
from domain.law import clock
from domain.money.debt import AccountDebt
from domain.vocabulary import Contract, Id, Moment


class ClosedCut(Contract):
    """A lawful cut of a closed case: its bills, and the payments that the case had been shown when it was settled."""

    account_id: Id
    case_key: Id
    cut_id: Id
    meter_id: Id
    cut_at: Moment
    bills: tuple[Id, ...]
    payments: tuple[Id, ...] = ()


class PaidBeforeCut(Contract):
    """What is learned of a cut once its case is closed: its bills had been settled before it (R-25)."""

    case_key: Id
    cut_id: Id
    meter_id: Id
    cut_at: Moment
    settled_at: Moment


def paid_before(cut: ClosedCut, debt: AccountDebt, may_stay_unpaid: Decimal) -> PaidBeforeCut | None:
    """What billing's answer says of a closed case's cut: settled before it by a payment that the case never knew."""
    bills = [b for b in debt.bills if b.bill_id in cut.bills]
    payments = [p for b in bills for p in b.payments]
    owed = sum((b.outstanding for b in bills), Decimal("0.00"))
    new = any(p.payment_id not in cut.payments for p in payments)
    if len(bills) < len(cut.bills) or not new or owed > may_stay_unpaid:
        return None
    settled_at = max(p.paid_at for p in payments)
    if settled_at > cut.cut_at:
        return None
    return PaidBeforeCut(**cut.model_dump(include=set(PaidBeforeCut.model_fields)), settled_at=settled_at)


def learned(facts: CaseFacts, cut: PaidBeforeCut, now: datetime) -> CaseFacts:
    """The incident, in the case that is opened for it; it closes once the incident has an outcome (R-28)."""
    facts, _ = open_incident(
        facts,
        now,
        "cut_after_settlement",
        cut.cut_at,
        (),
        f"结清后仍被停电（原案 {cut.case_key}，复电后才入账）",
        f"supply was cut at {clock.local_words(cut.cut_at, facts.policy)} although the bills were settled at"
        f" {clock.local_words(cut.settled_at, facts.policy)}; learned after case {cut.case_key} had closed",
    )
    return facts
