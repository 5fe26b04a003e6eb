"""The daily sweep: one batch question to billing a page of open cases, a signal only where the debt has changed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.billing import BillingSystem
from domain.debt import DebtQuery
from domain.filed import OpenCase, SweepPage
from domain.messages import RecheckRequested
from domain.model import Contract, Day, Id, Moment

SIGNALS_AT_ONCE = 50


class CaseList(Protocol):
    """The open cases, as the register lists them."""

    def open_cases_page(self, after: str, limit: int) -> tuple[OpenCase, ...]:
        """Open cases in order of account id, those greater than `after`."""


class SweepBook(Protocol):
    """Where a sweep leaves the record of what it covered."""

    def record_sweep(self, page: SweepPage) -> None:
        """Keep the record of one page; a page recorded already stays as it is."""


class PageOrder(Contract):
    """Sweep one page of open cases: those after `after`, `limit` at most."""

    sweep_id: Id
    day: Day
    page: int
    after: str = ""
    limit: int
    as_of: Moment


class PageSwept(Contract):
    """What a page covered; `last_account` is None when there was nothing left."""

    last_account: str | None
    counted: int
    signalled: int
    full: bool


@dataclass(frozen=True)
class SweepActivities:
    """Looking at every open case's payments once a day (R-23, III.2)."""

    billing: BillingSystem
    cases: CaseList
    book: SweepBook

    @activity.defn
    async def sweep_page(self, order: PageOrder) -> PageSwept:
        """Compare what billing says with what each case knew; ask the cases that differ to look again."""
        cases = await asyncio.to_thread(self.cases.open_cases_page, order.after, order.limit)
        if not cases:
            return PageSwept(last_account=None, counted=0, signalled=0, full=False)
        changed = await asyncio.to_thread(self._changed, cases, order.as_of)
        told = await self._signal(changed, order)
        page = SweepPage(
            sweep_id=order.sweep_id,
            page=order.page,
            day=order.day,
            first_account=cases[0].account_id,
            last_account=cases[-1].account_id,
            counted=len(cases),
            disconnected=sum(c.supply_off for c in cases),
            changed=len(changed),
            signalled=told,
            at=order.as_of,
        )
        await asyncio.to_thread(self.book.record_sweep, page)
        return PageSwept(
            last_account=page.last_account, counted=page.counted, signalled=told, full=len(cases) == order.limit
        )

    def _changed(self, cases: tuple[OpenCase, ...], as_of: datetime) -> list[OpenCase]:
        debts = self.billing.debts(tuple(DebtQuery(account_id=c.account_id, as_of=as_of) for c in cases))
        return [case for case, debt in zip(cases, debts, strict=True) if debt.mark() != case.debt_mark]

    async def _signal(self, cases: list[OpenCase], order: PageOrder) -> int:
        """Ask each case to look again, by one request id a sweep: a page repeated asks nobody twice."""
        message = RecheckRequested(request_id=order.sweep_id, source="sweep", at=order.as_of)
        gate, client = asyncio.Semaphore(SIGNALS_AT_ONCE), activity.client()

        async def tell(case: OpenCase) -> bool:
            async with gate:
                try:
                    await client.get_workflow_handle(case.workflow_id).signal("recheck_requested", message)
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:  # closed since the register was read
                        return False
                    raise
            return True

        return sum(await asyncio.gather(*(tell(c) for c in cases)))
