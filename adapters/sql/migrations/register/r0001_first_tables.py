"""The register's tables as they were before they had revisions, with the guard that lets evidence only be added to.

It leaves what is there already: a register of that time, or of an earlier one, is taken over with all it holds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT, MOMENT, MONEY, JSON = sa.String(), sa.DateTime(timezone=True), sa.BigInteger(), sa.Text()

REFUSAL = "evidence is only ever added to (R-30)"
GUARD = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS evidence_no_update BEFORE UPDATE ON evidence"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        "CREATE TRIGGER IF NOT EXISTS evidence_no_delete BEFORE DELETE ON evidence"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        "CREATE TRIGGER IF NOT EXISTS evidence_no_replace BEFORE INSERT ON evidence WHEN EXISTS (SELECT 1 FROM evidence"
        " WHERE account_id = NEW.account_id AND (seq = NEW.seq OR key = NEW.key))"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION refuse_evidence_change() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
        "CREATE OR REPLACE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change()",
    ),
}


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "cases",
        sa.Column("case_key", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("workflow_id", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("outcome", TEXT),
        sa.Column("outcome_reason", TEXT),
        sa.Column("customer_class", TEXT),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.Column("reading_centre", TEXT),
        sa.Column("field_unit", TEXT),
        sa.Column("region", TEXT),
        sa.Column("owed", MONEY, nullable=False),
        sa.Column("late_fee", MONEY, nullable=False),
        sa.Column("debt_as_of", MOMENT),
        sa.Column("debt_mark", TEXT, nullable=False),
        sa.Column("supply_off", sa.Boolean(), nullable=False),
        sa.Column("planned_cut_at", MOMENT),
        sa.Column("cut_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("restore_due_by", MOMENT),
        sa.Column("restored_at", MOMENT),
        sa.Column("next_deadline", MOMENT),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("policy", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_cases_account_id", "cases", ["account_id"], if_not_exists=True)
    op.create_index("ix_cases_stage", "cases", ["stage"], if_not_exists=True)
    op.create_table(
        "chain_heads",
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "customer_cards",
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "event_nonces",
        sa.Column("nonce", TEXT, primary_key=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_event_nonces_seen_at", "event_nonces", ["seen_at"], if_not_exists=True)
    op.create_table(
        "evidence",
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("case_key", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("clause", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("actor_id", TEXT),
        sa.Column("actor_role", TEXT),
        sa.Column("actor_unit", TEXT),
        sa.Column("about", TEXT),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("prev_hash", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.UniqueConstraint("account_id", "key"),
        if_not_exists=True,
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("case_key", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("persons", JSON, nullable=False),
        sa.Column("outcome", TEXT),
        sa.Column("closed_at", MOMENT),
        if_not_exists=True,
    )
    op.create_index("ix_incidents_account_id", "incidents", ["account_id"], if_not_exists=True)
    op.create_table(
        "messages",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("case_key", TEXT, nullable=False),
        sa.Column("to_role", TEXT, nullable=False),
        sa.Column("to_unit", TEXT),
        sa.Column("to_person", TEXT),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("text_zh", TEXT, nullable=False),
        sa.Column("text_en", TEXT, nullable=False),
        sa.Column("about", TEXT),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_messages_account_id", "messages", ["account_id"], if_not_exists=True)
    op.create_index("ix_messages_to_role", "messages", ["to_role"], if_not_exists=True)
    op.create_table(
        "moratoria",
        sa.Column("moratorium_id", TEXT, primary_key=True),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("declared_by", TEXT, nullable=False),
        sa.Column("declared_at", MOMENT, nullable=False),
        sa.Column("lifted_by", TEXT),
        sa.Column("lifted_at", MOMENT),
        if_not_exists=True,
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("case_key", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("bills", JSON, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("late_fee", MONEY, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("cut_at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT),
        sa.Column("served_at", MOMENT),
        sa.Column("outcome", TEXT),
        sa.Column("void_reason", TEXT),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("text_zh", TEXT, nullable=False),
        sa.Column("text_en", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_notices_account_id", "notices", ["account_id"], if_not_exists=True)
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", TEXT, primary_key=True),
        sa.Column("page", sa.Integer(), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_account", TEXT, nullable=False),
        sa.Column("last_account", TEXT, nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("disconnected", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("signalled", sa.Integer(), nullable=False),
        sa.Column("missing", JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "tasks",
        sa.Column("case_key", TEXT, primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("unit", TEXT),
        sa.Column("person", TEXT),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("about", TEXT),
        sa.Column("by", MOMENT),
        sa.Column("text_zh", TEXT, nullable=False),
        sa.Column("text_en", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_tasks_role_by", "tasks", ["role", "by"], if_not_exists=True)
    op.create_table(
        "tickets",
        sa.Column("ticket_id", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("case_key", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("notice_id", TEXT),
        sa.Column("meter_id", TEXT, nullable=False),
        sa.Column("field_unit", TEXT, nullable=False),
        sa.Column("sent_by", TEXT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT),
        sa.Column("text_zh", TEXT, nullable=False),
        sa.Column("text_en", TEXT, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_tickets_account_id", "tickets", ["account_id"], if_not_exists=True)
    op.create_index("ix_tickets_field_unit", "tickets", ["field_unit"], if_not_exists=True)
    _add_the_missing_of_sweeps()
    for statement in GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def _add_the_missing_of_sweeps() -> None:
    """The first registers did not note which cases a sweep had missed."""
    if "missing" in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sweeps")}:
        return
    with op.batch_alter_table("sweeps") as sweeps:
        sweeps.add_column(sa.Column("missing", JSON, nullable=False, server_default="[]"))
    with op.batch_alter_table("sweeps") as sweeps:
        sweeps.alter_column("missing", server_default=None)
