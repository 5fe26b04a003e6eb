"""Refusals: typed, in a sentence, with the field, rule and clause; and the check of a stated time."""

from datetime import datetime
from typing import Literal

from domain.law.clock import CLOCK_SKEW

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
"""Encoding of what stands in for a payload that decryption rejected; its data is the sentence why."""


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


def happened_at(at: datetime | None, now: datetime, field: str) -> datetime:
    """When it happened: now if left out; raises TooEarly if that is more than 5 minutes ahead of the case's clock."""
    if at is None:
        return now
    if at > now + CLOCK_SKEW:
        raise Refused("TooEarly", f"{field} lies in the future: the case's clock says {now.isoformat()}", field=field)
    return at
