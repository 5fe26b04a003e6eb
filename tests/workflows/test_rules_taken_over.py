"""A case that was open before R-31 to R-35 takes them over at its next wake-up, and goes on in every later worker.

A spent payment id that is heard again: `test_asked_again`. What a first read of the record finds: `test_record_read`,
`test_changed_records`. Supply off for a trifle, and a plan of before: `test_trifles`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from composition.parts import sending, with_channels
from tests.support.receivers import hook
from tests.support.world import SOON, Case, World, running_world
from tests.workflows.test_notified_by_channel import is_notified, to_sms


@asynccontextmanager
async def open_before(world: World) -> AsyncIterator[None]:
    """While it lasts, the worker is one from before the rules."""
    await world.stop_worker()
    await world.start_worker(earlier=True)
    try:
        yield
    finally:
        await world.restart_worker()


async def adopted(case: Case) -> list[str]:
    """The rules that the case has put on record."""
    return [str(e.detail["rules"]) for e in await case.evidence("rules.adopted")]


async def test_a_new_case_is_under_the_rules_from_its_opening(world: World) -> None:
    case = await world.open()
    await case.notice("yellow")
    opened = (await case.recorded("case.opened"))[0]
    assert opened.detail["rules"] == "R-35"
    assert await adopted(case) == []


async def test_a_case_open_before_takes_them_over_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_world(tmp_path_factory.mktemp("earlier")) as world:
        async with open_before(world):
            case = await world.open()
            await case.to_red()
            await case.deliver("red")
        assert await adopted(case) == []  # nothing has woken it yet
        await case.approve()
        await case.recorded("rules.adopted")
        await world.restart_worker()
        await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
        await case.ticket("cut")
        await world.restart_worker()
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"
        assert await adopted(case) == ["R-35"]


async def test_without_any_cache_they_are_taken_over_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every workflow task replays the case: each earlier wake-up must answer as it did."""
    async with running_world(tmp_path_factory.mktemp("uncached"), max_cached_workflows=0) as world:
        async with open_before(world):
            case = await world.open()
            await case.notice("yellow")
            await case.deliver("yellow")
        await case.to_red_from_served_yellow()
        await case.deliver("red")
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"
        assert await adopted(case) == ["R-35"]


# ---- what reaches it then ----------------------------------------------------------------------


async def test_its_customer_is_notified_in_the_last_half_hour_by_the_phone_of_the_record(tmp_path: Path) -> None:
    """R-32, R-16: the ticket was out before the rules; the former phone may be somebody else's by now."""
    former, latter = "13877002941", "13966113852"
    with hook() as gateway:
        (tmp_path / "channels.toml").write_text(f'[[customer]]\nkind = "sms"\nurl = "{to_sms(gateway)}"\n', "utf-8")
        async with running_world(tmp_path, notify=tmp_path / "channels.toml") as world:
            world.parts = with_channels(world.parts, world.settings)
            async with sending(world.parts):
                async with open_before(world):
                    case = await world.open(card={"phone": former})
                    await acknowledged(case)
                await world.customer(account_id=case.account_id, card={"phone": latter})
                await to_the_half_hour(case)
                await is_notified(case)
                assert [body["to"] for body in gateway.bodies] == [latter]
                [noted] = await case.recorded("customer.changed")
                assert noted.detail["fields"] == ["phone"]
                assert await adopted(case) == ["R-35"]


async def test_its_ticket_for_a_meter_that_was_replaced_is_recalled_in_the_last_half_hour(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """R-32, R-20: the crew would look for a meter that no longer hangs there."""
    async with running_world(tmp_path_factory.mktemp("meter")) as world:
        async with open_before(world):
            case = await world.open()
            ticket = await acknowledged(case)
            await world.customer(account_id=case.account_id, meter_id="M-NEW")
        await to_the_half_hour(case)
        await case.notices("red", 2)
        recalled = (await case.recorded("ticket.recalled"))[-1]
        assert (recalled.about, recalled.detail["reason"]) == (
            ticket["ticket_id"],
            "the meter in the record has changed",
        )
        await world.restart_worker()
        await case.pay("200.00")
        assert (await case.result())["outcome"] == "settled"


async def test_a_trifle_that_it_owed_before_ends_it_at_t_minus_24_h(tmp_path_factory: pytest.TempPathFactory) -> None:
    """R-35: before the rules it went on for a cent."""
    async with running_world(tmp_path_factory.mktemp("cent")) as world:
        async with open_before(world):
            case = await world.open()
            await case.to_red()
            await case.deliver("red")
            await case.pay("199.99")
            await case.becomes(lambda s: s["owed"] == "0.01", "all but a cent paid")
            await case.approve()
        await case.until(await case.cut_time() - timedelta(hours=24) + SOON)
        result = await case.result()
        assert (result["outcome"], "0.01 CNY" in result["reason"]) == ("settled", True)
        assert await case.evidence("ticket.sent") == []
        assert await adopted(case) == ["R-35"]


@pytest.mark.parametrize("news", ["payment_received", "recheck_requested"])
async def test_a_permit_given_before_for_a_trifle_is_revoked(
    tmp_path_factory: pytest.TempPathFactory, news: str
) -> None:
    """R-35, R-18: whatever wakes the case, and has billing asked."""
    messages: dict[str, dict[str, Any]] = {
        "payment_received": {"payment_id": "P-known", "amount": "199.99"},
        "recheck_requested": {"request_id": "q-1", "source": "operator"},
    }
    async with running_world(tmp_path_factory.mktemp("permit")) as world:
        async with open_before(world):
            case = await world.open()
            ticket = await case.to_window()
            await case.pay("199.99", payment_id="P-known")
            await case.becomes(lambda s: s["owed"] == "0.01", "all but a cent paid")
            await case.pass_time(minutes=1)
            assert (await case.permit(ticket))["granted"], "as before the rules"
            await case.at_rest()
        await case.signal(news, **messages[news])
        await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
        await world.restart_worker()
        await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="a cent")
        assert (await case.result())["outcome"] == "settled"


async def acknowledged(case: Case) -> dict[str, Any]:
    """The ticket is out, and the crew has acknowledged it."""
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    return ticket


async def to_the_half_hour(case: Case) -> None:
    """T - 30 min has come, under the worker of today."""
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
