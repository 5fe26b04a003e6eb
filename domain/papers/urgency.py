"""What goes out first: a light and a revocation before everything else, then what has minutes, then what has days."""

from typing import Literal

from domain.papers.phrases import TICKET_TITLES
from domain.record.rows import Message

Urgency = Literal[1, 2, 3]
AT_ONCE: Urgency = 1
"""Somebody sits in the dark, or a crew stands at a meter that it must not touch (R-18, R-24)."""

_MINUTES: Urgency = 2
_DAYS: Urgency = 3

_BY_SUBJECT: dict[str, Urgency] = {
    TICKET_TITLES["restore"]: AT_ONCE,
    "permit revoked": AT_ONCE,
    "ticket recalled": AT_ONCE,
    "ticket taken over": AT_ONCE,
    "report asked": AT_ONCE,
    "verify the meter": AT_ONCE,
    "tell the customer again": AT_ONCE,
    "Restoration warning": _MINUTES,
    "Permit without an answer from the crew": _MINUTES,
    "reassigned to you": _MINUTES,
    TICKET_TITLES["cut"]: _MINUTES,
}


def urgency_of(message: Message) -> Urgency:
    """How urgent a message to staff is, by its subject: 1 overtakes 2, and 2 overtakes 3."""
    if message.subject.startswith("incident: "):
        return _MINUTES
    return _BY_SUBJECT.get(message.subject, _DAYS)
