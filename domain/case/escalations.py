"""What is put before a person, and closed again: the rungs that are open, each with its clause."""

from datetime import datetime, timedelta

from domain.case.entities import Escalation
from domain.case.facts import CaseFacts
from domain.customer import RecordField
from domain.record.reasons import Reason, reason_zh
from domain.record.subjects import Subject, subject
from domain.vocabulary import Role

_ESCALATION_CLAUSE: dict[str, tuple[str, str]] = {
    "refusal": ("R-09", "II.2"),
    "void": ("R-07", "II.2"),
    "permit_unanswered": ("R-18", "II.7"),
    "restore_warning": ("R-25", "III.3"),
    "record_changed": ("R-32", "II.2"),
}


_ESCALATION_TITLE: dict[str, tuple[str, Subject]] = {
    "refusal": ("客户拒签上报", subject("signature_refused")),
    "void": ("通知书作废", subject("notice_void")),
    "permit_unanswered": ("停电许可后无回报", subject("permit_unanswered")),
    "restore_warning": ("复电时限预警", subject("restoration_warning")),
    "record_changed": ("客户档案变更", subject("record_changed")),
}


def raise_escalation(
    facts: CaseFacts,
    now: datetime,
    kind: str,
    rung: Role,
    *,
    subject: Reason,
    notice_id: str | None = None,
    about: str | None = None,
    answer_hours: int | None = None,
    fields: tuple[RecordField, ...] = (),
) -> tuple[CaseFacts, str]:
    """Put a report before a rung and notify it; returns the escalation's id."""
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
            "fields": fields,
            "reason": subject if fields else None,
        }
    )
    facts = facts.but(escalations=(*facts.escalations, escalation))
    facts = facts.noted(
        now,
        "escalation.raised",
        under=_ESCALATION_CLAUSE[kind],
        about=escalation_id,
        rung=rung,
        kind=kind,
        notice_id=notice_id,
        subject=subject,
    )
    title_zh, title_en = _ESCALATION_TITLE[kind]
    facts = facts.notified(
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
