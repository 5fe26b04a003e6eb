"""Delivery channels: SMS, e-mail, an app; what a case has told to a customer, and whether a channel accepted it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity

from domain.record.deliveries import ChannelTry
from domain.record.rows import Message
from domain.vocabulary import Contract, Id, Moment


class CustomerChannels(Protocol):
    """The customer's channels, in the order in which they are tried: first what he prefers by his record."""

    def notify(self, account_id: str, notice: Message, at: datetime) -> tuple[ChannelTry, ...]:
        """Hand the notice to one channel after the other, until one accepts it; `at` is the case's now.

        Raises RegisterUnavailable if the register does not say how the customer is reached.
        """


class TellCustomer(Contract):
    """Tell the customer this, now."""

    account_id: Id
    notice: Message
    at: Moment


class CustomerTold(Contract):
    """What each channel said that was tried; none, if there are no channels here."""

    tries: tuple[ChannelTry, ...] = ()


@dataclass(frozen=True)
class ChannelActivities:
    """The notice of the last half-hour (II.4); `channels` is None where none are configured."""

    channels: CustomerChannels | None

    @activity.defn(no_thread_cancel_exception=True)
    def tell_customer(self, order: TellCustomer) -> CustomerTold:
        """Tell the customer by the first channel that accepts it; with no channel the answer comes at once."""
        if self.channels is None:
            return CustomerTold()
        return CustomerTold(tries=self.channels.notify(order.account_id, order.notice, order.at))
