"""Who and what is meant by an id in a message: R-33 compares units, persons and meters, R-34 asks whose meter it is."""

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


def is_customers_meter(facts: CaseFacts, meter_id: str) -> bool:
    """Whether that meter is this customer's (R-34); what is found or cut at any other is no cut of this case."""
    return any(same_meter(facts, meter_id, own) for own in _customers_meters(facts))


def _customers_meters(facts: CaseFacts) -> tuple[str, ...]:
    """The meters that are the customer's: the one that billing names."""
    return (facts.account.meter_id,)


def as_we_spell_it(facts: CaseFacts, meter_id: str) -> str:
    """The customer's meter as billing spells it; another's as it was typed."""
    return next((own for own in _customers_meters(facts) if same_meter(facts, meter_id, own)), meter_id)
