"""Counts for the figures: open cases, restorations due, incidents, notices, tickets, tasks; one snapshot."""

from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, Connection, Engine, Exists, Select, and_, case, exists, func, select

from adapters.register.outbox import count_unsent
from adapters.register.tables import TABLES
from adapters.sql.engine import reading
from domain.metrics import (
    CasesCounted,
    Figures,
    IncidentsCounted,
    NoticesCounted,
    RestorationDue,
    TasksCounted,
    TicketsUnacknowledged,
)
from domain.report.due import LastReport, reports_due
from domain.report.filing import REPORTS, SENT
from domain.vocabulary import Stage

_T = TABLES.tables
_CASES, _TASKS, _NOTICES, _TICKETS = (_T[name] for name in ("cases", "tasks", "notices", "tickets"))
_INCIDENTS, _SWEEPS, _REPORTS, _EVIDENCE = (_T[name] for name in ("incidents", "sweeps", "reports", "evidence"))
_OPEN = tuple(stage for stage in get_args(Stage) if stage != "closed")


def count_register(engine: Engine, now: datetime, zone: ZoneInfo) -> Figures:
    """The figures as of one snapshot; months are those of `zone`.

    RegisterUnavailable: the database gives no answer.
    """
    standing = _standing()
    with reading(engine) as connection:

        def lines(query: Select[Any]) -> list[dict[str, Any]]:
            """The lines of that query, each by the names of its columns."""
            return [dict(line) for line in connection.execute(query).mappings()]

        return Figures(
            cases=tuple(CasesCounted(**line) for line in lines(_cases(standing))),
            restorations_due=tuple(RestorationDue(**line) for line in lines(_restorations_due(standing))),
            incidents=tuple(IncidentsCounted(**line) for line in lines(_incidents())),
            notices=tuple(NoticesCounted(**line) for line in lines(_notices(standing))),
            unacknowledged=tuple(TicketsUnacknowledged(**line) for line in lines(_unacknowledged(standing))),
            tasks=tuple(TasksCounted(**line) for line in lines(_tasks(standing, now))),
            unsent=count_unsent(connection),
            reports=reports_due(_last_reports(connection), lambda at: _cases_before(connection, at), now, zone),
            swept_at=_swept_at(connection),
        )


def followed() -> Exists:
    """Whether the account of a row of `cases` has had a later case.

    Such a row may stand open: its case was ended in Temporal, and only `close-row` closes it.
    """
    later = _CASES.alias("later")
    return exists().where(later.c.account_id == _CASES.c.account_id, later.c.opened_at > _CASES.c.opened_at)


def _standing() -> CTE:
    """Open cases, without the rows that a later case of the account follows."""
    columns = (_CASES.c[name] for name in ("case_key", "account_id", "stage", "supply_off", "restore_due_by"))
    # A case whose customer billing has not named yet belongs to no centre.
    centre = func.coalesce(_CASES.c.reading_centre, "").label("centre")
    return select(*columns, centre).where(_CASES.c.stage.in_(_OPEN), ~followed()).cte("standing")


def _cases(standing: CTE) -> Select[Any]:
    without_supply = func.sum(case((standing.c.supply_off, 1), else_=0)).label("without_supply")
    return select(standing.c.centre, standing.c.stage, func.count().label("cases"), without_supply).group_by(
        standing.c.centre, standing.c.stage
    )


def _restorations_due(standing: CTE) -> Select[Any]:
    return select(standing.c.centre, standing.c.restore_due_by.label("by")).where(
        standing.c.supply_off, standing.c.restore_due_by.is_not(None)
    )


def _incidents() -> Select[Any]:
    waits = _INCIDENTS.c.outcome.is_(None)
    waiting = func.sum(case((waits, 1), else_=0))
    return select(
        _INCIDENTS.c.kind,
        waiting.label("open"),
        (func.count() - waiting).label("closed"),
        func.min(case((waits, _INCIDENTS.c.at)), type_=_INCIDENTS.c.at.type).label("oldest_open_at"),
    ).group_by(_INCIDENTS.c.kind)


def _notices(standing: CTE) -> Select[Any]:
    outcome = func.coalesce(_NOTICES.c.outcome, "none").label("outcome")
    mine = and_(_NOTICES.c.account_id == standing.c.account_id, _NOTICES.c.case_key == standing.c.case_key)
    return (
        select(_NOTICES.c.kind, _NOTICES.c.state, outcome, func.count().label("notices"))
        .select_from(standing.join(_NOTICES, mine))
        .group_by(_NOTICES.c.kind, _NOTICES.c.state, _NOTICES.c.outcome)
    )


def _unacknowledged(standing: CTE) -> Select[Any]:
    mine = and_(_TICKETS.c.account_id == standing.c.account_id, _TICKETS.c.case_key == standing.c.case_key)
    return (
        select(
            _TICKETS.c.kind,
            func.count().label("tickets"),
            func.min(_TICKETS.c.sent_at, type_=_TICKETS.c.sent_at.type).label("oldest_sent_at"),
        )
        .select_from(standing.join(_TICKETS, mine))
        .where(_TICKETS.c.state == "sent")
        .group_by(_TICKETS.c.kind)
    )


def _tasks(standing: CTE, now: datetime) -> Select[Any]:
    late = func.sum(case((_TASKS.c.by < now, 1), else_=0)).label("late")
    return (
        select(_TASKS.c.role, func.count().label("tasks"), late)
        .select_from(standing.join(_TASKS, _TASKS.c.case_key == standing.c.case_key))
        .group_by(_TASKS.c.role)
    )


def _cases_before(connection: Connection, at: datetime) -> bool:
    return connection.execute(select(_CASES.c.case_key).where(_CASES.c.opened_at < at).limit(1)).first() is not None


def _last_reports(connection: Connection) -> tuple[LastReport, ...]:
    """The last report of each month; whether an earlier one was sent says nothing of it."""
    later = _REPORTS.alias("later")
    last = ~exists().where(later.c.month == _REPORTS.c.month, later.c.number > _REPORTS.c.number)
    of_it = (_EVIDENCE.c.account_id == REPORTS, _EVIDENCE.c.about == _REPORTS.c.report_id)
    sent = exists().where(*of_it, _EVIDENCE.c.what == SENT).label("sent")
    columns = (_REPORTS.c[name] for name in ("report_id", "month", "made_at"))
    return tuple(LastReport(**line) for line in connection.execute(select(*columns, sent).where(last)).mappings())


def _swept_at(connection: Connection) -> datetime | None:
    """When the last sweep began that came to a page without a case; one on which cases stand may not be the last."""
    last = select(func.max(_SWEEPS.c.at, type_=_SWEEPS.c.at.type)).where(_SWEEPS.c.last_account == "")
    swept_at: datetime | None = connection.scalar(last)
    return swept_at
