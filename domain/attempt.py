"""The ends of things: void notices, recalled tickets, revoked permits, incidents, reports to a rung."""

from datetime import datetime, timedelta

from domain.facts import CaseFacts, Escalation, Incident
from domain.model import Actor, IncidentKind, Role
from domain.reason_words import reason_zh


def void_notice(
    facts: CaseFacts, notice_id: str, now: datetime, reason: str, *, counted: bool, reported: bool = True
) -> CaseFacts:
    """Void a notice for its time; put it before the team leader, and count it towards waiting for a person (R-07).

    `counted` is false for voids that come of holds, promises and plans, and of debts that were settled.
    """
    notice = facts.notice(notice_id)
    assert notice is not None
    facts = facts.with_notice(notice_id, state="void", void_reason=reason)
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    facts = facts.noted(
        now, "notice.void", rule, clause, about=notice_id, kind=notice.kind, reason=reason, counted=counted
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


def end_attempt(facts: CaseFacts, now: datetime, reason: str, *, counted: bool) -> CaseFacts:
    """Give up the standing red notice and all that hangs on it (R-20): nothing is cut at a time nobody was told."""
    red = facts.red
    facts = recall_cut_ticket(facts, now, reason)
    if red is None:
        return facts
    facts = void_notice(facts, red.notice_id, now, reason, counted=counted)
    return facts.but(stage="red_notice") if not facts.cuts_off else facts


def recall_cut_ticket(facts: CaseFacts, now: datetime, reason: str) -> CaseFacts:
    """Recall the disconnection ticket and revoke its permit; the crew is told of both."""
    facts = revoke_permit(facts, now, reason)
    ticket = facts.cut_ticket
    if ticket is None:
        return facts
    facts = facts.with_ticket(ticket.ticket_id, state="recalled")
    facts = facts.noted(now, "ticket.recalled", "R-20", "II.3", about=ticket.ticket_id, reason=reason)
    return facts.told(
        now,
        "field_crew",
        "ticket recalled",
        f"停电工作票 {ticket.ticket_id} 已撤回，不得停电（表号 {ticket.meter_id}）。原因：{reason_zh(reason)}",
        f"Disconnection ticket {ticket.ticket_id} is recalled: do not cut meter {ticket.meter_id}. Reason: {reason}",
        about=ticket.ticket_id,
    )


def revoke_permit(facts: CaseFacts, now: datetime, reason: str) -> CaseFacts:
    """Revoke the open permit at once (R-18, P2); the crew is told, and must say whether it had already cut."""
    permit = facts.open_permit
    if permit is None:
        return facts
    facts = facts.with_permit(permit.permit_id, state="revoked", ended_at=min(now, permit.valid_until))
    facts = facts.noted(now, "permit.revoked", "R-18", "II.6", about=permit.permit_id, reason=reason)
    return facts.told(
        now,
        "field_crew",
        "permit revoked",
        f"停电许可 {permit.permit_id} 已撤销，立即停止操作（表号 {permit.meter_id}），并回报现场情况。"
        f"原因：{reason_zh(reason)}",
        f"Permit {permit.permit_id} is revoked: stop at once, meter {permit.meter_id}, and report. Reason: {reason}",
        about=permit.permit_id,
    )


def raise_escalation(
    facts: CaseFacts,
    now: datetime,
    kind: str,
    rung: Role,
    *,
    subject: str,
    notice_id: str | None = None,
    about: str | None = None,
    answer_hours: int | None = None,
) -> tuple[CaseFacts, str]:
    """Put a report before a rung and tell it; returns the escalation's id."""
    facts, escalation_id = facts.numbered("escalation")
    escalation = Escalation.model_validate(
        {
            "escalation_id": escalation_id,
            "kind": kind,
            "rung": rung,
            "raised_at": now,
            "answer_by": now + timedelta(hours=answer_hours) if answer_hours else None,
            "notice_id": notice_id,
            "about": about,
        }
    )
    facts = facts.but(escalations=(*facts.escalations, escalation))
    facts = facts.noted(
        now,
        "escalation.raised",
        *_ESCALATION_CLAUSE[kind],
        about=escalation_id,
        rung=rung,
        kind=kind,
        notice_id=notice_id,
        subject=subject,
    )
    title_zh, title_en = _ESCALATION_TITLE[kind]
    facts = facts.told(
        now,
        rung,
        title_en,
        f"{title_zh}：户号 {facts.account.account_id}，{reason_zh(subject)}。请确认（上报编号 {escalation_id}）。",
        f"{title_en}: account {facts.account.account_id}, {subject}. Please acknowledge {escalation_id}.",
        about=escalation_id,
    )
    return facts, escalation_id


def close_escalations(
    facts: CaseFacts, *, notice_id: str | None = None, about: str | None = None, kind: str | None = None
) -> CaseFacts:
    """Close those still open that belong to a notice, a subject, or a kind: nobody needs to answer them any more."""
    return facts.but(
        escalations=tuple(
            e.model_copy(update={"state": "closed"})
            if e.state == "open"
            and (notice_id is None or e.notice_id == notice_id)
            and (about is None or e.about == about)
            and (kind is None or e.kind == kind)
            else e
            for e in facts.escalations
        )
    )


def open_incident(
    facts: CaseFacts,
    now: datetime,
    kind: IncidentKind,
    at: datetime,
    persons: tuple[str, ...],
    why_zh: str,
    why_en: str,
) -> tuple[CaseFacts, str]:
    """Record a violation or a breach and tell the leaders; it stays open until it has an outcome (R-27, R-28)."""
    facts, incident_id = facts.numbered("incident")
    incident = Incident(incident_id=incident_id, kind=kind, at=at, persons=persons)
    facts = facts.but(incidents=(*facts.incidents, incident))
    rule, clause = _INCIDENT_CLAUSE[kind]
    facts = facts.noted(
        now, "incident.opened", rule, clause, at=at, about=incident_id, kind=kind, persons=persons, why=why_en
    )
    leaders: tuple[Role, ...] = ("centre_director", "company_leader")
    for leader in leaders:
        facts = facts.told(
            now,
            leader,
            f"incident: {kind}",
            f"事件上报：户号 {facts.account.account_id}，{why_zh}。请查明处理并给出结论（编号 {incident_id}）。",
            f"Incident on account {facts.account.account_id}: {why_en}. Close {incident_id} with an outcome.",
            about=incident_id,
        )
    return facts, incident_id


def actor_name(actor: Actor | None) -> tuple[str, ...]:
    """The actor as a person of an incident: id and role, never the name."""
    return (f"{actor.role} {actor.id}",) if actor else ()


_ESCALATION_CLAUSE: dict[str, tuple[str, str]] = {
    "refusal": ("R-09", "II.2"),
    "void": ("R-07", "II.2"),
    "permit_unanswered": ("R-18", "II.7"),
    "restore_warning": ("R-25", "III.3"),
}
_ESCALATION_TITLE: dict[str, tuple[str, str]] = {
    "refusal": ("客户拒签上报", "Signature refused"),
    "void": ("通知书作废", "Notice void"),
    "permit_unanswered": ("停电许可后无回报", "Permit without an answer from the crew"),
    "restore_warning": ("复电时限预警", "Restoration warning"),
}
_INCIDENT_CLAUSE: dict[IncidentKind, tuple[str, str]] = {
    "unauthorised_cut": ("R-27", "III.4"),
    "cut_after_settlement": ("R-24", "II.6"),
    "wrong_meter": ("R-19", "II.7"),
    "restoration_breach": ("R-26", "III.3"),
}
