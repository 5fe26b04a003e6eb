"""The oracle: reads an account's rows in the register and the billing book, and says what must not be."""

from collections import Counter

from tests.lives.book import Book
from tests.lives.judge_changes import judge_changes
from tests.lives.judge_cut import OUR_SUPPLY, Breach, judge_cuts
from tests.lives.judge_money import judge_money
from tests.lives.judge_order import judge_order
from tests.lives.judge_promises import judge_promises
from tests.lives.judge_supply import gaps_in_supply, judge_supply

_JUDGES = (judge_cuts, judge_supply, judge_order, judge_money, judge_promises, judge_changes)


def judge(book: Book) -> list[Breach]:
    """Every breach of P1, P2, P3 and of the order of the clauses; none, if all is well."""
    if not book.facts:
        return [Breach("R-30", "there is no evidence at all")]
    return [breach for judge_ in _JUDGES for breach in judge_(book)]


STAGES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("yellow served", "notice.served", {"kind": "yellow"}),
    ("red served", "notice.served", {"kind": "red"}),
    ("approved", "approvals.complete", {}),
    ("ticket", "ticket.sent", {"kind": "cut"}),
    ("half-hour", "half_hour.reached", {}),
    ("permit", "permit.granted", {}),
    ("restored", "supply.restored", {}),
    ("incident", "incident.opened", {}),
    ("held", "hold.placed", {}),
    ("promise or plan", "promise.made", {}),
    ("void", "notice.void", {}),
    ("refused", "notice.refused", {}),
    ("permit revoked", "permit.revoked", {}),
    ("permit refused", "permit.refused", {}),
    ("record changed", "customer.changed", {}),
    ("announced in vain", "payment.unbooked", {"given_up": True}),
    ("promise or plan kept", "promise.kept", {}),
    ("closed", "case.closed", {}),
)


def reached(book: Book) -> Counter[str]:
    """How often this life reached each stage."""
    found = Counter({name: len(book.all(what, **detail)) for name, what, detail in STAGES})  # type: ignore[arg-type]
    gap = list(gaps_in_supply(book))
    found["cut"] = sum(d.lawful for d in gap)
    found["found cut"] = sum(not d.lawful for d in gap)
    found["promise or plan"] += len(book.all("plan.agreed"))
    found["promise or plan kept"] += len(book.all("plan.kept"))
    found["neighbour"] = sum(d.supply != OUR_SUPPLY for d in gap)
    return found
