"""Which meters are the customer's: the one of the record, and those that it named before (R-32)."""

from datetime import datetime

from domain.case.entities import Cut
from domain.case.facts import CaseFacts


def named_since(facts: CaseFacts, meter_id: str, at: datetime) -> tuple[str, ...]:
    """The meter, if it was the customer's at that time, and every one that billing has named for him since.

    A meter that was never his stands alone.
    """
    former = facts.records.meters
    for place, one in enumerate(former):
        if one.meter_id == meter_id and at < one.until:
            return (*(later.meter_id for later in former[place:]), facts.account.meter_id)
    return (meter_id,)


def is_about(facts: CaseFacts, cut: Cut, meter_id: str) -> bool:
    """Whether a report about this meter is about that cut: of the meter that was cut, or one named since (R-32)."""
    return any(meter_id == named for named in named_since(facts, cut.meter_id, cut.at))


def is_his(facts: CaseFacts, meter_id: str, at: datetime) -> bool:
    """Whether the meter is the customer's now, was so at that time, or is about a cut of his that still stands."""
    if meter_id == facts.account.meter_id or len(named_since(facts, meter_id, at)) > 1:
        return True
    return any(is_of_his(facts, cut) and is_about(facts, cut, meter_id) for cut in facts.cuts_off)


def is_of_his(facts: CaseFacts, cut: Cut) -> bool:
    """Whether the cut was one of the customer's own meter, and not of another customer's."""
    return is_about(facts, cut, facts.account.meter_id)


def meter_to_restore(facts: CaseFacts, cut: Cut) -> str:
    """The meter that the restoration ticket names: of the customer's cut, the one now installed (R-32)."""
    return facts.account.meter_id if is_of_his(facts, cut) else cut.meter_id
