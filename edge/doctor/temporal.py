"""The doctor's check of Temporal: the server, its search attributes, the schedules, its clock."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from client.schedules import DAILY_SWEEP, EVIDENCE_ANCHOR, GOVERNMENT_REPORT
from edge.doctor.finding import Finding, broken, ok, warning
from edge.doctor.machine import DAILY
from workflows.search_attributes import ALL

STUCK = timedelta(hours=1)
MONTHLY = timedelta(days=32)
"""What is done every month, on the same day of it, has been missed when it is this old."""
_INSTALL = "python starter.py schedules install"


async def server(client: Client) -> tuple[Finding, ...]:
    """Its version, and whether the namespace is there."""
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    where = f"{client.service_client.config.target_host}, version {info.server_version}"
    try:
        request = DescribeNamespaceRequest(namespace=client.namespace)
        described = await client.workflow_service.describe_namespace(request)
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
        do = "temporal operator namespace create, or correct TEMPORAL_NAMESPACE"
        return (broken("temporal", f"{where}: has no namespace {client.namespace}", do),)
    kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
    return (ok("temporal", f"{where}; namespace {client.namespace} keeps closed cases for {kept.days} d"),)


async def search_attributes(client: Client) -> tuple[Finding, ...]:
    """Whether cases can be shown: without their attributes they stand still."""
    known = (
        await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
    ).custom_attributes
    if missing := [key.name for key in ALL if key.name not in known]:
        do = "start a worker, which adds them; or temporal operator search-attribute create (docs/first-case.md)"
        return (broken("search attributes", f"not registered: {', '.join(missing)}", do),)
    if wrong := [key.name for key in ALL if known[key.name] != key.indexed_value_type.value]:
        do = "temporal operator search-attribute remove, or another namespace; no worker starts with them"
        return (broken("search attributes", f"of another type: {', '.join(wrong)}", do),)
    return (ok("search attributes", f"all {len(ALL)} registered"),)


async def schedules(client: Client, anchored: bool, now: datetime) -> tuple[Finding, ...]:
    """Whether what the clauses want every day, and every month, is done every day, and every month."""
    every = {DAILY_SWEEP: DAILY, GOVERNMENT_REPORT: MONTHLY} | ({EVIDENCE_ANCHOR: DAILY} if anchored else {})
    return tuple([found for name, often in every.items() for found in await _schedule(client, name, often, now)])


async def _schedule(client: Client, name: str, often: timedelta, now: datetime) -> tuple[Finding, ...]:
    part = f"schedule {name}"
    try:
        described = await client.get_schedule_handle(name).describe()
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
        return (warning(part, "not installed", _INSTALL),)
    return tuple(_late(part, name, described, often, now)) or (ok(part, _last_run(described)),)


def _late(part: str, name: str, described: ScheduleDescription, often: timedelta, now: datetime) -> Iterator[Finding]:
    if described.schedule.state.paused:
        note = described.schedule.state.note
        do = f"temporal schedule toggle --unpause --schedule-id {name} --reason …"
        yield warning(part, f"paused{f': {note}' if note else ''}", do)
    last = max((action.started_at for action in described.info.recent_actions), default=None)
    if described.info.running_actions and last is not None and now - last > STUCK:
        do = f"temporal workflow list --query \"WorkflowId STARTS_WITH '{name}'\", then docs/runbook.md, section 2"
        yield warning(part, f"its run of {last:%Y-%m-%d %H:%M} UTC has not ended", do)
    if now - (last or described.info.created_at) > often:
        yield warning(part, _last_run(described), f"temporal schedule trigger --schedule-id {name}")


def _last_run(described: ScheduleDescription) -> str:
    last = max((action.started_at for action in described.info.recent_actions), default=None)
    return "has not run yet" if last is None else f"last run {last:%Y-%m-%d %H:%M} UTC"


async def time_at_server(client: Client) -> datetime:
    """The server's time: it notes by its own clock when a poller last asked.

    Nothing answers this poll: its task queue is made up, and forgotten by the server within minutes.
    """
    queue = f"arrears-doctor-{uuid.uuid4()}"
    request = PollWorkflowTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), identity="doctor"
    )
    poll = asyncio.create_task(client.workflow_service.poll_workflow_task_queue(request, timeout=timedelta(seconds=10)))
    try:
        while True:
            described = await describe_queue(client, queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
            if described.pollers:
                return described.pollers[0].last_access_time.ToDatetime(UTC)
            await asyncio.sleep(0.1)
    finally:
        poll.cancel()
        with contextlib.suppress(asyncio.CancelledError, RPCError):
            await poll


async def describe_queue(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    """Who asks for work of this kind there, and of which version he must be to get any."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    return await client.workflow_service.describe_task_queue(request)
