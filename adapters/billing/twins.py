"""Finds in the book what may be one thing under two ids: ids spelled almost alike, and accounts with one meter."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, select

from adapters.billing.booking import among
from adapters.billing.tables import TABLES
from domain.customer import Customer
from domain.ids import id_key
from domain.money.book import BookedBill, BookedPayment, Twin

Row = Customer | BookedBill | BookedPayment
_CUSTOMERS, _BILLS, _PAYMENTS = (TABLES.tables[name] for name in ("customers", "bills", "payments"))
_ALIKE = {
    "account": (_CUSTOMERS.c.account_alike, _CUSTOMERS.c.account_id),
    "bill": (_BILLS.c.alike, _BILLS.c.bill_id),
    "payment": (_PAYMENTS.c.alike, _PAYMENTS.c.payment_id),
}

_OTHER = _CUSTOMERS.alias("other")
HAS_TWIN = (
    exists()
    .where(_OTHER.c.meter_alike == _CUSTOMERS.c.meter_alike, _OTHER.c.meter_id != _CUSTOMERS.c.meter_id)
    .correlate(_CUSTOMERS)
    .label("meter_has_twin")
)
"""Of a customer: another meter's id differs from that of his meter by what R-33 does not count."""


class _Meter(NamedTuple):
    """The least and the greatest account with a meter, and its spellings."""

    first: str
    last: str
    spelled: str
    or_: str


def twins(connection: Connection, rows: Sequence[Row]) -> tuple[tuple[Twin, ...], ...]:
    """For each of these rows, all of one kind, what the book holds that may be the same. At most two of each row.

    For each row one other is named, however many there are: a meter that half the accounts have costs no more.
    """
    if not rows:
        return ()
    if isinstance(rows[0], Customer):
        customers = [row for row in rows if isinstance(row, Customer)]
        by_id = _alike(connection, "account", [c.account.account_id for c in customers])
        by_meter = _meters(connection, customers)
        return tuple((*one, *other) for one, other in zip(by_id, by_meter, strict=True))
    kind = "bill" if isinstance(rows[0], BookedBill) else "payment"
    return tuple(_alike(connection, kind, [row[0] for row in rows if not isinstance(row, Customer)]))


def _alike(connection: Connection, kind: str, ids: Sequence[str]) -> Iterator[tuple[Twin, ...]]:
    key, column = _ALIKE[kind]
    names = [id_key(i) for i in ids]
    found = {name: (one, other) for name, one, other in _several(connection, key, names, column)}
    for ident, name in zip(ids, names, strict=True):
        pair = found.get(name)
        if pair is None:
            yield ()
            continue
        other = pair[1] if pair[0] == ident else pair[0]
        yield (Twin(_sorted(ident, other), "alike", f"{kind} {ident} and {kind} {other} differ only in {_ASK}"),)


def _several(connection: Connection, key: Any, names: Sequence[str], *columns: Any) -> Sequence[Any]:
    """For each of these names that several rows have: the name, and the least and the greatest of each column."""
    # Counted first, which needs the index alone: hardly a name has several rows.
    several = select(key).where(among(connection, key, set(names))).group_by(key).having(func.count() > 1)
    shared = connection.execute(several).scalars().all()
    if not shared:
        return ()
    ends = (end(column) for column in columns for end in (func.min, func.max))
    return connection.execute(select(key, *ends).where(among(connection, key, shared)).group_by(key)).all()


def account_of_meter(connection: Connection, meter_id: str) -> str | None:
    """Whose meter that is, as it is spelled, else in any spelling; None where that is nobody's, or several people's."""
    whose = select(_CUSTOMERS.c.account_id).limit(2)
    for same in (_CUSTOMERS.c.meter_id == meter_id, _CUSTOMERS.c.meter_alike == id_key(meter_id)):
        accounts = connection.scalars(whose.where(_CUSTOMERS.c.meter_alike == id_key(meter_id), same)).all()
        if len(accounts) == 1:
            return str(accounts[0])
    return None


_ASK = "case, width, blanks or dashes: if they are one, correct the export, and settle what was booked under the other"


def _meters(connection: Connection, customers: Sequence[Customer]) -> Iterator[tuple[Twin, ...]]:
    key, account, meter = _CUSTOMERS.c.meter_alike, _CUSTOMERS.c.account_id, _CUSTOMERS.c.meter_id
    names = [id_key(c.account.meter_id) for c in customers]
    found = {name: _Meter(*seen) for name, *seen in _several(connection, key, names, account, meter)}
    # A later line may have given an account another meter: what the book says now is what counts.
    suspects = {c.account.account_id for c, name in zip(customers, names, strict=True) if name in found}
    now = select(account, key).where(among(connection, account, suspects))
    meters: dict[str, str | None] = {row[0]: row[1] for row in connection.execute(now)} if suspects else {}
    for customer, name in zip(customers, names, strict=True):
        own = customer.account.account_id
        one = found.get(name)
        if one is None or meters.get(own) != name:
            yield ()
            continue
        other = one.last if one.first == own else one.first
        spelled = one.spelled if one.spelled == one.or_ else f"{one.spelled} or {one.or_}"
        yield (
            Twin(_sorted(own, other), "one meter", f"accounts {own} and {other} have one meter, {spelled}: {_WHOSE}"),
        )


_WHOSE = "find out whose it is before one is cut off for the other, and correct the export"


def _sorted(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
