"""The Temporal worker: the workflows and activities that it serves, its sandbox, its slots, its version."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Plugin, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.anchor import AnchorActivities
from activities.billing import BillingActivities
from activities.case_context import CaseContext
from activities.channels import ChannelActivities
from activities.meters import WhoseMeter
from activities.notices import NoticeActivities
from activities.register import RegisterActivities
from activities.sweep import SweepActivities
from activities.tickets import TicketActivities
from composition.parts import Parts
from composition.payload_keys import leaving_its_mark
from composition.settings.model import Settings
from workflows.arrears_case import ArrearsCase
from workflows.daily_sweep import DailySweep
from workflows.evidence_anchoring import EvidenceAnchoring
from workflows.government_report import GovernmentReport
from workflows.interceptors import LongestPause

WORKFLOWS: tuple[type, ...] = (ArrearsCase, DailySweep, EvidenceAnchoring, GovernmentReport)


# Deterministic and free of side effects at import, so cases share them instead of loading a copy each. The code of
# ArrearsCase alone would be a third of a sleeping case's memory. tests/test_architecture.py holds what they may import.
PASSED_THROUGH = (
    "activities",
    "domain",
    "workflows.arrears_case",
    "workflows.billing_desk",
    "workflows.case_desk",
    "workflows.case_messages",
    "workflows.counterparties",
    "workflows.effects",
    "workflows.facts_holder",
    "workflows.handlers",
    "workflows.payloads",
    "workflows.record_keeper",
    "workflows.search_attributes",
    "workflows.uncancelled",
)


def activities(parts: Parts) -> list[Callable[..., Any]]:
    """Every activity that a workflow may ask for."""
    billing = BillingActivities(
        billing=parts.billing,
        cards=parts.register,
        holidays=parts.calendar,
        moratoria=parts.register,
        choose_policy=parts.policies.for_account,
        field=parts.register,
    )
    return [
        billing.open_account,
        billing.read_debt,
        billing.look_around,
        billing.read_record,
        ChannelActivities(parts.customers).tell_customer,
        NoticeActivities(parts.register, parts.papers).issue_notice,
        TicketActivities(parts.register, parts.papers, WhoseMeter(parts.billing)).send_ticket,
        RegisterActivities(parts.register, parts.papers).write_record,
        AnchorActivities(parts.anchor if parts.anchor and parts.anchor.signs else None).anchor_evidence,
        SweepActivities(
            parts.billing,
            parts.reader,
            parts.register,
            parts.policy.zone,
            closed=parts.reader,
            may_stay_unpaid=parts.policy.may_stay_unpaid,
            records=parts.reader,
        ).sweep_page,
        parts.reporting.make_report,
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
    """A worker for cases and sweeps, not yet running; as it starts, it leaves its key ring's mark in the register."""
    mark = leaving_its_mark(client, parts.register_engine, settings.task_queue)
    return worker_for(client, settings, WORKFLOWS, activities(parts), strict_sandbox=strict_sandbox, plugins=(mark,))


def worker_for(
    client: Client,
    settings: Settings,
    workflows: Sequence[type],
    served: Sequence[Callable[..., Any]],
    *,
    strict_sandbox: bool = False,
    plugins: Sequence[Plugin] = (),
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
        interceptors=[LongestPause(settings.retry_max), CaseContext()],
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_workflow_tasks=settings.workflow_tasks,
        max_concurrent_activities=settings.activities,
        max_concurrent_local_activities=settings.local_activities,
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_seconds),
        deployment_config=_versioning(settings),
        plugins=plugins,
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
