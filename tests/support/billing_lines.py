"""Lines for a billing book: customers, bills, payments, around noon of a day on which some are overdue."""

from datetime import UTC, date, datetime
from decimal import Decimal

from domain.customer import Account, Customer, CustomerCard
from domain.money.book import BookedBill, BookedPayment

NOON = datetime(2026, 10, 26, 4, tzinfo=UTC)  # 12:00 on the 26th in Shanghai


def customer(account_id: str, **changes: str) -> Customer:
    """A household; `changes` are of its account."""
    account = Account(
        account_id=account_id,
        customer_class="residential",
        meter_id="M1",
        reading_centre="RC-03",
        reader="r-017",
        team_leader="t-002",
        field_unit="FU-1",
        business_station="BS-1",
        region="east",
    )
    card = CustomerCard(account_id=account_id, name="王伟", address="人民路1号", phone="13900000000")
    return Customer(account=account.model_copy(update=changes), card=card)


def bill(bill_id: str, account_id: str = "1001", due: date = date(2026, 10, 25), amount: str = "100.00") -> BookedBill:
    """A bill, overdue since this midnight."""
    return BookedBill(bill_id, account_id, due, Decimal(amount), "2026-09")


def paid(
    payment_id: str, amount: str, account_id: str = "1001", named: str | None = None, reverses: str | None = None
) -> BookedPayment:
    """A payment at noon, or what takes one back."""
    return BookedPayment(payment_id, account_id, Decimal(amount), NOON, named, "counter", reverses)
