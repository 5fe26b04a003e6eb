"""The signals that billing's records become: bill overdue, payment received, payment reversed; ids from the records."""

from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed
from domain.money.book import BookedBill, BookedPayment
from domain.money.debt import BillDebt


def bill_overdue(account_id: str, bill: BookedBill | BillDebt) -> BillOverdue:
    """The event of a bill. Its id is the bill's, so a case takes it once, whoever announces it."""
    return BillOverdue(
        event_id=f"overdue-{bill.bill_id}",
        account_id=account_id,
        bill_id=bill.bill_id,
        amount=bill.amount,
        due_date=bill.due_date,
    )


def payment_received(payment: BookedPayment) -> PaymentReceived:
    """The event of a payment."""
    return PaymentReceived(
        payment_id=payment.payment_id, amount=payment.amount, paid_at=payment.paid_at, channel=payment.channel
    )


def payment_reversed(reversal: BookedPayment) -> PaymentReversed:
    """The event of a reversal: it names the payment taken back."""
    return PaymentReversed(
        payment_id=reversal.reverses or reversal.payment_id,
        reason=f"冲正 reversed by {reversal.payment_id}",
        at=reversal.paid_at,
    )
