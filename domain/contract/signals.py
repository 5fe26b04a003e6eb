"""The signals: what has happened, as other systems send it."""

from typing import Literal

from domain.vocabulary import Actor, Contract, Day, Id, Moment, PositiveMoney, Text


class BillOverdue(Contract):
    """A bill of the account has fallen overdue."""

    event_id: Id
    account_id: Id
    bill_id: Id
    amount: PositiveMoney
    due_date: Day


class PaymentReceived(Contract):
    """Money arrived; a hint that billing should be asked."""

    payment_id: Id
    amount: PositiveMoney
    paid_at: Moment | None = None
    channel: Text | None = None


class PaymentReversed(Contract):
    """A payment bounced or was taken back."""

    payment_id: Id
    reason: Text
    at: Moment | None = None


class RecheckRequested(Contract):
    """Somebody asks that billing be read again."""

    request_id: Id
    source: Literal["sweep", "hotline", "operator"]
    at: Moment | None = None


class HoldPlaced(Contract):
    """Nothing may go forward until this is lifted or has ended."""

    hold_id: Id
    kind: Literal["dispute", "hardship", "medical", "moratorium", "other"]
    reason: Text
    until: Moment | None = None
    actor: Actor
    at: Moment | None = None


class HoldLifted(Contract):
    """A hold no longer stands."""

    hold_id: Id
    actor: Actor
    at: Moment | None = None


class SupplyFoundCut(Contract):
    """The customer was found cut off (or limited) for arrears."""

    report_id: Id
    meter_id: Id
    reported_by: Text
    source: Text
    at: Moment | None = None
