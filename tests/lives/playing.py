"""One life under way: the case, its clock, what is said to it through its public messages, what was booked for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from tests.lives.book import KEYS, Booked, Told
from tests.lives.life import Step
from tests.lives.spelling import misspelled
from tests.lives.town import Town
from tests.support.world import PEOPLE, SOON, Case, Refusal

LONGEST_LIFE = timedelta(days=90)
PATIENCE = 90.0
"""Seconds of the wall clock that any one message may take; a case that answers nothing by then is stuck."""
Snapshot = dict[str, Any]
StepPlayer = Callable[["Playing", Step, Snapshot, datetime], Awaitable[None]]


class Stuck(Exception):
    """The case answers nothing any more."""


@dataclass
class Playing:
    """One life on its way: the case, what was booked for it outside, what was said."""

    town: Town
    case: Case
    opened_at: datetime
    steps: Mapping[str, StepPlayer]
    now: datetime
    booked: list[Booked] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    silent_since: datetime | None = None
    silences: list[tuple[datetime, datetime]] = field(default_factory=list)
    spelling: str | None = None
    """How ids of meters, units and persons are misspelled in what is said at the moment."""
    said: list[str] = field(default_factory=list)
    later: list[tuple[str, list[Step]]] = field(default_factory=list)
    closed: bool = False
    was_down: bool = False
    count: int = 0
    meters: list[str] = field(default_factory=list)
    """Every meter that the account has had, the one now installed last."""

    @property
    def account_id(self) -> str:
        return self.case.account_id

    # ---- reading -------------------------------------------------------------------------------

    async def at_rest(self) -> datetime:
        """The case's clock, once nothing is under way; an outage keeps something under way for long."""
        until = time.monotonic() + (0.5 if self.town.silent_for(self.account_id) else PATIENCE)
        while True:
            seen = (await self.case.handle.describe()).raw_description
            if seen.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
                self.closed = True
                break
            at_work = seen.pending_activities or seen.HasField("pending_workflow_task")
            if not at_work or time.monotonic() > until:
                break
            await asyncio.sleep(0.06)
        self.now = _clock(seen)
        return self.now

    async def read(self) -> Snapshot:
        """The snapshot."""
        return await asyncio.wait_for(self.case.snapshot(), PATIENCE)

    async def play(self, step: Step) -> bool:
        """One step on the case as it is now; false if the case is over, or its ninety days are."""
        now = await self.at_rest()
        if self.closed or now - self.opened_at >= LONGEST_LIFE:
            return False
        self.said.append(f"-- {now:%m-%d %H:%M:%S} {step}")
        await self.steps[step["do"]](self, step, await self.read(), now)
        return True

    def next_id(self, what: str) -> str:
        """An id for a message, the same whenever this life is played."""
        self.count += 1
        return f"{what}-{self.account_id}-{self.count}"

    # ---- the billing book ----------------------------------------------------------------------

    async def line(self, table: str, ident: str) -> dict[str, Any] | None:
        """A line of the billing book."""
        found = [row for row in await self.lines(table) if row[KEYS[table]] == ident]
        return found[0] if found else None

    async def lines(self, table: str) -> list[dict[str, Any]]:
        """The account's lines in a table of the billing book."""

        def read() -> list[dict[str, Any]]:
            with self.town.billing.engine.connect() as connection:
                asked = f"SELECT * FROM {table} WHERE account_id = ? ORDER BY {KEYS[table]}"
                return [dict(row) for row in connection.exec_driver_sql(asked, (self.account_id,)).mappings()]

        return await asyncio.to_thread(read)

    async def book(self, table: str, ident: str, change: Callable[[], Any]) -> None:
        """Change a line of the billing book, and keep outside when that was, and what it was before."""
        was, before = await self.line(table, ident), await self.case.now()
        await asyncio.to_thread(change)
        if await self.line(table, ident) != was:
            self.booked.append(Booked(ident, before, await self.case.now(), table, was))

    async def sql(self, table: str, ident: str, statement: str, *values: Any) -> None:
        """Change a line of the billing book by SQL, as billing's own people would."""

        def change() -> None:
            with self.town.billing.engine.begin() as connection:
                connection.exec_driver_sql(statement, values)

        await self.book(table, ident, change)

    # ---- speaking ------------------------------------------------------------------------------

    async def say(self, update: str, by: str | dict[str, str], **payload: Any) -> Any:
        """An update; the answer, or None if it was refused or the case is over."""
        update_id = self.next_id("u")
        by, payload = misspelled(self.spelling, _person(by), payload)
        before = await self.case.now()
        answer = await self._say(update_id, update, by, payload)
        if update == "request_restoration":
            self.told.append(Told(update, str(payload["request_id"]), before, await self.case.now(), payload))
        return answer

    async def _say(self, update_id: str, update: str, by: dict[str, str], payload: dict[str, Any]) -> Any:
        for again in (True, True, False):
            try:
                sent = self.case.update(update, by, update_id=update_id, **payload)
                answer = await asyncio.wait_for(sent, PATIENCE)
                break
            except Refusal as refusal:
                self.said.append(f"{update}: {refusal.type}")
                return None
            except RPCError as error:
                if error.status == RPCStatusCode.UNAVAILABLE and again:
                    continue  # it met the moment between two runs of the case: sent again under the same id
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                self.said.append(f"{update}: the case is over")
                return None
            except WorkflowUpdateFailedError as failure:
                self.said.append(f"{update}: {failure.cause}")
                return None
            except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
                raise Stuck(f"{update} was not answered") from None
        self.said.append(f"{update}: {answer}")
        return answer

    async def signal(self, signal: str, *, times: int = 1, **payload: Any) -> None:
        """A signal, or some copies of it at once; one to a case that is over is lost."""
        _, payload = misspelled(self.spelling, {}, payload)
        before = await self.case.now()
        try:
            await asyncio.gather(*(self.case.signal(signal, **payload) for _ in range(times)))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return
        about = next((str(payload[key]) for key in _IDS if key in payload), "")
        self.told.append(Told(signal, about, before, await self.case.now(), payload))

    # ---- time ----------------------------------------------------------------------------------

    async def advance(self, ahead: timedelta) -> None:
        """Let time pass, within the ninety days; nothing stays down for more than two of them."""
        now = await self.at_rest()
        ahead = min(ahead, self.opened_at + LONGEST_LIFE - now)
        if self.closed or ahead <= timedelta():
            return
        if ahead > timedelta(hours=49) and await self.put_back():
            await self.skip(timedelta(hours=5))
            ahead -= timedelta(hours=5)
        await self.skip(ahead)

    async def silence(self) -> None:
        """Billing answers nothing about this account."""
        self.town.billing.silent.add(self.account_id)
        self.was_down, self.silent_since = True, self.silent_since or await self.case.now()

    async def put_back(self) -> bool:
        """Billing and register answer again; whether one of them had been silent."""
        if self.silent_since is not None:
            self.silences.append((self.silent_since, await self.case.now()))
            self.silent_since = None
        return self.town.put_back(self.account_id)

    async def skip(self, ahead: timedelta) -> None:
        """Let time pass, from one of the case's own deadlines to the next.

        A single leap could overtake a case that a busy machine keeps at work: its next timer would come days late.
        """
        until = self.now + ahead
        while not self.closed and (left := until - self.now) > timedelta():
            snap = await self.read()
            due = datetime.fromisoformat(snap["next_deadline"]) + SOON if snap.get("next_deadline") else until
            await self._leap(min(left, max(due - self.now, SOON)))
            before = self.now
            await self.at_rest()
            if self.now <= before:
                break

    async def _leap(self, ahead: timedelta) -> None:
        try:
            await asyncio.wait_for(self.case.pass_time(seconds=ahead.total_seconds()), PATIENCE)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        except RuntimeError as error:
            if "overridden by a later" not in str(error):  # two things at once both let time pass: the later one does
                raise
        except TimeoutError:
            raise Stuck(f"time did not pass: {ahead}") from None

    async def while_billing_is_asked(self, message: Awaitable[Any]) -> None:
        """A message that waits some seconds for billing: if it is down, those seconds are let pass."""
        if self.account_id not in self.town.billing.silent:
            await message
            return
        sent = asyncio.ensure_future(message)
        await asyncio.sleep(0.2)
        await self._leap(timedelta(seconds=20))
        await sent


_IDS = ("payment_id", "request_id", "event_id", "hold_id", "report_id")


def _person(by: str | dict[str, str]) -> dict[str, str]:
    """The crew does not say of which unit it is, unless it is asked to."""
    if isinstance(by, dict):
        return by
    return {"id": "f-009", "role": "field_crew"} if by == "field_crew" else PEOPLE[by]


def _clock(seen: DescribeWorkflowExecutionResponse) -> datetime:
    """The case's own time; the wall's, while none has been skipped."""
    extended = seen.workflow_extended_info
    if not extended.HasField("time_skipping_info"):
        return datetime.now(UTC)
    moment: datetime = extended.time_skipping_info.current_time.ToDatetime()
    return moment.replace(tzinfo=UTC)
