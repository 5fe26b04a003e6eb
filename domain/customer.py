"""The customer's standing data, in two halves: what may travel in a workflow, and what is personal."""

import hashlib
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BeforeValidator

from domain.same_words import bare_words, same_words
from domain.vocabulary import Contract, CustomerClass, Id

PreferredChannel = Literal["sms", "email", "app"]


def _known_channel(value: object) -> object:
    return value if value in get_args(PreferredChannel) else None


Preference = Annotated[PreferredChannel | None, BeforeValidator(_known_channel)]


class Account(Contract):
    """An account as the procedure needs it; nothing personal, so it may travel in a workflow.

    `meter_has_twin`: the id of another meter in the book differs only by what R-33 does not count.
    """

    account_id: Id
    customer_class: CustomerClass
    important: bool = False
    meter_id: Id
    meter_has_twin: bool = False
    reading_centre: Id
    reader: Id
    team_leader: Id
    field_unit: Id
    business_station: Id
    region: Id

    def mark(self) -> str:
        """A short fingerprint of what it says; the same where only width, case, blanks or punctuation differ (R-32)."""
        said = [(name, bare_words(str(value)) or value) for name, value in sorted(self.model_dump().items())]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


class CustomerCard(Contract):
    """The personal half of a customer record; stays behind the activities.

    `preferred_channel`: the channel that notifies him first; the others follow (R-16). None where he has said nothing.
    """

    account_id: Id
    name: str
    address: str
    phone: str = ""
    email: str = ""
    preferred_channel: Preference = None


PersonalField = Literal["name", "address", "phone", "email", "preferred_channel"]
"""A field of the personal half: a workflow may know that it changed, never what it says."""


AccountField = Literal[
    "meter_id",
    "customer_class",
    "important",
    "region",
    "reading_centre",
    "business_station",
    "field_unit",
    "reader",
    "team_leader",
]
RecordField = PersonalField | AccountField
"""What of a customer's record can change (R-32)."""


PERSONAL_FIELDS: tuple[PersonalField, ...] = get_args(PersonalField)


def changed_fields(before: CustomerCard, after: CustomerCard) -> tuple[PersonalField, ...]:
    """The personal fields that say something else now (R-32)."""

    def said(card: CustomerCard, field: PersonalField) -> str:
        return str(getattr(card, field) or "")

    return tuple(field for field in PERSONAL_FIELDS if not same_words(said(before, field), said(after, field)))


class CardKept(NamedTuple):
    """The number under which the register keeps a card, and the fields that differ from the version last taken."""

    number: int
    changed: tuple[PersonalField, ...]


class RecordRead(Contract):
    """A customer's record as read: its number, the half that may travel, and which personal fields changed (R-32).

    `number`: the register's number of the personal half read. `changed`: what differs from the one the case last took.
    """

    number: int
    account: Account
    changed: tuple[PersonalField, ...] = ()


class Customer(Contract):
    """A customer record of the billing system, both halves."""

    account: Account
    card: CustomerCard
