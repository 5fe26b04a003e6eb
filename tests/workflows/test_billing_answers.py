"""Answers of the billing system that come in another order than they were asked for."""

from workflows.case_desk import CaseDesk


def test_an_older_answer_never_replaces_a_newer_one() -> None:
    """R-17: a question that was held up may not know of a payment that a later one has seen."""
    desk = CaseDesk()
    held_up, later, latest = desk._number(), desk._number(), desk._number()
    assert desk._is_newest(later)
    assert not desk._is_newest(held_up)
    assert desk._is_newest(latest)
    assert not desk._is_newest(latest), "nor does one answer count twice"
