"""How a case is seen: snapshot, who is awaited, the rows for the register, the details in Temporal UI."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from domain.case.conditions import filing_missing, missing_approvals, why_not_cut
from domain.case.due_times import attempt_times, deliver_by
from domain.case.entities import Cut, Incident, Notice, Ticket
from domain.case.facts import CaseFacts
from domain.case.neighbours import shown_stage, ticket_to_verify
from domain.case.own_meters import is_of_his, own_cuts
from domain.case.procedure import boundaries, unanswered_permits
from domain.case.tasks import ACTS, Awaited, tasks_of
from domain.record.rows import CaseRow, IncidentRow, NoticeRow, Record, TicketRow
from domain.vocabulary import Contract, money
from domain.words import STAGES

PORTION = 40_000
"""Characters of evidence, and of messages, that one record carries at most: 120 kB each, written in Chinese."""

_NOT_SHOWN = {"approval_asked", "delivered_by", "spent", "former_classes", "was_important", "settled_at"}
"""What of a notice the snapshot leaves out."""
_Entry = TypeVar("_Entry", bound=Contract)


def waiting_for(facts: CaseFacts, now: datetime) -> tuple[Awaited, ...]:
    """Everyone whose message the case awaits; what stands first is due first."""
    if facts.closed_at:
        return ()
    found = (
        _awaited_reports(facts)
        + _awaited_restoration(facts)
        + ([] if facts.cuts_off or facts.withdrawn else _awaited_procedure(facts, now))
        + [
            Awaited(role="centre_director", act="close_incident", id=i.incident_id)
            for i in facts.incidents
            if not i.outcome
        ]
    )
    return tuple(sorted(found, key=lambda a: (a.by is None, a.by or now)))


def _awaited_reports(facts: CaseFacts) -> list[Awaited]:
    found = [
        Awaited(role=e.rung, act="acknowledge_escalation", id=e.escalation_id, by=e.answer_by)
        for e in facts.escalations
        if e.state == "open"
    ]
    for permit in facts.permits:
        if permit.permit_id in unanswered_permits(facts):
            ticket = permit.ticket_id
            found.append(Awaited(role="field_crew", act="report_cut", id=permit.permit_id, by=permit.valid_until))
            found.append(Awaited(role="field_crew", act="report_not_cut", id=ticket, by=permit.valid_until))
    return found


def _awaited_restoration(facts: CaseFacts) -> list[Awaited]:
    found = []
    sent = {t.ticket_id: t for t in facts.tickets}
    for cut in facts.to_restore:
        ticket = sent.get(cut.restore_ticket)
        if ticket is None:
            continue
        if ticket.state == "sent":
            found.append(
                Awaited(role="field_crew", act="acknowledge_ticket", id=ticket.ticket_id, by=cut.restore_due_by)
            )
        found.append(Awaited(role="field_crew", act="report_restored", id=ticket.ticket_id, by=cut.restore_due_by))
    return found


def _awaited_procedure(facts: CaseFacts, now: datetime) -> list[Awaited]:
    yellow, red, ticket = facts.yellow, facts.red, facts.cut_ticket
    found: list[Awaited] = []
    if facts.offer_due and not facts.held:
        found.append(Awaited(role="reader", act="record_promise"))
    if facts.meter_doubted_at and facts.in_arrears:
        found.append(Awaited(role="reader", act="verify_meter", id=ticket_to_verify(facts), by=_verified_by(facts)))
    if facts.needs_person:
        found.append(Awaited(role="team_leader", act="serve_again"))
    if yellow and yellow.delivered_at is None:
        by = deliver_by(facts, yellow)
        found.append(Awaited(role="reader", act="record_delivery", id=yellow.notice_id, by=by))
    if red is None:
        return found
    times = attempt_times(facts, red)
    if red.delivered_at is None:
        by = deliver_by(facts, red)
        found.append(Awaited(role="reader", act="record_delivery", id=red.notice_id, by=by))
    if ticket is None and not facts.held:
        if red.served:
            found += [
                Awaited(role=role, act="decide_approval", id=red.notice_id, by=times.ticket)
                for role in missing_approvals(facts)
            ]
        if filing_missing(facts):
            found.append(Awaited(role="liaison", act="record_filing", id=red.notice_id, by=times.ticket))
    if ticket is None:
        return found
    if ticket.state == "sent":
        found.append(Awaited(role="field_crew", act="acknowledge_ticket", id=ticket.ticket_id, by=times.final_notice))
    if now >= times.final_notice and ticket.told_at is None:
        found.append(Awaited(role="reader", act="record_final_notice", id=ticket.ticket_id, by=red.cut_at))
    if ticket.meter_verdict == "asked" and facts.meter_doubted_at is None:
        found.append(Awaited(role="reader", act="verify_meter", id=ticket.ticket_id, by=times.window_end))
    if now >= red.cut_at and facts.open_permit is None:
        found.append(Awaited(role="field_crew", act="request_permit", id=ticket.ticket_id, by=times.window_end))
    return found


def _verified_by(facts: CaseFacts) -> datetime | None:
    """Until when the doubted meter of a ticket that is out may be verified."""
    return window_end(facts, facts.cut_ticket) if facts.cut_ticket else None


def next_deadline(facts: CaseFacts, now: datetime) -> datetime | None:
    """The next moment at which the clock alone moves the case."""
    if facts.closed_at:
        return None
    return min((at for at, _ in boundaries(facts) if at > now), default=None)


# ---- the register's rows ----------------------------------------------------------------------


def record(facts: CaseFacts, before: CaseFacts | None, revision: int, now: datetime) -> Record:
    """What changed since the last write, with the journal and the messages, as far as they fit into one record."""
    return Record(
        case=case_row(facts, revision, now),
        evidence=_portion(facts.journal),
        messages=_portion(facts.outgoing),
        notices=tuple(_notice_row(facts, n) for n in _changed(facts.notices, before.notices if before else ())),
        tickets=tuple(_ticket_row(facts, t) for t in _changed(facts.tickets, before.tickets if before else ())),
        incidents=tuple(_incident_row(facts, i) for i in _changed(facts.incidents, before.incidents if before else ())),
    )


def after(facts: CaseFacts, written: Record) -> CaseFacts:
    """The facts without what this record carries away."""
    return facts.but(journal=facts.journal[len(written.evidence) :], outgoing=facts.outgoing[len(written.messages) :])


def _portion(entries: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    """The first of them that fit. Thousands may have come at once, and Temporal refuses a payload above 2 MB."""
    size = 0
    for n, entry in enumerate(entries):
        size += len(entry.model_dump_json())
        if n and size > PORTION:
            return entries[:n]
    return entries


def _changed(those: tuple[_Entry, ...], before: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    return tuple(one for one in those if one not in before)


def case_row(facts: CaseFacts, revision: int, now: datetime) -> CaseRow:
    """The case for lists and worklists."""
    account, cut = facts.account, _own_cut(facts)
    return CaseRow(
        case_key=facts.case_key,
        account_id=account.account_id,
        workflow_id=facts.workflow_id,
        revision=revision,
        stage=shown_stage(facts),
        outcome=facts.outcome,
        outcome_reason=facts.outcome_reason,
        customer_class=account.customer_class,
        important=account.important,
        reading_centre=account.reading_centre,
        field_unit=account.field_unit,
        region=account.region,
        owed=money(facts.debt.owed),
        late_fee=facts.late_fee(now),
        debt_as_of=facts.debt.as_of,
        debt_mark=facts.debt.mark(),
        record_number=facts.record_number,
        record_mark=facts.record.mark() if facts.record else None,
        supply_off=bool(facts.to_restore),
        planned_cut_at=planned_cut_at(facts),
        cut_at=cut.at if cut else None,
        settled_at=cut.settled_at if cut else None,
        restore_due_by=restore_due_by(facts),
        restored_at=cut.restored_at if cut else None,
        next_deadline=next_deadline(facts, now),
        opened_at=facts.opened_at,
        closed_at=facts.closed_at,
        policy=facts.policy.label,
        tasks=tuple(task for awaited in waiting_for(facts, now) for task in tasks_of(facts, awaited)),
    )


def _own_cut(facts: CaseFacts) -> Cut | None:
    """The latest cut of the account's own meter; of another one, only if there is no other."""
    own = [c for c in own_cuts(facts) if is_of_his(facts, c)]
    every = own or list(own_cuts(facts))
    return every[-1] if every else None


def planned_cut_at(facts: CaseFacts) -> datetime | None:
    """The time that the standing notice states."""
    notice = facts.red or facts.yellow
    return notice.cut_at if notice and not facts.cuts_off else None


def restore_due_by(facts: CaseFacts) -> datetime | None:
    """The earliest time by which supply must be back."""
    return min((c.restore_due_by for c in facts.to_restore if c.restore_due_by), default=None)


def notice_row(facts: CaseFacts, notice_id: str) -> NoticeRow:
    """One notice as the register keeps it."""
    return next(_notice_row(facts, n) for n in facts.notices if n.notice_id == notice_id)


def ticket_row(facts: CaseFacts, ticket_id: str) -> TicketRow:
    """One ticket as the register keeps it."""
    return next(_ticket_row(facts, t) for t in facts.tickets if t.ticket_id == ticket_id)


def window_end(facts: CaseFacts, ticket: Ticket) -> datetime | None:
    """When a disconnection ticket's cut may no longer begin (R-18); of a restoration ticket, nothing."""
    notice = facts.notice(ticket.notice_id) if ticket.kind == "cut" and ticket.notice_id else None
    return attempt_times(facts, notice).window_end if notice else None


def _notice_row(facts: CaseFacts, notice: Notice) -> NoticeRow:
    return NoticeRow.model_validate({**notice.model_dump(include=set(NoticeRow.model_fields)), **_owner(facts)})


def _ticket_row(facts: CaseFacts, ticket: Ticket) -> TicketRow:
    return TicketRow.model_validate({**ticket.model_dump(include=set(TicketRow.model_fields)), **_owner(facts)})


def _incident_row(facts: CaseFacts, incident: Incident) -> IncidentRow:
    return IncidentRow.model_validate({**incident.model_dump(), **_owner(facts)})


def _owner(facts: CaseFacts) -> dict[str, str]:
    return {"account_id": facts.account.account_id, "case_key": facts.case_key}


# ---- the snapshot -----------------------------------------------------------------------------


def snapshot(facts: CaseFacts, now: datetime) -> dict[str, Any]:
    """The case as the `snapshot` query answers it: JSON, times in the utility's zone, money as text."""
    cut, permit = _own_cut(facts), facts.permit
    view: dict[str, Any] = {
        "account_id": facts.account.account_id,
        "opened": True,
        "stage": shown_stage(facts),
        "outcome": facts.outcome,
        "outcome_reason": facts.outcome_reason,
        "owed": money(facts.debt.owed),
        "late_fee": facts.late_fee(now),
        "as_of": facts.debt.as_of,
        "bills": [
            {"bill_id": b.bill_id, "amount": b.amount, "due_date": b.due_date, "outstanding": money(b.outstanding)}
            for b in facts.bills_at_hand
        ],
        "notices": [n.model_dump(exclude=_NOT_SHOWN, exclude_none=True) for n in facts.notices],
        "planned_cut_at": planned_cut_at(facts),
        "approvals": [a.model_dump() for a in facts.approvals],
        "tickets": [
            {k: getattr(t, k) for k in ("ticket_id", "kind", "notice_id", "meter_id", "state", "sent_at")}
            for t in facts.tickets
        ],
        "permit": permit and {k: getattr(permit, k) for k in ("permit_id", "ticket_id", "valid_until", "state")},
        "escalations": [
            {k: getattr(e, k) for k in ("escalation_id", "kind", "notice_id", "rung", "state")}
            for e in facts.escalations
        ],
        "cut_at": cut and cut.at,
        "settled_at": cut and cut.settled_at,
        "restore_due_by": restore_due_by(facts) or (cut and cut.restore_due_by),
        "restored_at": cut and cut.restored_at,
        "promise": facts.promise and facts.promise.model_dump(exclude={"paid_before", "on"}),
        "plan": facts.plan and facts.plan.model_dump(exclude={"paid_before", "on"}),
        "holds": [h.model_dump() for h in facts.holds],
        "incidents": [i.model_dump() for i in facts.incidents],
        "waiting_for": [a.model_dump() for a in waiting_for(facts, now)],
        "needs_person": facts.needs_person,
        "next_deadline": next_deadline(facts, now),
        "policy": facts.policy.label,
    }
    answer: dict[str, Any] = _json(view, facts)
    return answer


def _json(value: Any, facts: CaseFacts) -> Any:
    """Plain JSON in the utility's own zone; what is not known is left out."""
    if isinstance(value, dict):
        return {k: _json(v, facts) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_json(v, facts) for v in value]
    if isinstance(value, datetime):
        return value.astimezone(facts.policy.zone).isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


# ---- Temporal UI ------------------------------------------------------------------------------


def details(facts: CaseFacts, now: datetime, waiting: Iterable[Awaited]) -> str:
    """Current details: where the case stands, who must do what by when, what is unmet; Chinese, then English."""
    zone = facts.policy.zone
    stage = STAGES[shown_stage(facts)]
    lines = [f"**{stage.zh}** / {stage.en}: {facts.account.account_id}, {facts.debt.owed} {facts.policy.currency}"]
    if facts.needs_person:
        lines.append(f"- 须由人处理 / needs a person: {facts.needs_person}")
    for awaited in waiting:
        act_zh, act_en = ACTS[awaited.act]
        by = f" ≤ {awaited.by.astimezone(zone):%Y-%m-%d %H:%M}" if awaited.by else ""
        lines.append(f"- {awaited.role}: {act_zh} / {act_en} (`{awaited.act}` {awaited.id or ''}){by}")
    if not facts.cuts_off and facts.closed_at is None:
        lines.append("")
        lines.append("停电条件未满足 / unmet conditions for a cut:")
        lines += [f"- {c.rule} ({c.clause}) {c.text_zh} / {c.text_en}" for c in why_not_cut(facts, now)]
    return "\n".join(lines)
