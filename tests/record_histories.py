"""Records the histories that replay tests hold the workflow to: run it only when a change of history is intended.

    python -m tests.record_histories CHANGE [LIFE…]

One file for every stage a case can stand in, and for finished lives, in `histories/CHANGE/`; of a change that touches
few of them, only those. The folders of earlier
changes stay, and go on being replayed: cases like them may still be open.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.support.world import Case, World, running_world

HISTORIES = Path(__file__).parent / "histories"
Life = Callable[[World], Awaitable[Case]]


async def yellow_notice(world: World) -> Case:
    """A yellow notice is out."""
    case = await world.open()
    await case.notice("yellow")
    return case


async def held_in_yellow(world: World) -> Case:
    """A dispute stops the procedure."""
    case = await yellow_notice(world)
    await case.deliver("yellow")
    actor = {"id": "t-003", "role": "team_leader"}
    await case.signal("hold_placed", hold_id="h-1", kind="dispute", reason="meter reading", actor=actor)
    await case.becomes(lambda s: bool(s["holds"]))
    return case


async def red_refused(world: World) -> Case:
    """A red notice whose signature was refused, the ladder climbed."""
    case = await world.open(customer_class="non_residential")
    await case.to_red()
    await case.deliver("red", "refused")
    await case.pass_time(hours=25)
    await case.becomes(lambda s: len(s["escalations"]) > 2)
    return case


async def ticketed(world: World) -> Case:
    """The ticket is out."""
    case = await world.open()
    await case.to_ticket()
    return case


async def final_half_hour(world: World) -> Case:
    """In the last half-hour."""
    case = await world.open()
    await case.to_half_hour()
    return case


async def slipped(world: World) -> Case:
    """The customer was not notified: the second red notice is out."""
    case = await final_half_hour(world)
    first = await case.cut_time()
    await case.pass_time(minutes=31)
    await case.becomes(lambda s: s["planned_cut_at"] > first.isoformat())
    return case


async def permit_open(world: World) -> Case:
    """The crew holds a permit."""
    case = await world.open()
    assert (await case.permit(await case.to_window()))["granted"]
    return case


async def disconnected(world: World) -> Case:
    """Cut, unpaid."""
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=1)
    return case


async def restoring(world: World) -> Case:
    """Paid, the first warning gone up."""
    case = await disconnected(world)
    await case.pay("200.00")
    await case.ticket("restore")
    await case.pass_time(hours=13)
    return case


async def announced(world: World) -> Case:
    """A payment was announced that billing did not show; asked again, it did."""
    case = await disconnected(world)
    ahead = f"P-ahead-{case.account_id}"
    await case.signal("payment_received", payment_id=ahead, amount="200.00")
    await case.recorded("payment.unbooked")
    await case.pass_time(minutes=2)
    await case.pay("200.00", reported=False, payment_id=ahead)
    await case.pass_time(minutes=4)
    await case.ticket("restore")
    return case


async def breached(world: World) -> Case:
    """Not restored in time: the incident is open."""
    case = await restoring(world)
    await case.pass_time(hours=12)
    await case.becomes(lambda s: bool(s["incidents"]))
    await case.restore()
    return case


async def settled(world: World) -> Case:
    """Paid after the red notice; finished."""
    case = await world.open()
    await case.to_red()
    await case.pay("200.00")
    await case.result()
    return case


async def restored(world: World) -> Case:
    """Cut, paid, restored; finished."""
    case = await restoring(world)
    await case.restore()
    await case.result()
    return case


async def withdrawn(world: World) -> Case:
    """Withdrawn under an open permit; finished."""
    case = await world.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await case.update("withdraw", "centre_director", reason="wrong account")
    await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="recalled")
    await case.result()
    return case


async def found_cut(world: World) -> Case:
    """Opened by a report that supply was found cut; finished."""
    case = await world.open(
        signal="supply_found_cut",
        payload={"report_id": "r-1", "meter_id": "M-1", "reported_by": "customer", "source": "hotline"},
    )
    await case.restore()
    incident = (await case.snapshot())["incidents"][0]["incident_id"]
    await case.update("close_incident", "centre_director", incident_id=incident, outcome="a crew's mistake")
    await case.pass_time(minutes=1)  # the yellow notice is issued
    await case.update("withdraw", "centre_director", reason="apology")
    await case.result()
    return case


LIVES: tuple[Life, ...] = (
    yellow_notice,
    held_in_yellow,
    red_refused,
    ticketed,
    final_half_hour,
    slipped,
    permit_open,
    disconnected,
    restoring,
    announced,
    breached,
    settled,
    restored,
    withdrawn,
    found_cut,
)


async def record(change: str, lives: Sequence[Life]) -> None:
    """Live these lives and write their histories."""
    folder = HISTORIES / change
    folder.mkdir(parents=True)
    async with running_world(Path(tempfile.mkdtemp())) as world:
        for life in lives:
            case = await life(world)
            history = await case.handle.fetch_history()
            (folder / f"{life.__name__}.json").write_text(history.to_json(), encoding="utf-8")


if __name__ == "__main__":
    names = {life.__name__: life for life in LIVES}
    if len(sys.argv) < 2 or (HISTORIES / sys.argv[1]).exists() or not set(sys.argv[2:]) <= set(names):
        sys.exit(
            f"usage: python -m tests.record_histories CHANGE [LIFE…]\nCHANGE: a name that {HISTORIES} does not hold"
            f" yet; LIFE: {', '.join(names)}"
        )
    asyncio.run(record(sys.argv[1], [names[name] for name in sys.argv[2:] or names]))
