"""The customer's standing data, in two halves: what may travel in a workflow, and what is personal."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

from domain.vocabulary import Contract, CustomerClass, Id

PreferredChannel = Literal["sms", "email", "app"]


def _known_channel(value: object) -> object:
    return value if value in get_args(PreferredChannel) else None


Preference = Annotated[PreferredChannel | None, BeforeValidator(_known_channel)]


class Account(Contract):
    """An account as the procedure needs it; nothing personal, so it may travel in a workflow."""

    account_id: Id
    customer_class: CustomerClass
    important: bool = False
    meter_id: Id
    reading_centre: Id
    reader: Id
    team_leader: Id
    field_unit: Id
    business_station: Id
    region: Id


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
