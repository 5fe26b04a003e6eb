"""Cases opened by earlier versions go on: their recorded histories replay, finished ones and those in mid-flight."""

import gzip
import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from client.converter import data_converter
from composition.serving import WORKFLOWS, sandbox
from tests.record_histories import HISTORIES, LIVES

RECORDED = sorted([*HISTORIES.glob("*/*.json"), *HISTORIES.glob("*/*.json.gz")])


def _life(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")


def replayer() -> Replayer:
    """As the worker runs them: the same sandbox, the same converter."""
    return Replayer(workflows=WORKFLOWS, data_converter=data_converter, workflow_runner=sandbox(strict=True))


def history_of(path: Path) -> WorkflowHistory:
    """A recorded history, under the id it ran with."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: f"{p.parent.name}-{_life(p)}")
async def test_a_recorded_life_replays(path: Path) -> None:
    await replayer().replay_workflow(history_of(path))


def test_every_stage_is_recorded() -> None:
    assert {_life(p) for p in RECORDED} >= {life.__name__ for life in LIVES}
