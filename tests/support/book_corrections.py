"""What a billing system does to its book later: bills corrected, cancelled, replaced, money moved between bills."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, update

from adapters.billing.tables import TABLES
from domain.money.book import BookedBill
from tests.support.world import World

_BILLS, _PAYMENTS = TABLES.tables["bills"], TABLES.tables["payments"]


async def correct(world: World, bill_id: str, amount: str) -> None:
    """The bill comes to another amount."""
    await asyncio.to_thread(world.parts.book.correct_bill, bill_id, Decimal(amount))


async def cancel(world: World, bill_id: str) -> None:
    """The bill is gone; its payments are free for other bills."""
    await _run(world, update(_PAYMENTS).where(_PAYMENTS.c.bill_id == bill_id).values(bill_id=None))
    await _run(world, delete(_BILLS).where(_BILLS.c.bill_id == bill_id))


async def move(world: World, payment_id: str, bill_id: str) -> None:
    """The payment is booked to that bill now."""
    await _run(world, update(_PAYMENTS).where(_PAYMENTS.c.payment_id == payment_id).values(bill_id=bill_id))


async def add(world: World, account_id: str, bill_id: str, amount: str, due: date) -> None:
    """A bill with that id, amount and due date."""
    bill = BookedBill(bill_id, account_id, due, Decimal(amount))
    await asyncio.to_thread(world.parts.book.add_bills, (bill,))


async def due_date(world: World, bill_id: str) -> date:
    """The due date of a bill in the book."""

    def read() -> date:
        with world.parts.book.engine.connect() as connection:
            found: date = connection.execute(_BILLS.select().where(_BILLS.c.bill_id == bill_id)).one().due_date
            return found

    return await asyncio.to_thread(read)


async def _run(world: World, statement: Any) -> None:
    def run() -> None:
        with world.parts.book.engine.begin() as connection:
            assert connection.execute(statement) is not None

    await asyncio.to_thread(run)
