"""Money and the crew at the same instant: whatever the order, what comes of it is lawful, and nobody stays cut off."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from domain.money.book import BookedPayment
from domain.money.debt import DebtQuery
from tests.support.world import PEOPLE, Case, World

SECOND = timedelta(seconds=1)
OWED = Decimal("200.00")


# ---- what must hold, read from the register alone ---------------------------------------------


def assert_lawful(evidence: list[Any]) -> None:
    """P2 over the whole chain: no permit given, redeemed or left standing once the case knew of the settlement."""
    settled, standing, doomed = False, None, None
    lives: dict[str, list[datetime]] = {}
    for entry in evidence:
        if doomed is not None and entry.recorded_at > doomed:
            assert standing is None, f"a permit outlived the news of the payment until {entry.what}"
            doomed = None
        match entry.what:
            case "notice.issued":
                settled = settled and entry.detail["kind"] != "red"
            case "debt.settled":
                settled, doomed = True, entry.recorded_at
            case "payment.hint":
                if standing and Decimal(entry.detail["amount"]) >= OWED:
                    doomed = entry.recorded_at
            case "permit.granted":
                assert standing is None, "two permits at once"
                assert not settled, "a permit after the settlement was known"
                standing = entry.about
                end = datetime.fromisoformat(entry.detail["valid_until"])
                lives[entry.about] = [entry.at, end]
            case "permit.revoked" | "permit.lapsed":
                lives[entry.about][1] = min(lives[entry.about][1], entry.at)
                standing = None
            case "cut.reported" if entry.detail["lawful"]:
                given, end = lives[entry.detail["permit_id"]]
                assert given <= entry.at < end, "a lawful cut outside its permit"
                standing = None
    kinds = [e.detail["kind"] for e in evidence if e.what == "incident.opened"]
    cut = [e for e in evidence if e.what == "cut.reported"]
    paid = [e.at for e in evidence if e.what == "debt.settled"]
    if cut and cut[0].detail["lawful"] and paid and min(paid) <= cut[0].at:
        assert "cut_after_settlement" in kinds
    if cut and not cut[0].detail["lawful"]:
        assert "unauthorised_cut" in kinds


async def finish(case: Case) -> dict[str, Any]:
    """Everybody does what the case awaits of him until it closes; then all of it is judged. Returns the result."""

    async def closing() -> dict[str, Any]:
        while (snap := await case.snapshot())["stage"] != "closed":
            for awaited in snap["waiting_for"]:
                await answer(case, awaited)
            await asyncio.sleep(0.05)
        return await case.result()

    result = await asyncio.wait_for(closing(), 30)
    await case.recorded("case.closed")
    evidence = await case.evidence()
    assert_lawful(evidence)
    query = DebtQuery(account_id=case.account_id, as_of=await case.now())
    (debt,) = await asyncio.to_thread(case.world.parts.billing.debts, (query,))
    assert debt is not None
    assert (debt.owed, debt.paid_total, debt.credit) == (Decimal(0), OWED, Decimal(0))
    hints = [e for e in evidence if e.what == "payment.hint"]
    assert len({e.about for e in hints}) == len(hints), "each payment is counted once"
    cut_off = any(e.what == "cut.reported" for e in evidence)
    assert result["outcome"] == ("restored" if cut_off else "settled")
    return result


async def if_open(act: Awaitable[Any]) -> Any:
    """The answer of the case, or None where it had closed before it was asked."""
    try:
        return await act
    except RPCError as gone:
        if gone.status != RPCStatusCode.NOT_FOUND:
            raise
        return None


async def answer(case: Case, awaited: dict[str, Any]) -> None:
    """The one who is awaited speaks."""
    match awaited["act"]:
        case "report_not_cut":
            await case.update("report_not_cut", "field_crew", ticket_id=awaited["id"], reason="stopped in time")
        case "report_restored":
            await case.update("report_restored", "field_crew", ticket_id=awaited["id"])
        case "close_incident":
            await case.update("close_incident", "centre_director", incident_id=awaited["id"], outcome="looked into")


# ---- money, in its two halves -----------------------------------------------------------------


async def book(case: Case, paid_at: datetime, payment_id: str = "P-1", amount: Decimal = OWED) -> None:
    """The money stands in the billing book."""
    payment = BookedPayment(f"{payment_id}-{case.account_id}", case.account_id, amount, paid_at)
    await asyncio.to_thread(case.world.parts.book.add_payments, (payment,))


async def announce(case: Case, paid_at: datetime, payment_id: str = "P-1", amount: Decimal = OWED) -> None:
    """The case hears of it."""
    payment = {"payment_id": f"{payment_id}-{case.account_id}", "amount": str(amount), "paid_at": paid_at.isoformat()}
    await if_open(case.signal("payment_received", **payment))


async def ask_again(case: Case) -> None:
    """Billing is asked once more: on a slow machine it may book a payment only after it was asked for the announced."""
    await if_open(case.signal("recheck_requested", request_id="q-1", source="operator"))


async def after(milliseconds: float, act: Awaitable[Any]) -> Any:
    """The same, so much later."""
    await asyncio.sleep(milliseconds / 1000)
    return await act


async def at_the_meter(world: World) -> tuple[Case, dict[str, Any]]:
    """The window is open, everything is ready."""
    case = await world.open(amount=str(OWED))
    return case, await case.to_window()


# ---- the permit -------------------------------------------------------------------------------


async def test_many_requests_at_once_give_one_permit(world: World) -> None:
    """R-18: two crews and an impatient retry, all over the same question to billing: one permit, one holder."""
    case, ticket = await at_the_meter(world)
    crews = ["field_crew", "other_crew"] * 5
    answers = await asyncio.gather(*(case.permit(ticket, crew) for crew in crews))
    granted = [(crew, a["permit_id"]) for crew, a in zip(crews, answers, strict=True) if a["granted"]]
    assert len(granted) == 5
    assert len(set(granted)) == 1
    assert len(await case.recorded("permit.granted")) == 1


# When the money is booked, reported, and the permit asked for or the cut reported: milliseconds from the same instant.
INTERLEAVINGS = ((0, 0, 0), (0, 0, 15), (15, 20, 0), (0, 25, 10), (25, 0, 10), (10, 25, 0))


async def test_a_payment_and_a_permit_at_the_same_instant(world: World) -> None:
    """P2, L3: whichever comes first; where the crew got its permit, half of them throw the switch at once."""

    async def race(number: int, booked: float, announced: float, asked: float) -> None:
        case, ticket = await at_the_meter(world)
        now = await case.now()
        permit, *_ = await asyncio.gather(
            after(asked, if_open(case.permit(ticket))),
            after(booked, book(case, now)),
            after(announced, announce(case, now)),
        )
        if permit and permit["granted"] and number % 2:
            meter = ticket["meter_id"]
            report = await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=meter)
            assert report["lawful"] in (True, False)
            await case.ticket("restore")
        await ask_again(case)
        await finish(case)

    await asyncio.gather(*(race(n, *times) for n, times in enumerate(INTERLEAVINGS)))


async def test_a_payment_and_the_switch_at_the_same_instant(world: World) -> None:
    """P2, P3, L3: lawful or not, supply is restored, and a cut on settled bills is an incident."""

    async def race(booked: float, announced: float, reported: float) -> None:
        case, ticket = await at_the_meter(world)
        permit = await case.permit(ticket)
        assert permit["granted"]
        now, meter = await case.now(), ticket["meter_id"]
        switch = case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=meter)
        await asyncio.gather(
            after(reported, switch), after(booked, book(case, now)), after(announced, announce(case, now))
        )
        await case.ticket("restore")
        await ask_again(case)
        await finish(case)
        assert len(await case.recorded("supply.restored")) == 1

    await asyncio.gather(*(race(*times) for times in INTERLEAVINGS))


@pytest.mark.parametrize("first", ["hold", "permit", "at once"])
async def test_a_hold_and_a_permit_at_the_same_instant(world: World, first: str) -> None:
    """P1, R-18: a hold is never beside an open permit."""
    case, ticket = await at_the_meter(world)
    held = {"hold_id": "h-1", "kind": "medical", "reason": "ventilator", "actor": PEOPLE["operator"]}
    delays = {"hold": (0, 15), "permit": (15, 0), "at once": (0, 0)}[first]
    _, permit = await asyncio.gather(
        after(delays[0], case.signal("hold_placed", **held)), after(delays[1], case.permit(ticket))
    )
    snap = await case.becomes(lambda s: bool(s["holds"]) and all(t["state"] == "recalled" for t in s["tickets"]))
    assert "permit" not in snap or snap["permit"]["state"] == "revoked"
    if permit["granted"]:
        await case.notified("field_crew", "permit revoked")


# ---- around T (L3) ----------------------------------------------------------------------------

ORDERS = ("thrice", "late", "early")


async def test_payments_around_the_stated_time(world: World) -> None:
    """R-11, P2, L3: at T - 1 s, T and T + 1 s; reported three times, late, or before it was booked."""

    async def life(moment: timedelta, order: str) -> None:
        case = await world.open(amount=str(OWED))
        ticket = await case.to_half_hour()
        await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
        paid_at = await case.cut_time() + moment
        await case.until(paid_at)
        match order:
            case "thrice":  # booked, reported three times, and only then does the crew ask
                for _ in range(3):
                    await book(case, paid_at)
                    await announce(case, paid_at)
            case "late":  # booked, and reported when the crew has gone
                await book(case, paid_at)
            case "early":  # reported, while billing does not know yet
                await announce(case, paid_at)
        await case.until(paid_at + 2 * SECOND)
        permit = await if_open(case.permit(ticket))
        if permit and permit["granted"]:
            assert order == "early", "billing was asked, and knew"
            meter = ticket["meter_id"]
            await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=meter)
        if order == "early":
            await book(case, paid_at)
            await if_open(case.signal("recheck_requested", request_id="sweep-1", source="sweep"))
        if order == "late":
            await announce(case, paid_at)
        await finish(case)

    moments = (-SECOND, timedelta(), SECOND)
    await asyncio.gather(*(life(moment, order) for moment in moments for order in ORDERS))


async def test_two_halves_in_the_wrong_order_and_twice(world: World) -> None:
    """P2, L3: the second half is reported first, both twice; together they settle, and the permit falls."""
    case, ticket = await at_the_meter(world)
    assert (await case.permit(ticket))["granted"]
    now, half = await case.now(), OWED / 2
    await asyncio.gather(*(book(case, now, name, half) for name in ("P-2", "P-1", "P-2", "P-1")))
    await asyncio.gather(*(announce(case, now, name, half) for name in ("P-2", "P-1", "P-2", "P-1")))
    await case.becomes(lambda s: s["permit"]["state"] == "revoked")
    assert (await finish(case))["outcome"] == "settled"
