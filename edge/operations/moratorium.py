"""Notifies the running cases of a moratorium that the register has: it is the register that binds, this is quicker.

Every case reads the register's moratoria when it opens, before a notice, at T - 24 h, T - 30 min and the permit.
While it is held, it reads them every day. So a case that this notification misses is held before anything is done to
it. A held case writes so into the register; the cases that have not are signalled one by one.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol

from temporalio.client import Client

from client.batch import BatchDone, BatchSignal, quoted, run_batch, stop_batch
from client.cases import WORKFLOW_TYPE, NoCase, patiently, signal
from domain.contract.signals import HoldLifted, HoldPlaced
from domain.ids import spelled_like
from domain.law.policy import Policy
from domain.record.case_file import FiledEvidence
from domain.record.moratorium import CoveredCase, Moratorium, PermitOut
from domain.vocabulary import Actor

AT_ONCE = 32  # as when a billing export is announced: the workers keep room at a small server
PATIENCE_SECONDS = 15.0
"""How long to wait while no case confirms."""
_CHECK_EVERY = 1.0
_ATTRIBUTES = {"region": "Region", "class": "CustomerClass", "centre": "ReadingCentre"}

Act = Literal["declare", "lift"]
Progress = Callable[[str, int, int], None]


class MoratoriumBook(Protocol):
    """The register, as far as one moratorium goes. Every method may raise RegisterUnavailable."""

    def covered(self, moratorium: Moratorium) -> tuple[CoveredCase, ...]:
        """The open cases it covers, with the cut that each has planned."""

    def held(self, moratorium: Moratorium) -> frozenset[str]:
        """Keys of those of them that have written down that its hold stands."""

    def policies_changed(self, moratorium: Moratorium) -> tuple[FiledEvidence, ...]:
        """The entries by which they were moved to another policy, in the order of each chain."""

    def permits(self, moratorium: Moratorium) -> tuple[PermitOut, ...]:
        """Permits of theirs that are out."""

    def on_record(self, scope: str) -> tuple[str, ...]:
        """The regions, classes or reading centres of all cases ever opened."""


@dataclass(frozen=True)
class Notified:
    """What came of notifying the cases.

    `cases`: open and covered. `batch`: how Temporal's batch operation ended; none if no case was left to notify.
    `signalled`: notified one by one. `confirmed`: have written it down, or closed. `unconfirmed`: accounts that have
    not. `without_workflow`: accounts that no workflow carries on.
    """

    cases: int
    batch: BatchDone | None
    job_id: str
    signalled: int
    confirmed: int
    unconfirmed: tuple[str, ...]
    without_workflow: tuple[str, ...]


# ---- beforehand -------------------------------------------------------------------------------


def preview_declaring(
    book: MoratoriumBook, order: Moratorium, known: Mapping[str, Policy], default: Policy
) -> dict[str, Any]:
    """How many cases it would hold, which cuts would fall away (account and planned time), which permits are out.

    Each cut is judged by the policy under which its notice was issued. `assumed`: accounts whose policy is not among
    those known by their label; they were judged by the default.
    """
    cases = book.covered(order)
    planned = [c for c in cases if c.cut_at is not None]
    terms = {c.case_key: known.get(c.policy) for c in planned} | _terms_on_record(planned, book.policies_changed(order))
    cuts = [c for c in planned if _falls_away(c, order, terms[c.case_key] or default)]
    return {
        "dry_run": True,
        "cases": len(cases),
        "cuts": [{"account_id": c.account_id, "cut_at": c.cut_at, "stage": c.stage} for c in cuts],
        "assumed": [c.account_id for c in planned if terms[c.case_key] is None],
        "permits": [p.model_dump() for p in book.permits(order)],
    }


def _terms_on_record(cases: Iterable[CoveredCase], changes: Iterable[FiledEvidence]) -> dict[str, Policy]:
    """By case, the policy that counts for its standing notice, where an operator has moved it to another.

    A notice keeps the terms it was issued under; both policies stand whole in the evidence of the change.
    """
    notices = {c.case_key: c.notice_id for c in cases}
    latest: dict[str, Policy] = {}
    kept: dict[str, Policy] = {}
    for change in changes:
        key, detail = change.case_key, change.detail
        latest[key] = Policy.model_validate(detail["terms_after"])
        if notices.get(key) in detail["keeps_its_terms"]:
            kept[key] = Policy.model_validate(detail["terms_before"])
    return latest | kept


def _falls_away(case: CoveredCase, order: Moratorium, policy: Policy) -> bool:
    """A hold that stands at T - 24 h, or comes later, ends the attempt (R-04)."""
    assert case.cut_at is not None
    over_before = order.until is not None and order.until <= case.cut_at - timedelta(hours=policy.ticket_lead_hours)
    after_it = case.cut_at + timedelta(hours=policy.cut_window_hours) <= order.starts_at
    return not over_before and not after_it


def preview_lifting(book: MoratoriumBook, order: Moratorium, capacity: Callable[[str], int | None]) -> dict[str, Any]:
    """How many cases it holds, and over how many days their new cut times spread at the least, by field unit."""
    held = book.held(order)
    units = Counter(c.field_unit or "?" for c in book.covered(order) if c.case_key in held)

    def line(unit: str, cases: int) -> dict[str, Any]:
        """One field unit: its cases, what it can cut a day, and the days that this takes."""
        a_day = capacity(unit)
        return {"field_unit": unit, "cases": cases, "a_day": a_day, "days": -(-cases // a_day) if a_day else 1}

    return {"dry_run": True, "held": len(held), "units": [line(u, n) for u, n in sorted(units.items())]}


# ---- notifying --------------------------------------------------------------------------------


def job_id(moratorium_id: str, act: Act) -> str:
    """The batch job of a moratorium: a command that is repeated finds its own job again."""
    return f"moratorium-{act}-{moratorium_id}"


def cases_covered(order: Moratorium, task_queue: str, spellings: Sequence[str] = ()) -> str:
    """The visibility query for the running cases of this installation that it covers, its value in any spelling."""
    values = ", ".join(quoted(value) for value in spellings or (order.value,))
    return (
        f"WorkflowType = {quoted(WORKFLOW_TYPE)} AND ExecutionStatus = 'Running' AND "
        f"TaskQueue = {quoted(task_queue)} AND {_ATTRIBUTES[order.scope]} IN ({values})"
    )


@dataclass(frozen=True)
class Notification:
    """The declaring or lifting of one moratorium, by the person `by`."""

    client: Client
    book: MoratoriumBook
    order: Moratorium
    act: Act
    by: str
    task_queue: str
    encrypted: bool
    patience: float = PATIENCE_SECONDS

    async def send(self, progress: Progress) -> Notified:
        """Notify the covered cases; again, those that have not confirmed. TemporalUnavailable as named."""
        if self.act == "lift":  # or signals of a declaring still under way would arrive after the lifting
            await stop_batch(self.client, job_id(self.order.moratorium_id, "declare"), "lifted")
        total = len(await self._covered())
        batch, left = None, await self._left()
        if left:
            batch = await self._batch(progress)
        if batch is not None and batch.state != "not_run":
            left = await self._confirmed(total, progress)
        missing = await self._one_by_one(left)
        unconfirmed = await self._confirmed(total, progress) if left else ()
        return Notified(
            cases=total,
            batch=batch,
            job_id=self._job().job_id,
            signalled=len(left) - len(missing),
            confirmed=total - len(unconfirmed),
            unconfirmed=tuple(c.account_id for c in unconfirmed if c.account_id not in missing),
            without_workflow=tuple(sorted(missing)),
        )

    async def _batch(self, progress: Progress) -> BatchDone:
        if self.encrypted:  # what is encrypted for one case is accepted by no other
            return BatchDone("not_run", note="payloads are encrypted, for one case each")
        return await run_batch(self.client, self._job(), lambda done, total: progress("batch", done, total))

    def _message(self) -> HoldPlaced | HoldLifted:
        order, actor = self.order, Actor(id=self.by, role="operator")
        if self.act == "lift":
            return HoldLifted(hold_id=order.moratorium_id, actor=actor)
        return HoldPlaced(
            hold_id=order.moratorium_id, kind="moratorium", reason=order.reason, until=order.until, actor=actor
        )

    def _spellings(self) -> list[str]:
        """How cases on record spell the reading centre; a region or a class is spelled in one way (R-33)."""
        order = self.order
        return spelled_like(order.value, self.book.on_record("centre")) if order.scope == "centre" else []

    @property
    def _signal(self) -> str:
        return "hold_lifted" if self.act == "lift" else "hold_placed"

    def _job(self) -> BatchSignal:
        return BatchSignal(
            job_id=job_id(self.order.moratorium_id, self.act),
            query=cases_covered(self.order, self.task_queue, self._spellings()),
            signal=self._signal,
            payload=self._message(),
            reason=f"moratorium {self.order.moratorium_id}: {self.order.reason}"[:500],
        )

    async def _covered(self) -> tuple[CoveredCase, ...]:
        return await asyncio.to_thread(self.book.covered, self.order)

    async def _left(self) -> tuple[CoveredCase, ...]:
        """Covered cases that have not confirmed."""
        held = await asyncio.to_thread(self.book.held, self.order)
        lifting = self.act == "lift"
        return tuple(c for c in await self._covered() if (c.case_key in held) is lifting)

    async def _confirmed(self, total: int, progress: Progress) -> tuple[CoveredCase, ...]:
        """The cases left, once all have confirmed, or none has for a while."""
        loop = asyncio.get_running_loop()
        left, pause = await self._left(), _CHECK_EVERY
        quiet_since = loop.time()
        while left and loop.time() - quiet_since < self.patience:
            await asyncio.sleep(pause)
            asked, before, left = loop.time(), len(left), await self._left()
            pause = max(_CHECK_EVERY, 5 * (loop.time() - asked))  # over a great many cases a check is work, too
            if len(left) < before:
                quiet_since = loop.time()
            progress("confirmed", total - len(left), total)
        return left

    async def _one_by_one(self, cases: Sequence[CoveredCase]) -> frozenset[str]:
        """Signal each; the account ids of those that no workflow carries on."""
        message, gate = self._message(), asyncio.Semaphore(AT_ONCE)

        async def notify(case: CoveredCase) -> str | None:
            """Signal one case; its account id if no workflow carries it on."""
            async with gate:
                try:
                    await patiently(lambda: signal(self.client, case.account_id, self._signal, message))
                except NoCase:
                    return case.account_id
            return None

        return frozenset(a for a in await _all(notify(c) for c in cases) if a is not None)


async def _all(asked: Iterable[Awaitable[str | None]]) -> list[str | None]:
    return list(await asyncio.gather(*asked))
