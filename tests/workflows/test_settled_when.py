"""R-25: from when the 24 hours run: from the payment, if one settled the bills, else from when the case learns it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.billing.over_http import HttpBilling, open_http_billing
from domain.law.policy import Policy
from tests.support import book_corrections as billing
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.world import Case, World

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def moment(snap: dict[str, Any], name: str) -> datetime:
    """A time of the snapshot."""
    return datetime.fromisoformat(snap[name])


async def recheck(case: Case, request_id: str = "q-1") -> None:
    """Somebody has billing asked again."""
    await case.signal("recheck_requested", request_id=request_id, source="operator")


async def restoring(case: Case) -> dict[str, Any]:
    """The snapshot, once a restoration is due."""
    return await case.becomes(lambda s: "restore_due_by" in s, "a restoration that is due")


def kinds(snap: dict[str, Any]) -> list[str]:
    """The incidents, by kind."""
    return [i["kind"] for i in snap["incidents"]]


async def cut_off(world: World, account: str | None = None, **opening: Any) -> Case:
    """A case whose supply was cut lawfully five hours ago."""
    case = await world.open(account, **opening)
    await case.to_cut()
    await case.pass_time(hours=5)
    return case


async def test_a_bill_corrected_while_cut_off_is_settled_when_that_is_learned(world: World) -> None:
    """Paid in part long before; the correction settles, and not the payment of November."""
    account = await world.customer()
    bill = await world.bill(account)
    case = await world.open(account)
    await case.pay("150.00")
    await case.to_cut()
    await case.pass_time(hours=5)
    learned = await case.now()
    await billing.correct(world, bill, "150.00")
    await recheck(case)
    snap = await restoring(case)
    assert moment(snap, "settled_at") >= learned
    assert moment(snap, "restore_due_by") == moment(snap, "settled_at") + DAY
    assert kinds(snap) == []
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    assert await case.evidence("restore.breached") == []


async def test_a_bill_cancelled_while_cut_off_is_settled_when_that_is_learned(world: World) -> None:
    account = await world.customer()
    bill = await world.bill(account)
    case = await cut_off(world, account)
    learned = await case.now()
    await billing.cancel(world, bill)
    await recheck(case)
    snap = await restoring(case)
    assert moment(snap, "settled_at") >= learned
    assert kinds(snap) == []


async def test_money_moved_from_another_bill_settles_when_that_is_learned(world: World) -> None:
    """Two bills named, one of them paid before the cut; both corrected after it, and the money moved to the other."""
    account = await world.customer()
    old, other = await world.bill(account, "100.00", 60), await world.bill(account, "100.00", 50)
    case = await world.open(account)
    payment = await case.pay("100.00")
    await case.to_cut()
    await case.pass_time(hours=5)
    learned = await case.now()
    await billing.correct(world, old, "5.00")
    await billing.correct(world, other, "95.00")
    await billing.move(world, payment, other)
    await recheck(case)
    snap = await restoring(case)
    assert moment(snap, "settled_at") >= learned
    assert kinds(snap) == []


async def test_another_policy_settles_when_it_comes(world: World) -> None:
    case = await world.open()
    await case.pay("170.00")
    await case.to_cut()
    await case.pass_time(hours=5)
    changed = await case.now()
    generous = world.policy.model_copy(update={"version": "generous", "tolerance": Decimal("50.00")})
    await case.update("change_policy", "operator", policy=generous.model_dump(mode="json"), reason="the board decided")
    snap = await restoring(case)
    assert moment(snap, "settled_at") >= changed
    assert kinds(snap) == []


async def test_a_payment_beside_a_correction_is_the_settlement_if_it_would_have_been_enough(world: World) -> None:
    account = await world.customer()
    bill = await world.bill(account)
    case = await cut_off(world, account)
    paid_at = await case.now() - timedelta(hours=2)
    await case.pay("200.00", reported=False, ago=timedelta(hours=2))
    await billing.correct(world, bill, "195.00")
    await recheck(case)
    snap = await restoring(case)
    # 195 of it are on the bill: by what was known, 5.00 are left, and that is a trifle.
    assert abs(moment(snap, "settled_at") - paid_at) < MINUTE


async def test_paid_before_the_cut_and_booked_after_it_is_restored_within_a_day_of_the_learning(world: World) -> None:
    """Paid on Saturday, cut on Monday, booked on Tuesday: the incident, and 24 hours from Tuesday."""
    case = await world.open()
    await case.to_cut()
    cut_at = moment(await case.snapshot(), "cut_at")
    await case.pass_time(hours=26)
    learned = await case.now()
    await case.pay("200.00", ago=learned - cut_at + 2 * DAY)
    snap = await restoring(case)
    assert moment(snap, "settled_at") < cut_at
    assert moment(snap, "restore_due_by") >= learned + DAY
    assert kinds(snap) == ["cut_after_settlement"]
    await case.restore()
    assert await case.evidence("restore.breached") == []


async def test_the_late_fee_blocks_and_both_are_paid_in_one_sum(world: World) -> None:
    """R-24: what is paid beyond the principal goes to the late fee before a bill not yet due."""
    case = await cut_off(world, policy=world.policy.model_copy(update={"late_fee_blocks": True}))
    await world.bill(case.account_id, "300.00", overdue_days=-90)
    fee = Decimal((await case.snapshot())["late_fee"])
    paid_at = await case.now()
    await case.pay(str(Decimal("200.00") + fee))
    snap = await restoring(case)
    assert abs(moment(snap, "settled_at") - paid_at) < MINUTE


async def test_the_late_fee_paid_later_settles_then(world: World) -> None:
    case = await cut_off(world, policy=world.policy.model_copy(update={"late_fee_blocks": True}))
    await world.bill(case.account_id, "300.00", overdue_days=-90)
    await case.pay("200.00")
    await case.becomes(lambda s: s["owed"] == "0.00", "the principal paid")
    fee = Decimal((await case.snapshot())["late_fee"])
    assert await case.stage() == "disconnected"
    await case.pass_time(hours=3)
    paid_at = await case.now()
    await case.pay(str(fee - Decimal("0.01")))
    await case.at_rest()
    assert await case.stage() == "disconnected"
    await case.pay("0.01")
    snap = await restoring(case)
    assert moment(snap, "settled_at") >= paid_at
    assert moment(snap, "restore_due_by") >= paid_at + DAY


async def test_a_current_bill_paid_before_pays_no_late_fee(world: World) -> None:
    """What lies on another bill since before the principal was paid was not paid beyond it."""
    case = await cut_off(world, policy=world.policy.model_copy(update={"late_fee_blocks": True}))
    current = await world.bill(case.account_id, "300.00", overdue_days=-90)
    payment = await case.pay("300.00", reported=False)
    await billing.move(world, payment, current)
    await case.pass_time(hours=1)
    await case.pay("200.00")
    await case.recorded("debt.read", 1)
    await case.at_rest()
    assert await case.stage() == "disconnected"


async def test_supply_is_back_and_a_payment_made_before_the_cut_is_booked(world: World) -> None:
    """The incident is recorded all the same, without a ticket."""
    case = await world.open()
    await case.to_cut()
    cut_at = moment(await case.snapshot(), "cut_at")
    await world.bill(case.account_id, "60.00", overdue_days=-1)
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.restore()
    await case.pass_time(days=3)
    await recheck(case, "q-next")
    await case.notices("yellow", 2)
    await case.pay("200.00", ago=await case.now() - cut_at + timedelta(hours=1))
    snap = await case.becomes(lambda s: bool(s["incidents"]), "an incident")
    assert kinds(snap) == ["cut_after_settlement"]
    assert [t["kind"] for t in snap["tickets"]] == ["cut", "restore"]


async def test_the_crew_reports_late_a_cut_of_bills_settled_before_it(world: World) -> None:
    """The payment was known before the report of the cut; it is not forgotten by the answers since."""
    case = await world.open()
    ticket = await case.to_window()
    permit = await case.permit(ticket)
    cut_at = await case.now() + timedelta(minutes=1)
    await case.pass_time(minutes=2)
    await case.pay("200.00", ago=timedelta(minutes=5))
    await case.becomes(lambda s: s["permit"]["state"] == "revoked", "a revoked permit")
    await recheck(case)
    await case.pass_time(minutes=4)
    await case.update(
        "report_cut",
        "field_crew",
        permit_id=permit["permit_id"],
        meter_id=ticket["meter_id"],
        at=cut_at.isoformat(),
    )
    snap = await restoring(case)
    assert moment(snap, "settled_at") < cut_at
    assert moment(snap, "restore_due_by") > cut_at + DAY
    assert kinds(snap) == ["cut_after_settlement"]


def test_the_default_policy_lets_a_cent_less_than_the_least_debt_stay() -> None:
    assert Policy().may_stay_unpaid == Decimal("9.99")


@pytest.fixture
def over_http(world: World) -> Iterator[HttpBilling]:
    """The world's book, asked over HTTP."""
    with serving(BillingApi(world.parts.book)) as api:
        asking = open_http_billing(api.url, TOKEN, world.policy.timezone)
        yield asking
        asking.close()


async def test_over_http_a_correction_is_learned_and_a_late_fee_is_seen(world: World, over_http: HttpBilling) -> None:
    """R-24, R-25: the answer says what was paid before, and what was paid beyond the bill."""
    async with world.beside(billing=over_http) as beside:
        blocks = world.policy.model_copy(update={"late_fee_blocks": True})
        account, other = await world.customer(), await world.customer()
        bill = await world.bill(account)
        await world.bill(other)
        corrected, fee = await beside.open(account), await beside.open(other, policy=blocks)
        corrected.world = fee.world = world
        await corrected.pay("150.00")
        await corrected.to_cut()
        learned = await corrected.now()
        await billing.correct(world, bill, "150.00")
        await recheck(corrected)
        assert moment(await restoring(corrected), "settled_at") >= learned
        await fee.to_cut()
        await world.bill(other, "300.00", overdue_days=-90)
        due, paid_at = Decimal((await fee.snapshot())["late_fee"]), await fee.now()
        await fee.pay(str(Decimal("200.00") + due))
        assert abs(moment(await restoring(fee), "settled_at") - paid_at) < MINUTE
