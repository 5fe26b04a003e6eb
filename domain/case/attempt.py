"""How an attempt ends: its notice is void, its ticket recalled, its permit revoked."""

from datetime import datetime

from domain.case.escalations import close_escalations, raise_escalation
from domain.case.facts import CaseFacts
from domain.record.reasons import Reason, because, reason_zh
from domain.record.subjects import subject


def void_notice(
    facts: CaseFacts, notice_id: str, now: datetime, reason: Reason, *, counted: bool, reported: bool = True
) -> CaseFacts:
    """Void a notice for its time; put it before the team leader, and count it towards waiting for a person (R-07).

    `counted` is false for voids that come of holds, promises and plans, and of debts that were settled.
    """
    notice = facts.notice(notice_id)
    assert notice is not None
    facts = facts.with_notice(notice_id, state="void", void_reason=reason)
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    facts = facts.noted(
        now, "notice.void", under=(rule, clause), about=notice_id, kind=notice.kind, reason=reason, counted=counted
    )
    facts = close_escalations(facts, notice_id=notice_id)
    if counted:
        voids = facts.voids_in_a_row.get(notice.kind, 0) + 1
        facts = facts.but(voids_in_a_row={**facts.voids_in_a_row, notice.kind: voids})
        if voids > facts.policy.max_reissues:
            facts = facts.but(needs_person=f"{voids} {notice.kind} notices in a row came to nothing")
    if reported:
        facts, _ = raise_escalation(facts, now, "void", "team_leader", notice_id=notice_id, subject=reason)
    return facts


def end_attempt(facts: CaseFacts, now: datetime, reason: Reason, *, counted: bool, reported: bool = True) -> CaseFacts:
    """Give up the standing red notice and all that hangs on it (R-20): no cut without a stated time."""
    red = facts.red
    facts = recall_cut_ticket(facts, now, reason)
    if red is None:
        return facts
    facts = void_notice(facts, red.notice_id, now, reason, counted=counted, reported=reported)
    return facts.but(stage="red_notice") if not facts.cuts_off else facts


def attempt_ended_by_a_change(facts: CaseFacts) -> CaseFacts:
    """Count an attempt that a change of the customer's record has ended; it counts towards nothing else (R-32).

    After `max_reissues` of them in one case a person decides, or two exports could alternate for ever.
    """
    ended = facts.records.attempts_ended + 1
    facts = facts.but(records=facts.records.model_copy(update={"attempts_ended": ended}))
    if ended < facts.policy.max_reissues or facts.needs_person:
        return facts
    return facts.but(needs_person=because("record_changed_often", times=ended))


def recall_cut_ticket(facts: CaseFacts, now: datetime, reason: Reason) -> CaseFacts:
    """Recall the disconnection ticket and revoke its permit; the crew is notified of both."""
    facts = revoke_permit(facts, now, reason)
    ticket = facts.cut_ticket
    if ticket is None:
        return facts
    facts = facts.with_ticket(ticket.ticket_id, state="recalled")
    facts = facts.noted(now, "ticket.recalled", about=ticket.ticket_id, reason=reason)
    return facts.notified(
        now,
        "field_crew",
        subject("ticket_recalled"),
        f"停电工作票 {ticket.ticket_id} 已撤回，不得停电（表号 {ticket.meter_id}）。原因：{reason_zh(reason)}",
        f"Disconnection ticket {ticket.ticket_id} is recalled: do not cut meter {ticket.meter_id}. Reason: {reason}",
        about=ticket.ticket_id,
    )


def revoke_permit(
    facts: CaseFacts, now: datetime, reason: Reason, *, unanswered_since: datetime | None = None
) -> CaseFacts:
    """Revoke the open permit at once (R-18, P2); the crew is notified, and must say whether it had already cut.

    `unanswered_since`: when the message came to which billing has been silent, where that is why (R-31).
    """
    permit = facts.open_permit
    if permit is None:
        return facts
    facts = facts.with_permit(permit.permit_id, state="revoked", ended_at=min(now, permit.valid_until))
    facts = facts.noted(now, "permit.revoked", about=permit.permit_id, reason=reason, unanswered_since=unanswered_since)
    return facts.notified(
        now,
        "field_crew",
        subject("permit_revoked"),
        f"停电许可 {permit.permit_id} 已撤销，立即停止操作（表号 {permit.meter_id}），并回报现场情况。"
        f"原因：{reason_zh(reason)}",
        f"Permit {permit.permit_id} is revoked: stop at once, meter {permit.meter_id}, and report. Reason: {reason}",
        about=permit.permit_id,
    )
