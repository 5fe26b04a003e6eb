"""The daily sweep (R-23, III.2): whom it asks to check again, what it leaves on record, what it costs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from activities.billing import AnswerUnusable, BillingSystem, BillingUnavailable
from activities.register import RegisterUnavailable
from activities.sweep import UNUSABLE_AT_MOST, CaseList, SweepActivities, SweepBook
from adapters.billing.embedded import SqlBilling, open_billing
from adapters.register.tables import TABLES
from composition.logs import configure_logging
from composition.serving import sandbox
from domain.customer import Account, Customer
from domain.money.debt import AccountDebt, DebtQuery
from domain.record.sweep import OpenCase, SweepPage
from tests.support.billing_lines import customer
from tests.support.register_reading import WholeRegister
from tests.support.register_records import case_row
from tests.support.world import Case, World
from workflows.daily_sweep import DailySweep

EVENTS_PER_PAGE = 12
SIGNALLED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
_CASES, _SWEEPS, _VERSIONS = (TABLES.tables[name] for name in ("cases", "sweeps", "customer_versions"))


@pytest.fixture
async def utility(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """A utility with empty books on the shared server: a sweep sees the cases of its own test only."""
    async with world.apart(tmp_path, retry_max_seconds=1) as apart:
        yield apart


@dataclass(frozen=True)
class Swept:
    """How a sweep ended."""

    done: dict[str, Any]
    handle: WorkflowHandle[Any, Any]

    async def events_of_each_run(self, utility: World) -> list[int]:
        """How long the history of each page's run became."""
        lengths: list[int] = []
        run_id = self.handle.first_execution_run_id
        while run_id:
            run = utility.client.get_workflow_handle(self.handle.id, run_id=run_id)
            events = [e async for e in run.fetch_history_events()]
            lengths.append(len(events))
            run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return lengths


async def start_sweep(utility: World, queue: str | None = None, **progress: Any) -> WorkflowHandle[Any, Any]:
    """A sweep, as the schedule starts it; `progress` only to make pages small."""
    name = f"daily-sweep-{datetime.now(UTC).timestamp()}"
    queue = queue or utility.settings.task_queue
    return await utility.client.start_workflow(
        "DailySweep", args=[progress] if progress else [], id=name, task_queue=queue
    )


async def sweep(utility: World, **progress: Any) -> Swept:
    """A sweep from beginning to end."""
    handle = await start_sweep(utility, **progress)
    return Swept(await asyncio.wait_for(handle.result(), 20), handle)


def recorded(utility: World) -> list[dict[str, Any]]:
    """The record the sweeps left, page by page."""
    with utility.parts.register_engine.connect() as connection:
        lines = connection.execute(select(_SWEEPS).order_by(_SWEEPS.c.at, _SWEEPS.c.page)).mappings()
        return [dict(line) for line in lines]


async def opened(utility: World, count: int = 1) -> list[Case]:
    """Cases with a yellow notice, all that they know written to the register."""
    cases = [await utility.open() for _ in range(count)]
    for case in cases:
        await case.notice("yellow")
        await case.recorded("notice.issued")
    return cases


async def signals(case: Case) -> int:
    """How many signals reached the case after the one that opened it."""
    return (await case.events()).count(SIGNALLED) - 1


def file_open_rows(utility: World, accounts: Sequence[str], **changes: Any) -> None:
    """Open cases that stand in the register alone."""
    rows = [case_row(account_id=a, case_key=f"key-{a}", **changes).model_dump(exclude={"tasks"}) for a in accounts]
    utility.parts.reader.list_cases(limit=1)  # makes the tables
    with utility.parts.register_engine.begin() as connection:
        connection.execute(insert(_CASES), rows)


def file_disconnected(utility: World, customers: Sequence[Customer], **changes: Any) -> None:
    """Open cases without supply that stand in the register alone, with the record that each has taken."""
    changes |= {"supply_off": True, "record_number": 1}
    rows = [
        case_row(account_id=a.account_id, case_key=f"key-{a.account_id}", record_mark=a.mark(), **changes)
        for a in (c.account for c in customers)
    ]
    utility.parts.reader.list_cases(limit=1)  # makes the tables
    with utility.parts.register_engine.begin() as connection:
        connection.execute(insert(_CASES), [row.model_dump(exclude={"tasks"}) for row in rows])
        connection.execute(insert(_VERSIONS), [c.card.model_dump() | {"number": 1} for c in customers])


@contextmanager
def billing_statements(utility: World) -> Iterator[list[str]]:
    """The SQL statements that billing is asked within the block."""
    asked: list[str] = []
    utility.parts.billing.customer("nobody")  # makes the tables

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(utility.parts.book.engine, "before_cursor_execute", note)
    yield asked
    event.remove(utility.parts.book.engine, "before_cursor_execute", note)


@asynccontextmanager
async def sweeper(
    utility: World,
    cases: CaseList | None = None,
    book: SweepBook | None = None,
    billing: BillingSystem | None = None,
    unusable_at_most: int = UNUSABLE_AT_MOST,
) -> AsyncIterator[str]:
    """A worker for sweeps alone, with another register, another billing or less patience; yields its queue."""
    parts, queue = utility.parts, f"{utility.settings.task_queue}-alone"
    counterparties = billing or parts.billing, cases or parts.reader, book or parts.register
    acts = SweepActivities(*counterparties, utility.policy.zone, unusable_at_most)
    runner = sandbox()
    async with Worker(
        utility.client, task_queue=queue, workflows=[DailySweep], activities=[acts.sweep_page], workflow_runner=runner
    ):
        yield queue


# ---- whom it asks -----------------------------------------------------------------------------


async def test_a_payment_that_nobody_reported_restores_supply_and_nobody_else_is_disturbed(utility: World) -> None:
    """R-23, III.2: every disconnected customer's payments are checked; only the case that differs is asked."""
    cut_off = await utility.open()
    await cut_off.to_cut()
    [supplied] = await opened(utility)
    await cut_off.recorded("cut.reported")
    before = await sweep(utility)
    assert (before.done["counted"], before.done["signalled"]) == (2, 0)
    await cut_off.pay("200.00", reported=False)
    done = (await sweep(utility)).done
    ticket = await cut_off.ticket("restore")
    assert (done["counted"], done["signalled"], done["missing"]) == (2, 1, 0)
    asked = await cut_off.recorded("recheck.requested")
    assert [(e.about, e.clause, e.detail["source"]) for e in asked] == [(done["sweep_id"], "III.2", "sweep")]
    assert (await cut_off.recorded("ticket.sent", 2))[-1].about == ticket["ticket_id"]
    assert await supplied.evidence("recheck.requested") == []
    assert await signals(supplied) == 0
    coverage, _end = recorded(utility)[-2:]
    assert (coverage["counted"], coverage["disconnected"], coverage["changed"], coverage["signalled"]) == (2, 1, 1, 1)


@pytest.mark.parametrize("change", ["part_paid", "reversed", "another_bill"])
async def test_whatever_changes_the_debt_is_noticed_and_is_news_only_once(utility: World, change: str) -> None:
    """R-23: a payment, one taken back, a bill that fell overdue; the next day's sweep has nothing to report."""
    case, other = await opened(utility, 2)
    if change == "reversed":
        payment = await case.pay("50.00")
        await knows_its_debt(case, "150.00")
    before = await signals(case)
    match change:
        case "part_paid":
            await case.pay("50.00", reported=False)
        case "reversed":
            await case.reverse(payment, "50.00", reported=False)
        case "another_bill":
            await utility.bill(case.account_id, "70.00", overdue_days=2)
    assert (await sweep(utility)).done["signalled"] == 1
    await knows_its_debt(case, {"part_paid": "150.00", "reversed": "200.00", "another_bill": "270.00"}[change])
    assert (await sweep(utility)).done["signalled"] == 0
    assert await signals(case) == before + 1
    assert await signals(other) == 0


async def test_a_closed_case_is_left_alone(utility: World) -> None:
    """R-23: what is paid or taken back after the end is not the sweep's business."""
    [case] = await opened(utility)
    payment = await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    await case.reverse(payment, "200.00", reported=False)
    done = (await sweep(utility)).done
    assert (done["counted"], done["signalled"], done["missing"]) == (0, 0, 0)


async def test_a_case_that_closes_under_the_sweep_is_no_fault(utility: World) -> None:
    """R-23: read as open, closed before it was asked."""
    [case] = await opened(utility)
    stale = utility.parts.reader.open_cases_page("", 10)
    await case.pay("200.00")
    await case.result()

    async with sweeper(utility, cases=ReadTooEarly(stale, utility.parts.reader)) as queue:
        done = await (await start_sweep(utility, queue)).result()
    assert (done["counted"], done["signalled"], done["missing"]) == (1, 0, 0)
    assert recorded(utility)[0]["missing"] == []


async def test_a_case_that_no_workflow_carries_on_is_named(utility: World) -> None:
    """R-23, P3: an open case that cannot be asked is never passed over in silence, whatever became of its workflow."""
    [terminated] = await opened(utility)
    await terminated.handle.terminate("by mistake")
    await terminated.pay("200.00", reported=False)
    file_open_rows(utility, [await utility.customer(account_id="never-was")], supply_off=True)
    done = (await sweep(utility)).done
    assert (done["counted"], done["signalled"], done["missing"]) == (2, 0, 2)
    page, _end = recorded(utility)
    assert page["missing"] == [terminated.account_id, "never-was"]
    assert (page["changed"], page["signalled"]) == (2, 0)


async def test_who_is_without_supply_and_without_a_case_is_named_though_nothing_was_paid(utility: World) -> None:
    """P3: terminated while cut off, and the debt as it was; the next sweep says so, and of no one else."""
    cut_off, other = await opened(utility, 2)
    for case in (cut_off, other):
        found = {"report_id": "found-1", "meter_id": f"M-{case.account_id}", "reported_by": "customer"}
        await case.signal("supply_found_cut", **found, source="95598")
        await case.recorded("ticket.sent")
    await cut_off.handle.terminate("by mistake")
    done = (await sweep(utility)).done
    assert (done["signalled"], done["missing"]) == (0, 1)
    assert recorded(utility)[0]["missing"] == [cut_off.account_id]


async def test_a_page_that_is_repeated_asks_nobody_twice(utility: World) -> None:
    """R-23: the page broke off after its signals; done again, it is counted and obeyed once."""
    [case] = await opened(utility)
    await case.pay("50.00", reported=False)
    flaky = LosesTheFirst(utility.parts.register)
    async with sweeper(utility, book=flaky) as queue:
        done = await (await start_sweep(utility, queue)).result()
    assert flaky.tried == 3
    await knows_its_debt(case, "150.00")
    assert len(await case.evidence("recheck.requested")) == 1
    assert [(p["page"], p["counted"]) for p in recorded(utility)] == [(1, 1), (2, 0)]
    assert done["counted"] == 1


async def test_billing_down_delays_the_sweep_and_loses_nothing(utility: World) -> None:
    """R-23: the sweep waits for billing as long as it takes, and reads then."""
    [case] = await opened(utility)
    await case.pay("50.00", reported=False)
    await utility.outage()
    handle = await start_sweep(utility)
    await tried_again(handle)
    assert recorded(utility) == []
    await utility.billing_back()
    assert (await asyncio.wait_for(handle.result(), 20))["signalled"] == 1
    await knows_its_debt(case, "150.00")


# ---- what it leaves on record, and what it costs ----------------------------------------------


async def test_page_after_page_each_case_is_checked_once_and_every_page_is_on_record(utility: World) -> None:
    """R-23: a run a page; the record says from whom to whom, how many were cut off, and on which day of the utility."""
    cases = await opened(utility, 5)
    for case in cases:
        await case.pay("50.00", reported=False)
    accounts = [case.account_id for case in cases]
    swept = await sweep(utility, page_size=2)
    pages = recorded(utility)
    assert [(p["page"], p["first_account"], p["last_account"], p["counted"]) for p in pages] == [
        (1, accounts[0], accounts[1], 2),
        (2, accounts[2], accounts[3], 2),
        (3, accounts[4], accounts[4], 1),
        (4, "", "", 0),
    ]
    assert {p["sweep_id"] for p in pages} == {swept.done["sweep_id"]}
    [as_of] = {p["at"] for p in pages}
    assert {p["day"] for p in pages} == {as_of.astimezone(utility.policy.zone).date()}
    assert (swept.done["pages"], swept.done["counted"], swept.done["signalled"]) == (4, 5, 5)
    for case in cases:
        assert len(await case.recorded("recheck.requested")) == 1
    lengths = await swept.events_of_each_run(utility)
    assert len(lengths) == 4
    assert max(lengths) <= EVENTS_PER_PAGE


async def test_a_sweep_before_dawn_belongs_to_the_local_day(utility: World) -> None:
    """R-23: at 05:30 in Shanghai it is still yesterday in Greenwich."""
    dawn = datetime(2026, 10, 26, 5, 30, tzinfo=utility.policy.zone)
    done = (await sweep(utility, as_of=dawn.isoformat())).done
    [page] = recorded(utility)
    assert str(page["day"]) == "2026-10-26"
    assert done["counted"] == page["counted"] == 0, "a day without open cases leaves its record too"


async def test_a_page_of_two_thousand_costs_no_more_than_a_page_of_two(utility: World) -> None:
    """R-23: history and questions to billing do not grow with the number of accounts."""
    unchanged = AccountDebt(account_id="any", as_of=datetime.now(UTC)).mark()
    customers = [customer(f"S-{n:05}") for n in range(4_100)]
    utility.parts.book.add_customers(customers)
    file_disconnected(utility, customers[:2], debt_mark=unchanged)
    with billing_statements(utility) as for_two:
        small = await sweep(utility)
    file_disconnected(utility, customers[2:], debt_mark=unchanged)
    with billing_statements(utility) as for_thousands:
        large = await sweep(utility)
    assert (large.done["pages"], large.done["counted"], large.done["signalled"]) == (4, 4_100, 0)
    pages = recorded(utility)[2:]
    assert [p["counted"] for p in pages] == [2_000, 2_000, 100, 0]
    assert sum(p["disconnected"] for p in pages) == 4_100
    of_the_empty_page = 1  # whether billing is switched off
    assert len(for_thousands) - of_the_empty_page == 3 * (len(for_two) - of_the_empty_page)
    lengths = await large.events_of_each_run(utility)
    assert len(lengths) == 4
    assert max(*lengths, *await small.events_of_each_run(utility)) <= EVENTS_PER_PAGE


async def test_accounts_that_billing_does_not_know_are_not_taken_for_settled(utility: World, tmp_path: Path) -> None:
    """R-23: a wrong book signals nobody that a debt has changed; who is cut off is checked again by his own case."""
    supplied, cut_off = await opened(utility), await opened(utility)
    await cut_off[0].to_cut()
    await cut_off[0].recorded("cut.reported")
    empty = open_billing(f"sqlite:///{tmp_path / 'wrong.db'}", "Asia/Shanghai")
    async with utility.beside(billing=empty) as astray:
        swept = await sweep(astray)
    empty.close()
    assert (swept.done["counted"], swept.done["signalled"], swept.done["missing"]) == (0, 1, 0)
    page, _end = recorded(utility)
    assert (page["counted"], page["disconnected"], page["changed"], page["signalled"]) == (0, 0, 0, 1)
    assert page["first_account"] == supplied[0].account_id
    assert await signals(supplied[0]) == 0
    assert await signals(cut_off[0]) == 1
    assert (await sweep(utility)).done["counted"] == 2


@dataclass
class Muddled:
    """A billing system whose answers hold nonsense about one account, and are unusable as a whole for it."""

    book: SqlBilling
    about: set[str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.book, name)

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """None of them, if it is asked about that account too."""
        if self.about & {q.account_id for q in queries}:
            raise AnswerUnusable("outstanding -5.00 is not amount 200.00 less payments of 205.00")
        return self.book.debts(queries)


async def test_nonsense_about_one_account_keeps_nobody_else_without_supply(
    utility: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """R-23: the sweep goes on without him, and names him in the log."""
    configure_logging("json")
    cases = await opened(utility, 5)
    paid, muddled = cases[3], cases[1]
    await paid.to_cut()
    await paid.recorded("cut.reported")
    await paid.pay("200.00", reported=False)
    billing: Any = Muddled(utility.parts.book, {muddled.account_id})
    async with utility.beside(billing=billing) as astray:
        swept = await sweep(astray)
        assert (swept.done["counted"], swept.done["signalled"]) == (4, 1)
        await paid.ticket("restore")
    assert await signals(muddled) == 0
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["event"] == "sweep.answer_unusable"]
    assert (line["account"], "outstanding -5.00" in line["why"]) == (muddled.account_id, True)


async def test_nonsense_about_everybody_is_an_outage(utility: World) -> None:
    cases = await opened(utility, 4)
    billing: Any = Muddled(utility.parts.book, {case.account_id for case in cases})
    async with sweeper(utility, billing=billing, unusable_at_most=2) as queue:
        handle = await start_sweep(utility, queue)
        assert "outstanding -5.00" in await tried_again(handle)
        billing.about.clear()
        assert (await asyncio.wait_for(handle.result(), 20))["counted"] == 4


async def test_a_sweep_that_has_not_come_to_its_end_does_not_count_as_done(utility: World) -> None:
    """R-23: billing falls silent after a page on which it did not know one account; nobody may think all were seen."""
    for known in ("S-2", "S-3"):
        await utility.customer(account_id=known)
    file_open_rows(utility, ["S-1", "S-2", "S-3"])  # the first is unknown to billing

    def swept_at() -> datetime | None:
        return utility.parts.reader.figures(datetime.now(UTC), utility.policy.zone).swept_at

    billing = FallsSilent(utility.parts.billing)
    async with sweeper(utility, billing=billing) as queue:
        handle = await start_sweep(utility, queue, page_size=2)
        await tried_again(handle)
        assert [p["counted"] for p in recorded(utility)] == [1]
        assert swept_at() is None
        billing.answers = 99
        await asyncio.wait_for(handle.result(), 20)
    assert swept_at() == recorded(utility)[0]["at"]


# ---- helpers ----------------------------------------------------------------------------------


@dataclass
class ReadTooEarly:
    """A case list whose first answer is an old one."""

    stale: tuple[OpenCase, ...]
    cases: CaseList
    asked: int = 0

    def open_cases_page(self, after: str, limit: int) -> tuple[OpenCase, ...]:
        """The old page, then the register's own."""
        self.asked += 1
        return self.stale if self.asked == 1 else self.cases.open_cases_page(after, limit)


@dataclass
class FallsSilent:
    """A billing system that answers so many times, and then no more until the test lets it."""

    billing: BillingSystem
    answers: int = 1

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """Billing's own answer, or none."""
        if self.answers == 0:
            raise BillingUnavailable("silent")
        self.answers -= 1
        return self.billing.debts(queries)

    def customer(self, account_id: str) -> Customer | None:
        """As billing."""
        return self.billing.customer(account_id)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """As billing."""
        return self.billing.customers(account_ids)

    def accounts(self, account_ids: Sequence[str]) -> dict[str, Account]:
        """As billing."""
        return self.billing.accounts(account_ids)

    def overdue_accounts(self, as_of: datetime, after: str, limit: int) -> tuple[str, ...]:
        """As billing."""
        return self.billing.overdue_accounts(as_of, after, limit)


@dataclass
class LosesTheFirst:
    """A register that breaks off the first time a page is to be recorded."""

    book: SweepBook
    tried: int = 0

    def record_sweep(self, page: SweepPage) -> None:
        """Fail once, then write."""
        self.tried += 1
        if self.tried == 1:
            raise RegisterUnavailable("broken off")
        self.book.record_sweep(page)


async def knows_its_debt(case: Case, owed: str) -> None:
    """Wait until the case has read so much, and the register knows what billing would answer."""
    await case.becomes(lambda s: s["owed"] == owed, f"a debt of {owed}")
    [debt] = case.world.parts.billing.debts((DebtQuery(account_id=case.account_id, as_of=datetime.now(UTC)),))
    for _ in range(100):
        row = WholeRegister(case.world.parts.reader.engine).case(case.account_id)
        if row is not None and debt is not None and row.debt_mark == debt.mark():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the register was not brought up to date")


async def tried_again(handle: WorkflowHandle[Any, Any]) -> str:
    """Wait until the page has been tried more than once; what it failed for."""
    for _ in range(200):
        pending = (await handle.describe()).raw_description.pending_activities
        if pending and pending[0].attempt > 1:
            return pending[0].last_failure.message
        await asyncio.sleep(0.05)
    raise AssertionError("the page was not tried again")
