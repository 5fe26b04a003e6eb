"""A known fault of Temporal's SDK, held here so that it is noticed when it goes: a query that overtakes a step.

A query waits while no worker is there; a step (here billing's answer) ends meanwhile; somebody sends an update. The
worker that comes back may take the query first. It then applies the step for the query's sake and keeps that state, so
that the update is handled after the step. A worker that replays the history handles it before: the history is
wrong for ever, and the case stands still as soon as it leaves the worker's cache. Resetting it to the workflow task
before makes it whole: what was recorded is recorded once, for its keys are of the case and not of the run.
"""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.worker import Replayer, Worker

from client.converter import data_converter
from composition.serving import WORKFLOWS, activities, sandbox
from tests.support.world import Case, World, running_world

_STICKY_SECONDS = 11  # until the server no longer sends a case's tasks to the worker that had it


@pytest.mark.timeout(120)
async def test_a_case_overtaken_by_a_query_is_made_whole_by_a_reset(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        cases = [await world.open() for _ in range(6)]
        await _paid_while_billing_is_silent(world, cases)
        await world.stop_worker()
        await world.billing_back()
        await asyncio.sleep(_STICKY_SECONDS)
        asking = [asyncio.create_task(case.handle.query("snapshot")) for case in cases]
        await asyncio.sleep(0.5)
        await _billing_answers(world, cases)
        telling = [
            asyncio.create_task(case.update("reassign", "team_leader", role="reader", to="r-099")) for case in cases
        ]
        await asyncio.sleep(0.5)
        await world.start_worker()
        await asyncio.gather(*asking, *telling, return_exceptions=True)
        broken = [case for case in cases if not await _replays(case)]
        assert broken, "the SDK has mended this: remove the warning from the runbook, and this test"
        for case in broken:
            await _reset(case)
        for case in cases:
            case.handle = world.client.get_workflow_handle(case.handle.id)
            await case.pay("150.00")
            assert (await case.result())["outcome"] == "settled"
            await case.recorded("case.closed")
            assert await _replays(case)
            whats = [e.what for e in await case.evidence()]
            assert whats.count("debt.read") >= 2, whats
            assert whats.count("case.closed") == 1, whats
            keys = [e.key for e in await case.evidence()]
            assert len(keys) == len(set(keys))
            assert (await asyncio.to_thread(world.parts.reader.verify, case.account_id)).intact


async def _paid_while_billing_is_silent(world: World, cases: list[Case]) -> None:
    """Each case has heard of a payment in part and asks billing, in vain."""
    for case in cases:
        await case.deliver("yellow")
    payments = [await case.pay("50.00", reported=False) for case in cases]
    await world.outage()
    for case, payment in zip(cases, payments, strict=True):
        await case.signal("payment_received", payment_id=payment, amount="50.00")
    await asyncio.sleep(1.5)


async def _billing_answers(world: World, cases: list[Case]) -> None:
    """A worker for activities alone lets every pending question be answered."""
    asked = activities(world.parts)
    threads = ThreadPoolExecutor(4)
    async with Worker(world.client, task_queue=world.settings.task_queue, activities=asked, activity_executor=threads):
        for case in cases:
            async with asyncio.timeout(60):
                while True:
                    described = await case.handle.describe()
                    if not described.raw_description.pending_activities:
                        break
                    await asyncio.sleep(0.2)


async def _replays(case: Case) -> bool:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter, workflow_runner=sandbox())
    result = await replayer.replay_workflow(await case.handle.fetch_history(), raise_on_replay_failure=False)
    return result.replay_failure is None


async def _reset(case: Case) -> None:
    """Back to before the workflow task that wrote its commands in the wrong order: the first that took an update."""
    task = 0
    async for event in case.handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            task = event.event_id
        accepted = event.workflow_execution_update_accepted_event_attributes
        if accepted.accepted_request.input.name == "reassign":
            break
    client = case.world.client
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=case.handle.id),
            reason="a query overtook a step",
            workflow_task_finish_event_id=task,
            request_id=str(uuid.uuid4()),
        )
    )
