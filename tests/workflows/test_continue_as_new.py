"""A case whose history grows long goes on in a new run, with all it knows; nobody outside notices."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from tests.support.register_reading import WholeRegister
from tests.support.sealing import key
from tests.support.world import SOON, Refusal, running_world

SUGGESTED_EARLY = ("limit.historyCount.suggestContinueAsNew=40",)


@pytest.mark.parametrize("payload_keys", ["off", key("k1")], ids=["in_clear", "encrypted"])
async def test_a_life_of_many_runs(tmp_path_factory: pytest.TempPathFactory, payload_keys: str) -> None:
    """Holds, tickets and permits cross from run to run; ids stay unique, duplicates keep their first answer."""
    async with running_world(
        tmp_path_factory.mktemp("runs"), dynamic=SUGGESTED_EARLY, payload_keys=payload_keys
    ) as world:
        case = await world.open()
        first_run = case.handle.first_execution_run_id
        director = {"id": "d-001", "role": "centre_director"}
        await case.notice("yellow")
        await case.deliver("yellow")
        await case.signal("hold_placed", hold_id="h-1", kind="hardship", reason="illness", actor=director)
        await case.pass_time(days=20)
        await case.signal("hold_lifted", hold_id="h-1", actor=director)
        red = await case.notice("red")
        await case.deliver("red")
        await case.approve()
        await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
        ticket = await case.ticket("cut")
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await case.until(await case.cut_time() - timedelta(minutes=29))
        await case.in_stage("final_half_hour")
        await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="phone")
        await case.until(await case.cut_time() + timedelta(minutes=1))
        permit = await case.permit(ticket)
        again = await case.update(
            "record_delivery", "reader", notice_id=red["notice_id"], outcome="signed", update_id="sent again"
        )
        assert again == {"served": True}
        report = {"permit_id": permit["permit_id"], "meter_id": ticket["meter_id"]}
        assert await case.update("report_cut", "field_crew", **report) == {"lawful": True}
        await case.pass_time(hours=1)
        await case.pay("200.00")
        await case.restore()
        assert (await case.result())["outcome"] == "restored"
        latest = await world.client.get_workflow_handle(case.handle.id).describe()
        assert latest.run_id != first_run, "it never went on in a new run"
        keys = [e.key for e in await case.evidence()]
        assert len(keys) == len(set(keys))
        assert {k.split("/")[0] for k in keys} == {first_run}


async def test_a_new_run_waits_for_the_register_and_nothing_else_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A register that takes nothing, a history grown long: a restoration is ordered meanwhile, and no row is lost."""
    async with running_world(tmp_path_factory.mktemp("rows"), dynamic=SUGGESTED_EARLY) as world:
        case = await world.open()
        ticket = await case.to_ticket()
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await case.recorded("ticket.acknowledged")
        latest = world.client.get_workflow_handle(case.handle.id)
        before = (await latest.describe()).run_id
        database = sqlite3.connect(str(world.parts.register_engine.url.database), isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        for n in range(12):  # each leaves a note
            with pytest.raises(Refusal):
                await case.update("withdraw", "hotline", reason=f"r-{n}")
        await case.signal(
            "supply_found_cut", report_id="f-1", meter_id="M-else", reported_by="neighbour", source="95598"
        )
        snap = await case.becomes(lambda s: any(t["kind"] == "restore" for t in s["tickets"]), "a restoration ticket")
        assert [i["kind"] for i in snap["incidents"]] == ["wrong_meter"]
        database.execute("ROLLBACK")
        database.close()
        for _ in range(600):
            if (await latest.describe()).run_id != before:
                break
            await asyncio.sleep(0.1)
        assert (await latest.describe()).run_id != before, "it never went on in a new run"
        await case.recorded("incident.opened")
        snap, reader = await case.snapshot(), WholeRegister(world.parts.reader.engine)
        assert [t.state for t in reader.tickets(case.account_id)] == [t["state"] for t in snap["tickets"]]
        assert [n.state for n in reader.notices(case.account_id)] == [n["state"] for n in snap["notices"]]
        assert [i.kind for i in reader.incidents(case.account_id)] == ["wrong_meter"]
