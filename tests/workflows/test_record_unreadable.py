"""The customer's record cannot be read at each of its moments, over both kinds of billing (R-32): no step without it.

A notice waits, T - 24 h waits to the end of the day, T - 30 min slips, the permit is refused; restoration goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.billing.line import Patience
from adapters.billing.over_http import open_http_billing
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.silent_records import SilentRecords
from tests.support.world import SOON, Case, World, running_world

HASTY = Patience(0.3, tries=1)
FAULTS: dict[str, Any] = {"fails": "fails", "garbled": "garbled", "late": 5.0}


@pytest.fixture(scope="module")
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose activities pause an hour between attempts: every attempt is a skip of the clock."""
    async with running_world(tmp_path_factory.mktemp("unreadable"), retry_max_seconds=3600) as world:
        yield world


@dataclass
class Records:
    """A worker whose billing can be silent about customers, while it says what is owed."""

    town: World
    asking: World
    silent: Callable[[], None]
    back: Callable[[], None]

    async def case(self) -> Case:
        """A case of that worker's."""
        account = await self.town.customer()
        await self.town.bill(account)
        case = await self.asking.open(account)
        case.world = self.town  # the book is the utility's, and perhaps asked over HTTP alone
        return case


@pytest.fixture(params=["embedded", *FAULTS])
async def records(patient: World, request: pytest.FixtureRequest) -> AsyncIterator[Records]:
    """The embedded book, and a real server that fails, garbles what it says of customers, or is late with it."""
    if request.param == "embedded":
        book = SilentRecords.over(patient.parts.book)
        async with patient.beside(billing=book) as world:
            yield Records(patient, world, book.silent.set, book.silent.clear)
        return
    with serving(BillingApi(patient.parts.book)) as api:
        billing = open_http_billing(api.url, TOKEN, patient.policy.timezone, (HASTY, HASTY))
        async with patient.beside(billing=billing) as world:
            spoil = {"/customers": FAULTS[request.param]}
            yield Records(patient, world, lambda: api.faults.update(spoil), api.faults.clear)
        billing.close()


async def permit_in_silence(case: Case, ticket: dict[str, Any]) -> Any:
    """The crew asks; the case's time passes while billing is tried."""
    asking = asyncio.create_task(case.permit(ticket))
    for _ in range(40):
        await asyncio.sleep(0.2)
        if asking.done():
            break
        await case.pass_time(seconds=2)
    return await asking


async def test_a_notice_waits_and_a_permit_is_refused_and_supply_comes_back(records: Records) -> None:
    case = await records.case()
    await case.deliver("yellow")
    yellow = await case.notice("yellow")
    ahead = records.town.policy.delivery_allowance_days + records.town.policy.red_notice_days
    records.silent()
    await case.until(datetime.fromisoformat(yellow["cut_at"]) - timedelta(days=ahead) + SOON)
    await case.pass_time(hours=2)
    assert [n["kind"] for n in (await case.snapshot())["notices"]] == ["yellow"]
    records.back()
    await case.pass_time(hours=2)
    red = await case.notice("red")
    await case.deliver("red")
    await case.approve()

    cut_at = datetime.fromisoformat(red["cut_at"])
    records.silent()
    await case.until(cut_at - timedelta(hours=24) + SOON)
    await case.pass_time(hours=2)
    waiting = await case.snapshot()
    assert (waiting["tickets"], waiting["planned_cut_at"]) == ([], red["cut_at"])
    records.back()
    await case.pass_time(hours=2)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(cut_at + timedelta(minutes=1))

    records.silent()
    refused = await permit_in_silence(case, ticket)
    assert (refused["granted"], {c["rule"] for c in refused["unmet"]}) == (False, {"R-17"})
    records.back()
    permit = await case.permit(ticket)
    assert permit["granted"], permit
    read = [e.detail for e in await case.recorded("billing.checked", 4) if e.detail["when"] in ("half_hour", "permit")]
    assert [(d["when"], d["answer"], d.get("record")) for d in read] == [
        ("half_hour", "owes", 1),
        ("permit", "no_answer", None),
        ("permit", "owes", 1),
    ]
    assert datetime.fromisoformat(read[-1]["record_read_at"]) >= cut_at
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.in_stage("disconnected")

    records.silent()
    paid_at = await case.now()
    await case.pay("200.00")
    restore = await case.ticket("restore")
    assert datetime.fromisoformat(restore["sent_at"]) - paid_at < timedelta(seconds=20)
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    records.back()


async def test_a_payment_does_not_wait_for_a_record(records: Records) -> None:
    """R-31, P2: the notice waits for the record, and whoever pays meanwhile is settled by the debt's answer alone."""
    case = await records.case()
    await case.deliver("yellow")
    yellow = await case.notice("yellow")
    records.silent()
    await case.until(datetime.fromisoformat(yellow["cut_at"]) - timedelta(days=9))
    await case.pass_time(hours=2)
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    records.back()


async def test_who_was_cut_off_while_a_question_waits_for_his_record_is_restored(records: Records) -> None:
    """P3: the question was asked with supply on, and it waits; the debt of who has none is asked beside it."""
    case = await records.case()
    await case.deliver("yellow")
    yellow = await case.notice("yellow")
    records.silent()
    await case.until(datetime.fromisoformat(yellow["cut_at"]) - timedelta(days=9))
    await case.pass_time(hours=2)
    report = {"report_id": "f-1", "meter_id": f"M-{case.account_id}", "reported_by": "neighbour", "source": "hotline"}
    await case.signal("supply_found_cut", **report)
    await case.restore()
    await case.pay("200.00")
    await case.becomes(lambda s: s["owed"] == "0.00", "the payment")
    records.back()


async def test_at_t_minus_30_min_the_time_slips_at_once(records: Records) -> None:
    case = await records.case()
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    records.silent()
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    [red] = [n for n in (await case.becomes(_slipped, "the slip"))["notices"] if n["kind"] == "red"]
    [checked] = [e for e in await case.recorded("billing.checked", 2) if e.detail["when"] == "half_hour"]
    assert checked.detail["answer"] == "no_answer"
    assert "record" not in checked.detail
    records.back()
    await case.pass_time(hours=2)
    assert (await case.notice("red"))["notice_id"] != red["notice_id"]


async def test_at_t_minus_24_h_the_time_slips_at_the_end_of_the_day(records: Records) -> None:
    case = await records.case()
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=25))
    records.silent()
    await case.pass_time(hours=15)
    assert (await case.notice("red"))["notice_id"] == red["notice_id"]
    await case.pass_time(hours=3)
    snap = await case.becomes(_slipped, "the slip")
    assert snap["tickets"] == []
    records.back()


def _slipped(snap: dict[str, Any]) -> bool:
    return [n["state"] for n in snap["notices"] if n["kind"] == "red"][:1] == ["void"]
