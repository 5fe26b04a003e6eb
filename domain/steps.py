"""What the case's own steps change: an answer of billing, a notice planned, a ticket sent, the case closed."""

from datetime import datetime
from decimal import Decimal

from domain import clock
from domain.attempt import end_attempt
from domain.cut_days import bills_for_red, red_schedule
from domain.deadlines import oldest_due
from domain.debt import AccountDebt, DebtQuery
from domain.facts import CaseFacts, Cut, Hold, Notice, NoticeKind, Ticket
from domain.look import Look
from domain.model import money
from domain.procedure import Leave
from domain.records import BillLine
from domain.terms import all_policies, owes, protected_days, terms


def with_debt(facts: CaseFacts, query: DebtQuery, debt: AccountDebt, now: datetime, hints: int) -> CaseFacts:
    """Billing has answered. `hints` is how many had come when it was asked: later ones need another answer."""
    before = facts.debt
    announced = facts.announced if facts.hints > hints else Decimal("0.00")
    facts = facts.but(
        debt=debt,
        debt_asked=query.bills,
        debt_read_at=query.as_of,
        hints_answered=max(hints, facts.hints_answered),
        announced=announced,
        heard=facts.heard if facts.hints > hints else (),
    )
    if debt.mark() == before.mark():
        return facts
    facts = facts.noted(
        now, "debt.read", "R-17", "II.6", at=debt.as_of, owed=debt.owed, late_fee=facts.late_fee(now), mark=debt.mark()
    )
    paid = debt.paid_total - before.paid_total
    if paid > 0 and facts.in_arrears and not facts.cuts_off and not facts.held:
        facts = facts.but(offer_due=True)
        facts = facts.told(
            now,
            "reader",
            "partial payment",
            f"户号 {facts.account.account_id} 已交 {paid} 元，尚欠 {debt.owed} 元，请与客户商定承诺或分期。",
            f"Account {facts.account.account_id} paid {paid} and still owes {debt.owed}: offer a promise or a plan.",
        )
    return facts


def with_look(facts: CaseFacts, look: Look, asked: datetime, now: datetime) -> CaseFacts:
    """Calendar and moratoria as they were when `asked`: what the register lists, stands; what it lists no more, falls.

    An answer may come days after its question: an older one than the last changes nothing, and a hold lifted since
    does not stand again. One that the register lists ends when it is listed no more, and not before. One that came by
    signal and that the register has lifted meanwhile falls too: a batch of signals may be overtaken by its lifting. One
    that the register does not know at all is a person's, and falls by that person's word.
    """
    if asked < facts.looked_at:
        return facts
    facts = facts.but(
        calendar=look.calendar,
        looked_at=asked,
        look_answered_at=now,
        spreads_cuts=look.spreads_cuts,
        slot=look.slot or facts.slot,
    )
    for moratorium in look.moratoria:
        hold = next((h for h in facts.holds if h.hold_id == moratorium), None)
        if hold is not None and hold.stands:
            facts = facts if hold.listed else facts.with_hold(moratorium, listed=True, until=None)
            continue
        if hold is None:
            found = Hold(
                hold_id=moratorium,
                kind="moratorium",
                reason="moratorium",
                placed_by=_REGISTER,
                placed_at=now,
                listed=True,
            )
            facts = facts.but(holds=(*facts.holds, found))
        elif hold.ended_at is not None and hold.ended_at < asked:
            facts = facts.with_hold(moratorium, ended_at=None, listed=True, until=None)
        else:
            continue
        facts = facts.noted(now, "hold.placed", "R-04", "I.3", about=moratorium, kind="moratorium", source=_REGISTER)
    for hold in facts.standing_holds:
        unknown = not hold.listed and hold.hold_id not in look.moratoria_over
        if not unknown and hold.hold_id not in look.moratoria:
            facts = facts.with_hold(hold.hold_id, ended_at=now)
            facts = facts.noted(now, "hold.lifted", "R-04", "I.3", about=hold.hold_id, source=_REGISTER)
    return facts


_REGISTER = "register"


# ---- II.1, II.2 -------------------------------------------------------------------------------


def issue_notice(facts: CaseFacts, kind: NoticeKind, now: datetime) -> tuple[CaseFacts, Notice]:
    """Plan a notice: its bills, its deadline, the specific time of the cut that would follow (R-05, R-07)."""
    named, schedule, put_off_from = _yellow_plan(facts, now) if kind == "yellow" else _red_plan(facts, now)
    facts, notice_id = facts.numbered(f"{kind}-notice")
    notice = Notice(
        notice_id=notice_id,
        kind=kind,
        bills=named,
        amount=money(facts.outstanding(named)),
        late_fee=facts.late_fee(now, named),
        issued_at=now,
        deadline=schedule.deadline,
        cut_at=schedule.cut_at,
    )
    stage = "yellow_notice" if kind == "yellow" else "red_notice"
    facts = facts.but(notices=(*facts.notices, notice), stage=stage, offer_due=facts.offer_due and kind == "yellow")
    rule, clause = ("R-05", "II.1") if kind == "yellow" else ("R-07", "II.2")
    facts = facts.noted(
        now,
        "notice.issued",
        rule,
        clause,
        about=notice_id,
        kind=kind,
        bills=named,
        amount=notice.amount,
        late_fee=notice.late_fee,
        deadline=notice.deadline,
        cut_at=notice.cut_at,
        put_off_from=put_off_from,
    )
    if kind == "red" and facts.account.customer_class == "non_residential":
        facts = facts.noted(now, "station_head.told", "R-10", "II.2", about=notice_id)
        facts = facts.told(
            now,
            "station_head",
            "red notice issued",
            f"非居民户 {facts.account.account_id} 的红色中止供电通知书 {notice_id} 已开具，欠费 {notice.amount} 元。",
            f"Red notice {notice_id} is issued to non-residential account {facts.account.account_id}: "
            f"{notice.amount} owed.",
            about=notice_id,
        )
    return facts, notice


_Plan = tuple[tuple[str, ...], clock.Schedule, datetime | None]


def _yellow_plan(facts: CaseFacts, now: datetime) -> _Plan:
    named = tuple(b.bill_id for b in facts.arrears)
    oldest = oldest_due(facts, named)
    assert oldest is not None, "a notice names at least one bill that owes"
    schedule: clock.Schedule | None = None
    for policy in all_policies(facts):  # by the one in force, and never before what a former one would state
        schedule = clock.yellow_schedule(now, oldest, policy, protected_days(facts), schedule)
    assert schedule is not None
    return named, schedule, None


def _red_plan(facts: CaseFacts, now: datetime) -> _Plan:
    """With the time from which it was put off, if the field unit had no room on that day."""
    first = red_schedule(facts, now)
    slot = facts.slot if facts.spreads_cuts else None
    schedule = red_schedule(facts, now, not_before=slot.day) if slot else first
    return bills_for_red(facts), schedule, first.cut_at if schedule.cut_at > first.cut_at else None


def bill_lines(facts: CaseFacts, bills: tuple[str, ...], now: datetime) -> tuple[BillLine, ...]:
    """What a notice says of each bill."""
    return tuple(
        BillLine(
            bill_id=b.bill_id,
            due_date=b.due_date,
            outstanding=money(b.outstanding),
            late_fee=facts.late_fee(now, (b.bill_id,)),
        )
        for b in facts.arrears
        if b.bill_id in bills
    )


# ---- II.3, II.4, II.6 -------------------------------------------------------------------------


def send_cut_ticket(facts: CaseFacts, now: datetime) -> tuple[CaseFacts, Ticket]:
    """The disconnection ticket, in the name of the reader who served (R-15)."""
    red = facts.red
    assert red is not None
    facts, ticket_id = facts.numbered("cut-ticket")
    ticket = Ticket(
        ticket_id=ticket_id,
        kind="cut",
        notice_id=red.notice_id,
        meter_id=facts.account.meter_id,
        field_unit=facts.account.field_unit,
        sent_by=red.delivered_by or facts.account.reader,
        sent_at=now,
        due_at=red.cut_at,
    )
    facts = facts.but(tickets=(*facts.tickets, ticket), stage="ticketed")
    facts = facts.noted(
        now, "billing.checked", "R-17", "II.6", about=ticket_id, when="ticket", answer="owes", owed=facts.debt.owed
    )
    return _noted_ticket(facts, ticket, now, "R-15", "II.3"), ticket


def ticket_arrived(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """The ticket is in the inbox. A disconnection ticket that got there after the day before is given up (R-15)."""
    ticket, red = facts.ticket(ticket_id), facts.red
    if ticket is None or ticket.kind != "cut" or not ticket.live or red is None:
        return facts
    if now < clock.ticket_too_late(red.cut_at, terms(facts, red)):
        return facts
    return end_attempt(facts, now, "the ticket did not reach the field unit the day before", counted=True)


def reach_half_hour(facts: CaseFacts, now: datetime) -> CaseFacts:
    """T - 30 min: billing is looked into, and who still owes is to be told the time again (R-16, R-17)."""
    red, ticket = facts.red, facts.cut_ticket
    assert red is not None
    assert ticket is not None
    facts = facts.with_ticket(ticket.ticket_id, half_hour_reached=True).but(stage="final_half_hour")
    return facts.noted(now, "half_hour.reached", "R-16", "II.4", about=ticket.ticket_id, cut_at=red.cut_at)


def half_hour_answered(facts: CaseFacts, ticket_id: str, now: datetime, *, answered: bool) -> CaseFacts:
    """What billing said at T - 30 min; no answer lets the time slip at once (R-17)."""
    ticket, red = facts.ticket(ticket_id), facts.red
    if ticket is None or not ticket.live or red is None:
        return facts
    word = "no_answer" if not answered else "owes" if owes(facts, red) else "settled"
    facts = facts.with_ticket(ticket_id, billing_checked_at=now, billing_answer=word)
    return facts.noted(
        now,
        "billing.checked",
        "R-17",
        "II.6",
        about=ticket_id,
        when="half_hour",
        answer=word,
        owed=facts.debt.owed if answered else None,
    )


# ---- III --------------------------------------------------------------------------------------


def send_restoration_ticket(facts: CaseFacts, cut_id: str, now: datetime) -> tuple[CaseFacts, Ticket]:
    """The restoration ticket; it needs no approval and is never recalled (R-24)."""
    cut = next(c for c in facts.cuts if c.cut_id == cut_id)
    assert cut.restore_since is not None
    assert cut.restore_due_by is not None
    ticket = Ticket(
        ticket_id=cut.restore_ticket,
        kind="restore",
        meter_id=cut.meter_id,
        field_unit=facts.account.field_unit,
        sent_by=facts.account.reader,
        sent_at=now,
        due_at=cut.restore_due_by,
    )
    facts = facts.but(tickets=(*facts.tickets, ticket), stage="restoring")
    return _noted_ticket(facts, ticket, now, "R-22", "III.1"), ticket


def _noted_ticket(facts: CaseFacts, ticket: Ticket, now: datetime, rule: str, clause: str) -> CaseFacts:
    return facts.noted(
        now,
        "ticket.sent",
        rule,
        clause,
        about=ticket.ticket_id,
        kind=ticket.kind,
        meter_id=ticket.meter_id,
        field_unit=ticket.field_unit,
        notice_id=ticket.notice_id,
        sent_by=ticket.sent_by,
        due_at=ticket.due_at,
    )


def cut_to_answer_for(facts: CaseFacts) -> Cut | None:
    """The cut a request for restoration is about: of the account's own meter before any other."""
    own = [c for c in facts.cuts_off if c.meter_id == facts.account.meter_id]
    every = own or list(facts.cuts_off)
    return every[-1] if every else None


# ---- closing ----------------------------------------------------------------------------------


def close(facts: CaseFacts, leave: Leave, now: datetime) -> CaseFacts:
    """The case is over; whatever was still put before somebody needs no answer any more."""
    escalations = tuple(e.model_copy(update={"state": "closed"}) if e.state == "open" else e for e in facts.escalations)
    facts = facts.but(
        stage="closed",
        outcome=leave.outcome,
        outcome_reason=leave.reason,
        closed_at=now,
        escalations=escalations,
        slot=None,  # the register gives a closed case's day to others
    )
    return facts.noted(now, "case.closed", "R-30", "II.8", outcome=leave.outcome, reason=leave.reason)


def reopen(facts: CaseFacts, before: CaseFacts, now: datetime) -> CaseFacts:
    """Something arrived while the case was being closed: it goes on as if it had not been."""
    stage = before.stage if facts.stage == "closed" else facts.stage
    closed = {e.escalation_id: e.state for e in before.escalations}
    facts = facts.but(
        stage=stage,
        outcome=None,
        outcome_reason=None,
        closed_at=None,
        escalations=tuple(
            e.model_copy(update={"state": closed[e.escalation_id]}) if e.escalation_id in closed else e
            for e in facts.escalations
        ),
    )
    return facts.noted(now, "case.reopened", "R-30", "II.0")
