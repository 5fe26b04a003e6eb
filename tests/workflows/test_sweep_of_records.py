"""The daily sweep reads the record of every customer without supply: a case that took another is asked (R-32, R-23)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activities.billing import AnswerUnusable
from adapters.billing.embedded import SqlBilling
from composition.logs import configure_logging
from domain.customer import Customer
from tests.support.silent_records import SilentRecords
from tests.support.world import Case, World
from tests.workflows.test_daily_sweep import signals, sweep

CARD = {"name": "张三", "phone": "13800000000"}


@pytest.fixture
async def utility(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """A utility with empty books on the shared server: a sweep sees the cases of its own test only."""
    async with world.apart(tmp_path, retry_max_seconds=1) as apart:
        yield apart


async def cut_off(utility: World) -> Case:
    """A case whose customer has no supply, and whose register knows all that it knows."""
    case = await utility.open(card=CARD)
    await case.to_cut()
    await case.recorded("cut.reported")
    await case.at_rest()
    return case


async def signalled(utility: World) -> int:
    """How many cases a whole sweep asked."""
    return int((await sweep(utility)).done["signalled"])


async def test_what_has_changed_in_either_half_reaches_the_case_once(utility: World) -> None:
    case, other = await cut_off(utility), await cut_off(utility)
    with_supply = await utility.open(card=CARD)
    await with_supply.notice("yellow")
    await with_supply.recorded("notice.issued")
    assert await signalled(utility) == 0
    for record in ({"card": CARD | {"phone": "13900000000"}}, {"region": "R-South"}):
        for account in (case.account_id, with_supply.account_id):
            await utility.customer(account_id=account, **record)
        assert await signalled(utility) == 1
        await asyncio.sleep(0)
    found = [e.detail["fields"] for e in await case.recorded("customer.changed", 2)]
    assert found == [["phone"], ["phone", "region"]]  # the second record has the first phone again
    await case.at_rest()
    assert await signalled(utility) == 0
    assert await signals(case) == 2
    assert (await signals(other), await signals(with_supply)) == (0, 0)


async def test_another_spelling_asks_nobody(utility: World) -> None:
    case = await cut_off(utility)
    await utility.customer(
        account_id=case.account_id,
        card=CARD | {"phone": "138-0000-0000"},
        meter_id=f"m {case.account_id}",
        region="Ｒ－north",
    )
    assert await signalled(utility) == 0


async def test_records_that_cannot_be_read_keep_nobody_without_supply(
    utility: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """No restoration waits for a record: the debts are compared and their cases asked all the same."""
    configure_logging("json")
    paid, renamed = await cut_off(utility), await cut_off(utility)
    await paid.pay("200.00", reported=False)
    await utility.customer(account_id=renamed.account_id, card=CARD | {"phone": "13900000000"})
    silent = SilentRecords.over(utility.parts.book)
    silent.silent.set()
    async with utility.beside(billing=silent) as astray:
        assert await signalled(astray) == 1
        await paid.ticket("restore")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line["event"] == "sweep.records_unread"]
    assert line["count"] == 1
    assert await signalled(utility) == 1
    assert [e.detail["fields"] for e in await renamed.recorded("customer.changed")] == [["phone"]]


class Garbled(SqlBilling):
    """The book, with nonsense about the customer of one account."""

    about = ""

    def customers(self, account_ids: Any) -> dict[str, Customer]:
        """None of it is an answer where he is asked about."""
        if self.about in account_ids:
            raise AnswerUnusable("important: is no boolean")
        return super().customers(account_ids)


async def test_nonsense_about_one_customer_hides_no_change_of_another(utility: World) -> None:
    garbled, renamed = await cut_off(utility), await cut_off(utility)
    for case in (garbled, renamed):
        await utility.customer(account_id=case.account_id, card=CARD | {"phone": "13900000000"})
    Garbled.about = garbled.account_id
    async with utility.beside(billing=Garbled(utility.parts.book.engine, utility.parts.book.timezone)) as astray:
        assert await signalled(astray) == 1
    assert [e.detail["fields"] for e in await renamed.recorded("customer.changed")] == [["phone"]]


async def test_a_case_from_before_the_rule_is_asked_until_it_has_taken_a_record(world: World, tmp_path: Path) -> None:
    async with world.apart(tmp_path) as utility:
        case = await cut_off(utility)
        with utility.parts.register_engine.begin() as connection:
            connection.exec_driver_sql("UPDATE cases SET record_number = NULL, record_mark = NULL")
        assert await signalled(utility) == 1
        await case.recorded("recheck.requested")
        await case.at_rest()
        assert await signalled(utility) == 0
