"""When the case wakes, held against what time brings about: neither of them at a moment of its own."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.case.deadlines import settle, wake_times
from domain.case.due_times import attempt_times
from domain.case.entities import Hold
from domain.case.facts import CaseFacts
from domain.case.procedure import Act, Sleep, boundaries, next_act
from tests.support.drawn_cases import CASES, NOW
from tests.support.one_life import A_MOMENT, DAY, HOLD, RED_BY, T, served

YEAR_LATER = T + 365 * DAY
HOLDS = st.sampled_from(
    [
        (),
        (HOLD,),
        (HOLD.model_copy(update={"until": T - 2 * DAY}),),
        (HOLD.model_copy(update={"until": T + DAY}), HOLD.model_copy(update={"hold_id": "h-2", "kind": "dispute"})),
        (HOLD.model_copy(update={"kind": "moratorium", "listed": True}),),
    ]
)


class Wait(NamedTuple):
    """A case that sleeps from one time until the next for which it wakes."""

    case: CaseFacts
    since: datetime
    until: datetime
    why: str


def waits(case: CaseFacts, now: datetime) -> Iterator[Wait]:
    """A case to which nothing happens but time: one wait after the other, with what each wake-up brings about.

    One whose ticket is out has reached the time of the ticket. The last wait has no end: it is watched for a year.
    """
    if case.cut_ticket and case.red:
        now = max(now, attempt_times(case, case.red).ticket)
    case = settle(case, now)
    while ahead := [(at, why) for at, why in boundaries(case) if now < at < YEAR_LATER]:
        until, why = min(ahead)
        yield Wait(case, now, until, why)
        case, now = settle(case, until), until
    yield Wait(case, now, YEAR_LATER, "the end")


def act(case: CaseFacts, now: datetime) -> Act:
    """What the case does of its own at that time."""
    return next_act(case, now, asking=False)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(before=CASES, holds=HOLDS, now=NOW)
@example(before=served(), holds=(), now=RED_BY)
def test_until_the_case_wakes_time_brings_nothing_about(
    before: CaseFacts, holds: tuple[Hold, ...], now: datetime
) -> None:
    """A rule that applied before its time, or at one for which nobody wakes, would be found here."""
    for case, since, until, why in waits(before.but(holds=holds), now):
        last = max(since, until - A_MOMENT)
        assert settle(case, last) == case, why
        if isinstance(act(case, since), Sleep):
            assert isinstance(act(case, last), Sleep), why


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(before=CASES, holds=HOLDS, now=NOW)
@example(before=served(), holds=(), now=RED_BY)
def test_when_the_case_wakes_something_comes_about(before: CaseFacts, holds: tuple[Hold, ...], now: datetime) -> None:
    """A case that woke for a rule at another time than the rule applies would be found here."""
    for case, _, until, why in waits(before.but(holds=holds), now):
        if (until, why) not in wake_times(case):
            continue
        after = settle(case, until)
        notified = case.cut_ticket is not None and case.cut_ticket.told_at is not None  # and only waits for the crew
        quietly = notified and why in ("II.5 the stated time", "II.4 the last half-hour")
        assert after != case or not isinstance(act(after, until), Sleep) or quietly, why
