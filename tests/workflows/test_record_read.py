"""The customer's record read afresh at each of its moments: what has changed counts, and no change is lost (R-32)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from activities.register import RegisterUnavailable
from adapters.billing.over_http import open_http_billing
from adapters.register.tables import TABLES
from adapters.register.writing import SqlRegister
from composition.serving import make_worker
from domain.customer import CardKept, CustomerCard
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.receivers import hook
from tests.support.silent_records import SilentRecords
from tests.support.world import SOON, Case, World, running_world
from tests.workflows.test_notified_by_channel import is_notified, to_sms, with_channels
from tests.workflows.test_rules_taken_over import open_before

_VERSIONS = TABLES.tables["customer_versions"]
FORMER = {"name": "欧阳修竹", "address": "梧桐巷 88 号", "phone": "13877002941", "email": "zk7x@canary.example"}
LATTER = {"name": "慕容听雪", "address": "银杏里 15 号", "phone": "13966113852", "email": "qw9y@canary.example"}


async def changed(case: Case, count: int = 1) -> list[tuple[list[str], int]]:
    """Which fields the case found changed, and the number of the record it took then."""
    return [(e.detail["fields"], e.detail["record"]) for e in await case.recorded("customer.changed", count)]


async def renew(case: Case, **record: Any) -> None:
    """Billing's record of the customer from now on; `card` is what is personal in it."""
    await case.world.customer(account_id=case.account_id, **record)


@pytest.fixture(params=["embedded", "http"])
async def asked(world: World, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A worker that asks the embedded book, and one that asks a real server."""
    if request.param == "embedded":
        yield world
        return
    with serving(BillingApi(world.parts.book)) as api:
        billing = open_http_billing(api.url, TOKEN, world.policy.timezone)
        async with world.beside(billing=billing) as over_http:
            yield over_http
        billing.close()


async def opened(town: World, asking: World, **customer: Any) -> Case:
    """A case of that worker's; the book is the utility's own."""
    account = await town.customer(**customer)
    await town.bill(account)
    case = await asking.open(account)
    case.world = town
    return case


async def test_it_is_read_before_each_notice_and_at_each_step_of_the_cut(world: World, asked: World) -> None:
    """Another phone each time: whoever reads finds it, and the same wording has the number that it had."""
    case = await opened(world, asked, card=FORMER)
    await case.deliver("yellow")
    await renew(case, card=FORMER | {"phone": "13900000002"})
    red = await case.to_red_from_served_yellow()
    assert await changed(case) == [(["phone"], 2)]
    await case.deliver("red")
    await case.approve()
    cut_at = datetime.fromisoformat(red["cut_at"])
    await renew(case, card=FORMER | {"phone": "13900000003"})
    await case.until(cut_at - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    assert await changed(case, 2) == [(["phone"], 2), (["phone"], 3)]
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await renew(case, card=FORMER)
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    assert (await changed(case, 3))[-1] == (["phone"], 1)
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await renew(case, card=FORMER | {"phone": "１３９-0000-0002"})
    await case.until(cut_at + timedelta(minutes=1))
    permit = await case.permit(ticket)
    assert permit["granted"], permit
    assert (await changed(case, 4))[-1] == (["phone"], 2)
    checked = (await case.recorded("billing.checked", 3))[-1].detail
    assert (checked["when"], checked["record"]) == ("permit", 2)
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.in_stage("disconnected")
    await renew(case, card=FORMER)
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    assert (await changed(case, 5))[-1] == (["phone"], 1)
    with world.parts.register_engine.connect() as connection:
        kept = select(func.count()).select_from(_VERSIONS).where(_VERSIONS.c.account_id == case.account_id)
        assert connection.scalar(kept) == 3


async def test_at_t_minus_30_min_the_new_phone_is_notified_and_not_the_old_one(world: World, tmp_path: Path) -> None:
    with hook() as gateway:
        async with with_channels(world, tmp_path, {"sms": to_sms(gateway)}) as town:
            case = await town.open(card={"phone": FORMER["phone"]})
            ticket = await case.to_ticket()
            await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
            await renew(case, card={"phone": LATTER["phone"]})
            await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
            await is_notified(case)
            assert [body["to"] for body in gateway.bodies] == [LATTER["phone"]]
            assert await changed(case) == [(["phone"], 2)]


async def test_nothing_of_the_former_or_the_latter_customer_is_in_what_temporal_keeps(world: World) -> None:
    case = await world.open(card=FORMER)
    await case.to_half_hour()
    await renew(case, card=LATTER | {"preferred_channel": "email"})
    await case.update(
        "record_final_notice", "reader", ticket_id=(await case.ticket("cut"))["ticket_id"], how="at the door"
    )
    await case.until(await case.cut_time() + timedelta(minutes=1))
    ticket = await case.ticket("cut")
    assert not (await case.permit(ticket))["granted"]  # another holder: nothing was served on him
    assert await changed(case) == [(["name", "address", "phone", "email", "preferred_channel"], 2)]
    await case.notices("yellow", 2)
    await case.recorded("notice.issued", 3)
    history = await case.handle.fetch_history()
    kept = b"".join(event.SerializeToString() for event in history.events)
    assert b"preferred_channel" in kept  # which fields, and nothing of what they say
    secret = [value for card in (FORMER, LATTER) for value in card.values()]
    spellings = [form for value in secret for form in (value.encode(), value.encode("ascii", "backslashreplace"))]
    assert [form for form in spellings if form in kept] == []
    told = [e.detail for e in await case.evidence("customer.changed")]
    assert [value for value in secret if value in str(told)] == []


# ---- a read whose answer is lost ---------------------------------------------------------------


@dataclass(frozen=True)
class LosesAnswers(SqlRegister):
    """The register keeps the record, and the worker is gone before it has answered, as often as the test wants."""

    losing: list[str] = field(default_factory=list)

    def keep_card(self, card: CustomerCard, at: datetime | None = None, since: int | None = None) -> CardKept:
        """Written, and not answered."""
        kept = super().keep_card(card, at, since)
        if self.losing:
            self.losing.pop()
            raise RegisterUnavailable("the worker was killed")
        return kept


@asynccontextmanager
async def losing(world: World) -> AsyncIterator[tuple[World, list[str]]]:
    """A worker whose answers can be lost after the write."""
    register = LosesAnswers(world.parts.register_engine, world.parts.register.capacity)
    chosen = world.settings.model_copy(update={"task_queue": f"{world.settings.task_queue}-losing"})
    parts = replace(world.parts, register=register)
    async with make_worker(world.client, parts, chosen):
        yield World(world.env, parts, chosen, world.policy), register.losing


async def test_a_worker_killed_after_the_write_at_t_minus_30_min_loses_no_change(world: World) -> None:
    async with losing(world) as (asking, lost):
        case = await opened(world, asking, card=FORMER)
        ticket = await case.to_ticket()
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await renew(case, card=FORMER | {"name": LATTER["name"]})
        lost.append("once")
        await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
        assert await changed(case) == [(["name"], 2)]
        assert lost == []
        snap = await case.becomes(lambda s: s["tickets"][0]["state"] == "recalled", "the recall")
        assert [n["state"] for n in snap["notices"]][:2] == ["void", "void"]


async def test_an_answer_too_late_at_the_permit_loses_no_change(world: World) -> None:
    """No answer within its time is a refusal; whoever asks again finds what the first read had found."""
    async with losing(world) as (asking, lost):
        case = await opened(world, asking, card=FORMER)
        ticket = await case.to_window()
        await renew(case, card=FORMER | {"name": LATTER["name"]})
        lost += ["again"] * 99
        request = asyncio.create_task(case.permit(ticket))
        for _ in range(40):
            await asyncio.sleep(0.2)
            if request.done():
                break
            await case.pass_time(seconds=2)
        assert not (await request)["granted"]
        assert await case.evidence("customer.changed") == []
        lost.clear()
        assert not (await case.permit(ticket))["granted"]
        assert await changed(case) == [(["name"], 2)]


async def test_a_case_from_before_finds_what_differs_from_the_card_it_went_by(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with running_world(tmp_path_factory.mktemp("before")) as world:
        async with open_before(world):
            case = await world.open(card=FORMER)
            await case.deliver("yellow")
        await renew(case, card=FORMER | {"phone": LATTER["phone"]})
        await case.to_red_from_served_yellow()
        assert await changed(case) == [(["phone"], 2)]


# ---- a meter that the case does not know -------------------------------------------------------


async def found_cut(case: Case, meter_id: str) -> None:
    """Somebody reports supply cut off at that meter."""
    report = {"report_id": f"f-{meter_id}", "meter_id": meter_id, "reported_by": "neighbour", "source": "hotline"}
    await case.signal("supply_found_cut", **report)


async def test_a_meter_replaced_while_supply_is_off_is_known_when_it_is_reported(world: World, asked: World) -> None:
    case = await opened(world, asked)
    await case.to_cut()
    await case.pass_time(hours=1)
    await renew(case, meter_id="M-NEW")
    await found_cut(case, "M-NEW")
    await case.recorded("cut.found")
    assert [e.detail["fields"] for e in await case.recorded("customer.changed")] == [["meter_id"]]
    snap = await case.snapshot()
    assert (snap["incidents"], snap["stage"]) == ([], "disconnected")


async def test_a_meter_of_another_customer_is_restored_though_nobody_says_whose_it_is(
    world: World, asked: World
) -> None:
    """R-27, R-34: the record is read, the meter is not his, and the report is judged as it came."""
    case = await opened(world, asked)
    await case.notice("yellow")
    await found_cut(case, "M-OTHER")
    assert (await case.ticket("restore"))["meter_id"] == "M-OTHER"
    assert await case.evidence("customer.changed") == []
    assert "wrong_meter" in {i["kind"] for i in (await case.snapshot())["incidents"]}


async def test_the_crew_that_names_a_meter_just_replaced_is_heard(world: World) -> None:
    """The honest crew cut what hangs there: by the meter of the record it is no wrong meter."""
    case = await world.open()
    ticket = await case.to_window()
    await renew(case, meter_id="M-NEW")
    doubt = {"ticket_id": ticket["ticket_id"], "meter_id": "M-NEW", "remark": "another meter hangs here"}
    await case.update("report_meter_uncertain", "field_crew", **doubt)
    assert [e.detail["fields"] for e in await case.recorded("customer.changed")] == [["meter_id"]]
    assert not (await case.permit(ticket))["granted"]
    await case.becomes(lambda s: s["tickets"][0]["state"] == "recalled", "the recall")


async def test_a_crew_in_doubt_is_stopped_before_the_record_answers(world: World) -> None:
    """R-19: nobody cuts while he is unsure, however long billing takes to say whose meter it is."""
    silent = SilentRecords.over(world.parts.book)
    async with world.beside(billing=silent) as asking:
        case = await opened(world, asking)
        ticket = await case.to_window()
        assert (await case.permit(ticket))["granted"]
        silent.silent.set()
        doubt = {"ticket_id": ticket["ticket_id"], "meter_id": "M-OTHER", "remark": "two meters in the box"}
        assert await case.update("report_meter_uncertain", "field_crew", **doubt) == {}
        assert (await case.snapshot())["permit"]["state"] == "revoked"
        silent.silent.clear()
        await case.at_rest()


async def test_a_record_that_cannot_be_read_holds_no_report_up(world: World) -> None:
    """No answer within 15 s: the report is judged with what is known."""
    silent = SilentRecords.over(world.parts.book)
    async with world.beside(billing=silent) as asking:
        case = await opened(world, asking)
        await case.notice("yellow")
        silent.silent.set()
        came = await case.now()
        await found_cut(case, "M-OTHER")
        for _ in range(10):
            await case.pass_time(seconds=2)
        ticket = await case.ticket("restore")
        assert datetime.fromisoformat(ticket["sent_at"]) - came < timedelta(seconds=25)
        silent.silent.clear()
