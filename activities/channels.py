"""Delivery channels to the customer (SMS, e-mail, an app): a case notifies him, and learns what each channel said."""

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

        RegisterUnavailable: the register does not say how the customer is reached.
        """


class NotifyCustomer(Contract):
    """Notify the customer of this, now."""

    account_id: Id
    notice: Message
    at: Moment


class CustomerNotified(Contract):
    """What each channel said that was tried; empty where no channels are configured."""

    tries: tuple[ChannelTry, ...] = ()


@dataclass(frozen=True)
class ChannelActivities:
    """The notice of the last half-hour (II.4); `channels` is None where none are configured."""

    channels: CustomerChannels | None

    @activity.defn(no_thread_cancel_exception=True)
    def tell_customer(self, order: NotifyCustomer) -> CustomerNotified:
        """Notify the customer by the first channel that accepts the notice; without channels, answer at once."""
        if self.channels is None:
            return CustomerNotified()
        return CustomerNotified(tries=self.channels.notify(order.account_id, order.notice, order.at))
