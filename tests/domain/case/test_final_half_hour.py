"""What the channels' answers at T - 30 min come to: notified, the reader asked, or only a record (R-16)."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from domain.case import final_half_hour
from domain.case.facts import CaseFacts
from domain.record.deliveries import TRY_OUTCOMES, ChannelTry, TryOutcome
from tests.support.one_life import HALF_HOUR, MINUTE, NOTIFIED, T, ready

SECOND = timedelta(seconds=1)
ASKED = HALF_HOUR + SECOND


def untold(**ticket: Any) -> CaseFacts:
    return ready(tickets=(NOTIFIED.model_copy(update={"told_at": None} | ticket),))


def tried(*outcomes: TryOutcome, at: Any = ASKED) -> tuple[ChannelTry, ...]:
    return tuple(ChannelTry(channel=f"c{n}", outcome=outcome, at=at) for n, outcome in enumerate(outcomes))


def answered(facts: CaseFacts, tries: tuple[ChannelTry, ...], now: Any = ASKED + SECOND) -> CaseFacts:
    return final_half_hour.channels_answered(facts, "ticket-1", tries, now)


def whats(facts: CaseFacts) -> list[str]:
    return [e.what for e in facts.journal]


def asked_of_the_reader(facts: CaseFacts) -> bool:
    return any((m.to_role, m.subject) == ("reader", "tell the customer again") for m in facts.outgoing)


def test_accepted_is_notified_at_the_time_it_was_accepted() -> None:
    after = answered(untold(), tried("dead", "refused", "accepted"))
    assert after.tickets[0].told_at == ASKED
    assert whats(after) == ["channel.tried"] * 3 + ["customer.told_by_channel"]
    assert [e.detail["outcome"] for e in after.journal[:3]] == ["dead", "refused", "accepted"]
    assert after.journal[-1].detail["channel"] == "c2"
    assert not asked_of_the_reader(after)


@pytest.mark.parametrize("outcomes", [(), ("dead",), ("passed_over",), ("unaddressed", "refused", "dead")])
def test_accepted_by_none_the_reader_is_asked(outcomes: tuple[TryOutcome, ...]) -> None:
    after = answered(untold(), tried(*outcomes))
    assert after.tickets[0].told_at is None
    assert whats(after) == ["channel.tried"] * len(outcomes)
    assert asked_of_the_reader(after)


@pytest.mark.parametrize(
    ("at", "now", "counts"),
    [
        (HALF_HOUR, HALF_HOUR + SECOND, True),
        (HALF_HOUR - SECOND, HALF_HOUR + SECOND, False),
        (T, T, True),
        (T + SECOND, T + SECOND, False),
        (T + MINUTE, T, True),  # a channel's clock that runs ahead: by the case's own it was by T
    ],
)
def test_a_channel_notifies_within_the_last_half_hour_or_not_at_all(at: Any, now: Any, counts: bool) -> None:
    after = answered(untold(), tried("accepted", at=at), now)
    assert after.journal[-1].detail["counts"] is counts
    assert (after.tickets[0].told_at is not None) is counts


def test_an_answer_that_comes_when_the_attempt_has_ended_is_only_recorded() -> None:
    after = answered(untold(state="recalled"), tried("accepted"))
    assert whats(after) == ["channel.tried"]
    assert (after.tickets[0].told_at, after.outgoing) == (None, ())


def test_the_reader_who_was_quicker_is_not_asked() -> None:
    after = answered(ready(), tried("dead"))
    assert after.tickets[0].told_at == NOTIFIED.told_at
    assert not asked_of_the_reader(after)


@pytest.mark.parametrize(
    ("ticket", "must"),
    [
        ({}, True),
        ({"billing_answer": "settled"}, False),
        ({"billing_answer": "no_answer"}, False),
        ({"state": "recalled"}, False),
        ({"told_at": HALF_HOUR + SECOND}, False),
    ],
)
def test_only_who_owes_and_has_not_been_notified_must_be(ticket: dict[str, Any], must: bool) -> None:
    assert final_half_hour.must_be_notified(untold(**ticket), "ticket-1") is must


def test_each_outcome_has_its_texts() -> None:
    assert set(TRY_OUTCOMES) == set(get_args(TryOutcome))
    assert len({words for pair in TRY_OUTCOMES.values() for words in pair}) == 2 * len(TRY_OUTCOMES)
