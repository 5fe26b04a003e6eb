"""The daily sweep, page by page: ask billing about open cases, and signal each whose debt or record has changed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.billing import AnswerUnusable, BillingSystem, BillingUnavailable
from activities.closed_cuts import ClosedCuts, open_for_incidents
from activities.register import RegisterUnavailable
from domain.contract.signals import RecheckRequested
from domain.customer import Customer, CustomerCard, changed_fields
from domain.money.debt import AccountDebt, DebtQuery
from domain.record.sweep import OpenCase, SweepPage
from domain.vocabulary import Contract, Id, Moment

SIGNALS_AT_ONCE = 50
NAMED_AT_MOST = 20
"""Unknown accounts that one line of the log names."""
UNUSABLE_AT_MOST = 20
"""Unusable answers that a page may hold; with more of them, billing itself is at fault."""
PATIENCE_ATTEMPTS = 3
"""Attempts at a page for cases that take no signal; the last goes on without them, and names them."""

log = structlog.get_logger()
T = TypeVar("T")


class CaseList(Protocol):
    """The open cases, as the register lists them."""

    def open_cases_page(self, after: str, limit: int) -> tuple[OpenCase, ...]:
        """Open cases in order of account id, those greater than `after`."""


class CardsTaken(Protocol):
    """What cases took of their customers' records, as the register keeps it."""

    def cards_taken(self, cases: Sequence[OpenCase]) -> dict[str, CustomerCard]:
        """By account, the card that each of these cases last took, as far as it is known and kept."""


class SweepBook(Protocol):
    """Where a sweep leaves the record of what it covered."""

    def record_sweep(self, page: SweepPage) -> None:
        """Keep the record of one page; a page recorded already stays as it is."""


class PageOrder(Contract):
    """Sweep one page of open cases: those after `after`, `limit` at most."""

    sweep_id: Id
    page: int
    after: str = ""
    limit: int
    as_of: Moment


class PageSwept(Contract):
    """What a page covered; one that is not `full`, on which no case was left, was the last.

    `missing`: accounts to be asked or without supply, whose case no workflow carries on. `counted` leaves out accounts
    that billing does not know.
    """

    last_account: str
    counted: int
    signalled: int
    missing: int
    full: bool


@dataclass(frozen=True)
class SweepActivities:
    """Checks every open case's payments once a day (R-23, III.2); days are those of `zone`.

    `records`: what cases without supply took of their customers' records, to be compared with billing's (R-32).
    """

    billing: BillingSystem
    cases: CaseList
    book: SweepBook
    zone: ZoneInfo
    unusable_at_most: int = UNUSABLE_AT_MOST
    closed: ClosedCuts | None = None
    may_stay_unpaid: Decimal = Decimal("0.00")
    records: CardsTaken | None = None

    @activity.defn
    async def sweep_page(self, order: PageOrder) -> PageSwept:
        """Compare billing's debts with what each case knew, and ask the cases that differ to read theirs again.

        After them come the cases without supply whose customer's record differs: no restoration waits for a record.
        A customer without supply whose account billing does not know is asked too: his case then retries until billing
        answers. The sweep goes on until a page is empty, and records that page: only so does its end show.
        """
        cases = await asyncio.to_thread(self.cases.open_cases_page, order.after, order.limit)
        debts = await asyncio.to_thread(self._debts, cases, order.as_of)
        known = [c for c in cases if debts[c.account_id] is not None]
        changed = [c for c in known if _mark(debts[c.account_id]) != c.debt_mark]
        unknown = [c for c in cases if debts[c.account_id] is None]
        if unknown:
            some = [c.account_id for c in unknown[:NAMED_AT_MOST]]
            log.error("sweep.accounts_unknown", count=len(unknown), of=len(cases), accounts=some)
        asked = [*changed, *(c for c in unknown if c.supply_off)]
        unreached = await self._signal(asked, order)
        others = [c for c in cases if c.supply_off and c not in asked]
        renamed = await asyncio.to_thread(self._with_another_record, others)
        unreached += await self._signal(renamed, order)
        asked, changed = [*asked, *renamed], [*changed, *renamed]
        alone = await self._not_running([c for c in others if c not in renamed])
        missing = await asyncio.to_thread(self._still_open, [*unreached, *alone], order)
        for case in missing:
            where = {"account": case.account_id, "stage": case.stage, "case": case.workflow_id}
            log.error("sweep.case_missing", **where, supply_off=case.supply_off)
        page = SweepPage(
            sweep_id=order.sweep_id,
            page=order.page,
            day=order.as_of.astimezone(self.zone).date(),
            first_account=cases[0].account_id if cases else "",
            last_account=cases[-1].account_id if cases else "",
            counted=len(known),
            disconnected=sum(c.supply_off for c in known),
            changed=len(changed),
            signalled=len(asked) - len(unreached),
            missing=tuple(c.account_id for c in missing),
            at=order.as_of,
        )
        await asyncio.to_thread(self.book.record_sweep, page)
        if not cases and self.closed is not None:  # the last page: a payment may be booked once a case is closed
            queue = activity.info().task_queue
            await open_for_incidents(
                activity.client(), self.billing, self.closed, order.as_of, queue, self.may_stay_unpaid
            )
        return PageSwept(
            last_account=page.last_account,
            counted=page.counted,
            signalled=page.signalled,
            missing=len(missing),
            full=bool(cases),
        )

    def _debts(self, cases: Sequence[OpenCase], as_of: datetime) -> dict[str, AccountDebt | None]:
        """What each account owes; None where billing does not know it, or says of it what cannot be.

        BillingUnavailable: no answer, or unusable ones for too many accounts.
        """

        def debts(accounts: Sequence[str]) -> dict[str, AccountDebt | None]:
            found = self.billing.debts(tuple(DebtQuery(account_id=a, as_of=as_of) for a in accounts))
            return dict(zip(accounts, found, strict=True))

        return self._asked([c.account_id for c in cases], debts)

    def _with_another_record(self, cases: Sequence[OpenCase]) -> list[OpenCase]:
        """Those whose customer's record is no longer the one that they took, or that have taken none yet (R-32).

        Without an answer there are none today; the log says so.
        """
        if self.records is None or not cases:
            return []

        def customers(accounts: Sequence[str]) -> dict[str, Customer | None]:
            return {**dict.fromkeys(accounts), **self.billing.customers(accounts)}

        try:
            read = self._asked([c.account_id for c in cases], customers)
            cards = self.records.cards_taken(cases)
        except (BillingUnavailable, RegisterUnavailable) as problem:
            log.error("sweep.records_unread", count=len(cases), why=str(problem))
            return []
        return [c for c in cases if (customer := read[c.account_id]) and _differs(c, cards.get(c.account_id), customer)]

    def _asked(
        self, accounts: Sequence[str], ask: Callable[[Sequence[str]], dict[str, T | None]]
    ) -> dict[str, T | None]:
        """The answer for each account; None where it is unusable. One account never delays another's restoration.

        BillingUnavailable: no answer, or unusable ones for too many accounts.
        """
        found: dict[str, T | None] = {}
        portions, unusable = [accounts], 0
        while portions:
            portion = portions.pop()
            try:
                found |= ask(portion)
            except AnswerUnusable as problem:
                if len(portion) > 1:
                    middle = len(portion) // 2
                    portions += [portion[:middle], portion[middle:]]
                    continue
                unusable += 1
                if unusable > self.unusable_at_most:
                    raise
                log.error("sweep.answer_unusable", account=portion[0], why=str(problem))
                found[portion[0]] = None
        return found

    def _still_open(self, unreached: list[OpenCase], order: PageOrder) -> list[OpenCase]:
        """The cases that the register still calls open when asked again: one closed since is no fault."""
        if not unreached:
            return []
        now_open = {c.case_key for c in self.cases.open_cases_page(order.after, order.limit)}
        return [case for case in unreached if case.case_key in now_open]

    async def _signal(self, cases: list[OpenCase], order: PageOrder) -> list[OpenCase]:
        """Ask each case to read its debt again; one request id a sweep, so a repeated page asks nobody twice.

        Returns the cases without a running workflow, and those that took no signal at any attempt.
        """
        message = RecheckRequested(request_id=order.sweep_id, source="sweep", at=order.as_of)
        gate, client = asyncio.Semaphore(SIGNALS_AT_ONCE), activity.client()

        async def ask(case: OpenCase) -> bool:
            """Whether the case took the signal."""
            async with gate:
                try:
                    await client.get_workflow_handle(case.workflow_id).signal("recheck_requested", message)
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:
                        return False
                    refusals.append(error)
                    where = {"account": case.account_id, "stage": case.stage, "case": case.workflow_id}
                    log.error("sweep.not_signalled", **where, why=str(error))
                    return False
            return True

        refusals: list[RPCError] = []
        reached = await asyncio.gather(*(ask(c) for c in cases))
        if refusals and activity.info().attempt < PATIENCE_ATTEMPTS:
            raise refusals[0]
        return [case for case, asked in zip(cases, reached, strict=True) if not asked]

    async def _not_running(self, cut_off: list[OpenCase]) -> list[OpenCase]:
        """The cases without supply that no workflow carries on: nobody would restore them, paid or not (P3)."""
        gate, client = asyncio.Semaphore(SIGNALS_AT_ONCE), activity.client()

        async def runs(case: OpenCase) -> bool:
            """Whether a workflow carries the case on."""
            async with gate:
                try:
                    found = await client.get_workflow_handle(case.workflow_id).describe()
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:
                        return False
                    raise
            return found.status == WorkflowExecutionStatus.RUNNING

        running = await asyncio.gather(*(runs(c) for c in cut_off))
        return [case for case, there in zip(cut_off, running, strict=True) if not there]


def _mark(debt: AccountDebt | None) -> str | None:
    return None if debt is None else debt.mark()


def _differs(case: OpenCase, taken: CustomerCard | None, customer: Customer) -> bool:
    return taken is None or case.record_mark != customer.account.mark() or bool(changed_fields(taken, customer.card))
