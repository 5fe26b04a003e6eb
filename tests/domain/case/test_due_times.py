"""When the case wakes, held against what time brings about: neither of them at a moment of its own."""

from datetime import datetime

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.case.deadlines import settle, wake_times
from domain.case.due_times import attempt_times
from domain.case.entities import Hold
from domain.case.facts import CaseFacts
from domain.case.procedure import Act, Sleep, boundaries, next_act
from tests.support.drawn_cases import CASES, NOW
from tests.support.one_life import A_MOMENT, DAY, HOLD, T

HOLDS = st.sampled_from(
    [
        (),
        (HOLD,),
        (HOLD.model_copy(update={"until": T - 2 * DAY}),),
        (HOLD.model_copy(update={"until": T + DAY}), HOLD.model_copy(update={"hold_id": "h-2", "kind": "dispute"})),
        (HOLD.model_copy(update={"kind": "moratorium", "listed": True}),),
    ]
)


def lived(before: CaseFacts, holds: tuple[Hold, ...], now: datetime) -> tuple[CaseFacts, datetime]:
    """The case with these holds at that time; one whose ticket is out has reached the time of the ticket."""
    if before.cut_ticket and before.red:
        now = max(now, attempt_times(before, before.red).ticket)
    return settle(before.but(holds=holds), now), now


def act(case: CaseFacts, now: datetime) -> Act:
    """What the case does of its own at that time."""
    return next_act(case, now, asking=False)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(before=CASES, holds=HOLDS, now=NOW)
def test_until_the_case_wakes_time_brings_nothing_about(
    before: CaseFacts, holds: tuple[Hold, ...], now: datetime
) -> None:
    """A rule that applied before its time, or at one for which nobody wakes, would be found here."""
    case, now = lived(before, holds, now)
    last = min((at for at, _ in boundaries(case) if at > now), default=now + 400 * DAY) - A_MOMENT
    assume(last > now)
    assert settle(case, last) == case
    if isinstance(act(case, now), Sleep):
        assert isinstance(act(case, last), Sleep)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(before=CASES, holds=HOLDS, now=NOW)
def test_when_the_case_wakes_something_comes_about(before: CaseFacts, holds: tuple[Hold, ...], now: datetime) -> None:
    """A case that woke for a rule at another time than the rule applies would be found here."""
    case, now = lived(before, holds, now)
    ahead = [(at, why) for at, why in wake_times(case) if at > now]
    assume(ahead)
    at, why = min(ahead)
    after = settle(case, at)
    notified = case.cut_ticket is not None and case.cut_ticket.told_at is not None  # and only waits for the crew
    quietly = notified and why in ("II.5 the stated time", "II.4 the last half-hour")
    assert after != case or not isinstance(act(after, at), Sleep) or quietly, why
