"""The monthly report's figures, counted in one read transaction of the register."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, case, func, or_, select

from adapters.register.tables import TABLES
from adapters.sql.engine import reading
from domain.law.policy import Policy
from domain.record.kinds import EvidenceKind, kinds
from domain.record.reasons import because
from domain.report.case_share import KINDS_READ, Event, case_in_month
from domain.report.month import Figures, Incidents, Notices, StandingOrder, Supply, bounds
from domain.report.totals import Sum, Traits, restoration_times

_T = TABLES.tables
_EVIDENCE, _CASES, _NOTICES, _INCIDENTS = _T["evidence"], _T["cases"], _T["notices"], _T["incidents"]
_MORATORIA = _T["moratoria"]
_AT_A_TIME = 5_000
_ORDER = (_EVIDENCE.c.case_key, _EVIDENCE.c.recorded_at, _EVIDENCE.c.place, _EVIDENCE.c.seq)


@dataclass(frozen=True)
class ReportFigures:
    """Counts a month's figures; the same month gives the same ones, whenever it is asked. RegisterUnavailable."""

    engine: Engine
    policy: Policy

    def of(self, month: str) -> Figures:
        """The figures of a month, whose bounds are the policy's local midnights."""
        begins_at, ends_at = bounds(month, self.policy.zone)
        with reading(self.engine) as connection:
            counting = _Counting(connection, begins_at, ends_at)
            total = Sum()
            for traits, events in counting.cases():
                total.add(traits, case_in_month(events, begins_at, self.policy))
            coordination = _filed(total, counting)
            by_role, simply = counting.by_role(), counting.simply()
            return Figures.model_validate(
                {
                    "month": month,
                    "begins_at": begins_at,
                    "ends_at": ends_at,
                    "timezone": self.policy.timezone,
                    "currency": self.policy.currency,
                    "whole": total.whole(),
                    "classes": total.by("class"),
                    "centres": total.by("centre"),
                    "regions": total.by("region"),
                    "outcomes": _sorted(total.outcomes),
                    "stages": {stage: _sorted(classes) for stage, classes in sorted(total.stages.items())},
                    **counting.notices(),
                    "approved": by_role["approval.given"],
                    "rejected": by_role["approval.rejected"],
                    "supply": Supply(
                        after_settlement=restoration_times(total.restorations[True]),
                        after_unauthorised=restoration_times(total.restorations[False]),
                        warnings=simply["restore.warning"],
                        exceptions=simply["delay.declared"],
                        after_nothing_owed=len(total.after_nothing_owed),
                        after_nothing_owed_longest=total.longest_after_nothing_owed,
                        **total.supply,
                    ),
                    "incidents": counting.incidents(),
                    "important_open": total.important_open,
                    "important": total.important_customers(),
                    "coordination": coordination,
                    "holds": _sorted(
                        Counter(e["detail"].get("kind", "other") for e in counting.evidence_of("hold.placed"))
                    ),
                    "holds_ended": simply["hold.ended"] + simply["hold.lifted"],
                    **{name: simply[what] for name, what in _AGREEMENTS.items()},
                    "moratoria": counting.moratoria(),
                }
            )


_AGREEMENTS: dict[str, EvidenceKind] = {
    "promises": "promise.made",
    "promises_kept": "promise.kept",
    "promises_broken": "promise.broken",
    "plans": "plan.agreed",
    "plans_kept": "plan.kept",
    "plans_broken": "plan.broken",
}


@dataclass(frozen=True)
class _Counting:
    """The questions to the register, all inside one transaction."""

    connection: Connection
    begins_at: datetime
    ends_at: datetime

    @property
    def _inside(self) -> ColumnElement[bool]:
        return and_(_EVIDENCE.c.recorded_at >= self.begins_at, _EVIDENCE.c.recorded_at < self.ends_at)

    def cases(self) -> Iterator[tuple[Traits, list[Event]]]:
        """Every case open at some moment of the month, with its evidence for the report, up to the month's end."""
        columns = ("account_id", "customer_class", "reading_centre", "region", "important")
        query = (
            select(*_ORDER[:1], *(_EVIDENCE.c[name] for name in ("what", "rule", "at", "recorded_at", "detail")))
            .add_columns(*(_CASES.c[name] for name in columns))
            .join(_CASES, _CASES.c.case_key == _EVIDENCE.c.case_key)
            .where(
                _EVIDENCE.c.what.in_(KINDS_READ),
                _EVIDENCE.c.recorded_at < self.ends_at,
                _CASES.c.opened_at < self.ends_at,
                or_(_CASES.c.closed_at.is_(None), _CASES.c.closed_at >= self.begins_at),
            )
            .order_by(*_ORDER)
        )
        lines = self.connection.execute(query.execution_options(yield_per=_AT_A_TIME)).mappings()
        for _, of_case in groupby(lines, key=itemgetter("case_key")):
            lines_of_case = list(of_case)
            yield _traits(lines_of_case[0]), [Event(*(line[name] for name in Event._fields)) for line in lines_of_case]

    def evidence_of(self, what: EvidenceKind) -> Iterator[RowMapping]:
        """Evidence of one kind inside the month, with what is known of its case."""
        query = select(_EVIDENCE.c.detail, _CASES.c.account_id, _CASES.c.important).join(
            _CASES, _CASES.c.case_key == _EVIDENCE.c.case_key
        )
        yield from self.connection.execute(query.where(self._inside, _EVIDENCE.c.what == what)).mappings()

    def simply(self) -> Counter[EvidenceKind]:
        """How much evidence there is of each kind inside the month."""
        query = select(_EVIDENCE.c.what, func.count()).where(self._inside).group_by(_EVIDENCE.c.what)
        return Counter(dict(self.connection.execute(query).all()))

    def by_role(self) -> dict[EvidenceKind, dict[str, int]]:
        """Decisions by the role that took them."""
        query = (
            select(_EVIDENCE.c.what, _EVIDENCE.c.actor_role, func.count())
            .where(self._inside, _EVIDENCE.c.what.in_(kinds("approval.given", "approval.rejected")))
            .group_by(_EVIDENCE.c.what, _EVIDENCE.c.actor_role)
            .order_by(_EVIDENCE.c.actor_role)
        )
        found: dict[EvidenceKind, dict[str, int]] = defaultdict(dict)
        for what, role, count in self.connection.execute(query):
            found[what][role] = count
        return found

    def notices(self) -> dict[str, Notices]:
        """What became of the notices of each kind inside the month."""
        paid = case((_NOTICES.c.void_reason == because("settled"), 1), else_=0)
        query = (
            select(_NOTICES.c.kind, _EVIDENCE.c.what, paid, func.count())
            .join(_NOTICES, _NOTICES.c.notice_id == _EVIDENCE.c.about)
            .where(self._inside, _EVIDENCE.c.what.in_(kinds("notice.issued", *_BECAME)))
            .group_by(_NOTICES.c.kind, _EVIDENCE.c.what, paid)
        )
        found: dict[str, Counter[str]] = {"yellow": Counter(), "red": Counter()}
        for kind, what, was_paid, count in self.connection.execute(query):
            name = "paid" if what == "notice.void" and was_paid else _BECAME.get(what, "issued")
            found[kind][name] += count
        return {kind: Notices(**counts) for kind, counts in found.items()}

    def incidents(self) -> dict[str, Incidents]:
        """Incidents of each kind: opened and closed inside the month, and open at its end."""
        inside = func.sum(case((self._inside, 1), else_=0))
        query = (
            select(_INCIDENTS.c.kind, _EVIDENCE.c.what, inside, func.count())
            .join(_INCIDENTS, _INCIDENTS.c.incident_id == _EVIDENCE.c.about)
            .where(
                _EVIDENCE.c.recorded_at < self.ends_at,
                _EVIDENCE.c.what.in_(kinds("incident.opened", "incident.closed")),
            )
            .group_by(_INCIDENTS.c.kind, _EVIDENCE.c.what)
        )
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for kind, what, in_month, ever in self.connection.execute(query):
            opened = what == "incident.opened"
            found[kind].update({"opened" if opened else "closed": int(in_month), "open": ever if opened else -ever})
        every = {kind: Incidents(**counts) for kind, counts in sorted(found.items())}
        return {kind: counts for kind, counts in every.items() if counts != Incidents()}

    def moratoria(self) -> tuple[StandingOrder, ...]:
        """Standing orders that covered any moment of the month; an end that came after it is not known yet."""
        query = (
            select(_MORATORIA)
            .where(
                _MORATORIA.c.declared_at < self.ends_at,
                _MORATORIA.c.starts_at < self.ends_at,
                or_(_MORATORIA.c.until.is_(None), _MORATORIA.c.until > self.begins_at),
                or_(_MORATORIA.c.lifted_at.is_(None), _MORATORIA.c.lifted_at > self.begins_at),
            )
            .order_by(_MORATORIA.c.starts_at, _MORATORIA.c.moratorium_id)
        )
        return tuple(self._standing(line) for line in self.connection.execute(query).mappings())

    def _standing(self, line: RowMapping) -> StandingOrder:
        ends = (at for at in (line["until"], line["lifted_at"]) if at is not None and at < self.ends_at)
        return StandingOrder.model_validate({**line, "ended_at": min(ends, default=None)})


_BECAME: dict[EvidenceKind, str] = {"notice.served": "delivered", "notice.refused": "refused", "notice.void": "void"}


def _filed(total: Sum, counting: _Counting) -> int:
    """Give filings to their important customers; the rest is help asked of the local government (III.5)."""
    coordination = 0
    for line in counting.evidence_of("filing.recorded"):
        if line["important"] and line["detail"].get("purpose") == "filing":
            total.filed(line["account_id"])
        else:
            coordination += 1
    return coordination


def _traits(line: RowMapping) -> Traits:
    names = ("customer_class", "reading_centre", "region")
    return Traits(line["account_id"], **{name: line[name] or "" for name in names}, important=line["important"])


def _sorted(counts: Counter[str]) -> dict[str, Any]:
    return dict(sorted(counts.items()))
