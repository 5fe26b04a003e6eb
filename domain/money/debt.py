"""What the billing system says of an account: its overdue bills, what was paid on them, and how it is asked."""

import hashlib
from datetime import datetime
from decimal import Decimal

from domain.vocabulary import Contract, Day, Id, Moment, Money


class BillPayment(Contract):
    """Part of a payment that billing booked on one bill; a reversed payment is simply gone.

    `payment_amount`: the whole payment, where billing says it.
    """

    payment_id: Id
    amount: Money
    paid_at: Moment
    payment_amount: Money | None = None


class PaymentElsewhere(BillPayment):
    """Part of a payment on a bill that the answer does not list; without a bill it is credit."""

    bill_id: Id | None = None
    due_date: Day | None = None


class BillDebt(Contract):
    """One bill with what was paid on it, whatever the payment's date."""

    bill_id: Id
    amount: Money
    due_date: Day
    payments: tuple[BillPayment, ...] = ()

    @property
    def outstanding(self) -> Decimal:
        """Principal still unpaid."""
        return self.amount - sum((p.amount for p in self.payments), Decimal(0))

    @property
    def last_paid_at(self) -> datetime | None:
        """The latest time money reached this bill."""
        return max((p.paid_at for p in self.payments), default=None)


class AccountDebt(Contract):
    """Billing's answer for an account as of a time.

    `bills` holds every bill overdue by then that has principal outstanding, and those asked for by id besides.
    `paid_total` is all that the account ever paid, less reversals; `credit` what is overpaid. `elsewhere` lies on no
    bill listed, and was paid since the due date of the oldest bill asked for by id. Billing may leave it out.
    """

    account_id: Id
    as_of: Moment
    bills: tuple[BillDebt, ...] = ()
    paid_total: Money = Decimal("0.00")
    credit: Money = Decimal("0.00")
    elsewhere: tuple[PaymentElsewhere, ...] = ()

    @property
    def owed(self) -> Decimal:
        """Principal outstanding over all bills listed."""
        return sum((b.outstanding for b in self.bills), Decimal("0.00"))

    def mark(self) -> str:
        """A short fingerprint of what is owed and paid; it changes when, and only when, the debt does."""
        owing = sorted((b.bill_id, str(b.outstanding)) for b in self.bills if b.outstanding > 0)
        return hashlib.sha256(f"{self.paid_total}|{owing}".encode()).hexdigest()[:16]


class DebtQuery(Contract):
    """Ask billing what an account owes. `bills` are reported even when settled (those named in notices)."""

    account_id: Id
    as_of: Moment
    bills: tuple[Id, ...] = ()
