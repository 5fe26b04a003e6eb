"""A restoration ticket that is out when the customer's record changes: amended, and its crews are notified (R-32)."""

from datetime import datetime
from typing import Any

from domain.case.entities import Cut, Ticket
from domain.case.facts import CaseFacts
from domain.case.own_meters import is_of_his, meter_to_restore
from domain.customer import RecordField
from domain.law import clock
from domain.record.subjects import subject
from domain.words import FIELDS, words_of

_ON_THE_TICKET: tuple[RecordField, ...] = ("name", "address")


def tell_the_crew(before: CaseFacts, facts: CaseFacts, changed: tuple[RecordField, ...], now: datetime) -> CaseFacts:
    """Every restoration ticket that is out names the meter now installed, and is held by the unit of the record too.

    No restoration waits for it, and no ticket is recalled: the change goes after the ticket as a message.
    """
    moved = before.account.field_unit != facts.account.field_unit
    for ticket in facts.tickets:
        if ticket.kind == "restore" and ticket.live:
            facts = _amended(facts, ticket, changed, moved=moved, now=now)
    return facts


def _amended(
    facts: CaseFacts, ticket: Ticket, changed: tuple[RecordField, ...], *, moved: bool, now: datetime
) -> CaseFacts:
    cut = next((c for c in facts.cuts if c.restore_ticket == ticket.ticket_id), None)
    his = cut is not None and is_of_his(facts, cut)
    says: list[tuple[str, str]] = []
    amended: dict[str, Any] = {}
    if his and cut and (meter := meter_to_restore(facts, cut)) != ticket.meter_id:
        amended["meter_id"] = meter
        says.append((f"现装表号 {meter}", f"the meter now installed is {meter}"))
    unit = facts.account.field_unit
    if moved and unit != ticket.field_unit:
        beside = tuple(u for u in dict.fromkeys((*ticket.also_held_by, ticket.field_unit)) if u != unit)
        amended |= {"field_unit": unit, "also_held_by": beside, "state": "sent", "acknowledged_at": None}
        units = (unit, *beside)
        says.append(
            (
                f"由 {'、'.join(units)} 共同持有，任一单位回报均有效",
                f"{' and '.join(units)} hold it, and the report of either counts",
            )
        )
    if his and (named := [name for name in _ON_THE_TICKET if name in changed]):
        zh, en = words_of(FIELDS, named, "zh"), words_of(FIELDS, named, "en")
        says.append((f"{zh}已变更，按现有档案办理", f"the {en} changed, so act on the record as it is now"))
    if not says:
        return facts
    if amended:
        facts = facts.with_ticket(ticket.ticket_id, **amended)
        noted = {name: value for name, value in amended.items() if name not in ("state", "acknowledged_at")}
        facts = facts.noted(now, "ticket.amended", about=ticket.ticket_id, **noted)
    return _notified(facts, ticket.ticket_id, cut, says, now)


def _notified(
    facts: CaseFacts, ticket_id: str, cut: Cut | None, says: list[tuple[str, str]], now: datetime
) -> CaseFacts:
    """Every unit that holds the ticket reads what has changed, and by when supply is due."""
    ticket = facts.ticket(ticket_id)
    assert ticket is not None
    due = clock.local_words((cut and cut.restore_due_by) or ticket.due_at, facts.policy)
    zh, en = "；".join(one for one, _ in says), "; ".join(other for _, other in says)
    for unit in (ticket.field_unit, *ticket.also_held_by):
        facts = facts.notified(
            now,
            "field_crew",
            subject("ticket_amended"),
            f"复电工作票 {ticket_id}（表号 {ticket.meter_id}，限 {due} 前复电）：{zh}。",
            f"Restoration ticket {ticket_id}, meter {ticket.meter_id}, due by {due}: {en}.",
            about=ticket_id,
            unit=unit,
        )
    return facts
