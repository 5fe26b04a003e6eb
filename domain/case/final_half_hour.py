"""The last half-hour: a channel or the reader notifies the customer who still owes of the time again (R-16)."""

from datetime import datetime

from domain.case.billing_answers import record_as_read
from domain.case.due_times import attempt_times
from domain.case.entities import Ticket
from domain.case.facts import CaseFacts
from domain.papers.final_notice import final_notice_texts
from domain.record.deliveries import ChannelTry
from domain.record.kinds import EvidenceKind
from domain.record.subjects import subject
from domain.vocabulary import Actor


def notify_through_reader(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """Put the notice to the customer into the outbox, and ask the reader to notify him: the way without channels."""
    return _ask_the_reader(notify(facts, ticket_id, now), ticket_id, now)


def must_be_notified(facts: CaseFacts, ticket_id: str) -> bool:
    """Whether the customer owes, the attempt goes on, and nobody has notified him yet (R-16, R-17)."""
    ticket = facts.ticket(ticket_id)
    return ticket is not None and ticket.live and ticket.billing_answer == "owes" and ticket.told_at is None


def notify(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """Compose the notice to the customer: the last of `outgoing`."""
    return facts.notified(now, "customer", subject("cut_time_again"), *_texts(facts), about=ticket_id)


def channels_answered(facts: CaseFacts, ticket_id: str, tries: tuple[ChannelTry, ...], now: datetime) -> CaseFacts:
    """Record each channel's answer. The first acceptance notifies the customer; without one the reader must."""
    for one in tries:
        facts = facts.noted(
            now,
            "channel.tried",
            at=min(one.at, now),
            about=ticket_id,
            channel=one.channel,
            outcome=one.outcome,
        )
    ticket = facts.ticket(ticket_id)
    if ticket is None or not ticket.live:
        return facts
    accepted = next((one for one in tries if one.outcome == "accepted"), None)
    if accepted is not None:
        return _notified_by_channel(facts, ticket, now, accepted)
    return facts if ticket.told_at else _ask_the_reader(facts, ticket_id, now)


def notified_by_reader(
    facts: CaseFacts, ticket: Ticket, now: datetime, told_at: datetime, how: str, actor: Actor
) -> tuple[CaseFacts, bool]:
    """The reader has notified the customer; the time decides whether it counts (R-16)."""
    return _customer_notified(facts, ticket, now, told_at, "customer.told", actor=actor, how=how)


def _notified_by_channel(facts: CaseFacts, ticket: Ticket, now: datetime, accepted: ChannelTry) -> CaseFacts:
    """A channel accepted the notice. No person did, so it is a kind of evidence of its own, with the channel's name."""
    told_at = min(accepted.at, now)
    facts, _ = _customer_notified(facts, ticket, now, told_at, "customer.told_by_channel", channel=accepted.channel)
    return facts


def _customer_notified(
    facts: CaseFacts,
    ticket: Ticket,
    now: datetime,
    told_at: datetime,
    what: EvidenceKind,
    *,
    actor: Actor | None = None,
    how: str | None = None,
    channel: str | None = None,
) -> tuple[CaseFacts, bool]:
    red = facts.red
    assert red is not None
    counts = attempt_times(facts, red).final_notice <= told_at <= red.cut_at
    facts = facts.noted(
        now,
        what,
        at=told_at,
        actor=actor,
        about=ticket.ticket_id,
        how=how,
        channel=channel,
        told_at=told_at,
        cut_at=red.cut_at,
        counts=counts,
    )
    if counts and ticket.told_at is None:
        facts = facts.with_ticket(ticket.ticket_id, told_at=told_at)
    return facts, counts


def _ask_the_reader(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    zh, en = _texts(facts)
    return facts.notified(
        now,
        "reader",
        subject("notify_again"),
        f"请于停电前再次通知客户停电时间并回报（工作票 {ticket_id}）。{zh}",
        f"Tell the customer the time again, and report it (ticket {ticket_id}). {en}",
        about=ticket_id,
    )


def _texts(facts: CaseFacts) -> tuple[str, str]:
    assert facts.red is not None
    return final_notice_texts(facts.account.account_id, facts.red.cut_at, facts.debt.owed)


def reach_half_hour(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Begin the last half-hour at T - 30 min: the case asks billing and notifies who still owes (R-16, R-17)."""
    red, ticket = facts.red, facts.cut_ticket
    assert red is not None
    assert ticket is not None
    facts = facts.with_ticket(ticket.ticket_id, half_hour_reached=True).but(stage="final_half_hour")
    return facts.noted(now, "half_hour.reached", about=ticket.ticket_id, cut_at=red.cut_at)


def half_hour_answered(facts: CaseFacts, ticket_id: str, now: datetime, *, answered: bool) -> CaseFacts:
    """What billing said at T - 30 min; no answer lets the time slip at once (R-17)."""
    ticket, red = facts.ticket(ticket_id), facts.red
    if ticket is None or not ticket.live or red is None:
        return facts
    answer = "no_answer" if not answered else "owes" if facts.owes(red) else "settled"
    facts = facts.with_ticket(ticket_id, billing_checked_at=now, billing_answer=answer)
    return facts.noted(
        now,
        "billing.checked",
        about=ticket_id,
        when="half_hour",
        answer=answer,
        owed=facts.debt.owed if answered else None,
        **record_as_read(facts, answered=answered),
    )
