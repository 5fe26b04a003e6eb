"""Which of the register's open cases no workflow carries on: terminated by hand, or lost with a server."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client.problems import NotThere
from client.silence import BY_FORCE
from composition.parts import connect
from edge.session import Session

CONNECT_SECONDS = 2
"""A list is the register's: it does not wait long for a Temporal that is down."""
SECONDS = 10.0
_AT_ONCE = 20
MANY = 200
"""More than these are looked for in the server's own list first, which is some seconds late."""
RUNNING = "WorkflowType = 'ArrearsCase' AND ExecutionStatus = 'Running'"


class OpenCase(NamedTuple):
    """A case that the register calls open."""

    case_key: str
    workflow_id: str


async def without_workflow(session: Session, open_ones: Sequence[OpenCase]) -> tuple[str, ...] | None:
    """Keys of those of these open cases that no workflow carries on; None: Temporal gives no answer."""
    if not open_ones:
        return ()
    try:
        client = await connect(session.settings.model_copy(update={"connect_seconds": CONNECT_SECONDS}))
        async with asyncio.timeout(SECONDS):
            return await _alone(client, open_ones)
    except (NotThere, RPCError, TimeoutError):
        return None


async def _alone(client: Client, rows: Sequence[OpenCase]) -> tuple[str, ...]:
    if len(rows) > MANY:
        listed = {(w.id, w.raw_info.first_run_id) async for w in client.list_workflows(RUNNING, page_size=1_000)}
        rows = [row for row in rows if (row.workflow_id, row.case_key) not in listed]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def goes_on(row: OpenCase) -> bool:
        """Whether a workflow carries this very case on, or has just closed it."""
        async with gate:
            try:
                case = await client.get_workflow_handle(row.workflow_id).describe()
            except RPCError as problem:
                if problem.status == RPCStatusCode.NOT_FOUND:
                    return False
                raise
        this_one = case.raw_description.workflow_execution_info.first_run_id == row.case_key
        return this_one and case.status not in BY_FORCE

    there = await asyncio.gather(*(goes_on(row) for row in rows))
    return tuple(row.case_key for row, carried_on in zip(rows, there, strict=True) if not carried_on)
