"""What docs/runbook.md promises the operator on call: a case ended by force, and a register older than Temporal."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.world import Case, World, running_world


async def test_terminated_while_cut_off_and_opened_anew_restoration_is_ordered_at_once(world: World) -> None:
    """Terminating notifies nobody; the new case, opened by the report of a found cut, orders the restoration (R-27)."""
    lost = await world.open()
    await lost.to_cut()
    await lost.recorded("cut.reported")
    await lost.handle.terminate("it fails on every worker")
    anew = await world.open(lost.account_id)
    found = {"report_id": "reopened-1", "meter_id": f"M-{lost.account_id}", "reported_by": "o-001"}
    await anew.signal("supply_found_cut", **found, source="operator")
    ticket = await anew.ticket("restore")
    assert ticket["ticket_id"].split("/")[0] not in {e.key.split("/")[0] for e in await lost.recorded("cut.reported")}
    await anew.restore()
    assert len(await anew.recorded("supply.restored")) == 1


async def test_an_older_register_learns_its_worklists_again_but_not_what_it_forgot(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A recheck makes every case write its row and its tasks; evidence lost with the register stays lost."""
    folder = tmp_path_factory.mktemp("older")
    async with running_world(folder) as world:
        case = await world.open()
        await case.recorded("notice.issued")
        copy(folder / "register.db", folder / "older.db")
        found = {"report_id": "found-1", "meter_id": f"M-{case.account_id}", "reported_by": "customer"}
        await case.signal("supply_found_cut", **found, source="95598")
        await case.recorded("ticket.sent")
        await case.recorded("paper.filed", 2)  # the notice's, and the ticket's, which is put down after it was sent
        noted = world.parts.reader.verify(case.account_id)
        copy(folder / "older.db", folder / "register.db")
        assert tasks(world, case) == ["record_delivery"]
        await case.signal("recheck_requested", request_id="restored-1", source="operator")
        await case.recorded("recheck.requested")
        assert {"acknowledge_ticket", "report_restored"} <= set(tasks(world, case))
        assert not await case.evidence("ticket.sent")
        assert world.parts.reader.verify(case.account_id).intact
        assert not world.parts.reader.verify(case.account_id, (noted.length, noted.head)).intact


def copy(source: Path, target: Path) -> None:
    """Copy a database that is in use over another."""
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def tasks(world: World, case: Case) -> list[str]:
    """What the register says is awaited in this account."""
    roles = ("reader", "field_crew")
    return [t.act for r in roles for t in world.parts.reader.worklist(r) if t.account_id == case.account_id]
