"""The ground a measurement stands on: a fresh real server with a file database, and workers as processes."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from client.cases import TemporalUnavailable
from client.connection import connect
from client.search_attributes import ensure_search_attributes
from composition.parts import Parts, build
from composition.settings.model import Settings
from tests.bench.bare_plan import PLANS, Plan, write_plans
from tests.bench.bench_workers import PAUSE
from tests.support.world import TIME_SKIPPING, temporal_cli

ROOT = Path(__file__).resolve().parents[2]
DATABASE_FLAGS = ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full")
QUEUES = ("matching.useNewMatcher=true", "matching.enableFairness=true")
OURS, BARE = "arrears", "bare"


@dataclass
class Ground:
    """A server and its databases in a folder; workers are started by name and end with the ground."""

    folder: Path
    client: Client
    address: str
    server: subprocess.Popen[bytes]
    cached: int
    settings: Settings
    parts: Parts
    clocks: TimeSkipper
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def rows_url(self) -> str:
        """The database of the bare reference."""
        return f"sqlite:///{self.folder / 'bare.db'}"

    def start_ours(self, *, slow: bool = False, **settings: str) -> None:
        """`python worker.py`; if `slow`, the same with a notice office that takes as long as `notices_take` says."""
        environment = self._environment(OURS, self.settings.register_url.get_secret_value()) | settings
        if slow:
            self.notices_take(0.0)
            self._start(OURS, ["-m", "tests.bench.bench_workers", "slow"], environment | {PAUSE: str(self._pause)})
        else:
            self._start(OURS, [str(ROOT / "worker.py")], environment)

    def notices_take(self, seconds: float) -> None:
        """So long for each notice, from now on."""
        draft = self._pause.with_suffix(".new")
        draft.write_text(str(seconds), "utf-8")
        draft.replace(self._pause)

    @property
    def _pause(self) -> Path:
        return self.folder / "notices-take"

    def start_bare(self, plans: dict[str, Plan], **settings: str) -> None:
        """The worker of the bare reference."""
        write_plans(self.folder / "plans.json", plans)
        environment = self._environment(BARE, self.rows_url) | {PLANS: str(self.folder / "plans.json")}
        self._start(BARE, ["-m", "tests.bench.bench_workers", "bare"], environment | settings)

    async def stop(self, name: str) -> None:
        """End a worker."""
        await asyncio.to_thread(end, self.workers.pop(name))

    def memory(self, name: str) -> int:
        """Resident bytes of that worker."""
        pid = str(self.workers[name].pid)
        said = subprocess.run(["ps", "-o", "rss=", "-p", pid], capture_output=True, check=True, text=True)
        return int(said.stdout) * 1024

    def processor_seconds(self, name: str) -> float:
        """Processor time that worker, or the `server`, has used; 0 where the system does not say."""
        process = self.server if name == "server" else self.workers[name]
        told = Path(f"/proc/{process.pid}/stat")
        if not told.exists():
            return 0.0
        fields = told.read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def database_bytes(self) -> int:
        """What the server's database holds, whether it stands in the file or still in its log."""
        with closing(sqlite3.connect(f"file:{self.folder / 'temporal.db'}?mode=ro", uri=True)) as database:
            pages, free, size = (
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    async def backlog(self, queue: str = OURS) -> int:
        """Activity tasks that wait in that queue, by the server's own count."""
        answer = await self.client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self.client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                report_stats=True,
            )
        )
        return int(answer.stats.approximate_backlog_count)

    async def piled_up(self, wanted: int, queue: str = OURS) -> None:
        """Until so many wait there, or a minute has passed: a row that had too few says so itself."""
        for _ in range(120):
            if await self.backlog(queue) >= wanted:
                return
            await asyncio.sleep(0.5)

    def _environment(self, queue: str, register_url: str) -> dict[str, str]:
        rest = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
        return rest | {
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TEMPORAL_ADDRESS": self.address,
            "ARREARS_REGISTER_URL": register_url,
            "ARREARS_BILLING_URL": self.settings.billing_url.get_secret_value(),
            "ARREARS_DOCUMENTS": str(self.settings.documents),
            "ARREARS_TASK_QUEUE": queue,
            "ARREARS_MAX_CACHED_WORKFLOWS": str(self.cached),
            "ARREARS_SHUTDOWN_SECONDS": "2",
        }

    def _start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=dict(environment), stdout=log, stderr=log
            )


@asynccontextmanager
async def fresh_ground(
    folder: Path, *, time_skipping: bool = False, cached: int = 2_000, dynamic: Sequence[str] = QUEUES
) -> AsyncIterator[Ground]:
    """A server with nothing in it, and empty books; all of it ends with the context."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    server = _start_server(folder, port, time_skipping, dynamic)
    settings = Settings.model_validate(
        {
            "register_url": f"sqlite:///{folder / 'register.db'}",
            "billing_url": f"sqlite:///{folder / 'billing.db'}",
            "documents": folder / "documents",
            "task_queue": OURS,
        }
    )
    parts = build(settings)
    workers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        client = await _connected(address, server)
        clocks = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=100_000))
        yield Ground(folder, client, address, server, cached, settings, parts, clocks, workers)
    finally:
        for worker in workers.values():
            end(worker)
        end(server)
        parts.close()


def _start_server(folder: Path, port: int, time_skipping: bool, dynamic: Sequence[str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    flags = [*DATABASE_FLAGS, *(TIME_SKIPPING if time_skipping else ())]
    for value in dynamic:
        flags += ["--dynamic-config-value", value]
    command = (temporal_cli(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port))
    database = ("--db-filename", str(folder / "temporal.db"), "--log-level", "error")
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen([*command, *database, *flags], stdout=log, stderr=log)


async def _connected(address: str, server: subprocess.Popen[bytes]) -> Client:
    profile = ClientConfigProfile(address=address, namespace="default")
    for _ in range(300):
        assert server.poll() is None, "the server has ended: see server.log"
        with suppress(TemporalUnavailable, RPCError):
            client = await connect(profile, 5)
            await ensure_search_attributes(client)
            return client
        await asyncio.sleep(0.1)
    raise AssertionError("the server does not answer: see server.log")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
