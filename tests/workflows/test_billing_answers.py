"""Answers of the billing system that come in another order than they were asked for."""

from workflows.billing_desk import BillingDesk
from workflows.facts_holder import FactsHolder


def test_an_older_answer_never_replaces_a_newer_one() -> None:
    """R-17: a question that was held up may not know of a payment that a later one has seen."""
    desk = BillingDesk(FactsHolder())
    held_up, later, latest = desk.number_a_question(), desk.number_a_question(), desk.number_a_question()
    assert desk.is_newest(later)
    assert not desk.is_newest(held_up)
    assert desk.is_newest(latest)
    assert not desk.is_newest(latest), "nor does one answer count twice"
