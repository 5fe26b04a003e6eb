"""The workers that only the bench runs, as processes: `python -m tests.bench.bench_workers bare|slow`.

`bare` serves the bare reference with the settings of `worker.py`. `slow` is `worker.py` with a notice office that
takes its time, so that notices pile up in the queue.
"""

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio.worker import Worker

from adapters.register.writing import SqlRegister
from composition.logs import configure_logging
from composition.parts import build, connect
from composition.process import spare_the_collector
from composition.serving import make_worker, worker_for
from composition.settings.loading import load_settings
from domain.papers.sheets import Document
from domain.record.rows import Message, NoticeOrder
from tests.bench.bare_case import BareCase
from tests.bench.bare_rows import write_row

PAUSE = "ARREARS_BENCH_NOTICE_PAUSE"


@dataclass(frozen=True)
class SlowOffice(SqlRegister):
    """A register whose notice office needs a while for each notice."""

    pause: Path = Path()

    def issue(self, order: NoticeOrder, paper: Message, document: Document | None = None) -> None:
        """Issue it, after as many seconds as the file `pause` says now."""
        time.sleep(float(self.pause.read_text("utf-8")))
        super().issue(order, paper, document)


async def serve(kind: str) -> None:
    """Serve until SIGTERM."""
    settings = load_settings()
    client = await connect(settings)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    worker: Worker
    if kind == "bare":
        worker = worker_for(client, settings, [BareCase], [write_row])
    else:
        parts = build(settings)
        office = SlowOffice(parts.register_engine, pause=Path(os.environ[PAUSE]))
        worker = make_worker(client, replace(parts, register=office), settings)
    async with worker:
        await stop.wait()


if __name__ == "__main__":
    configure_logging("console")
    spare_the_collector()
    asyncio.run(serve(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
