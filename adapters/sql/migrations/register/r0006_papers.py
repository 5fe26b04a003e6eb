"""Notices and tickets name their paper: where it is kept, and its SHA-256. Those from before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Two columns each; a register made in between may have them already."""
    for table in ("notices", "tickets"):
        there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
        for name in ("document_key", "document_sha256"):
            if name not in there:
                op.add_column(table, sa.Column(name, sa.String()))
