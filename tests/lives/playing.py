"""Plays a life on a real case, through its public messages only: finds whom and what each step means, and goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.book import BookedPayment
from tests.lives.book import Booked
from tests.lives.life import Life, Step
from tests.lives.town import Town
from tests.world import PEOPLE, SOON, Case, Refusal

LONGEST_LIFE = timedelta(days=90)
PATIENCE = 90.0
"""Seconds of the wall clock that any one message may take; a case that answers nothing by then is stuck."""
Snapshot = dict[str, Any]


class Stuck(Exception):
    """The case answers nothing any more."""


@dataclass
class Playing:
    """One life on its way: the case, what was booked for it outside, what was said."""

    town: Town
    case: Case
    opened_at: datetime
    now: datetime
    booked: list[Booked] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    later: list[tuple[str, list[Step]]] = field(default_factory=list)
    closed: bool = False
    was_down: bool = False
    count: int = 0
    billed: int = 0

    @property
    def account_id(self) -> str:
        return self.case.account_id

    # ---- looking -------------------------------------------------------------------------------

    async def at_rest(self) -> datetime:
        """The case's clock, once nothing is under way; an outage keeps something under way for long."""
        tries = 8 if self.town.silent_for(self.account_id) else 200
        for _ in range(tries):
            seen = (await self.case.handle.describe()).raw_description
            if seen.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
                self.closed = True
                break
            if not seen.pending_activities and not seen.HasField("pending_workflow_task"):
                break
            await asyncio.sleep(0.06)
        self.now = _clock(seen)
        return self.now

    async def look(self) -> Snapshot:
        """The snapshot."""
        return await asyncio.wait_for(self.case.snapshot(), PATIENCE)

    def next_id(self, what: str) -> str:
        """An id for a message, the same whenever this life is played."""
        self.count += 1
        return f"{what}-{self.account_id}-{self.count}"

    # ---- speaking ------------------------------------------------------------------------------

    async def say(self, update: str, by: str | dict[str, str], **payload: Any) -> Any:
        """An update; the answer, or None if it was refused or the case is over."""
        update_id = self.next_id("u")
        for again in (True, True, False):
            try:
                sent = self.case.update(update, _person(by), update_id=update_id, **payload)
                answer = await asyncio.wait_for(sent, PATIENCE)
                break
            except Refusal as refusal:
                self.said.append(f"{update}: {refusal.type}")
                return None
            except RPCError as error:
                if error.status == RPCStatusCode.UNAVAILABLE and again:
                    continue  # it met the moment between two runs of the case: sent again under the same id
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                self.said.append(f"{update}: the case is over")
                return None
            except WorkflowUpdateFailedError as failure:
                self.said.append(f"{update}: {failure.cause}")
                return None
            except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
                raise Stuck(f"{update} was not answered") from None
        self.said.append(f"{update}: {answer}")
        return answer

    async def tell(self, signal: str, **payload: Any) -> None:
        """A signal; one to a case that is over is lost."""
        try:
            await self.case.signal(signal, **payload)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    # ---- time ----------------------------------------------------------------------------------

    async def advance(self, ahead: timedelta) -> None:
        """Let time pass, within the ninety days; nothing stays down for more than two of them."""
        now = await self.at_rest()
        ahead = min(ahead, self.opened_at + LONGEST_LIFE - now)
        if self.closed or ahead <= timedelta():
            return
        if ahead > timedelta(hours=49) and self.town.put_back(self.account_id):
            await self.skip(timedelta(hours=5))
            ahead -= timedelta(hours=5)
        await self.skip(ahead)

    async def skip(self, ahead: timedelta) -> None:
        """Let time pass, from one of the case's own deadlines to the next.

        A single leap could overtake a case that a busy machine keeps at work: its next timer would come days late.
        """
        until = self.now + ahead
        while not self.closed and (left := until - self.now) > timedelta():
            snap = await self.look()
            due = datetime.fromisoformat(snap["next_deadline"]) + SOON if snap.get("next_deadline") else until
            await self._leap(min(left, max(due - self.now, SOON)))
            before = self.now
            await self.at_rest()
            if self.now <= before:
                break

    async def _leap(self, ahead: timedelta) -> None:
        try:
            await asyncio.wait_for(self.case.pass_time(seconds=ahead.total_seconds()), PATIENCE)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        except RuntimeError as error:
            if "overridden by a later" not in str(error):  # two things at once both let time pass: the later one does
                raise
        except TimeoutError:
            raise Stuck(f"time did not pass: {ahead}") from None

    async def while_billing_is_asked(self, message: Awaitable[Any]) -> None:
        """A message that waits some seconds for billing: if it is down, those seconds are let pass."""
        if self.account_id not in self.town.billing.silent:
            await message
            return
        sent = asyncio.ensure_future(message)
        await asyncio.sleep(0.2)
        await self._leap(timedelta(seconds=20))
        await sent


def _person(by: str | dict[str, str]) -> str | dict[str, str]:
    return {"id": "f-009", "role": "field_crew"} if by == "field_crew" else by


def _clock(seen: DescribeWorkflowExecutionResponse) -> datetime:
    """The case's own time; the wall's, while none has been skipped."""
    extended = seen.workflow_extended_info
    if not extended.HasField("time_skipping_info"):
        return datetime.now(UTC)
    moment: datetime = extended.time_skipping_info.current_time.ToDatetime()
    return moment.replace(tzinfo=UTC)


async def play(town: Town, life: Life, account_id: str) -> Playing:
    """Open the case and live the life to its end; what is dark then has two days more to be lit or to be a breach."""
    who = life["customer"]
    world = town.world
    await world.customer(account_id=account_id, customer_class=who["customer_class"], important=who["important"])
    bill_id = await world.bill(account_id, who["amount"], who["overdue_days"])
    report = {"report_id": f"first-{account_id}", "meter_id": f"M-{account_id}", "reported_by": "x", "source": "95598"}
    opened = await (
        world.open(account_id, signal="supply_found_cut", payload=report)
        if who["opened_by"] == "supply_found_cut"
        else world.open(account_id, amount=who["amount"])
    )
    case = Case(world, account_id, world.client.get_workflow_handle(opened.handle.id))
    playing = Playing(town, case, opened_at=(now := await case.now()), now=now)
    playing.booked.append(Booked(bill_id, now - timedelta(days=1)))
    for step in life["steps"]:
        now = await playing.at_rest()
        if playing.closed or now - playing.opened_at >= LONGEST_LIFE:
            break
        playing.said.append(f"-- {now:%m-%d %H:%M:%S} {step}")
        await STEPS[step["do"]](playing, step, await playing.look(), now)
    await _evening(playing)
    return playing


async def _evening(playing: Playing) -> None:
    """Everything answers again, the case looks once more, and darkness has time to be noticed."""
    if playing.town.put_back(playing.account_id):
        await playing.skip(timedelta(hours=5))
    await playing.tell("recheck_requested", request_id=f"evening-{playing.account_id}", source="operator")
    await playing.at_rest()
    for hours in (25, 24):
        if playing.closed or not _may_be_dark(await playing.look()):
            break
        await playing.skip(timedelta(hours=hours))
        await playing.at_rest()


def _may_be_dark(snap: Snapshot) -> bool:
    return snap["stage"] in ("disconnected", "restoring") or bool(snap.get("restore_due_by"))


# ---- the march ---------------------------------------------------------------------------------


async def march(p: Playing, _step: Step, snap: Snapshot, now: datetime) -> None:
    """What helps the case on: the first act that is awaited, else time until the next deadline."""
    awaited = {a["act"]: a for a in reversed(snap.get("waiting_for", ()))}
    for act, help_on in _HELP.items():
        if act in awaited and (await _what_waited_for(p, act) or await help_on(p, awaited[act], snap)):
            return
    if snap["stage"] == "disconnected":
        if await _what_waited_for(p, "pay"):
            return
        await pay(p, {"share": "all", "told": "once", "stamp": "now", "names_bill": False}, snap, now)
    elif snap.get("next_deadline"):
        await p.advance(datetime.fromisoformat(snap["next_deadline"]) + SOON - now)
    elif "close_incident" in awaited:
        await close_incident(p, {}, snap, now)
    else:
        await p.advance(timedelta(hours=1))


async def _what_waited_for(p: Playing, act: str) -> bool:
    """Play the steps that were put off until the march comes to this act; false if there are none."""
    for number, (wanted, steps) in enumerate(p.later):
        if wanted == act:
            del p.later[number]
            for step in steps:
                now = await p.at_rest()
                if p.closed:
                    break
                p.said.append(f"-- {now:%m-%d %H:%M:%S} {step}")
                await STEPS[step["do"]](p, step, await p.look(), now)
            return True
    return False


async def when(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """Put steps off until the march comes to an act."""
    p.later.append((step["act"], step["steps"]))


async def _light(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("report_restored", "field_crew", ticket_id=awaited["id"])
    return True


async def _acknowledge(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("acknowledge_ticket", "field_crew", ticket_id=awaited["id"])
    return True


async def _answer_for_permit(p: Playing, _awaited: Snapshot, snap: Snapshot) -> bool:
    permit, ticket = snap["permit"], _last(snap["tickets"], kind="cut")
    if permit["state"] == "open":
        await p.say("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    else:
        await p.say("report_not_cut", "field_crew", ticket_id=permit["ticket_id"], reason="nobody at home")
    return True


async def _read_report(p: Playing, _awaited: Snapshot, snap: Snapshot) -> bool:
    for e in snap["escalations"]:
        if e["state"] == "open" and e["kind"] in ("refusal", "permit_unanswered"):
            await p.say("acknowledge_escalation", e["rung"], escalation_id=e["escalation_id"], remark="read")
            return True
    return False


async def _hand_over(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("record_delivery", "reader", notice_id=awaited["id"], outcome="signed")
    return True


async def _approve(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("decide_approval", awaited["role"], notice_id=awaited["id"], decision="approved")
    return True


async def _file(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    where = {"purpose": "filing", "reference": p.next_id("ref"), "authority": "power bureau"}
    await p.say("record_filing", "liaison", notice_id=awaited["id"], **where)
    return True


async def _tell_again(p: Playing, awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("record_final_notice", "reader", ticket_id=awaited["id"], how="at the door")
    return True


async def _ask_permit(p: Playing, awaited: Snapshot, snap: Snapshot) -> bool:
    ticket = _last(snap["tickets"], kind="cut")
    answer: list[Any] = []

    async def ask() -> None:
        answer.append(await p.say("request_permit", "field_crew", ticket_id=awaited["id"], meter_id=ticket["meter_id"]))

    await p.while_billing_is_asked(ask())
    return bool(answer and answer[0] and answer[0]["granted"])


async def _verify(p: Playing, awaited: Snapshot, snap: Snapshot) -> bool:
    ticket = _last(snap["tickets"], kind="cut")
    await p.say("verify_meter", "reader", ticket_id=awaited["id"], meter_id=ticket["meter_id"], confirmed=True)
    return True


async def _serve_again(p: Playing, _awaited: Snapshot, _snap: Snapshot) -> bool:
    await p.say("serve_again", "team_leader", reason="another time")
    return True


_HELP: dict[str, Callable[[Playing, Snapshot, Snapshot], Awaitable[bool]]] = {
    "report_cut": _answer_for_permit,
    "acknowledge_ticket": _acknowledge,
    "report_restored": _light,
    "verify_meter": _verify,
    "serve_again": _serve_again,
    "acknowledge_escalation": _read_report,
    "record_delivery": _hand_over,
    "decide_approval": _approve,
    "record_filing": _file,
    "record_final_notice": _tell_again,
    "request_permit": _ask_permit,
}


# ---- money -------------------------------------------------------------------------------------


async def pay(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Money reaches the book; the case hears of it once, thrice, never, or before it is there."""
    owing = [b for b in snap.get("bills", ()) if Decimal(b["outstanding"]) > 0]
    owed = Decimal(snap.get("owed", "0"))
    first = Decimal(owing[0]["outstanding"]) if owing else owed
    cent = Decimal("0.01")
    amounts = {
        "all": owed,
        "half": owed / 2,
        "a cent less": owed - cent,
        "a cent more": owed + cent,
        "double": owed * 2,
        "one bill": first,
        "tiny": cent,
    }
    amount = max(amounts[step["share"]].quantize(cent), cent)
    payment_id = p.next_id("P")
    paid_at = _stamp(step["stamp"], snap, now)
    hint = {"payment_id": payment_id, "amount": str(amount), "paid_at": paid_at.isoformat()}
    if step["told"] == "before it is booked":
        await p.tell("payment_received", **hint)
    bill = owing[-1]["bill_id"] if step["names_bill"] and owing else None
    row = BookedPayment(payment_id, p.account_id, amount, paid_at, bill_id=bill)
    await asyncio.to_thread(p.town.billing.add_payments, (row,))
    p.booked.append(Booked(payment_id, await p.case.now()))
    if step["told"] in ("once", "three times"):
        await asyncio.gather(*(p.tell("payment_received", **hint) for _ in range(1 if step["told"] == "once" else 3)))


async def reverse(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """The last payment bounces."""
    gone = {b.reverses for b in p.booked}
    standing = [b for b in p.booked if b.booked_id.startswith("P-") and not b.reverses and b.booked_id not in gone]
    if not standing:
        return
    payment_id = standing[-1].booked_id
    amount = next(a for i, a in await _payments(p) if i == payment_id)
    row = BookedPayment(f"{payment_id}-back", p.account_id, -amount, await p.case.now(), reverses=payment_id)
    await asyncio.to_thread(p.town.billing.add_payments, (row,))
    p.booked.append(Booked(row.payment_id, await p.case.now(), reverses=payment_id))
    for _ in range({"once": 1, "three times": 3, "never": 0}[step["told"]]):
        await p.tell("payment_reversed", payment_id=payment_id, reason="bounced")


async def _payments(p: Playing) -> list[tuple[str, Decimal]]:
    def read() -> list[tuple[str, Decimal]]:
        with p.town.billing.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT payment_id, amount FROM payments WHERE account_id = ?", (p.account_id,)
            )
            return [(i, Decimal(a).scaleb(-2)) for i, a in rows]

    return await asyncio.to_thread(read)


async def bill(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    """Another bill, overdue by the case's clock, and told or not."""
    today = now.astimezone(p.town.world.policy.zone).date()
    bill_id = await p.town.world.bill(p.account_id, step["amount"], step["overdue_days"], today)
    p.booked.append(Booked(bill_id, await p.case.now()))
    due = today - timedelta(days=step["overdue_days"])
    event = {"event_id": p.next_id("e"), "account_id": p.account_id, "bill_id": bill_id, "amount": step["amount"]}
    for _ in range(2 if step["told"] == "twice" else 0):
        await p.tell("bill_overdue", **event, due_date=str(due))


def _stamp(stamp: str, snap: Snapshot, now: datetime) -> datetime:
    """The time a payment bears; one that cannot be known yet, or lies ahead, is now."""
    red = _standing(snap, "red")
    permit = snap.get("permit")
    given = datetime.fromisoformat(permit["valid_until"]) - timedelta(minutes=15) if permit else None
    known: dict[str, datetime | None] = {
        "T": datetime.fromisoformat(red["cut_at"]) if red else None,
        "permit": given,
        "cut": datetime.fromisoformat(snap["cut_at"]) if snap.get("cut_at") else None,
    }
    fixed = {"now": timedelta(), "an hour ago": timedelta(hours=1), "two days ago": timedelta(days=2)}
    if stamp in fixed:
        return now - fixed[stamp]
    mark = known[stamp.removesuffix("-1s").removesuffix("+1s")]
    if mark is None:
        return now
    at = mark + timedelta(seconds=-1 if stamp.endswith("-1s") else 1 if stamp.endswith("+1s") else 0)
    return at if at <= now + timedelta(minutes=4) else now


# ---- people ------------------------------------------------------------------------------------


def _last(items: list[Snapshot], **like: Any) -> Snapshot:
    """The last of these that is like that; one that does not exist if there is none."""
    found = [i for i in items if all(i.get(k) == v for k, v in like.items())]
    return found[-1] if found else {"ticket_id": "none/1", "notice_id": "none/1", "meter_id": "M-none"}


def _standing(snap: Snapshot, kind: str) -> Snapshot | None:
    found = [n for n in snap.get("notices", ()) if n["kind"] == kind and n["state"] != "void"]
    return found[-1] if found else None


def _cut_ticket(snap: Snapshot) -> Snapshot:
    return _last(snap.get("tickets", []), kind="cut")


def _meter(p: Playing, which: str) -> str:
    return f"M-{p.account_id}" if which == "right" else f"M-{p.account_id}-next-door"


async def deliver(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    notices = [n for n in snap.get("notices", ()) if _is_meant(n, step["kind"])]
    if not notices:
        return
    outcome = step["outcome"].split()[0]
    record = {"place": "3-2-501", "persons": ["neighbour"], "words": "will not sign", "evidence": "photo 1"}
    payload: dict[str, Any] = {"notice_id": notices[-1]["notice_id"], "outcome": outcome}
    if outcome == "refused":
        payload["refusal"] = record if step["outcome"] == "refused" else {"place": "3-2-501"}
    at = max(now - timedelta(seconds=step["ago"]), datetime.fromisoformat(notices[-1]["issued_at"]))
    await p.say("record_delivery", step["by"], delivered_at=at.isoformat(), **payload)


def _is_meant(notice: Snapshot, kind: str) -> bool:
    match kind:
        case "standing":
            return bool(notice["state"] == "to_deliver")
        case "void":
            return bool(notice["state"] == "void")
        case _:
            return bool(notice["kind"] == kind)


async def decide(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    by = {
        "reader_as_director": {**PEOPLE["reader"], "role": "centre_director"},
        "director_as_company_leader": {"id": PEOPLE["centre_director"]["id"], "role": "company_leader"},
    }.get(step["by"], PEOPLE.get(step["by"], {}))
    notice = _standing(snap, "red") or _last(snap.get("notices", []))
    await p.say("decide_approval", by, notice_id=notice["notice_id"], decision=step["decision"])


async def file(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    where = {"purpose": step["purpose"], "reference": p.next_id("ref"), "authority": "power bureau"}
    await p.say("record_filing", step["by"], **where)


async def acknowledge_report(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    if reports := [e for e in snap.get("escalations", ()) if e["state"] == "open"]:
        report = reports[0 if step["which"] == "first" else -1]
        by = report["rung"] if step["by"] == "rung" else step["by"]
        await p.say("acknowledge_escalation", by, escalation_id=report["escalation_id"], remark="seen")


async def acknowledge_ticket(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    await p.say("acknowledge_ticket", step["by"], ticket_id=_last(snap.get("tickets", []))["ticket_id"])


async def final_notice(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    told = (now + timedelta(seconds=step["told"])).isoformat()
    ticket = _cut_ticket(snap)["ticket_id"]
    await p.say("record_final_notice", step["by"], ticket_id=ticket, told_at=told, how="phone")


async def permit(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    ticket, meter = _cut_ticket(snap)["ticket_id"], _meter(p, step["meter"])
    await p.while_billing_is_asked(p.say("request_permit", step["by"], ticket_id=ticket, meter_id=meter))


async def cut(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Somebody reports a cut: under the permit, without naming one, or under one that never was."""
    given = snap.get("permit")
    named = {"named": given and given["permit_id"], "unnamed": None, "invented": "none/permit/1"}[step["permit"]]
    payload = {"permit_id": named} if named else {}
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    await p.say("report_cut", step["by"], meter_id=_meter(p, step["meter"]), at=at, **payload)


async def not_cut(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    await p.say("report_not_cut", "field_crew", ticket_id=_cut_ticket(snap)["ticket_id"], reason="dog", at=at)


async def meter_uncertain(p: Playing, _step: Step, snap: Snapshot, _now: datetime) -> None:
    ticket = _cut_ticket(snap)["ticket_id"]
    meter = _meter(p, "right")
    await p.say("report_meter_uncertain", "field_crew", ticket_id=ticket, meter_id=meter, remark="two meters")


async def verify_meter(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    by = "other_reader" if step["by"] == "substitute" else step["by"]
    named = {"substitute_named_by": PEOPLE["team_leader"]} if step["by"] == "substitute" else {}
    ticket, meter = _cut_ticket(snap)["ticket_id"], _meter(p, "right")
    await p.say("verify_meter", by, ticket_id=ticket, meter_id=meter, confirmed=step["confirmed"], **named)


async def hold(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    until = {"until": (now + timedelta(hours=step["hours"])).isoformat()} if step["hours"] else {}
    hold_id, by = p.next_id("h"), PEOPLE[step["by"]]
    for _ in range(2):
        await p.tell("hold_placed", hold_id=hold_id, kind=step["kind"], reason="asked for", actor=by, **until)


async def lift(p: Playing, step: Step, snap: Snapshot, _now: datetime) -> None:
    held = [h["hold_id"] for h in snap.get("holds", ()) if not h.get("ended_at")]
    hold_id = p.next_id("h") if step["which"] == "unknown" or not held else held[0 if step["which"] == "first" else -1]
    await p.tell("hold_lifted", hold_id=hold_id, actor=PEOPLE[step["by"]])


async def promise(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    owed = Decimal(snap.get("owed", "0"))
    amount = {"half": owed / 2, "all": owed, "double": owed * 2}[step["share"]].quantize(Decimal("0.01"))
    until = now.astimezone(p.town.world.policy.zone).date() + timedelta(days=step["days"])
    await p.say("record_promise", "reader", promise_id=p.next_id("pr"), amount=str(amount), until=str(until))


async def plan(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    part = (Decimal(snap.get("owed", "0")) / step["parts"]).quantize(Decimal("0.01")) + Decimal(
        "-0.01" if step["short"] else "0.01"
    )
    today = now.astimezone(p.town.world.policy.zone).date()
    parts = [
        {"due": str(today + timedelta(days=step["days"] * (n + 1))), "amount": str(part)} for n in range(step["parts"])
    ]
    await p.say("agree_plan", "team_leader", plan_id=p.next_id("pl"), instalments=parts)


async def hotline(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    asked = p.say("request_restoration", "hotline", request_id=p.next_id("q"), source="hotline")
    await p.while_billing_is_asked(asked)


async def found_cut(p: Playing, step: Step, _snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    report = {"report_id": p.next_id("f"), "meter_id": _meter(p, step["meter"]), "at": at}
    for _ in range(2):
        await p.tell("supply_found_cut", **report, reported_by="neighbour", source="95598")


async def restored(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    at = (now - timedelta(seconds=step["ago"])).isoformat()
    ticket = _last(snap.get("tickets", []), kind="restore")["ticket_id"]
    await p.say("report_restored", step["by"], ticket_id=ticket, at=at)


async def declare_delay(p: Playing, _step: Step, _snap: Snapshot, now: datetime) -> None:
    told = {"customer_told_at": now.isoformat(), "customer_told_how": "phone", "leader": "Li"}
    await p.say("declare_delay", "team_leader", reason="storm", leader_told_at=now.isoformat(), **told)


async def serve_again(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.say("serve_again", "team_leader", reason="asked for")


async def reassign(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    """Another person or unit takes over; the crew of this town does not say of which unit it is."""
    to = {"reader": "r-018", "team_leader": "t-004", "field_unit": "FU-05"}[step["role"]]
    await p.say("reassign", "centre_director", role=step["role"], to=to)


async def close_incident(p: Playing, _step: Step, snap: Snapshot, _now: datetime) -> None:
    for incident in snap.get("incidents", ()):
        if not incident.get("outcome"):
            await p.say("close_incident", "centre_director", incident_id=incident["incident_id"], outcome="settled")
            return


async def withdraw(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.say("withdraw", step["by"], reason="a mistake of ours")


async def recheck(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    request = p.next_id("r")
    for _ in range(2):
        await p.tell("recheck_requested", request_id=request, source=step["source"])


# ---- time and outages --------------------------------------------------------------------------


async def wait(p: Playing, step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.advance(timedelta(hours=step["hours"]))


async def wait_until(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """To one of the case's own deadlines, a little before or after it."""
    red, yellow, permit_ = _standing(snap, "red"), _standing(snap, "yellow"), snap.get("permit")
    notice = red or yellow
    if notice is None:
        return
    cut_at, deadline = (datetime.fromisoformat(notice[k]) for k in ("cut_at", "deadline"))
    marks = {
        "deliver_by": (cut_at if red else deadline) - timedelta(days=7),
        "red_issue": cut_at - timedelta(days=10),
        "ticket_time": cut_at - timedelta(hours=24),
        "half_hour": cut_at - timedelta(minutes=30),
        "T": cut_at,
        "window_end": cut_at + timedelta(hours=2),
        "permit_end": datetime.fromisoformat(permit_["valid_until"]) if permit_ else now,
        "restore_due": datetime.fromisoformat(snap["restore_due_by"]) if snap.get("restore_due_by") else now,
    }
    await p.advance(marks[step["mark"]] + timedelta(seconds=step["seconds"]) - now)


async def billing_down(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    p.was_down = True
    p.town.billing.silent.add(p.account_id)


async def register_down(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    p.was_down = True
    p.town.register.silent.add(p.account_id)


async def all_up(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    if p.town.put_back(p.account_id):
        await p.advance(timedelta(hours=5))


async def restart(p: Playing, _step: Step, _snap: Snapshot, _now: datetime) -> None:
    await p.town.restart_worker()


async def together(p: Playing, step: Step, snap: Snapshot, now: datetime) -> None:
    """Several things at once."""
    await asyncio.gather(*(STEPS[s["do"]](p, s, snap, now) for s in step["steps"]))


STEPS: dict[str, Callable[[Playing, Step, Snapshot, datetime], Awaitable[None]]] = {
    act.__name__: act
    for act in (
        march,
        when,
        pay,
        reverse,
        bill,
        deliver,
        decide,
        file,
        acknowledge_report,
        acknowledge_ticket,
        final_notice,
        permit,
        cut,
        not_cut,
        meter_uncertain,
        verify_meter,
        hold,
        lift,
        promise,
        plan,
        hotline,
        found_cut,
        restored,
        declare_delay,
        serve_again,
        reassign,
        close_incident,
        withdraw,
        recheck,
        wait,
        wait_until,
        billing_down,
        register_down,
        all_up,
        restart,
        together,
    )
}
