"""The embedded billing book whose customers' records cannot be read for as long as a test wants; debts still can."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Self

from activities.billing import BillingUnavailable
from adapters.billing.embedded import SqlBilling
from domain.customer import Customer


@dataclass(frozen=True)
class SilentRecords(SqlBilling):
    """The book itself, but for what it says of customers while it is `silent`."""

    silent: Event = field(default_factory=Event)

    @classmethod
    def over(cls, book: SqlBilling) -> Self:
        """On the same database."""
        return cls(book.engine, book.timezone)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """As the book has them, or no answer."""
        if self.silent.is_set():
            raise BillingUnavailable("the customers' records cannot be read")
        return super().customers(account_ids)
