"""Another customer's meter, found or cut in this case: no cut of it, yet it is restored, and ours is doubted (R-34)."""

from datetime import datetime

from domain.case.entities import Cut, Ticket
from domain.case.facts import CaseFacts
from domain.record.subjects import subject
from domain.vocabulary import Stage


def shown_stage(facts: CaseFacts) -> Stage:
    """Where the case stands: in `restoring` while another customer's supply is to be restored, too."""
    return "restoring" if facts.closed_at is None and any(c.neighbour for c in facts.to_restore) else facts.stage


def our_meter_is_doubted(facts: CaseFacts, now: datetime, cut: Cut) -> CaseFacts:
    """No permit of this case until the reader has verified its own meter (R-19); who still owes has him asked."""
    asked_before = facts.meter_doubted_at is not None
    facts = facts.but(meter_doubted_at=now)
    facts = facts.noted(now, "meter.doubted", about=cut.cut_id, meter_id=cut.meter_id)
    if asked_before or facts.withdrawn or facts.cuts_off or not facts.in_arrears:
        return facts
    account = facts.account
    return facts.notified(
        now,
        "reader",
        subject("verify_meter"),
        f"请到现场核实表计：户号 {account.account_id}，表号 {account.meter_id}。他户表计 {cut.meter_id} 已被停电，"
        "核实之前本户不得停电。",
        f"Verify the meter of account {account.account_id}, {account.meter_id}: another customer's meter,"
        f" {cut.meter_id}, was cut. Nobody may cut this one before you have.",
        about=ticket_to_verify(facts),
    )


def ticket_to_verify(facts: CaseFacts) -> str | None:
    """Under which ticket the reader reports on our meter: the one to cut, else the one to restore the other's."""
    if facts.cut_ticket:
        return facts.cut_ticket.ticket_id
    return next((c.restore_ticket for c in reversed(facts.cuts) if c.neighbour), None)


def may_verify_by(facts: CaseFacts, ticket: Ticket) -> bool:
    """Whether that is the ticket to restore another's meter, and ours is doubted because of one."""
    restoring = {c.restore_ticket for c in facts.cuts if c.neighbour}
    return facts.meter_doubted_at is not None and ticket.ticket_id in restoring
