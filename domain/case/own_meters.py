"""Which meters are the customer's: the one of the record, and those that it named before (R-32)."""

from datetime import datetime

from domain.case.entities import Cut
from domain.case.facts import CaseFacts
from domain.case.identity import same_meter


def named_since(facts: CaseFacts, meter_id: str, at: datetime) -> tuple[str, ...]:
    """The meter, if it was the customer's at that time, and every one that billing has named for him since.

    A meter that was never his stands alone.
    """
    former = facts.records.meters
    for place, one in enumerate(former):
        if same_meter(facts, one.meter_id, meter_id) and at < one.until:
            return (*(later.meter_id for later in former[place:]), facts.account.meter_id)
    return (meter_id,)


def is_named_since(facts: CaseFacts, meter_id: str, first: str, at: datetime) -> bool:
    """Whether that meter, in any spelling, is the first one or one that billing has named since (R-32, R-33)."""
    return any(same_meter(facts, meter_id, named) for named in named_since(facts, first, at))


def as_we_spell_it(facts: CaseFacts, meter_id: str) -> str:
    """A meter of the customer's as billing spells it; another's as it was typed."""
    known = (facts.account.meter_id, *(one.meter_id for one in facts.records.meters))
    return next((own for own in known if same_meter(facts, meter_id, own)), meter_id)


def is_about(facts: CaseFacts, cut: Cut, meter_id: str) -> bool:
    """Whether a report about this meter is about that cut: of the meter that was cut, or one named since (R-32)."""
    return is_named_since(facts, meter_id, cut.meter_id, cut.at)


def is_his(facts: CaseFacts, meter_id: str, at: datetime) -> bool:
    """Whether the meter is the customer's now, was so at that time, or is about a cut of his that still stands."""
    if same_meter(facts, meter_id, facts.account.meter_id) or len(named_since(facts, meter_id, at)) > 1:
        return True
    return any(is_of_his(facts, cut) and is_about(facts, cut, meter_id) for cut in facts.cuts_off)


def is_of_his(facts: CaseFacts, cut: Cut) -> bool:
    """Whether the cut was one of the customer's own meter, and not of another customer's."""
    return is_about(facts, cut, facts.account.meter_id)


def meter_to_restore(facts: CaseFacts, cut: Cut) -> str:
    """The meter that the restoration ticket names: of the customer's cut, the one now installed (R-32)."""
    return facts.account.meter_id if is_of_his(facts, cut) else cut.meter_id


def own_cuts(facts: CaseFacts) -> tuple[Cut, ...]:
    """Cuts of this customer; those of another's meter are no cuts of this case (R-34)."""
    return tuple(c for c in facts.cuts if not c.neighbour)
