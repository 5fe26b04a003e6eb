"""Messages that wait for a delivery channel, and what came of each try to hand one over."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT, NUMBER, MOMENT = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables; what was in the outbox before is not sent any more."""
    op.create_table(
        "unsent",
        sa.Column("message_key", TEXT, primary_key=True),
        sa.Column("urgency", NUMBER, nullable=False),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("first_tried_at", MOMENT),
        sa.Column("tries", NUMBER, nullable=False),
        sa.Column("claim", TEXT),
        if_not_exists=True,
    )
    op.create_index("ix_unsent_urgency_due_at", "unsent", ["urgency", "due_at"], if_not_exists=True)
    op.create_table(
        "deliveries",
        sa.Column("message_key", TEXT, primary_key=True),
        sa.Column("claim", TEXT, primary_key=True),
        sa.Column("place", NUMBER, primary_key=True),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
    )
