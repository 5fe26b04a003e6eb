"""The marks of the workers' key rings: commands compare their own with them before they send anything."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TEXT, JSON, MOMENT = sa.String(), sa.Text(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table; a worker that runs writes its mark when it is started anew."""
    op.create_table(
        "key_rings",
        sa.Column("namespace", TEXT, primary_key=True),
        sa.Column("task_queue", TEXT, primary_key=True),
        sa.Column("mark", JSON, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        if_not_exists=True,
    )
