"""One world for all case tests, and one PostgreSQL: server, worker and database start once."""

from collections.abc import AsyncIterator

import pytest

from adapters.log import configure_logging
from tests.databases import database_url, postgresql_server, postgresql_url, sqlite_url
from tests.world import World, running_world

__all__ = ["database_url", "postgresql_server", "postgresql_url", "sqlite_url", "world"]


@pytest.fixture(scope="session", autouse=True)
def _logs_on_stderr() -> None:
    """As in every program: workers of this process log while commands print their one object on stdout."""
    configure_logging()


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The shared world; cases have their own accounts and clocks, so tests do not meet."""
    async with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running
