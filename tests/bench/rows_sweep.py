"""S8: the daily sweep over up to 100,000 open cases of which one in a hundred has paid, unheard."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, insert
from temporalio.api.enums.v1 import EventType

from adapters.register.tables import TABLES
from adapters.sql.engine import writing
from domain.money.book import BookedBill, BookedPayment
from domain.money.debt import DebtQuery
from tests.bench.figures import Row
from tests.bench.ground import OURS, Ground, fresh_ground
from tests.bench.lives import AMOUNT, Side, accounts, batch, customer, watch_of_ours, watching
from tests.bench.rows_sleeping import asleep

PAID = 100
"""One in so many has paid."""
_numbers = itertools.count(1)
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Swept:
    """One sweep: how many cases, what it found, what it took, and its events over all its runs."""

    cases: int
    signalled: int
    missing: int
    seconds: float
    events: int
    runs: int


async def listed(ground: Ground, count: int) -> None:
    """So many open cases in register and billing book that no workflow carries on: the sweep only reads them."""
    for start in range(0, count, _AT_ONCE):
        await asyncio.to_thread(_list_some, ground, min(_AT_ONCE, count - start))


def _list_some(ground: Ground, count: int) -> None:
    ids = [f"S-{next(_numbers):07}" for _ in range(count)]
    now = datetime.now(UTC)
    due = now.date() - timedelta(days=40)
    billing = ground.parts.book
    billing.add_customers([customer(i) for i in ids])
    billing.add_bills([BookedBill(f"B-{i}", i, due, Decimal(AMOUNT)) for i in ids])
    billing.mark_announced([f"B-{i}" for i in ids], [], now)
    debts = billing.debts(tuple(DebtQuery(account_id=i, as_of=now) for i in ids))
    rows = [
        {
            "case_key": f"run-{debt.account_id}",
            "account_id": debt.account_id,
            "workflow_id": f"arrears-{debt.account_id}",
            "revision": 1,
            "stage": "yellow_notice",
            "important": False,
            "owed": debt.owed,
            "late_fee": Decimal("0.00"),
            "debt_mark": debt.mark(),
            "supply_off": False,
            "opened_at": now,
            "policy": ground.parts.policy.label,
        }
        for debt in debts
        if debt is not None
    ]
    with writing(ground.parts.register_engine) as connection:
        connection.execute(insert(TABLES.tables["cases"]), rows)


async def pay_unheard(ground: Ground, ids: Sequence[str]) -> None:
    """These accounts have paid in full, and no case was signalled."""
    at = datetime.now(UTC)
    payments = [BookedPayment(f"P-{i}", i, Decimal(AMOUNT), at) for i in ids]
    await asyncio.to_thread(ground.parts.book.add_payments, payments)
    await asyncio.to_thread(ground.parts.book.mark_announced, [], [p.payment_id for p in payments], at)


async def sweep(ground: Ground, cases: int) -> Swept:
    """Run the sweep to its end."""
    began = time.perf_counter()
    handle = await ground.client.start_workflow("DailySweep", id=f"sweep-{next(_numbers)}", task_queue=OURS)
    done = await handle.result()
    took = time.perf_counter() - began
    events, runs, run_id = 0, 0, handle.result_run_id
    while run_id:
        runs += 1
        history = await ground.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        events += len(history.events)
        last = history.events[-1]
        assert last.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    assert done["counted"] == cases, done
    return Swept(cases, done["signalled"], done["missing"], took, events, runs)


async def sweeps(folder: Path, sizes: Sequence[int], paid_one_in: int = PAID) -> tuple[list[Swept], int]:
    """A sweep at each of these sizes, and how many SQL statements billing needs for a page of 2,000."""
    found = []
    async with fresh_ground(folder) as ground:
        ground.start_ours()
        seen = watch_of_ours(ground)
        open_ = 0
        async with watching(seen, 0.02):
            side = Side(ground, ground.client, seen)
            for size in sizes:
                paid = await accounts(ground, size // paid_one_in)
                await batch(side, asleep, paid, 32)
                await listed(ground, size - open_ - len(paid))
                await pay_unheard(ground, paid)
                found.append(await sweep(ground, size))
                open_ = size - len(paid)  # those who have paid are closed soon after
                await asyncio.gather(*(seen.sees(account, "case.closed") for account in paid))
        statements = await asyncio.to_thread(_statements_of_a_page, ground)
    return found, statements


def _statements_of_a_page(ground: Ground) -> int:
    engine: Engine = ground.parts.book.engine
    count = itertools.count()

    def note(*_: Any) -> None:
        next(count)

    page = ground.parts.reader.open_cases_page("", 2_000)
    event.listen(engine, "before_cursor_execute", note)
    ground.parts.billing.debts(tuple(DebtQuery(account_id=c.account_id, as_of=datetime.now(UTC)) for c in page))
    event.remove(engine, "before_cursor_execute", note)
    return next(count)


async def s8(folder: Path, small: bool) -> list[Row]:
    """10,000, 30,000 and 100,000."""
    found, statements = await sweeps(folder, (100, 200) if small else (10_000, 30_000, 100_000))
    rows = []
    for swept in found:
        each = swept.events * 1_000 / swept.cases
        rows.append(
            Row(
                "S8",
                f"sweep of {swept.cases}, {swept.signalled} asked to look again",
                f"{each:.1f} events per 1,000 · {swept.seconds:.1f} s ({swept.cases / swept.seconds:.0f}/s) in "
                f"{swept.runs} pages · {statements} SQL statements a page to billing",
                "≤ 12",
                "reached" if each <= 12 or small else "short",
                {**vars(swept), "statements_a_page": statements},
            )
        )
    return rows
