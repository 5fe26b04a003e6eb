"""Refusals: typed, in a sentence, with the field, rule and clause; and the checks of role, unit, person and time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from domain.facts import CLOCK_SKEW, CaseFacts, Ticket
from domain.model import Actor

RefusalType = Literal[
    "BadRequest",
    "NotAllowed",
    "NotYourUnit",
    "SamePerson",
    "UnknownNotice",
    "UnknownTicket",
    "UnknownEscalation",
    "UnknownIncident",
    "UnknownReport",
    "MissingEvidence",
    "TooEarly",
    "TooLate",
    "NotWaiting",
    "NoAnswer",
]
RECORDED: frozenset[str] = frozenset(("NotAllowed", "NotYourUnit", "SamePerson"))

UNBELIEVED = b"binary/unbelieved"
"""Encoding of what stands in for a payload that decryption did not believe; its data is the sentence why."""


class Refused(Exception):
    """The message is refused and the case unchanged; `type` is one of the contract's."""

    def __init__(
        self,
        type: RefusalType,
        sentence: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        clause: str | None = None,
    ) -> None:
        super().__init__(sentence)
        self.type: RefusalType = type
        self.details = {k: v for k, v in (("field", field), ("rule", rule), ("clause", clause)) if v}


def check_actor(facts: CaseFacts, actor: Actor, roles: Iterable[str]) -> None:
    """Role and unit of who acts; raises NotAllowed or NotYourUnit (R-12, III.4)."""
    allowed = tuple(roles)
    if actor.role not in allowed:
        raise Refused(
            "NotAllowed",
            f"{actor.role} may not do this; it takes {' or '.join(allowed)}",
            field="actor.role",
            clause="III.4",
        )
    ours = facts.unit_of(actor.role)
    if actor.unit is not None and ours is not None and actor.unit != ours:
        raise Refused(
            "NotYourUnit", f"this account belongs to {ours}, not to {actor.unit}", field="actor.unit", clause="III.4"
        )


def happened_at(at: datetime | None, now: datetime, field: str) -> datetime:
    """When it happened: now if left out; raises TooEarly if that is more than 5 minutes ahead of the case's clock."""
    if at is None:
        return now
    if at > now + CLOCK_SKEW:
        raise Refused("TooEarly", f"{field} lies in the future: the case's clock says {now.isoformat()}", field=field)
    return at


def known_ticket(facts: CaseFacts, ticket_id: str) -> Ticket:
    """The ticket with that id; raises UnknownTicket."""
    ticket = facts.ticket(ticket_id)
    if ticket is None:
        raise Refused("UnknownTicket", f"this case has no ticket {ticket_id}", field="ticket_id", clause="II.3")
    return ticket
