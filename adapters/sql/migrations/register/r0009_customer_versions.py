"""The register keeps what a customer's record has said, and a case the number and mark of what it took (R-32)."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT, NUMBER, MOMENT = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """A table, in which every card as it stands is the first version; two columns that a register may have already."""
    op.create_table(
        "customer_versions",
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("preferred_channel", TEXT),
        sa.Column("kept_at", MOMENT),
        if_not_exists=True,
    )
    op.execute(
        "INSERT INTO customer_versions (account_id, number, name, address, phone, email, preferred_channel)"
        " SELECT account_id, 1, name, address, phone, email, preferred_channel FROM customer_cards AS c"
        " WHERE NOT EXISTS (SELECT 1 FROM customer_versions AS v WHERE v.account_id = c.account_id)"
    )
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cases")}
    for name, kind in (("record_number", NUMBER), ("record_mark", TEXT)):
        if name not in there:
            op.add_column("cases", sa.Column(name, kind))
