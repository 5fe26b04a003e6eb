"""Rulings on the approval of a cut and on its filing (III.4, III.5)."""

from datetime import datetime

from domain.case.attempt import end_attempt
from domain.case.checks import check_actor, known_notice
from domain.case.conditions import missing_approvals
from domain.case.due_times import attempt_times
from domain.case.entities import Approval, Filing, Notice
from domain.case.facts import CaseFacts
from domain.case.identity import among, same
from domain.contract import updates as m
from domain.contract.answers import ApprovalRecorded, Done
from domain.contract.refusals import Refused
from domain.record.kinds import EvidenceKind
from domain.record.reasons import because


def decide_approval(facts: CaseFacts, message: m.DecideApproval, now: datetime) -> tuple[CaseFacts, ApprovalRecorded]:
    """One level approves or rejects the cut of one red notice (R-12, R-13)."""
    notice, actor = known_notice(facts, message.notice_id), message.actor
    check_actor(facts, actor, facts.required_approvals(notice))
    if notice.state == "void" or notice.spent:
        raise _too_late(f"notice {notice.notice_id} no longer stands: {notice.void_reason or 'used up'}")
    if notice.kind != "red" or not notice.served or facts.held or facts.cuts_off:
        raise Refused("NotWaiting", "no approval is asked for now", field="notice_id", rule="R-13", clause="III.4")
    served_by = {n.delivered_by for n in (facts.yellow, facts.red) if n}
    if among(facts, actor.id, served_by):
        raise _same_person("who served the notice may not approve the cut")
    mine = [a for a in facts.approvals if a.notice_id == notice.notice_id and same(facts, a.by, actor.id)]
    if any(a.role != actor.role for a in mine):
        raise _same_person("one person fills one level only")
    if message.decision == "rejected":
        facts = _decided(facts, message, now, "approval.rejected")
        reason = (
            because("rejected_saying", role=actor.role, remark=message.remark)
            if message.remark
            else because("rejected", role=actor.role)
        )
        facts = end_attempt(facts, now, reason, counted=False)
        return facts.but(needs_person=reason), ApprovalRecorded(granted=False, still_needed=())
    if now > attempt_times(facts, notice).ticket:
        raise _too_late("approval must be complete when the ticket is due, 24 hours before the cut")
    if actor.role not in missing_approvals(facts):
        raise Refused(
            "NotWaiting", f"{actor.role} has approved already", field="actor.role", rule="R-12", clause="III.4"
        )
    facts = _decided(facts, message, now, "approval.given")
    missing = missing_approvals(facts)
    if not missing:
        facts = facts.noted(now, "approvals.complete", about=notice.notice_id)
    return facts, ApprovalRecorded(granted=not missing, still_needed=missing)


def present_answer(facts: CaseFacts, notice: Notice) -> ApprovalRecorded:
    """Who has yet to approve this notice; raises TooLate where it is void."""
    if notice.state == "void":
        raise _too_late(f"notice {notice.notice_id} no longer stands: {notice.void_reason}")
    given = {a.role for a in facts.approvals if a.notice_id == notice.notice_id and a.decision == "approved"}
    missing = tuple(role for role in facts.required_approvals(notice) if role not in given)
    return ApprovalRecorded(granted=not missing, still_needed=missing)


def _decided(facts: CaseFacts, message: m.DecideApproval, now: datetime, what: EvidenceKind) -> CaseFacts:
    approval = Approval(
        notice_id=message.notice_id, role=message.actor.role, decision=message.decision, by=message.actor.id, at=now
    )
    facts = facts.but(approvals=(*facts.approvals, approval))
    return facts.noted(
        now,
        what,
        actor=message.actor,
        about=message.notice_id,
        role=message.actor.role,
        remark=message.remark,
    )


def record_filing(facts: CaseFacts, message: m.RecordFiling, now: datetime) -> tuple[CaseFacts, Done]:
    """Filed with the power authority for one red notice (R-14), or help asked of the local government (III.5)."""
    check_actor(facts, message.actor, ("liaison",))
    notice = known_notice(facts, message.notice_id) if message.notice_id else facts.red
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
        if facts.cut_ticket is None and now > attempt_times(facts, notice).ticket:
            raise _too_late("the filing must be complete when the ticket is due, 24 hours before the cut")
        same = (f for f in facts.filings if (f.notice_id, f.reference) == (notice.notice_id, message.reference))
        if (known := next(same, None)) is not None:
            if known.authority not in (None, message.authority):
                raise Refused(
                    "BadRequest",
                    f"authority: {message.reference} is recorded already, as filed with {known.authority}",
                    field="authority",
                    rule="R-31",
                    clause="III.5",
                )
            return facts, Done()
        filing = Filing(
            notice_id=notice.notice_id,
            reference=message.reference,
            at=now,
            authority=message.authority if facts.present_since else None,
        )
        facts = facts.but(filings=(*facts.filings, filing))
    facts = facts.noted(
        now,
        "filing.recorded",
        actor=message.actor,
        about=notice.notice_id if notice else None,
        purpose=message.purpose,
        reference=message.reference,
        authority=message.authority,
    )
    return facts, Done()


def _too_late(sentence: str) -> Refused:
    return Refused("TooLate", sentence, field="notice_id", rule="R-13", clause="III.4")


def _same_person(sentence: str) -> Refused:
    return Refused("SamePerson", sentence, field="actor.id", rule="R-12", clause="III.4")
