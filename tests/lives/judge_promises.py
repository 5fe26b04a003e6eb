"""R-04: whether a promise or plan was kept or broken, by what was paid on the bills that it was made for."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from tests.lives import law
from tests.lives.book import Book, Fact
from tests.lives.judge_cut import Breach

_BACK = law.MINUTE


def judge_promises(book: Book) -> Iterator[Breach]:
    """Every end of a promise or plan."""
    for kind, made in (("promise", "promise.made"), ("plan", "plan.agreed")):
        for agreed in book.all(made):
            yield from _kept(book, agreed, kind)
            yield from _broken(book, agreed, kind)
            yield from _too_long(agreed)


def _kept(book: Book, agreed: Fact, kind: str) -> Iterator[Breach]:
    for fact in book.all(f"{kind}.kept", about=agreed.about):
        if fact.n < agreed.n:
            continue
        wanted = sum(cents for _, cents in _parts(agreed))
        states = book.states(fact.recorded_at - 20 * law.SECOND, fact.recorded_at)
        if _clear(book, agreed) and not any(
            _paid(book, agreed, state) >= wanted or _left(book, agreed, state) <= law.MAY_STAY_UNPAID
            for state in states
        ):
            yield Breach("R-04", f"{agreed.about} counts as kept, and its bills were not paid so much")


def _broken(book: Book, agreed: Fact, kind: str) -> Iterator[Breach]:
    for fact in book.all(f"{kind}.broken", about=agreed.about):
        if fact.n < agreed.n:
            continue
        due = sum(cents for day, cents in _parts(agreed) if law.midnight_after(day) <= fact.recorded_at)
        states = book.states(fact.recorded_at - 20 * law.SECOND, fact.recorded_at)
        if _clear(book, agreed) and all(_paid(book, agreed, state) >= max(due, 1) for state in states):
            yield Breach("R-04", f"{agreed.about} counts as broken, and its bills were paid in time")


def _too_long(agreed: Fact) -> Iterator[Breach]:
    last = max(day for day, _ in _parts(agreed))
    if (last - law.local(agreed.recorded_at)).days > law.LONGEST_PLAN:
        yield Breach("R-04", f"{agreed.about} ends only on {last}")


def _parts(agreed: Fact) -> list[tuple[date, int]]:
    """Each day with what is due by then, in cents."""
    if agreed.what == "promise.made":
        return [(date.fromisoformat(agreed.detail["until"]), _cents(agreed.detail["amount"]))]
    instalments = (str(part).split() for part in agreed.detail["instalments"])
    return [(date.fromisoformat(due), _cents(amount)) for due, amount in instalments]


def _cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _at(agreed: Fact) -> datetime:
    return agreed.recorded_at


def _arrears(book: Book, agreed: Fact) -> dict[str, law.Standing]:
    """The bills that it was made for, as they stood then."""
    today = law.local(_at(agreed))
    state = book.owing(_at(agreed))
    return {i: s for i, s in state.items() if s.owes > 0 and i in book.bills and book.bills[i].due < today}


def _clear(book: Book, agreed: Fact) -> bool:
    """Whether nothing was booked so near to the agreement that one could see it either way, and no bill cancelled."""
    near = [one for one, _ in book.ledger if one.table != "customers" and _at(agreed) - _BACK < one.known_by]
    if any(one.not_before <= _at(agreed) + _BACK for one in near):
        return False
    known = [one for one, _ in book.ledger if one.table != "customers" and one.known_by <= _at(agreed)]
    seen = [f.at for f in book.facts if f.n < agreed.n and f.what in ("debt.read", "billing.checked", "notice.issued")]
    late = max((one.known_by for one in known), default=_at(agreed))
    if not seen or late > max(seen):
        return False  # booked, and perhaps not yet in an answer when it was agreed
    return not any(row is None or one.was is not None for one, row in book.changed("bills"))


def _paid(book: Book, agreed: Fact, state: dict[str, law.Standing]) -> int:
    """What lies on those bills of payments that are new since, or more than it was."""
    before = _arrears(book, agreed)
    total: dict[str, int] = {}
    for bill, then in before.items():
        for part in state[bill].parts if bill in state else ():
            total[part.payment_id] = total.get(part.payment_id, 0) + part.cents
        for part in then.parts:
            total[part.payment_id] = total.get(part.payment_id, 0) - part.cents
    return sum(cents for cents in total.values() if cents > 0)


def _left(book: Book, agreed: Fact, state: dict[str, law.Standing]) -> int:
    return law.owed(state, _arrears(book, agreed))
