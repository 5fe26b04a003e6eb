"""The worker's entrance: `python worker.py` serves cases until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog

from client.problems import DONE, Problem
from client.search_attributes import ensure_search_attributes
from composition.logs import configure_logging
from composition.parts import build, connect, sending, with_channels
from composition.places import unwritable
from composition.process import leave, spare_the_collector
from composition.serving import make_worker
from composition.settings.loading import load_settings
from composition.settings.model import Settings

log = structlog.get_logger()


async def run_worker(settings: Settings) -> None:
    """Serve cases until SIGTERM or SIGINT, then finish what is in hand."""
    parts = with_channels(build(settings), settings)
    for place, reason in unwritable(settings):
        # It starts all the same: what cannot be written is tried for ever, and goes on when it can.
        log.warning("place.unwritable", setting=place.setting, path=str(place.path), problem=reason, see="doctor")
    try:
        client = await connect(settings)
        if added := await ensure_search_attributes(client):
            log.info("search_attributes.added", names=added)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with sending(parts), make_worker(client, parts, settings):  # what the worker files last is sent too
            log.info(
                "worker.started",
                queue=settings.task_queue,
                namespace=client.namespace,
                register=parts.register_engine.url.render_as_string(),
                billing=parts.billing.address,
                policy=[policy.label for policy in parts.policies.every],
                papers=str(parts.papers.folder),
                build=settings.build_id,
                channels=settings.notify is not None,
                payload_key=settings.key_ring.first if settings.key_ring else None,
                metrics=settings.metrics,
            )
            await stop.wait()
            log.info("worker.stopping", patience_seconds=settings.shutdown_seconds)
        log.info("worker.stopped")
    finally:
        parts.close()


def main() -> int:
    """Exit code 0 after a signal, 2 for a wrong setting, 3 when Temporal is not there."""
    try:
        settings = load_settings()
        configure_logging(settings.log_format, metrics=settings.metrics)
        spare_the_collector()
        asyncio.run(run_worker(settings))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    return DONE


if __name__ == "__main__":
    leave(main())
