"""The composition root: settings → databases, activities, worker. `python worker.py` runs until SIGTERM or SIGINT."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
from activities.billing import BillingActivities, BillingUnavailable
from activities.case_context import CaseContext
from activities.channels import ChannelActivities
from activities.notices import NoticeActivities
from activities.register import RegisterActivities, RegisterUnavailable
from activities.report import ReportActivities
from activities.sweep import SweepActivities
from activities.tickets import TicketActivities
from adapters.apprise_channels import AppriseChannels, check_addresses, plain_channels
from adapters.billing_tables import BILLING
from adapters.channel_routes import RoutesError, read_routes
from adapters.channels_look import ChannelsSeen, look_at_channels
from adapters.customer_channels import CustomersByApprise
from adapters.database_look import DatabaseSeen, look_at_billing, look_at_register, open_rows, time_at_register, unsent
from adapters.delivery_reading import DeliveryReader
from adapters.evidence_anchor import RegisterAnchor
from adapters.holiday_calendar import ChinaHolidays
from adapters.http_billing import HttpBilling, open_http_billing
from adapters.log import configure_logging
from adapters.moratorium_reading import MoratoriumReader
from adapters.outbox_dispatcher import OutboxDispatcher
from adapters.papers import TypstPapers
from adapters.payload_codec import EncryptedPayloads
from adapters.register_reading import RegisterReader
from adapters.register_tables import REGISTER
from adapters.report_book import ReportBook
from adapters.report_figures import ReportFigures
from adapters.settings import Settings
from adapters.settings_forms import ConfigurationError
from adapters.settings_loading import check_console, load_settings
from adapters.settings_look import ReadSettings, read_settings
from adapters.sql_billing import SqlBilling, open_billing
from adapters.sql_migration import Database
from adapters.sql_outbox import SqlOutbox
from adapters.sql_register import SqlRegister, open_register, open_register_to_read
from adapters.temporal_settings import temporal_profile
from domain.law.policy import Policy
from domain.law.policy_choice import Policies, load_policies
from domain.law.policy_file import PolicyError
from edge.cases import unavailable
from edge.connection import connect as connect_to
from edge.output import DONE, NOT_THERE, USAGE, NotThere, leave
from edge.search_attributes import SearchAttributesMissing, ensure_search_attributes
from workflows.arrears_case import ArrearsCase
from workflows.daily_sweep import DailySweep
from workflows.evidence_anchoring import EvidenceAnchoring
from workflows.government_report import GovernmentReport
from workflows.interceptors import LongestPause

__all__ = [
    "ChannelsSeen",
    "ConfigurationError",
    "DatabaseSeen",
    "EncryptedPayloads",
    "NotEmbedded",
    "Parts",
    "ReadSettings",
    "Settings",
    "activities",
    "ask_billing",
    "build",
    "check_console",
    "configure_logging",
    "connect",
    "load_settings",
    "look_at_billing",
    "look_at_channels",
    "look_at_register",
    "make_worker",
    "open_rows",
    "read_settings",
    "run_worker",
    "sandbox",
    "sending",
    "spare_the_collector",
    "time_at_register",
    "unsent",
    "with_channels",
    "worker_for",
]

log = structlog.get_logger()

WORKFLOWS: tuple[type, ...] = (ArrearsCase, DailySweep, EvidenceAnchoring, GovernmentReport)
# Deterministic and free of side effects at import, so every case may share them instead of loading its own copy: the
# code of ArrearsCase alone would be a third of what a sleeping case keeps in memory. What they may import, and that
# they read no clock, is held by tests/test_architecture.py.
PASSED_THROUGH = (
    "activities",
    "domain",
    "workflows.arrears_case",
    "workflows.case_desk",
    "workflows.case_messages",
    "workflows.counterparties",
    "workflows.payloads",
    "workflows.search_attributes",
    "workflows.uncancelled",
)


class NotEmbedded(Exception):
    """The embedded billing book was asked for, and there is none; the sentence says what to do instead."""


@dataclass(frozen=True)
class Parts:
    """What stands behind the ports. Nothing is connected yet: a database that is down is met when it is needed."""

    register_engine: Engine
    register: SqlRegister
    reader: RegisterReader
    moratoria: MoratoriumReader
    outbox: SqlOutbox
    deliveries: DeliveryReader
    billing: SqlBilling | HttpBilling
    calendar: ChinaHolidays
    policies: Policies
    figures: ReportFigures
    papers: TypstPapers
    anchor: RegisterAnchor | None = None
    databases: tuple[Database, ...] = ()

    @property
    def policy(self) -> Policy:
        """The default policy: its time zone and currency are those of all."""
        return self.policies.default

    def policy_for(self, account_id: str) -> Policy | None:
        """The policy of a case of this account, opened now; None, and the worker chooses, if billing cannot say."""
        if not self.policies.chosen:
            return self.policy
        try:
            return self.policies.for_account(self.billing.accounts((account_id,)).get(account_id))
        except BillingUnavailable:
            return None

    @property
    def book(self) -> SqlBilling:
        """The embedded billing book, the only one that can be written to. NotEmbedded: billing keeps its own."""
        if isinstance(self.billing, HttpBilling):
            raise NotEmbedded(
                f"the billing system at {self.billing.address} keeps its own book, and nothing can be written to it"
                " from here. Book bills and payments there; then `overdue` opens the cases of who is overdue, and"
                " `payment-received`, or a signed billing event, makes a case look at once"
            )
        return self.billing

    @property
    def reports(self) -> ReportBook:
        """The reports to the government; whether their messages are handed on is the register's matter."""
        return ReportBook(self.register.engine, self.register.hands_on, self.register.after_filing)

    @property
    def reporting(self) -> ReportActivities:
        """The making of a report, out of these parts."""
        return ReportActivities(self.figures, self.reports, self.papers, self.policy.zone)

    customers: CustomersByApprise | None = None
    dispatcher: OutboxDispatcher | None = None

    def close(self) -> None:
        """Give the connections back."""
        self.register_engine.dispose()
        self.billing.close()


def build(settings: Settings) -> Parts:
    """Choose the real thing for each port. ConfigurationError: the policy or an address cannot be used."""
    try:
        policies = load_policies(settings.policy)
    except PolicyError as problem:
        raise ConfigurationError(f"ARREARS_POLICY: {problem}") from problem
    try:
        register_engine = open_register(settings.register_url.get_secret_value())
        billing = _open_billing(settings, policies.default.timezone)
    except ValueError as problem:
        raise ConfigurationError(f"ARREARS_REGISTER_URL, ARREARS_BILLING_URL: {problem}") from problem
    anchor_file = settings.anchor_file
    return Parts(
        register_engine=register_engine,
        register=SqlRegister(register_engine, settings.field_capacity),
        reader=RegisterReader(register_engine),
        moratoria=MoratoriumReader(register_engine),
        outbox=SqlOutbox(register_engine),
        deliveries=DeliveryReader(register_engine),
        billing=billing,
        calendar=ChinaHolidays(),
        policies=policies,
        figures=ReportFigures(register_engine, policies.default),
        papers=TypstPapers(settings.documents_folder, settings.letterhead),
        anchor=RegisterAnchor(register_engine, anchor_file) if anchor_file else None,
        databases=(Database(register_engine, REGISTER, RegisterUnavailable), *_databases_of(billing)),
    )


def register_to_read(settings: Settings) -> RegisterReader:
    """The register for questions alone: the database refuses every write, of a row or of a missing table."""
    return RegisterReader(open_register_to_read(settings.register_url.get_secret_value()))


def ask_billing(settings: Settings) -> None:
    """Ask billing for an account that there is not. BillingUnavailable: it gives no answer."""
    billing = _open_billing(settings, "UTC")
    try:
        billing.customer("-")
    finally:
        billing.close()


def _open_billing(settings: Settings, timezone: str) -> SqlBilling | HttpBilling:
    url = settings.billing_url.get_secret_value()
    if settings.billing_over_http:
        token = settings.billing_token
        return open_http_billing(url, token.get_secret_value() if token else None, timezone)
    return open_billing(url, timezone)


def _databases_of(billing: SqlBilling | HttpBilling) -> tuple[Database, ...]:
    return () if isinstance(billing, HttpBilling) else (Database(billing.engine, BILLING, BillingUnavailable),)


def with_channels(parts: Parts, settings: Settings) -> Parts:
    """The parts with the delivery channels of `ARREARS_NOTIFY`; without it, as they are: messages stay in the outbox.

    ConfigurationError: the routing table cannot be used, or production would send in clear.
    """
    if settings.routes_file is None:
        return parts
    try:
        routes = read_routes(settings.routes_file)
        check_addresses(routes)
    except RoutesError as problem:
        raise ConfigurationError(f"ARREARS_NOTIFY: {problem}") from problem
    if settings.mode == "production" and (plain := plain_channels(routes)):
        raise ConfigurationError(
            f"ARREARS_MODE=production refuses weak settings:\nARREARS_NOTIFY: {', '.join(plain)} would be reached on"
            " another machine without TLS, or without a look at its certificate; use mailtos://, jsons:// and the like"
        )
    if routes.unreached or routes.partly_reached:
        some = list(routes.partly_reached)
        log.warning("channels.no_route", roles=list(routes.unreached), only_some_units_of=some, see="RUNBOOK.md, 12")
    channels = AppriseChannels(routes.seconds)
    dispatcher = OutboxDispatcher(parts.outbox, routes, channels, _now)
    register = replace(parts.register, hands_on=bool(routes.staff), after_filing=dispatcher.wake)
    customers = CustomersByApprise(routes.customer, channels, register, parts.outbox) if routes.customer else None
    return replace(parts, register=register, customers=customers, dispatcher=dispatcher)


def _now() -> datetime:
    return datetime.now(UTC)


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
        ChannelActivities(parts.customers).tell_customer,
        NoticeActivities(parts.register, parts.papers).issue_notice,
        TicketActivities(parts.register, parts.papers).send_ticket,
        RegisterActivities(parts.register, parts.papers).write_record,
        AnchorActivities(parts.anchor if parts.anchor and parts.anchor.signs else None).anchor_evidence,
        SweepActivities(parts.billing, parts.reader, parts.register, parts.policy.zone).sweep_page,
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
        interceptors=[LongestPause(settings.retry_max), CaseContext()],
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
    parts = with_channels(build(settings), settings)
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
        async with sending(parts), make_worker(client, parts, settings):  # what the worker files last is sent too
            log.info(
                "worker.started",
                queue=settings.task_queue,
                namespace=client.namespace,
                register=parts.register_engine.url.render_as_string(),
                billing=parts.billing.address,
                policy=[policy.label for policy in parts.policies.every],
                papers=str(parts.papers.folder),
                build=settings.build_id,
                channels=settings.notify is not None,
                payload_key=settings.key_ring.first if settings.key_ring else None,
                metrics=settings.metrics,
            )
            await stop.wait()
            log.info("worker.stopping", patience_seconds=settings.shutdown_seconds)
        log.info("worker.stopped")
    finally:
        parts.close()


@asynccontextmanager
async def sending(parts: Parts) -> AsyncIterator[None]:
    """While the block lasts, what lies in the outbox is sent; what is being sent at its end comes to its own."""
    if parts.dispatcher is None:
        yield
        return
    parts.dispatcher.start()
    try:
        yield
    finally:
        await asyncio.to_thread(parts.dispatcher.stop)


def spare_the_collector() -> None:
    """Have Python's collector leave alone what is there for good: it halts every thread while it looks at the rest."""
    gc.collect()
    gc.freeze()


def main() -> int:
    """Exit code 0 after a signal, 2 for a wrong setting, 3 when Temporal is not there."""
    try:
        settings = load_settings()
        configure_logging(settings.log_format, metrics=settings.metrics)
        spare_the_collector()
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
