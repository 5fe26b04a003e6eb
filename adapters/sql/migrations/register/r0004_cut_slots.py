"""Days of the field unit, booked for the cuts that red notices state."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A table; notices issued before hold no day in it."""
    op.create_table(
        "cut_slots",
        sa.Column("notice_id", sa.String(), primary_key=True),
        sa.Column("case_key", sa.String(), nullable=False),
        sa.Column("field_unit", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_cut_slots_case_key", "cut_slots", ["case_key"], if_not_exists=True)
    op.create_index("ix_cut_slots_unit_day", "cut_slots", ["field_unit", "day"], if_not_exists=True)
