"""Log lines: on stderr, in the form asked for, with the activity they were written in, and never in a replay."""

import json
import logging
import sys
from pathlib import Path

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from adapters.log import configure_logging


def test_a_json_line_is_one_object_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    structlog.get_logger().info("notice.delivered", notice="n-1", outcome="signed", name="户名")
    said = capsys.readouterr()
    assert said.out == ""
    line = json.loads(said.err)
    assert (line["event"], line["notice"], line["level"]) == ("notice.delivered", "n-1", "info")
    assert "户名" in said.err


def test_the_standard_librarys_lines_have_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    logging.getLogger("temporalio.worker").warning("Slow poll (%s)", 3)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("Slow poll (3)", "warning")


def test_an_error_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    try:
        raise KeyError("meter")
    except KeyError:
        structlog.get_logger().exception("ticket.failed")
    assert json.loads(capsys.readouterr().err)["exception"][0]["exc_type"] == "KeyError"


def test_a_line_in_an_activity_says_which_case_and_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    @activity.defn
    def send_ticket() -> None:
        structlog.get_logger().info("ticket.sent")

    ActivityEnvironment().run(send_ticket)
    line = json.loads(capsys.readouterr().err)
    assert {"workflow", "run", "activity", "attempt"} <= line.keys()


@workflow.defn
class Talking:
    """Says one line in each way, and ends."""

    @workflow.run
    async def run(self) -> None:
        """Say it."""
        structlog.get_logger().info("said.once")
        logging.getLogger("some.library").warning("said by a library")


async def test_a_line_in_a_workflow_names_its_case_and_is_not_said_again_in_a_replay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    temporal = Path(sys.executable).parent / "temporal"
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal), dev_server_log_level="error"
    ) as server:
        configure_logging("json")
        capsys.readouterr()
        runner = UnsandboxedWorkflowRunner()
        async with Worker(server.client, task_queue="q", workflows=[Talking], workflow_runner=runner):
            handle = await server.client.start_workflow(Talking.run, id="arrears-1", task_queue="q")
            await handle.result()
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        said = [line for line in lines if line["event"].startswith("said")]
        assert [(line["workflow"], line["type"]) for line in said] == [("arrears-1", "Talking")] * 2
        history = await handle.fetch_history()
        await Replayer(workflows=[Talking], workflow_runner=runner).replay_workflow(history)
        assert "said" not in capsys.readouterr().err


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="console or json"):
        configure_logging("xml")  # type: ignore[arg-type]
