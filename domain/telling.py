"""The last half-hour: who still owes is told the time again, by a channel that accepted it or by the reader (R-16)."""

from datetime import datetime
from typing import Literal

from domain import clock
from domain.facts import CaseFacts, Ticket
from domain.model import Actor, Contract, Id, Moment
from domain.papers import final_notice_texts
from domain.terms import terms

TryOutcome = Literal["accepted", "refused", "dead", "unaddressed", "passed_over", "unknown"]
TRY_OUTCOMES: dict[TryOutcome, tuple[str, str]] = {
    "accepted": ("已受理", "accepted"),
    "refused": ("被拒绝", "refused"),
    "dead": ("无应答", "no answer"),
    "unaddressed": ("无可用号码或地址", "no address"),
    "passed_over": ("渠道堵塞，未尝试", "not tried, the channel hangs"),
    "unknown": ("结果不明", "nothing is known of it"),
}
"""What people read for each, in Chinese and English."""


class ChannelTry(Contract):
    """One attempt to hand a message to one channel, named by its kind; never with an address.

    `dead`: no answer in time, or nobody there. `unaddressed`: there is no phone or e-mail address that would do.
    `passed_over`: it was not tried, for too many messages before it still hang in that channel.
    `unknown`: whoever tried gave no word in time; the customer may have been told, and that does not count.
    """

    channel: Id
    outcome: TryOutcome
    at: Moment


def ask_to_tell(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """Put the notice to the customer into the outbox, and ask the reader to tell him: the way without channels."""
    return _ask_the_reader(notify(facts, ticket_id, now), ticket_id, now)


def must_be_told(facts: CaseFacts, ticket_id: str) -> bool:
    """Billing says he owes, the attempt goes on, and nobody has told him yet: who has paid is told nothing (R-17)."""
    ticket = facts.ticket(ticket_id)
    return ticket is not None and ticket.live and ticket.billing_answer == "owes" and ticket.told_at is None


def notify(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """Compose the notice to the customer: the last of `outgoing`."""
    return facts.told(now, "customer", "the time of the cut, again", *_texts(facts), about=ticket_id)


def channels_answered(facts: CaseFacts, ticket_id: str, tries: tuple[ChannelTry, ...], now: datetime) -> CaseFacts:
    """What each channel said. Accepted in time: he is told. By none: the reader is asked, and has until T."""
    for one in tries:
        facts = facts.noted(
            now,
            "channel.tried",
            "R-16",
            "II.4",
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
        return _told_by_channel(facts, ticket, now, accepted)
    return facts if ticket.told_at else _ask_the_reader(facts, ticket_id, now)


def told_by_reader(
    facts: CaseFacts, ticket: Ticket, now: datetime, told_at: datetime, how: str, actor: Actor
) -> tuple[CaseFacts, bool]:
    """The reader has told the customer; whether it counts, by when he did (R-16)."""
    return _told(facts, ticket, now, told_at, "customer.told", actor=actor, how=how)


def _told_by_channel(facts: CaseFacts, ticket: Ticket, now: datetime, accepted: ChannelTry) -> CaseFacts:
    """A channel has; no person did, so it is a kind of evidence of its own, which needs the channel's own word."""
    told_at = min(accepted.at, now)
    facts, _ = _told(facts, ticket, now, told_at, "customer.told_by_channel", channel=accepted.channel)
    return facts


def _told(
    facts: CaseFacts,
    ticket: Ticket,
    now: datetime,
    told_at: datetime,
    what: str,
    *,
    actor: Actor | None = None,
    how: str | None = None,
    channel: str | None = None,
) -> tuple[CaseFacts, bool]:
    red = facts.red
    assert red is not None
    counts = clock.final_notice_time(red.cut_at, terms(facts, red)) <= told_at <= red.cut_at
    facts = facts.noted(
        now,
        what,
        "R-16",
        "II.4",
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
    return facts.told(
        now,
        "reader",
        "tell the customer again",
        f"请于停电前再次通知客户停电时间并回报（工作票 {ticket_id}）。{zh}",
        f"Tell the customer the time again, and report it (ticket {ticket_id}). {en}",
        about=ticket_id,
    )


def _texts(facts: CaseFacts) -> tuple[str, str]:
    assert facts.red is not None
    return final_notice_texts(facts.account.account_id, facts.red.cut_at, facts.debt.owed)
