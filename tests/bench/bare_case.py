"""The bare reference: a workflow that follows a plan: as many activities, timers and messages, and no business."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from tests.bench.bare_plan import Step, known_plan
    from tests.bench.bare_rows import BareRow, write_row

SOON = timedelta(seconds=20)
ENVELOPE = 70
"""Bytes of a row in JSON besides what it shows and its body."""


@workflow.defn
class BareCase:
    """Follows the plan that its input names."""

    @workflow.init
    def __init__(self, opening: dict[str, Any]) -> None:
        del opening
        self._signals = self._updates = self._answered = 0
        self._activities: dict[int, Any] = {}
        self._timers: dict[int, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, opening: dict[str, Any]) -> dict[str, str]:
        """Step after step."""
        for step in known_plan(opening["path"]).steps:
            await self._do(step)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return {"outcome": "done"}

    async def _do(self, step: Step) -> None:
        n = step.number
        match step.kind:
            case "activity":
                self._activities[n] = workflow.start_activity(write_row, _row(step), start_to_close_timeout=SOON)
            case "done":
                await self._activities.pop(n)
            case "local":
                await workflow.execute_local_activity(write_row, _row(step), start_to_close_timeout=SOON)
            case "timer":
                self._timers[n] = asyncio.create_task(workflow.sleep(step.seconds))
                await asyncio.sleep(0)  # so that it starts before what comes next
            case "fired":
                await self._timers.pop(n)
            case "cancel":
                self._timers.pop(n).cancel()
            case "signal":
                await workflow.wait_condition(lambda: self._signals >= n)
            case "update":
                await workflow.wait_condition(lambda: self._updates >= n)
            case "answer":
                self._answered = n

    @workflow.signal
    def happened(self, payload: dict[str, Any]) -> None:
        """Something happened."""
        del payload
        self._signals += 1

    @workflow.update
    async def told(self, payload: dict[str, Any]) -> dict[str, bool]:
        """Somebody asks; answered where the plan says."""
        del payload
        self._updates += 1
        mine = self._updates
        await workflow.wait_condition(lambda: self._answered >= mine)
        return {"ok": True}


def _row(step: Step) -> BareRow:
    body = "x" * max(0, step.size - ENVELOPE - len(step.shows))
    return BareRow(case=workflow.info().workflow_id, step=step.number, shows=step.shows, body=body)
