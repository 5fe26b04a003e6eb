"""What a case does next, as a table: one act for every stage, and until when it sleeps."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.case.entities import Withdrawal
from domain.case.facts import CaseFacts
from domain.case.procedure import (
    AskBilling,
    CheckBeforeCut,
    IssueNotice,
    Leave,
    ReadCircumstances,
    SendCutTicket,
    SendRestorationTicket,
    Sleep,
    next_act,
)
from tests.support.one_life import (
    A_MOMENT,
    CUT,
    CUT_OFF,
    DAY,
    HALF_HOUR,
    HOLD,
    HOUR,
    INCIDENT,
    MINUTE,
    NOTIFIED,
    OLD,
    OPENED,
    PERMIT,
    PLAN,
    PROMISE,
    RED,
    RED_BY,
    RED_ISSUE,
    RED_SERVED,
    RESTORE,
    SECOND,
    SETTLED,
    TICKET_TIME,
    WINDOW_END,
    YELLOW,
    YELLOW_BY,
    YELLOW_DEADLINE,
    YELLOW_ISSUED,
    YELLOW_REFUSED,
    YELLOW_SERVED,
    YOUNG,
    T,
    at,
    debt,
    facts,
    ready,
    served,
    ticketed,
)

ACTS: list[tuple[str, CaseFacts, datetime, Any]] = [
    ("R-01 opened owing: the yellow notice", facts(), OPENED, IssueNotice("yellow")),
    ("R-05 the look is older than five minutes", facts(), OPENED + 6 * MINUTE, ReadCircumstances()),
    ("R-01 nothing overdue", facts(debt=debt()), OPENED, Leave("settled", "nothing overdue is owed")),
    (
        "R-01 under the least debt",
        facts(debt=debt(("B-1", "9.99", OLD))),
        OPENED,
        Leave("withdrawn", "9.99 CNY is under the least debt, 10.00"),
    ),
    ("R-01 the least debt", facts(debt=debt(("B-1", "10.00", OLD))), OPENED, IssueNotice("yellow")),
    (
        "R-01 the least debt is judged before a yellow notice only",
        facts(debt=debt(("B-1", "9.99", OLD)), notices=(YELLOW_SERVED,)),
        RED_ISSUE - HOUR,
        Sleep(RED_ISSUE, "II.2 red notice is due"),
    ),
    (
        "R-06 yellow out: wait for its delivery",
        facts(notices=(YELLOW,)),
        YELLOW_ISSUED,
        Sleep(YELLOW_BY + A_MOMENT, "II.1 yellow notice delivered in time"),
    ),
    (
        "R-07 yellow served: ten days before the time it stated",
        facts(notices=(YELLOW_SERVED,)),
        YELLOW_DEADLINE,
        Sleep(RED_ISSUE, "II.2 red notice is due"),
    ),
    ("R-07 look before the red notice", facts(notices=(YELLOW_SERVED,)), RED_ISSUE, ReadCircumstances()),
    ("R-07 red due", facts(notices=(YELLOW_SERVED,), looked_at=RED_ISSUE), RED_ISSUE, IssueNotice("red")),
    (
        "R-06 woken weeks after the stated time: still the red notice, nothing else",
        facts(notices=(YELLOW_SERVED,), looked_at=T + 30 * DAY),
        T + 30 * DAY,
        IssueNotice("red"),
    ),
    (
        "R-06 a refused yellow notice that nobody acknowledged: no red one, however late",
        facts(notices=(YELLOW_REFUSED,), looked_at=T),
        T,
        Sleep(None, "waiting for people"),
    ),
    (
        "R-06 red out: wait for its delivery",
        facts(notices=(YELLOW_SERVED, RED)),
        RED_ISSUE,
        Sleep(RED_BY + A_MOMENT, "II.2 red notice delivered in time"),
    ),
    (
        "R-15 a second before T - 24 h",
        served(),
        TICKET_TIME - SECOND,
        Sleep(TICKET_TIME, "II.3 ticket, the day before"),
    ),
    (
        "R-21 the calendar read an hour before T - 24 h does not do",
        served(looked_at=TICKET_TIME - MINUTE),
        TICKET_TIME,
        ReadCircumstances(),
    ),
    ("R-15 T - 24 h, looked just now", served(looked_at=TICKET_TIME), TICKET_TIME, SendCutTicket()),
    (
        "R-15 the day before is not over: late, but sent",
        served(looked_at=TICKET_TIME + 9 * HOUR),
        TICKET_TIME + 9 * HOUR,
        SendCutTicket(),
    ),
    ("R-17 somebody hinted at a payment: ask first", served(looked_at=TICKET_TIME, hints=1), TICKET_TIME, AskBilling()),
    ("R-15 ticket out", ticketed(), TICKET_TIME + HOUR, Sleep(HALF_HOUR, "II.4 the last half-hour")),
    ("R-16 T - 30 min", ticketed(), HALF_HOUR, CheckBeforeCut()),
    ("R-16 told once", ready(), HALF_HOUR + MINUTE, Sleep(T, "II.5 the stated time")),
    ("R-18 T has come", ready(), T, Sleep(WINDOW_END, "II.7 the window ends")),
    (
        "R-18 a permit is out",
        ready(permits=(PERMIT,)),
        T + 2 * MINUTE,
        Sleep(T + 16 * MINUTE, "II.7 the permit ends"),
    ),
    ("R-04 held: nothing goes forward", facts(holds=(HOLD,)), OPENED, Sleep(None, "waiting for people")),
    (
        "R-04 a hold with an end",
        facts(holds=(HOLD.model_copy(update={"until": OPENED + 9 * DAY}),)),
        OPENED,
        Sleep(OPENED + 9 * DAY, "II.0 a hold ends"),
    ),
    (
        "R-04 a dispute has no end by the clock",
        facts(holds=(HOLD.model_copy(update={"kind": "dispute", "until": OPENED + 9 * DAY}),)),
        OPENED,
        Sleep(None, "waiting for people"),
    ),
    (
        "R-04 a moratorium is looked up again each day",
        facts(holds=(HOLD.model_copy(update={"kind": "moratorium"}),)),
        OPENED + DAY,
        ReadCircumstances(),
    ),
    (
        "R-04 held at the red notice's day: none is issued",
        facts(notices=(YELLOW_SERVED,), holds=(HOLD,), looked_at=RED_ISSUE),
        RED_ISSUE,
        Sleep(None, "waiting for people"),
    ),
    (
        "R-04 a promise: wait for the end of its day",
        facts(promise=PROMISE),
        OPENED,
        Sleep(at(date(2026, 12, 2)), "I.3 a promised day ends"),
    ),
    ("R-04 the promised day is over: ask billing", facts(promise=PROMISE), at(date(2026, 12, 2)), AskBilling()),
    ("R-04 an instalment's day is over: ask billing", facts(plan=PLAN), at(date(2026, 12, 2)), AskBilling()),
    (
        "R-07 a person must decide",
        facts(notices=(YELLOW_SERVED,), needs_person="rejected", looked_at=RED_ISSUE),
        RED_ISSUE,
        Sleep(None, "waiting for people"),
    ),
    ("R-24 cut and owing: wait for the money", facts(cuts=(CUT,)), T + HOUR, Sleep(None, "waiting for people")),
    ("R-24 settled: light first", facts(cuts=(CUT_OFF,), hints=3), T + 3 * HOUR, SendRestorationTicket("cut-1")),
    (
        "R-24 a hold does not stop the light",
        facts(cuts=(CUT_OFF,), holds=(HOLD,), withdrawn=Withdrawal(reason="x", at=T)),
        T + 3 * HOUR,
        SendRestorationTicket("cut-1"),
    ),
    (
        "R-25 ticket out: the first warning",
        facts(cuts=(CUT_OFF,), tickets=(RESTORE,)),
        T + 4 * HOUR,
        Sleep(T + 15 * HOUR, "III.3 warning"),
    ),
    (
        "R-25 both warnings are up: the end of the day",
        facts(cuts=(CUT_OFF.model_copy(update={"warned": 2}),), tickets=(RESTORE,)),
        T + 24 * HOUR,
        Sleep(T + 27 * HOUR, "III.3 light again by now"),
    ),
    (
        "R-25 light again and nothing owed",
        facts(debt=SETTLED, cuts=(CUT_OFF.model_copy(update={"restored_at": T + 5 * HOUR}),)),
        T + 5 * HOUR,
        Leave("restored", "nothing overdue is owed"),
    ),
    (
        "R-05 light again, another bill overdue: its own yellow notice",
        facts(
            debt=debt(("B-2", "60.00", YOUNG)),
            cuts=(CUT_OFF.model_copy(update={"restored_at": T + 5 * HOUR}),),
            looked_at=T + 5 * HOUR,
        ),
        T + 5 * HOUR,
        IssueNotice("yellow"),
    ),
    (
        "R-28 an incident without an outcome keeps the case open",
        facts(debt=SETTLED, incidents=(INCIDENT,)),
        T,
        Sleep(None, "waiting for people"),
    ),
    (
        "R-28 each incident has its outcome",
        facts(debt=SETTLED, incidents=(INCIDENT.model_copy(update={"outcome": "disciplined"}),)),
        T,
        Leave("settled", "nothing overdue is owed"),
    ),
    (
        "R-28 an incident does not stop the march",
        facts(incidents=(INCIDENT,)),
        OPENED,
        IssueNotice("yellow"),
    ),
    (
        "R-18 a revoked permit waits for the crew's answer before the case closes",
        facts(
            debt=SETTLED,
            notices=(RED_SERVED.model_copy(update={"state": "void"}),),
            tickets=(NOTIFIED.model_copy(update={"state": "recalled"}),),
            permits=(PERMIT.model_copy(update={"state": "revoked", "ended_at": T + 2 * MINUTE}),),
        ),
        T + 2 * MINUTE,
        Sleep(WINDOW_END, "II.7 the crew must have reported"),
    ),
    ("withdrawn", facts(withdrawn=Withdrawal(reason="error", at=OPENED)), OPENED, Leave("withdrawn", "error")),
    (
        "withdrawn while dark: light first",
        facts(cuts=(CUT,), withdrawn=Withdrawal(reason="error", at=T)),
        T + HOUR,
        Sleep(None, "waiting for people"),
    ),
]


@pytest.mark.parametrize(("given", "now", "act"), [row[1:] for row in ACTS], ids=[row[0] for row in ACTS])
def test_next_act(given: CaseFacts, now: datetime, act: Any) -> None:
    """R-05 – R-25: the one thing that comes next, and until when the case sleeps."""
    assert next_act(given, now, asking=False) == act


@pytest.mark.parametrize(
    ("given", "now"),
    [
        (facts(), OPENED + 6 * MINUTE),
        (facts(debt=SETTLED, hints=1), OPENED),
        (facts(notices=(YELLOW_SERVED,), looked_at=RED_ISSUE, hints=1), RED_ISSUE),
        (served(looked_at=TICKET_TIME, hints=1), TICKET_TIME),
    ],
    ids=[
        "a look is under way",
        "settled, a reversal may have come",
        "red due, the debt may have changed",
        "ticket due, the debt may have changed",
    ],
)
def test_nothing_goes_forward_while_billing_is_being_asked(given: CaseFacts, now: datetime) -> None:
    """R-17: time goes on while billing thinks, but no paper is issued on a debt that may have changed."""
    assert isinstance(next_act(given, now, asking=True), Sleep)


def test_restoration_does_not_wait_for_billing() -> None:
    """R-24: the restoration ticket goes out while a question is under way, and with one still to be asked."""
    for asking in (True, False):
        assert next_act(facts(cuts=(CUT_OFF,), hints=2), T, asking=asking) == SendRestorationTicket("cut-1")


def test_the_debt_is_asked_beside_a_question_that_waits_for_the_record() -> None:
    """R-31, R-32: no payment waits for a record; the record itself is not asked for twice."""
    hinted, quiet = (facts(notices=(YELLOW_SERVED,), looked_at=RED_ISSUE - timedelta(days=1), hints=n) for n in (1, 0))
    assert isinstance(next_act(hinted, RED_ISSUE, asking=True, debt_waits=False), AskBilling)
    assert isinstance(next_act(hinted, RED_ISSUE, asking=True), Sleep)
    assert isinstance(next_act(quiet, RED_ISSUE, asking=True, debt_waits=False), Sleep)
    assert isinstance(next_act(quiet, RED_ISSUE, asking=False), ReadCircumstances)
