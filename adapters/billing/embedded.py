"""The embedded billing book in SQL: who owes what, and which lines of an export are new, known or contradict it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    union,
    update,
)

from activities.billing import BillingUnavailable
from adapters.billing.booking import book_bills, book_customers, book_payments, chunks
from adapters.billing.debt_answer import debt_of
from adapters.billing.tables import BILLING, TABLES
from adapters.billing.twins import HAS_TWIN, account_of_meter, twins
from adapters.sql.engine import open_engine, reading, writing
from domain.customer import Account, Customer, CustomerCard
from domain.money.book import BookedBill, BookedPayment, Twin, Unannounced, Verdict
from domain.money.debt import AccountDebt, DebtQuery

_CUSTOMERS, _BILLS, _PAYMENTS, _OUTAGES = (
    TABLES.tables[name] for name in ("customers", "bills", "payments", "outages")
)
_BILL = [_BILLS.c[name] for name in BookedBill._fields]
_PAYMENT = [_PAYMENTS.c[name] for name in BookedPayment._fields]
_NOTHING: ColumnElement[Any] = literal_column("0")
_BOOKING_LOCK = 7_355_609  # any number, the same in every process that books


def open_billing(url: str, timezone: str) -> "SqlBilling":
    """The billing book at that address; its tables are made when it is first reached."""
    return SqlBilling(open_engine(url, BILLING), timezone)


class _Undo(Exception):
    """Ends a dry run: nothing of it is kept."""


@dataclass(frozen=True)
class SqlBilling:
    """BillingSystem on its own database; a bill is overdue from 00:00, in `timezone`, of the day after its due date.

    Every method raises BillingUnavailable when the database gives no answer, or the book was made unreachable.
    Everything written is idempotent by the ids of customers, bills and payments.
    """

    engine: Engine
    timezone: str
    rehearsing: Connection | None = None

    @property
    def address(self) -> str:
        """Where it is, without the password."""
        return self.engine.url.render_as_string()

    def close(self) -> None:
        """Give the database connections back."""
        self.engine.dispose()

    # What the procedure asks.

    def customer(self, account_id: str) -> Customer | None:
        """The customer record, or None for an account the book does not hold."""
        return self.customers((account_id,)).get(account_id)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """The records of these accounts, without those the book does not hold."""
        with self._reading() as connection:
            return {
                row["account_id"]: Customer(account=Account.model_validate(row), card=CustomerCard.model_validate(row))
                for ids in chunks(account_ids)
                for row in connection.execute(
                    select(_CUSTOMERS, HAS_TWIN).where(_CUSTOMERS.c.account_id.in_(ids))
                ).mappings()
            }

    def accounts(self, account_ids: Sequence[str]) -> dict[str, Account]:
        """The standing data of these accounts, without those the book does not hold."""
        columns = [*(_CUSTOMERS.c[name] for name in Account.model_fields if name in _CUSTOMERS.c), HAS_TWIN]
        with self._reading() as connection:
            return {
                row["account_id"]: Account.model_validate(row)
                for ids in chunks(account_ids)
                for row in connection.execute(select(*columns).where(_CUSTOMERS.c.account_id.in_(ids))).mappings()
            }

    def account_of_meter(self, meter_id: str) -> str | None:
        """Whose meter that is, in any spelling; None where the book does not say."""
        with self._reading() as connection:
            return account_of_meter(connection, meter_id)

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """What each account owes as of its query's time: two SQL queries for 10,000 accounts, over one snapshot.

        None for an account that the book does not hold.
        """
        bills: dict[str, list[BookedBill]] = {}  # of each account that the book holds
        payments: defaultdict[str, list[BookedPayment]] = defaultdict(list)
        with self._reading() as connection:
            for ids in chunks(sorted({q.account_id for q in queries})):
                for account_id, *bill in connection.execute(_accounts_with_bills(ids)):
                    booked = bills.setdefault(account_id, [])
                    if bill[0] is not None:
                        booked.append(BookedBill(*bill))
                for payment in connection.execute(select(*_PAYMENT).where(_PAYMENTS.c.account_id.in_(ids))):
                    payments[payment.account_id].append(BookedPayment(*payment))
        return tuple(
            debt_of(q, bills[q.account_id], payments.get(q.account_id, ()), self._local_day)
            if q.account_id in bills
            else None
            for q in queries
        )

    def overdue_accounts(self, as_of: datetime, after: str, limit: int) -> tuple[str, ...]:
        """Accounts with an overdue bill unpaid, in order of account id, those greater than `after`."""
        found: list[str] = []
        while len(found) < limit:
            with self._reading() as connection:
                page = list(connection.execute(_perhaps_overdue(self._local_day(as_of), after, limit)).scalars())
            debts = self.debts(tuple(DebtQuery(account_id=a, as_of=as_of) for a in page))
            found += [debt.account_id for debt in debts if debt is not None and debt.owed > 0]
            if len(page) < limit:
                break
            after = page[-1]
        return tuple(found[:limit])

    # What an export brings.

    def add_customers(self, customers: Sequence[Customer], export: str = "") -> tuple[Verdict, ...]:
        """Book customers; a known one is brought up to date.

        `export` names the reading of one file: an account that stands in it twice, with different data, conflicts.
        """
        with self._writing() as connection:
            return book_customers(connection, customers, export)

    def add_bills(self, bills: Sequence[BookedBill]) -> tuple[Verdict, ...]:
        """Book bills that are new; one known with another account, amount or due date conflicts."""
        with self._writing() as connection:
            return book_bills(connection, bills)

    def add_payments(self, payments: Sequence[BookedPayment]) -> tuple[Verdict, ...]:
        """Book payments and reversals that are new, payments first; a line that contradicts the book conflicts."""
        with self._writing() as connection:
            return book_payments(connection, payments)

    def twins(self, rows: Sequence[Customer | BookedBill | BookedPayment]) -> tuple[tuple[Twin, ...], ...]:
        """For each of these rows, all of one kind, what the book holds that may be the same under another id."""
        with self._reading() as connection:
            return twins(connection, rows)

    # What was announced to the cases.

    def unannounced(self, as_of: datetime, after: str, limit: int) -> tuple[Unannounced, ...]:
        """Overdue bills and payments not yet announced, by account id, of the next `limit` accounts after `after`."""
        today = self._local_day(as_of)
        waiting = (_BILLS.c.announced_at.is_(None), _BILLS.c.due_date < today), (_PAYMENTS.c.announced_at.is_(None),)
        with self._reading() as connection:
            accounts = list(connection.execute(_next_accounts(today, after, limit)).scalars())
            bills, payments = defaultdict(list), defaultdict(list)
            for ids in chunks(accounts):
                for bill in connection.execute(select(*_BILL).where(_BILLS.c.account_id.in_(ids), *waiting[0])):
                    bills[bill.account_id].append(BookedBill(*bill))
                for line in connection.execute(select(*_PAYMENT).where(_PAYMENTS.c.account_id.in_(ids), *waiting[1])):
                    payments[line.account_id].append(BookedPayment(*line))
        return tuple(
            Unannounced(
                account_id,
                tuple(sorted(bills[account_id], key=lambda b: (b.due_date, b.bill_id))),
                tuple(sorted(payments[account_id], key=lambda p: (p.paid_at, p.payment_id))),
            )
            for account_id in accounts
        )

    def count_unannounced(self, as_of: datetime) -> int:
        """How many accounts `unannounced` would go through."""
        with self._reading() as connection:
            accounts = union(*_waiting_accounts(self._local_day(as_of), "")).subquery()
            return connection.execute(select(func.count()).select_from(accounts)).scalar_one()

    def mark_announced(self, bills: Iterable[str], payments: Iterable[str], at: datetime) -> None:
        """Remember that these bills and payments need not be announced again."""
        with self._writing() as connection:
            for table, key, ids in ((_BILLS, _BILLS.c.bill_id, bills), (_PAYMENTS, _PAYMENTS.c.payment_id, payments)):
                for some in chunks(list(ids)):
                    connection.execute(
                        update(table).where(key.in_(some), table.c.announced_at.is_(None)).values(announced_at=at)
                    )

    # Rehearsals and outages.

    @contextmanager
    def rehearsal(self) -> Iterator["SqlBilling"]:
        """The same book inside one transaction that is undone at the end; other writers wait meanwhile."""
        try:
            with self._writing() as connection:
                yield replace(self, rehearsing=connection)
                raise _Undo
        except _Undo:
            return

    def set_reachable(self, reachable: bool, reason: str = "it was switched off") -> None:
        """Take the book down for everybody, in every process, or bring it back."""
        with writing(self.engine, BillingUnavailable) as connection:
            connection.execute(delete(_OUTAGES))
            if not reachable:
                connection.execute(insert(_OUTAGES), [{"reason": reason}])

    def correct_bill(self, bill_id: str, amount: Decimal) -> None:
        """Billing's own correction of a bill, which no line of an export makes; nobody is notified of it."""
        with self._writing() as connection:
            connection.execute(update(_BILLS).where(_BILLS.c.bill_id == bill_id).values(amount=amount))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self.rehearsing is not None:
            yield self.rehearsing
            return
        with reading(self.engine, BillingUnavailable) as connection:
            _refuse_in_outage(connection)
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self.rehearsing is not None:
            yield self.rehearsing
            return
        with writing(self.engine, BillingUnavailable) as connection:
            if connection.dialect.name == "postgresql":
                # Two ingests at once would both find a line new: on SQLite writers queue by themselves.
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _BOOKING_LOCK})
            _refuse_in_outage(connection)
            yield connection

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.timezone)).date()


def _refuse_in_outage(connection: Connection) -> None:
    reason = connection.execute(select(_OUTAGES.c.reason)).scalar()
    if reason is not None:
        raise BillingUnavailable(f"the billing system gives no answer: {reason}. Nothing was read or written.")


def _accounts_with_bills(ids: Sequence[str]) -> Any:
    """A row for each bill of these accounts, and for a customer without bills one that has none."""
    account = _CUSTOMERS.c.account_id
    return (
        select(account, *_BILL)
        .outerjoin_from(_CUSTOMERS, _BILLS, _BILLS.c.account_id == account)
        .where(account.in_(ids))
    )


def _perhaps_overdue(today: date, after: str, limit: int) -> Any:
    """A page of accounts that may owe: every one that does, and few others.

    Payments go to overdue bills before later ones, except those that name a later bill. So an account whose overdue
    bills are no more than its other payments owes nothing; the rest are judged by the allocation itself.
    """
    account = _CUSTOMERS.c.account_id
    overdue = _total(_BILLS).where(_BILLS.c.account_id == account, _BILLS.c.due_date < today)
    paid = _total(_PAYMENTS).where(_PAYMENTS.c.account_id == account)
    for_later = (
        _total(_PAYMENTS)
        .join(_BILLS, _BILLS.c.bill_id == _PAYMENTS.c.bill_id)
        .where(_PAYMENTS.c.account_id == account, _PAYMENTS.c.amount > _NOTHING, _BILLS.c.due_date >= today)
    )
    return (
        select(account)
        .where(account > after, overdue.scalar_subquery() > paid.scalar_subquery() - for_later.scalar_subquery())
        .order_by(account)
        .limit(limit)
    )


def _total(table: Table) -> Any:
    return select(func.coalesce(func.sum(table.c.amount), _NOTHING)).select_from(table)


def _waiting_accounts(today: date, after: str) -> tuple[Any, Any]:
    return (
        select(_BILLS.c.account_id)
        .where(_BILLS.c.announced_at.is_(None), _BILLS.c.due_date < today, _BILLS.c.account_id > after)
        .distinct(),
        select(_PAYMENTS.c.account_id)
        .where(_PAYMENTS.c.announced_at.is_(None), _PAYMENTS.c.account_id > after)
        .distinct(),
    )


def _next_accounts(today: date, after: str, limit: int) -> Any:
    """One page of accounts; each half stops at the limit by itself, so that a page costs no more than its size."""
    halves = [
        select(half.order_by(half.selected_columns.account_id).limit(limit).subquery())
        for half in _waiting_accounts(today, after)
    ]
    either = union(*halves).subquery()
    return select(either.c.account_id).order_by(either.c.account_id).limit(limit)
