"""The customer's standing data, in two halves: what may travel in a workflow, and what is personal."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

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


class Customer(Contract):
    """A customer record of the billing system, both halves."""

    account: Account
    card: CustomerCard
