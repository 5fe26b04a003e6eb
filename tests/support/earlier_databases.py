"""Databases as earlier versions of the program made and filled them, and what a database is made of, to compare."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text

from adapters.sql.engine import open_engine
from adapters.sql.migration import History

FOLDER = Path(__file__).resolve().parents[1] / "earlier"

_POSTGRESQL = (
    "SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, collation_name"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT 'function', '', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
)
_SQLITE = (
    "SELECT 'column', m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk"
    " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    "SELECT type, tbl_name, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
)


def make(engine: Engine, name: str, *parts: str) -> None:
    """Make the tables of `earlier/<name>.<dialect>.sql`, and fill them from `<name>.rows.sql`."""
    with engine.execution_options(writing=True).begin() as connection:
        for part in parts or (engine.dialect.name, "rows"):
            for line in (FOLDER / f"{name}.{part}.sql").read_text("utf-8").splitlines():
                if not line.startswith("--"):
                    connection.exec_driver_sql(line)


def rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    """All that a table holds, as it is kept."""
    return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]


def differences(connection: Connection, history: History) -> list[Any]:
    """What Alembic would still have to do to the database for it to be as the program declares its tables."""
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _parent: kind != "table" or name in history.tables.tables,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), history.tables))


def catalogue(connection: Connection, history: History) -> set[tuple[Any, ...]]:
    """Every column, index, constraint, trigger and function that the database has, but for the table of revisions."""
    queries = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    found = {tuple(row) for query in queries for row in connection.execute(text(query))}
    return {row for row in found if row[1] != history.version_table}


def tables_of(connection: Connection) -> set[str]:
    """The names of all tables."""
    return set(inspect(connection).get_table_names())


class Opened:
    """Engines on one database, given back at the end."""

    def __init__(self, url: str) -> None:
        self.url, self.engines = url, list[Engine]()

    def __call__(self, history: History | None, url: str = "") -> Engine:
        self.engines.append(open_engine(url or self.url, history))
        return self.engines[-1]


@pytest.fixture
def opened(database_url: str) -> Iterator[Opened]:
    """Opens the test's database as often as is asked, with a history or, as it is, without one."""
    opened = Opened(database_url)
    yield opened
    for engine in opened.engines:
        engine.dispose()
