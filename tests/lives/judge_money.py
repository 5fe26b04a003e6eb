"""What is owed: every payment counts once, nobody is pursued for a trifle, and nobody else is let go (R-01, R-35)."""

from collections.abc import Iterator
from datetime import datetime

from tests.lives import law
from tests.lives.book import Book
from tests.lives.judge_cut import A_MOMENT, ASKED_WITHIN, Breach, held_by, meters_without_supply
from tests.lives.judge_supply import slack


def judge_money(book: Book) -> Iterator[Breach]:
    """What the case says is owed, and whether it goes on or ends with that."""
    yield from _owed_at_the_end(book)
    yield from _goes_on_for_a_trifle(book)
    yield from _ended_and_owing(book)


def _owed_at_the_end(book: Book) -> Iterator[Breach]:
    """What the case says is owed at the end is what the book says: every payment counted once."""
    asked: datetime | None = book.case.get("debt_as_of")
    if asked is None:
        return
    overdue = {i for i, bill in book.bills.items() if bill.due < law.local(asked)}
    answered = [
        f.recorded_at for f in book.all("debt.read") if abs(f.at - asked) < A_MOMENT
    ]  # a busy machine takes long
    last_ = max([asked + ASKED_WITHIN, *answered])
    right = {law.owed(state, overdue) for state in book.states(asked - ASKED_WITHIN, last_)}
    if book.case["owed"] not in right:
        yield Breach("R-01", f"the case says {book.case['owed']} cents as of {asked}, the book {sorted(right)}")
    last = max((one.known_by for one, _ in book.changed("payments")), default=asked)
    if book.case.get("stage") != "closed" and last > asked + A_MOMENT and book.until > last + slack(book):
        yield Breach("R-17", f"billing was last asked at {asked}, a payment is there since {last}")


def _overdue(book: Book, at: datetime) -> set[str]:
    return {i for i, bill in book.bills.items() if bill.due < law.local(at)}


def _goes_on_for_a_trifle(book: Book) -> Iterator[Breach]:
    """With less than `min_debt` overdue a case ends, unless supply, an incident, a crew or a person is waited for."""
    if book.case.get("stage") == "closed" or not book.facts or meters_without_supply(book, 10**9):
        return
    if held_by(book, 10**9) or any(row["outcome"] is None for row in book.incidents.values()):
        return
    answers = ("cut.reported", "not_cut.reported", "escalation.acknowledged", "meter.uncertain")
    if any(not [f for f in book.facts if f.n > g.n and f.what in answers] for g in book.all("permit.granted")):
        return
    first = book.until - slack(book)
    if all(law.owed(s, _overdue(book, book.until)) <= law.MAY_STAY_UNPAID for s in book.states(first, book.until)):
        yield Breach("R-35", f"no more than a trifle is overdue, and the case goes on in {book.case.get('stage')}")


def _ended_and_owing(book: Book) -> Iterator[Breach]:
    for closed in book.all("case.closed"):
        if book.case.get("outcome") != "settled" or closed.detail.get("outcome", "settled") != "settled":
            continue
        at = closed.recorded_at
        if all(law.owed(s, _overdue(book, at)) > law.MAY_STAY_UNPAID for s in book.states(at - ASKED_WITHIN, at)):
            yield Breach("R-35", f"closed as settled at {at}, and more than a trifle is owed")
