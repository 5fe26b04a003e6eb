"""The tables of the billing book. Rows only: what crosses a boundary is a contract of `domain`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Index, MetaData, String, Text, text
from sqlmodel import Field, SQLModel

from adapters.sql.column_types import Cents, Instant
from adapters.sql.migration import History

# Pages go by account id: its order must be the same on every database.
_KEY: Any = String().with_variant(Text(collation="C"), "postgresql")

_ADDED_LATER: Any = {"info": {"added_later": True}}  # a book from before revisions is known by its other columns


class BillingTable(SQLModel):
    """Base of the book's tables: their own metadata, apart from that of the register."""

    metadata: ClassVar[MetaData] = MetaData()


class CustomerRow(BillingTable, table=True):
    """A customer, both halves; `export` is the file reading that last named it.

    Here and below, `…alike` is the id without case, width, blanks and dashes, by which ids mistaken for two are found.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_account_alike", "account_alike"),
        Index("ix_customers_meter_alike", "meter_alike"),
    )
    account_id: str = Field(primary_key=True, sa_type=_KEY)
    name: str
    address: str
    phone: str = ""
    email: str = ""
    preferred_channel: str | None = None
    customer_class: str
    important: bool = False
    meter_id: str
    reading_centre: str
    reader: str
    team_leader: str
    field_unit: str
    business_station: str
    region: str
    export: str = ""
    account_alike: str | None = Field(default=None, sa_type=_KEY, sa_column_kwargs=_ADDED_LATER)
    meter_alike: str | None = Field(default=None, sa_type=_KEY, sa_column_kwargs=_ADDED_LATER)


class BillRow(BillingTable, table=True):
    """A bill; `announced_at` is set once it was announced to its case, or needed no announcement."""

    __tablename__ = "bills"
    __table_args__ = (
        Index("ix_bills_account", "account_id", "due_date"),
        Index(
            "ix_bills_unannounced",
            "account_id",
            "due_date",
            sqlite_where=text("announced_at IS NULL"),
            postgresql_where=text("announced_at IS NULL"),
        ),
        Index("ix_bills_alike", "alike"),
    )
    bill_id: str = Field(primary_key=True, sa_type=_KEY)
    account_id: str = Field(foreign_key="customers.account_id", sa_type=_KEY)
    due_date: date
    amount: Decimal = Field(sa_type=Cents)
    period: str = ""
    announced_at: datetime | None = Field(default=None, sa_type=Instant)
    alike: str | None = Field(default=None, sa_type=_KEY, sa_column_kwargs=_ADDED_LATER)


class PaymentRow(BillingTable, table=True):
    """A payment or a reversal; a payment is taken back once at most."""

    __tablename__ = "payments"
    __table_args__ = (
        Index("ix_payments_account", "account_id"),
        Index(
            "ix_payments_unannounced",
            "account_id",
            sqlite_where=text("announced_at IS NULL"),
            postgresql_where=text("announced_at IS NULL"),
        ),
        Index("ix_payments_alike", "alike"),
    )
    payment_id: str = Field(primary_key=True, sa_type=_KEY)
    account_id: str = Field(foreign_key="customers.account_id", sa_type=_KEY)
    amount: Decimal = Field(sa_type=Cents)
    paid_at: datetime = Field(sa_type=Instant)
    bill_id: str | None = Field(default=None, foreign_key="bills.bill_id", sa_type=_KEY)
    channel: str | None = None
    reverses: str | None = Field(default=None, foreign_key="payments.payment_id", unique=True, sa_type=_KEY)
    announced_at: datetime | None = Field(default=None, sa_type=Instant)
    alike: str | None = Field(default=None, sa_type=_KEY, sa_column_kwargs=_ADDED_LATER)


class OutageRow(BillingTable, table=True):
    """While a row stands here, the book answers nobody: how demo and tests take billing down."""

    __tablename__ = "outages"
    reason: str = Field(primary_key=True)


TABLES: MetaData = BillingTable.metadata
BILLING = History("billing", TABLES)
