"""Rulings on the delivery of notices: signed, refused, and the acknowledgement of a refusal (II.1, II.2)."""

from datetime import datetime

from domain.case.attempt import void_notice
from domain.case.checks import check_actor, known_notice
from domain.case.entities import Notice
from domain.case.escalations import close_escalations, raise_escalation
from domain.case.facts import CaseFacts
from domain.contract import updates as m
from domain.contract.answers import DeliveryRecorded, Done
from domain.contract.refusals import Refused, happened_at
from domain.law import clock
from domain.law.clock import CLOCK_SKEW
from domain.record.reasons import because


def record_delivery(facts: CaseFacts, message: m.RecordDelivery, now: datetime) -> tuple[CaseFacts, DeliveryRecorded]:
    """A notice was signed, refused or could not be delivered (R-05, R-07, R-08, R-09)."""
    check_actor(facts, message.actor, ("reader",))
    notice = known_notice(facts, message.notice_id)
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
            at=at,
            actor=message.actor,
            about=notice.notice_id,
            outcome=message.outcome,
            reason=notice.void_reason,
        )
        return facts, DeliveryRecorded(served=False, void_reason=notice.void_reason)
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
) -> tuple[CaseFacts, DeliveryRecorded]:
    facts = facts.noted(
        now,
        "notice.undeliverable",
        at=at,
        actor=message.actor,
        about=notice.notice_id,
        kind=notice.kind,
    )
    return facts, DeliveryRecorded(served=False)


def _delivered(
    facts: CaseFacts, message: m.RecordDelivery, notice: Notice, at: datetime, now: datetime
) -> tuple[CaseFacts, DeliveryRecorded]:
    """Record the delivery; a late one voids the notice, a signature serves it, a refusal is reported (R-05, R-07)."""
    facts = _note_delivery(facts, message, notice, at, now)
    if not _is_timely(facts, notice, at):
        facts = void_notice(facts, notice.notice_id, now, because("delivered_too_late"), counted=not facts.held)
        return facts, DeliveryRecorded(served=False, void_reason=because("delivered_too_late"))
    delivery: dict[str, object] = {"delivered_at": at, "delivered_by": message.actor.id}
    if message.outcome == "signed":
        facts = facts.with_notice(notice.notice_id, outcome="signed", **delivery)
        return _serve(facts, notice.notice_id, at, now), DeliveryRecorded(served=True)
    facts = facts.with_notice(notice.notice_id, outcome="refused", **delivery)
    facts = _note_refusal(facts, message, notice, at, now)
    return _report_refusal(facts, notice, now), DeliveryRecorded(served=False)


def _note_delivery(
    facts: CaseFacts, message: m.RecordDelivery, notice: Notice, at: datetime, now: datetime
) -> CaseFacts:
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    return facts.noted(
        now,
        "notice.delivered",
        under=(rule, clause),
        at=at,
        actor=message.actor,
        about=notice.notice_id,
        kind=notice.kind,
        outcome=message.outcome,
        delivered_at=at,
        cut_at=notice.cut_at,
    )


def _is_timely(facts: CaseFacts, notice: Notice, at: datetime) -> bool:
    policy = facts.terms(notice)
    return (
        clock.yellow_is_timely(at, notice.deadline, policy)
        if notice.kind == "yellow"
        else clock.red_notice_is_timely(at, notice.cut_at, policy)
    )


def _note_refusal(
    facts: CaseFacts, message: m.RecordDelivery, notice: Notice, at: datetime, now: datetime
) -> CaseFacts:
    """The detailed record of a refused signature (R-09)."""
    assert message.refusal is not None
    return facts.noted(
        now,
        "notice.refused",
        at=at,
        actor=message.actor,
        about=notice.notice_id,
        kind=notice.kind,
        place=message.refusal.place,
        persons=message.refusal.persons,
        words=message.refusal.words,
        evidence=message.refusal.evidence,
    )


def _report_refusal(facts: CaseFacts, notice: Notice, now: datetime) -> CaseFacts:
    """Put the refusal before the first rung of the ladder, and where required the station head (R-09, R-10)."""
    policy, notice_id = facts.terms(notice), notice.notice_id
    facts, _ = raise_escalation(
        facts,
        now,
        "refusal",
        policy.escalation_ladder[0],
        notice_id=notice_id,
        subject=because("signature_refused", kind=notice.kind, notice=notice_id),
        answer_hours=policy.service_ack_hours,
    )
    if _station_head_answers(facts, notice):
        facts, _ = raise_escalation(
            facts,
            now,
            "refusal",
            "station_head",
            notice_id=notice_id,
            subject=because("signature_refused", kind=notice.kind, notice=notice_id),
        )
    return facts


def _station_head_answers(facts: CaseFacts, notice: Notice) -> bool:
    """Non-residential: the station head must acknowledge the refusal of a red notice too (R-10)."""
    return notice.kind == "red" and "non_residential" in facts.classes_since(notice)


def _serve(facts: CaseFacts, notice_id: str, served_at: datetime, now: datetime) -> CaseFacts:
    notice = known_notice(facts, notice_id)
    facts = facts.with_notice(notice_id, state="delivered", served_at=served_at)
    facts = close_escalations(facts, notice_id=notice_id)  # nobody need answer for a refusal any more
    if notice.kind == "yellow":
        facts = facts.but(voids_in_a_row={**facts.voids_in_a_row, "yellow": 0})
    rule, clause = ("R-06", "II.1") if notice.kind == "yellow" else ("R-08", "II.2")
    return facts.noted(
        now,
        "notice.served",
        under=(rule, clause),
        at=served_at,
        about=notice_id,
        kind=notice.kind,
        outcome=notice.outcome,
        delivered_at=notice.delivered_at,
        cut_at=notice.cut_at,
    )


def acknowledge_escalation(facts: CaseFacts, message: m.AcknowledgeEscalation, now: datetime) -> tuple[CaseFacts, Done]:
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
    return facts, Done()


def _refusal_may_count(facts: CaseFacts, notice_id: str, now: datetime) -> CaseFacts:
    """Served once a rung of the ladder has acknowledged, and for non-residential red notices the station head too."""
    notice = known_notice(facts, notice_id)
    if notice.state != "to_deliver":
        return facts
    rungs = {
        e.rung
        for e in facts.escalations
        if e.notice_id == notice_id and e.kind == "refusal" and e.state == "acknowledged"
    }
    on_ladder = bool(rungs & set(facts.terms(notice).escalation_ladder))
    if not on_ladder or (_station_head_answers(facts, notice) and "station_head" not in rungs):
        return facts
    return _serve(facts, notice_id, now, now)
