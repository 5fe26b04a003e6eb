"""Plays the people of one case: reads in the snapshot who is awaited, and sends what that person would send."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError
from temporalio.testing import TimeSkipper

from client import cases
from client.schedules import DAILY_SWEEP
from composition.parts import Parts
from composition.settings.model import Settings
from domain.contract.updates import ReportCut
from domain.money.book import BookedPayment
from edge.demo.book import Customer, bill_line, write_bills, write_customers, write_payments
from edge.ingest.announcer import CaseAnnouncer
from edge.ingest.ingest import IngestReport, ingest

PATIENCE = 180.0
"""Seconds until a case that does not do what the script expects is given up; a killed worker costs some of them."""
_PAUSE, _LONGEST_PAUSE = 0.03, 0.3  # seconds from one reading of a case to the next, longer each time

# As much past a deadline as a worker may need to act on it. Time skipped to a moment already past would run on to the
# next deadline.
_JUST_AFTER = timedelta(minutes=5)

Answer = dict[str, Any]

# Which field of a message carries the id that `waiting_for` names.
_ID_FIELD = {
    "record_delivery": "notice_id",
    "acknowledge_escalation": "escalation_id",
    "decide_approval": "notice_id",
    "record_filing": "notice_id",
    "acknowledge_ticket": "ticket_id",
    "record_final_notice": "ticket_id",
    "request_permit": "ticket_id",
    "report_cut": "permit_id",
    "report_not_cut": "ticket_id",
    "verify_meter": "ticket_id",
    "report_restored": "ticket_id",
    "close_incident": "incident_id",
}


class OffScript(Exception):
    """A case went another way than its life's script says."""


def expect(truth: object, what: str) -> None:
    """OffScript unless it is so."""
    if not truth:
        raise OffScript(what)


@dataclass
class Town:
    """What all lives share: the cases' client, the clock of each case, the billing book."""

    client: Client
    clocks: TimeSkipper
    settings: Settings
    parts: Parts
    folder: Path
    now: Callable[[], datetime]
    turns: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """Set for each life that needs to be alone when those before it are over."""
    _ingesting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _files: int = 0

    def file(self, kind: str, account_id: str) -> Path:
        """A name for the next export file."""
        self._files += 1
        return self.folder / "exports" / f"{self._files:03}-{kind}-{account_id}.csv"

    async def ingest(self, *files: Path, say: Callable[[str], None] = lambda _: None) -> IngestReport:
        """These exports go the way that `starter.py ingest` takes; cases opened on it have a clock of their own."""
        async with self._ingesting:
            return await ingest(
                files,
                self.parts.book,
                CaseAnnouncer(self.client, self.parts.policies, self.settings.task_queue),
                now=self.now(),
                policies=self.parts.policies,
                say=say,
                reject_path=self.folder / "rejected.csv",
            )

    async def book_quietly(self, payment: BookedPayment) -> None:
        """Billing has the payment, and announces it to no case: neither now nor with another account's file."""
        book = self.parts.book
        async with self._ingesting:
            await asyncio.to_thread(book.add_payments, (payment,))
            await asyncio.to_thread(book.mark_announced, (), (payment.payment_id,), self.now())


@dataclass
class Case:
    """One account's case, seen and steered from outside by the public contract alone."""

    town: Town
    customer: Customer
    show: Callable[[datetime | None, str], None] = lambda _at, _text: None
    turn: int = 0
    _payments: int = 0
    _bills: int = 1

    @property
    def account_id(self) -> str:
        """The account."""
        return self.customer.account_id

    # ---- reading -------------------------------------------------------------------------------

    async def snapshot(self) -> Answer:
        """The `snapshot` query; with no worker there is no answer, so it is asked until one is there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(cases.NoAnswer):
                    answer: Answer = await cases.query(
                        self.town.client, self.account_id, "snapshot", patience=timedelta(seconds=10)
                    )
                    return answer
                await asyncio.sleep(_LONGEST_PAUSE)

    async def sees(self, what: str, found: Callable[[Answer], Any]) -> Any:
        """What `found` finds in the snapshot, once it finds something. OffScript: it never did."""
        snap: Answer = {}
        pause = _PAUSE
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    snap = await self.snapshot()
                    if it := found(snap):
                        return it
                    await asyncio.sleep(pause)
                    pause = min(1.5 * pause, _LONGEST_PAUSE)
        raise OffScript(f"{what} did not come; {_where(snap)}")

    async def awaited(self, act: str, role: str | None = None) -> Answer:
        """The entry of `waiting_for`, once the case waits for that message."""

        def entry(snap: Answer) -> Answer | None:
            """The awaited message, as the snapshot lists it."""
            waiting = snap.get("waiting_for", ())
            return next((a for a in waiting if a["act"] == act and role in (None, a["role"])), None)

        found: Answer = await self.sees(f"waiting for {role or 'someone'} to {act}", entry)
        return found

    async def notice(self, kind: str) -> Answer:
        """The notice of that kind that is to be delivered, once it is issued."""

        def open_(snap: Answer) -> Answer | None:
            """The undelivered notice, as the snapshot lists it."""
            ids = {a.get("id") for a in snap.get("waiting_for", ()) if a["act"] == "record_delivery"}
            return next((n for n in snap.get("notices", ()) if n["kind"] == kind and n["notice_id"] in ids), None)

        found: Answer = await self.sees(f"a {kind} notice to deliver", open_)
        return found

    # ---- saying --------------------------------------------------------------------------------

    async def says(self, act: str, role: str, *, by: Answer | None = None, **payload: Any) -> Answer:
        """That person sends this update; asked again under the same id until a worker is there to answer."""
        payload["actor"] = by or self.customer.actor(role)
        self.show(None, f"{role} {act}")
        async with asyncio.timeout(PATIENCE):
            update_id = f"demo-{uuid.uuid4()}"
            while True:
                try:
                    return await cases.update(self.town.client, self.account_id, act, payload, update_id=update_id)
                except cases.NoAnswer:
                    await asyncio.sleep(_LONGEST_PAUSE)

    async def does(self, act: str, role: str | None = None, **payload: Any) -> Answer:
        """The awaited person does what is awaited; the id comes from `waiting_for`."""
        entry = await self.awaited(act, role)
        if act in _ID_FIELD and entry.get("id"):
            payload[_ID_FIELD[act]] = entry["id"]
        return await self.says(act, entry["role"], **payload)

    async def refused(self, type_: str, act: str, role: str, **payload: Any) -> None:
        """That person sends this update, and the case says no in this way."""
        try:
            answer = await self.says(act, role, **payload)
        except cases.Refused as refusal:
            expect(refusal.type == type_, f"{role} {act} was refused as {refusal.type}, not as {type_}")
        else:
            raise OffScript(f"{role} {act} was answered {answer}, not refused as {type_}")

    async def hears(self, signal: str, **payload: Any) -> None:
        """A signal reaches the case."""
        self.show(None, signal)
        await cases.signal(self.town.client, self.account_id, signal, payload)

    async def found_cut_by_crew(self, reason: str) -> Answer:
        """A crew reports a cut of this meter; to no case, that opens one."""
        self.show(None, f"field_crew report_cut ({reason})")
        actor = self.customer.actor("field_crew")
        report = ReportCut.model_validate({"meter_id": self.customer.meter_id, "actor": actor})
        return await cases.report_cut(
            self.town.client,
            self.account_id,
            report,
            policy=self.town.parts.policy,
            task_queue=self.town.settings.task_queue,
        )

    # ---- money ---------------------------------------------------------------------------------

    async def pays(
        self,
        amount: Decimal | None = None,
        *,
        at: datetime | None = None,
        bill: int | None = None,
        silently: bool = False,
        payment_id: str = "",
    ) -> str:
        """Money reaches the billing book through a file of payments; `silently`, billing announces nothing."""
        self._payments += 1
        payment = BookedPayment(
            payment_id or f"P-{self.account_id}-{self._payments}",
            self.account_id,
            self.customer.amount if amount is None else amount,
            at or await self.now(),
            bill_id=f"B-{self.account_id}-{bill}" if bill else None,
            channel="网上国网",
        )
        self.show(payment.paid_at, f"交费 pays {payment.amount}")
        if silently:
            await self.town.book_quietly(payment)
        else:
            await self.town.ingest(write_payments(self.town.file("payments", self.account_id), (payment,)))
        return payment.payment_id

    async def bounces(self, payment_id: str, amount: Decimal | None = None) -> None:
        """A payment is taken back, through a file of payments."""
        amount, at = self.customer.amount if amount is None else amount, await self.now()
        self.show(at, f"冲正 {payment_id} bounces")
        back = BookedPayment(f"{payment_id}-R", self.account_id, -amount, at, channel="银行代扣", reverses=payment_id)
        await self.town.ingest(write_payments(self.town.file("payments", self.account_id), (back,)))

    async def is_billed(self, amount: Decimal, due: date) -> int:
        """Another bill, already overdue, reaches the billing book and joins the case; returns its number."""
        self._bills += 1
        line = bill_line(self.account_id, due, amount, self._bills)
        await self.town.ingest(write_bills(self.town.file("bills", self.account_id), (line,)))
        return self._bills

    async def is_corrected(self, amount: Decimal) -> None:
        """Billing corrects the customer's first bill, and announces it to no case."""
        self.show(None, f"更正账单 the bill is {amount}")
        await asyncio.to_thread(self.town.parts.book.correct_bill, f"B-{self.account_id}-1", amount)

    async def is_recorded_anew(self, **changes: Any) -> None:
        """The customers' export is read again, with these fields of this customer changed."""
        self.customer = replace(self.customer, **changes)
        self.show(None, f"档案变更 the customer's record changes: {', '.join(changes)}")
        await self.town.ingest(write_customers(self.town.file("customers", self.account_id), (self.customer,)))

    async def sweep(self) -> None:
        """The schedule of the daily sweep fires."""
        self.show(None, "daily-sweep")
        await self.town.client.get_schedule_handle(DAILY_SWEEP).trigger()

    async def billing_down(self) -> None:
        """The billing system answers nobody."""
        self.show(None, "billing is down")
        await asyncio.to_thread(self.town.parts.book.set_reachable, False)

    async def billing_back(self) -> None:
        """The billing system answers again."""
        await asyncio.to_thread(self.town.parts.book.set_reachable, True)

    # ---- time ----------------------------------------------------------------------------------

    async def now(self) -> datetime:
        """The case's own clock, in the utility's zone."""
        handle = self.town.client.get_workflow_handle(cases.workflow_id(self.account_id))
        return (await self.town.clocks.get_current_time(handle)).astimezone(self.town.parts.policy.zone)

    async def today(self) -> date:
        """The local day of the case's clock."""
        return (await self.now()).date()

    async def until(self, moment: datetime | str) -> None:
        """Let time pass until that moment of the case's clock."""
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        handle = self.town.client.get_workflow_handle(cases.workflow_id(self.account_id))
        self.show(moment, "")
        if (ahead := moment - await self.now()) > timedelta():
            await self.town.clocks.fast_forward(handle, ahead)

    async def comes_to_its_turn(self) -> None:
        """Wait for the other lives to end: what this one does next would disturb them."""
        await self.town.turns[self.turn].wait()

    async def later(self, **delta: float) -> None:
        """Let so much time pass."""
        await self.until(await self.now() + timedelta(**delta))

    async def until_deadline(self) -> None:
        """Let time pass until just after the next moment at which the clock moves the case."""
        await self.until(datetime.fromisoformat((await self.snapshot())["next_deadline"]) + _JUST_AFTER)

    async def closed(self) -> Answer:
        """How the case ended, once it has."""
        handle = self.town.client.get_workflow_handle(cases.workflow_id(self.account_id))
        try:
            async with asyncio.timeout(PATIENCE):
                result: Answer = await handle.result()
                return result
        except TimeoutError:
            snap = await self.snapshot()
            raise OffScript(f"the case is still open, {_where(snap)}") from None
        except WorkflowFailureError as failure:
            raise OffScript(f"the case failed: {failure.cause}") from failure


def _where(snap: Answer) -> str:
    awaited = ", ".join(f"{a['role']} {a['act']}" for a in snap.get("waiting_for", ()))
    return f"in {snap.get('stage')}, waiting for {awaited or 'nobody'}"
