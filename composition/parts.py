"""Which adapter stands behind which port: settings in, parts out; nothing is connected yet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Engine
from temporalio.client import Client

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from activities.report import ReportActivities
from adapters.anchor.register_anchor import RegisterAnchor
from adapters.billing.embedded import SqlBilling, open_billing
from adapters.billing.over_http import HttpBilling, open_http_billing
from adapters.billing.tables import BILLING
from adapters.channels.apprise import AppriseChannels, check_addresses, plain_channels
from adapters.channels.customers import CustomersByApprise
from adapters.channels.dispatcher import OutboxDispatcher
from adapters.channels.routes import RoutesError, read_routes
from adapters.holidays import ChinaHolidays
from adapters.papers.typst import TypstPapers
from adapters.register.deliveries import DeliveryReader
from adapters.register.moratoria import MoratoriumReader
from adapters.register.outbox import SqlOutbox
from adapters.register.reading import RegisterReader
from adapters.register.report_figures import ReportFigures
from adapters.register.reports import ReportBook
from adapters.register.tables import REGISTER
from adapters.register.writing import SqlRegister, open_register, open_register_to_read
from adapters.sql.migration import Database
from client.connection import connect as connect_to
from composition.settings.fields import ConfigurationError
from composition.settings.model import Settings
from composition.settings.temporal import temporal_profile
from domain.law.policy import Policy
from domain.law.policy_choice import Policies, load_policies
from domain.law.policy_file import PolicyError

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger()


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
                " `payment-received`, or a signed billing event, makes a case ask billing at once"
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
        papers=TypstPapers(settings.documents_folder, settings.letterhead, settings.paper_fonts),
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


def billing_api(book: SqlBilling, token: str | None) -> "FastAPI":
    """The embedded book as a billing system over HTTP; without a token everybody is answered."""
    # Loaded on demand: nothing else that has parts needs a web server.
    from adapters.billing.server import BillingApi

    return BillingApi(book, token).app()


def _open_billing(settings: Settings, timezone: str) -> SqlBilling | HttpBilling:
    url = settings.billing_url.get_secret_value()
    if settings.billing_over_http:
        token = settings.billing_token
        return open_http_billing(url, token.get_secret_value() if token else None, timezone)
    return open_billing(url, timezone)


def _databases_of(billing: SqlBilling | HttpBilling) -> tuple[Database, ...]:
    return () if isinstance(billing, HttpBilling) else (Database(billing.engine, BILLING, BillingUnavailable),)


def with_channels(parts: Parts, settings: Settings) -> Parts:
    """The parts with the delivery channels of `ARREARS_NOTIFY`; without it, as they are: nothing is sent.

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
            " another machine without TLS, or without a check of its certificate; use mailtos://, jsons:// and the like"
        )
    if routes.unreached or routes.partly_reached:
        some = list(routes.partly_reached)
        log.warning(
            "channels.no_route", roles=list(routes.unreached), only_some_units_of=some, see="docs/runbook.md, 12"
        )
    channels = AppriseChannels(routes.seconds)
    dispatcher = OutboxDispatcher(parts.outbox, routes, channels, _now)
    register = replace(parts.register, hands_on=bool(routes.staff), after_filing=dispatcher.wake)
    customers = CustomersByApprise(routes.customer, channels, register, parts.outbox) if routes.customer else None
    return replace(parts, register=register, customers=customers, dispatcher=dispatcher)


def _now() -> datetime:
    return datetime.now(UTC)


async def connect(settings: Settings) -> Client:
    """The Temporal client that the environment describes. TemporalUnavailable: nobody answered."""
    return await connect_to(temporal_profile(), settings.connect_seconds, settings.payload_codec)


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
