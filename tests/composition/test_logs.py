"""Log lines: on stderr, in the form asked for, with the activity they were written in, and never in a replay."""

import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
)

from activities.billing import DebtAsked, OpenAccount
from activities.case_context import CaseContext
from activities.channels import NotifyCustomer
from composition.logs import configure_logging
from domain.record.rows import NoticeOrder, TicketOrder
from tests.support.register_records import OPENED, case_row, evidence, message, notice, record, ticket


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
    assert "account" not in line, "it is of no case"


async def run_in_an_activity(order: object) -> None:
    """What the worker does around each activity, with one that says something and one that fails."""

    @activity.defn(name="write_record")
    async def write_record(order: object) -> None:
        del order
        structlog.get_logger().info("said.inside")
        logging.getLogger("temporalio.activity").warning("Completing activity as failed")

    class Innermost(ActivityInboundInterceptor):
        def __init__(self) -> None:
            """There is no next one."""

        async def execute_activity(self, input: ExecuteActivityInput) -> Any:
            return await input.fn(*input.args)

    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, workflow_id="arrears-3001")
    bound = CaseContext().intercept_activity(Innermost())
    call = ExecuteActivityInput(fn=write_record, args=(order,), executor=None, headers={})

    async def whole() -> None:
        await bound.execute_activity(call)

    await environment.run(whole)


TICKETED, ZONE = case_row(stage="ticketed"), "Asia/Shanghai"
ORDERS = [
    (record(case=TICKETED), "ticketed", "II.3"),
    (record(case=TICKETED, evidence=(evidence(1, clause="II.6"), evidence(2, clause="II.7"))), "ticketed", "II.7"),
    (
        NoticeOrder(notice=notice(), lines=(), reader="r-017", timezone="Asia/Shanghai", record=record()),
        "yellow_notice",
        "II.1",
    ),
    (TicketOrder(ticket=ticket(), timezone="Asia/Shanghai", record=record(case=TICKETED)), "ticketed", "II.3"),
    (OpenAccount(account_id="3001", as_of=OPENED, calendar_through=OPENED.date()), "yellow_notice", "I.1"),
    (DebtAsked(account_id="3001", as_of=OPENED, stage="disconnected"), "disconnected", "II.6"),
    (NotifyCustomer(account_id="3001", notice=message(to_role="customer"), at=OPENED), "final_half_hour", "II.4"),
]


@pytest.mark.parametrize(
    ("order", "stage", "clause"), ORDERS, ids=lambda v: type(v).__name__ if not isinstance(v, str) else v
)
async def test_every_line_of_an_activity_says_account_stage_and_clause(
    capsys: pytest.CaptureFixture[str], order: object, stage: str, clause: str
) -> None:
    configure_logging("json")
    await run_in_an_activity(order)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    # The worker of the tests' common world lives in this process, and the timers of its open cases run on.
    lines = [line for line in said if line.get("workflow", "arrears-3001") == "arrears-3001"]
    assert {"said.inside", "Completing activity as failed"} <= {line["event"] for line in lines}
    for line in lines:
        assert (line["account"], line["stage"]) == ("3001", stage)
        assert line["clause"] == clause or line["event"] == "debt.read"
    structlog.contextvars.clear_contextvars()


async def test_what_is_put_on_record_is_said_with_rule_and_clause_and_without_what_is_personal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json")
    await run_in_an_activity(record(evidence=(evidence(1, "notice.delivered", actor_id="r-017", actor_role="reader"),)))
    said = capsys.readouterr().err
    line = next(json.loads(line) for line in said.splitlines() if "notice.delivered" in line)
    assert (line["rule"], line["clause"], line["by"]) == ("R-01", "II.0", "reader")
    assert "读取欠费" not in said
    assert "r-017" not in said
    structlog.contextvars.clear_contextvars()


@workflow.defn
class Talking:
    """Says one line in each way, and ends."""

    @property
    def stage(self) -> str:
        """As a case says it."""
        return "restoring"

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
        assert [(line["account"], line["stage"], line["clause"]) for line in said] == [("1", "restoring", "III.3")] * 2
        history = await handle.fetch_history()
        await Replayer(workflows=[Talking], workflow_runner=runner).replay_workflow(history)
        assert "said" not in capsys.readouterr().err


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="console or json"):
        configure_logging("xml")  # type: ignore[arg-type]
