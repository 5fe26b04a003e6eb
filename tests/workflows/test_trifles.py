"""R-35: nobody is cut off, or kept off, for a trifle, and what is left of a debt counts with the next bill."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.law.clock import local_day
from domain.law.policy import Policy
from tests.support import book_corrections as billing
from tests.support.world import PEOPLE, SOON, World, running_world
from tests.workflows.test_rules_taken_over import open_before


async def test_a_cent_left_before_the_red_notice_ends_the_case(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await case.pay("199.99")
    result = await case.result()
    assert result["outcome"] == "settled"
    assert "0.01 CNY" in result["reason"]
    assert result["reason"].endswith("stays owed")


async def test_ten_yuan_are_no_trifle(world: World) -> None:
    """The least debt itself is one: strictly less stays unpaid."""
    case = await world.open()
    await case.deliver("yellow")
    await case.pay("190.00")
    await case.recorded("debt.read")
    await case.to_red_from_served_yellow()
    assert (await case.snapshot())["owed"] == "10.00"
    await case.pay("0.01")
    assert (await case.result())["outcome"] == "settled"


async def test_a_cent_left_after_the_ticket_recalls_it(world: World) -> None:
    case = await world.open()
    ticket = await case.to_half_hour()
    await case.pay("199.99")
    assert (await case.result())["outcome"] == "settled"
    recalled = (await case.recorded("ticket.recalled"))[-1]
    assert recalled.about == ticket["ticket_id"]


async def test_a_payment_up_to_a_trifle_revokes_the_permit_at_once(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    assert (await case.permit(ticket))["granted"]
    await case.signal("payment_received", payment_id="P-trifle", amount="190.01")  # billing has not booked it yet
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "a revoked permit")


async def test_a_trifle_found_at_the_permit_refuses_it(world: World) -> None:
    case = await world.open()
    ticket = await case.to_window()
    await case.pay("195.00", reported=False)
    answer = await case.permit(ticket)
    assert not answer["granted"]
    assert "R-11" in {c["rule"] for c in answer["unmet"]}


async def test_who_is_cut_off_and_pays_all_but_a_trifle_is_restored(world: World) -> None:
    case = await world.open()
    await case.to_cut()
    await case.pass_time(hours=1)
    await case.pay("190.00")
    await case.recorded("debt.read")
    assert await case.stage() == "disconnected"
    await case.pay("0.01")
    await case.ticket("restore")
    answer = await case.update("request_restoration", "hotline", request_id="q-trifle", source="hotline")
    assert answer["ticket_id"]
    await case.restore()
    assert (await case.result())["outcome"] == "restored"


async def test_what_is_left_counts_with_the_next_bill(world: World) -> None:
    """A running case that owes a trifle issues no second notice; with another bill overdue it does, for both."""
    case = await world.open()
    await case.deliver("yellow")
    hold = {"kind": "dispute", "reason": "the meter", "actor": PEOPLE["operator"]}
    await case.signal("hold_placed", hold_id="h-1", **hold)
    await case.pay("195.00", reported=False)
    await world.bill(case.account_id, "60.00", overdue_days=-1)
    await case.pass_time(days=3)
    await case.signal("hold_lifted", hold_id="h-1", actor=PEOPLE["operator"])
    await case.signal("recheck_requested", request_id="q-next", source="operator")
    second = (await case.notices("yellow", 2))[-1]
    assert second["amount"] == "65.00"
    assert len(second["bills"]) == 2


async def test_a_debt_that_was_too_small_from_the_start_is_no_case(world: World) -> None:
    case = await world.open(amount="9.99")
    result = await case.result()
    assert result["outcome"] == "withdrawn"
    assert "9.99 CNY" in result["reason"]


async def test_a_greater_least_debt_since_lets_more_stay_unpaid_and_a_smaller_one_takes_nothing_back(
    world: World,
) -> None:
    case = await world.open()
    await case.to_cut()
    generous = world.policy.model_copy(update={"version": "generous", "min_debt": Decimal("50.00")})
    strict = world.policy.model_copy(update={"version": "strict", "min_debt": Decimal("1.00")})
    for policy in (generous, strict):
        given = policy.model_dump(mode="json")
        await case.update("change_policy", "operator", policy=given, reason="the board decided")
    await case.pay("150.01")
    await case.ticket("restore")


@pytest.mark.parametrize(("tolerance", "paid"), [("20.00", "180.00"), ("0.00", "190.01")])
async def test_the_greater_of_tolerance_and_least_debt_counts(world: World, tolerance: str, paid: str) -> None:
    policy = Policy(version=f"t-{tolerance}", tolerance=Decimal(tolerance))
    case = await world.open(policy=policy)
    await case.deliver("yellow")
    await case.pay(paid)
    assert (await case.result())["outcome"] == "settled"


async def test_a_bill_corrected_down_to_a_trifle_ends_the_case(world: World) -> None:
    account = await world.customer()
    bill = await world.bill(account)
    case = await world.open(account)
    red = await case.to_red()
    await billing.correct(world, bill, "7.50")
    await case.signal("recheck_requested", request_id="q-corrected", source="operator")
    assert (await case.result())["reason"].startswith("7.50 CNY")
    assert red["notice_id"]


async def test_who_was_cut_off_for_a_cent_before_the_rules_is_restored_at_the_next_wake_up(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """And a plan that was agreed before is measured on all that the account has paid, as it was then."""
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        async with open_before(world):
            case, planned = await world.open(), await world.open()
            await case.to_cut()
            await case.pay("199.99")
            await case.becomes(lambda s: s["owed"] == "0.01", "all but a cent paid")
            assert await case.stage() == "disconnected"
            await planned.notice("yellow")
            today = local_day(await planned.now(), world.policy)
            parts = [{"due": str(today + timedelta(days=n)), "amount": "100.00"} for n in (5, 30)]
            await planned.update("agree_plan", "team_leader", plan_id="pl-1", instalments=parts)
        await case.signal("recheck_requested", request_id="q-1", source="operator")
        learned = await case.now()
        await case.ticket("restore")
        snap = await case.snapshot()
        assert datetime.fromisoformat(snap["settled_at"]) >= learned - SOON
        assert snap["incidents"] == []
        current = await world.bill(planned.account_id, "200.00", overdue_days=-20)
        payment = await planned.pay("200.00", reported=False)
        await billing.move(world, payment, current)
        await planned.signal("payment_received", payment_id=payment, amount="200.00")
        await planned.becomes(lambda s: s["plan"]["state"] == "kept", "the plan of before")
