"""How the SQL adapters reach their database: one engine, read and write transactions, tables seen to on first use."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.pool import ConnectionPoolEntry

from activities.register import RegisterUnavailable
from adapters.sql.advice import what_to_do

LOCK_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
# Either side notices within a minute that the other is gone. An activity then tries again, and the locks of a lost
# worker are free.
_PATIENCE = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
}
_SESSION = {
    "lock_timeout": f"{LOCK_WAIT_SECONDS}s",
    "timezone": "UTC",
    "tcp_keepalives_idle": 20,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}
_NOT_OURS_TO_WRITE = ("25006", "42501")  # PostgreSQL's codes: a standby, no right
_SCHEMA_LOCK = 7_355_608  # any number, the same in every process that may create the tables


class UnusableDatabase(Exception):
    """The database answers, but this program must not work on it; the message says why, and what to do."""


class Tables(Protocol):
    """The tables that a database needs."""

    def is_current(self, connection: Connection) -> bool:
        """Whether all are there, as they should be. UnusableDatabase: they are not ours."""
        ...

    def bring_up(self, connection: Connection) -> None:
        """Make or change what is missing, in this transaction; nobody else does at that time."""
        ...


@dataclass
class _Shared:
    """What the threads of one engine share: its tables, whether they have been seen to, whose turn it is to write."""

    tables: Tables | None
    seeing_to_tables: Lock = field(default_factory=Lock)
    ready: bool = False
    writing: Lock = field(default_factory=Lock)


def open_engine(url: str, tables: Tables | None = None, *, read_only: bool = False) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`; nothing is connected or created yet.

    What is missing of `tables` is made by the first transaction that reaches the database, so a process may start
    while it is down. With `read_only` the database itself refuses every write, and a file that is not there is not
    made. ValueError: an address that can never work.
    """
    try:
        address = make_url(url)
    except ArgumentError as problem:
        raise ValueError(f"not a database address: {problem}") from problem
    options: dict[str, Any] = {
        "execution_options": {"shared": _Shared(tables, ready=tables is None)},
        # A failure goes into Temporal's history and into the log: it must not quote a customer's name and address.
        "hide_parameters": True,
    }
    match address.get_backend_name():
        case "sqlite":
            if not address.database or address.database == ":memory:":
                raise ValueError("a SQLite database needs a file, such as sqlite:///var/register.db")
            if read_only:
                address = address.set(database=f"file:{quote(address.database)}", query={"mode": "ro", "uri": "true"})
            engine = create_engine(address, pool_size=5, max_overflow=20, **options)
            event.listen(engine, "do_connect", _make_folder)
            event.listen(engine, "connect", _prepare_sqlite_to_read if read_only else _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            address = address.set(drivername="postgresql+psycopg")
            patience: dict[str, Any] = {k: v for k, v in _PATIENCE.items() if k not in address.query}
            if read_only:
                patience["options"] = "-c default_transaction_read_only=on"
            try:
                engine = create_engine(
                    address, pool_pre_ping=True, pool_size=5, max_overflow=20, connect_args=patience, **options
                )
            except (ModuleNotFoundError, NoSuchModuleError) as problem:
                raise ValueError(f"PostgreSQL needs its driver: install psycopg[binary] ({problem})") from problem
            event.listen(engine, "connect", _prepare_postgresql)
            event.listen(engine, "begin", _begin_postgresql)
        case other:
            raise ValueError(f"{other} is not supported: use sqlite:///… or postgresql://…")
    return engine


Unavailable = Callable[[str], Exception]


@contextmanager
def reading(engine: Engine, unavailable: Unavailable = RegisterUnavailable) -> Iterator[Connection]:
    """A read transaction over one snapshot. A database that gives no answer raises `unavailable(sentence)`."""
    see_to_tables(engine, unavailable)
    with as_it_is(engine, unavailable) as connection:
        yield connection


@contextmanager
def as_it_is(engine: Engine, unavailable: Unavailable = RegisterUnavailable) -> Iterator[Connection]:
    """As `reading`, of a database whose tables nobody has seen to: they may be missing, old, or newer than ours."""
    with _answering(engine, unavailable), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine, unavailable: Unavailable = RegisterUnavailable) -> Iterator[Connection]:
    """A write transaction: committed at the end of the block, or rolled back whole.

    Writers queue for up to 10 s; a lock not had by then, a deadlock or a lost connection raises
    `unavailable(sentence)`. Nothing was written then, and the caller may simply do it again.
    """
    see_to_tables(engine, unavailable)
    with (
        _answering(engine, unavailable),
        _turn_to_write(engine),
        engine.connect().execution_options(writing=True) as connection,
        connection.begin(),
    ):
        yield connection


def see_to_tables(engine: Engine, unavailable: Unavailable = RegisterUnavailable) -> None:
    """Make or change what is missing of the engine's tables: once in each process, by one of all processes."""
    shared = _shared(engine)
    if shared.ready or shared.tables is None:
        return
    with _answering(engine, unavailable), shared.seeing_to_tables:
        if shared.ready:
            return
        with engine.connect() as connection, connection.begin():
            current = shared.tables.is_current(connection)
        if not current:
            with engine.connect().execution_options(writing=True) as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    # Two processes that create the same table at once collide in the catalogue.
                    connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _SCHEMA_LOCK})
                shared.tables.bring_up(connection)
        shared.ready = True


@contextmanager
def _answering(engine: Engine, unavailable: Unavailable) -> Iterator[None]:
    try:
        yield
    except DatabaseError as problem:
        if not _no_answer(problem):
            raise
        raise unavailable(_sentence(engine, problem.orig or problem)) from problem
    except InterfaceError as problem:
        raise unavailable(_sentence(engine, problem.orig or problem)) from problem
    except NoFreeConnection as problem:
        raise unavailable(_sentence(engine, problem)) from problem
    except UnusableDatabase as problem:
        raise unavailable(f"{engine.url.render_as_string(hide_password=True)} cannot be used: {problem}.") from problem


def _no_answer(problem: DatabaseError) -> bool:
    """Whether the fault is the database's: no connection, no room, no rights, or a file that is none of ours."""
    if isinstance(problem, OperationalError):
        return True
    state = getattr(problem.orig, "sqlstate", None)
    return type(problem.orig) is sqlite3.DatabaseError or state in _NOT_OURS_TO_WRITE


def _sentence(engine: Engine, problem: BaseException) -> str:
    reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")
    address = engine.url.render_as_string(hide_password=True)
    do = what_to_do(engine.dialect.name, reason, getattr(problem, "sqlstate", None))
    return f"no answer from {address}: {reason}. {do}."


def _shared(engine: Engine) -> _Shared:
    shared: _Shared = engine.get_execution_options()["shared"]
    return shared


@contextmanager
def _turn_to_write(engine: Engine) -> Iterator[None]:
    """SQLite takes one writer, and lets the others poll: threads that queue here wait a hundred times less."""
    if engine.dialect.name != "sqlite":
        yield
        return
    turn = _shared(engine).writing
    if not turn.acquire(timeout=LOCK_WAIT_SECONDS):
        raise NoFreeConnection(f"another write took more than {LOCK_WAIT_SECONDS} s")
    try:
        yield
    finally:
        turn.release()


def _make_folder(_dialect: Any, _record: Any, cargs: list[Any], _params: dict[str, Any]) -> None:
    if str(cargs[0]).startswith("file:"):
        return
    try:
        Path(cargs[0]).parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise sqlite3.OperationalError(str(problem)) from problem


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: "begin" below says which kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={LOCK_WAIT_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_sqlite_to_read(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={LOCK_WAIT_SECONDS * 1000}")
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer half-way fails at once in WAL mode, so writers say so at the start.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _prepare_postgresql(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in _SESSION.items()))
    cursor.close()
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get("writing", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
