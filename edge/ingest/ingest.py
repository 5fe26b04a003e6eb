"""`ingest`: reads billing exports into the billing book, names every bad line, announces to the cases what is new."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from domain.customer import Customer
from domain.law.policy_choice import Policies
from domain.money.book import Verdict
from domain.vocabulary import Contract
from edge.ingest.announcements import Announcer, Progress, Say, announce_all
from edge.ingest.book import BillingBook
from edge.ingest.dry_run import DryRunAnnouncer
from edge.ingest.lines import Export, FileRefused, ReadLine, open_export
from edge.ingest.listing import LineList

_BATCH = 2_000
_DOUBTS = 10_000  # lines that may be warned of, held back until a later line may have cleared them
_ORDER = ("customers", "bills", "payments")


class IngestReport(Contract):
    """What came of it: `lines` without headers and blank ones, `accepted` without `duplicates`.

    `warnings` is a list of accepted lines: one thing under two ids, or two accounts with one meter.
    `refused_files` are files of which nothing was read, each with a sentence; the rest was ingested all the same.
    """

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reject_file: str | None = None
    warnings: str | None = None
    cases_opened: int = 0
    cases_joined: int = 0
    payments_signalled: int = 0
    refused_files: tuple[str, ...] = Field(default=(), exclude=True)


async def ingest(
    files: Sequence[Path],
    billing: BillingBook,
    announcer: Announcer,
    *,
    now: datetime,
    policies: Policies,
    dry_run: bool = False,
    progress: Progress = lambda *_: None,
    say: Say = lambda _: None,
    reject_path: Path | None = None,
    closed_cases: Callable[[Sequence[str]], Awaitable[int]] | None = None,
) -> IngestReport:
    """Book the lines of these exports, whatever their order, then announce what is new to the cases.

    `progress(what, done, total)` gets bytes for a file, accounts for `announce`; `say` sentences for people. Rejected
    lines go to `reject_path`, and warnings beside it, else to new files in var/. In a dry run only these are
    written. OSError: a list takes no more lines; then nothing is announced. BillingUnavailable, and what the announcer
    raises, end the run: what is booked stays, and the next run announces what this one did not.

    `closed_cases` is given the accounts with payments and without a running case. It opens one where a cut came after
    its settlement, and says how many (R-25).
    """
    zone = ZoneInfo(policies.default.timezone)
    with ExitStack() as stack:
        book = stack.enter_context(billing.rehearsal() if dry_run else nullcontext(billing))
        rejects = stack.enter_context(LineList("rejected", reject_path, now.astimezone(zone)))
        beside = None if reject_path is None else reject_path.with_name(f"{reject_path.stem}-warnings.csv")
        warnings = stack.enter_context(LineList("warnings", beside, now.astimezone(zone)))
        load = _Load(book, rejects, warnings, zone, progress, say)
        await _to_its_end(load, files)
        for listed in (rejects, warnings):
            listed.close()  # before anything is announced: an error of the disk must not come last
        announced = await announce_all(
            book,
            DryRunAnnouncer(announcer) if dry_run else announcer,
            now=now,
            min_debt=lambda account: policies.for_account(account).least_debt,
            progress=progress,
            say=say,
            mark=not dry_run,
        )
        late = 0
        if closed_cases is not None and announced.unheard and not dry_run:
            late = await closed_cases(sorted(announced.unheard))
        return IngestReport(
            lines=load.lines,
            accepted=load.accepted,
            duplicates=load.duplicates,
            rejected=rejects.count,
            reject_file=rejects.made,
            warnings=warnings.made,
            cases_opened=announced.cases_opened + late,
            cases_joined=announced.cases_joined,
            payments_signalled=announced.payments_signalled,
            refused_files=tuple(load.refused),
        )


async def _to_its_end(load: "_Load", files: Sequence[Path]) -> None:
    """Read the files on a thread; interrupted, it ends after the batch in hand, which is booked whole."""
    reading = asyncio.ensure_future(asyncio.to_thread(load.all, files))
    try:
        await asyncio.shield(reading)
    except asyncio.CancelledError:
        load.interrupted = True
        with suppress(_Interrupted):
            await reading
        raise


class _Interrupted(Exception):
    """Somebody pressed Ctrl-C while the files were read."""


@dataclass
class _Load:
    """One run's way from files into the book."""

    book: BillingBook
    rejects: LineList
    warnings: LineList
    zone: ZoneInfo
    progress: Progress
    say: Say
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: list[str] = field(default_factory=list)
    interrupted: bool = False
    _early: list[tuple[str, ReadLine]] = field(default_factory=list)
    _doubtful: list[tuple[str, ReadLine]] = field(default_factory=list)

    def all(self, files: Iterable[Path]) -> None:
        """Customers first, then bills, then payments, whatever the order of the files."""
        with ExitStack() as stack:
            exports: list[tuple[str, Export]] = []
            for path in files:
                if (export := self._opened(path)) is not None:
                    stack.callback(export.close)
                    exports.append((str(path), export))
            kind = ""
            for file, export in sorted(exports, key=lambda e: _ORDER.index(e[1].kind)):
                if kind != export.kind:
                    self._warn()
                kind = export.kind
                self._one(file, export)
            self._warn()
        # A reversal may come long before the payment it takes back.
        early, self._early = self._early, []
        self._book(self.book.add_payments, early, last_chance=True)
        self._warn()

    def _opened(self, path: Path) -> Export | None:
        try:
            export = open_export(path)
        except FileRefused as problem:
            self.refused.append(str(problem))
            return None
        if export is None:
            self.say(f"{path} 是空文件 is empty: there is nothing in it")
        return export

    def _one(self, file: str, export: Export) -> None:
        reading = uuid.uuid4().hex

        def add_customers(customers: Sequence[Customer]) -> tuple[Verdict, ...]:
            """Book customers, each with the number of this reading."""
            return self.book.add_customers(customers, reading)

        adders: dict[str, Callable[[Any], tuple[Verdict, ...]]] = {
            "customers": add_customers,
            "bills": self.book.add_bills,
            "payments": self.book.add_payments,
        }
        batch: list[tuple[str, ReadLine]] = []
        for line in export.read(self.zone):
            self.lines += 1
            if line.row is None:
                self.rejects.add(file, line, line.reason)
            else:
                batch.append((file, line))
            if len(batch) == _BATCH:
                self._book(adders[export.kind], batch)
                batch.clear()
                self.progress(export.name, line.end, export.size)
        self._book(adders[export.kind], batch)
        self.progress(export.name, export.size, export.size)

    def _book(
        self,
        add: Callable[[Any], tuple[Verdict, ...]],
        batch: Sequence[tuple[str, ReadLine]],
        last_chance: bool = False,
    ) -> None:
        if self.interrupted:
            raise _Interrupted
        if not batch:
            return
        verdicts = add([line.row for _, line in batch])
        booked = [(b, b[1].row) for b, v in zip(batch, verdicts, strict=True) if v.kind not in ("early", "conflict")]
        twins = self.book.twins([row for _, row in booked if row is not None])
        self._doubtful += [line for (line, _), found in zip(booked, twins, strict=True) if found]
        if len(self._doubtful) >= _DOUBTS:
            self._warn()
        for (file, line), verdict in zip(batch, verdicts, strict=True):
            match verdict.kind:
                case "new" | "changed":
                    self.accepted += 1
                case "duplicate":
                    self.duplicates += 1
                case "early" if not last_chance:
                    self._early.append((file, line))
                case "early" | "conflict":
                    self.rejects.add(file, line, verdict.reason)

    def _warn(self) -> None:
        """List the doubtful lines that the book still has a twin of; each pair once, at its later line."""
        doubtful, self._doubtful = self._doubtful, []
        found = self.book.twins([line.row for _, line in doubtful if line.row is not None])
        last = {twin: place for place, twins in enumerate(found) for twin in ((t.ids, t.kind) for t in twins)}
        for place, ((file, line), twins) in enumerate(zip(doubtful, found, strict=True)):
            for twin in twins:
                if last[twin.ids, twin.kind] == place:
                    self.warnings.add(file, line, twin.reason)
