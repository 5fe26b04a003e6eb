"""Where lives are played: one server, one worker, and counterparties that can fall silent for one account at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from adapters.billing.embedded import SqlBilling
from adapters.holidays import ChinaHolidays
from adapters.register.writing import SqlRegister
from domain.customer import Account, Customer
from domain.law.calendar import BarredDay
from domain.money.debt import AccountDebt, DebtQuery
from domain.papers.sheets import Document
from domain.record.rows import Message, NoticeOrder, Record, TicketOrder
from tests.support.world import World, running_world

# Once in so many days the government orders a day off, and says so only three days before: plans meet it late.
ORDERED_EVERY, ORDERED_ON, ANNOUNCED_DAYS_BEFORE = 11, 5, 3
BETWEEN_RESTARTS = 10.0
LONGEST_PAUSE = 4 * 3600
"""Seconds between two attempts in an outage: every attempt is a skip of the clock."""


@dataclass(frozen=True)
class PatchyBilling(SqlBilling):
    """The billing book; it answers nothing about accounts in `silent`."""

    silent: set[str] = field(default_factory=set)

    def customer(self, account_id: str) -> Customer | None:
        self._answer_for(account_id)
        return super().customer(account_id)

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        if len(queries) == 1:  # the sweep asks about many at once, and for that billing is there
            self._answer_for(queries[0].account_id)
        return super().debts(queries)

    def _answer_for(self, account_id: str) -> None:
        if account_id in self.silent:
            raise BillingUnavailable("no answer")


@dataclass(frozen=True)
class PatchyRegister(SqlRegister):
    """The register; it takes nothing of accounts in `silent`."""

    silent: set[str] = field(default_factory=set)

    def write(self, record: Record) -> None:
        self._take_from(record.case.account_id)
        super().write(record)

    def issue(self, order: NoticeOrder, paper: Message, document: Document | None = None) -> None:
        self._take_from(order.notice.account_id)
        super().issue(order, paper, document)

    def send(self, order: TicketOrder, ticket: Message, document: Document | None = None) -> None:
        self._take_from(order.ticket.account_id)
        super().send(order, ticket, document)

    def standing(self, account: Account, at: object) -> tuple[str, ...]:
        self._take_from(account.account_id)
        return super().standing(account, at)  # type: ignore[arg-type]

    def _take_from(self, account_id: str) -> None:
        if account_id in self.silent:
            raise RegisterUnavailable("no answer")


def is_ordered_off(day: date) -> bool:
    """Whether the government orders that day off, at short notice."""
    return day.toordinal() % ORDERED_EVERY == ORDERED_ON


@dataclass(frozen=True)
class LateHolidays(ChinaHolidays):
    """China's holidays, and days off that are announced only shortly before."""

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        known = {entry.day: entry for entry in super().barred_days(first, last)}
        for ahead in range(ANNOUNCED_DAYS_BEFORE + 1):
            if is_ordered_off(day := first + timedelta(days=ahead)):
                known.setdefault(day, BarredDay(day=day, kind="holiday", name="ordered"))
        return tuple(known[day] for day in sorted(known) if day <= last)


@dataclass
class Town:
    """A world for lives."""

    world: World
    billing: PatchyBilling
    register: PatchyRegister
    folder: Path
    restarts: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _restarted: float = field(default_factory=time.monotonic)

    async def restart_worker(self) -> None:
        """Another worker takes up every case; asked for more often than every few seconds, once is enough."""
        async with self._lock:
            if time.monotonic() - self._restarted < BETWEEN_RESTARTS:
                return
            await self.world.restart_worker()
            self.restarts += 1
            self._restarted = time.monotonic()

    def put_back(self, account_id: str) -> bool:
        """Billing and register answer for this account again; whether one of them had been silent."""
        was = account_id in self.billing.silent or account_id in self.register.silent
        self.billing.silent.discard(account_id)
        self.register.silent.discard(account_id)
        return was

    def silent_for(self, account_id: str) -> bool:
        """Whether one of the two is down for this account."""
        return account_id in self.billing.silent or account_id in self.register.silent


@asynccontextmanager
async def running_town(folder: Path, new_run_after: int | None = None) -> AsyncIterator[Town]:
    """A town on a server of its own; with `new_run_after` events, cases go on in a new run."""
    dynamic = (f"limit.historyCount.suggestContinueAsNew={new_run_after}",) if new_run_after else ()
    async with running_world(folder, dynamic, retry_max_seconds=LONGEST_PAUSE) as world:
        await world.stop_worker()
        billing = PatchyBilling(world.parts.book.engine, world.parts.book.timezone)
        register = PatchyRegister(world.parts.register_engine)
        world.parts = replace(world.parts, billing=billing, register=register, calendar=LateHolidays())
        await world.start_worker()
        yield Town(world, billing, register, folder)
