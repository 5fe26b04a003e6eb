"""The doctor's check of the cases: stuck ones, open rows that no workflow carries on, payload keys."""

import asyncio
from collections.abc import Iterator, Sequence

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client.cases import running
from client.payload_codec import EncryptedPayloads
from domain.contract.refusals import UNBELIEVED
from domain.record.sweep import OpenRow
from edge.doctor.finding import Finding, broken, ok, warning

RUNNING = "WorkflowType = 'ArrearsCase' AND ExecutionStatus = 'Running'"
NAMED = 20
"""Accounts named in a sentence; --json has no more."""
SAMPLES = 5
_AT_ONCE = 20


async def stuck(client: Client) -> tuple[Finding, ...]:
    """Cases whose code and history do not agree: no message moves them."""
    count = (await client.count_workflows(f"TemporalReportedProblems IS NOT NULL AND {RUNNING}")).count
    if count:
        return (broken("cases", f"{count} are stuck: their workflow tasks fail", "docs/runbook.md, sections 3 and 4"),)
    return (ok("cases", f"{(await client.count_workflows(RUNNING)).count} running, none stuck"),)


async def left_behind(client: Client, rows: Sequence[OpenRow]) -> tuple[Finding, ...]:
    """Rows that the register calls open, and that no workflow carries on: terminated by hand, or lost with a server."""
    listed = {workflow.id async for workflow in client.list_workflows(RUNNING, page_size=1_000)}
    alone = [row for row in rows if not row.followed and row.workflow_id not in listed]
    # The list is some seconds late, so each of these is asked for by name.
    gate = asyncio.Semaphore(_AT_ONCE)

    async def runs(row: OpenRow) -> bool:
        """Whether a workflow carries this row on."""
        async with gate:
            return await running(client, row.workflow_id) is not None

    there = await asyncio.gather(*(runs(row) for row in alone))
    alone = [row for row, found in zip(alone, there, strict=True) if not found]
    return tuple(_unattended(alone, [row for row in rows if row.followed])) or (
        ok("open rows", f"each of the register's {len(rows)} open cases is carried on by a workflow"),
    )


def _unattended(alone: Sequence[OpenRow], followed: Sequence[OpenRow]) -> Iterator[Finding]:
    without_supply, supplied = [r for r in alone if r.supply_off], [r for r in alone if not r.supply_off]
    if without_supply:
        says = f"without supply, and no case carries them on: {_names(without_supply)}"
        do = "restoration first: starter.py supply-found-cut ACCOUNT --source operator … (docs/runbook.md, section 4)"
        yield broken("open rows", says, do)
    if supplied:
        says = f"open in the register, and no case carries them on: {_names(supplied)}"
        do = "starter.py overdue ACCOUNT opens those anew that still owe; then starter.py close-row ACCOUNT"
        yield warning("open rows", says, do)
    if followed:
        says = f"rows of earlier cases, ended in Temporal and never closed: {_names(followed)}"
        yield warning("open rows", says, "starter.py close-row ACCOUNT takes them off the lists")


def _names(rows: Sequence[OpenRow]) -> str:
    accounts = sorted({row.account_id for row in rows})
    more = f" and {len(accounts) - NAMED} more" if len(accounts) > NAMED else ""
    return ", ".join(accounts[:NAMED]) + more


async def payload_keys(client: Client, codec: EncryptedPayloads | None, rows: Sequence[OpenRow]) -> tuple[Finding, ...]:
    """Whether what open cases were started with can be read: by the oldest of them, and by the newest."""
    part = "payload keys"
    newest = [w.id async for w in client.list_workflows(RUNNING, page_size=SAMPLES, limit=SAMPLES)]
    oldest = [row.workflow_id for row in rows if not row.followed][:SAMPLES]
    tried = 0
    for name in dict.fromkeys((*oldest, *newest)):
        if why := await _unreadable(client, codec, name):
            if codec is None:
                return (broken(part, f"{name} is encrypted, and no key is set", "set ARREARS_PAYLOAD_KEYS"),)
            do = (
                "put the key that it was encrypted by back into ARREARS_PAYLOAD_KEYS; if it never was, let plain"
                " payloads in for a while: ARREARS_PAYLOAD_PLAIN=accept (docs/security.md)"
            )
            return (broken(part, f"{name}: {why}", do),)
        tried += 1
    with_ = f"encrypted by {codec.ring.first}" if codec else "not encrypted"
    return (ok(part, f"{with_}; {tried} open cases can be read" if tried else f"{with_}; no open case to try it on"),)


async def _unreadable(client: Client, codec: EncryptedPayloads | None, workflow_id: str) -> str | None:
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id), maximum_page_size=1
    )
    try:
        history = (await client.workflow_service.get_workflow_execution_history(request)).history
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
        return None
    for payload in history.events[0].workflow_execution_started_event_attributes.input.payloads:
        if codec is None:
            if EncryptedPayloads.workflow_of(payload) is not None:
                return "is encrypted"
        elif (opened := codec.bound_to(client.namespace, workflow_id).open(payload)).metadata["encoding"] == UNBELIEVED:
            return opened.data.decode("utf-8", "replace")
    return None
