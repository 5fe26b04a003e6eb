"""The doctor's findings on workers, from a real server: when each polled last, and whether its version gets cases."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import activity
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerDeploymentConfig

from composition.serving import sandbox
from edge.doctor.finding import Finding, in_time
from edge.doctor.temporal import describe_queue
from edge.doctor.workers import KINDS, judged, workers
from tests.support.world import World
from workflows.daily_sweep import DailySweep

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Queue:
    """A task queue of its own, and the deployment that is named after it."""

    client: Client
    name: str

    @asynccontextmanager
    async def worker(self, identity: str, build: str | None = None) -> AsyncIterator[None]:
        """One who asks for work there, for both halves of it; the server knows him."""
        config = build and WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(self.name, build),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
        async with Worker(
            self.client,
            task_queue=self.name,
            workflows=[DailySweep],
            activities=[_nothing],
            activity_executor=ThreadPoolExecutor(1),
            workflow_runner=sandbox(),
            identity=identity,
            deployment_config=config or None,
        ):
            await _until(lambda: self._names(identity))
            yield

    async def make_current(self, build: str) -> None:
        """Cases go to workers of this build from now on; an empty one: to those without."""
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=self.client.namespace, deployment_name=self.name, build_id=build, identity="test"
        )

        async def set_() -> bool:
            try:
                await self.client.workflow_service.set_worker_deployment_current_version(request)
            except RPCError as problem:
                if problem.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                    return False  # the server has not heard of that version yet
                raise
            return True

        await _until(set_)

    async def seen(self, later: timedelta = timedelta()) -> list[Finding]:
        """What the doctor says, by a clock that is so much later."""
        return list(await workers(self.client, self.name, datetime.now(UTC) + later))

    async def seen_without(self, identity: str) -> list[Finding]:
        """What the doctor says of the same answers when the server does not name him any more, minutes later."""
        halves = {kind: await describe_queue(self.client, self.name, number) for kind, number in KINDS.items()}
        for half in halves.values():
            left = [poller for poller in half.pollers if poller.identity != identity]
            assert len(left) == len(half.pollers) - 1
            half.ClearField("pollers")
            half.pollers.extend(left)
        return list(judged(self.name, halves, datetime.now(UTC)))

    async def seen_silent(self, identity: str, ago: timedelta) -> list[Finding]:
        """What the doctor says if that one was last heard of so long ago."""
        halves = {kind: await describe_queue(self.client, self.name, number) for kind, number in KINDS.items()}
        for poller in (poller for half in halves.values() for poller in half.pollers if poller.identity == identity):
            poller.last_access_time.FromDatetime(datetime.now(UTC) - ago)
        return list(judged(self.name, halves, datetime.now(UTC)))

    async def becomes(self, state: str) -> Finding:
        """What the doctor says once the server has spread the change."""
        await _until(lambda: self._is(state))
        [finding] = await self.seen()
        return finding

    async def _names(self, identity: str) -> bool:
        findings = await self.seen()
        return "nobody asks" not in findings[0].says and identity in findings[0].says

    async def _is(self, state: str) -> bool:
        return [finding.state for finding in await self.seen()] == [state]


async def _until(so: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(300):
        if await so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")


@activity.defn
def _nothing() -> None:
    """An activity, so that the worker asks for activities too."""


@pytest.fixture
def queue(world: World) -> Queue:
    return Queue(world.client, f"doctored-{next(_numbers)}")


async def test_a_worker_is_named_with_when_he_was_last_heard_of(queue: Queue) -> None:
    """The server names one who has ended for minutes: how long he has been silent is all that is known of him."""
    async with queue.worker("anna"):
        [well] = await queue.seen()
        assert well.state == "ok"
        assert re.fullmatch(rf"task queue {queue.name}: anna \(heard of \d+ s ago\)", well.says)
        [silent] = await queue.seen(timedelta(seconds=90))
        assert silent.state == "warning"
        assert "may have ended, for a worker that runs is heard of each minute" in silent.says
        [gone] = await queue.seen(timedelta(minutes=3))
        assert (gone.state, "nobody asks for workflow tasks or activities" in gone.says) == ("broken", True)


async def test_a_worker_without_a_build_id_gets_no_case_while_a_version_is_current(queue: Queue) -> None:
    back = f"set-current-version --deployment-name {queue.name} --unversioned --yes"
    async with queue.worker("plain"), queue.worker("new", "2"):
        await queue.make_current("2")
        idle = await queue.becomes("warning")
        assert idle.says.startswith("plain (")
        assert f"no case comes to them while {queue.name}.2 is current" in idle.says
        assert "new (" not in idle.says
        assert ("ARREARS_BUILD_ID" in idle.do, back in idle.do) == (True, True)
        [standing] = await queue.seen_without("new")
        assert standing.state == "broken"
        assert f"only workers of {queue.name}.2 get cases, and none asks" in standing.says
        assert ("plain (" in standing.says, back in standing.do) == (True, True)
        await queue.make_current("")
        assert "plain (" in (await queue.becomes("ok")).says


async def test_a_build_that_is_not_current_yet_gets_no_case(queue: Queue) -> None:
    """Beside the workers that get them all is well; alone, every case stands still."""
    async with queue.worker("new", "2"):
        standing = await queue.becomes("broken")
        assert "only workers without a build id get cases" in standing.says
        assert f"new (build {queue.name}.2, " in standing.says
        assert "set-current-version" in standing.do
        async with queue.worker("plain"):
            well = await queue.becomes("ok")
            assert ("new (build" in well.says, "plain (heard" in well.says) == (True, True)
            [silent] = await queue.seen_silent("plain", timedelta(seconds=80))
            assert (silent.state, "plain (heard of 80 s ago" in silent.says) == ("warning", True)
            assert "new (" not in silent.says, "one that gets no case stands in for nobody"


async def test_what_temporal_refuses_is_no_fault_of_the_doctors(world: World) -> None:
    elsewhere = Client(world.client.service_client, namespace="elsewhere")

    async def look() -> tuple[Finding, ...]:
        return await workers(elsewhere, "arrears", datetime.now(UTC))

    [refused] = await in_time("workers", look, 10)
    assert refused.says == "Temporal gives no answer to this: NOT_FOUND: Namespace elsewhere is not found."
    assert "TEMPORAL_*" in refused.do
