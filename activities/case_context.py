"""The log context of activities: stage and clause of the order, on every line; a line for each evidence entry."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.anchor import AnchorOrder
from activities.billing import CircumstancesAsked, DebtAsked, OpenAccount
from activities.channels import NotifyCustomer
from activities.sweep import PageOrder
from domain.law.clauses import CLAUSE_OF_STAGE
from domain.record.rows import NoticeOrder, Record, TicketOrder
from domain.report.filing import ReportOrder

log = structlog.get_logger()

_CLAUSE_OF_NOTICE = {"yellow": "II.1", "red": "II.2"}
_CLAUSE_OF_TICKET = {"cut": "II.3", "restore": "III.1"}


def _of_record(record: Record) -> dict[str, str | None]:
    """The clause of the last thing that happened."""
    clause = record.evidence[-1].clause if record.evidence else CLAUSE_OF_STAGE[record.case.stage]
    return {"stage": record.case.stage, "clause": clause}


_CONTEXT: dict[type, Callable[[Any], dict[str, str | None]]] = {
    # A case is in the yellow stage from its opening on.
    OpenAccount: lambda _order: {"stage": "yellow_notice", "clause": "I.1"},
    DebtAsked: lambda order: {"stage": order.stage, "clause": "II.6"},
    CircumstancesAsked: lambda order: {"stage": order.debt.stage, "clause": "II.6"},
    Record: _of_record,
    NoticeOrder: lambda o: {"stage": o.record.case.stage, "clause": _CLAUSE_OF_NOTICE[o.notice.kind]},
    TicketOrder: lambda o: {"stage": o.record.case.stage, "clause": _CLAUSE_OF_TICKET[o.ticket.kind]},
    NotifyCustomer: lambda _order: {"stage": "final_half_hour", "clause": CLAUSE_OF_STAGE["final_half_hour"]},
    PageOrder: lambda _order: {"clause": "III.2"},
    ReportOrder: lambda _order: {"clause": "III.5"},
    AnchorOrder: lambda _order: {"clause": "II.0"},
}


class CaseContext(Interceptor):
    """Binds stage and clause to every line of an activity, and logs each entry that it has put on record."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wraps every activity, local ones too."""
        return _Bound(next)


class _Bound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Bind stage and clause of the order to every line, and log what the activity puts on record."""
        # Not unbound: each activity has a context of its own, and the SDK's line on its failure is still to come.
        structlog.contextvars.bind_contextvars(**context_of(input.args))
        result = await super().execute_activity(input)
        for record in (_record_in(order) for order in input.args):
            if record is not None:
                log_record(record)
        return result


def context_of(orders: Sequence[object]) -> dict[str, str | None]:
    """Stage and clause of an order; nothing for an order that belongs to no case."""
    return {k: v for order in orders for k, v in _CONTEXT.get(type(order), _nothing)(order).items() if v is not None}


def log_record(record: Record) -> None:
    """One line for each thing put on record; persons and details stay in the register."""
    for entry in record.evidence:
        log.info(
            entry.what, rule=entry.rule, clause=entry.clause, by=entry.actor_role, about=entry.about, key=entry.key
        )


def _nothing(_order: object) -> dict[str, str | None]:
    return {}


def _record_in(order: object) -> Record | None:
    match order:
        case Record():
            return order
        case NoticeOrder() | TicketOrder():
            return order.record
    return None
