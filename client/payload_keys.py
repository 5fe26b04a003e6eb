"""Whether this program's payload keys are the worker's: asked before anything is sent."""

from collections.abc import Mapping

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client.batch import quoted
from client.payload_codec import EncryptedPayloads
from client.problems import NotThere
from domain.contract.refusals import UNBELIEVED
from domain.record.key_ring import KeyRingMark, difference

_TO_DO = "nothing was sent: give this program the keys that the worker has, best in .env, which both read"


class PayloadKeysDiffer(NotThere):
    """The keys of this program are not the worker's: what it sent would be ignored, what it is answered unreadable."""

    def __init__(self, why: str) -> None:
        super().__init__("PayloadKeysDiffer", f"{why}, so {_TO_DO} (docs/security.md)")


def compare_with_worker(codec: EncryptedPayloads | None, worker: KeyRingMark) -> None:
    """PayloadKeysDiffer: this program and the worker would not understand each other."""
    if (why := difference(ring_of(codec), worker)) is not None:
        raise PayloadKeysDiffer(why)


async def newest_case(client: Client, task_queue: str) -> str | None:
    """The workflow id of the case that was opened last; None: there is none, or the server does not say."""
    query = f"WorkflowType = 'ArrearsCase' AND ExecutionStatus = 'Running' AND TaskQueue = {quoted(task_queue)}"
    try:
        return next(iter([found.id async for found in client.list_workflows(query, page_size=1, limit=1)]), None)
    except RPCError:
        return None


async def compare_with_case(client: Client, codec: EncryptedPayloads | None, workflow_id: str | None) -> None:
    """PayloadKeysDiffer: what this case was started with cannot be read here. For where no worker has left its mark."""
    if workflow_id is None:
        return
    try:
        started = await start_payloads(client, workflow_id)
    except RPCError:  # whoever asks next is told
        return
    if (why := unreadable(started, codec, client.namespace, workflow_id)) is not None:
        here = "ARREARS_PAYLOAD_KEYS is not set here" if codec is None else f"for the keys set here, {why}"
        raise PayloadKeysDiffer(f"{workflow_id} cannot be read: {here}")


def ring_of(codec: EncryptedPayloads | None) -> Mapping[str, bytes]:
    """The keys of a codec; none without one."""
    return {} if codec is None else codec.ring.keys


async def start_payloads(client: Client, workflow_id: str) -> tuple[Payload, ...]:
    """What the latest run of that id was started with; empty if there is none. RPCError: no answer."""
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id), maximum_page_size=1
    )
    try:
        history = (await client.workflow_service.get_workflow_execution_history(request)).history
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
        return ()
    return tuple(history.events[0].workflow_execution_started_event_attributes.input.payloads)


def unreadable(
    payloads: tuple[Payload, ...], codec: EncryptedPayloads | None, namespace: str, workflow_id: str
) -> str | None:
    """Why these payloads of that workflow cannot be read with that codec; None if they can."""
    for payload in payloads:
        if codec is None:
            if EncryptedPayloads.workflow_of(payload) is not None:
                return "is encrypted"
        elif (opened := codec.bound_to(namespace, workflow_id).open(payload)).metadata["encoding"] == UNBELIEVED:
            return opened.data.decode("utf-8", "replace")
    return None
