"""Reading one moratorium: its wording, the open cases that it covers and holds, permits, changed policies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, select

from adapters.register.spellings import names
from adapters.register.tables import TABLES
from adapters.sql.engine import reading
from domain.record.case_file import FiledEvidence
from domain.record.kinds import EvidenceKind, kinds
from domain.record.moratorium import CoveredCase, Moratorium, PermitOut

_T = TABLES.tables
_CASES, _NOTICES, _EVIDENCE, _MORATORIA = (_T[name] for name in ("cases", "notices", "evidence", "moratoria"))
_SCOPE = {"region": _CASES.c.region, "class": _CASES.c.customer_class, "centre": _CASES.c.reading_centre}
_PERMIT_ENDS = kinds("permit.revoked", "permit.lapsed", "cut.reported")


@dataclass(frozen=True)
class MoratoriumReader:
    """Questions to the register; each raises RegisterUnavailable when the database gives no answer."""

    engine: Engine

    def one(self, moratorium_id: str) -> Moratorium | None:
        """The moratorium of that id, lifted or not."""
        with reading(self.engine) as connection:
            query = select(_MORATORIA).where(_MORATORIA.c.moratorium_id == moratorium_id)
            line = connection.execute(query).mappings().one_or_none()
        return Moratorium.model_validate(dict(line)) if line else None

    def on_record(self, scope: str) -> tuple[str, ...]:
        """The regions, classes or reading centres (as `scope` says) of all cases ever opened, in order."""
        column = _SCOPE[scope]
        with reading(self.engine) as connection:
            return tuple(connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)))

    def covered(self, moratorium: Moratorium) -> tuple[CoveredCase, ...]:
        """The open cases in its region, class or centre, in order of account id, with the cut that each has planned."""
        red = (
            (_NOTICES.c.case_key == _CASES.c.case_key)
            & (_NOTICES.c.kind == "red")
            & (_NOTICES.c.state != "void")
            & (_NOTICES.c.cut_at == _CASES.c.planned_cut_at)  # one that was used up by a cut stands no longer
        )
        columns = (
            _CASES.c[name] for name in ("account_id", "case_key", "workflow_id", "stage", "policy", "field_unit")
        )
        query = (
            select(*columns, _NOTICES.c.notice_id, _NOTICES.c.cut_at)
            .select_from(_CASES.outerjoin(_NOTICES, red))
            .order_by(_CASES.c.account_id)
        )
        with reading(self.engine) as connection:
            query = query.where(_is_covered(connection, moratorium))
            return tuple(CoveredCase.model_validate(dict(line)) for line in connection.execute(query).mappings())

    def held(self, moratorium: Moratorium) -> frozenset[str]:
        """Keys of the covered open cases that have written down that its hold stands."""
        columns = _EVIDENCE.c.case_key, _EVIDENCE.c.what
        with reading(self.engine) as connection:
            query = _on_record(connection, moratorium, "hold.placed", "hold.lifted", "hold.ended")
            query = query.with_only_columns(*columns)
            noted = connection.execute(query.where(_EVIDENCE.c.about == moratorium.moratorium_id))
            return _standing((line[0], line[1]) for line in noted)

    def policies_changed(self, moratorium: Moratorium) -> tuple[FiledEvidence, ...]:
        """By which an operator has moved a covered open case to another policy, in the order of each chain."""
        with reading(self.engine) as connection:
            query = _on_record(connection, moratorium, "policy.changed")
            return tuple(FiledEvidence.model_validate(dict(line)) for line in connection.execute(query).mappings())

    def permits(self, moratorium: Moratorium) -> tuple[PermitOut, ...]:
        """Permits of the covered open cases that are out, as far as the cases have written down."""
        out: dict[str, PermitOut] = {}
        with reading(self.engine) as connection:
            query = _on_record(connection, moratorium, "permit.granted", *_PERMIT_ENDS)
            query = query.where(_CASES.c.stage == "final_half_hour")
            for line in connection.execute(query).mappings():
                if line["what"] == "permit.granted":
                    until = line["detail"]["valid_until"]
                    permit = PermitOut(account_id=line["account_id"], permit_id=line["about"], valid_until=until)
                    out[line["case_key"]] = permit
                else:  # a case has one permit out at most
                    out.pop(line["case_key"], None)
        return tuple(out.values())


def _is_covered(connection: Connection, moratorium: Moratorium) -> ColumnElement[bool]:
    column, still_open = _SCOPE[moratorium.scope], _CASES.c.closed_at.is_(None)
    if moratorium.scope == "centre":
        return still_open & names(connection, column, moratorium.value)
    return still_open & (column == moratorium.value)


def _on_record(connection: Connection, moratorium: Moratorium, *what: EvidenceKind) -> Select[Any]:
    """Evidence of these kinds of the covered open cases, in the order of each chain."""
    # By account first: that is how the evidence is keyed.
    of_case = (_EVIDENCE.c.account_id == _CASES.c.account_id) & (_EVIDENCE.c.case_key == _CASES.c.case_key)
    return (
        select(_EVIDENCE)
        .select_from(_CASES.join(_EVIDENCE, of_case))
        .where(_is_covered(connection, moratorium), _EVIDENCE.c.what.in_(what))
        .order_by(_EVIDENCE.c.account_id, _EVIDENCE.c.seq)
    )


def _standing(entries: Iterable[tuple[str, EvidenceKind]]) -> frozenset[str]:
    """Keys whose hold was placed and neither lifted nor ended since; a lifting that came first takes effect later."""
    standing: set[str] = set()
    lifted_early: set[str] = set()
    for key, what in entries:
        if what != "hold.placed":
            lifted_early |= {key} - standing
            standing.discard(key)
        elif key in lifted_early:
            lifted_early.discard(key)
        else:
            standing.add(key)
    return frozenset(standing)
