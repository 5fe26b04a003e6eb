"""The doctor's check of the workers: who asks for work, whether his version gets any, when he last asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import TaskQueueVersioningInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse
from temporalio.client import Client

from edge.doctor.finding import Finding, broken, ok, warning
from edge.doctor.temporal import describe_queue

RECENTLY = timedelta(minutes=2)
"""A poller silent for so long is gone: the server lists it for minutes more."""
SILENT = timedelta(seconds=70)
"""A worker that runs asks anew each minute, however little there is to do: one silent for longer may have ended."""
KINDS = {
    "workflow tasks": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activities": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
_SET_CURRENT = "temporal worker deployment set-current-version --deployment-name"


@dataclass(frozen=True)
class _Asks:
    """One who asks for work: `version` is deployment.build, empty for a worker without a build id."""

    identity: str
    version: str
    silent: timedelta

    def __str__(self) -> str:
        build = f"build {self.version}, " if self.version else ""
        ended = ": may have ended, for a worker that runs is heard of each minute" if self.silent > SILENT else ""
        return f"{self.identity} ({build}heard of {max(0, self.silent.total_seconds()):.0f} s ago{ended})"


async def workers(client: Client, queue: str, now: datetime) -> tuple[Finding, ...]:
    """Whether anybody asks for work, for both halves of it, and is of a version that gets it."""
    return judged(queue, {kind: await describe_queue(client, queue, number) for kind, number in KINDS.items()}, now)


def judged(queue: str, described: Mapping[str, DescribeTaskQueueResponse], now: datetime) -> tuple[Finding, ...]:
    """The same, by what the server said of each half."""
    asking = {kind: [who for who in _asking(half, now) if who.silent < RECENTLY] for kind, half in described.items()}
    if missing := [kind for kind, who in asking.items() if not who]:
        do = "python worker.py; if one runs, compare ARREARS_TASK_QUEUE and TEMPORAL_ADDRESS with its own"
        return (broken("workers", f"nobody asks for {' or '.join(missing)} on task queue {queue}", do),)
    served = set[str]().union(*(_served(half.versioning_info) for half in described.values()))
    latest = _latest(who for each in asking.values() for who in each)
    if standing := [kind for kind, each in asking.items() if not served & {who.version for who in each}]:
        return (_nobody_served(standing, served, latest),)
    return tuple(_doubts(latest, served)) or (ok("workers", f"task queue {queue}: {_listed(latest)}"),)


def _asking(half: DescribeTaskQueueResponse, now: datetime) -> Iterator[_Asks]:
    for poller in half.pollers:
        options = poller.deployment_options
        versioned = options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
        version = f"{options.deployment_name}.{options.build_id}" if versioned else ""
        yield _Asks(poller.identity, version, now - poller.last_access_time.ToDatetime(UTC))


def _served(versions: TaskQueueVersioningInfo) -> set[str]:
    """The versions that get cases: the current one, and one that is ramped up beside it."""
    ramping = [versions.ramping_deployment_version] if versions.ramping_version_percentage > 0 else []
    return {_spelled(version) for version in (versions.current_deployment_version, *ramping)}


def _spelled(version: WorkerDeploymentVersion) -> str:
    return f"{version.deployment_name}.{version.build_id}" if version.build_id else ""


def _latest(asking: Iterable[_Asks]) -> tuple[_Asks, ...]:
    """Each worker once, by name, as it last asked for either kind of work."""
    by_name = sorted(asking, key=lambda who: (who.identity, -who.silent))
    return tuple({who.identity: who for who in by_name}.values())


def _listed(asking: Iterable[_Asks]) -> str:
    return ", ".join(map(str, asking))


def _nobody_served(kinds: list[str], served: set[str], asking: Iterable[_Asks]) -> Finding:
    """Workers of other versions alone: they may ask as long as they like."""
    wanted = " or ".join(sorted(f"of {version}" if version else "without a build id" for version in served))
    says = f"only workers {wanted} get cases, and none asks for {' or '.join(kinds)}: there are {_listed(asking)}"
    if served == {""}:
        return broken("workers", says, f"{_SET_CURRENT} … --build-id …; or start a worker without ARREARS_BUILD_ID")
    do = "start one with its ARREARS_DEPLOYMENT_NAME and ARREARS_BUILD_ID; or go back: "
    return broken("workers", says, f"{do}{_SET_CURRENT} {_deployment(served)} --unversioned --yes")


def _doubts(latest: Iterable[_Asks], served: set[str]) -> Iterator[Finding]:
    if "" not in served and (idle := [who for who in latest if not who.version]):
        current = " or ".join(sorted(served))
        says = f"{_listed(idle)}: without a build id, so that no case comes to them while {current} is current"
        do = "start them with ARREARS_DEPLOYMENT_NAME and ARREARS_BUILD_ID, or end them; or go back: "
        yield warning("workers", says, f"{do}{_SET_CURRENT} {_deployment(served)} --unversioned --yes")
    getting = [who for who in latest if who.version in served]  # one that gets no case stands in for nobody
    if all(who.silent > SILENT for who in getting):
        do = "see whether one of these still runs, or start one: python worker.py"
        yield warning("workers", _listed(getting), do)


def _deployment(served: set[str]) -> str:
    return min(version for version in served if version).partition(".")[0]
