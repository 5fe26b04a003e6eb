"""One world for all case tests: the server and the worker start once."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World, running_world


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The shared world; cases have their own accounts and clocks, so tests do not meet."""
    async with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running
