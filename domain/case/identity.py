"""Who and what is meant by an id in a message: units, persons and meters (R-33)."""

from domain.case.facts import CaseFacts
from domain.ids import same_id


def same(facts: CaseFacts, one: str, other: str) -> bool:
    """Whether two ids name one unit or one person (R-33); in a run of before the rule, letter by letter."""
    return one == other or (facts.present_since is not None and same_id(one, other))


def among(facts: CaseFacts, ident: str, others: set[str | None]) -> bool:
    """Whether this unit or person is one of those."""
    return any(other is not None and same(facts, ident, other) for other in others)


def same_meter(facts: CaseFacts, one: str, other: str) -> bool:
    """Whether two ids name one meter (R-33): exactly, where another in the book differs by what does not count."""
    return one == other if facts.account.meter_has_twin else same(facts, one, other)
