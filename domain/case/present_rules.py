"""From when R-31 to R-35 count for a case: one opened before them takes them over at its next wake-up."""

from datetime import datetime

from domain.case.facts import CaseFacts
from domain.case.settlement import shown_so_far

LATEST_RULE = "R-35"
"""What `case.opened` and `rules.adopted` put on record: a proof judges by no rule that did not count yet."""


def adopted(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Facts of an open case, with R-31 to R-35 in force from now on, and on record."""
    facts = facts.but(present_since=now, shown=shown_so_far(facts))
    return facts.noted(now, "rules.adopted", rules=LATEST_RULE)
