"""What the oracle reads: an account's rows in the register and in the billing book, by plain SQL, and nothing else."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tests.lives.law import Bill, Payment, Standing, standing

Row = dict[str, Any]


@dataclass(frozen=True)
class Booked:
    """Kept outside, when the generator booked a bill or a payment: the case's time right after the book had it."""

    booked_id: str
    known_by: datetime
    reverses: str | None = None


@dataclass(frozen=True)
class Fact:
    """One line of evidence; `n` is its place in the order in which the case noted things."""

    n: int
    key: str
    what: str
    at: datetime
    recorded_at: datetime
    actor_id: str | None
    actor_role: str | None
    about: str | None
    detail: Row

    def moment(self, name: str) -> datetime:
        """A time in the details."""
        return datetime.fromisoformat(self.detail[name])


@dataclass
class Book:
    """All that is on record of one account's case, and what billing really held."""

    account_id: str
    until: datetime
    calm: bool
    chain: list[Row] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    papers: list[Fact] = field(default_factory=list)
    """What the printers noted: no step of the case, so without a number in its order."""
    case: Row = field(default_factory=dict)
    notices: dict[str, Row] = field(default_factory=dict)
    tickets: dict[str, Row] = field(default_factory=dict)
    incidents: dict[str, Row] = field(default_factory=dict)
    messages: list[Row] = field(default_factory=list)
    customer: Row = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    def all(self, what: str, *, before: int | None = None, about: str | None = None, **detail: Any) -> list[Fact]:
        """Evidence of that kind, in order: noted before that place, about that, with those details."""
        return [
            f
            for f in self.facts
            if f.what == what
            and (before is None or f.n < before)
            and (about is None or f.about == about)
            and all(f.detail.get(k) == v for k, v in detail.items())
        ]

    def notified(self, role: str, about: str) -> bool:
        """Whether there is a message to that role about that."""
        return any(m["to_role"] == role and m["about"] == about for m in self.messages)

    def owing(self, known_by: datetime) -> dict[str, Standing]:
        """How each bill stood by what the book certainly held then."""
        bills = (b for b in self.bills if b.known_by <= known_by)
        return standing(bills, (p for p in self.payments if p.known_by <= known_by))

    def settled(self, bills: Sequence[str], known_by: datetime) -> bool:
        """Whether none of these bills owed anything by then."""
        now = self.owing(known_by)
        return all(now[b].owes == 0 for b in bills if b in now)


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _rows(database: sqlite3.Connection, table: str, account_id: str, order: str) -> Iterator[Row]:
    cursor = database.execute(f"SELECT * FROM {table} WHERE account_id = ? ORDER BY {order}", (account_id,))
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


_MOMENTS = ("issued_at", "deadline", "cut_at", "sent_at", "at", "debt_as_of", "closed_at", "opened_at")


def _timed(row: Row) -> Row:
    return row | {k: _moment(row[k]) for k in _MOMENTS if row.get(k)}


def _fact(row: Row) -> Fact:
    return Fact(
        n=row["place"],
        key=row["key"],
        what=row["what"],
        at=_moment(row["at"]),
        recorded_at=_moment(row["recorded_at"]),
        actor_id=row["actor_id"],
        actor_role=row["actor_role"],
        about=row["about"],
        detail=json.loads(row["detail"]),
    )


def read(
    register: Path, billing: Path, account_id: str, booked: Sequence[Booked], until: datetime, calm: bool = True
) -> Book:
    """The account's book. `until` is the case's time at the end; `calm`: nothing it depends on was ever down."""
    book = Book(account_id, until, calm)
    with closing(sqlite3.connect(register)) as database:
        book.chain = list(_rows(database, "evidence", account_id, "seq"))
        # By the case's clock: after a restart a step may have been done again in another order, and its record stays.
        facts = [_fact(row) for row in book.chain]
        book.papers = [f for f in facts if f.what == "paper.filed"]
        ordered = sorted((f for f in facts if f.what != "paper.filed"), key=lambda f: (f.recorded_at, f.n))
        book.facts = [replace(fact, n=place) for place, fact in enumerate(ordered, start=1)]
        book.case = next((_timed(r) for r in _rows(database, "cases", account_id, "opened_at")), {})
        book.notices = {
            r["notice_id"]: _timed(r) | {"bills": json.loads(r["bills"])}
            for r in _rows(database, "notices", account_id, "issued_at")
        }
        book.tickets = {r["ticket_id"]: _timed(r) for r in _rows(database, "tickets", account_id, "sent_at")}
        book.incidents = {r["incident_id"]: _timed(r) for r in _rows(database, "incidents", account_id, "at")}
        book.messages = list(_rows(database, "messages", account_id, "at"))
    known = {b.booked_id: b.known_by for b in booked}
    with closing(sqlite3.connect(billing)) as database:
        book.customer = next(_rows(database, "customers", account_id, "account_id"))
        book.bills = [
            Bill(r["bill_id"], date.fromisoformat(r["due_date"]), r["amount"], known[r["bill_id"]])
            for r in _rows(database, "bills", account_id, "due_date")
        ]
        book.payments = [
            Payment(
                r["payment_id"],
                r["amount"],
                _moment(r["paid_at"]),
                r["bill_id"],
                r["reverses"],
                known[r["payment_id"]],
            )
            for r in _rows(database, "payments", account_id, "paid_at")
        ]
    return book
