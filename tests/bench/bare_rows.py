"""Where the bare reference writes: one row an activity, in one transaction, in the same kind of database as ours."""

from functools import cache

from pydantic import BaseModel
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, Text, inspect
from temporalio import activity

from adapters.sql.engine import open_engine, writing
from adapters.sql.statements import insert_once
from composition.settings.loading import load_settings

TABLES = MetaData()
ROWS = Table(
    "rows",
    TABLES,
    Column("case", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("shows", Text),
    Column("body", Text),
)


class _BareTables:
    """The bare reference has no revisions: its table is there, or is made."""

    def is_current(self, connection: Connection) -> bool:
        return inspect(connection).has_table(ROWS.name)

    def bring_up(self, connection: Connection) -> None:
        TABLES.create_all(connection)


class BareRow(BaseModel):
    """One row; `body` makes it as large as what the real activity is given."""

    case: str
    step: int
    shows: str
    body: str


def open_rows(url: str) -> Engine:
    """The engine of the bare reference's database."""
    return open_engine(url, _BareTables())


@cache
def _engine() -> Engine:
    return open_rows(load_settings().register_url.get_secret_value())


@activity.defn
def write_row(row: BareRow) -> None:
    """Write one row, once however often it is tried."""
    with writing(_engine()) as connection:
        connection.execute(insert_once(connection, ROWS), row.model_dump())
