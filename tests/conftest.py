"""One world for all case tests, and one PostgreSQL: server, worker and database start once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from composition.logs import configure_logging
from tests.support.databases import database_url, postgresql_server, postgresql_url, sqlite_url
from tests.support.world import World, running_world

LONG_FIRST = ("chaos", "lives", "edge", "bench", "mutants", "moratorium", "console", "workflows")
"""The folders whose tests take long go first, so that none is left to one worker at the end."""

__all__ = ["database_url", "postgresql_server", "postgresql_url", "sqlite_url", "world"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first; the order within a folder stays."""
    tests = Path(__file__).parent
    rank = {name: place for place, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(tests).parts[0], len(rank)))


@pytest.fixture(scope="session", autouse=True)
def _logs_on_stderr() -> None:
    """As in every program: workers of this process log while commands print their one object on stdout."""
    configure_logging()


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The shared world; cases have their own accounts and clocks, so tests do not meet."""
    async with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running
