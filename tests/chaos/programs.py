"""The server and the worker as processes that can be killed, frozen and started again in the same place."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from client.converter import data_converter
from client.search_attributes import ensure_search_attributes
from composition.parts import Parts, build
from composition.settings.model import Settings
from edge.demo.stage import SERVER_FLAGS, temporal_cli
from tests.support.programs import ROOT

HOST = "127.0.0.1"
_START_SECONDS = 60
# Every case is stepped by hand: one that skipped by itself would run past every human deadline.
_BY_HAND = TimeSkippingConfig(enabled=False, max_session_skip_count=1_000_000)


@dataclass
class Town:
    """One server with a file database, its workers, a register and a billing book, all in `folder`."""

    folder: Path
    port: int
    settings: Settings
    parts: Parts
    changes: Mapping[str, str] = field(default_factory=dict)
    server: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    worker_kills: int = 0
    server_kills: int = 0
    _client: Client | None = None
    _clocks: TimeSkipper | None = None
    _logs: list[IO[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the server is, before and after it died."""
        return f"{HOST}:{self.port}"

    @property
    def client(self) -> Client:
        """A client whose cases have a clock of their own; it outlives the server."""
        assert self._client is not None
        return self._client

    @property
    def clocks(self) -> TimeSkipper:
        """What moves the clock of a case."""
        assert self._clocks is not None
        return self._clocks

    # ---- the server ----------------------------------------------------------------------------

    async def start_server(self) -> None:
        """Start it on its port and its file, and wait until it answers."""
        database = ("--db-filename", str(self.folder / "temporal.db"))
        command = (temporal_cli(), "server", "start-dev", "--headless", "--ip", HOST, "--port", str(self.port))
        self.server = self._start("server", (*command, *database, *SERVER_FLAGS), dict(os.environ))
        async with asyncio.timeout(_START_SECONDS):
            while not await self._answers():
                assert self.server.poll() is None, (self.folder / "server.log").read_text("utf-8")
                await asyncio.sleep(0.1)

    async def _answers(self) -> bool:
        try:
            if self._client is None:
                self._client = await Client.connect(self.address, data_converter=data_converter)
                self._clocks = TimeSkipper(self._client, config=_BY_HAND)
                self._client = self._clocks.client
            await ensure_search_attributes(self._client)
        except (RPCError, RuntimeError):
            return False
        return True

    def kill_server(self) -> None:
        """SIGKILL: nothing is flushed, nobody is notified."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()
        self.server_kills += 1

    # ---- the worker ----------------------------------------------------------------------------

    def start_worker(self) -> None:
        """`python worker.py`; there may be a frozen one beside it."""
        self.worker = self._start("worker", (sys.executable, str(ROOT / "worker.py")), self.environment)

    def freeze_worker(self) -> None:
        """SIGSTOP: what it has committed stays committed, what it has not yet said stays unsaid."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGSTOP)

    def thaw_worker(self) -> None:
        """SIGCONT."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGCONT)

    def kill_worker(self) -> None:
        """SIGKILL, frozen or not."""
        assert self.worker is not None
        self.worker.kill()
        self.worker.wait()
        self.worker_kills += 1

    # ---- other programs ------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """What a worker or a command needs to find this town."""
        bare = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
        return {
            **bare,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TEMPORAL_ADDRESS": self.address,
            "ARREARS_REGISTER_URL": self.settings.register_url.get_secret_value(),
            "ARREARS_BILLING_URL": self.settings.billing_url.get_secret_value(),
            "ARREARS_DOCUMENTS": str(self.settings.documents),
            "ARREARS_RETRY_MAX_SECONDS": str(self.settings.retry_max_seconds),
            "ARREARS_POLICY": self.settings.policy,
            **self.changes,
        }

    def run_starter(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`python starter.py …`, not waited for; its answer goes to starter.out."""
        out = (self.folder / "starter.out").open("wb")
        self._logs.append(out)
        return self._start("starter", (sys.executable, str(ROOT / "starter.py"), *arguments), self.environment, out)

    def _start(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], out: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out or log,
            stderr=log,
            start_new_session=True,
        )

    def close(self) -> None:
        """End what this town started."""
        for process in (self.worker, self.server):
            if process is not None and process.poll() is None:
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()
        for log in self._logs:
            log.close()
        self.parts.close()


@asynccontextmanager
async def town(folder: Path, **settings: object) -> AsyncIterator[Town]:
    """A town with its server and one worker running; both end with the context."""
    it = _new_town(folder, settings)
    try:
        await it.start_server()
        it.start_worker()
        yield it
    finally:
        it.close()


def _new_town(folder: Path, settings: Mapping[str, object]) -> Town:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}_url": f"sqlite:///{folder / name}.db" for name in ("register", "billing")}
    chosen = Settings.model_validate(files | {"documents": folder / "documents"} | dict(settings))
    return Town(folder, free_port(), chosen, build(chosen))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
    return port
