"""What time and new facts bring about by themselves, as a table: due by its moment, and not a moment before."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.case.deadlines import settle
from domain.case.entities import Filing, Notice
from domain.case.facts import CaseFacts
from domain.case.issuing import issue_notice
from domain.case.procedure import IssueNotice, ReadCircumstances, next_act
from domain.case.rulings import notices as notice_rulings
from domain.case.rulings import tickets as field_rulings
from domain.case.rulings.approvals import decide_approval
from domain.contract import updates as m
from domain.contract.refusals import Refused
from domain.law import clock
from tests.support.one_life import (
    A_MOMENT,
    APPROVED,
    BARRED,
    CUT,
    CUT_OFF,
    DAY,
    DIRECTOR,
    HALF_HOUR,
    HOLD,
    HOUR,
    MINUTE,
    NAME_BOTH,
    NOTIFIED,
    OPENED,
    PAID_AFTER_THE_CUT,
    PAID_BEFORE_THE_CUT,
    PERMIT,
    POLICY,
    PROMISE,
    READER,
    RED,
    RED_BY,
    RED_REFUSED,
    RED_SERVED,
    REFUSAL_REPORT,
    SECOND,
    SENT,
    SETTLED,
    TICKET_TIME,
    TWO_BILLS,
    WINDOW_END,
    YELLOW,
    YELLOW_BY,
    YELLOW_SERVED,
    T,
    account,
    at,
    facts,
    ready,
    served,
    ticketed,
    whats,
)

VOID = ["notice.void", "escalation.raised"]
SLIP = ["ticket.recalled", *VOID]
LATE: dict[str, Any] = {"looked_at": TICKET_TIME}

SETTLES: list[tuple[str, CaseFacts, datetime, list[str]]] = [
    ("R-05 the last moment to deliver the yellow notice", facts(notices=(YELLOW,)), YELLOW_BY, []),
    ("R-05 a moment later", facts(notices=(YELLOW,)), YELLOW_BY + A_MOMENT, VOID),
    ("R-07 the last moment to deliver the red notice", facts(notices=(YELLOW_SERVED, RED)), RED_BY, []),
    ("R-07 a moment later", facts(notices=(YELLOW_SERVED, RED)), RED_BY + A_MOMENT, VOID),
    (
        "R-09 a refused one waits for its acknowledgement",
        facts(notices=(YELLOW_SERVED, RED_REFUSED)),
        TICKET_TIME - SECOND,
        [],
    ),
    ("R-09 not acknowledged at T - 24 h", facts(notices=(YELLOW_SERVED, RED_REFUSED)), TICKET_TIME, VOID),
    (
        "R-09 the team leader is silent: the next rung",
        facts(notices=(YELLOW_SERVED, RED_REFUSED), escalations=(REFUSAL_REPORT,)),
        RED_BY,
        ["escalation.raised"],
    ),
    (
        "R-09 he has his full time",
        facts(notices=(YELLOW_SERVED, RED_REFUSED), escalations=(REFUSAL_REPORT,)),
        RED_BY - SECOND,
        [],
    ),
    (
        "R-09 the last rung is silent too",
        facts(
            notices=(YELLOW_SERVED, RED_REFUSED),
            escalations=(REFUSAL_REPORT.model_copy(update={"rung": "centre_director"}),),
        ),
        RED_BY + DAY,
        [],
    ),
    (
        "R-09 an acknowledged report does not climb",
        facts(
            notices=(YELLOW_SERVED, RED_REFUSED),
            escalations=(REFUSAL_REPORT.model_copy(update={"state": "acknowledged"}),),
        ),
        RED_BY + DAY,
        [],
    ),
    (
        "R-13 approval is asked for once it is served",
        served(notices=(YELLOW_SERVED, RED_SERVED.model_copy(update={"approval_asked": False})), approvals=()),
        RED_BY,
        ["approval.asked"],
    ),
    (
        "R-04 not while a hold stands",
        served(
            notices=(YELLOW_SERVED, RED_SERVED.model_copy(update={"approval_asked": False})),
            approvals=(),
            holds=(HOLD,),
        ),
        RED_BY,
        [],
    ),
    ("R-14 approvals may come until T - 24 h", served(approvals=()), TICKET_TIME - SECOND, []),
    ("R-14 not approved at T - 24 h", served(approvals=()), TICKET_TIME, VOID),
    (
        "R-12 a director's approval of another notice is none",
        served(approvals=(APPROVED.model_copy(update={"notice_id": "red-0"}),)),
        TICKET_TIME,
        VOID,
    ),
    ("R-12 one level of two", served(account=account(customer_class="non_residential")), TICKET_TIME, VOID),
    ("R-14 important and not filed", served(account=account(important=True)), TICKET_TIME, VOID),
    (
        "R-14 important and filed",
        served(account=account(important=True), filings=(Filing(notice_id="red-1", reference="17", at=RED_BY + DAY),)),
        TICKET_TIME,
        [],
    ),
    (
        "R-14 filed for another notice",
        served(account=account(important=True), filings=(Filing(notice_id="red-0", reference="17", at=RED_BY + DAY),)),
        TICKET_TIME,
        VOID,
    ),
    ("R-15 the ticket may still go out on the day before", served(), at(T.date()) - SECOND, []),
    ("R-15 the day before is over", served(), at(T.date()), VOID),
    ("R-21 the calendar, read at T - 24 h, bars the day", served(calendar=BARRED, **LATE), TICKET_TIME, VOID),
    ("R-21 one read earlier does not decide", served(calendar=BARRED), TICKET_TIME, []),
    (
        "R-03 the only bill still owing is too young",
        served(notices=NAME_BOTH, debt=TWO_BILLS, **LATE),
        TICKET_TIME,
        VOID,
    ),
    ("R-15 acknowledged in time", ticketed(), HALF_HOUR, []),
    ("R-15 unacknowledged a second before T - 30 min", ticketed(SENT), HALF_HOUR - SECOND, []),
    ("R-15 unacknowledged at T - 30 min", ticketed(SENT), HALF_HOUR, SLIP),
    (
        "R-17 billing silent at T - 30 min",
        ready(tickets=(NOTIFIED.model_copy(update={"billing_answer": "no_answer"}),)),
        HALF_HOUR,
        SLIP,
    ),
    (
        "R-16 not told a second before T",
        ready(tickets=(NOTIFIED.model_copy(update={"told_at": None}),)),
        T - SECOND,
        [],
    ),
    ("R-16 not told at T", ready(tickets=(NOTIFIED.model_copy(update={"told_at": None}),)), T, SLIP),
    (
        "R-17 billing never asked",
        ready(tickets=(NOTIFIED.model_copy(update={"billing_checked_at": None, "billing_answer": None}),)),
        T,
        SLIP,
    ),
    ("R-20 inside the window", ready(), WINDOW_END - SECOND, []),
    ("R-20 nobody came", ready(), WINDOW_END, SLIP),
    ("R-20 the crew left", ready(tickets=(NOTIFIED.model_copy(update={"crew_left": True}),)), T + MINUTE, SLIP),
    ("R-18 a permit in force", ready(permits=(PERMIT,)), PERMIT.valid_until - SECOND, []),
    ("R-18 a permit lapses", ready(permits=(PERMIT,)), PERMIT.valid_until, ["permit.lapsed"]),
    (
        "R-18, R-20 asleep over permit and window: it lapses, slips, and the leader finds out",
        ready(permits=(PERMIT,)),
        WINDOW_END,
        ["permit.lapsed", *SLIP, "escalation.raised"],
    ),
    ("R-04 a hold before T - 24 h leaves the red notice", served(holds=(HOLD,)), TICKET_TIME - SECOND, []),
    ("R-04 a hold at T - 24 h", served(holds=(HOLD,)), TICKET_TIME, VOID),
    ("R-04 a hold after the ticket", ticketed(holds=(HOLD,)), TICKET_TIME + HOUR, SLIP),
    (
        "R-04 a hold under an open permit",
        ready(permits=(PERMIT,), holds=(HOLD,)),
        T + 2 * MINUTE,
        ["permit.revoked", *SLIP],
    ),
    (
        "R-04 a hold runs out",
        facts(holds=(HOLD.model_copy(update={"until": OPENED + DAY}),)),
        OPENED + DAY,
        ["hold.ended"],
    ),
    (
        "R-04 a dispute does not",
        facts(holds=(HOLD.model_copy(update={"kind": "dispute", "until": OPENED + DAY}),)),
        OPENED + DAY,
        [],
    ),
    (
        "R-11 settled with the permit out",
        ready(debt=SETTLED, permits=(PERMIT,)),
        T + 2 * MINUTE,
        ["debt.settled", "permit.revoked", "ticket.recalled", "notice.void", "notice.void"],
    ),
    ("R-11 settled early", facts(debt=SETTLED, notices=(YELLOW,)), OPENED, ["debt.settled", "notice.void"]),
    (
        "R-24 settled after the cut",
        facts(debt=PAID_AFTER_THE_CUT, debt_asked=("B-1",), cuts=(CUT,)),
        T + 3 * HOUR,
        ["debt.settled"],
    ),
    (
        "R-24 billing has not been asked about the bills of the cut",
        facts(debt=PAID_AFTER_THE_CUT, cuts=(CUT,)),
        T + 3 * HOUR,
        [],
    ),
    (
        "P2 settled before the cut, found after it",
        facts(debt=PAID_BEFORE_THE_CUT, debt_asked=("B-1",), cuts=(CUT,)),
        T + HOUR,
        ["debt.settled", "incident.opened"],
    ),
    ("R-25 eleven hours without light", facts(cuts=(CUT_OFF,)), T + 15 * HOUR - SECOND, []),
    (
        "R-25 the first warning",
        facts(cuts=(CUT_OFF,)),
        T + 15 * HOUR,
        ["restore.warning", "escalation.raised"],
    ),
    (
        "R-26 asleep over both warnings and the end",
        facts(cuts=(CUT_OFF,)),
        T + 27 * HOUR,
        ["restore.breached", "incident.opened"],
    ),
]


@pytest.mark.parametrize(("given", "now", "evidence"), [r[1:] for r in SETTLES], ids=[r[0] for r in SETTLES])
def test_what_time_brings_about(given: CaseFacts, now: datetime, evidence: list[str]) -> None:
    """R-03 – R-26: what is due by then, and not a moment before; done once, however often one checks."""
    after = settle(given, now)
    assert whats(given, after) == evidence
    assert settle(after, now) == after


@pytest.mark.parametrize(
    "sleeper",
    [
        facts(notices=(YELLOW_SERVED, RED)),
        served(approvals=()),
        served(),
        ticketed(),
        ready(),
        ready(permits=(PERMIT,)),
    ],
    ids=["red not delivered", "not approved", "approved", "ticketed", "half hour", "permit out"],
)
def test_waking_weeks_late_never_leads_to_a_cut(sleeper: CaseFacts) -> None:
    """R-06, R-20: asleep for six weeks in any stage: the attempt is over, yellow stays served, a new red follows."""
    now = T + 42 * DAY
    after = settle(sleeper, now)
    assert after.red is None
    assert after.cut_ticket is None
    assert after.open_permit is None
    assert after.yellow == YELLOW_SERVED
    assert after.stage == ("red_notice" if sleeper.stage != "yellow_notice" else "yellow_notice")
    assert next_act(after, now, asking=False) == ReadCircumstances(), "nothing is done on an old look"
    fresh = after.but(looked_at=now)
    assert next_act(fresh, now, asking=False) == IssueNotice("red")
    _, red = issue_notice(fresh, "red", now)
    assert clock.local_day(red.cut_at, POLICY) >= clock.local_day(now, POLICY) + 10 * DAY
    assert red.deadline == clock.start_of_day(clock.local_day(red.cut_at, POLICY), POLICY)


@pytest.mark.parametrize(
    ("given", "now", "counted"),
    [
        (facts(notices=(YELLOW_SERVED, RED)), RED_BY + SECOND, 1),
        (served(approvals=()), TICKET_TIME, 1),
        (ready(), WINDOW_END, 1),
        (served(holds=(HOLD,)), TICKET_TIME, 0),
        (facts(notices=(YELLOW_SERVED, RED), holds=(HOLD,)), RED_BY + SECOND, 0),
        (served(promise=PROMISE.model_copy(update={"until": T.date()})), TICKET_TIME, 0),
        (ready(debt=SETTLED), T, 0),
    ],
    ids=["undelivered", "not approved", "no crew", "hold", "undelivered under a hold", "promise", "settled"],
)
def test_which_voids_count_towards_a_persons_decision(given: CaseFacts, now: datetime, counted: int) -> None:
    """R-07: late, undelivered and slipped count; holds, promises, plans and settlement do not."""
    assert settle(given, now).voids_in_a_row.get("red", 0) == counted
    waiting = given.but(voids_in_a_row={"red": 3})
    assert (settle(waiting, now).needs_person is not None) == bool(counted), "the fourth in a row"
    waiting = given.but(voids_in_a_row={"red": 2})
    assert settle(waiting, now).needs_person is None


# ---- the moments that decide, in the rulings -------------------------------------------------------


@pytest.mark.parametrize(
    ("told_at", "counts"),
    [(HALF_HOUR - SECOND, False), (HALF_HOUR, True), (T, True), (T + SECOND, False)],
    ids=["a second early", "at T - 30 min", "at T", "a second late"],
)
def test_customer_counts_as_notified_within_the_last_half_hour(told_at: datetime, counts: bool) -> None:
    """R-16: notified in [T - 30 min, T], both ends included."""
    given = ready(tickets=(NOTIFIED.model_copy(update={"told_at": None}),))
    message = m.RecordFinalNotice(ticket_id="ticket-1", told_at=told_at, how="phone", actor=READER)
    after, answer = field_rulings.record_final_notice(given, message, told_at)
    assert answer.told is counts
    assert (after.tickets[0].told_at == told_at) is counts


@pytest.mark.parametrize(
    ("notice", "by"), [(YELLOW, YELLOW_BY), (RED, RED_BY)], ids=["yellow: 7 days to pay", "red: 7 x 24 h"]
)
def test_equality_counts_as_timely(notice: Notice, by: datetime) -> None:
    """R-05, R-07: delivered at the very last moment counts; a second later is void and before the team leader."""
    given = facts(notices=(YELLOW_SERVED, RED) if notice is RED else (YELLOW,))
    for late, now in ((False, by), (True, by + SECOND)):
        message = m.RecordDelivery(notice_id=notice.notice_id, outcome="signed", delivered_at=now, actor=READER)
        after, answer = notice_rulings.record_delivery(given, message, now)
        assert answer.served is not late
        stands = after.notice(notice.notice_id)
        assert stands is not None
        assert stands.state == ("void" if late else "delivered")
        assert (whats(given, after)[-1] == "escalation.raised") is late


def test_approval_at_the_day_before_sharp_is_in_time() -> None:
    """R-14: complete at T - 24 h counts; a second later is TooLate."""
    given = served(approvals=())
    message = m.DecideApproval(notice_id="red-1", decision="approved", actor=DIRECTOR)
    _, answer = decide_approval(given, message, TICKET_TIME)
    assert answer.granted
    with pytest.raises(Refused) as late:
        decide_approval(given, message, TICKET_TIME + SECOND)
    assert late.value.type == "TooLate"


def test_moments_are_judged_alike_in_every_zone() -> None:
    """The same instant written in UTC decides the same (R-07)."""
    given = facts(notices=(YELLOW_SERVED, RED))
    by = RED_BY.astimezone(UTC)
    assert settle(given, by) == given
    message = m.RecordDelivery(notice_id="red-1", outcome="signed", delivered_at=by, actor=READER)
    assert notice_rulings.record_delivery(given, message, by)[1].served
