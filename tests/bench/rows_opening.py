"""S4: opening cases: `ingest` of overdue bills, files, booking and all, ÷ the raw client's starts with a signal."""

import asyncio
import csv
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from edge.ingest.announcements import AT_ONCE
from edge.ingest.announcer import CaseAnnouncer
from edge.ingest.ingest import ingest
from tests.bench.bare_plan import Plan
from tests.bench.figures import Row, row_of_ratio
from tests.bench.ground import BARE, OURS, Ground, fresh_ground
from tests.bench.lives import AMOUNT, bare_opening, customer
from tests.bench.rows_speed import rounds_of
from tests.support.world import overdue_event

_numbers = itertools.count(1)
HEADERS = ("account_id", "name", "address", "customer_class", "important", "meter_id", "reading_centre", "reader")
MORE = ("team_leader", "field_unit", "business_station", "region")


def exports(folder: Path, count: int) -> tuple[Path, Path]:
    """Files of so many new customers with one overdue bill each."""
    number = next(_numbers)
    due = (datetime.now(UTC) - timedelta(days=40)).date()
    customers, bills = folder / f"customers-{number}.csv", folder / f"bills-{number}.csv"
    with customers.open("w", newline="", encoding="utf-8") as one, bills.open("w", newline="", encoding="utf-8") as two:
        people, owed = csv.writer(one), csv.writer(two)
        people.writerow([*HEADERS, *MORE])
        owed.writerow(["bill_id", "account_id", "period", "due_date", "amount"])
        for n in range(count):
            whole = customer(f"I-{number:03}-{n:06}")
            line = whole.account.model_dump(mode="json") | whole.card.model_dump() | {"important": "no"}
            people.writerow([line[name] for name in (*HEADERS, *MORE)])
            owed.writerow([f"B-{line['account_id']}", line["account_id"], f"{due:%Y-%m}", due.isoformat(), AMOUNT])
    return customers, bills


async def _ingested(ground: Ground, count: int) -> float:
    """Cases opened per second by `ingest`, from the files on."""
    files = exports(ground.folder, count)
    began = time.perf_counter()
    report = await ingest(
        files,
        ground.parts.book,
        CaseAnnouncer(ground.client, ground.parts.policies, OURS),
        now=datetime.now(UTC),
        policies=ground.parts.policies,
        reject_path=ground.folder / "rejected.csv",
    )
    took = time.perf_counter() - began
    assert report.cases_opened == count, report
    return count / took


async def _started(ground: Ground, count: int, *, start_signal: bool = True) -> float:
    """Bare workflows opened per second by the client alone, as many requests at once."""
    size = len(ground.parts.policy.model_dump_json()) + 40
    opening = bare_opening("none", Plan(steps=(), start_size=size))
    number = next(_numbers)
    waiting = iter(range(count))

    async def open_some() -> None:
        for n in waiting:
            account = f"R-{number:03}-{n:06}"
            if start_signal:
                await ground.client.start_workflow(
                    "BareCase",
                    opening,
                    id=f"bare-{account}",
                    task_queue=BARE,
                    start_signal="happened",
                    start_signal_args=[overdue_event(account)],
                )
            else:
                await ground.client.start_workflow("BareCase", opening, id=f"bare-{account}", task_queue=BARE)

    began = time.perf_counter()
    await asyncio.gather(*(open_some() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - began)


async def s4(folder: Path, small: bool) -> list[Row]:
    """Rounds on one fresh server, and no worker to take the cases up."""
    count, rounds = (50, 1) if small else (1_000, 5)
    async with fresh_ground(folder) as ground:

        async def ours() -> float:
            return await _ingested(ground, count)

        async def bare() -> float:
            return await _started(ground, count)

        await bare(), await ours()
        ratio = await rounds_of(bare, ours, rounds)
        plain: Sequence[float] = [await _started(ground, count, start_signal=False) for _ in range(rounds)]
    row = row_of_ratio("S4", f"opening cases/s ({2 * rounds * count} ingested)", ratio, least=0.85, unit="/s")
    note = f" · plain starts {median(plain):.0f}/s"
    return [replace(row, figure=row.figure + note, detail={**row.detail, "plain_starts": list(plain)})]
