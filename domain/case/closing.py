"""How a case closes, and how it is opened again by a message that came while it left."""

from datetime import datetime

from domain.case.facts import CaseFacts
from domain.case.procedure import Leave


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
    return facts.noted(now, "case.closed", outcome=leave.outcome, reason=leave.reason)


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
    return facts.noted(now, "case.reopened")
