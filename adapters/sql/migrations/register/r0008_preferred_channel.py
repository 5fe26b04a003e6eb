"""A kept card says by which channel the customer wants to be notified first. Those from before say nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One column; a register made in between may have it already."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("customer_cards")}
    if "preferred_channel" not in there:
        op.add_column("customer_cards", sa.Column("preferred_channel", sa.String()))
