"""The programs of the project as processes: commands and workers; their environment says where everything is."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.edge.commands.test_application import Ended
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]


def environment(world: World, **changes: str) -> dict[str, str]:
    """What a command needs to find this world."""
    rest = {k: v for k, v in os.environ.items() if not k.startswith(("ARREARS_", "TEMPORAL_"))}
    return {
        **rest,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "ARREARS_REGISTER_URL": world.settings.register_url.get_secret_value(),
        "ARREARS_BILLING_URL": world.settings.billing_url.get_secret_value(),
        "ARREARS_DOCUMENTS": str(world.settings.documents),
        "ARREARS_TASK_QUEUE": world.settings.task_queue,
        **changes,
    }


async def program(world: World, *arguments: str, folder: Path, script: str = "starter.py", **changes: str) -> Ended:
    """Run `python starter.py …` as a process of its own, in that folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / script), *arguments),
        env=environment(world, **changes),
        cwd=folder,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def until(ready: Callable[[], Coroutine[Any, Any, bool]], what: str) -> None:
    """Wait for something that comes about by itself."""
    for _ in range(300):
        if await ready():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} did not come about")


@dataclass
class Program:
    """A worker running as a process, and its log."""

    process: Process
    log: Path

    async def said(self, event: str) -> bool:
        """Whether this stands in its log."""
        assert self.process.returncode is None or event == "worker.stopped", self.log.read_text("utf-8")
        return event in self.log.read_text("utf-8")


@asynccontextmanager
async def worker_program(world: World, folder: Path, **changes: str) -> AsyncIterator[Program]:
    """`python worker.py`, killed at the end if it has not ended by itself."""
    log = folder / "worker.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "worker.py")), env=environment(world, **changes), cwd=folder, stderr=out
        )
    try:
        yield Program(process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
