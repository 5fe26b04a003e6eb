"""A worker whose billing book is the wrong, empty one: to a case that is silence, and never "owes nothing" (R-17)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.billing.embedded import SqlBilling, open_billing
from adapters.billing.over_http import HttpBilling, open_http_billing
from composition.parts import build
from composition.serving import make_worker
from composition.settings.model import Settings
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.world import SOON, Case, World

Billing = SqlBilling | HttpBilling


@dataclass(frozen=True)
class Utility:
    """A utility on the shared server; who works for it, and by which book, is the test's to say."""

    world: World

    @asynccontextmanager
    async def working(self, billing: Billing | None = None) -> AsyncIterator[None]:
        """A worker by that billing system; left out, by the right one."""
        parts = replace(self.world.parts, billing=billing) if billing else self.world.parts
        async with make_worker(self.world.client, parts, self.world.settings):
            yield


@pytest.fixture
def utility(world: World, tmp_path: Path) -> Iterator[Utility]:
    """Its own books, and nobody at work yet."""
    settings = Settings.model_validate(
        {
            "register_url": f"sqlite:///{tmp_path / 'register.db'}",
            "billing_url": f"sqlite:///{tmp_path / 'billing.db'}",
            "task_queue": f"arrears-{tmp_path.name}",
            "shutdown_seconds": 0,
        }
    )
    parts = build(settings)
    yield Utility(World(world.env, parts, settings, world.policy))
    parts.close()


@pytest.fixture(params=["sql", "http"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Billing]:
    """The wrong book, by either adapter."""
    book = open_billing(f"sqlite:///{tmp_path / 'wrong.db'}", "Asia/Shanghai")
    if request.param == "sql":
        yield book
    else:
        with serving(BillingApi(book)) as api:
            billing = open_http_billing(api.url, TOKEN, "Asia/Shanghai")
            yield billing
            billing.close()
    book.close()


async def silence(case: Case) -> Any:
    """The question under way, once it has failed: what a person sees in Temporal UI."""
    for _ in range(400):
        pending = (await case.handle.describe()).raw_description.pending_activities
        if pending and pending[0].last_failure.message:
            return pending[0]
        await asyncio.sleep(0.05)
    raise AssertionError("billing was not asked in vain")


async def while_asked(case: Case, answered: "asyncio.Task[Any]") -> Any:
    """The seconds that a question of the last half-hour may take pass on the case's clock."""
    for _ in range(40):
        await asyncio.sleep(0.1)
        if answered.done():
            break
        await case.pass_time(seconds=2)
    return await answered


async def test_a_wrong_book_settles_nothing_and_the_right_one_goes_on(utility: Utility, empty: Billing) -> None:
    async with utility.working():
        case = await utility.world.open()
        await case.notice("yellow")
    async with utility.working(empty):
        await case.signal("recheck_requested", request_id="q-1", source="operator")
        question = await silence(case)
        assert question.activity_type.name == "read_debt"
        assert question.last_failure.application_failure_info.type == "AccountUnknown"
        assert "ARREARS_BILLING_URL" in question.last_failure.message
        snap = await case.snapshot()
        assert (snap["stage"], snap["owed"]) == ("yellow_notice", "200.00")
    async with utility.working():
        await case.pass_time(minutes=5)
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"


async def test_a_wrong_book_gives_no_permit(utility: Utility, empty: Billing) -> None:
    async with utility.working():
        case = await utility.world.open()
        ticket = await case.to_window()
    async with utility.working(empty):
        answer = await while_asked(case, asyncio.create_task(case.permit(ticket)))
    assert [condition["rule"] for condition in answer["unmet"]] == ["R-17"]
    assert await case.evidence("permit.granted") == []


async def test_a_wrong_book_in_the_last_half_hour_lets_the_time_slip(utility: Utility, tmp_path: Path) -> None:
    empty = open_billing(f"sqlite:///{tmp_path / 'wrong.db'}", "Asia/Shanghai")
    async with utility.working():
        case = await utility.world.open()
        ticket = await case.to_ticket()
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        cut_at = await case.cut_time()
    async with utility.working(empty):

        async def slipped() -> None:
            await case.becomes(lambda s: s["notices"][-1]["state"] == "void", "the slip")

        await case.until(cut_at - timedelta(minutes=30) + SOON)
        await while_asked(case, asyncio.create_task(slipped()))
        assert (await case.snapshot())["owed"] == "200.00"
        assert await case.evidence("debt.settled") == []
    empty.close()


async def test_who_is_cut_off_is_not_settled_by_a_wrong_book_but_restored_by_the_right_one(
    utility: Utility, tmp_path: Path
) -> None:
    """P3: the question of the case goes on until it has an answer, so no restoration waits for tomorrow's sweep."""
    empty = open_billing(f"sqlite:///{tmp_path / 'wrong.db'}", "Asia/Shanghai")
    async with utility.working():
        case = await utility.world.open()
        await case.to_cut()
        await case.pay("200.00", reported=False)
    async with utility.working(empty):
        await case.signal("recheck_requested", request_id="q-1", source="sweep")
        assert (await silence(case)).last_failure.application_failure_info.type == "AccountUnknown"
        assert await case.stage() == "disconnected"
    async with utility.working():
        await case.pass_time(minutes=5)
        assert (await case.ticket("restore"))["state"] == "sent"
    empty.close()
