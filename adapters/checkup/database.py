"""The doctor's check of a database: its tables, whether we may write, guards, clock, open rows, unsent messages."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    MetaData,
    Table,
    create_engine,
    false,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from adapters.billing.tables import TABLES as BILLING
from adapters.register.counting import followed
from adapters.register.outbox import count_unsent
from adapters.register.tables import APPEND_ONLY
from adapters.register.tables import TABLES as REGISTER
from adapters.sql.advice import what_to_do
from adapters.sql.engine import Unavailable
from domain.metrics import UnsentCounted
from domain.record.sweep import OpenRow

PATIENCE_SECONDS = 3
"""Much less than a worker has: a person waits for the answer."""
_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table",
    # Those that fire in an ordinary session: not disabled, and not for a replica alone.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND tgenabled IN ('O', 'A')",
}
"""How the triggers on a table are found, by which it is only ever added to."""


@dataclass(frozen=True)
class DatabaseChecked:
    """What was found. `made` is false for a file that is not there yet; then nothing else is known."""

    address: str
    made: bool = True
    missing: tuple[str, ...] = ()
    """Tables, and columns as table.column, that this version needs."""
    unwritable: str | None = None
    unguarded: tuple[str, ...] = ()
    """Tables that are to be added to only, and of whose triggers one is gone."""
    empty: tuple[str, ...] = ()
    """Tables without a row."""
    one_meter: tuple[str, ...] = ()
    """Accounts of which each has a meter that another has too; the first few."""


def advice(url: str, problem: Exception | str) -> str:
    """What to do about a database, by the error or the sentence that says what is wrong."""
    cause = getattr(problem, "__cause__", None)
    do = what_to_do(
        make_url(url).get_backend_name(), str(problem), getattr(getattr(cause, "orig", None), "sqlstate", None)
    )
    return do[0].lower() + do[1:]


def check_register(url: str) -> DatabaseChecked:
    """The state of the register. RegisterUnavailable: it gives no answer within a few seconds."""
    return _check(url, REGISTER, RegisterUnavailable)


def check_billing(url: str) -> DatabaseChecked:
    """The state of the billing book. BillingUnavailable: it gives no answer within a few seconds."""
    checked = _check(url, BILLING, BillingUnavailable)
    if not checked.made or checked.missing:
        return checked
    with suppress(BillingUnavailable), connected(url, BillingUnavailable) as connection:
        return replace(checked, one_meter=_one_meter(connection))
    return checked  # a book too large to be counted in a few seconds is no broken one


def time_at_register(url: str) -> datetime | None:
    """The time of the register's server; None for a file. RegisterUnavailable as above."""
    if make_url(url).get_backend_name() == "sqlite":
        return None
    with connected(url, RegisterUnavailable) as connection:
        return _clock(connection)


def open_rows(url: str) -> tuple[OpenRow, ...]:
    """Every case that the register calls open, oldest first. RegisterUnavailable as above."""
    cases = REGISTER.tables["cases"]
    columns = [cases.c[name] for name in OpenRow.model_fields if name != "followed"]
    query = (
        select(*columns, followed().label("followed")).where(cases.c.closed_at.is_(None)).order_by(cases.c.opened_at)
    )
    with connected(url, RegisterUnavailable) as connection:
        return tuple(OpenRow.model_validate(dict(line)) for line in connection.execute(query).mappings())


def unsent(url: str) -> UnsentCounted:
    """What waits in the outbox for a channel. RegisterUnavailable as above."""
    with connected(url, RegisterUnavailable) as connection:
        return count_unsent(connection)


def _check(url: str, tables: MetaData, unavailable: Unavailable) -> DatabaseChecked:
    address = make_url(url)
    said = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return DatabaseChecked(said, made=False)
    with connected(url, unavailable) as connection:
        missing = tuple(_missing(connection, tables))
        if missing:
            return DatabaseChecked(said, missing=missing)
        return DatabaseChecked(
            said,
            unwritable=_unwritable(connection, tables),
            unguarded=tuple(name for name in APPEND_ONLY if name in tables.tables and not _guarded(connection, name)),
            empty=tuple(name for name, table in tables.tables.items() if not _has_rows(connection, table)),
        )


@contextmanager
def connected(url: str, unavailable: Unavailable) -> Iterator[Connection]:
    """A connection that gives up soon; nothing done on it is kept."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        # By a name that makes no file where there is none.
        name = f"file:{quote(address.database or '')}?mode=rw"
        engine = create_engine("sqlite://", creator=lambda: _open_file(name), hide_parameters=True)
    else:
        address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address, connect_args={"connect_timeout": PATIENCE_SECONDS}, hide_parameters=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET statement_timeout = '{PATIENCE_SECONDS}s'"))
            yield connection
            connection.rollback()
    except SQLAlchemyError as problem:
        reason = _reason(problem)
        raise unavailable(f"no answer from {address.render_as_string(hide_password=True)}: {reason}") from problem
    finally:
        engine.dispose()


def _open_file(name: str) -> sqlite3.Connection:
    # BEGIN is ours to say: see `_unwritable`.
    return sqlite3.connect(name, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)


def _missing(connection: Connection, tables: MetaData) -> Iterator[str]:
    there = inspect(connection)
    known = set(there.get_table_names())
    for name, table in tables.tables.items():
        if name not in known:
            yield name
            continue
        columns = {column["name"] for column in there.get_columns(name)}
        yield from (f"{name}.{column.name}" for column in table.columns if column.name not in columns)


def _unwritable(connection: Connection, tables: MetaData) -> str | None:
    """Why nothing can be written; no row is, for what is inserted is none."""
    connection.rollback()
    try:
        with connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            for table in tables.tables.values():
                nothing = select(table).where(false())
                connection.execute(insert(table).from_select([column.name for column in table.columns], nothing))
    except SQLAlchemyError as problem:
        return _reason(problem)
    return None


def _guarded(connection: Connection, table: str) -> bool:
    dialect = connection.dialect.name
    made = (statement.split() for statement in APPEND_ONLY[table][dialect])
    needed = {words[2] for words in made if words[:2] == ["CREATE", "TRIGGER"]}
    return needed <= set(connection.scalars(text(_TRIGGERS[dialect]), {"table": table}))


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(text("1")).select_from(table).limit(1)).first() is not None


def _one_meter(connection: Connection) -> tuple[str, ...]:
    customers = BILLING.tables["customers"]
    account, meter = customers.c.account_id, customers.c.meter_alike
    several = func.count() > 1
    query = select(func.min(account), func.max(account)).where(meter.is_not(None)).group_by(meter).having(several)
    return tuple(f"{first} and {last}" for first, last in connection.execute(query.limit(5)))


def _clock(connection: Connection) -> datetime:
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now.astimezone(UTC)


def _reason(problem: SQLAlchemyError) -> str:
    text_ = str(getattr(problem, "orig", None) or problem).strip()
    return (text_.splitlines() or [type(problem).__name__])[0]
