"""Billing that takes a while to say who the customer is: no restoration waits, and no change is lost (R-32)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.billing.embedded import SqlBilling
from domain.customer import Customer
from tests.support.world import World
from tests.workflows.test_asked_again import costs
from tests.workflows.test_record_read import opened, renew


@dataclass(frozen=True)
class SlowRecords(SqlBilling):
    """The book; what it says of customers takes longer than a restoration waits, and no longer than a question may."""

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """As the book has them, a second later."""
        time.sleep(1)
        return super().customers(account_ids)


async def test_a_new_holder_without_supply_is_known_though_his_record_comes_slowly(world: World) -> None:
    async with world.beside(billing=SlowRecords(world.parts.book.engine, world.parts.book.timezone)) as asking:
        case = await opened(world, asking)
        await case.to_cut()
        await renew(case, card={"name": "李四"})
        asked = await case.now()
        await case.signal("recheck_requested", request_id="sweep/1", source="sweep")
        [changed] = await case.recorded("customer.changed")
        assert changed.detail["fields"] == ["name"]
        ticket = await case.ticket("restore")
        assert datetime.fromisoformat(ticket["sent_at"]) - asked < timedelta(seconds=20)


async def test_a_settlement_goes_ahead_of_a_slow_record_and_the_change_follows_the_ticket(world: World) -> None:
    async with world.beside(billing=SlowRecords(world.parts.book.engine, world.parts.book.timezone)) as asking:
        case = await opened(world, asking)
        await case.to_cut()
        await renew(case, meter_id="M-NEW")
        await case.pay("200.00")
        assert (await case.ticket("restore"))["meter_id"] == f"M-{case.account_id}"
        await case.becomes(lambda s: s["tickets"][-1]["meter_id"] == "M-NEW", "the amended ticket")
        await case.notified("field_crew", "ticket amended")


async def test_copies_while_the_record_comes_slowly_do_not_have_it_read_for_each(world: World) -> None:
    async with world.beside(billing=SlowRecords(world.parts.book.engine, world.parts.book.timezone)) as asking:
        case = await opened(world, asking)
        await case.to_cut()
        await case.signal("payment_received", payment_id="P-1", amount="20.00")
        await case.recorded("payment.hint")
        await case.at_rest()
        await case.pass_time(minutes=1)
        before = len(await case.events())
        for _ in range(10):
            await case.signal("payment_received", payment_id="P-1", amount="20.00")
            await case.at_rest()
            await case.pass_time(minutes=1)
        count, others = await costs(case, before)
        assert others <= 5 * 10, count
