"""One life of a case on fixed days, for tests without Temporal: facts in each stage, every one of them changeable.

The stated time T is Tuesday, 15 December 2026, 09:00; the bill fell due on 20 October.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.case.entities import Approval, Cut, Escalation, Hold, Incident, Notice, Permit, Plan, Promise, Ticket
from domain.case.facts import CaseFacts
from domain.contract.updates import Instalment
from domain.customer import Account
from domain.law.calendar import BarredDay, Calendar
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, BillDebt, BillPayment
from domain.vocabulary import Actor

ZONE = ZoneInfo("Asia/Shanghai")
POLICY = Policy()
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
A_MOMENT = timedelta(milliseconds=1)


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE)


T = at(date(2026, 12, 15), 9)
YELLOW_ISSUED = at(date(2026, 11, 24), 10)
YELLOW_DEADLINE = at(date(2026, 12, 5))
YELLOW_BY = YELLOW_DEADLINE - 7 * DAY
RED_ISSUE = T - 10 * DAY
RED_BY = T - 7 * DAY
TICKET_TIME = T - DAY
HALF_HOUR = T - 30 * MINUTE
WINDOW_END = T + 2 * HOUR
OPENED = YELLOW_ISSUED - MINUTE
OLD, YOUNG = date(2026, 10, 20), date(2026, 11, 20)  # 31 days after the young one lies behind T

READER = Actor(id="r-1", role="reader")
DIRECTOR = Actor(id="d-1", role="centre_director")


def account(**changes: Any) -> Account:
    given: dict[str, Any] = {
        "account_id": "A-1",
        "customer_class": "residential",
        "meter_id": "M-1",
        "reading_centre": "RC-1",
        "reader": "r-1",
        "team_leader": "t-1",
        "field_unit": "FU-1",
        "business_station": "BS-1",
        "region": "R-1",
    }
    return Account.model_validate({**given, **changes})


def debt(*bills: tuple[str, str, date], paid: str = "0.00", read: datetime = OPENED) -> AccountDebt:
    """Bills by id, principal and due date; `paid` is on the first."""
    booked = [BillDebt(bill_id=i, amount=Decimal(a), due_date=d) for i, a, d in bills]
    if Decimal(paid) and booked:
        payment = BillPayment(payment_id="p-1", amount=Decimal(paid), paid_at=read)
        booked[0] = booked[0].model_copy(update={"payments": (payment,)})
    return AccountDebt(account_id="A-1", as_of=read, bills=tuple(booked), paid_total=Decimal(paid))


OWES = debt(("B-1", "200.00", OLD))
SETTLED = debt(("B-1", "200.00", OLD), paid="200.00")

YELLOW = Notice(
    notice_id="yellow-1",
    kind="yellow",
    bills=("B-1",),
    amount=Decimal("200.00"),
    late_fee=Decimal("7.00"),
    issued_at=YELLOW_ISSUED,
    deadline=YELLOW_DEADLINE,
    cut_at=T,
)
YELLOW_SERVED = YELLOW.model_copy(
    update={
        "state": "delivered",
        "outcome": "signed",
        "delivered_at": YELLOW_ISSUED + DAY,
        "served_at": YELLOW_ISSUED + DAY,
        "delivered_by": "r-1",
    }
)
YELLOW_REFUSED = YELLOW.model_copy(
    update={"outcome": "refused", "delivered_at": YELLOW_ISSUED + DAY, "delivered_by": "r-1"}
)
RED = YELLOW.model_copy(update={"notice_id": "red-1", "kind": "red", "issued_at": RED_ISSUE, "deadline": at(T.date())})
RED_SERVED = RED.model_copy(
    update={
        "state": "delivered",
        "outcome": "signed",
        "delivered_at": RED_BY,
        "served_at": RED_BY,
        "delivered_by": "r-1",
        "approval_asked": True,
    }
)
RED_REFUSED = RED.model_copy(update={"outcome": "refused", "delivered_at": RED_BY - DAY, "delivered_by": "r-1"})
APPROVED = Approval(notice_id="red-1", role="centre_director", decision="approved", by="d-1", at=RED_BY + DAY)
SENT = Ticket(
    ticket_id="ticket-1",
    kind="cut",
    notice_id="red-1",
    meter_id="M-1",
    field_unit="FU-1",
    sent_by="r-1",
    sent_at=TICKET_TIME,
    due_at=T,
)
ACKNOWLEDGED = SENT.model_copy(update={"state": "acknowledged", "acknowledged_at": TICKET_TIME + HOUR})
NOTIFIED = ACKNOWLEDGED.model_copy(
    update={
        "half_hour_reached": True,
        "told_at": HALF_HOUR + MINUTE,
        "billing_checked_at": HALF_HOUR,
        "billing_answer": "owes",
    }
)
PERMIT = Permit(
    permit_id="permit-1",
    ticket_id="ticket-1",
    meter_id="M-1",
    holder="f-1",
    field_unit="FU-1",
    given_at=T + MINUTE,
    valid_until=T + 16 * MINUTE,
)
CUT = Cut(
    cut_id="cut-1",
    meter_id="M-1",
    at=T + 5 * MINUTE,
    arrived_at=T + 6 * MINUTE,
    lawful=True,
    permit_id="permit-1",
    bills=("B-1",),
    restore_ticket="restore-1",
)
REFUSAL_REPORT = Escalation(
    escalation_id="report-1",
    kind="refusal",
    rung="team_leader",
    raised_at=RED_BY - DAY,
    answer_by=RED_BY,
    notice_id="red-1",
)
HOLD = Hold(hold_id="h-1", kind="hardship", reason="illness", placed_by="t-1", placed_at=OPENED)
INCIDENT = Incident(incident_id="i-1", kind="unauthorised_cut", at=T)


def facts(**changes: Any) -> CaseFacts:
    """A case that owes one bill of 200.00; billing and calendar were read at its opening."""
    given: dict[str, Any] = {
        "case_key": "case",
        "workflow_id": "arrears-A-1",
        "account": account(),
        "policy": POLICY,
        "opened_at": OPENED,
        "debt": OWES,
        "debt_read_at": OPENED,
        "looked_at": OPENED,
    }
    return CaseFacts.model_validate({**given, **changes})


def served(**changes: Any) -> CaseFacts:
    """The red notice served and approved."""
    return facts(**{"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,), "stage": "red_notice", **changes})


def ticketed(ticket: Ticket = ACKNOWLEDGED, **changes: Any) -> CaseFacts:
    """The ticket out; calendar and billing read at T - 24 h."""
    return served(**{"tickets": (ticket,), "stage": "ticketed", "looked_at": TICKET_TIME, **changes})


def ready(**changes: Any) -> CaseFacts:
    """Everything done: only the time and billing's answer at the permit are left."""
    return ticketed(**{"tickets": (NOTIFIED,), "stage": "final_half_hour", "looked_at": HALF_HOUR, **changes})


def whats(before: CaseFacts, after: CaseFacts) -> list[str]:
    """Kinds of evidence that were added."""
    return [e.what for e in after.journal[len(before.journal) :]]


PROMISE = Promise(
    promise_id="pr-1", amount=Decimal("50.00"), until=date(2026, 12, 1), made_at=OPENED, paid_before=Decimal("0.00")
)
PLAN = Plan(
    plan_id="pl-1",
    instalments=(
        Instalment(due=date(2026, 12, 1), amount=Decimal("100.00")),
        Instalment(due=date(2026, 12, 20), amount=Decimal("100.00")),
    ),
    agreed_at=OPENED,
    paid_before=Decimal("0.00"),
)
CUT_OFF = CUT.model_copy(update={"restore_since": T + 3 * HOUR, "restore_due_by": T + 27 * HOUR})
RESTORE = Ticket(
    ticket_id="restore-1",
    kind="restore",
    meter_id="M-1",
    field_unit="FU-1",
    sent_by="r-1",
    sent_at=T + 3 * HOUR,
    due_at=T + 27 * HOUR,
)
LAPSED = PERMIT.model_copy(update={"state": "lapsed", "ended_at": PERMIT.valid_until})
BARRED = Calendar(days=(BarredDay(day=T.date(), kind="holiday", name="late"),))
TWO_BILLS = debt(("B-2", "60.00", YOUNG))
NAME_BOTH = tuple(n.model_copy(update={"bills": ("B-1", "B-2")}) for n in (YELLOW_SERVED, RED_SERVED))
PAID_BEFORE_THE_CUT = debt(("B-1", "200.00", OLD), paid="200.00", read=T - HOUR)
PAID_AFTER_THE_CUT = debt(("B-1", "200.00", OLD), paid="200.00", read=T + 2 * HOUR)
