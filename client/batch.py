"""Temporal's batch operation: one signal to all the cases that a query finds, one after the other, by the server."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import (
    DescribeBatchOperationRequest,
    DescribeBatchOperationResponse,
    StartBatchOperationRequest,
    StopBatchOperationRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client.cases import unavailable
from domain.vocabulary import Contract

PAUSE = 0.5
QUEUE_SECONDS = 60
"""How long another job is waited for: a namespace runs one at a time, unless its server is set otherwise."""
STALL_SECONDS = 120
"""A job that has got no further for so long is left to itself."""
_DOES_NOT_RUN = (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED)

Reached = Callable[[int, int], None]
"""How many cases have had the signal, and how many there are."""


@dataclass(frozen=True)
class BatchSignal:
    """The same `job_id` again is the same job: it is joined, or it has been done."""

    job_id: str
    query: str
    signal: str
    payload: Contract
    reason: str


@dataclass(frozen=True)
class BatchDone:
    """How a job ended: `not_run` if the server did not take it, `left_running` if it got no further."""

    state: Literal["completed", "failed", "left_running", "not_run"]
    reached: int = 0
    failed: int = 0
    note: str | None = None


def quoted(value: str) -> str:
    """A value in a visibility query. The server's SQLite store finds none that holds a double quote or a tab."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


async def run_batch(client: Client, job: BatchSignal, reached: Reached) -> BatchDone:
    """Start the job, or join it, and wait for its end. TemporalUnavailable: the server gave no answer."""
    try:
        seen = await _describe(client, job.job_id) or await _start(client, job)
        if isinstance(seen, BatchDone):
            return seen
        return await _watch(client, seen, reached)
    except RPCError as problem:
        raise unavailable(problem) from problem


async def stop_batch(client: Client, job_id: str, reason: str) -> None:
    """Stop a job that may be under way; what it has signalled stays signalled."""
    request = StopBatchOperationRequest(namespace=client.namespace, job_id=job_id, reason=reason)
    try:
        running = await _describe(client, job_id)
        if running is not None and running.state == BatchOperationState.BATCH_OPERATION_STATE_RUNNING:
            await client.workflow_service.stop_batch_operation(request)
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:  # it ended in the meantime
            raise unavailable(problem) from problem


async def _describe(client: Client, job_id: str) -> DescribeBatchOperationResponse | None:
    request = DescribeBatchOperationRequest(namespace=client.namespace, job_id=job_id)
    try:
        return await client.workflow_service.describe_batch_operation(request)
    except RPCError as problem:
        if problem.status == RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _start(client: Client, job: BatchSignal) -> DescribeBatchOperationResponse | BatchDone:
    """Started by us or by somebody at the same moment; BatchDone if the server does not run it."""
    operation = BatchOperationSignal(signal=job.signal, identity=client.identity)
    payload = json.loads(job.payload.model_dump_json(exclude_none=True))
    operation.input.payloads.extend(await client.data_converter.encode([payload]))
    request = StartBatchOperationRequest(
        namespace=client.namespace,
        visibility_query=job.query,
        job_id=job.job_id,
        reason=job.reason,
        signal_operation=operation,
    )
    until = _now() + QUEUE_SECONDS
    while True:
        try:
            await client.workflow_service.start_batch_operation(request)
        except RPCError as problem:
            busy = problem.status == RPCStatusCode.RESOURCE_EXHAUSTED and _now() < until
            if problem.status in _DOES_NOT_RUN and not busy:
                return BatchDone("not_run", note=problem.message)
            if problem.status not in (*_DOES_NOT_RUN, RPCStatusCode.ALREADY_EXISTS):
                raise
        if (seen := await _describe(client, job.job_id)) is not None:
            return seen
        await asyncio.sleep(2 * PAUSE)


async def _watch(client: Client, seen: DescribeBatchOperationResponse, reached: Reached) -> BatchDone:
    counts, since = (0, 0), _now()
    while seen.state == BatchOperationState.BATCH_OPERATION_STATE_RUNNING:
        if counts != (counts := (seen.total_operation_count, seen.complete_operation_count)):
            since = _now()
            reached(seen.complete_operation_count, seen.total_operation_count)
        if _now() - since > STALL_SECONDS:
            return _done("left_running", seen)
        await asyncio.sleep(PAUSE)
        again = await _describe(client, seen.job_id)
        if again is None:  # the server keeps a job's history no longer than that of any workflow
            break
        seen = again
    completed = seen.state == BatchOperationState.BATCH_OPERATION_STATE_COMPLETED
    return _done("completed" if completed else "failed", seen)


def _done(state: Literal["completed", "failed", "left_running"], seen: DescribeBatchOperationResponse) -> BatchDone:
    return BatchDone(state, seen.complete_operation_count, seen.failure_operation_count)


def _now() -> float:
    return asyncio.get_running_loop().time()
