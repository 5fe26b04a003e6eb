"""A case that was open before R-31 to R-35 takes them over at its next wake-up, and goes on in every later worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.support.world import SOON, Case, World, running_world


@asynccontextmanager
async def open_before(world: World) -> AsyncIterator[None]:
    """While it lasts, the worker is one from before the rules."""
    await world.stop_worker()
    await world.start_worker(earlier=True)
    try:
        yield
    finally:
        await world.restart_worker()


async def adopted(case: Case) -> list[str]:
    """The rules that the case has put on record."""
    return [str(e.detail["rules"]) for e in await case.evidence("rules.adopted")]


async def test_a_new_case_is_under_the_rules_from_its_opening(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    opened = (await case.recorded("case.opened"))[0]
    assert opened.detail["rules"] == "R-35"
    assert await adopted(case) == []


async def test_a_case_open_before_takes_them_over_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        async with open_before(world):
            case = await world.open()
            await case.to_red()
            await case.deliver("red")
        assert await adopted(case) == []  # nothing has woken it yet
        await case.approve()
        await case.recorded("rules.adopted")
        await world.restart_worker()
        await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
        await case.ticket("cut")
        await world.restart_worker()
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"
        assert await adopted(case) == ["R-35"]


async def test_without_any_cache_they_are_taken_over_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every workflow task replays the case: each earlier wake-up must answer as it did."""
    async with running_world(tmp_path_factory.mktemp("uncached"), max_cached_workflows=0) as world:
        async with open_before(world):
            case = await world.open()
            await case.notice("yellow")
            await case.deliver("yellow")
        await case.to_red_from_served_yellow()
        await case.deliver("red")
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"
        assert await adopted(case) == ["R-35"]
