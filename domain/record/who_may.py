"""Who may do what, read from evidence: the second check of roles and units, by the register and not by the case."""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.contract.tables import HOLD_ROLES, UPDATES
from domain.ids import same_id, spelled_like
from domain.law.policy import LEADERS
from domain.record.evidence import Evidence, Owner
from domain.record.kinds import EvidenceKind, kinds

NOT_ADMITTED: Final = "act.not_admitted"
"""What the register writes in place of an act that this actor may not do: kept as a claim, and counting for nothing."""

_BY_UPDATE: dict[EvidenceKind, str] = {
    "notice.delivered": "record_delivery",
    "notice.refused": "record_delivery",
    "notice.undeliverable": "record_delivery",
    "delivery.too_late": "record_delivery",
    "filing.recorded": "record_filing",
    "ticket.acknowledged": "acknowledge_ticket",
    "customer.told": "record_final_notice",
    "permit.granted": "request_permit",
    "permit.refused": "request_permit",
    "not_cut.reported": "report_not_cut",
    "meter.uncertain": "report_meter_uncertain",
    "meter.verified": "verify_meter",
    "restoration.requested": "request_restoration",
    "delay.declared": "declare_delay",
    "promise.made": "record_promise",
    "plan.agreed": "agree_plan",
    "serve_again.requested": "serve_again",
    "reassigned": "reassign",
    "policy.changed": "change_policy",
    "incident.closed": "close_incident",
    "withdrawn": "withdraw",
}
WHO_MAY: Mapping[EvidenceKind, frozenset[str]] = {
    **{what: frozenset(UPDATES[update].roles) for what, update in _BY_UPDATE.items()},
    "approval.given": frozenset(LEADERS),
    "approval.rejected": frozenset(LEADERS),
    "escalation.acknowledged": frozenset((*LEADERS, "station_head")),
    "supply.restored": frozenset(("field_crew",)),
    "hold.placed": HOLD_ROLES,
    "hold.lifted": HOLD_ROLES,
    "report.sent": frozenset(("liaison",)),
}
ANYBODY = kinds("cut.reported", "cut.found", "supply.reported", "message.refused", "message.ignored")
"""What is recorded and judged, or refused, whoever reports it.

The program asks nothing of these; a test holds that every act of a person stands here or in `WHO_MAY`.
"""
_OF_THE_CENTRE = frozenset(("reader", "team_leader", "centre_director"))


def former_centres(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The reading centres that the customer's record names no longer, of this evidence (R-32)."""
    changes = (e.detail.get("before") or {} for e in evidence if e.what == "customer.changed")
    return tuple(before["reading_centre"] for before in changes if "reading_centre" in before)


def contradiction(entry: Evidence, case: Owner, former: tuple[str, ...] = ()) -> str | None:
    """Why this cannot be that person's act, by role and unit (R-12, R-18, III.4); None if it can.

    `former`: reading centres from which the same record takes the account away.
    """
    may = WHO_MAY.get(entry.what)
    if entry.what == "cut.reported" and entry.rule == "R-18":  # a permit redeemed: the lawful cut itself
        may = frozenset(("field_crew",))
    if may is None or (entry.what.startswith("hold.") and entry.actor_id is None):  # a moratorium's hold has no person
        return None
    if entry.actor_role not in may:
        return f"{entry.actor_role or 'nobody'} may not do this; it takes {' or '.join(sorted(may))}"
    centre, unit = case.reading_centre, entry.actor_unit
    if (
        centre is None
        or unit is None
        or entry.actor_role not in _OF_THE_CENTRE
        or spelled_like(unit, (centre, *former))
    ):
        return None
    return f"the account belongs to {centre}, not to {unit}"


def one_person_too_often(
    entry: Evidence, earlier: tuple[tuple[EvidenceKind, str | None, str | None], ...]
) -> str | None:
    """Why this person cannot approve this notice (R-12): `earlier` are what, person and role of its evidence so far."""
    for what, person, role in earlier:
        if person is None or entry.actor_id is None or not same_id(person, entry.actor_id):
            continue
        if what in kinds("notice.delivered", "notice.refused"):
            return f"{person} delivered this notice, and may not approve it"
        if what == "approval.given" and role != entry.actor_role:
            return f"{person} has filled another level"
    return None


def not_admitted(entry: Evidence, why: str) -> Evidence:
    """The claim that stands in the place of the act."""
    return entry.model_copy(
        update={
            "what": NOT_ADMITTED,
            "rule": "R-12",
            "clause": "III.4",
            "detail": {**entry.detail, "claimed": entry.what, "not_admitted": why},
        }
    )
