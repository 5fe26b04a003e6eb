"""What is recorded of a case that somebody ended in Temporal: nobody else would ever close its row."""

from collections.abc import Iterator
from datetime import datetime

from domain.record.case_file import CaseFile
from domain.record.evidence import Evidence
from domain.record.kinds import EvidenceKind, basis_of
from domain.record.reasons import because
from domain.record.rows import NoticeRow, Record, TicketRow
from domain.vocabulary import Actor


def closed_by_hand(file: CaseFile, by: Actor, reason: str, outcome: str | None, now: datetime) -> Record:
    """The row closed, withdrawn, with who and why; its papers taken back, its incidents with that outcome (R-28).

    Its keys are made of the case's own, so that saying it again changes nothing.
    """
    case = file.case

    def evidence(key: str, what: EvidenceKind, about: str | None = None, **detail: str) -> Evidence:
        """One entry of that person, by the rule and clause of its kind, with a key of the case's own."""
        rule, clause = basis_of(what)
        return Evidence(
            key=f"{case.case_key}/{key}",
            what=what,
            rule=rule,
            clause=clause,
            at=now,
            recorded_at=now,
            actor_id=by.id,
            actor_role=by.role,
            actor_unit=by.unit,
            about=about,
            detail=detail,
        )

    came_of_it = {"outcome": outcome or ""}
    open_incidents = [incident for incident in file.incidents if incident.outcome is None]
    return Record(
        case=case.model_copy(
            update={
                "revision": case.revision + 1,
                "stage": "closed",
                "outcome": "withdrawn",
                "outcome_reason": f"ended in Temporal: {reason}",
                "closed_at": now,
                "next_deadline": None,
                "tasks": (),
            }
        ),
        evidence=(
            evidence("ended-by-force", "case.ended_by_force", reason=reason),
            *(
                evidence(f"ended-by-force/{n}", "incident.closed", i.incident_id, **came_of_it)
                for n, i in enumerate(open_incidents, start=1)
            ),
        ),
        notices=tuple(_void(file)),
        tickets=tuple(_recalled(file)),
        incidents=tuple(i.model_copy(update={"outcome": outcome, "closed_at": now}) for i in open_incidents),
    )


def _void(file: CaseFile) -> Iterator[NoticeRow]:
    for notice in file.notices:
        if notice.state == "to_deliver":
            row = {name: getattr(notice, name) for name in NoticeRow.model_fields}
            yield NoticeRow.model_validate(row | {"state": "void", "void_reason": because("terminated")})


def _recalled(file: CaseFile) -> Iterator[TicketRow]:
    for ticket in file.tickets:
        if ticket.state in ("sent", "acknowledged"):
            row = {name: getattr(ticket, name) for name in TicketRow.model_fields}
            yield TicketRow.model_validate(row | {"state": "recalled"})
