"""Updates about notices: delivery, refusals and the ladder, approvals, filings (II.1, II.2, III.4, III.5)."""

from datetime import datetime

from domain import clock
from domain import messages as m
from domain.attempt import close_escalations, end_attempt, raise_escalation, void_notice
from domain.deadlines import missing_approvals
from domain.facts import CLOCK_SKEW, Approval, CaseFacts, Filing, Notice
from domain.refusal import Refused, check_actor, happened_at
from domain.terms import required_approvals, terms


def record_delivery(facts: CaseFacts, message: m.RecordDelivery, now: datetime) -> tuple[CaseFacts, m.DeliveryRecorded]:
    """A notice was signed, refused or could not be delivered (R-05, R-07, R-08, R-09)."""
    check_actor(facts, message.actor, ("reader",))
    notice = _known(facts, message.notice_id)
    at = happened_at(message.delivered_at, now, "delivered_at")
    if at < notice.issued_at - CLOCK_SKEW:
        raise Refused(
            "TooEarly",
            f"delivered_at lies before the notice was issued at {notice.issued_at.isoformat()}",
            field="delivered_at",
            rule="R-07",
            clause="II.2",
        )
    at = max(at, notice.issued_at)
    if message.outcome == "refused" and (missing := (message.refusal or m.Refusal()).missing()):
        raise Refused(
            "MissingEvidence",
            f"a refusal needs its detailed record; empty: {', '.join(missing)}",
            field=f"refusal.{missing[0]}",
            rule="R-09",
            clause="II.2",
        )
    if notice.state == "void":
        facts = facts.noted(
            now,
            "delivery.too_late",
            "R-07",
            "II.2",
            at=at,
            actor=message.actor,
            about=notice.notice_id,
            outcome=message.outcome,
            reason=notice.void_reason,
        )
        return facts, m.DeliveryRecorded(served=False, void_reason=notice.void_reason)
    if notice.served_at is not None:
        raise Refused("NotWaiting", f"notice {notice.notice_id} is served already", field="notice_id", clause="II.2")
    if message.outcome == "undeliverable":
        return _undeliverable(facts, message, notice, at, now)
    if notice.outcome == "refused" and message.outcome == "refused":
        raise Refused(
            "NotWaiting", f"the refusal of {notice.notice_id} is recorded already", field="outcome", clause="II.2"
        )
    return _delivered(facts, message, notice, at, now)


def _undeliverable(
    facts: CaseFacts, message: m.RecordDelivery, notice: Notice, at: datetime, now: datetime
) -> tuple[CaseFacts, m.DeliveryRecorded]:
    facts = facts.noted(
        now,
        "notice.undeliverable",
        "R-08",
        "II.2",
        at=at,
        actor=message.actor,
        about=notice.notice_id,
        kind=notice.kind,
    )
    return facts, m.DeliveryRecorded(served=False)


def _delivered(
    facts: CaseFacts, message: m.RecordDelivery, notice: Notice, at: datetime, now: datetime
) -> tuple[CaseFacts, m.DeliveryRecorded]:
    notice_id, actor = notice.notice_id, message.actor
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    facts = facts.noted(
        now,
        "notice.delivered",
        rule,
        clause,
        at=at,
        actor=actor,
        about=notice_id,
        kind=notice.kind,
        outcome=message.outcome,
        delivered_at=at,
        cut_at=notice.cut_at,
    )
    policy = terms(facts, notice)
    timely = (
        clock.yellow_is_timely(at, notice.deadline, policy)
        if notice.kind == "yellow"
        else clock.red_notice_is_timely(at, notice.cut_at, policy)
    )
    if not timely:
        facts = void_notice(facts, notice_id, now, "delivered too late", counted=not facts.held)
        return facts, m.DeliveryRecorded(served=False, void_reason="delivered too late")
    if message.outcome == "signed":
        facts = facts.with_notice(notice_id, outcome="signed", delivered_at=at, delivered_by=actor.id)
        return _serve(facts, notice_id, at, now), m.DeliveryRecorded(served=True)
    assert message.refusal is not None
    facts = facts.with_notice(notice_id, outcome="refused", delivered_at=at, delivered_by=actor.id)
    facts = facts.noted(
        now,
        "notice.refused",
        "R-09",
        "II.2",
        at=at,
        actor=actor,
        about=notice_id,
        kind=notice.kind,
        place=message.refusal.place,
        persons=message.refusal.persons,
        words=message.refusal.words,
        evidence=message.refusal.evidence,
    )
    facts, _ = raise_escalation(
        facts,
        now,
        "refusal",
        policy.escalation_ladder[0],
        notice_id=notice_id,
        subject=f"the signature on {notice.kind} notice {notice_id} was refused",
        answer_hours=policy.service_ack_hours,
    )
    if _station_head_answers(facts, notice):
        facts, _ = raise_escalation(
            facts,
            now,
            "refusal",
            "station_head",
            notice_id=notice_id,
            subject=f"the signature on {notice.kind} notice {notice_id} was refused",
        )
    return facts, m.DeliveryRecorded(served=False)


def _station_head_answers(facts: CaseFacts, notice: Notice) -> bool:
    """Non-residential: the station head must acknowledge the refusal of a red notice too (R-10)."""
    return notice.kind == "red" and facts.account.customer_class == "non_residential"


def _serve(facts: CaseFacts, notice_id: str, served_at: datetime, now: datetime) -> CaseFacts:
    notice = _known(facts, notice_id)
    facts = facts.with_notice(notice_id, state="delivered", served_at=served_at)
    facts = close_escalations(facts, notice_id=notice_id)  # nobody need answer for a refusal any more
    if notice.kind == "yellow":
        facts = facts.but(voids_in_a_row={**facts.voids_in_a_row, "yellow": 0})
    rule, clause = ("R-06", "II.1") if notice.kind == "yellow" else ("R-08", "II.2")
    return facts.noted(
        now,
        "notice.served",
        rule,
        clause,
        at=served_at,
        about=notice_id,
        kind=notice.kind,
        outcome=notice.outcome,
        delivered_at=notice.delivered_at,
        cut_at=notice.cut_at,
    )


def acknowledge_escalation(
    facts: CaseFacts, message: m.AcknowledgeEscalation, now: datetime
) -> tuple[CaseFacts, m.Done]:
    """A rung has read a report: a refusal then counts as served (R-09, R-10), a silent crew's permit as answered."""
    escalation = next((e for e in facts.escalations if e.escalation_id == message.escalation_id), None)
    if escalation is None:
        raise Refused(
            "UnknownEscalation",
            f"this case has no escalation {message.escalation_id}",
            field="escalation_id",
            clause="II.2",
        )
    check_actor(facts, message.actor, (escalation.rung,))
    if escalation.state != "open":
        raise Refused("NotWaiting", "this report needs no answer any more", field="escalation_id", clause="II.2")
    facts = facts.with_escalation(escalation.escalation_id, state="acknowledged")
    facts = facts.noted(
        now,
        "escalation.acknowledged",
        "R-09",
        "II.2",
        actor=message.actor,
        about=escalation.escalation_id,
        remark=message.remark,
        kind=escalation.kind,
        notice_id=escalation.notice_id,
    )
    if escalation.kind == "permit_unanswered" and escalation.about:
        facts = facts.with_permit(escalation.about, answered=True)
    if escalation.kind == "refusal" and escalation.notice_id:
        facts = _refusal_may_count(facts, escalation.notice_id, now)
    return facts, m.Done()


def _refusal_may_count(facts: CaseFacts, notice_id: str, now: datetime) -> CaseFacts:
    """Served once a rung of the ladder has acknowledged, and for non-residential red notices the station head too."""
    notice = _known(facts, notice_id)
    if notice.state != "to_deliver":
        return facts
    rungs = {
        e.rung
        for e in facts.escalations
        if e.notice_id == notice_id and e.kind == "refusal" and e.state == "acknowledged"
    }
    on_ladder = bool(rungs & set(terms(facts, notice).escalation_ladder))
    if not on_ladder or (_station_head_answers(facts, notice) and "station_head" not in rungs):
        return facts
    return _serve(facts, notice_id, now, now)


def decide_approval(facts: CaseFacts, message: m.DecideApproval, now: datetime) -> tuple[CaseFacts, m.ApprovalRecorded]:
    """One level approves or rejects the cut of one red notice (R-12, R-13)."""
    notice, actor = _known(facts, message.notice_id), message.actor
    check_actor(facts, actor, required_approvals(facts, notice))
    if notice.state == "void" or notice.spent:
        raise _too_late(f"notice {notice.notice_id} no longer stands: {notice.void_reason or 'used up'}")
    if notice.kind != "red" or not notice.served or facts.held or facts.cuts_off:
        raise Refused("NotWaiting", "no approval is asked for now", field="notice_id", rule="R-13", clause="III.4")
    served_by = {n.delivered_by for n in (facts.yellow, facts.red) if n}
    if actor.id in served_by:
        raise _same_person("who served the notice may not approve the cut")
    mine = [a for a in facts.approvals if a.notice_id == notice.notice_id and a.by == actor.id]
    if any(a.role != actor.role for a in mine):
        raise _same_person("one person fills one level only")
    if message.decision == "rejected":
        facts = _decided(facts, message, now, "approval.rejected")
        reason = f"rejected by {actor.role}" + (f": {message.remark}" if message.remark else "")
        facts = end_attempt(facts, now, reason, counted=False)
        return facts.but(needs_person=reason), m.ApprovalRecorded(granted=False, still_needed=())
    if now > clock.ticket_time(notice.cut_at, terms(facts, notice)):
        raise _too_late("approval must be complete when the ticket is due, 24 hours before the cut")
    if actor.role not in missing_approvals(facts):
        raise Refused(
            "NotWaiting", f"{actor.role} has approved already", field="actor.role", rule="R-12", clause="III.4"
        )
    facts = _decided(facts, message, now, "approval.given")
    missing = missing_approvals(facts)
    if not missing:
        facts = facts.noted(now, "approvals.complete", "R-12", "III.4", about=notice.notice_id)
    return facts, m.ApprovalRecorded(granted=not missing, still_needed=missing)


def _decided(facts: CaseFacts, message: m.DecideApproval, now: datetime, what: str) -> CaseFacts:
    approval = Approval(
        notice_id=message.notice_id, role=message.actor.role, decision=message.decision, by=message.actor.id, at=now
    )
    facts = facts.but(approvals=(*facts.approvals, approval))
    return facts.noted(
        now,
        what,
        "R-12",
        "III.4",
        actor=message.actor,
        about=message.notice_id,
        role=message.actor.role,
        remark=message.remark,
    )


def record_filing(facts: CaseFacts, message: m.RecordFiling, now: datetime) -> tuple[CaseFacts, m.Done]:
    """Filed with the power authority for one red notice (R-14), or help asked of the local government (III.5)."""
    check_actor(facts, message.actor, ("liaison",))
    notice = _known(facts, message.notice_id) if message.notice_id else facts.red
    if message.purpose == "filing":
        if notice is None:
            raise Refused(
                "NotWaiting",
                "no red notice stands that could be filed for",
                field="notice_id",
                rule="R-14",
                clause="III.5",
            )
        if not notice.stands:
            raise _too_late(f"notice {notice.notice_id} no longer stands: {notice.void_reason or 'used up'}")
        if notice.kind != "red":
            raise Refused(
                "NotWaiting", "a filing is made for a red notice", field="notice_id", rule="R-14", clause="III.5"
            )
        if facts.cut_ticket is None and now > clock.ticket_time(notice.cut_at, terms(facts, notice)):
            raise _too_late("the filing must be complete when the ticket is due, 24 hours before the cut")
        if any((f.notice_id, f.reference) == (notice.notice_id, message.reference) for f in facts.filings):
            return facts, m.Done()
        facts = facts.but(
            filings=(*facts.filings, Filing(notice_id=notice.notice_id, reference=message.reference, at=now))
        )
    facts = facts.noted(
        now,
        "filing.recorded",
        "R-14",
        "III.5",
        actor=message.actor,
        about=notice.notice_id if notice else None,
        purpose=message.purpose,
        reference=message.reference,
        authority=message.authority,
    )
    return facts, m.Done()


def _known(facts: CaseFacts, notice_id: str) -> Notice:
    notice = facts.notice(notice_id)
    if notice is None:
        raise Refused("UnknownNotice", f"this case has no notice {notice_id}", field="notice_id", clause="II.2")
    return notice


def _too_late(sentence: str) -> Refused:
    return Refused("TooLate", sentence, field="notice_id", rule="R-13", clause="III.4")


def _same_person(sentence: str) -> Refused:
    return Refused("SamePerson", sentence, field="actor.id", rule="R-12", clause="III.4")
