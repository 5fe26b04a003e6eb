"""Incidents: opened once each, with the clause that was violated and who reported it."""

from datetime import datetime

from domain.case.entities import Incident
from domain.case.facts import CaseFacts
from domain.record.subjects import subject
from domain.vocabulary import Actor, IncidentKind, Role

_INCIDENT_CLAUSE: dict[IncidentKind, tuple[str, str]] = {
    "unauthorised_cut": ("R-27", "III.4"),
    "cut_after_settlement": ("R-24", "II.6"),
    "wrong_meter": ("R-19", "II.7"),
    "restoration_breach": ("R-26", "III.3"),
}


def open_incident(
    facts: CaseFacts,
    now: datetime,
    kind: IncidentKind,
    at: datetime,
    persons: tuple[str, ...],
    why_zh: str,
    why_en: str,
) -> tuple[CaseFacts, str]:
    """Record a violation or a breach and notify the leaders; it stays open until it has an outcome (R-27, R-28)."""
    facts, incident_id = facts.numbered("incident")
    incident = Incident(incident_id=incident_id, kind=kind, at=at, persons=persons)
    facts = facts.but(incidents=(*facts.incidents, incident))
    rule, clause = _INCIDENT_CLAUSE[kind]
    facts = facts.noted(
        now, "incident.opened", under=(rule, clause), at=at, about=incident_id, kind=kind, persons=persons, why=why_en
    )
    leaders: tuple[Role, ...] = ("centre_director", "company_leader")
    for leader in leaders:
        facts = facts.notified(
            now,
            leader,
            subject("incident", incident=kind),
            f"事件上报：户号 {facts.account.account_id}，{why_zh}。请查明处理并给出结论（编号 {incident_id}）。",
            f"Incident on account {facts.account.account_id}: {why_en}. Close {incident_id} with an outcome.",
            about=incident_id,
        )
    return facts, incident_id


def actor_name(actor: Actor | None) -> tuple[str, ...]:
    """The actor as a person of an incident: id and role, never the name."""
    return (f"{actor.role} {actor.id}",) if actor else ()
