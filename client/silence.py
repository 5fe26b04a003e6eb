"""Why a case gives no answer: its workflow has ended, no worker runs, its workflow tasks fail, or it is only slow."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError

SECONDS = 5.0
RECENTLY = timedelta(seconds=70)
"""A worker that runs asks for work anew each minute: one silent for longer has probably ended."""
REPORTED = "TemporalReportedProblems"
BY_FORCE = {
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
    WorkflowExecutionStatus.CANCELED: "canceled",
}
"""How a workflow ends otherwise than by its own result: nothing carries its case on."""

NOT_KNOWN = "Check that a worker runs (python worker.py); `python starter.py doctor` names stuck cases. Then ask again."
STUCK = (
    "A worker runs, and the case is stuck: its workflow tasks fail. Starting another worker does not help;"
    " `python starter.py doctor` says what does."
)
SLOW = "A worker runs. It may be busy, or the case stuck: `python starter.py doctor` says which. Then ask again."


async def why_silent(client: Client, workflow_id: str) -> str:
    """What to do about a case that has not answered, in a sentence or two."""
    try:
        async with asyncio.timeout(SECONDS):
            case = await client.get_workflow_handle(workflow_id).describe()
            if case.status and (how := BY_FORCE.get(case.status)):
                return f"Its workflow was {how}, and nothing carries the case on: docs/runbook.md, section 4."
            if not await _somebody_works(client, case.task_queue):
                return (
                    f"No worker asks for work on task queue {case.task_queue}: start one (python worker.py), ask again."
                )
            return STUCK if is_stuck(case) else SLOW
    except (RPCError, TimeoutError):
        return NOT_KNOWN


def is_stuck(case: WorkflowExecutionDescription) -> bool:
    """Whether its workflow task has failed, and is tried again and again."""
    attempt = case.raw_description.pending_workflow_task.attempt
    return attempt > 1 or REPORTED in case.raw_info.search_attributes.indexed_fields


async def _somebody_works(client: Client, task_queue: str) -> bool:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    described = await client.workflow_service.describe_task_queue(request)
    now = datetime.now(UTC)
    return any(now - poller.last_access_time.ToDatetime(UTC) < RECENTLY for poller in described.pollers)
