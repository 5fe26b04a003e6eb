"""The bench itself: its judgement on made-up numbers, the honesty of the bare reference, and a tiny run of it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from domain.record.rows import Record
from tests.bench.bare_plan import Plan, local_activity, plan_of
from tests.bench.figures import Ratio, Round, Row, Spread, percentile, row_of_ratio
from tests.bench.ground import QUEUES
from tests.bench.lives import paid_after_yellow
from tests.bench.picture import draw
from tests.bench.rows_fairness import OTHER, RESTORATION, last_place, worked_off
from tests.bench.rows_opening import s4
from tests.bench.rows_replay import replay_ratio
from tests.bench.rows_speed import whole_cases
from tests.bench.rows_sweep import sweeps
from tests.support.register_records import case_row

HISTORIES = Path(__file__).parents[1] / "histories" / "light-at-once"
CALM = Round(100.0, 95.0, 93.0, 98.0)
GROWN_SLOWER = Round(100.0, 95.0, 93.0, 50.0)


def test_a_row_is_void_when_bare_differs_from_itself_by_more_than_a_tenth() -> None:
    assert not Ratio((CALM, CALM, GROWN_SLOWER)).void  # the median of the rounds counts
    assert Ratio((CALM, GROWN_SLOWER, GROWN_SLOWER)).void
    assert Ratio((Round(1.11, 1, 1, 1),)).void
    assert Ratio((Round(0.89, 1, 1, 1),)).void
    assert not Ratio((Round(1.10, 1, 1, 1),)).void


def test_median_and_range_of_the_ratio() -> None:
    rounds = (Round(100, 90, 90, 100), Round(100, 80, 80, 100), Round(100, 95, 95, 100))
    assert Ratio(rounds).spread == Spread(0.90, 0.80, 0.95)


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [((CALM,), "reached"), ((Round(100, 80, 80, 100),), "short"), ((GROWN_SLOWER,), "void")],
)
def test_a_row_says_reached_short_or_void(rounds: tuple[Round, ...], verdict: str) -> None:
    assert row_of_ratio("S1", "cases/s", Ratio(rounds), least=0.90).verdict == verdict


def test_a_ninety_ninth_percentile_is_met_by_all_but_one_in_a_hundred() -> None:
    assert percentile([float(n) for n in range(200)], 0.99) == 198.0
    assert percentile([1.0], 0.99) == 1.0


def _recorded(name: str) -> tuple[Plan, Counter[EventType.ValueType]]:
    events = WorkflowHistory.from_json("any", (HISTORIES / f"{name}.json").read_text("utf-8")).events
    count = Counter(e.event_type for e in events)
    record = Record(case=case_row())
    local = [t for e in events if (t := local_activity(e))]
    count[EventType.EVENT_TYPE_MARKER_RECORDED] = len(local)
    return plan_of(events, [record] * local.count("write_record")), count


@pytest.mark.parametrize("name", ["settled", "restored", "breached", "found_cut"])
def test_the_bare_reference_does_as_much_as_the_case_and_no_more(name: str) -> None:
    plan, count = _recorded(name)
    e = EventType
    assert plan.count("activity") == plan.count("done") == count[e.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    assert plan.count("local") == count[e.EVENT_TYPE_MARKER_RECORDED]
    assert plan.count("timer") == count[e.EVENT_TYPE_TIMER_STARTED]
    assert plan.count("fired") == count[e.EVENT_TYPE_TIMER_FIRED]
    assert plan.count("cancel") == count[e.EVENT_TYPE_TIMER_CANCELED]
    assert plan.count("signal") == count[e.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
    assert plan.count("update") == plan.count("answer") == count[e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED]


def test_rows_of_the_bare_reference_are_as_large_as_what_the_case_writes() -> None:
    plan, _ = _recorded("settled")
    history = json.loads((HISTORIES / "settled.json").read_text("utf-8"))
    given = [
        e["activityTaskScheduledEventAttributes"]["input"]["payloads"][0]["data"]
        for e in history["events"]
        if e["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"
    ]
    sizes = [step.size for step in plan.steps if step.kind == "activity"]
    assert sizes == [len(data) * 3 // 4 - data.count("=") for data in given]


def test_the_picture_is_drawn_from_the_rows(tmp_path: Path) -> None:
    growth = {"arrears": [(10, 1e6, 2e6), (20, 2e6, 4e6)], "bare": [(10, 1e6, 1e6), (20, 2e6, 2e6)]}
    sweep = {"cases": 1_000, "seconds": 1.0, "events": 11}
    rows = [
        Row("S5", "memory", "", "", "reached", {"growth": growth}),
        Row("S8", "sweep", "", "", "reached", sweep),
    ]
    assert draw(rows, tmp_path / "growth.svg")
    assert (tmp_path / "growth.svg").stat().st_size > 1_000
    assert not draw([Row("S1", "cases/s", "", "", "reached")], tmp_path / "none.svg")


async def test_whole_lives_are_measured_against_the_bare_reference(tmp_path: Path) -> None:
    ratio, load = await whole_cases(tmp_path, paid_after_yellow, count=3, in_flight=3, rounds=1)
    assert ratio.ours.least > 0
    assert ratio.bare.least > 0
    assert load.ours >= 0


async def test_replay_is_measured_on_histories_of_the_same_steps(tmp_path: Path) -> None:
    ratio, ours, bare = await replay_ratio(tmp_path, times=1, rounds=1, scripts=[paid_after_yellow])
    assert ratio.spread.median > 0
    e = EventType
    steps = {
        e.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        e.EVENT_TYPE_MARKER_RECORDED,
        e.EVENT_TYPE_TIMER_STARTED,
        e.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        e.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    }

    def counted(history: WorkflowHistory) -> Counter[int]:
        """Its steps; that a case asks which rules count for it is no step of the bare one."""
        marked = (x for x in history.events if x.marker_recorded_event_attributes.marker_name != "core_patch")
        return Counter(x.event_type for x in marked if x.event_type in steps)

    assert counted(ours[0]) == counted(bare[0])


async def test_a_sweep_asks_those_who_paid_and_counts_its_events_over_all_its_runs(tmp_path: Path) -> None:
    (swept,), statements = await sweeps(tmp_path, (2_100,), paid_one_in=300)
    assert (swept.cases, swept.signalled, swept.missing, swept.runs) == (2_100, 7, 0, 3)
    assert swept.events == 33
    assert statements <= 4


async def test_ingest_is_measured_against_starts_by_the_client_alone(tmp_path: Path) -> None:
    (row,) = await s4(tmp_path, small=True)
    assert row.detail["ours"]["median"] > 0
    assert len(row.detail["plain_starts"]) == 1


async def test_restorations_overtake_notices_and_reading_centres_take_turns(tmp_path: Path) -> None:
    done = await worked_off(tmp_path, QUEUES, flood=60, few=3)
    assert last_place(done, RESTORATION) < 25
    assert last_place(done, OTHER) < 45
