"""R-25: a payment made before the cut is booked once the case has closed. A case is opened for the incident alone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from activities.closed_cuts import open_for_incidents
from domain.case.closed_cut import ClosedCut, paid_before
from domain.law.policy_choice import Policies
from domain.money.debt import AccountDebt, BillDebt, BillPayment
from edge.ingest.announcer import CaseAnnouncer
from edge.ingest.ingest import ingest
from tests.support.world import Case, World
from tests.workflows.test_daily_sweep import sweep


@pytest.fixture
async def utility(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """A utility with empty books on the shared server: a sweep sees the cases of its own test only."""
    async with world.apart(tmp_path, retry_max_seconds=1) as apart:
        yield apart


async def closed(world: World) -> tuple[Case, datetime]:
    """A case that was cut, paid three hours later, restored and closed; with the time of its cut."""
    case = await world.open()
    await case.to_cut()
    cut_at = datetime.fromisoformat((await case.snapshot())["cut_at"])
    await case.pass_time(hours=3)
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    return case, cut_at


async def for_the_incident(world: World, case: Case, cut_at: datetime) -> None:
    """The account's new case has the incident, and closes with its outcome."""
    new = Case(world, case.account_id, world.client.get_workflow_handle(f"arrears-{case.account_id}"))
    snap = await new.becomes(lambda s: bool(s.get("incidents")), "an incident")
    (incident,) = snap["incidents"]
    assert (incident["kind"], datetime.fromisoformat(incident["at"])) == ("cut_after_settlement", cut_at)
    assert snap["tickets"] == snap["notices"] == []
    await new.notified("company_leader", "incident: cut_after_settlement")
    await new.update(
        "close_incident", "centre_director", incident_id=incident["incident_id"], outcome="the bank booked it late"
    )
    assert (await new.result())["outcome"] == "settled"


async def running(world: World, case: Case) -> bool:
    """Whether the account has an open case."""
    described = await world.client.get_workflow_handle(f"arrears-{case.account_id}").describe()
    return described.status is not None and described.status.name == "RUNNING"


async def test_the_sweep_finds_it_and_finds_it_once(utility: World) -> None:
    case, cut_at = await closed(utility)
    await sweep(utility)
    assert not await running(utility, case)
    await case.pay("200.00", reported=False, ago=await case.now() - cut_at + timedelta(hours=2))
    await sweep(utility)
    await for_the_incident(utility, case, cut_at)
    await sweep(utility)
    assert not await running(utility, case)


async def test_ingest_finds_it(utility: World, tmp_path: Path) -> None:
    case, cut_at = await closed(utility)
    paid_at = (cut_at - timedelta(hours=2)).astimezone(utility.policy.zone)
    file = tmp_path / "payments.csv"
    lines = "payment_id,account_id,amount,paid_at", f"late-1,{case.account_id},200.00,{paid_at:%Y-%m-%d %H:%M}"
    file.write_text("\n".join(lines), "utf-8")
    parts, queue, now = utility.parts, utility.settings.task_queue, datetime.now(UTC)

    async def late(accounts: Sequence[str]) -> int:
        allowed = parts.policy.may_stay_unpaid
        return await open_for_incidents(utility.client, parts.book, parts.reader, now, queue, allowed, accounts)

    announcer = CaseAnnouncer(utility.client, parts.policies, queue)
    report = await ingest([file], parts.book, announcer, now=now, policies=Policies(), closed_cases=late)
    assert report.cases_opened == 1
    await for_the_incident(utility, case, cut_at)


CUT_AT = datetime(2026, 12, 21, 1, 2, tzinfo=UTC)
CLOSED = ClosedCut(
    account_id="A-1",
    case_key="case",
    cut_id="cut-1",
    meter_id="M-1",
    cut_at=CUT_AT,
    bills=("B-1",),
    payments=("known",),
)


@pytest.mark.parametrize(
    ("payment_id", "paid", "hours", "found"),
    [
        ("new", "200.00", -2, True),
        ("new", "190.01", -2, True),
        ("new", "200.00", 0, True),
        ("new", "200.00", 1, False),  # paid after the cut
        ("known", "200.00", -2, False),  # moved, or known all along
        ("new", "150.00", -2, False),  # not enough
    ],
)
def test_only_a_new_payment_that_settled_before_the_cut_counts(
    payment_id: str, paid: str, hours: int, found: bool
) -> None:
    payment = BillPayment(payment_id=payment_id, amount=Decimal(paid), paid_at=CUT_AT + timedelta(hours=hours))
    bill = BillDebt(bill_id="B-1", amount=Decimal("200.00"), due_date=date(2026, 10, 20), payments=(payment,))
    debt = AccountDebt(account_id="A-1", as_of=CUT_AT, bills=(bill,))
    assert (paid_before(CLOSED, debt, Decimal("9.99")) is not None) is found


def test_a_cancelled_bill_is_no_payment() -> None:
    assert paid_before(CLOSED, AccountDebt(account_id="A-1", as_of=CUT_AT), Decimal("9.99")) is None
