"""The port of the embedded billing book: the billing port, and what only a book of our own can do."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, Self

from activities.billing import BillingSystem
from domain.customer import Customer
from domain.money.book import BookedBill, BookedPayment, Twin, Unannounced, Verdict


class BillingBook(BillingSystem, Protocol):
    """The embedded billing book; every method may raise BillingUnavailable. Over HTTP, billing keeps its own book."""

    def add_customers(self, customers: Sequence[Customer], export: str = "") -> tuple[Verdict, ...]:
        """Book customers, and bring known ones up to date."""

    def add_bills(self, bills: Sequence[BookedBill]) -> tuple[Verdict, ...]:
        """Book bills that are new."""

    def add_payments(self, payments: Sequence[BookedPayment]) -> tuple[Verdict, ...]:
        """Book payments and reversals that are new."""

    def twins(self, rows: Sequence[Customer | BookedBill | BookedPayment]) -> tuple[tuple[Twin, ...], ...]:
        """For each of these booked rows, all of one kind, what may be the same thing under another id."""

    def rehearsal(self) -> AbstractContextManager[Self]:
        """The same book, with all that is written to it undone at the end."""

    def unannounced(self, as_of: datetime, after: str, limit: int) -> tuple[Unannounced, ...]:
        """Overdue bills and payments not yet announced, by account id, of the next `limit` accounts after `after`."""

    def count_unannounced(self, as_of: datetime) -> int:
        """How many accounts `unannounced` would go through."""

    def mark_announced(self, bills: Sequence[str], payments: Sequence[str], at: datetime) -> None:
        """Remember that these bills and payments need not be announced again."""
