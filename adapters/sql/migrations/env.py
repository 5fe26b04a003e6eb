"""Alembic's way in: runs the revisions of one history on the connection that `adapters/sql/migration.py` hands over."""

from alembic import context

handed = context.config.attributes
context.configure(connection=handed["connection"], version_table=handed["version_table"])
with context.begin_transaction():
    context.run_migrations()
