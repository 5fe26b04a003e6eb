"""What the customer's record said, and when a case read it, by the billing book's own versions of it (R-32)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.lives import law
from tests.lives.book import Book, Fact, Row

ASKED_WITHIN = timedelta(seconds=20)
WAITED = timedelta(seconds=1)
PERSONAL = ("name", "address", "phone", "email", "preferred_channel")
FIELDS = (
    *PERSONAL,
    *("customer_class", "important", "meter_id", "reading_centre", "reader", "team_leader", "field_unit"),
    *("business_station", "region"),
)


def read_at(book: Book, at: datetime, name: str) -> Any:
    """A field of the record as it was certainly read then; None where it changed in the meantime."""
    values = {version[name] for version in book.records(at - ASKED_WITHIN, at)}
    return values.pop() if len(values) == 1 else None


def _readings(book: Book, red: Row, grant: Fact) -> Iterator[datetime]:
    """When the record was read for this attempt: for the notice, at T - 24 h, at T - 30 min, at the permit."""
    ticket = grant.detail["ticket_id"]
    yield red["issued_at"]
    checks = book.all("billing.checked", before=grant.n, about=ticket)
    yield from (f.recorded_at for f in checks if f.detail["answer"] != "no_answer")
    yield grant.recorded_at


def classes_seen(book: Book, red: Row, grant: Fact) -> set[str]:
    """Every class that the case has seen since the red notice was issued: their demands add up."""
    return {c for at in _readings(book, red, grant) if (c := read_at(book, at, "customer_class"))}


def was_important(book: Book, red: Row, grant: Fact) -> bool:
    """Whether the customer was an important one in any of these readings."""
    return any(read_at(book, at, "important") for at in _readings(book, red, grant))


def meters_between(book: Book, first: datetime, last: datetime) -> set[str]:
    """Every meter that the record may have named between these two moments, without what does not count in an id."""
    return {law.spelled(version["meter_id"]) for version in book.records(first, last)}


def is_ours(book: Book, meter: str, at: datetime) -> bool:
    """Whether the customer had that meter by then, or ever before."""
    ever = {law.spelled(row["meter_id"]) for one, row in book.changed("customers") if row and one.not_before <= at}
    return law.spelled(meter) in ever


def strangers_meanwhile(book: Book) -> set[str]:
    """Meters that the case did not know when they were reported, and billing was silent: then another's (R-32)."""
    found = [f for f in book.all("cut.found") if f.detail.get("neighbour")]
    return {law.spelled(f.detail["meter_id"]) for f in found if book.silent(f.recorded_at, f.recorded_at + WAITED)}


def differs(one: Any, other: Any) -> bool:
    """Whether a field differs in what counts: neither width, case, blanks nor punctuation (R-32)."""
    if isinstance(one, str) and isinstance(other, str):
        return (law.words(one) or one) != (law.words(other) or other)
    return bool(one != other)
