"""Plays everyone around one case by the public messages alone, and asks again until the utility has answered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.billing import BillingUnavailable
from client import cases
from domain.money.book import BookedPayment
from tests.chaos.ledgers import Said
from tests.chaos.programs import Town
from tests.support.world import PEOPLE, SOON

T = TypeVar("T")
Answer = dict[str, Any]
Ending = Literal["paid after yellow", "paid after red", "cut and restored", "held and cut", "found cut"]

PATIENCE = timedelta(seconds=12)
"""How long one question waits before it is asked again."""
_LIFE_SECONDS = 540
_LOOK_AGAIN, _LOOK_RARELY = 0.1, 1.5
# Nobody answers yet, or not now: neither a yes nor a no.
_NO_ANSWER = (cases.NoAnswer, cases.TemporalUnavailable, RPCError, TimeoutError, BillingUnavailable, ConnectionError)

# What the person awaited says, beside the id that `waiting_for` names and the actor.
_SAYS: dict[str, tuple[str, Answer]] = {
    "record_delivery": ("notice_id", {"outcome": "signed", "recipient": "the customer"}),
    "decide_approval": ("notice_id", {"decision": "approved", "remark": "complete"}),
    "acknowledge_ticket": ("ticket_id", {}),
    "record_final_notice": ("ticket_id", {"how": "at the door"}),
    "record_filing": ("notice_id", {"purpose": "filing", "reference": "17", "authority": "bureau"}),
    "acknowledge_escalation": ("escalation_id", {"remark": "read"}),
    "report_restored": ("ticket_id", {"meter_reading": "04512"}),
    "close_incident": ("incident_id", {"outcome": "disciplined"}),
    "serve_again": ("", {"reason": "the way is clear"}),
}


class Stuck(Exception):
    """A case did not come to its end in the time it was given."""


@dataclass
class Life:
    """One account, and how its case is to end."""

    account_id: str
    ending: Ending
    amount: Decimal
    meter_id: str
    twice: bool = False
    """Whether everybody says everything twice."""
    bill_id: str = ""
    paid: bool = False
    held: bool = False
    result: Answer | None = None


@dataclass
class People:
    """Everyone around one case."""

    town: Town
    said: Said
    life: Life
    _number: int = 0
    _pause: float = _LOOK_AGAIN
    _done: set[str] = field(default_factory=set)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """The case."""
        return self.town.client.get_workflow_handle(cases.workflow_id(self.life.account_id))

    async def live(self) -> None:
        """Play until the case is closed. Stuck: it never was."""
        snap: Answer = {}
        try:
            async with asyncio.timeout(_LIFE_SECONDS):
                while (where := await self.insist(self._where)) != "closed":
                    if where == "at rest":
                        snap = await self.insist(self._snapshot)
                    if where == "at rest" and await self._does_something(snap):
                        self._pause = _LOOK_AGAIN
                    else:
                        await asyncio.sleep(self._pause)
                        self._pause = min(1.5 * self._pause, _LOOK_RARELY)
                self.life.result = await self.insist(self._result)
        except TimeoutError:
            raise Stuck(f"{self.life.account_id} ({self.life.ending}) stands still: {snap}") from None

    async def _snapshot(self) -> Answer:
        snap: Answer = await cases.query(self.town.client, self.life.account_id, "snapshot", patience=PATIENCE)
        return snap

    async def _result(self) -> Answer:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            result: Answer = await self.handle.result()
            return result

    # ---- what to do next -----------------------------------------------------------------------

    async def _does_something(self, snap: Answer) -> bool:
        """One step of whoever is awaited; the customer's step; or time passes. False: nothing to do but read again."""
        if "waiting_for" not in snap:  # not open yet
            return False
        permit = snap.get("permit")
        if permit and permit["state"] == "open" and not self.life.paid:
            meter = {"meter_id": self.life.meter_id, "permit_id": permit["permit_id"]}
            return await self.says("report_cut", "field_crew", permit["permit_id"], meter)
        if await self._customer_acts(snap):
            return True
        for awaited in snap["waiting_for"]:
            if await self._acts(awaited):
                return True
        if self.life.paid or self.life.ending == "found cut":
            return False
        return await self._time_passes(snap)

    async def _customer_acts(self, snap: Answer) -> bool:
        """Pay, or have a hold placed and lifted, when this life says so."""
        if self.life.ending == "held and cut" and not self.life.held and _served(snap, "red"):
            self.life.held = True
            await self._is_held()
            return True
        if not self.life.paid and self._will_pay(snap):
            self.life.paid = True
            await self.pays()
            return True
        return False

    def _will_pay(self, snap: Answer) -> bool:
        match self.life.ending:
            case "paid after yellow":
                return _served(snap, "yellow")
            case "paid after red":
                return _served(snap, "red")
            case "cut and restored" | "held and cut":
                return bool(snap["stage"] == "disconnected")
            case "found cut":
                return snap["stage"] == "yellow_notice" and len(snap["notices"]) > 0

    async def _acts(self, awaited: Answer) -> bool:
        role, act, about = awaited["role"], awaited["act"], awaited.get("id")
        if act == "request_permit":
            return await self._asks_for_the_permit(str(about))
        if act not in _SAYS:
            return False
        field_name, payload = _SAYS[act]
        return await self.says(act, role, f"{about}/{role}", {**({field_name: about} if field_name else {}), **payload})

    async def _asks_for_the_permit(self, ticket_id: str) -> bool:
        payload = {"ticket_id": ticket_id, "meter_id": self.life.meter_id, "actor": PEOPLE["field_crew"]}
        self._number += 1
        key = f"{ticket_id}/{self._number}"
        answer = await self._asked("request_permit", key, payload)
        # A refusal because billing gave no answer is asked again; the rest is seen in the next snapshot.
        return bool(answer and answer.get("granted"))

    async def _time_passes(self, snap: Answer) -> bool:
        deadline = snap.get("next_deadline")
        if not deadline or await self.insist(self._where) != "at rest":
            return False
        await self.until(datetime.fromisoformat(deadline) + SOON)
        return True

    async def _where(self) -> Literal["at rest", "at work", "closed"]:
        """Whether the case has a step under way, by the server alone.

        People read a case that rests: time that passes over a step just begun would be time lost, and a query that
        overtakes a step is dangerous in itself (see `test_overtaken`).
        """
        raw = (await self.handle.describe()).raw_description
        busy: bool = bool(raw.pending_activities) or raw.HasField("pending_workflow_task")
        if raw.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return "closed"
        return "at work" if busy else "at rest"

    async def until(self, moment: datetime) -> None:
        """Let time pass on the case's clock, through whatever faults."""

        async def skip() -> None:
            async with asyncio.timeout(40):
                ahead = moment - await self.now()
                if ahead > timedelta():
                    await self.town.clocks.fast_forward(self.handle, ahead)

        with suppress(RuntimeError):  # overtaken by a later one: the case is read again anyhow
            await self.insist(skip)

    async def now(self) -> datetime:
        """The case's own clock."""
        return await self.town.clocks.get_current_time(self.handle)

    # ---- saying --------------------------------------------------------------------------------

    async def says(self, act: str, role: str, key: str, payload: Answer) -> bool:
        """This person says this once (or twice, in such a life); False if it was said before, or refused."""
        if f"{act}/{key}" in self._done:
            return False
        self._done.add(f"{act}/{key}")
        answer = await self._asked(act, key, {**payload, "actor": PEOPLE[role]})
        if answer is not None and self.life.twice:
            # The same business id in another request: the first answer again, and nothing happens.
            again = await self._asked(act, key, {**payload, "actor": PEOPLE[role]}, update_id=f"again/{act}/{key}")
            assert again in (answer, None), f"{act} {key} was answered {answer}, and then {again}"
        return answer is not None

    async def _asked(self, act: str, key: str, payload: Answer, update_id: str = "") -> Answer | None:
        """The case's answer, asked for under one update id until it is there; None if the case refuses."""
        account = self.life.account_id
        if not update_id:
            self.said.says(account, act, key, payload)

        async def ask() -> Answer:
            return await cases.update(
                self.town.client, account, act, payload, update_id=update_id or f"{act}/{key}", patience=PATIENCE
            )

        try:
            answer = await self.insist(ask)
        except (cases.Refused, cases.NoCase) as no:
            if not update_id:
                self.said.refused(account, act, key, no.type)
            return None
        if not update_id:
            self.said.heard(account, act, key, answer)
        return answer

    async def signals(self, name: str, key: str, **payload: Any) -> None:
        """A signal, sent again until the server has taken it; then once more, in such a life."""
        account = self.life.account_id
        self.said.says(account, name, key, payload)
        await self.insist(lambda: cases.signal(self.town.client, account, name, payload))
        self.said.heard(account, name, key, {})
        if self.life.twice:
            with suppress(cases.NoCase):  # settled and closed in between
                await self.insist(lambda: cases.signal(self.town.client, account, name, payload))

    async def pays(self) -> None:
        """Money reaches the billing book, and the case hears of it."""
        account, key = self.life.account_id, f"P-{self.life.account_id}"
        at = await self.insist(self.now)
        payment = BookedPayment(key, account, self.life.amount, at)
        self.said.says(account, "booked", key, {"amount": str(payment.amount)})
        await self.insist(lambda: asyncio.to_thread(self.town.parts.book.add_payments, (payment,)))
        self.said.heard(account, "booked", key, {})
        await self.signals(
            "payment_received", key, payment_id=key, amount=str(payment.amount), paid_at=at.isoformat(), channel="bank"
        )

    async def _is_held(self) -> None:
        """A hold for a day."""
        hold = f"H-{self.life.account_id}"
        leader = PEOPLE["team_leader"]
        await self.signals("hold_placed", hold, hold_id=hold, kind="dispute", reason="meter doubted", actor=leader)
        await self.until(await self.insist(self.now) + timedelta(hours=20))
        await self.signals("hold_lifted", hold, hold_id=hold, actor=leader)

    # ---- insisting -----------------------------------------------------------------------------

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, whoever is dead meanwhile."""
        while True:
            try:
                return await ask()
            except _NO_ANSWER as silence:
                if isinstance(silence, RPCError) and silence.status == RPCStatusCode.NOT_FOUND:
                    raise  # the case is gone
                await asyncio.sleep(_LOOK_RARELY / 3)


def _served(snap: Answer, kind: str) -> bool:
    return any(n["kind"] == kind and n.get("served_at") and n["state"] != "void" for n in snap["notices"])
