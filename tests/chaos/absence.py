"""L8: no worker is there while a restoration deadline comes nearer, or passes.

The clock of a case runs on without a worker as long as the case has nothing under way. So a case that waits to hear
of a payment can be left alone for 25 hours and more. One that waits for its crew has a timer set for the deadline:
its clock runs to the deadline, and from there on in real seconds, until a worker takes the timer up.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from tests.support.world import Case, World, running_world

HOURS = (1, 23, 25)
LIMIT = timedelta(hours=24)
_REAL_SECONDS = 2.0
"""How long the worker stays away, in real time, after the deadline of a waiting case."""
_FIRST_MOMENT = timedelta(seconds=30)

_NEVER = datetime.min.replace(tzinfo=UTC)

Left = Literal["paid meanwhile", "crew on its way"]


@dataclass
class Absent:
    """One case left alone, and how it was found."""

    case: Case
    left: Left
    hours: int
    since: datetime = _NEVER
    """When the debt was settled: the 24 hours run from here."""
    back: datetime = _NEVER
    faults: list[str] = field(default_factory=list)

    def expects(self, truth: object, what: str) -> None:
        """Note a fault unless it is so."""
        if not truth:
            self.faults.append(f"{self.case.account_id}, {self.left}, {self.hours} h: {what}")


async def run_absence(folder: Path, each: int) -> list[Absent]:
    """So many cases for each absence; all their workers go at once, and one comes back."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    async with running_world(folder) as world:
        absent = [
            Absent(case, left, hours)
            for left in ("paid meanwhile", "crew on its way")
            for hours in HOURS
            for case in await asyncio.gather(*(_cut_off(world, left) for _ in range(each)))
        ]
        await asyncio.gather(*(_before(a) for a in absent))
        await world.stop_worker()
        await asyncio.gather(*(_alone(a) for a in absent))
        await asyncio.sleep(_REAL_SECONDS)
        await asyncio.gather(*(_signalled_at_last(a) for a in absent))
        await world.start_worker()
        await asyncio.gather(*(_judged(a) for a in absent))
    return absent


async def _cut_off(world: World, left: Left) -> Case:
    """A lawful cut; warnings in between would set the clock of a waiting case going, so such a case has none."""
    policy = world.policy.model_copy(update={"restore_warnings_hours": ()}) if left == "crew on its way" else None
    case = await world.open(policy=policy)
    await case.to_cut()
    await case.pass_time(minutes=30)
    return case


async def _before(a: Absent) -> None:
    """While the worker is still there."""
    if a.left == "crew on its way":
        await a.case.pay("200.00")
        ticket = await a.case.ticket("restore")
        await a.case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await a.case.recorded("ticket.acknowledged", 2)
        await a.case.at_rest()  # the ticket's paper is put down after it was sent, and would keep the clock standing
        a.since = datetime.fromisoformat((await a.case.snapshot())["settled_at"])


async def _alone(a: Absent) -> None:
    """So many hours on the case's clock, and nobody to serve it."""
    if a.left == "paid meanwhile":
        a.since = await a.case.now()
        await a.case.pay("200.00", reported=False)
    with suppress(TimeoutError):  # a case with a timer waits at it
        async with asyncio.timeout(5):
            await a.case.until(a.since + timedelta(hours=a.hours))


async def _signalled_at_last(a: Absent) -> None:
    """Whoever reports the payment to the case does so before a worker is back."""
    a.back = await a.case.now()
    gone = a.back - a.since
    if a.left == "paid meanwhile":
        a.expects(gone >= timedelta(hours=a.hours), f"its clock stood still: {gone}")
        await a.case.signal("recheck_requested", request_id="after the absence", source="sweep")
    else:
        a.expects(gone >= min(timedelta(hours=a.hours), LIMIT), f"its clock stood still: {gone}")
    late = a.hours >= LIMIT / timedelta(hours=1)
    a.expects((gone > LIMIT) == late, f"the deadline is {'not past' if late else 'past'}: {gone}")


async def _judged(a: Absent) -> None:
    """Restored in time, or the breach recorded as soon as there was anybody to record it."""
    case, due = a.case, a.since + LIMIT
    await case.ticket("restore")
    late = a.hours * timedelta(hours=1) > LIMIT
    if late:
        breach = (await case.recorded("restore.breached"))[0]
        a.expects(abs(breach.at - due) < timedelta(seconds=1), f"the breach is of {breach.at}, not of {due}")
        waited = breach.recorded_at - a.back
        a.expects(timedelta() <= waited < _FIRST_MOMENT, f"the breach was recorded {waited} after the return")
        for leader in ("centre_director", "company_leader"):
            a.expects(await case.notified(leader, "incident: restoration_breach"), f"{leader} was not told")
    await case.recorded("ticket.sent", 2)
    ticket = await case.ticket("restore")
    await case.update("report_restored", "field_crew", ticket_id=ticket["ticket_id"])
    light = (await case.recorded("supply.restored"))[0]
    a.expects(light.detail["in_time"] is not late, f"in time: {light.detail['in_time']}")
    if late:
        incident = (await case.snapshot())["incidents"][0]["incident_id"]
        await case.update("close_incident", "centre_director", incident_id=incident, outcome="no worker")
    a.expects((await case.result())["outcome"] == "restored", "it did not close restored")
    whats = [e.what for e in await case.evidence()]
    a.expects(whats.count("restore.breached") == late, f"{whats.count('restore.breached')} breaches")
    a.expects(whats.count("supply.restored") == 1, "light came back other than once")
    a.expects(whats.count("ticket.sent") == 2, f"{whats.count('ticket.sent')} tickets")
    chain = await asyncio.to_thread(case.world.parts.reader.verify, case.account_id)
    a.expects(chain.intact, "the chain of evidence is broken")
