"""A worker that dies anywhere loses nothing: the next one takes up every case from its history."""

from datetime import timedelta

import pytest

from tests.support.register_reading import WholeRegister
from tests.support.world import SOON, Case, running_world


async def test_a_life_with_another_worker_after_every_step(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Restarted in each stage, from the yellow notice to the restoration."""
    async with running_world(tmp_path_factory.mktemp("restart")) as world:
        case = await world.open()
        await case.notice("yellow")
        await world.restart_worker()
        red = await case.to_red()
        await world.restart_worker()
        await case.deliver("red")
        await world.restart_worker()
        await case.approve()
        await world.restart_worker()
        await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
        ticket = await case.ticket("cut")
        await world.restart_worker()
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await case.until(await case.cut_time() - timedelta(minutes=29))
        await case.in_stage("final_half_hour")
        await world.restart_worker()
        await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="phone")
        await case.until(await case.cut_time() + timedelta(minutes=1))
        permit = await case.permit(ticket)
        await world.restart_worker()
        cut = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
        assert cut == {"lawful": True}
        await world.restart_worker()
        await case.pass_time(hours=1)
        await case.pay("200.00")
        await case.ticket("restore")
        await world.restart_worker()
        await case.restore()
        assert (await case.result())["outcome"] == "restored"
        await assert_written_once(case, red["notice_id"])


async def test_a_life_without_any_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every workflow task replays the case from its first event."""
    async with running_world(tmp_path_factory.mktemp("uncached"), max_cached_workflows=0) as world:
        case = await world.open()
        await case.to_cut()
        await case.pass_time(hours=13)
        await case.pay("200.00")
        await case.restore()
        assert (await case.result())["outcome"] == "restored"


async def assert_written_once(case: Case, notice_id: str) -> None:
    """The register holds each effect once, whatever was repeated."""
    keys = [e.key for e in await case.evidence()]
    assert len(keys) == len(set(keys))
    notices = [n.notice_id for n in WholeRegister(case.world.parts.reader.engine).notices(case.account_id)]
    assert notices.count(notice_id) == 1
    whats = [e.what for e in await case.evidence()]
    assert whats.count("permit.granted") == whats.count("cut.reported") == whats.count("supply.restored") == 1
