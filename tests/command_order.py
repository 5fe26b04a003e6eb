"""What a case asks Temporal for, and in which order, as readable lines: the fingerprint of a life.

    python -m tests.command_order      live every life of `tests.record_histories`, write `histories/commands.txt`

A changed order gets every open case stuck unless it is patched (`workflow.patched`), so it must be intended: the diff
of that file shows it. Times and ids are left out; they differ from life to life.
"""

import asyncio
import difflib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from tests.record_histories import HISTORIES, LIVES, Life
from tests.support.world import World, running_world

COMMANDS = HISTORIES / "commands.txt"
HEAD = "# What each life asks Temporal for, in order (> came from outside). Written by python -m tests.command_order.\n"


def commands_of(history: WorkflowHistory) -> list[str]:
    """One line for each message that came in and each command that went out."""
    return [line for event in history.events if (line := _line(event))]


def _line(event: HistoryEvent) -> str | None:
    match event.WhichOneof("attributes"):
        case "workflow_execution_signaled_event_attributes":
            return f"> signal {event.workflow_execution_signaled_event_attributes.signal_name}"
        case "workflow_execution_update_accepted_event_attributes":
            accepted = event.workflow_execution_update_accepted_event_attributes
            return f"> update {accepted.accepted_request.input.name}"
        case "timer_fired_event_attributes":
            return "> the timer fires"
        case "activity_task_scheduled_event_attributes":
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            return f"  activity {name}: {_summary(event)}"
        case "timer_started_event_attributes":
            return f"  timer: {_summary(event)}"
        case "timer_canceled_event_attributes":
            return "  cancel the timer"
        case "marker_recorded_event_attributes":
            return _marker(event)
        case "upsert_workflow_search_attributes_event_attributes":
            fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
            if "ArrearsStage" not in fields:
                return f"  upsert: {', '.join(sorted(fields))}"
            return f"  show: {json.loads(fields['ArrearsStage'].data)}"
        case "workflow_execution_completed_event_attributes":
            return "  close"
        case "workflow_execution_continued_as_new_event_attributes":
            return "  go on in a new run"
        case _:
            return None


def _summary(event: HistoryEvent) -> str:
    return str(json.loads(event.user_metadata.summary.data)) if event.user_metadata.summary.data else "(no summary)"


def _marker(event: HistoryEvent) -> str | None:
    """A local activity's marker stands where it ended, so a record written beside a question comes before or after."""
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != "core_local_activity":
        return f"  marker {marker.marker_name}"
    told: dict[str, Any] = json.loads(marker.details["data"].payloads[0].data)
    return None if told["activity_type"] == "write_record" else f"  local activity {told['activity_type']}"


async def fingerprint(world: World, life: Life) -> list[str]:
    """Live that life, and say what it asked for."""
    case = await life(world)
    await case.at_rest()
    return commands_of(await case.handle.fetch_history())


def written() -> dict[str, list[str]]:
    """The fingerprints as they stand in the file, by the name of the life."""
    found: dict[str, list[str]] = {}
    for line in COMMANDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            found[line.removeprefix("== ")] = lines = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def difference(name: str, before: list[str], now: list[str]) -> str:
    """Both orders side by side, as a reviewer reads them."""
    return "\n".join(difflib.unified_diff(before, now, f"{name}, as written", f"{name}, as played", n=4, lineterm=""))


async def write() -> None:
    """Live every life and write what it asked for."""
    async with running_world(Path(tempfile.mkdtemp())) as world:
        COMMANDS.write_text(HEAD + "".join([text async for text in _sections(world)]), encoding="utf-8")


async def _sections(world: World) -> AsyncIterator[str]:
    for life in LIVES:
        yield "\n".join(["", f"== {life.__name__}", *await fingerprint(world, life), ""])


if __name__ == "__main__":
    asyncio.run(write())
