"""`python starter.py serve`: the HTTP side as a program, until SIGTERM or SIGINT."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
import uvicorn
from temporalio.client import Client

from client.problems import Misused
from composition.settings.loading import check_console
from console.app import Doors, make_app
from console.metrics import case_figures, shown
from edge.session import Session

log = structlog.get_logger()


@dataclass
class _Connection:
    """Temporal, connected when it is first needed; a server that was away is tried again by the next request."""

    session: Session
    _made: Client | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def client(self) -> Client:
        """The client. PayloadKeysDiffer: a worker was started meanwhile whose keys are others."""
        async with self._one_at_a_time:
            if self._made is None:
                self._made = await self.session.opening_client()
            else:
                await self.session.compare_keys()
            return self._made


class EndsInOrder(uvicorn.Server):
    """Ends in order on SIGTERM and SIGINT; uvicorn's own would end the process by the same signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


async def serve(session: Session, host: str | None, port: int | None) -> None:
    """Serve until a signal ends it. Misused: the settings are too weak for this, or the address cannot be used."""
    settings = session.settings
    chosen = settings.model_copy(
        update={k: v for k, v in (("console_host", host), ("console_port", port)) if v is not None}
    )
    check_console(chosen)
    app = make_app(Doors(chosen, session.parts, _Connection(session).client))
    config = uvicorn.Config(
        app,
        host=chosen.console_host,
        port=chosen.console_port,
        ssl_certfile=chosen.console_tls_cert,
        ssl_keyfile=chosen.console_tls_key,
        log_config=None,  # its lines go where ours go
        access_log=False,  # refusals and events taken are logged by the application, with what they were
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    log.info(
        "console.started",
        address=f"{chosen.console_host}:{chosen.console_port}",
        tls=chosen.console_tls_cert is not None,
        events=bool(chosen.event_secrets),
        codec=chosen.payload_keys is not None,
        metrics=chosen.console_metrics,
    )
    try:
        with shown(case_figures(session.parts), chosen.console_metrics):
            await EndsInOrder(config).serve()
    except SystemExit as ending:  # how uvicorn says that it could not bind
        raise Misused("Usage", f"{chosen.console_host}:{chosen.console_port} cannot be listened on") from ending
    log.info("console.stopped")
