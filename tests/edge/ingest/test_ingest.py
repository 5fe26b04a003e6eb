"""Ingesting exports: every good line in, every bad line named, and no bill, payment or reversal left untold."""

import asyncio
import csv
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from activities.billing import BillingUnavailable
from adapters.billing.embedded import SqlBilling, open_billing
from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed
from domain.customer import Account
from domain.law.policy_choice import Policies
from edge.ingest.announcements import AT_ONCE
from edge.ingest.ingest import IngestReport, ingest
from tests.support.sample_exports import write_sample

NOW = datetime(2026, 10, 26, 4, tzinfo=UTC)
TODAY = date(2026, 10, 26)
CUSTOMERS = (
    "account_id,name,address,customer_class,meter_id,reading_centre,reader,team_leader,"
    "field_unit,business_station,region"
)
BILLS = "bill_id,account_id,period,due_date,amount"
PAYMENTS = "payment_id,account_id,bill_id,amount,paid_at,channel,reverses"


class ServerGone(Exception):
    """The stand-in for a Temporal server that stops answering."""


@dataclass
class Cases:
    """The cases of a test: which run, and what each was sent, in order."""

    running_cases: set[str] = field(default_factory=set)
    told: list[tuple[str, str]] = field(default_factory=list)
    opened_with: dict[str, Decimal] = field(default_factory=dict)
    answers: int | None = None  # how many before the server is gone
    in_flight: int = 0
    most_in_flight: int = 0

    async def open_or_join(self, account: Account, owed: Decimal, event: BillOverdue) -> Literal["opened", "joined"]:
        await self._answer()
        self.told.append((account.account_id, f"bill {event.bill_id}"))
        return self._open(account, owed)

    async def payment(self, account_id: str, event: PaymentReceived) -> bool:
        await self._answer()
        if account_id in self.running_cases:
            self.told.append((account_id, f"payment {event.payment_id}"))
        return account_id in self.running_cases

    async def reversal(
        self, account: Account, owed: Decimal, event: PaymentReversed, may_open: bool
    ) -> Literal["opened", "joined", "none"]:
        await self._answer()
        if account.account_id not in self.running_cases and not may_open:
            return "none"
        self.told.append((account.account_id, f"reversal of {event.payment_id}"))
        return self._open(account, owed)

    async def running(self, account_id: str) -> bool:
        return account_id in self.running_cases

    def _open(self, account: Account, owed: Decimal) -> Literal["opened", "joined"]:
        if account.account_id in self.running_cases:
            return "joined"
        self.running_cases.add(account.account_id)
        self.opened_with[account.account_id] = owed
        return "opened"

    async def _answer(self) -> None:
        if self.answers is not None:
            if self.answers == 0:
                raise ServerGone
            self.answers -= 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1


@dataclass
class Office:
    """Where a test works: a folder, an empty billing book, and the cases."""

    folder: Path
    billing: SqlBilling
    cases: Cases
    said: list[str] = field(default_factory=list)

    def write(self, name: str, header: str, *lines: str) -> Path:
        path = self.folder / name
        path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
        return path

    def customers(self, *accounts: str) -> Path:
        return self.write(
            "customers.csv",
            CUSTOMERS,
            *(f"{a},王伟,人民路1号,居民,M{a},RC-03,r-017,t-002,FU-1,BS-1,城东" for a in accounts),
        )

    def preferred(self, account_id: str) -> str | None:
        """The channel that the customer prefers, by the book."""
        customer = self.billing.customer(account_id)
        assert customer is not None
        return customer.card.preferred_channel

    async def ingest(self, *files: Path, dry_run: bool = False, now: datetime = NOW) -> IngestReport:
        return await ingest(
            files,
            self.billing,
            self.cases,
            now=now,
            policies=Policies(),
            dry_run=dry_run,
            say=self.said.append,
            reject_path=self.folder / "rejected.csv",
        )

    def rejected(self) -> dict[tuple[str, int], str]:
        with (self.folder / "rejected.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {(Path(row["file"]).name, int(row["line"])): row["reason"] for row in rows}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    billing = open_billing(f"sqlite:///{tmp_path / 'billing.db'}", "Asia/Shanghai")
    yield Office(tmp_path, billing, Cases())
    billing.engine.dispose()


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.lines, report.accepted, report.duplicates, report.rejected


def read_csv(path: str) -> list[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


# The big export.


async def test_a_gb18030_export_of_ten_thousand_customers_loses_no_good_line_and_names_every_bad_one(
    office: Office,
) -> None:
    sample = write_sample(office.folder, 10_000, today=TODAY, bad=0.02, paid=0.3, encoding="gb18030")
    started = time.monotonic()
    report = await office.ingest(*reversed(sample.files))
    assert time.monotonic() - started < 30  # seconds; a few on an idle machine
    assert len(sample.bad) > 0.019 * sample.lines
    assert counts(report) == (sample.lines, sample.good, 0, len(sample.bad))
    assert report.cases_opened == sample.overdue == 7_000
    assert office.rejected().keys() == sample.bad.keys()
    wrongly_named = {
        where: (sample.bad[where], r) for where, r in office.rejected().items() if sample.bad[where] not in r
    }
    assert not wrongly_named
    last = office.billing.customer("1009999")
    assert last is not None
    assert last.card.name == "张磊9999"
    assert [office.preferred(f"100999{n}") for n in range(6, 10)] == ["sms", "email", "app", None]
    assert office.cases.most_in_flight == AT_ONCE, "many at once, but bounded"


async def test_a_second_export_of_the_same_book_only_adds_what_is_new(office: Office) -> None:
    sample = write_sample(office.folder, 300, today=TODAY, paid=0.3)
    await office.ingest(*sample.files)
    told = list(office.cases.told)
    again = await office.ingest(*sample.files)
    assert counts(again) == (sample.lines, 0, sample.lines, 0)
    assert (again.cases_opened, again.cases_joined, again.payments_signalled) == (0, 0, 0)
    larger = write_sample(office.folder, 310, today=TODAY, paid=90 / 310)
    more = await office.ingest(*larger.files)
    assert counts(more) == (larger.lines, 20, sample.lines, 0)
    assert more.cases_opened == 10
    assert office.cases.told[: len(told)] == told
    assert len(office.cases.told) == len(told) + 10
    assert more.reject_file is None


async def test_a_later_export_changes_the_channel_that_a_customer_prefers_and_a_wrong_one_changes_nothing(
    office: Office,
) -> None:
    def customers(channel: str) -> Path:
        (line,) = office.customers("1001").read_text("utf-8").splitlines()[1:]
        return office.write("customers.csv", f"{CUSTOMERS},告知渠道", f"{line},{channel}")

    for channel, known in (("短信", "sms"), ("邮件", "email"), ("应用", "app")):
        assert counts(await office.ingest(customers(channel))) == (1, 1, 0, 0)
        assert office.preferred("1001") == known
    assert counts(await office.ingest(customers("app"))) == (1, 0, 1, 0)
    assert counts(await office.ingest(customers("传真"))) == (1, 0, 0, 1)
    reason = office.rejected()["customers.csv", 2]
    assert reason.startswith('preferred_channel 告知渠道 "传真"')
    assert "短信 (sms), 邮件 (email) or 应用 (app)" in reason
    assert office.preferred("1001") == "app"
    assert counts(await office.ingest(office.customers("1001"))) == (1, 1, 0, 0), "he prefers none any more"
    assert office.preferred("1001") is None


# What the cases are sent.


async def test_an_overdue_bill_opens_a_case_and_the_next_one_joins_it(office: Office) -> None:
    files = office.customers("1001"), office.write("b.csv", BILLS, "b1,1001,2026-08,2026-09-20,100")
    first = await office.ingest(*files)
    assert (first.cases_opened, first.cases_joined) == (1, 0)
    second = await office.ingest(office.write("b.csv", BILLS, "b2,1001,2026-09,2026-10-20,50"))
    assert (second.cases_opened, second.cases_joined) == (0, 1)
    assert office.cases.told == [("1001", "bill b1"), ("1001", "bill b2")]
    assert office.cases.opened_with == {"1001": Decimal("100.00")}


async def test_a_case_opened_by_several_bills_is_one_case_that_knows_the_payments(office: Office) -> None:
    bills = office.write("b.csv", BILLS, "b2,1001,2026-09,2026-10-20,50", "b1,1001,2026-08,2026-09-20,100")
    payments = office.write("p.csv", PAYMENTS, "p1,1001,,30,2026-10-01,,")
    report = await office.ingest(payments, bills, office.customers("1001"))
    assert (report.cases_opened, report.cases_joined, report.payments_signalled) == (1, 0, 0)
    assert office.cases.told == [("1001", "bill b1"), ("1001", "bill b2")]
    assert office.cases.opened_with == {"1001": Decimal("120.00")}


async def test_a_bill_not_yet_due_waits_for_its_day(office: Office) -> None:
    files = office.customers("1001"), office.write("b.csv", BILLS, "b1,1001,2026-09,2026-10-26,100")
    assert (await office.ingest(*files)).cases_opened == 0
    assert (await office.ingest(*files, now=NOW + timedelta(days=1))).cases_opened == 1


async def test_a_payment_reaches_the_running_case_once_and_no_other(office: Office) -> None:
    office.cases.running_cases = {"1001"}
    payments = office.write(
        "p.csv",
        PAYMENTS,
        *("p1,1001,,60,2026-10-25 10:00,counter,", "p2,1001,,40,2026-10-25 11:00,,", "p3,1002,,100,2026-10-25,,"),
    )
    report = await office.ingest(office.customers("1001", "1002"), payments)
    assert (report.cases_opened, report.cases_joined, report.payments_signalled) == (0, 0, 2)
    assert office.cases.told == [("1001", "payment p1"), ("1001", "payment p2")]
    assert (await office.ingest(payments)).payments_signalled == 0


async def test_a_bounced_payment_opens_the_case_anew(office: Office) -> None:
    bills = office.write("b.csv", BILLS, "b1,1001,2026-08,2026-09-20,100")
    paid = office.write("p.csv", PAYMENTS, "p1,1001,,100,2026-10-01,,")
    assert (await office.ingest(office.customers("1001"), bills, paid)).cases_opened == 0
    bounced = office.write("r.csv", PAYMENTS, "r1,1001,,-100,2026-10-20,,p1")
    report = await office.ingest(bounced)
    assert (report.cases_opened, report.payments_signalled) == (1, 0)
    assert office.cases.told == [("1001", "reversal of p1")]


async def test_a_bounced_payment_of_a_bill_not_yet_due_opens_nothing(office: Office) -> None:
    bills = office.write("b.csv", BILLS, "b1,1001,2026-10,2026-11-20,100")
    paid = office.write("p.csv", PAYMENTS, "p1,1001,,100,2026-10-01,,", "r1,1001,,-100,2026-10-20,,p1")
    report = await office.ingest(office.customers("1001"), bills, paid)
    assert (report.accepted, report.cases_opened, office.cases.told) == (4, 0, [])


async def test_a_debt_under_the_minimum_opens_no_case_and_is_said(office: Office) -> None:
    bills = office.write("b.csv", BILLS, "b1,1001,2026-08,2026-09-20,9.99", "b2,1002,2026-08,2026-09-20,10.00")
    report = await office.ingest(office.customers("1001", "1002"), bills)
    assert report.cases_opened == 1
    assert office.cases.told == [("1002", "bill b2")]
    (sentence,) = office.said
    assert "1001" in sentence
    assert "9.99" in sentence
    # A further bill lifts the account over the minimum: the case then asks for all of it.
    more = office.write("b.csv", BILLS, "b3,1001,2026-09,2026-10-20,5.00")
    assert (await office.ingest(more)).cases_opened == 1
    assert office.cases.opened_with["1001"] == Decimal("14.99")


# What goes wrong.


async def test_what_a_dead_server_did_not_hear_is_announced_by_the_next_ingest(office: Office) -> None:
    sample = write_sample(office.folder, 1_000, today=TODAY)
    office.cases.answers = 400
    with pytest.raises(ServerGone):
        await office.ingest(*sample.files)
    heard = len(office.cases.told)
    assert heard == 400
    office.cases.answers = None
    report = await office.ingest(*sample.files)
    assert (report.accepted, report.duplicates) == (0, sample.lines)
    assert report.cases_opened == 600  # what was heard before the end had been marked
    assert {account for account, _ in office.cases.told} == {f"{1_000_000 + n}" for n in range(1_000)}
    assert (await office.ingest()).cases_joined == 0


def _ingest_and_die(files: Sequence[Path], database: str, told: Path, after: int) -> None:
    def leave_word_and_die(words: list[tuple[str, str]]) -> None:
        told.write_text("\n".join(account for account, _ in words))
        os.kill(os.getpid(), signal.SIGKILL)

    class Dying(Cases):
        async def _answer(self) -> None:
            if len(self.told) == after:
                leave_word_and_die(self.told)

    billing = open_billing(database, "Asia/Shanghai")
    asyncio.run(ingest(files, billing, Dying(), now=NOW, policies=Policies()))


@pytest.mark.parametrize("after", [0, 150])
def test_a_process_killed_between_book_and_announcement_loses_nothing(office: Office, after: int) -> None:
    sample = write_sample(office.folder, 300, today=TODAY)
    log = office.folder / "told"
    process = multiprocessing.get_context("spawn").Process(
        target=_ingest_and_die, args=(sample.files, str(office.billing.engine.url), log, after)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    told_before = set(log.read_text().split())
    assert len(told_before) == after
    report = asyncio.run(office.ingest(*sample.files))
    assert (report.accepted, report.duplicates) == (0, sample.lines)  # all was in the book
    assert told_before | {account for account, _ in office.cases.told} == {f"{1_000_000 + n}" for n in range(300)}


async def test_an_interrupted_ingest_marks_what_it_announced(office: Office) -> None:
    sample = write_sample(office.folder, 500, today=TODAY)
    enough = asyncio.Event()

    class Slow(Cases):
        async def _answer(self) -> None:
            if len(self.told) >= 200:
                enough.set()
                await asyncio.Event().wait()

    office.cases = Slow()
    running = asyncio.create_task(office.ingest(*sample.files))
    await asyncio.wait_for(enough.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert office.billing.count_unannounced(NOW) == 500 - len(office.cases.told)


async def test_an_ingest_interrupted_while_it_reads_ends_after_the_batch_in_hand(office: Office) -> None:
    sample = write_sample(office.folder, 9_000, today=TODAY)
    batches: list[int] = []
    loop, enough = asyncio.get_running_loop(), asyncio.Event()

    def progress(_what: str, done: int, _total: int) -> None:
        batches.append(done)
        loop.call_soon_threadsafe(enough.set)

    ingesting = ingest(sample.files, office.billing, office.cases, now=NOW, policies=Policies(), progress=progress)
    running = asyncio.create_task(ingesting)
    await asyncio.wait_for(enough.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    read = len(batches)
    await asyncio.sleep(0.2)
    assert len(batches) == read, "nothing goes on in the background"
    assert office.cases.told == []
    report = await office.ingest(*sample.files)
    assert report.accepted + report.duplicates == sample.lines
    assert report.duplicates > 0


async def test_billing_out_of_reach_ends_the_ingest(office: Office) -> None:
    office.billing.set_reachable(False)
    with pytest.raises(BillingUnavailable):
        await office.ingest(office.customers("1001"))


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(office: Office) -> None:
    sample = write_sample(office.folder, 200, today=TODAY, bad=0.05, paid=0.5)
    office.cases.running_cases = {"1000199", "1000000"}
    rehearsed = await office.ingest(*sample.files, dry_run=True)
    assert office.cases.told == []
    assert office.billing.customer("1000000") is None
    assert office.billing.count_unannounced(NOW) == 0
    assert counts(rehearsed) == (sample.lines, sample.good, 0, len(sample.bad))
    assert (rehearsed.cases_opened, rehearsed.cases_joined, rehearsed.payments_signalled) == (99, 1, 1)
    assert await office.ingest(*sample.files) == rehearsed


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
async def test_a_reversal_may_come_in_another_file_than_its_payment(office: Office, order: Sequence[int]) -> None:
    files = (
        office.customers("1001"),
        office.write("a.csv", PAYMENTS, "r1,1001,,-100,2026-10-20,,p1", "r9,1001,,-100,2026-10-20,,p9"),
        office.write("z.csv", PAYMENTS, "p1,1001,,100,2026-10-01,,"),
    )
    report = await office.ingest(*(files[i] for i in order))
    assert counts(report) == (4, 3, 0, 1)
    assert "p9" in office.rejected()["a.csv", 3]


async def test_a_file_that_is_no_export_is_refused_and_the_others_are_read(office: Office) -> None:
    nonsense = office.write("report.csv", "a,b", "1,2")
    report = await office.ingest(nonsense, office.folder / "missing.csv", office.customers("1001"))
    assert counts(report) == (1, 1, 0, 0)
    assert [("report.csv" in s, "missing.csv" in s) for s in report.refused_files] == [(True, False), (False, True)]
    assert list(report.model_dump(mode="json")) == [
        *("lines", "accepted", "duplicates", "rejected", "reject_file", "warnings"),
        *("cases_opened", "cases_joined", "payments_signalled"),
    ]


async def test_rejected_lines_are_kept_as_they_were_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(office.folder)
    line = '"b1","10""01",2026-09,2026-10-20,"1,000"'
    bills = office.write("b.csv", BILLS, line)
    other = office.write("c.csv", BILLS, line)
    reports = [
        await ingest([file], office.billing, office.cases, now=NOW, policies=Policies())
        for file in (bills, bills, other)  # the same list once, though the same file was read again
    ]
    first, second = "var/rejected-20261026-120000.csv", "var/rejected-20261026-120000-2.csv"
    assert [r.reject_file for r in reports] == [first, first, second]
    assert sorted(os.listdir("var")) == [Path(second).name, Path(first).name]
    header, row = read_csv(str(reports[0].reject_file))
    assert header == ["file", "line", "reason", "text"]
    assert (row[0], row[1], row[3]) == (str(bills), "2", line)
    assert 'account 10"01 is unknown' in row[2]


async def test_progress_reaches_the_end_of_every_file_and_of_the_announcements(office: Office) -> None:
    sample = write_sample(office.folder, 250, today=TODAY)
    seen: dict[str, tuple[int, int]] = {}
    counted: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        seen[what] = (done, total)
        if what == "announce":
            counted.append(done)

    await ingest(
        sample.files,
        office.billing,
        office.cases,
        now=NOW,
        policies=Policies(),
        progress=progress,
    )
    assert counted == list(range(251)), "from the first moment on, and each account"
    assert seen.pop("announce") == (250, 250)
    assert seen == {path.name: (path.stat().st_size, path.stat().st_size) for path in sample.files}
