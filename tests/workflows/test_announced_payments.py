"""A payment announced before billing shows it: asked for again, no permit meanwhile, and not believed for ever."""

from typing import Any

from tests.support.world import Case, World


async def announce(case: Case, amount: str, count: int = 1) -> str:
    """The message is ahead of the books: billing is asked, and does not show the payment yet. Gives its id."""
    payment_id = f"P-ahead-{case.account_id}-{count}"
    await case.signal("payment_received", payment_id=payment_id, amount=amount)
    await case.recorded("payment.unbooked", count)
    return payment_id


def unmet(answer: Any) -> list[str]:
    """The rules for which a permit was refused."""
    return [] if answer["granted"] else [c["rule"] for c in answer["unmet"]]


async def test_supply_is_restored_as_soon_as_billing_shows_what_was_announced(world: World) -> None:
    """R-22: nobody sends another message, and no sweep comes by."""
    case = await world.open()
    await case.to_cut()
    ahead = await announce(case, "200.00")
    assert not [t for t in (await case.snapshot())["tickets"] if t["kind"] == "restore"]
    await case.pay("200.00", reported=False, payment_id=ahead)
    await case.pass_time(minutes=1, seconds=30)
    await case.ticket("restore")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_parts_that_settle_together_are_asked_for_again(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    half = await announce(case, "120.00")
    rest = await announce(case, "80.00", count=2)
    await case.pay("120.00", reported=False, payment_id=half)
    await case.pay("80.00", reported=False, payment_id=rest)
    await case.pass_time(minutes=1, seconds=30)
    await case.ticket("restore")


async def test_no_permit_while_a_payment_is_on_its_way_and_one_when_it_never_came(world: World) -> None:
    """P2, R-17: billing still says that he owes, but a message says that he has paid."""
    case = await world.open()
    ticket = await case.to_window()
    await announce(case, "200.00")
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.pass_time(minutes=50)
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.pass_time(minutes=15)
    assert (await case.permit(ticket))["granted"], "an hour later nothing has come, and billing's word stands"


async def test_an_announcement_during_an_outage_counts_from_billings_first_answer(world: World) -> None:
    """P2: more than an hour without an answer, and then one that lags behind the books."""
    case = await world.open()
    ticket = await case.to_window()
    await world.outage()
    try:
        await case.signal("payment_received", payment_id=f"P-ahead-{case.account_id}", amount="200.00")
        await case.recorded("payment.hint")
        await case.pass_time(minutes=70)
    finally:
        await world.billing_back()
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.recorded("payment.unbooked")


async def test_a_part_of_what_is_owed_or_one_that_bounced_bars_nothing(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    await announce(case, "50.00")
    permit = await case.permit(ticket)
    assert permit["granted"]
    await case.signal("payment_received", payment_id="P-all", amount="150.00")
    await case.recorded("permit.revoked")
    assert unmet(await case.permit(ticket)) == ["R-17"]
    await case.signal("payment_reversed", payment_id="P-all", reason="bounced")
    await case.recorded("payment.reversed")
    assert (await case.permit(ticket))["granted"]
