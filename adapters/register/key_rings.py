"""The marks of the workers' key rings: each worker writes its own as it starts, whoever sends compares his with it."""

from datetime import datetime

from sqlalchemy import Engine, inspect, select

from adapters.register.tables import TABLES
from adapters.sql.engine import as_it_is, writing
from adapters.sql.statements import insert_or_replace
from domain.record.key_ring import KeyRingMark

_RINGS = TABLES.tables["key_rings"]


def ring_of_worker(engine: Engine, namespace: str, task_queue: str) -> KeyRingMark | None:
    """The mark of the ring of the worker that started last there; None if none has written one.

    RegisterUnavailable: the database gives no answer. Nothing is made or changed in it.
    """
    query = select(_RINGS.c.mark).where(_RINGS.c.namespace == namespace, _RINGS.c.task_queue == task_queue)
    with as_it_is(engine) as connection:
        if not inspect(connection).has_table(_RINGS.name):  # no worker of this version has been here
            return None
        found = connection.scalar(query)
    return None if found is None else KeyRingMark.model_validate(found)


def keep_ring_of_worker(engine: Engine, namespace: str, task_queue: str, mark: KeyRingMark, at: datetime) -> None:
    """Put the worker's mark in the place of the one before. RegisterUnavailable: nothing was written."""
    line = {"namespace": namespace, "task_queue": task_queue, "mark": mark.model_dump(mode="json"), "started_at": at}
    with writing(engine) as connection:
        connection.execute(insert_or_replace(connection, _RINGS), line)
