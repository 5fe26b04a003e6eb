"""S9: what it costs to take a case up again from its history, in milliseconds an event, ours ÷ bare."""

import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from client.converter import data_converter
from composition.serving import sandbox
from tests.bench.bare_case import BareCase
from tests.bench.bare_plan import PLANS
from tests.bench.figures import Ratio, Row, row_of_ratio
from tests.bench.ground import Ground, fresh_ground
from tests.bench.lives import (
    Script,
    Side,
    accounts,
    cut_and_restored,
    paid_after_yellow,
    recorded,
    watch_of_bare,
    watch_of_ours,
    watching,
)
from tests.bench.rows_speed import rounds_of
from workflows.arrears_case import ArrearsCase

SCRIPTS: tuple[Script, ...] = (paid_after_yellow, cut_and_restored)
Histories = Sequence[WorkflowHistory]


async def pairs(
    ground: Ground, scripts: Sequence[Script] = SCRIPTS
) -> tuple[list[WorkflowHistory], list[WorkflowHistory]]:
    """A history of ours and one of bare for each path."""
    plans = {script.__name__: await recorded(ground, script) for script in scripts}
    ground.start_ours()
    ground.start_bare(plans)
    client = ground.clocks.client
    ours, bare = list[WorkflowHistory](), list[WorkflowHistory]()
    async with watching(watch_of_ours(ground)) as seen, watching(watch_of_bare(ground)) as rows:
        for script in scripts:
            name = script.__name__
            for side, found in (
                (Side(ground, client, seen), ours),
                (Side(ground, client, rows, name, plans[name]), bare),
            ):
                life = await side.open((await accounts(ground, 1))[0])
                await script(life)
                found.append(await life.handle.fetch_history())
    return ours, bare


async def replay(kind: type, histories: Histories, times: int) -> float:
    """Milliseconds of processor time an event: replay waits for nothing, so other programs need not disturb it."""
    replayer = Replayer(
        workflows=[kind], data_converter=data_converter, workflow_runner=sandbox(), build_id="bench"
    )  # without a build id it would first read every module to make one

    async def all_of_them() -> AsyncIterator[WorkflowHistory]:
        for _ in range(times):
            for history in histories:
                yield history

    began = time.process_time()
    result = await replayer.replay_workflows(all_of_them(), raise_on_replay_failure=True)
    took = time.process_time() - began
    assert not result.replay_failures
    return took * 1_000 / (times * sum(len(h.events) for h in histories))


async def replay_ratio(
    folder: Path, times: int, rounds: int, scripts: Sequence[Script] = SCRIPTS
) -> tuple[Ratio, Histories, Histories]:
    """Rounds of replaying the same histories."""
    async with fresh_ground(folder, time_skipping=True) as ground:
        ours, bare = await pairs(ground, scripts)
    os.environ[PLANS] = str(folder / "plans.json")

    async def of_ours() -> float:
        return await replay(ArrearsCase, ours, times)

    async def of_bare() -> float:
        return await replay(BareCase, bare, times)

    await of_bare(), await of_ours()
    return await rounds_of(of_bare, of_ours, rounds, rest=0.1), ours, bare


async def s9(folder: Path, small: bool) -> list[Row]:
    """Two paths, replayed again and again."""
    times, rounds = (2, 1) if small else (8, 7)
    ratio, ours, bare = await replay_ratio(folder, times, rounds)
    row = row_of_ratio("S9", "replay, processor ms an event", ratio, most=1.50, unit="ms")
    row.detail["events"] = {"ours": [len(h.events) for h in ours], "bare": [len(h.events) for h in bare]}
    return [row]
