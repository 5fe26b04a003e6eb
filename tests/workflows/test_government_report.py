"""GovernmentReport on the real server (R-29, III.5): due times, late and repeated runs, and cases really lived."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import ScheduleBackfill, ScheduleHandle, ScheduleOverlapPolicy, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from client.schedules import install_government_report
from domain.proof.rules import prove
from domain.report.filing import ReportOrder, SendReport
from domain.report.month import Figures, bounds, month_before
from tests.support.register_reading import WholeRegister
from tests.support.report_by_hand import ByHand
from tests.support.world import Case, World

LIAISON = {"id": "l-001", "role": "liaison"}


@pytest.fixture
async def utility(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """A utility with empty books on the shared server."""
    async with world.apart(tmp_path, retry_max_seconds=1, documents=tmp_path / "papers") as apart:
        yield apart


async def report(utility: World, *asked: Any, number: int = 1) -> dict[str, Any]:
    """A report made by hand, as somebody would start it from the UI."""
    handle = await utility.client.start_workflow(
        "GovernmentReport",
        args=asked,
        id=f"report-{utility.settings.task_queue}-{number}",
        task_queue=utility.settings.task_queue,
    )
    answer: dict[str, Any] = await asyncio.wait_for(handle.result(), 20)
    return answer


async def ran(utility: World, schedule: ScheduleHandle, count: int) -> list[dict[str, Any]]:
    """What the runs that the schedule has started came to, once there are so many."""
    for _ in range(200):
        actions = (await schedule.describe()).info.recent_actions
        if len(actions) >= count:
            ids = [a.action.workflow_id for a in actions]  # type: ignore[attr-defined]
            return [await utility.client.get_workflow_handle(one).result() for one in ids]
        await asyncio.sleep(0.05)
    raise AssertionError(f"the schedule has not started {count} runs")


# ---- the schedule --------------------------------------------------------------------------------


async def test_a_late_run_reports_the_month_it_was_due_for(utility: World) -> None:
    """By the schedule's nominal time: three months made up for today have a report each, and again have the same."""
    zone, queue = utility.policy.zone, utility.settings.task_queue
    assert await install_government_report(utility.client, queue, zone.key, 5, 30) == "created"
    schedule = utility.client.get_schedule_handle("government-report")
    try:
        missed = ScheduleBackfill(
            start_at=datetime(2026, 2, 15, tzinfo=zone),
            end_at=datetime(2026, 5, 15, tzinfo=zone),
            overlap=ScheduleOverlapPolicy.ALLOW_ALL,
        )
        await schedule.backfill(missed)
        made = await ran(utility, schedule, 3)
        assert sorted(m["month"] for m in made) == ["2026-02", "2026-03", "2026-04"]
        assert all(m["new"] for m in made)
        await schedule.backfill(missed)
        again = (await ran(utility, schedule, 6))[3:]
        assert {(m["report_id"], m["sha256"]) for m in again} == {(m["report_id"], m["sha256"]) for m in made}
        assert not any(m["new"] for m in again)
        assert len(utility.parts.reports.reports()) == 3
        assert len(WholeRegister(utility.parts.reader.engine).outbox("liaison")) == 3
        assert {m["paper"] for m in made} == {m["paper"] for m in again}
        folder = utility.settings.documents_folder
        printed = {str(p.relative_to(folder)) for p in folder.rglob("*.pdf")}
        assert printed == {m["paper"] for m in made}
    finally:
        await schedule.delete()


async def test_started_by_hand_it_reports_last_month(utility: World) -> None:
    made = await report(utility)
    assert made["month"] == month_before(datetime.now(UTC), utility.policy.zone)
    again = await report(utility, {"reason": "late records", "by": "c-1"}, number=2)
    assert (again["month"], again["number"], again["new"]) == (made["month"], 2, True)
    assert utility.parts.reports.report().made_by == "c-1"


@pytest.mark.parametrize(
    ("asked", "type_"),
    [
        ({"month": "2026-1"}, "BadRequest"),
        (None, "BadRequest"),
        (7, "BadRequest"),
        ({"month": "2199-01"}, "BadRequest"),
        ({"month": "2099-01"}, "TooEarly"),
    ],
)
async def test_what_cannot_be_reported_ends_the_run_and_says_why(utility: World, asked: Any, type_: str) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await report(utility, asked)
    cause: Any = failed.value.cause
    while not isinstance(cause, ApplicationError):
        cause = cause.cause
    assert cause.type == type_
    assert utility.parts.reports.reports() == ()


# ---- cases really lived ----------------------------------------------------------------------------


async def _restored(utility: World) -> Case:
    case = await utility.open(amount="321.40")
    await case.to_cut()
    await case.pass_time(hours=30)
    await case.pay("321.40")
    await case.ticket("restore")
    await case.pass_time(hours=5)
    await case.restore()
    await case.result()
    return case


async def _breached(utility: World) -> Case:
    case = await utility.open(amount="80.00")
    await case.to_cut()
    await case.pay("80.00")
    await case.ticket("restore")
    await case.pass_time(hours=25)
    await case.restore()
    await case.recorded("restore.breached")
    return case


async def _delayed(utility: World) -> Case:
    case = await utility.open(amount="90.00", customer_class="non_residential")
    await case.to_cut("centre_director", "company_leader")
    await case.pay("90.00")
    await case.ticket("restore")
    now = await case.now()
    told = {"customer_told_at": now.isoformat(), "customer_told_how": "by telephone", "leader": "c-001"}
    await case.update("declare_delay", "team_leader", reason="flood", leader_told_at=now.isoformat(), **told)
    end = datetime.combine((now + timedelta(days=2)).astimezone(utility.policy.zone).date(), datetime.min.time())
    await case.until(end.replace(tzinfo=utility.policy.zone) - timedelta(hours=1))
    await case.restore()
    await case.result()
    return case


async def _found_cut_off(utility: World) -> Case:
    case = await utility.open(amount="150.00", region="R-South")
    await case.notice("yellow")
    await case.signal(
        "supply_found_cut", report_id="f-1", meter_id=f"M-{case.account_id}", reported_by="neighbour", source="95598"
    )
    await case.ticket("restore")
    await case.pass_time(hours=2)
    await case.restore()
    await case.recorded("supply.restored")
    return case


async def _important(utility: World) -> Case:
    case = await utility.open(amount="70.00", important=True)
    red = await case.to_red()
    await case.deliver("red", outcome="refused")
    filing = {"purpose": "filing", "reference": "2026-17", "authority": "power authority"}
    await case.update("record_filing", "liaison", notice_id=red["notice_id"], **filing)
    await case.update("withdraw", "centre_director", reason="a hospital")
    await case.result()
    return case


def _same(figures: Figures, hand: ByHand) -> int:
    """Assert that the figures are those counted by hand; returns how much happened."""
    s = figures.supply
    assert figures.whole.opened == hand.happened("case.opened")
    assert figures.outcomes == hand.outcomes()
    assert (s.cuts, s.unauthorised, s.breaches, s.exceptions) == (
        hand.cuts(),
        hand.unauthorised(),
        hand.happened("restore.breached"),
        hand.happened("delay.declared"),
    )
    assert s.after_settlement.model_dump() == hand.lights(lawful=True)
    assert s.after_unauthorised.model_dump() == hand.lights(lawful=False)
    assert figures.yellow.model_dump() == hand.notices("yellow")
    assert figures.red.model_dump() == hand.notices("red")
    assert figures.approved == hand.by_detail("approval.given", "role")
    assert (figures.whole.debt.opened_with, figures.whole.debt.settled) == (hand.opened_with(), hand.moved("<"))
    assert {c.account_id: (c.filings, c.cuts, c.unauthorised, c.restored) for c in figures.important} == (
        hand.important()
    )
    return figures.whole.opened + s.cuts + s.unauthorised + s.after_settlement.restored


async def test_what_real_cases_did_is_what_the_months_report(utility: World) -> None:
    """Five lives on the real server, each on its own clock: every month they touch equals the count by hand."""
    plays = (_restored, _breached, _delayed, _found_cut_off, _important)
    lived = await asyncio.gather(*(play(utility) for play in plays))
    zone, url = utility.policy.zone, utility.settings.register_url.get_secret_value()
    today = datetime.now(zone)
    months = [f"{today.year + n // 12}-{n % 12 + 1:02}" for n in range(today.month - 1, today.month + 3)]
    later, figures, happened = today + timedelta(days=300), [], 0
    for month in months:
        order = ReportOrder(request=f"r-{month}", at=later, nominal=later, month=month)
        made = await asyncio.to_thread(utility.parts.reporting.make, order)
        kept = utility.parts.reports.report(made.month).figures
        happened += _same(kept, ByHand(url, *bounds(month, zone)))
        figures.append(kept)
    assert happened >= 5 + 3 + 1 + 3
    last = figures[-1]
    assert {stage: dict(of) for stage, of in last.stages.items()} == ByHand(url, *bounds(months[-1], zone)).stages_now()
    assert last.whole.debt.owed == ByHand(url, *bounds(months[-1], zone)).owed_now()
    lights = [f.supply.after_settlement for f in figures]
    assert sum(x.within_12 for x in lights) == 1, "30 h after the cut, 5 h after the payment"
    assert (sum(x.exception for x in lights), sum(x.later for x in lights)) == (1, 1)
    assert sum(f.whole.debt.opened_with for f in figures) == Decimal("711.40")
    assert [c.filings for f in figures for c in f.important] == [1]
    await _proofs(utility, lived[0], months, later)


async def _proofs(utility: World, case: Case, months: list[str], later: datetime) -> None:
    """R-29 of a real case's proof: met once its months are sent."""

    def verdict() -> str:
        file = utility.parts.reader.case_file(case.account_id)
        assert file is not None
        return next(line.verdict for line in prove(file, utility.policy) if line.rule == "R-29")

    assert verdict() == "not_reached"
    for month in months:
        sending = SendReport.model_validate({"reference": month, "authority": "区政府", "actor": LIAISON})
        utility.parts.reports.sent(month, sending, later)
    assert verdict() == "met"
