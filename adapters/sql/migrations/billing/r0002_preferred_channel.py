"""A customer's record says by which channel he wants to be notified first. Those from before say nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One column; a book made in between may have it already."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("customers")}
    if "preferred_channel" not in there:
        op.add_column("customers", sa.Column("preferred_channel", sa.String()))
