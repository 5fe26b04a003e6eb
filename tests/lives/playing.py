"""One life under way: the case, its clock, what is said to it through its public messages, what was booked for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from tests.lives.book import Booked
from tests.lives.life import Step
from tests.lives.town import Town
from tests.support.world import SOON, Case, Refusal

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
    said: list[str] = field(default_factory=list)
    later: list[tuple[str, list[Step]]] = field(default_factory=list)
    closed: bool = False
    was_down: bool = False
    count: int = 0
    billed: int = 0

    @property
    def account_id(self) -> str:
        return self.case.account_id

    # ---- reading -------------------------------------------------------------------------------

    async def at_rest(self) -> datetime:
        """The case's clock, once nothing is under way; an outage keeps something under way for long."""
        tries = 8 if self.town.silent_for(self.account_id) else 200
        for _ in range(tries):
            seen = (await self.case.handle.describe()).raw_description
            if seen.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
                self.closed = True
                break
            if not seen.pending_activities and not seen.HasField("pending_workflow_task"):
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

    # ---- speaking ------------------------------------------------------------------------------

    async def say(self, update: str, by: str | dict[str, str], **payload: Any) -> Any:
        """An update; the answer, or None if it was refused or the case is over."""
        update_id = self.next_id("u")
        for again in (True, True, False):
            try:
                sent = self.case.update(update, _person(by), update_id=update_id, **payload)
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

    async def signal(self, signal: str, **payload: Any) -> None:
        """A signal; one to a case that is over is lost."""
        try:
            await self.case.signal(signal, **payload)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    # ---- time ----------------------------------------------------------------------------------

    async def advance(self, ahead: timedelta) -> None:
        """Let time pass, within the ninety days; nothing stays down for more than two of them."""
        now = await self.at_rest()
        ahead = min(ahead, self.opened_at + LONGEST_LIFE - now)
        if self.closed or ahead <= timedelta():
            return
        if ahead > timedelta(hours=49) and self.town.put_back(self.account_id):
            await self.skip(timedelta(hours=5))
            ahead -= timedelta(hours=5)
        await self.skip(ahead)

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


def _person(by: str | dict[str, str]) -> str | dict[str, str]:
    return {"id": "f-009", "role": "field_crew"} if by == "field_crew" else by


def _clock(seen: DescribeWorkflowExecutionResponse) -> datetime:
    """The case's own time; the wall's, while none has been skipped."""
    extended = seen.workflow_extended_info
    if not extended.HasField("time_skipping_info"):
        return datetime.now(UTC)
    moment: datetime = extended.time_skipping_info.current_time.ToDatetime()
    return moment.replace(tzinfo=UTC)
