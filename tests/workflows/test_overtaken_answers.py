"""A question to billing that a later one has overtaken: what its answer says of a payment is not lost (P2, P3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Event

from temporalio.api.enums.v1 import EventType

from adapters.billing.embedded import SqlBilling
from domain.money.debt import AccountDebt, DebtQuery
from tests.support.world import Case, World
from tests.workflows.test_record_read import opened


@dataclass(frozen=True)
class SlowOnce(SqlBilling):
    """The book; the next question about debts after `armed` is answered when the test lets it, as the book is then."""

    armed: Event = field(default_factory=Event)
    waits: Event = field(default_factory=Event)
    answers: Event = field(default_factory=Event)

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """As the book has them, at once but for one question."""
        if self.armed.is_set():
            self.armed.clear()
            self.waits.set()
            assert self.answers.wait(15)
        return super().debts(queries)


@asynccontextmanager
async def slow_question(case: Case, book: SlowOnce) -> AsyncIterator[None]:
    """A question that is under way within, and answered at its end."""
    book.armed.set()
    await case.signal("recheck_requested", request_id="r-1", source="operator")
    assert await asyncio.to_thread(book.waits.wait, 15)
    yield
    book.answers.set()


async def test_an_overtaken_answer_that_shows_a_payment_revokes_the_permit(world: World) -> None:
    """P2: billing has told the case that the bills are settled, by whichever answer."""
    book = SlowOnce(world.parts.book.engine, world.parts.book.timezone)
    async with world.beside(billing=book) as asking:
        case = await opened(world, asking)
        ticket = await case.to_window()
        async with slow_question(case, book):
            assert (await case.permit(ticket))["granted"]
            await case.pay("200.00", reported=False)
        await case.becomes(lambda s: s["permit"]["state"] == "revoked", "the revocation")


async def test_an_overtaken_answer_that_says_the_same_asks_nothing_more(world: World) -> None:
    """One answer is enough, and the permit stays."""
    book = SlowOnce(world.parts.book.engine, world.parts.book.timezone)
    async with world.beside(billing=book) as asking:
        case = await opened(world, asking)
        ticket = await case.to_window()
        async with slow_question(case, book):
            assert (await case.permit(ticket))["granted"]
            asked = len([e for e in await case.events() if e == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED])
        await case.at_rest()
        assert (await case.snapshot())["permit"]["state"] == "open"
        again = len([e for e in await case.events() if e == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED])
        assert again == asked
