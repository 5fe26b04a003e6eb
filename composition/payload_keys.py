"""The mark of a worker's payload keys: written into the register as it starts, read there by whoever sends."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.plugin import SimplePlugin

from activities.register import RegisterUnavailable
from adapters.register.key_rings import keep_ring_of_worker, ring_of_worker
from adapters.register.writing import open_register_to_read
from client.payload_codec import EncryptedPayloads
from composition.settings.model import Settings
from composition.settings.temporal import temporal_profile
from domain.record.key_ring import KeyRingMark, difference, mark_of

log = structlog.get_logger()

AT_ONCE_SECONDS = 2.0
"""How long a starting worker waits for the register to take its mark; after that it tries beside its work."""
_AGAIN_SECONDS = 15.0
_NAMESPACE = "default"


def worker_ring(settings: Settings) -> KeyRingMark | None:
    """The mark of the ring of the worker that started last; None: none has left one, or the register does not answer.

    Nothing is made or changed in the register.
    """
    engine = open_register_to_read(settings.register_url.get_secret_value())
    try:
        return ring_of_worker(engine, temporal_profile().namespace or _NAMESPACE, settings.task_queue)
    except (RegisterUnavailable, SQLAlchemyError):  # what is wrong with it, its own part of the doctor says
        return None
    finally:
        engine.dispose()


def leaving_its_mark(client: Client, engine: Engine, task_queue: str) -> SimplePlugin:
    """A worker with this plugin writes the mark of its client's ring into the register as it starts.

    A register that is down does not hold it up: the mark is written when the register answers.
    """

    @asynccontextmanager
    async def while_it_runs() -> AsyncIterator[None]:
        stop, tried = threading.Event(), threading.Event()

        def leave() -> None:
            while not stop.is_set():
                try:
                    _leave_mark(engine, client, task_queue)
                    return
                except (RegisterUnavailable, SQLAlchemyError) as problem:
                    log.warning("payload_keys.not_marked", reason=str(problem))
                finally:
                    tried.set()
                stop.wait(_AGAIN_SECONDS)

        # A thread that ends with the process: a register that hangs must not hold up the worker's end.
        threading.Thread(target=leave, name="payload-keys", daemon=True).start()
        await asyncio.to_thread(tried.wait, AT_ONCE_SECONDS)
        try:
            yield
        finally:
            stop.set()

    return SimplePlugin("arrears.payload_keys", run_context=while_it_runs)


def _leave_mark(engine: Engine, client: Client, task_queue: str) -> None:
    """Write the mark, unless it stands there already."""
    codec = client.data_converter.payload_codec
    keys: Mapping[str, bytes] = codec.ring.keys if isinstance(codec, EncryptedPayloads) else {}
    plain = isinstance(codec, EncryptedPayloads) and codec.accept_plain
    there = ring_of_worker(engine, client.namespace, task_queue)
    if there is not None and there == mark_of(keys, plain, there.salt):
        return
    if there is not None and difference(keys, there) is not None:  # and not one step of a change behind
        log.warning("payload_keys.changed", see="docs/security.md, Changing keys")
    mark = mark_of(keys, plain, secrets.token_hex(16))
    keep_ring_of_worker(engine, client.namespace, task_queue, mark, datetime.now(UTC))
