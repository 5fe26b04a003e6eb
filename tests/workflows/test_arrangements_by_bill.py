"""R-04: promises and plans are measured on the bills that were in arrears when they were agreed, and on no others."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.law.clock import local_day
from tests.support import book_corrections as billing
from tests.support.world import Case, Refusal, World


async def day(case: Case, days: int) -> date:
    """The local date so many days from the case's now."""
    return local_day(await case.now(), case.world.policy) + timedelta(days=days)


async def plan(case: Case, *instalments: tuple[int, str], plan_id: str = "pl-1") -> None:
    """Instalments are agreed, each due so many days from now."""
    parts = [{"due": str(await day(case, days)), "amount": amount} for days, amount in instalments]
    await case.update("agree_plan", "team_leader", plan_id=plan_id, instalments=parts)


async def promise(case: Case, amount: str, days: int) -> None:
    """The customer promises."""
    until = str(await day(case, days))
    await case.update("record_promise", "reader", promise_id="pr-1", amount=amount, until=until)


async def state(case: Case, of: str) -> str:
    """How the promise or plan stands, once billing's last answer is in."""
    await case.signal("recheck_requested", request_id=f"q-{await case.now()}", source="operator")
    await case.at_rest()
    found: dict[str, Any] = (await case.snapshot())[of]
    return str(found["state"])


async def pay_current(case: Case, amount: str) -> None:
    """The customer pays his current bill, which is not due yet."""
    current = await case.world.bill(case.account_id, amount, overdue_days=-20)
    payment = await case.pay(amount, reported=False)
    await billing.move(case.world, payment, current)
    await case.signal("payment_received", payment_id=payment, amount=amount)


async def test_a_current_bill_paid_keeps_no_plan(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    await plan(case, (5, "100.00"), (30, "100.00"))
    await case.pass_time(days=2)
    await pay_current(case, "300.00")
    assert await state(case, "plan") == "open"
    await case.pay("100.00")
    await case.pass_time(days=4)
    assert await state(case, "plan") == "open"
    await case.pay("100.00")
    assert (await case.result())["outcome"] == "settled"


async def test_a_current_bill_paid_does_not_save_a_plan_that_is_not_paid(world: World) -> None:
    case = await world.open()
    await plan(case, (5, "100.00"), (30, "100.00"))
    await pay_current(case, "300.00")
    await case.pass_time(days=6)
    assert await state(case, "plan") == "broken"
    broken = (await case.recorded("plan.broken"))[-1]
    assert (broken.detail["paid"], broken.detail["due"]) == ("0.00", "100.00")


async def test_a_current_bill_paid_keeps_no_promise(world: World) -> None:
    case = await world.open()
    await promise(case, "100.00", 5)
    await pay_current(case, "150.00")
    assert await state(case, "promise") == "open"
    await case.pass_time(days=6)
    assert await state(case, "promise") == "broken"


async def test_an_older_payment_that_bounces_breaks_no_plan(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    older = await case.pay("50.00")
    await case.recorded("debt.read")
    await plan(case, (5, "100.00"), (30, "100.00"))
    await case.pass_time(days=3)
    await case.reverse(older, "50.00")
    assert await state(case, "plan") == "open"
    await case.pay("100.00")
    await case.pass_time(days=3)
    assert await state(case, "plan") == "open"
    await case.pay("100.00")
    assert (await case.result())["outcome"] == "settled"


async def test_an_older_payment_that_bounces_breaks_no_promise(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    older = await case.pay("50.00")
    await case.recorded("debt.read")
    await promise(case, "60.00", 5)
    await case.reverse(older, "50.00")
    await case.pay("60.00")
    assert await state(case, "promise") == "kept"


async def test_a_payment_of_the_plan_that_bounces_after_its_day_breaks_it(world: World) -> None:
    case = await world.open()
    await plan(case, (5, "100.00"), (30, "100.00"))
    own = await case.pay("100.00")
    await case.pass_time(days=7)
    assert await state(case, "plan") == "open"
    await case.reverse(own, "100.00")
    assert await state(case, "plan") == "broken"


async def test_a_payment_of_the_plan_that_bounces_before_its_day_may_be_paid_again(world: World) -> None:
    case = await world.open()
    await plan(case, (5, "100.00"), (30, "100.00"))
    own = await case.pay("100.00")
    await case.pass_time(days=2)
    await case.reverse(own, "100.00")
    assert await state(case, "plan") == "open"
    await case.pay("100.00")
    await case.pass_time(days=5)
    assert await state(case, "plan") == "open"


async def test_it_is_kept_once_its_bills_owe_no_more_than_a_trifle(world: World) -> None:
    """Another bill may owe meanwhile: the debt that is left goes on as after a broken one."""
    case = await world.open()
    await plan(case, (5, "150.00"), (30, "100.00"))
    await case.pay("195.00")
    await case.recorded("plan.kept")
    assert (await case.result())["outcome"] == "settled"


async def test_a_bill_that_replaces_a_cancelled_one_takes_its_place(world: World) -> None:
    account = await world.customer()
    bill = await world.bill(account)
    case = await world.open(account)
    await plan(case, (5, "100.00"), (30, "100.00"))
    due = await billing.due_date(world, bill)
    await billing.cancel(world, bill)
    await billing.add(world, account, f"{bill}-again", "180.00", due)
    assert await state(case, "plan") == "open"
    await case.pass_time(days=4)
    await case.pay("100.00")
    await case.pass_time(days=2)
    assert await state(case, "plan") == "open"
    await case.pay("80.00")
    assert (await case.result())["outcome"] == "settled"


async def test_a_new_bill_takes_no_place(world: World) -> None:
    """It fell due after the agreement: it is debt beside the plan, which is kept without it."""
    case = await world.open()
    await plan(case, (5, "100.00"), (30, "100.00"))
    await world.bill(case.account_id, "60.00", overdue_days=-1)
    await case.pass_time(days=3)
    await case.pay("200.00")
    snap = await case.becomes(lambda s: s["plan"]["state"] == "kept", "a plan that is kept")
    await case.notice("yellow")
    assert snap["plan"]["plan_id"] == "pl-1"


async def test_one_of_two_bills_paid_whole_is_part_of_the_plan(world: World) -> None:
    """A bill that owes nothing any more is still asked for."""
    account = await world.customer()
    await world.bill(account, "100.00", 60)
    await world.bill(account, "100.00", 50)
    case = await world.open(account)
    await plan(case, (5, "100.00"), (30, "100.00"))
    await case.pay("100.00")
    await case.pass_time(days=6)
    assert await state(case, "plan") == "open"


async def test_a_plan_ends_within_its_days(world: World) -> None:
    case = await world.open()
    too_late = [{"due": str(await day(case, 1)), "amount": "100.00"}, {"due": "2099-01-01", "amount": "100.00"}]
    with pytest.raises(Refusal) as refused:
        await case.update("agree_plan", "team_leader", plan_id="pl-9", instalments=too_late)
    assert (refused.value.type, refused.value.details["field"]) == ("TooLate", "instalments.1.due")
    with pytest.raises(Refusal) as refused:
        await plan(case, (1, "100.00"), (367, "100.00"))
    assert refused.value.type == "TooLate"
    await plan(case, (1, "100.00"), (366, "100.00"))


async def test_a_policy_may_allow_shorter_plans_only(world: World) -> None:
    case = await world.open(policy=world.policy.model_copy(update={"version": "short", "max_plan_days": 60}))
    with pytest.raises(Refusal) as refused:
        await plan(case, (1, "100.00"), (61, "100.00"))
    assert refused.value.type == "TooLate"
    await plan(case, (1, "100.00"), (60, "100.00"))


async def test_a_frozen_policy_without_the_number_allows_a_year(world: World) -> None:
    account = await world.customer()
    await world.bill(account)
    policy = world.policy.model_dump(mode="json")
    del policy["max_plan_days"]
    await world.client.start_workflow(
        "ArrearsCase",
        {"account_id": account, "policy": policy},
        id=f"arrears-{account}",
        task_queue=world.settings.task_queue,
    )
    case = Case(world, account, world.client.get_workflow_handle(f"arrears-{account}"))
    await case.notice("yellow")
    with pytest.raises(Refusal) as refused:
        await plan(case, (1, "100.00"), (367, "100.00"))
    assert refused.value.type == "TooLate"
    await plan(case, (1, "100.00"), (366, "100.00"))
