"""INSERT … ON CONFLICT, which both databases have and spell alike; each statement is built once and kept."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: Connection, table: Table) -> Executable:
    """INSERT that leaves a row alone which is there already."""
    return _once(connection.dialect.name, table)


def inserted(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """INSERT once; False if the row was there already."""
    statement = insert_once(connection, table).execution_options(preserve_rowcount=True)
    return connection.execute(statement, values).rowcount == 1


def insert_or_replace(
    connection: Connection, table: Table, *, kept: tuple[str, ...] = (), newer: str | None = None
) -> Executable:
    """INSERT, or replace the row with that primary key, but for its columns `kept`.

    With `newer`, a row whose value in that column is higher stays as it is. Returns the key of what was written.
    """
    return _or_replace(connection.dialect.name, table, kept, newer)


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache
def _once(dialect: str, table: Table) -> Executable:
    return _insert(dialect, table).on_conflict_do_nothing()


@lru_cache
def _or_replace(dialect: str, table: Table, kept: tuple[str, ...], newer: str | None) -> Executable:
    statement = _insert(dialect, table)
    keys = [c.name for c in table.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={c.name: statement.excluded[c.name] for c in table.columns if c.name not in (*keys, *kept)},
        where=None if newer is None else table.c[newer] <= statement.excluded[newer],
    ).returning(*table.primary_key)
