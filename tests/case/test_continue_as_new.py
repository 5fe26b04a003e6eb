"""A case whose history grows long goes on in a new run, with all it knows; nobody outside notices."""

from datetime import timedelta

import pytest

from tests.doors.sealing import key
from tests.world import SOON, running_world

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
