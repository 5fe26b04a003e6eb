"""A whole life of a case whose billing system is asked over HTTP, and its commands, as processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.billing.over_http import HttpBilling, open_http_billing
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.programs import program
from tests.support.world import World


@pytest.fixture
def api(world: World) -> Iterator[BillingApi]:
    """The reference server over the world's book."""
    with serving(BillingApi(world.parts.book)) as running:
        yield running


@pytest.fixture
def billing(world: World, api: BillingApi) -> Iterator[HttpBilling]:
    """The adapter that asks it."""
    asking = open_http_billing(api.url, TOKEN, world.policy.timezone)
    yield asking
    asking.close()


async def test_from_the_yellow_notice_to_the_restoration(world: World, api: BillingApi, billing: HttpBilling) -> None:
    async with world.beside(billing=billing) as over_http:
        account = await world.customer()
        await world.bill(account)
        case = await over_http.open(account)
        await case.to_cut()
        await world.bill(account, "30.00", overdue_days=-90)  # not yet due: no part of what holds up the restoration
        case.world = world  # the book is the utility's, and only asked over HTTP
        await case.pay("200.00")
        await case.restore()
        assert (await case.result())["outcome"] == "restored"
    assert set(api.asked) == {"POST /customers", "POST /debts"}


async def test_a_payment_announced_again_is_asked_for_over_http_too(
    world: World, api: BillingApi, billing: HttpBilling
) -> None:
    """R-31: the copy has it asked; listed in part it holds permits back; silent for 15 s it costs the permit."""
    async with world.beside(billing=billing) as over_http:
        account = await world.customer()
        await world.bill(account)
        case = await over_http.open(account)
        ticket = await case.to_window()
        case.world = world
        part = {"payment_id": f"P-{account}", "amount": "20.00"}
        await case.signal("payment_received", **part)
        await case.recorded("payment.hint")
        assert (await case.permit(ticket))["granted"]
        asked = api.asked.count("POST /debts")
        await case.signal("payment_received", **part)
        await case.at_rest()
        assert api.asked.count("POST /debts") == asked + 1
        await world.outage()
        try:
            await case.signal("payment_received", **part)
            await case.pass_time(seconds=20)
            await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")
        finally:
            await world.billing_back()
        await case.pay("120.00", payment_id=f"SQ-{account}", reported=False)
        await case.signal("payment_received", payment_id=f"SQ-{account}", amount="200.00")
        await case.recorded("payment.unbooked")
        assert not (await case.permit(ticket))["granted"]
        await case.pay("80.00", payment_id=f"rest-{account}", reported=False)
        await case.signal("payment_received", payment_id=f"SQ-{account}", amount="200.00")
        await case.update("report_not_cut", "field_crew", ticket_id=ticket["ticket_id"], reason="paid")
        assert (await case.result())["outcome"] == "settled"


async def test_commands_ask_the_billing_system_and_book_nothing(world: World, api: BillingApi, tmp_path: Path) -> None:
    account = await world.customer()
    await world.bill(account)
    there = {"ARREARS_BILLING_URL": api.url, "ARREARS_BILLING_TOKEN": TOKEN}
    opened = await program(world, "overdue", account, "stranger", "--json", folder=tmp_path, **there)
    assert (opened.result["asked"], opened.result["cases_opened"]) == (2, 1)
    assert list(opened.result["not_opened"]) == ["stranger"]
    bills = tmp_path / "bills.csv"
    bills.write_text("bill_id,account_id,period,due_date,amount\nB-9,1001,2026-01,2026-02-25,1.00\n", "utf-8")
    refused = await program(world, "ingest", str(bills), "--json", folder=tmp_path, **there)
    assert (refused.code, refused.refusal["type"]) == (1, "NotEmbedded")
    assert api.url in refused.refusal["message"]
    assert "overdue" in refused.refusal["message"]
    assert not (tmp_path / "var").exists()
