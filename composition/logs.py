"""Logs as events on stderr, each with its case, stage and clause; nothing is logged during replay."""

import functools
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from temporalio import activity, workflow
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from domain.law.clauses import CLAUSE_OF_STAGE

CASE_ID = "arrears-"
"""What the id of a case's workflow begins with; the account follows."""

Event = MutableMapping[str, Any]


def configure_logging(
    format_: Literal["console", "json"] = "console", level: int = logging.INFO, metrics: str | None = None
) -> None:
    """Send structlog's and the standard library's lines to stderr, both in the same form.

    `metrics`: IP address and port where Prometheus finds the SDK's figures; once in a process, before it connects.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        bind_temporal_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _Stderr()
    handler.addFilter(lambda _line: not _in_replay())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_drop_sdk_details, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(format_)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # what it did, `database.upgraded` says
    # It would log every question, with the account in its address; the caller logs what fails.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _set_up_the_sdk(metrics)


@functools.cache
def _set_up_the_sdk(metrics: str | None) -> None:
    """The SDK's core writes to stdout by itself, where a script expects one JSON object and nothing else.

    An address that is taken costs the figures, not the worker: restorations do not depend on a figure.
    """
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), prepend_target_on_message=False)
    logs = LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding)
    shown = metrics and PrometheusConfig(
        metrics, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    try:
        runtime = Runtime(telemetry=TelemetryConfig(logging=logs, metrics=shown or None))
    except ValueError as problem:
        structlog.get_logger().error("metrics.not_shown", address=metrics, reason=str(problem))
        runtime = Runtime(telemetry=TelemetryConfig(logging=logs))
    Runtime.set_default(runtime, error_if_already_set=False)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is now, as it may be replaced while the program runs."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """What stderr is now."""
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """AttributeError, always: logs go to stderr."""
        raise AttributeError("logs go to stderr")


def _renderers(format_: str) -> list[structlog.typing.Processor]:
    match format_:
        case "console":
            # The usual one prints the locals of every frame: personal data, and seconds for each try in an outage.
            plain = structlog.dev.plain_traceback
            return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        case "json":
            return [
                structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ]
        case other:
            raise ValueError(f"log format must be console or json, not {other!r}")


def bind_temporal_context(_logger: object, _method: str, event: Event) -> Event:
    """Add the case or activity a line was written in; a line written in replay was written before, so it is dropped.

    Stage and clause of an activity are bound by `activities.case_context`, and stand in the line already.
    """
    if _in_replay():
        raise structlog.DropEvent
    where: dict[str, Any]
    if workflow.in_workflow():
        case = workflow.info()
        where = {"workflow": case.workflow_id, "run": case.run_id, "type": case.workflow_type, "attempt": case.attempt}
        stage = getattr(workflow.instance(), "stage", None)
        where |= {"stage": stage, "clause": CLAUSE_OF_STAGE[stage]} if stage in CLAUSE_OF_STAGE else {}
    elif activity.in_activity():
        task = activity.info()
        where = {
            "workflow": task.workflow_id,
            "run": task.workflow_run_id,
            "activity": task.activity_type,
            "attempt": task.attempt,
        }
    else:
        return event
    if str(where["workflow"]).startswith(CASE_ID):
        where["account"] = str(where["workflow"]).removeprefix(CASE_ID)
    for key, value in where.items():
        event.setdefault(key, value)
    return event


def _in_replay() -> bool:
    return workflow.in_workflow() and workflow.unsafe.is_replaying()


def _drop_sdk_details(_logger: object, _method: str, event: Event) -> Event:
    # The SDK's own loggers append a dict of the same context to the text; it is bound as fields here already.
    if isinstance(text := event.get("event"), str) and text.endswith("})"):
        event["event"] = text.partition(" ({'")[0]
    return event
