"""Random lives, drawn with hypothesis: mostly the procedure, and what people, payments and outages put in its way."""

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from tests.lives.acts_of_change import RECORD_FIELDS
from tests.lives.life import Life, Step, to_text
from tests.lives.spelling import WAYS

PROCEED: Step = {"do": "march"}
MOODS = {"calm": 8, "lively": 22, "stormy": 45}
"""How many of a hundred steps are something other than the procedure."""

_STAMPS = ("now", "T-1s", "T", "T+1s", "an hour ago", "two days ago", "permit-1s", "permit+1s", "cut-1s", "cut+1s")
_SHARES = ("all", "half", "a cent less", "a cent more", "double", "one bill", "tiny")


def _one(*choices: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(choices)


def _step(do: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({"do": st.just(do), **fields})


_PAY = _step(
    "pay",
    share=_one(*_SHARES),
    told=_one("once", "three times", "never", "before it is booked"),
    stamp=_one(*_STAMPS),
    names_bill=st.booleans(),
)
_PERMIT = _step(
    "permit", meter=_one("right", "right", "right", "wrong"), by=_one("field_crew", "field_crew", "other_crew")
)
_CUT = _step(
    "cut",
    permit=_one("named", "unnamed", "invented"),
    ago=_one(0, 1, 30, 600, 7200, 90_000),
    meter=_one("right", "right", "wrong"),
    by=_one("field_crew", "field_crew", "other_crew", "reader"),
)
_HOLD = _step(
    "hold",
    kind=_one("hardship", "medical", "dispute", "moratorium", "other"),
    hours=_one(None, 5, 60, 400),
    by=_one("team_leader", "centre_director", "reader", "field_crew"),
)
_LIFT = _step("lift", which=_one("last", "first", "unknown"), by=_one("team_leader", "operator", "hotline"))
_REFUSE = _step("deliver", kind=_one("standing"), outcome=_one("refused"), ago=_one(0, 3600), by=_one("reader"))
_DELIVER = _step(
    "deliver",
    kind=_one("standing", "yellow", "red", "void"),
    outcome=_one("signed", "refused", "undeliverable", "refused without record"),
    ago=_one(0, 3600, 86_400),
    by=_one("reader", "other_reader", "field_crew"),
)
_WAIT = st.one_of(
    _step("wait", hours=_one(1, 6, 25, 72, 200)),
    _step(
        "wait_until",
        mark=_one(
            "deliver_by", "red_issue", "ticket_time", "half_hour", "T", "window_end", "permit_end", "restore_due"
        ),
        seconds=_one(-60, 30, 600),
    ),
)
_DECIDE = _step(
    "decide",
    decision=_one("approved", "approved", "rejected"),
    by=_one("centre_director", "company_leader", "reader_as_director", "director_as_company_leader", "field_crew"),
)
_PROMISE = _step("promise", share=_one("half", "all", "double"), days=_one(0, 3, 20, 40))
_PLAN = _step("plan", parts=_one(1, 2, 3), days=_one(2, 10), short=st.booleans())
_WITHDRAW = _step("withdraw", by=_one("reader", "reader", "reader", "centre_director"))
_FOUND = _step("found_cut", meter=_one("right", "wrong"), ago=_one(0, 60, 7200, 200_000))
_TOGETHER = st.fixed_dictionaries(
    {
        "do": st.just("together"),
        "steps": st.lists(
            st.one_of(_PERMIT, _PAY, st.just(PROCEED), _PERMIT, _HOLD, _CUT, _PROMISE, _WITHDRAW, _FOUND),
            min_size=2,
            max_size=3,
        ),
    }
)

DISTURBANCES: tuple[st.SearchStrategy[Step], ...] = (
    _PAY,
    _PAY,
    _step("reverse", told=_one("once", "three times", "never")),
    _step(
        "bill", amount=_one("35.00", "80.00", "51000.00"), overdue_days=_one(0, 1, 12, 45), told=_one("twice", "never")
    ),
    _DELIVER,
    _DELIVER,
    _REFUSE,
    _WAIT,
    _WAIT,
    _DECIDE,
    _step("file", by=_one("liaison", "reader"), purpose=_one("filing", "coordination")),
    _step("acknowledge_report", which=_one("first", "last"), by=_one("rung", "reader")),
    _step("acknowledge_ticket", by=_one("field_crew", "reader")),
    _step("final_notice", told=_one(0, -60, -1800, -7200), by=_one("reader", "field_crew")),
    _PERMIT,
    _CUT,
    _TOGETHER,
    _TOGETHER,
    _step("not_cut", ago=_one(0, 600)),
    _step("meter_uncertain"),
    _step("verify_meter", confirmed=st.booleans(), by=_one("reader", "substitute", "other_reader")),
    _HOLD,
    _HOLD,
    _LIFT,
    _LIFT,
    _PROMISE,
    _PLAN,
    _step("hotline"),
    _FOUND,
    _step("restored", ago=_one(0, 3600, 200_000), by=_one("field_crew", "hotline")),
    _step("declare_delay"),
    _step("serve_again"),
    _step("reassign", role=_one("reader", "team_leader", "field_unit")),
    _step("close_incident"),
    _WITHDRAW,
    _step("billing_down"),
    _step("register_down"),
    _step("all_up"),
    _step("recheck", source=_one("sweep", "operator")),
    _step("restart"),
)

_MISSPELLED = _step(
    "misspelled",
    way=_one(*WAYS),
    step=st.one_of(
        *(_PERMIT, _PERMIT, _CUT, _CUT, _FOUND, _FOUND, _DECIDE, _DELIVER),
        _step("restored", ago=_one(0, 3600), by=_one("field_crew")),
        _step("restored", ago=_one(0, 3600), by=_one("field_crew")),
        _step("verify_meter", confirmed=st.booleans(), by=_one("reader", "substitute")),
        _step("reassign", role=_one("reader", "field_unit")),
    ),
)
_ANNOUNCE = _step(
    "announce",
    which=_one("new", "new", "word for word", "other words"),
    share=_one("all", "all", "half", "double"),
    channel=_one(None, "wechat"),
    times=_one(1, 1, 3, 20),
)
_BOOK = _step("book_announced", percent=_one(100, 100, 60, 99), told=_one(0, 1, 1, 5))
_TELL = _one("never", "recheck", "payment")
_CHANGE_RECORD = _step("record", field=_one(*RECORD_FIELDS), to=_one(0, 0, 1, "first", "spelling"), told=st.booleans())
_BILLINGS_OWN: tuple[st.SearchStrategy[Step], ...] = (
    _step("move_payment", to=_one("oldest", "newest", "none"), told=_TELL),
    _step("correct_payment", percent=_one(50, 200, 95), told=_TELL),
    _step("correct_bill", to=_one("half", "paid", "double", "trifle", "cancelled", "replaced"), told=_TELL),
    _step("current_bill", days=_one(1, 20), amount=_one("300.00", "48.50"), paid=st.booleans()),
    _step("all_but_a_trifle", left=_one("9.99", "10.00", "0.01"), told=_one(0, 1, 2)),
)
_AGAIN: tuple[st.SearchStrategy[Step], ...] = (
    _step("hold_again", at=_one("arrival", "now", "an hour ago"), times=_one(1, 2)),
    _step("found_again", meter=_one("right", "wrong"), at=_one("same", "now")),
    _step("hotline_again"),
    _step("copies", times=_one(1, 3, 30), rounds=_one(1, 2)),
)
_CHANGES: tuple[st.SearchStrategy[Step], ...] = (
    *(_ANNOUNCE, _ANNOUNCE, _BOOK, _BOOK, _MISSPELLED, _MISSPELLED, _MISSPELLED),
    *(_CHANGE_RECORD, _CHANGE_RECORD, _CHANGE_RECORD),
    *_BILLINGS_OWN,
    *_AGAIN,
    st.fixed_dictionaries(
        {
            "do": st.just("together"),
            "steps": st.lists(
                st.one_of(_PERMIT, _ANNOUNCE, _BOOK, st.just(PROCEED), _CHANGE_RECORD, _FOUND, *_BILLINGS_OWN, *_AGAIN),
                min_size=2,
                max_size=3,
            ),
        }
    ),
)
CHANGING: tuple[st.SearchStrategy[Step], ...] = (*DISTURBANCES, *_CHANGES, *_CHANGES)
CHANGING_FROM = 9000
"""Seeds from here on know what changes under a case, too; each one below stands for the life that it always did."""


def _when(disturbances: tuple[st.SearchStrategy[Step], ...]) -> st.SearchStrategy[Step]:
    """Steps that wait: the moments that matter come late in a life."""
    return st.fixed_dictionaries(
        {
            "do": st.just("when"),
            "act": _one(
                "request_permit",
                "report_cut",
                "record_final_notice",
                "report_restored",
                "pay",
                "acknowledge_ticket",
                "decide_approval",
                "record_delivery",
                "serve_again",
            ),
            "steps": st.lists(st.one_of(*disturbances), min_size=1, max_size=3),
        }
    )


_CUSTOMER: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "customer_class": _one("residential", "residential", "non_residential"),
        "important": _one(False, False, False, True),
        "amount": _one("200.00", "48.50", "60000.00", "9.99", "1234.56"),
        "overdue_days": _one(40, 31, 25, 5, 1, 90),
        "opened_by": _one("bill_overdue", "bill_overdue", "bill_overdue", "bill_overdue", "supply_found_cut"),
    }
)


@st.composite
def lives(draw: st.DrawFn, disturbances: tuple[st.SearchStrategy[Step], ...] = CHANGING) -> Life:
    """A life: a customer and some forty-five steps; the calmer the mood, the further the procedure gets."""
    disturbed = MOODS[draw(_one(*MOODS))]
    anything = st.one_of(*disturbances)

    @st.composite
    def step(draw_step: st.DrawFn) -> Step:
        if draw_step(st.integers(0, 99)) < 100 - disturbed:
            return dict(PROCEED)
        return draw_step(anything)

    # Many short lists rather than a long one: each can shrink to nothing.
    steps = [drawn for _ in range(_CHAPTERS) for drawn in draw(st.lists(step(), max_size=10))]
    later = draw(st.lists(_when(disturbances), max_size=4))
    return Life(customer=draw(_CUSTOMER), steps=[*later, *steps])


_CHAPTERS = 9

# Hypothesis tries the simplest life first; the one that a seed stands for is the last of a few.
_TRIES = 12


def _quietly(*phases: Phase) -> settings:
    return settings(
        max_examples=_TRIES,
        phases=phases,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def _lives_of(number: int) -> st.SearchStrategy[Life]:
    return lives(CHANGING if number >= CHANGING_FROM else DISTURBANCES)


def life_of(number: int) -> Life:
    """The life that a seed stands for: always the same one."""
    drawn: list[Life] = []

    @seed(number)
    @_quietly(Phase.generate)
    @given(_lives_of(number))
    def draw_some(life: Life) -> None:
        drawn.append(life)

    draw_some()
    return drawn[-1]


def shortest(number: int, fails: Callable[[Life], bool]) -> Life | None:
    """The shortest life that hypothesis finds to fail as the one of this seed does; None if that one does not.

    Each life is played once: a server may answer differently the next time, and hypothesis would give up.
    """
    wanted = to_text(life_of(number))
    verdicts: dict[str, bool] = {}
    failed: list[Life] = []

    @seed(number)
    @_quietly(Phase.generate, Phase.shrink)
    @given(_lives_of(number))
    def shrink(life: Life) -> None:
        text = to_text(life)
        if not failed and text != wanted:
            return
        if text not in verdicts:
            verdicts[text] = fails(life)
            if verdicts[text]:
                failed.append(life)
        if verdicts[text]:
            raise AssertionError("this life fails")

    with contextlib.suppress(AssertionError, Flaky, ExceptionGroup):
        shrink()
    return min(failed, key=lambda life: len(to_text(life)), default=None)
