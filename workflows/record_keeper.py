"""RecordKeeper: what of a case the register has been given, what it has not, and under which revision (R-30)."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.register import RegisterActivities
    from domain.case import views
    from domain.case.facts import CaseFacts
    from domain.record.rows import Record
    from workflows import counterparties as wait
    from workflows.effects import insist
    from workflows.facts_holder import FactsHolder

LATE_RECORDS = 10
"""Records at most that wait side by side for a register that is down."""


class RecordKeeper:
    """Takes the journal out of the facts, record by record, and has each record written.

    `may_write` says whether to write now; not while a paper or a ticket is about to take the record along.
    """

    def __init__(self, held: FactsHolder, may_write: Callable[[], bool]) -> None:
        self._held = held
        self._may_write = may_write
        self._recorded: CaseFacts | None = None
        self._revision = 0
        self._lock = asyncio.Lock()
        self._late_records: list[asyncio.Task[Any]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._wrote_at = 0

    # ---- what there is to write ----------------------------------------------------------------

    @property
    def unwritten(self) -> bool:
        """The register has not been given everything yet."""
        return self._held.is_open and bool(self._held.facts.journal or self._held.facts.outgoing)

    @property
    def late(self) -> int:
        """How many records wait for the register."""
        return sum(not record.done() for record in self._late_records)

    @property
    def may_change_runs(self) -> bool:
        """Nothing is unwritten, and no record would be lost by a new run of the workflow (see `write_apart`)."""
        return (
            not self.unwritten
            and not self._lock.locked()
            and self._wrote_at != workflow.info().get_current_history_length()
        )

    # ---- writing -------------------------------------------------------------------------------

    def next_record(self) -> Record:
        """Take the journal for writing, as much as fits into one record.

        Records may arrive in any order: their rows carry the revision.
        """
        self._revision += 1
        record = views.record(self._held.facts, self._recorded, self._revision, workflow.now())
        self._recorded = self._held.facts
        self._held.put(views.after(self._held.facts, record))
        return record

    async def write(self) -> None:
        """Write what is unwritten: at once if the register answers, else in the background for as long as it takes."""
        async with self._lock:
            if not self.unwritten:
                return
            record = self.next_record()
            try:
                await workflow.execute_local_activity_method(
                    RegisterActivities.write_record, record, **wait.REGISTER_AT_ONCE
                )
            except FailureError:  # a local activity's failure comes bare, not as an ActivityError
                self._write_in_background(record)
            self._wrote_at = workflow.info().get_current_history_length()

    def write_apart(self) -> None:
        """Write what is unwritten by an activity of its own, in the background.

        The server may give a workflow task up: it does so with one that would close the case while a message arrives.
        What a local activity wrote within that task stays written. So none writes what ends the case.
        """
        self._write_in_background(self.next_record())

    def _write_in_background(self, record: Record) -> None:
        late = insist(RegisterActivities.write_record, record, wait.titled(wait.REGISTER, "R-30 record"))
        self._late_records = [*(r for r in self._late_records if not r.done()), asyncio.create_task(late)]

    async def write_before_opening(self, record: Record) -> None:
        """Write a record of a case that is not open; returns once the register has it."""
        self._revision = record.case.revision
        await insist(RegisterActivities.write_record, record, wait.titled(wait.REGISTER, "R-30 record"))

    # ---- from beginning to end -----------------------------------------------------------------

    def start(self) -> None:
        """Write from now on whatever messages leave behind."""
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await workflow.wait_condition(self._has_something_to_write)
            await self.write()

    def _has_something_to_write(self) -> bool:
        """While older records wait for the register, only a record with a message to somebody is tried beside them."""
        if not self.unwritten or self._held.facts.closed_at:
            return False
        if self.late >= LATE_RECORDS or (self.late and not self._held.facts.outgoing):
            return False
        return self._may_write()

    def stop(self) -> None:
        """Write nothing more: the case is closed, and its last record written."""
        assert self._keeping is not None
        self._keeping.cancel()

    @property
    def background(self) -> list[asyncio.Task[Any]]:
        """What runs beside everything else; the case watches it for faults."""
        return [*self._late_records, *([self._keeping] if self._keeping else [])]

    # ---- from run to run -----------------------------------------------------------------------

    def resume(self, facts: CaseFacts) -> None:
        """Go on from the facts that an earlier run of the workflow has left, all of them written."""
        self._recorded = facts
        self._revision = facts.counters.get("revision", 0)

    def for_a_new_run(self) -> CaseFacts:
        """The facts as a new run of the workflow is to resume them."""
        facts = self._held.facts
        return facts.but(counters={**facts.counters, "revision": self._revision})
