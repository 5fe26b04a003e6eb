"""Messages that no delivery channel was found for, or none accepted: kept, with the reason, instead of dropped."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT, MOMENT = sa.String(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table; what was dropped before is not in it."""
    op.create_table(
        "given_up",
        sa.Column("message_key", TEXT, primary_key=True),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("given_up_at", MOMENT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        if_not_exists=True,
    )
