"""What a ruling checks of a message before anything else: who acts, and the ticket or notice that it names."""

from collections.abc import Iterable

from domain.case.entities import Notice, Ticket
from domain.case.facts import CaseFacts
from domain.case.identity import among
from domain.contract.refusals import Refused
from domain.vocabulary import Actor


def check_actor(facts: CaseFacts, actor: Actor, roles: Iterable[str], *, also_of: Iterable[str] = ()) -> None:
    """Role and unit of who acts; raises NotAllowed or NotYourUnit (R-12, III.4).

    `also_of`: units that may act beside the account's own.
    """
    allowed = tuple(roles)
    if actor.role not in allowed:
        raise Refused(
            "NotAllowed",
            f"{actor.role} may not do this; it takes {' or '.join(allowed)}",
            field="actor.role",
            clause="III.4",
        )
    ours = facts.unit_of(actor.role)
    if actor.unit is not None and ours is not None and not among(facts, actor.unit, {ours, *also_of}):
        raise Refused(
            "NotYourUnit", f"this account belongs to {ours}, not to {actor.unit}", field="actor.unit", clause="III.4"
        )


def known_ticket(facts: CaseFacts, ticket_id: str) -> Ticket:
    """The ticket with that id; raises UnknownTicket."""
    ticket = facts.ticket(ticket_id)
    if ticket is None:
        raise Refused("UnknownTicket", f"this case has no ticket {ticket_id}", field="ticket_id", clause="II.3")
    return ticket


def known_notice(facts: CaseFacts, notice_id: str) -> Notice:
    """The notice with that id; raises UnknownNotice."""
    notice = facts.notice(notice_id)
    if notice is None:
        raise Refused("UnknownNotice", f"this case has no notice {notice_id}", field="notice_id", clause="II.2")
    return notice
