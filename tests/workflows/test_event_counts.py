"""What a case costs in events: at most 1.10 of the least that Temporal needs for its path, and within fixed bounds."""

import pytest

from tests.support.event_counts import A_FURTHER_ATTEMPT, PATHS, a_further_attempt, least
from tests.support.world import World


@pytest.mark.parametrize("name", PATHS)
async def test_a_path_costs_hardly_more_than_temporal_needs_for_it(world: World, name: str) -> None:
    path = PATHS[name]
    events = await (await path.live(world)).events()
    would_do = least(events, path.stages)
    assert len(events) <= path.at_most, f"{name}: {len(events)} events, {path.at_most} allowed"
    assert len(events) / would_do <= 1.10, f"{name}: {len(events)} events, {would_do} would do"


async def test_a_further_attempt_costs_ninety_events_at_most(world: World) -> None:
    assert await a_further_attempt(world) <= A_FURTHER_ATTEMPT
