"""Reports to the government (R-29), of months, only ever added to. What is there already is left as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT, REFUSAL = sa.String(), "evidence is only ever added to (R-30)"
GUARD = {
    "sqlite": (
        f"CREATE TRIGGER IF NOT EXISTS reports_no_update BEFORE UPDATE ON reports"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        f"CREATE TRIGGER IF NOT EXISTS reports_no_delete BEFORE DELETE ON reports"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        "CREATE TRIGGER IF NOT EXISTS reports_no_replace BEFORE INSERT ON reports WHEN EXISTS (SELECT 1 FROM reports"
        " WHERE report_id = NEW.report_id OR request = NEW.request)"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE TRIGGER reports_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reports"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change()",
    ),
}


def upgrade() -> None:
    """A table, guarded like the evidence."""
    op.create_table(
        "reports",
        sa.Column("report_id", TEXT, primary_key=True),
        sa.Column("month", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("text_zh", TEXT, nullable=False),
        sa.Column("text_en", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("request", TEXT, nullable=False, unique=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", TEXT),
        sa.Column("reason", TEXT),
        sa.UniqueConstraint("month", "number"),
        if_not_exists=True,
    )
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)
