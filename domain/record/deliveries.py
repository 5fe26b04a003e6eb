"""What has come of a message at the delivery channels: sent, waiting, or given up, and then why."""

from typing import Literal, get_args

from domain.vocabulary import Contract, Id, Moment, Role

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


TryOutcome = Literal["accepted", "refused", "dead", "unaddressed", "passed_over", "unknown"]


TRY_OUTCOMES: dict[TryOutcome, tuple[str, str]] = {
    "accepted": ("已受理", "accepted"),
    "refused": ("被拒绝", "refused"),
    "dead": ("无应答", "no answer"),
    "unaddressed": ("无可用号码或地址", "no address"),
    "passed_over": ("渠道堵塞，未尝试", "not tried, the channel hangs"),
    "unknown": ("结果不明", "nothing is known of it"),
}


class ChannelTry(Contract):
    """One attempt to hand a message to one channel, named by its kind; never with an address.

    `dead`: no answer in time, or nobody there. `unaddressed`: there is no phone or e-mail address that would do.
    `passed_over`: it was not tried, for too many messages before it still hang in that channel.
    `unknown`: whoever tried gave no answer in time; the customer may have been notified, and that does not count.
    """

    channel: Id
    outcome: TryOutcome
    at: Moment


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
