"""Cuts of closed cases whose bills, as billing says only now, had been paid before: a case for each incident (R-25)."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import structlog
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.billing import AnswerUnusable, BillingSystem
from domain.case.closed_cut import ClosedCut, PaidBeforeCut, paid_before
from domain.case.start_and_result import CaseOpening
from domain.money.debt import AccountDebt, DebtQuery

LOOKED_BACK = timedelta(days=90)
"""So long after a cut is a payment made before it looked for."""
_AT_ONCE = 200

log = structlog.get_logger()


class ClosedCuts(Protocol):
    """The lawful cuts of closed cases, as the register has them."""

    def cuts_of_closed_cases(self, since: datetime, accounts: Sequence[str] | None = None) -> tuple[ClosedCut, ...]:
        """Those since then whose incident is not on record, of these accounts or of all; never of an open case."""


async def open_for_incidents(
    client: Client,
    billing: BillingSystem,
    closed: ClosedCuts,
    as_of: datetime,
    task_queue: str,
    may_stay_unpaid: Decimal,
    accounts: Sequence[str] | None = None,
) -> int:
    """Open a case for each cut that came after its settlement; how many. An account with an open case waits for it.

    BillingUnavailable: no answer. What is unusable about one account keeps nobody else's from being found.
    """
    cuts = await asyncio.to_thread(closed.cuts_of_closed_cases, as_of - LOOKED_BACK, accounts)
    opened = 0
    for start in range(0, len(cuts), _AT_ONCE):
        for cut, found in await asyncio.to_thread(
            _judged, billing, cuts[start : start + _AT_ONCE], as_of, may_stay_unpaid
        ):
            opened += await _open(client, cut.account_id, found, task_queue)
    return opened


async def _open(client: Client, account_id: str, found: PaidBeforeCut, task_queue: str) -> bool:
    opening = CaseOpening(account_id=account_id, paid_before_cut=found)
    try:
        await client.start_workflow("ArrearsCase", opening, id=f"arrears-{account_id}", task_queue=task_queue)
    except WorkflowAlreadyStartedError:
        return False
    log.warning("cut.after_settlement_found", account=account_id, case=found.case_key, cut=found.cut_id)
    return True


def _judged(
    billing: BillingSystem, cuts: Sequence[ClosedCut], as_of: datetime, may_stay_unpaid: Decimal
) -> list[tuple[ClosedCut, PaidBeforeCut]]:
    queries = tuple(DebtQuery(account_id=c.account_id, as_of=as_of, bills=c.bills) for c in cuts)
    answers = zip(cuts, _debts(billing, queries), strict=True)
    judged = ((cut, paid_before(cut, debt, may_stay_unpaid)) for cut, debt in answers if debt is not None)
    return [(cut, found) for cut, found in judged if found is not None]


def _debts(billing: BillingSystem, queries: tuple[DebtQuery, ...]) -> Iterator[AccountDebt | None]:
    """The answers, one by one where the answer to all is unusable."""
    try:
        yield from billing.debts(queries)
    except AnswerUnusable as problem:
        if len(queries) > 1:
            for query in queries:
                yield from _debts(billing, (query,))
            return
        log.error("sweep.answer_unusable", account=queries[0].account_id, why=str(problem))
        yield None
