"""The procedure from the yellow notice to the cut, and the restoration."""

from tests.support.world import World


async def test_paid_after_the_yellow_notice_closes_settled(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await case.pass_time(days=2)
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"


async def test_cut_and_restored(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
