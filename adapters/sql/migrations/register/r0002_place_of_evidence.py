"""Evidence gets its place: the order in which the case learned of things. Entries from before have the place 0."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; a register made in between may have it without ever having had a revision."""
    if "place" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("evidence")}:
        # With a default, so that a worker of the version before can still add evidence beside this one.
        op.add_column("evidence", sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
