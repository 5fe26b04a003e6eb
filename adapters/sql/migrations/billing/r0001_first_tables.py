"""The billing book's tables as they were before they had revisions.

What is there already is left as it is: so a book of that time is taken over with all it holds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT, MOMENT, MONEY = sa.String(), sa.DateTime(timezone=True), sa.BigInteger()
ID = sa.String().with_variant(sa.Text(collation="C"), "postgresql")
UNANNOUNCED = sa.text("announced_at IS NULL")


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "customers",
        sa.Column("account_id", ID, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("customer_class", TEXT, nullable=False),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.Column("meter_id", TEXT, nullable=False),
        sa.Column("reading_centre", TEXT, nullable=False),
        sa.Column("reader", TEXT, nullable=False),
        sa.Column("team_leader", TEXT, nullable=False),
        sa.Column("field_unit", TEXT, nullable=False),
        sa.Column("business_station", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=False),
        sa.Column("export", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "outages",
        sa.Column("reason", TEXT, primary_key=True),
        if_not_exists=True,
    )
    op.create_table(
        "bills",
        sa.Column("bill_id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("customers.account_id"), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("announced_at", MOMENT),
        if_not_exists=True,
    )
    op.create_index("ix_bills_account", "bills", ["account_id", "due_date"], if_not_exists=True)
    op.create_index(
        "ix_bills_unannounced",
        "bills",
        ["account_id", "due_date"],
        sqlite_where=UNANNOUNCED,
        postgresql_where=UNANNOUNCED,
        if_not_exists=True,
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", ID, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("customers.account_id"), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("paid_at", MOMENT, nullable=False),
        sa.Column("bill_id", ID, sa.ForeignKey("bills.bill_id")),
        sa.Column("channel", TEXT),
        sa.Column("reverses", ID, sa.ForeignKey("payments.payment_id"), unique=True),
        sa.Column("announced_at", MOMENT),
        if_not_exists=True,
    )
    op.create_index("ix_payments_account", "payments", ["account_id"], if_not_exists=True)
    op.create_index(
        "ix_payments_unannounced",
        "payments",
        ["account_id"],
        sqlite_where=UNANNOUNCED,
        postgresql_where=UNANNOUNCED,
        if_not_exists=True,
    )
