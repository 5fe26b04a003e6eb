"""S7, second line: in which order a full queue is worked off: restorations first, and reading centres in turn."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.bench.figures import Row
from tests.bench.ground import QUEUES, fresh_ground
from workflows import counterparties as wait

WITHOUT = ("matching.useNewMatcher=true", "matching.enableFairness=false")
QUEUE, RESTORATION, FLOOD, OTHER = "order", "light", "RC-FLOOD", "RC-OTHER"


@workflow.defn
class OneTask:
    """One notice of a reading centre, or one restoration ticket, by the priorities of the real ones."""

    @workflow.run
    async def run(self, whose: str) -> None:
        """Ask for it, and wait."""
        config = wait.RESTORATIONS if whose == RESTORATION else wait.fairly(wait.NOTICES, whose)
        await workflow.execute_activity("do", whose, **config)


async def worked_off(folder: Path, dynamic: Sequence[str], flood: int, few: int) -> list[str]:
    """Fill the queue with one centre's notices, then a few of another, then a few tickets; the order they are done."""
    done: list[str] = []

    @activity.defn(name="do")
    async def do(whose: str) -> None:
        done.append(whose)

    async with fresh_ground(folder, dynamic=dynamic) as ground:
        handles = []
        async with Worker(
            ground.client, task_queue=QUEUE, workflows=[OneTask], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            for whose, count in ((FLOOD, flood), (OTHER, few), (RESTORATION, few)):
                for n in range(count):
                    task = f"{whose}-{n}"
                    handles.append(await ground.client.start_workflow("OneTask", whose, id=task, task_queue=QUEUE))
                await asyncio.sleep(2)  # so that they stand in the queue before the next come
            async with Worker(
                ground.client,
                task_queue=QUEUE,
                activities=[do],
                max_concurrent_activities=1,
                max_concurrent_activity_task_polls=1,
            ):
                await asyncio.gather(*(handle.result() for handle in handles))
    return done


def last_place(done: Sequence[str], whose: str) -> int:
    """How many tasks were done when the last of these was."""
    return max(place for place, one in enumerate(done, start=1) if one == whose)


async def fairness_row(folder: Path, small: bool) -> Row:
    """With the server's fairness, and without."""
    flood, few = (60, 4) if small else (400, 10)
    without = await worked_off(folder / "without", WITHOUT, flood, few)
    fair = await worked_off(folder / "fair", QUEUES, flood, few)
    here, there = last_place(fair, OTHER), last_place(without, OTHER)
    return Row(
        "S7",
        f"{few} notices of one centre, {few} tickets behind {flood} notices of another",
        f"notices done as number {here} of {len(fair)} at the latest (without fairness {there}); "
        f"tickets as number {last_place(fair, RESTORATION)} (without fairness {last_place(without, RESTORATION)})",
        "sooner",
        "reached" if here < there else "short",
        {"fair": fair, "without": without},
    )
