"""Books the lines of an export in bulk: what is new is written, what is known counted, what contradicts refused."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    any_,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.billing.tables import TABLES
from domain.customer import Customer
from domain.ids import id_key, same_id
from domain.money.book import BookedBill, BookedPayment, Verdict

_CUSTOMERS, _BILLS, _PAYMENTS = (TABLES.tables[name] for name in ("customers", "bills", "payments"))
_IN_ONE_LIST = 10_000  # SQLite takes 32,766 parameters, PostgreSQL 65,535
_NEW, _CHANGED, _DUPLICATE = Verdict("new"), Verdict("changed"), Verdict("duplicate")
_NOT_BOOKED = {"meter_has_twin"}  # the book sees it when it is asked
_OURS = ("export", "account_alike", "meter_alike")  # columns that no export has
_T = TypeVar("_T")


def chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The items in pieces that fit into one IN list; none for no items."""
    for start in range(0, len(items), _IN_ONE_LIST):
        yield items[start : start + _IN_ONE_LIST]


def among(connection: Connection, key: Column[str], values: Collection[str]) -> ColumnElement[bool]:
    """Whether the column holds one of these; as one parameter, for thousands of them would cost more than the query."""
    if connection.dialect.name == "postgresql":
        return key == any_(literal(list(values), ARRAY(String)))
    one = func.json_each(json.dumps(list(values))).table_valued(column("value", String))
    return key.in_(select(one.c.value))


def book_customers(connection: Connection, customers: Sequence[Customer], export: str) -> tuple[Verdict, ...]:
    """New customers are added, known ones brought up to date."""
    known = {
        row["account_id"]: dict(row)
        for row in _rows(connection, _CUSTOMERS, "account_id", {c.account.account_id for c in customers})
    }
    first_known = frozenset(known)
    touched: dict[str, None] = {}  # in the order of the lines
    verdicts: list[Verdict] = []
    for customer in customers:
        line = {**customer.card.model_dump(), **customer.account.model_dump(exclude=_NOT_BOOKED), "export": export}
        key = line["account_id"]
        line |= {"account_alike": id_key(key), "meter_alike": id_key(line["meter_id"])}
        before = known.get(key)
        differing = [name for name in line if before is not None and _differs(name, before[name], line[name])]
        if before is not None and differing and export and before["export"] == export:
            verdicts.append(
                Verdict("conflict", f"account {key} stands in this file twice, with another {', '.join(differing)}")
            )
            continue
        verdicts.append(_NEW if before is None else _CHANGED if differing else _DUPLICATE)
        if before is None or before != line:
            touched[key] = None
            known[key] = line
    _insert(connection, _CUSTOMERS, [known[key] for key in touched if key not in first_known])
    if changed := [known[key] | {"key": key} for key in touched if key in first_known]:
        connection.execute(update(_CUSTOMERS).where(_CUSTOMERS.c.account_id == bindparam("key")), changed)
    return tuple(verdicts)


def _differs(name: str, before: Any, now: Any) -> bool:
    """Whether a customer's line says something else: a meter, unit or person spelled otherwise is the same (R-33)."""
    if name in _OURS or before == now:
        return False
    return name not in _SPELLED_IN_ANY_WAY or not same_id(before, now)


_SPELLED_IN_ANY_WAY = ("meter_id", "reading_centre", "reader", "team_leader", "field_unit", "business_station")


def book_bills(connection: Connection, bills: Sequence[BookedBill]) -> tuple[Verdict, ...]:
    """New bills are added; a bill never changes."""
    known = {
        row["bill_id"]: _as(BookedBill, row) for row in _rows(connection, _BILLS, "bill_id", {b.bill_id for b in bills})
    }
    accounts = _known_accounts(connection, {b.account_id for b in bills})
    new: list[BookedBill] = []
    verdicts: list[Verdict] = []
    for bill in bills:
        before = known.get(bill.bill_id)
        if before is not None:
            verdicts.append(_compare("bill", bill.bill_id, bill, before, ("account_id", "amount", "due_date")))
        elif bill.account_id not in accounts:
            verdicts.append(_unknown_account(bill.account_id))
        else:
            known[bill.bill_id] = bill
            new.append(bill)
            verdicts.append(_NEW)
    _insert(connection, _BILLS, [_row(b, b.bill_id) for b in new])
    return tuple(verdicts)


class _Around(NamedTuple):
    """What the book holds around a batch of payments; grows with it."""

    payments: dict[str, BookedPayment]
    taken_back_by: dict[str, str]
    accounts: frozenset[str]
    bill_accounts: dict[str, str]


def book_payments(connection: Connection, payments: Sequence[BookedPayment]) -> tuple[Verdict, ...]:
    """New payments are added, then new reversals; neither ever changes."""
    originals = {p.reverses for p in payments if p.reverses}
    around = _Around(
        payments={
            row["payment_id"]: _as(BookedPayment, row)
            for row in _rows(connection, _PAYMENTS, "payment_id", {p.payment_id for p in payments} | originals)
        },
        taken_back_by={
            row["reverses"]: row["payment_id"] for row in _rows(connection, _PAYMENTS, "reverses", originals)
        },
        accounts=_known_accounts(connection, {p.account_id for p in payments}),
        bill_accounts={
            row["bill_id"]: row["account_id"]
            for row in _rows(connection, _BILLS, "bill_id", {p.bill_id for p in payments if p.bill_id})
        },
    )
    verdicts: list[Verdict] = [_NEW] * len(payments)
    new: list[BookedPayment] = []
    # A reversal may stand before its payment: newest first is how many systems export.
    for place in sorted(range(len(payments)), key=lambda i: payments[i].reverses is not None):
        payment = payments[place]
        verdicts[place] = verdict = _judge_payment(payment, around)
        if verdict is _NEW:
            around.payments[payment.payment_id] = payment
            if payment.reverses:
                around.taken_back_by[payment.reverses] = payment.payment_id
            new.append(payment)
    _insert(connection, _PAYMENTS, [_row(p, p.payment_id) for p in new])
    return tuple(verdicts)


def _judge_payment(payment: BookedPayment, around: _Around) -> Verdict:
    before = around.payments.get(payment.payment_id)
    if before is not None:
        same = ("account_id", "amount", "paid_at", "bill_id", "reverses")
        return _compare("payment", payment.payment_id, payment, before, same)
    if payment.account_id not in around.accounts:
        return _unknown_account(payment.account_id)
    if payment.reverses:
        return _judge_reversal(payment, payment.reverses, around)
    if payment.bill_id and payment.bill_id not in around.bill_accounts:
        return Verdict(
            "conflict",
            f"bill {payment.bill_id} is not in the billing book: ingest its bills file too, "
            "or leave bill_id empty for the oldest bill",
        )
    if payment.bill_id and around.bill_accounts[payment.bill_id] != payment.account_id:
        return Verdict("conflict", f"bill {payment.bill_id} belongs to account {around.bill_accounts[payment.bill_id]}")
    return _NEW


def _judge_reversal(reversal: BookedPayment, original_id: str, around: _Around) -> Verdict:
    original = around.payments.get(original_id)
    if original is None:
        return Verdict("early", f"reverses payment {original_id}, which is not in the billing book: ingest it too")
    if original.reverses:
        return Verdict("conflict", f"{original_id} is itself a reversal; only a payment can be taken back")
    if original_id in around.taken_back_by:
        by = around.taken_back_by[original_id]
        return Verdict("conflict", f"payment {original_id} was already taken back by {by}")
    if original.account_id != reversal.account_id:
        return Verdict("conflict", f"payment {original_id} belongs to account {original.account_id}")
    if original.amount != -reversal.amount:
        return Verdict("conflict", f"payment {original_id} is {original.amount}: a reversal takes back all of it")
    return _NEW


def _compare(what: str, key: str, line: Any, before: Any, names: tuple[str, ...]) -> Verdict:
    differing = [name for name in names if getattr(line, name) != getattr(before, name)]
    if not differing:
        return _DUPLICATE
    stands = ", ".join(f"{name} {getattr(before, name) or '(none)'}" for name in differing)
    return Verdict("conflict", f"{what} {key} was seen before with {stands}: a {what} never changes")


def _unknown_account(account_id: str) -> Verdict:
    return Verdict("conflict", f"account {account_id} is unknown: ingest a customers file that has it")


def _known_accounts(connection: Connection, accounts: set[str]) -> frozenset[str]:
    key = _CUSTOMERS.c.account_id
    return frozenset(connection.execute(select(key).where(among(connection, key, accounts))).scalars())


def _rows(connection: Connection, table: Table, key: str, values: set[str]) -> Iterator[Any]:
    yield from connection.execute(select(table).where(among(connection, table.c[key], values))).mappings()


def _as(kind: Any, row: Any) -> Any:
    return kind(*(row[name] for name in kind._fields))


def _row(line: BookedBill | BookedPayment, key: str) -> dict[str, Any]:
    return dict(zip(line._fields, line, strict=True), alike=id_key(key))


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
