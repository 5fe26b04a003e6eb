"""What the oracle reads: an account's rows in the register and in the billing book, by plain SQL, and nothing else."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.lives.law import MAY_STAY_UNPAID, Bill, Payment, Standing, owed, standing

Row = dict[str, Any]
KEYS = {"customers": "account_id", "bills": "bill_id", "payments": "payment_id"}
"""The tables of the billing book, and what names a line of each."""


@dataclass(frozen=True)
class Booked:
    """Kept outside, when the generator changed the billing book: a line, and the case's time before and after.

    In between nobody can tell whether billing already answered by it. `was`: the line before, None for a new one.
    """

    booked_id: str
    not_before: datetime
    known_by: datetime
    table: str
    was: Row | None = None


@dataclass(frozen=True)
class Told:
    """Kept outside: a message to the case, with its business id; and the case's time before and after it was sent.

    A copy leaves no evidence, so the register alone does not say that it came.
    """

    message: str
    about: str
    not_before: datetime
    known_by: datetime
    payload: Row = field(default_factory=dict)


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
    actor_unit: str | None
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
    """The customer's record as it is at the end."""
    ledger: list[tuple[Booked, Row | None]] = field(default_factory=list)
    """Every change of the billing book in order, with the line as it was from then on."""
    told: list[Told] = field(default_factory=list)
    silences: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when to when billing certainly answered nothing about the account."""

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

    @property
    def bills(self) -> dict[str, Bill]:
        """Every bill that the book ever held, as it held it last."""
        return {i: _bill(row) for one, row in self.ledger if one.table == "bills" and (i := one.booked_id) and row}

    def changed(self, *tables: str) -> list[tuple[Booked, Row | None]]:
        """The changes of these tables."""
        return [(one, row) for one, row in self.ledger if one.table in tables]

    def lines(self, table: str, first: datetime, last: datetime | None = None) -> list[dict[str, Row]]:
        """What that table may have held, by id, when it was read at some moment between the first and the last.

        The first of them is what it certainly held. Changes take effect one after another, but in which order those
        were booked that went on at the same time, nobody knows.
        """
        last = last or first
        sure = [(one, row) for one, row in self.changed(table) if one.known_by <= first]
        open_ = [(one, row) for one, row in self.changed(table) if one.known_by > first and one.not_before <= last]
        chosen: list[tuple[tuple[Booked, Row | None], ...]] = [tuple(open_[:n]) for n in range(len(open_) + 1)]
        if len(open_) <= _ALL_ORDERS_OF:
            chosen = [some for n in range(len(open_) + 1) for some in combinations(open_, n)]
        found = []
        for some in chosen:
            held: dict[str, Row] = {}
            for one, row in (*sure, *some):
                if row is None:
                    held.pop(one.booked_id, None)
                else:
                    held[one.booked_id] = row
            found.append(held)
        return found

    def states(self, first: datetime, last: datetime | None = None) -> list[dict[str, Standing]]:
        """How each bill may have stood when billing answered at some moment between these two."""
        payments = [[_payment(row) for row in held.values()] for held in self.lines("payments", first, last)]
        bills = [[_bill(row) for row in held.values()] for held in self.lines("bills", first, last)]
        return [standing(b, p) for b in bills for p in payments]

    def owing(self, known_by: datetime) -> dict[str, Standing]:
        """How each bill stood by what the book certainly held then."""
        return self.states(known_by)[0]

    def settled(self, bills: Sequence[str], first: datetime, last: datetime | None = None) -> bool:
        """Whether these bills owed no more than a trifle, whenever between these two moments billing was asked."""
        return all(owed(state, bills) <= MAY_STAY_UNPAID for state in self.states(first, last))

    def may_be_settled(self, bills: Sequence[str], first: datetime, last: datetime) -> bool:
        """Whether they may have owed no more than a trifle at some moment between these two."""
        return any(owed(state, bills) <= MAY_STAY_UNPAID for state in self.states(first, last))

    def silent(self, first: datetime, last: datetime) -> bool:
        """Whether billing answered nothing all the time between these two moments."""
        return any(since <= first and last <= until for since, until in self.silences)

    def records(self, first: datetime, last: datetime | None = None) -> list[Row]:
        """The customer's record, in every version that may have been read between these two moments."""
        return [held[self.account_id] for held in self.lines("customers", first, last) if self.account_id in held]


_ALL_ORDERS_OF = 5


def _bill(row: Row) -> Bill:
    return Bill(row["bill_id"], date.fromisoformat(row["due_date"]), row["amount"])


def _payment(row: Row) -> Payment:
    return Payment(row["payment_id"], row["amount"], _moment(row["paid_at"]), row["bill_id"], row["reverses"])


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
        actor_unit=row["actor_unit"],
        about=row["about"],
        detail=json.loads(row["detail"]),
    )


def _done(chain: Sequence[Row]) -> Iterator[Row]:
    """The lines (or messages) without those of a workflow task that came to nothing after its record was written.

    On a crowded machine the server gives a task up, and has it done again, perhaps with other news. The line that
    was written first stays in the chain. The next one under its key bears a mark behind a tilde, and is what happened.
    """
    last = {_key(row): row["key"] for row in chain}
    yield from (row for row in chain if last[_key(row)] == row["key"])


def _key(row: Row) -> str:
    """The key without the mark of a step that was done again."""
    return str(row["key"].partition("~")[0])


def read(
    register: Path,
    billing: Path,
    account_id: str,
    booked: Sequence[Booked],
    until: datetime,
    calm: bool = True,
    told: Sequence[Told] = (),
    silences: Sequence[tuple[datetime, datetime]] = (),
) -> Book:
    """The account's book. `until` is the case's time at the end; `calm`: nothing it depends on was ever down."""
    book = Book(account_id, until, calm, told=list(told), silences=list(silences))
    with closing(sqlite3.connect(register)) as database:
        book.chain = list(_rows(database, "evidence", account_id, "seq"))
        # By the case's clock: after a restart a step may have been done again in another order, and its record stays.
        facts = [_fact(row) for row in _done(book.chain)]
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
        book.messages = list(_done(list(_rows(database, "messages", account_id, "at"))))
    with closing(sqlite3.connect(billing)) as database:
        at_the_end = {
            (table, row[key]): row for table, key in KEYS.items() for row in _rows(database, table, account_id, key)
        }
    book.customer = at_the_end["customers", account_id]
    ordered_ = sorted(booked, key=lambda one: one.known_by)
    for place, one in enumerate(ordered_):
        later = (o for o in ordered_[place + 1 :] if (o.table, o.booked_id) == (one.table, one.booked_id))
        following = next(later, None)
        row = following.was if following else at_the_end.get((one.table, one.booked_id))
        book.ledger.append((one, row))
    return book
