"""Lives of a case driven from outside: the same driver for the real case and for the bare one."""

import asyncio
import itertools
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from temporalio.client import Client, WorkflowHandle

from adapters.register.writing import SqlRegister
from adapters.sql.engine import reading
from composition.serving import make_worker
from domain.customer import Account, Customer, CustomerCard
from domain.money.book import BookedBill, BookedPayment
from domain.record.rows import Record
from tests.bench.bare_plan import Plan, plan_of
from tests.bench.bare_rows import ROWS, open_rows
from tests.bench.ground import BARE, OURS, Ground
from tests.support.register_reading import WholeRegister
from tests.support.world import CENTRE, PEOPLE, STATION, UNIT, overdue_event

AMOUNT = "200.00"
SOON = timedelta(seconds=30)
PATIENCE = 120.0
_numbers = itertools.count(1)


async def accounts(ground: Ground, count: int, centre: str = CENTRE) -> list[str]:
    """So many customers with one overdue bill each, in the billing book."""
    ids = [f"X-{next(_numbers):07}" for _ in range(count)]
    today = datetime.now(ground.parts.policy.zone).date()

    def book() -> None:
        ground.parts.book.add_customers([customer(i, centre) for i in ids])
        bills = [BookedBill(f"B-{i}", i, today - timedelta(days=40), Decimal(AMOUNT)) for i in ids]
        ground.parts.book.add_bills(bills)

    await asyncio.to_thread(book)
    return ids


def customer(account_id: str, centre: str = CENTRE) -> Customer:
    """A residential customer."""
    account = Account(
        account_id=account_id,
        customer_class="residential",
        meter_id=f"M-{account_id}",
        reading_centre=centre,
        reader=PEOPLE["reader"]["id"],
        team_leader=PEOPLE["team_leader"]["id"],
        field_unit=UNIT,
        business_station=STATION,
        region="R-North",
    )
    return Customer(account=account, card=CustomerCard(account_id=account_id, name="张三", address="北京路1号"))


class Watch:
    """Sees from outside what is written to a database, and when; `query` gives rowid, key and what, after a rowid."""

    def __init__(self, path: str, query: str) -> None:
        self._path, self._query = path, query
        self.seen: Counter[tuple[str, str]] = Counter()
        self.at: dict[tuple[str, str], float] = {}
        self._waiting: defaultdict[tuple[str, str], list[tuple[int, asyncio.Future[float]]]] = defaultdict(list)

    async def watch(self, pause: float = 0.005) -> None:
        """Read again and again."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
            last = self._skip(database)
            while True:
                for number, key, shows in database.execute(self._query, (last,)).fetchall():
                    last = number
                    for what in shows.split(","):
                        self._note((key, what))
                await asyncio.sleep(pause)

    def _skip(self, database: sqlite3.Connection) -> int:
        """What stands there already is of no interest."""
        found = database.execute(f"SELECT coalesce(max(n), 0) FROM ({self._query.split(' WHERE')[0]})").fetchone()
        return int(found[0])

    def _note(self, sight: tuple[str, str]) -> None:
        now = time.perf_counter()
        self.seen[sight] += 1
        self.at.setdefault(sight, now)
        waiting = self._waiting.pop(sight, [])
        for count, future in waiting:
            if self.seen[sight] >= count and not future.done():
                future.set_result(now)
            elif not future.done():
                self._waiting[sight].append((count, future))

    async def sees(self, key: str, what: str, count: int = 1) -> float:
        """When that was seen so many times."""
        sight = (key, what)
        if self.seen[sight] >= count:
            return self.at[sight]
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[sight].append((count, future))
        try:
            return await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            known = sorted(w for k, w in self.seen if k == key)
            raise AssertionError(f"{key}: {what} ({count}) was not seen, but {known}") from None


@asynccontextmanager
async def watching(watch: Watch, pause: float = 0.005) -> AsyncIterator[Watch]:
    """The watch reads for as long as the context lasts."""
    task = asyncio.create_task(watch.watch(pause))
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def watch_of_ours(ground: Ground) -> Watch:
    """Evidence in the register."""
    ground.parts.reader.list_cases(limit=1)  # makes the tables
    return Watch(
        str(ground.parts.register_engine.url.database),
        "SELECT rowid AS n, account_id, what FROM evidence WHERE rowid > ? ORDER BY rowid",
    )


def watch_of_bare(ground: Ground) -> Watch:
    """Rows of the bare reference."""
    engine = open_rows(ground.rows_url)
    with reading(engine) as connection:
        connection.execute(ROWS.select().limit(1)).all()
    engine.dispose()
    return Watch(
        str(ground.folder / "bare.db"), 'SELECT rowid AS n, "case", shows FROM rows WHERE rowid > ? ORDER BY rowid'
    )


@dataclass
class Life:
    """One case, ours or bare, seen and steered from outside."""

    ground: Ground
    watch: Watch
    account: str
    handle: WorkflowHandle[Any, Any]
    plan: Plan | None
    """The bare reference's plan; None for a real case."""
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tickets: Counter[str] = field(default_factory=Counter)

    @property
    def bare(self) -> bool:
        """Whether this is the bare reference."""
        return self.plan is not None

    def id(self, what: str, number: int = 1) -> str:
        """The business key of a notice or a ticket, as the contract forms it."""
        return f"{self.handle.result_run_id}/{what}/{number}"

    async def sees(self, what: str, count: int = 1) -> float:
        """When that stood in the database."""
        return await self.watch.sees(self.handle.id if self.bare else self.account, what, count)

    async def says(self, name: str, role: str, **payload: Any) -> Any:
        """Somebody sends an update."""
        payload["actor"] = PEOPLE[role]
        return await self.handle.execute_update("told" if self.bare else name, payload)

    async def hears_of(self, payment: BookedPayment) -> None:
        """The case gets the signal of a payment."""
        payload = {"payment_id": payment.payment_id, "amount": AMOUNT, "paid_at": payment.paid_at.isoformat()}
        await self.handle.signal("happened" if self.bare else "payment_received", payload)

    async def pays(self) -> None:
        """Money reaches the billing book, and the case hears of it."""
        payment = await self.books()
        await self.hears_of(payment)

    async def books(self) -> BookedPayment:
        """Money reaches the billing book."""
        at = await self.now() if self.plan is None or self.plan.cut_after else datetime.now(UTC)
        payment = BookedPayment(f"P-{self.account}", self.account, Decimal(AMOUNT), at)
        await asyncio.to_thread(self.ground.parts.book.add_payments, (payment,))
        return payment

    async def now(self) -> datetime:
        """The case's own clock."""
        return await self.ground.clocks.get_current_time(self.handle)

    async def until(self, moment: datetime) -> None:
        """Let time pass on the case's clock."""
        ahead = moment - await self.now()
        if ahead > timedelta():
            await self.ground.clocks.fast_forward(self.handle, ahead)

    async def cut_at(self) -> datetime:
        """The stated time of the cut."""
        notices = await asyncio.to_thread(WholeRegister(self.ground.parts.reader.engine).notices, self.account)
        if self.plan is not None:
            return self.opened_at + timedelta(seconds=self.plan.cut_after)
        return notices[0].cut_at

    async def result(self) -> None:
        """It has ended."""
        await asyncio.wait_for(self.handle.result(), PATIENCE)


@dataclass
class Side:
    """Ours or bare: opens lives of it. `path` and `plan` are for the bare one."""

    ground: Ground
    client: Client
    watch: Watch
    path: str = ""
    plan: Plan | None = None

    async def open(self, account: str, **more: Any) -> Life:
        """One request: a start with its signal."""
        event = overdue_event(account, AMOUNT)
        if self.plan is None:
            opening = {"account_id": account, "policy": self.ground.parts.policy.model_dump(mode="json")}
            handle = await self.client.start_workflow(
                "ArrearsCase",
                opening,
                id=f"arrears-{account}",
                task_queue=more.get("queue", OURS),
                start_signal="bill_overdue",
                start_signal_args=[event],
            )
        else:
            handle = await self.client.start_workflow(
                "BareCase",
                bare_opening(self.path, self.plan),
                id=f"bare-{account}",
                task_queue=BARE,
                start_signal="happened",
                start_signal_args=[event],
            )
        return Life(self.ground, self.watch, account, handle, self.plan)


def bare_opening(path: str, plan: Plan) -> dict[str, str]:
    """A start input as large as the real one."""
    return {"path": path, "filler": "x" * max(0, plan.start_size - len(path) - 25)}


Script = Callable[[Life], Awaitable[None]]


async def paid_after_yellow(life: Life) -> None:
    """The yellow notice is served, and the bill paid: no time passes."""
    await life.sees("notice.issued")
    await life.says("record_delivery", "reader", notice_id=life.id("yellow-notice"), outcome="signed")
    await life.pays()
    await life.result()


async def to_cut(life: Life) -> None:
    """The whole procedure to a lawful cut."""
    await life.sees("notice.issued")
    await life.says("record_delivery", "reader", notice_id=life.id("yellow-notice"), outcome="signed")
    await life.sees("notice.delivered")
    cut = await life.cut_at()
    await life.until(cut - timedelta(days=10) + SOON)
    await life.sees("notice.issued", 2)
    red = life.id("red-notice")
    await life.says("record_delivery", "reader", notice_id=red, outcome="signed")
    await life.says("decide_approval", "centre_director", notice_id=red, decision="approved")
    await life.sees("approval.given")
    await life.until(cut - timedelta(hours=24) + SOON)
    await life.sees("ticket.sent")
    ticket = life.id("cut-ticket")
    await life.says("acknowledge_ticket", "field_crew", ticket_id=ticket)
    await life.sees("ticket.acknowledged")
    await life.until(cut - timedelta(minutes=30) + SOON)
    await life.sees("billing.checked")
    await life.says("record_final_notice", "reader", ticket_id=ticket, how="at the door")
    await life.sees("customer.told")
    await life.until(cut + timedelta(minutes=1))
    meter = f"M-{life.account}"
    permit = await life.says("request_permit", "field_crew", ticket_id=ticket, meter_id=meter)
    await life.sees("permit.granted")
    permit_id = life.id("permit") if life.bare else permit["permit_id"]
    await life.says("report_cut", "field_crew", permit_id=permit_id, meter_id=meter)
    await life.sees("cut.reported")


async def cut_and_restored(life: Life) -> None:
    """The whole life: notices, permit, cut, payment, restoration."""
    await to_cut(life)
    await life.until(await life.now() + timedelta(hours=3))
    await life.pays()
    await life.sees("ticket.sent", 2)
    ticket = life.id("restore-ticket")
    await life.says("acknowledge_ticket", "field_crew", ticket_id=ticket)
    await life.says("report_restored", "field_crew", ticket_id=ticket)
    await life.result()


@dataclass(frozen=True)
class NotedRegister(SqlRegister):
    """A register that notes, by account, the records written by themselves."""

    noted: defaultdict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    def write(self, record: Record) -> None:
        """Note it and write it."""
        self.noted[record.case.account_id].append(record)
        super().write(record)


async def recorded(ground: Ground, script: Script) -> Plan:
    """Live one real life with a worker in this process, and read the plan off its history."""
    register = NotedRegister(ground.parts.register_engine)
    settings = ground.settings.model_copy(update={"task_queue": "recording"})
    watch = watch_of_ours(ground)
    parts = replace(ground.parts, register=register)
    (account,) = await accounts(ground, 1)
    client = ground.client if script is paid_after_yellow else ground.clocks.client
    async with make_worker(client, parts, settings), watching(watch):
        side = Side(ground, client, watch)
        life = await side.open(account, queue="recording")
        await script(life)
        cut_after = (await life.cut_at() - life.opened_at).total_seconds()
        history = await life.handle.fetch_history()
    return plan_of(history.events, register.noted[account], cut_after if script is not paid_after_yellow else 0.0)


async def batch(side: Side, script: Script, ids: Sequence[str], in_flight: int) -> float:
    """Cases per second when so many are lived, so many of them at once."""
    gate = asyncio.Semaphore(in_flight)

    async def one(account: str) -> None:
        async with gate:
            await script(await side.open(account))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for account in ids:
            group.create_task(one(account))
    return len(ids) / (time.perf_counter() - began)


async def open_all(side: Side, ids: Sequence[str]) -> list[Life]:
    """Open these, and wait for nothing."""
    gate = asyncio.Semaphore(32)

    async def one(account: str) -> Life:
        async with gate:
            return await side.open(account)

    return list(await asyncio.gather(*(one(a) for a in ids)))
