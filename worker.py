"""The composition root: settings → databases, activities, worker. `python worker.py` runs until SIGTERM or SIGINT."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.anchor import AnchorActivities
from activities.billing import BillingActivities
from activities.notices import NoticeActivities
from activities.register import RegisterActivities
from activities.sweep import SweepActivities
from activities.tickets import TicketActivities
from adapters.evidence_anchor import RegisterAnchor
from adapters.holiday_calendar import ChinaHolidays
from adapters.log import configure_logging
from adapters.papers import TypstPapers
from adapters.payload_codec import EncryptedPayloads
from adapters.register_reading import RegisterReader
from adapters.settings import ConfigurationError, Settings, check_console, load_settings, temporal_profile
from adapters.sql_billing import SqlBilling, open_billing
from adapters.sql_register import SqlRegister, open_register
from domain.policy import Policy, PolicyError, load_policy
from edge.cases import unavailable
from edge.connection import connect as connect_to
from edge.output import DONE, NOT_THERE, USAGE, NotThere, leave
from edge.search_attributes import SearchAttributesMissing, ensure_search_attributes
from workflows.arrears_case import ArrearsCase
from workflows.daily_sweep import DailySweep
from workflows.evidence_anchoring import EvidenceAnchoring
from workflows.interceptors import LongestPause

__all__ = [
    "ConfigurationError",
    "EncryptedPayloads",
    "Parts",
    "Settings",
    "activities",
    "build",
    "check_console",
    "configure_logging",
    "connect",
    "load_settings",
    "make_worker",
    "run_worker",
    "sandbox",
    "worker_for",
]

log = structlog.get_logger()

WORKFLOWS: tuple[type, ...] = (ArrearsCase, DailySweep, EvidenceAnchoring)
# Deterministic and free of side effects at import, so every case may share them instead of loading its own copy.
PASSED_THROUGH = ("activities", "domain", "workflows.counterparties", "workflows.search_attributes")


@dataclass(frozen=True)
class Parts:
    """What stands behind the ports. Nothing is connected yet: a database that is down is met when it is needed."""

    register_engine: Engine
    register: SqlRegister
    reader: RegisterReader
    billing: SqlBilling
    calendar: ChinaHolidays
    policy: Policy
    papers: TypstPapers
    anchor: RegisterAnchor | None = None

    def close(self) -> None:
        """Give the database connections back."""
        self.register_engine.dispose()
        self.billing.engine.dispose()


def build(settings: Settings) -> Parts:
    """Choose the real thing for each port. ConfigurationError: the policy or an address cannot be used."""
    try:
        policy = load_policy(settings.policy)
    except PolicyError as problem:
        raise ConfigurationError(f"ARREARS_POLICY: {problem}") from problem
    try:
        register_engine = open_register(settings.register_url.get_secret_value())
        billing = open_billing(settings.billing_url.get_secret_value(), policy.timezone)
    except ValueError as problem:
        raise ConfigurationError(f"ARREARS_REGISTER_URL, ARREARS_BILLING_URL: {problem}") from problem
    anchor_file = settings.anchor_file
    return Parts(
        register_engine=register_engine,
        register=SqlRegister(register_engine),
        reader=RegisterReader(register_engine),
        billing=billing,
        calendar=ChinaHolidays(),
        policy=policy,
        papers=TypstPapers(settings.documents_folder, settings.letterhead),
        anchor=RegisterAnchor(register_engine, anchor_file) if anchor_file else None,
    )


def activities(parts: Parts) -> list[Callable[..., Any]]:
    """Every activity a case or a sweep may ask for."""
    billing = BillingActivities(
        billing=parts.billing,
        cards=parts.register,
        holidays=parts.calendar,
        moratoria=parts.register,
        default_policy=lambda: parts.policy,
    )
    return [
        billing.open_account,
        billing.read_debt,
        billing.look_around,
        NoticeActivities(parts.register, parts.papers).issue_notice,
        TicketActivities(parts.register, parts.papers).send_ticket,
        RegisterActivities(parts.register, parts.papers).write_record,
        AnchorActivities(parts.anchor if parts.anchor and parts.anchor.signs else None).anchor_evidence,
        SweepActivities(parts.billing, parts.reader, parts.register, parts.policy.zone).sweep_page,
    ]


def sandbox(strict: bool = False) -> SandboxedWorkflowRunner:
    """The sandbox, with the project's pure modules passed through; `strict` makes any other pass-through an error."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    if strict:
        restrictions = replace(
            restrictions,
            import_notification_policy=SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH,
        )
    return SandboxedWorkflowRunner(restrictions=restrictions)


def make_worker(client: Client, parts: Parts, settings: Settings, *, strict_sandbox: bool = False) -> Worker:
    """A worker for cases and sweeps, not yet running."""
    return worker_for(client, settings, WORKFLOWS, activities(parts), strict_sandbox=strict_sandbox)


def worker_for(
    client: Client,
    settings: Settings,
    workflows: Sequence[type],
    served: Sequence[Callable[..., Any]],
    *,
    strict_sandbox: bool = False,
) -> Worker:
    """A worker of these settings: its slots, cache, sandbox and retries, whatever it serves."""
    threads = settings.activities + settings.local_activities
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=workflows,
        activities=served,
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="activity"),
        workflow_runner=sandbox(strict_sandbox),
        interceptors=[LongestPause(settings.retry_max)],
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_workflow_tasks=settings.workflow_tasks,
        max_concurrent_activities=settings.activities,
        max_concurrent_local_activities=settings.local_activities,
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_seconds),
        deployment_config=_versioning(settings),
    )


def _versioning(settings: Settings) -> WorkerDeploymentConfig | None:
    """Worker Versioning, when both names are set: a running case moves on to the newest version by itself."""
    if settings.deployment_name is None or settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment_name, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def connect(settings: Settings) -> Client:
    """The Temporal client that the environment describes. TemporalUnavailable: nobody answered."""
    return await connect_to(temporal_profile(), settings.connect_seconds, settings.payload_codec)


async def run_worker(settings: Settings) -> None:
    """Serve cases until SIGTERM or SIGINT, then finish what is in hand."""
    parts = build(settings)
    try:
        client = await connect(settings)
        try:
            added = await ensure_search_attributes(client)
        except RPCError as problem:
            raise unavailable(problem) from problem
        if added:
            log.info("search_attributes.added", names=added)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with make_worker(client, parts, settings):
            log.info(
                "worker.started",
                queue=settings.task_queue,
                namespace=client.namespace,
                register=parts.register_engine.url.render_as_string(),
                billing=parts.billing.engine.url.render_as_string(),
                policy=parts.policy.label,
                papers=str(parts.papers.folder),
                build=settings.build_id,
                payload_key=settings.key_ring.first if settings.key_ring else None,
            )
            await stop.wait()
            log.info("worker.stopping", patience_seconds=settings.shutdown_seconds)
        log.info("worker.stopped")
    finally:
        parts.close()


def main() -> int:
    """Exit code 0 after a signal, 2 for a wrong setting, 3 when Temporal is not there."""
    try:
        settings = load_settings()
        configure_logging(settings.log_format)
        asyncio.run(run_worker(settings))
    except ConfigurationError as problem:
        sys.stderr.write(f"{problem}\n")
        return USAGE
    except (NotThere, SearchAttributesMissing) as problem:
        sys.stderr.write(f"{problem}\n")
        return NOT_THERE
    return DONE


if __name__ == "__main__":
    leave(main())
