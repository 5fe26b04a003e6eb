"""What has come of a message at the delivery channels: sent, waiting, or given up, and then why."""

from typing import Literal, get_args

from domain.model import Contract, Moment, Role
from domain.telling import ChannelTry

DeliveryState = Literal["sent", "waiting", "given_up", "not_accepted"]
DELIVERY_STATES: dict[DeliveryState, tuple[str, str]] = {
    "sent": ("已发出", "sent"),
    "waiting": ("待发", "waiting"),
    "given_up": ("已放弃", "given up"),
    "not_accepted": ("无渠道受理，转抄表员", "accepted by none, the reader was asked"),
}
GivenUpFor = Literal["no_route", "nobody_accepted", "unreadable"]
GIVEN_UP_FOR: dict[GivenUpFor, tuple[str, str]] = {
    "no_route": ("未配置渠道", "no channel for this role and unit"),
    "nobody_accepted": ("三日内无渠道受理", "no channel accepted it for three days"),
    "unreadable": ("记录无法读取", "the message cannot be read"),
}
WRITTEN_TO: tuple[Role, ...] = tuple(role for role in get_args(Role) if role not in ("hotline", "operator"))
"""The roles to whom something is written; the hotline and operators write to a case."""


class Delivery(Contract):
    """One message, without its text: to whom, and what each channel said that was tried.

    `again_at`: a waiting one is not tried before. Of a message that cannot be read, only the key may be known.
    """

    message_key: str
    account_id: str | None = None
    to_role: str | None = None
    to_unit: str | None = None
    to_person: str | None = None
    subject: str | None = None
    filed_at: Moment | None = None
    state: DeliveryState
    tries: tuple[ChannelTry, ...] = ()
    again_at: Moment | None = None
    given_up_at: Moment | None = None
    reason: GivenUpFor | None = None
