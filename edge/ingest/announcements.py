"""Announces to the cases what is new in the billing book: overdue bills, payments, reversals."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from activities.billing import BillingUnavailable
from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed
from domain.customer import Account
from domain.money.book import BookedBill, BookedPayment, Unannounced
from domain.money.debt import AccountDebt, DebtQuery
from edge.ingest.book import BillingBook
from edge.ingest.events import bill_overdue, payment_received, payment_reversed

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

AT_ONCE = 32  # requests in flight: as fast as more of them, and they leave the workers room at a small server
_PAGE = 500
_MARK_SECONDS = 0.5  # how much is announced again if the process dies; the cases take it once
_SAID_ONE_BY_ONE = 20


class Announcer(Protocol):
    """The cases, as far as billing news goes. An account's calls come one after the other, many accounts at once."""

    async def open_or_join(self, account: Account, owed: Decimal, event: BillOverdue) -> Literal["opened", "joined"]:
        """Signal the account's running case, or start one with this signal."""

    async def payment(self, account_id: str, event: PaymentReceived) -> bool:
        """Signal the running case; False if there is none, which is no error."""

    async def reversal(
        self, account: Account, owed: Decimal, event: PaymentReversed, may_open: bool
    ) -> Literal["opened", "joined", "none"]:
        """Signal the running case; without one, start it if `may_open`, else `none`."""

    async def running(self, account_id: str) -> bool:
        """Whether the account has a running case; asked in a dry run, which announces nothing."""


@dataclass
class Announced:
    """What came of announcing; cases count once, however many bills joined them.

    `unheard`: accounts with payments and without a running case to hear of them.
    """

    cases_opened: int = 0
    cases_joined: int = 0
    payments_signalled: int = 0
    under_minimum: int = 0
    unheard: set[str] = field(default_factory=set)


class _News(NamedTuple):
    waiting: Unannounced
    account: Account | None
    debt: AccountDebt | None


async def announce_all(
    book: BillingBook,
    announcer: Announcer,
    *,
    now: datetime,
    min_debt: Callable[[Account], Decimal],
    progress: Progress,
    say: Say,
    mark: bool = True,
) -> Announced:
    """Announce all that is waiting in the book, as of `now`.

    Debts under `min_debt` of their account open no case, and that is said.

    What was announced is marked in the book shortly after. Whatever goes wrong, the rest stays waiting for the next
    time, and the first error is raised.
    """
    round_ = _Round(book, announcer, now, min_debt, progress, say, mark)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(round_.read())
            group.create_task(round_.mark_at_intervals())
            async with asyncio.TaskGroup() as senders:
                for _ in range(AT_ONCE):
                    senders.create_task(round_.announce_each())
            round_.over.set()
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    except asyncio.CancelledError:
        say(
            f"已通知 {round_.count}/{round_.total} 户，其中新立案 {round_.result.cases_opened}。"
            f" {round_.count} of {round_.total} accounts done, {round_.result.cases_opened} cases opened by them."
        )
        raise
    finally:  # also when interrupted: what was announced need not be announced again
        with suppress(BillingUnavailable):
            await asyncio.to_thread(round_.write_marks)
    if round_.result.under_minimum > _SAID_ONE_BY_ONE:
        say(
            f"共 {round_.result.under_minimum} 户欠费低于起点，未立案。"
            f" In all {round_.result.under_minimum} accounts owe less than the minimum for a case."
        )
    return round_.result


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@dataclass
class _Round:
    book: BillingBook
    announcer: Announcer
    now: datetime
    min_debt: Callable[[Account], Decimal]
    progress: Progress
    say: Say
    mark: bool
    result: Announced = field(default_factory=Announced)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _queue: asyncio.Queue[_News | None] = field(default_factory=lambda: asyncio.Queue(2 * _PAGE))
    _done: list[Unannounced] = field(default_factory=list)
    count: int = 0
    """Accounts done, of `total`."""
    total: int = 0

    async def read(self) -> None:
        """Read page after page ahead of the senders."""
        self.total = await asyncio.to_thread(self.book.count_unannounced, self.now)
        if self.total:  # at once: the first case may take a while, and nobody shall think that all is done
            self.progress("announce", 0, self.total)
        after = ""
        while page := await asyncio.to_thread(self._page, after):
            for news in page:
                await self._queue.put(news)
            after = page[-1].waiting.account_id
        for _ in range(AT_ONCE):
            await self._queue.put(None)

    def _page(self, after: str) -> list[_News]:
        waiting = self.book.unannounced(self.now, after, _PAGE)
        ids = [w.account_id for w in waiting if w.bills or any(p.reverses for p in w.payments)]
        accounts = self.book.accounts(ids)
        queries = tuple(DebtQuery(account_id=a, as_of=self.now) for a in ids)
        debts = dict(zip(ids, self.book.debts(queries), strict=True))
        return [_News(w, accounts.get(w.account_id), debts.get(w.account_id)) for w in waiting]

    async def announce_each(self) -> None:
        """Take accounts off the queue until it ends."""
        while (news := await self._queue.get()) is not None:
            await self._announce_one(news)
            self._done.append(news.waiting)
            self.count += 1
            self.progress("announce", self.count, self.total)

    async def _announce_one(self, news: _News) -> None:
        outcomes: set[str] = set()
        if news.account is not None and news.debt is not None:
            outcomes |= await self._bills(news.account, news.debt, news.waiting.bills)
        # A case opened here and now reads these payments when it first reads the debt.
        if "opened" not in outcomes:
            await self._payments(news.waiting)
        if news.account is not None and news.debt is not None:
            outcomes |= await self._reversals(news.account, news.debt.owed, news.waiting.payments)
        self.result.cases_opened += "opened" in outcomes
        self.result.cases_joined += "opened" not in outcomes and "joined" in outcomes

    async def _bills(self, account: Account, debt: AccountDebt, bills: Sequence[BookedBill]) -> set[str]:
        owing = {b.bill_id for b in debt.bills if b.outstanding > 0}
        owed = [b for b in bills if b.bill_id in owing]
        if owed and not self._worth_a_case(account, debt.owed):
            self._say_under_minimum(account, debt)
            return set()
        return {await self.announcer.open_or_join(account, debt.owed, bill_overdue(b.account_id, b)) for b in owed}

    async def _payments(self, waiting: Unannounced) -> None:
        for payment in waiting.payments:
            if payment.reverses:
                continue
            if not await self.announcer.payment(waiting.account_id, payment_received(payment)):
                self.result.unheard.add(waiting.account_id)
                return  # no running case: the account's other payments would find none either
            self.result.payments_signalled += 1

    async def _reversals(self, account: Account, owed: Decimal, payments: Sequence[BookedPayment]) -> set[str]:
        may_open = self._worth_a_case(account, owed)
        return {
            await self.announcer.reversal(account, owed, payment_reversed(p), may_open) for p in payments if p.reverses
        }

    def _worth_a_case(self, account: Account, owed: Decimal) -> bool:
        return owed > 0 and owed >= self.min_debt(account)

    def _say_under_minimum(self, account: Account, debt: AccountDebt) -> None:
        self.result.under_minimum += 1
        if self.result.under_minimum <= _SAID_ONE_BY_ONE:
            self.say(
                f"户号 {debt.account_id} 欠费 {debt.owed}，低于起点 {self.min_debt(account)}，未立案。"
                f" Account {debt.account_id} owes {debt.owed}, less than the minimum for a case: none was opened."
            )

    async def mark_at_intervals(self) -> None:
        """Write the marks now and then, until all is announced."""
        while not self.over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), _MARK_SECONDS)
            await asyncio.to_thread(self.write_marks)

    def write_marks(self) -> None:
        """Mark what was announced since the last time."""
        done, self._done = self._done, []
        if done and self.mark:
            self.book.mark_announced(
                [b.bill_id for w in done for b in w.bills], [p.payment_id for w in done for p in w.payments], self.now
            )
