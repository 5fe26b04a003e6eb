"""Reports about a meter that the case does not know: his record is read before they are judged (R-32)."""

from datetime import datetime
from typing import Any

from domain.case.facts import CaseFacts
from domain.case.own_meters import is_his
from domain.case.restoration import restoration_due
from domain.case.unauthorised_cut import known_cut
from domain.vocabulary import Contract

REPORTS = frozenset({"supply_found_cut", "report_cut"})
"""What is judged after the record was read."""
DOUBTS = frozenset({"report_meter_uncertain"})
"""What is judged at once, for it stops the crew (R-19); the record is read beside it."""


def is_about_an_unknown_meter(facts: CaseFacts, message: Contract, now: datetime) -> bool:
    """Whether billing may have given the customer another meter since the case last took his record.

    If it has, the report is about a meter of his; if not, R-27 and R-34 apply. A meter whose cut is on record
    already is known, whosever it is: a copy of its report has no record read.
    """
    if facts.present_since is None:
        return False
    report: Any = message
    at = getattr(report, "at", None) or now
    return not is_his(facts, report.meter_id, at) and known_cut(facts, report.meter_id, at) is None


def as_it_came(message: Contract, arrived: datetime) -> Contract:
    """The report with the time of its arrival, where it names none: reading the record has taken some seconds."""
    if "at" in type(message).model_fields and getattr(message, "at", None) is None:
        return message.model_copy(update={"at": arrived})
    return message


def counted_from_arrival(before: CaseFacts, facts: CaseFacts, arrived: datetime) -> CaseFacts:
    """The hours of a cut that such a report has brought up run from its arrival, not from its judging (R-25).

    What else it does, as to revoke a permit, is done when it is judged: nobody can have heeded it before.
    """
    known = {cut.cut_id for cut in before.cuts}
    for cut in facts.cuts:
        if cut.cut_id not in known and cut.restore_since is not None:
            facts = restoration_due(facts.with_cut(cut.cut_id, arrived_at=arrived), cut.cut_id, arrived)
    return facts
