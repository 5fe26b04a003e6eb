"""The SQL of the worklist: what each role, unit and person must do, nearest deadline first."""

from sqlalchemy import Connection, select

from adapters.register.reports import reports_to_send
from adapters.register.spellings import names
from adapters.register.tables import TABLES
from domain.record.case_file import WorkItem
from domain.record.rows import Task

_TASKS = TABLES.tables["tasks"]


def worklist(
    connection: Connection, role: str, unit: str | None, person: str | None, limit: int
) -> tuple[WorkItem, ...]:
    """The tasks of a role; with `unit` or `person`, those of another unit or person are left out.

    A task that names no unit or person is everyone's. What has no deadline comes last. The liaison's list ends with
    the reports to the government that are still to be sent.
    """
    query = (
        select(_TASKS)
        .where(_TASKS.c.role == role)
        .order_by(_TASKS.c.by.is_(None), _TASKS.c.by, _TASKS.c.account_id, _TASKS.c.place)
        .limit(limit)
    )
    for column, ident in ((_TASKS.c.unit, unit), (_TASKS.c.person, person)):
        if ident is not None:
            query = query.where(column.is_(None) | names(connection, column, ident, _TASKS.c.role == role))
    items = (WorkItem.model_validate(dict(line)) for line in connection.execute(query).mappings())
    reports = reports_to_send(connection) if role == "liaison" else ()
    return (*items, *reports)[:limit]


def tasks_of(connection: Connection, case_keys: list[str]) -> dict[str, list[Task]]:
    """The tasks of these cases, by case, in the order in which the case gave them."""
    query = select(_TASKS).where(_TASKS.c.case_key.in_(case_keys)).order_by(_TASKS.c.case_key, _TASKS.c.place)
    tasks: dict[str, list[Task]] = {}
    for line in connection.execute(query).mappings():
        tasks.setdefault(line["case_key"], []).append(Task.model_validate(dict(line)))
    return tasks
