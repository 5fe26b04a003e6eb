"""What the case's own steps issue: a planned notice, a disconnection ticket, a restoration ticket."""

from datetime import datetime

from domain.case.attempt import end_attempt
from domain.case.conditions import oldest_due
from domain.case.cut_days import bills_for_red, red_schedule
from domain.case.due_times import attempt_times
from domain.case.entities import Notice, NoticeKind, Ticket
from domain.case.facts import CaseFacts
from domain.case.own_meters import meter_to_restore
from domain.law import clock
from domain.record.reasons import because
from domain.record.rows import BillLine
from domain.record.subjects import subject
from domain.vocabulary import money

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
        under=(rule, clause),
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
        facts = station_head_is_notified(facts, notice, now)
    return facts, notice


def station_head_is_notified(facts: CaseFacts, red: Notice, now: datetime) -> CaseFacts:
    """Non-residential: the station head is notified of every red notice (R-10)."""
    account, notice_id = facts.account.account_id, red.notice_id
    facts = facts.noted(now, "station_head.told", about=notice_id)
    return facts.notified(
        now,
        "station_head",
        subject("red_notice_issued"),
        f"非居民户 {account} 的红色中止供电通知书 {notice_id} 已开具，欠费 {red.amount} 元。",
        f"Red notice {notice_id} is issued to non-residential account {account}: {red.amount} owed.",
        about=notice_id,
    )


_Plan = tuple[tuple[str, ...], clock.Schedule, datetime | None]


def _yellow_plan(facts: CaseFacts, now: datetime) -> _Plan:
    named = tuple(b.bill_id for b in facts.arrears)
    oldest = oldest_due(facts, named)
    assert oldest is not None, "a notice names at least one bill that owes"
    schedule: clock.Schedule | None = None
    for policy in facts.all_policies():  # by the one in force, and never before what a former one would state
        schedule = clock.yellow_schedule(now, oldest, policy, facts.protected_days(), schedule)
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
    facts = facts.noted(now, "billing.checked", about=ticket_id, when="ticket", answer="owes", owed=facts.debt.owed)
    return _noted_ticket(facts, ticket, now, "R-15", "II.3"), ticket


def ticket_arrived(facts: CaseFacts, ticket_id: str, now: datetime) -> CaseFacts:
    """The ticket is in the inbox. A disconnection ticket that got there after the day before is given up (R-15)."""
    ticket, red = facts.ticket(ticket_id), facts.red
    if ticket is None or ticket.kind != "cut" or not ticket.live or red is None:
        return facts
    if now < attempt_times(facts, red).ticket_too_late:
        return facts
    return end_attempt(facts, now, because("ticket_arrived_late"), counted=True)


# ---- III --------------------------------------------------------------------------------------


def send_restoration_ticket(facts: CaseFacts, cut_id: str, now: datetime) -> tuple[CaseFacts, Ticket]:
    """The restoration ticket; it needs no approval and is never recalled (R-24)."""
    cut = next(c for c in facts.cuts if c.cut_id == cut_id)
    assert cut.restore_since is not None
    assert cut.restore_due_by is not None
    ticket = Ticket(
        ticket_id=cut.restore_ticket,
        kind="restore",
        meter_id=meter_to_restore(facts, cut),
        field_unit=facts.account.field_unit,
        sent_by=facts.account.reader,
        sent_at=now,
        due_at=cut.restore_due_by,
    )
    facts = facts.but(tickets=(*facts.tickets, ticket), stage=facts.stage if cut.neighbour else "restoring")
    return _noted_ticket(facts, ticket, now, "R-22", "III.1", neighbour=cut.neighbour), ticket


def _noted_ticket(
    facts: CaseFacts, ticket: Ticket, now: datetime, rule: str, clause: str, *, neighbour: bool = False
) -> CaseFacts:
    return facts.noted(
        now,
        "ticket.sent",
        under=(rule, clause),
        about=ticket.ticket_id,
        kind=ticket.kind,
        meter_id=ticket.meter_id,
        neighbour=neighbour or None,
        field_unit=ticket.field_unit,
        notice_id=ticket.notice_id,
        sent_by=ticket.sent_by,
        due_at=ticket.due_at,
    )
