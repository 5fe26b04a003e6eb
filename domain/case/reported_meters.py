"""Reports about a meter that the case does not know: his record is read before they are judged (R-32)."""

from datetime import datetime
from typing import Any

from domain.case.facts import CaseFacts
from domain.case.own_meters import is_his
from domain.vocabulary import Contract

REPORTS = frozenset({"supply_found_cut", "report_cut", "report_meter_uncertain"})


def is_about_an_unknown_meter(facts: CaseFacts, name: str, message: Contract, now: datetime) -> bool:
    """Whether billing may have given the customer another meter since the case last took his record.

    If it has, the report is about a meter of his; if not, R-27 and R-34 apply.
    """
    if name not in REPORTS or facts.present_since is None:
        return False
    report: Any = message
    return not is_his(facts, report.meter_id, getattr(report, "at", None) or now)


def as_it_came(message: Contract, arrived: datetime) -> Contract:
    """The report with the time of its arrival, where it names none: reading the record has taken some seconds."""
    if "at" in type(message).model_fields and getattr(message, "at", None) is None:
        return message.model_copy(update={"at": arrived})
    return message
