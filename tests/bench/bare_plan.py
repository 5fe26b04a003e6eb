"""What the bare reference does, step by step, as read off a recorded history of a real case: its plan."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from domain.record.rows import Record

PLANS = "ARREARS_BENCH_PLANS"
"""Names the file with the plans, for the worker process of the bare reference."""

Kind = Literal["activity", "done", "local", "timer", "fired", "cancel", "signal", "update", "answer"]


class Step(BaseModel):
    """One thing the case did or met. `number` ties the end of a thing to its beginning; `size` in bytes."""

    kind: Kind
    number: int = 0
    size: int = 0
    seconds: float = 0.0
    shows: str = ""


class Plan(BaseModel):
    """A path: its steps, the size of the start input, and how long after opening its cut was stated for."""

    steps: tuple[Step, ...]
    start_size: int
    cut_after: float = 0.0

    def count(self, kind: Kind) -> int:
        """How many steps of that kind."""
        return sum(s.kind == kind for s in self.steps)


def plan_of(events: Sequence[HistoryEvent], records: Sequence[Record], cut_after: float = 0.0) -> Plan:
    """The plan that these events followed.

    `records` are those written by themselves, in order: a history does not keep what local activities were given.
    """
    e, steps = EventType, list[Step]()
    queued = {_revision(event) for event in events}
    records = [r for r in records if r.case.revision not in queued]
    signals = updates = locals_ = 0
    update_numbers: dict[str, int] = {}
    start_size = 0
    for event in events:
        match event.event_type:
            case e.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                start_size = sum(len(p.data) for p in event.workflow_execution_started_event_attributes.input.payloads)
            case e.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                signals += 1
                steps.append(Step(kind="signal", number=signals))
            case e.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                given = event.activity_task_scheduled_event_attributes
                data = given.input.payloads[0].data
                order = json.loads(data)
                steps.append(
                    Step(
                        kind="activity",
                        number=event.event_id,
                        size=len(data),
                        shows=_shown(order.get("record", order), given.activity_type.name),
                    )
                )
            case e.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                steps.append(Step(kind="done", number=done.scheduled_event_id))
            case e.EVENT_TYPE_MARKER_RECORDED:
                if (local := local_activity(event)) is None:
                    continue
                written = local == "write_record"
                text = records[locals_].model_dump_json() if written else "{}"
                locals_ += written
                steps.append(Step(kind="local", number=event.event_id, size=len(text), shows=_shown(json.loads(text))))
            case e.EVENT_TYPE_TIMER_STARTED:
                started = event.timer_started_event_attributes
                seconds = started.start_to_fire_timeout.ToTimedelta().total_seconds()
                steps.append(Step(kind="timer", number=int(started.timer_id), seconds=seconds))
            case e.EVENT_TYPE_TIMER_FIRED:
                steps.append(Step(kind="fired", number=int(event.timer_fired_event_attributes.timer_id)))
            case e.EVENT_TYPE_TIMER_CANCELED:
                steps.append(Step(kind="cancel", number=int(event.timer_canceled_event_attributes.timer_id)))
            case e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
                updates += 1
                accepted = event.workflow_execution_update_accepted_event_attributes
                update_numbers[accepted.protocol_instance_id] = updates
                steps.append(Step(kind="update", number=updates))
            case e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
                ended = event.workflow_execution_update_completed_event_attributes
                steps.append(Step(kind="answer", number=update_numbers[ended.meta.update_id]))
    assert locals_ == len(records), f"{locals_} local activities wrote, and there are {len(records)} records"
    return Plan(steps=tuple(steps), start_size=start_size, cut_after=cut_after)


def local_activity(event: HistoryEvent) -> str | None:
    """The local activity that a marker stands for; others name a change of the program."""
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != "core_local_activity":
        return None
    return str(json.loads(marker.details["data"].payloads[0].data)["activity_type"])


def _revision(event: HistoryEvent) -> int | None:
    """Of a record that was written by an activity in a queue, its revision."""
    given = event.activity_task_scheduled_event_attributes
    if given.activity_type.name != "write_record":
        return None
    return int(json.loads(given.input.payloads[0].data)["case"]["revision"])


def _shown(record: object, activity: str = "") -> str:
    """What can be seen of a step in the register: the evidence it adds."""
    entries = record.get("evidence", ()) if isinstance(record, dict) else ()
    return ",".join([*([activity] if activity else []), *(entry["what"] for entry in entries)])


def write_plans(path: Path, plans: dict[str, Plan]) -> None:
    """Put the plans where the bare worker finds them."""
    path.write_text(json.dumps({name: plan.model_dump() for name, plan in plans.items()}), "utf-8")


_known: dict[str, Plan] = {}


def known_plan(name: str) -> Plan:
    """A plan by its name, read once in a process."""
    if not _known:
        known = json.loads(Path(os.environ[PLANS]).read_text("utf-8"))
        _known.update({key: Plan.model_validate(value) for key, value in known.items()})
    return _known[name]
