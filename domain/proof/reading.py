"""The evidence of one case, found by what happened, about what, and in which order: what a proof is judged from.

It knows nothing of how a case decides: it reads the register and the policy's numbers, so that it can contradict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import chain

from domain.ids import id_key, spelled_like
from domain.law.policy import Policy
from domain.papers.filing import PAPER_FILED
from domain.record.case_file import CaseFile, FiledEvidence
from domain.record.kinds import EvidenceKind, kinds


@dataclass(frozen=True)
class Check:
    """One occasion on which a rule applied: whether it was kept, and the evidence that shows it, the deciding last."""

    kept: bool
    evidence: tuple[FiledEvidence, ...]


def check(kept: bool, *evidence: FiledEvidence | None) -> Check:
    """A check; evidence that does not exist is left out."""
    return Check(kept, tuple(e for e in evidence if e is not None))


Checks = Iterator[Check]


def in_the_order_of_the_case(file: CaseFile) -> CaseFile:
    """The file with its evidence in the order in which the case learned of it, `seq` counting that order.

    A record that a crash or an outage held up reaches the register after what followed it. Its place in the chain says
    when it was written. The case's clock says when the case learned of it, and `place` what came first in one step. A
    paper, which the printer notes and the case does not count, comes right after what it was printed for.
    """
    printed_for = {(e.about, e.recorded_at): e.place for e in file.evidence if e.what in _PRINTED}

    def place(entry: FiledEvidence) -> tuple[datetime, int, int]:
        """By what an entry sorts: its clock, what came first in one step of the case, its place in the register."""
        of_case = entry.place
        if entry.what == PAPER_FILED:
            of_case = printed_for.get((entry.about, entry.recorded_at), 0)
        return entry.recorded_at, of_case, entry.seq

    ordered = sorted(file.evidence, key=place)
    return file.model_copy(
        update={"evidence": tuple(e.model_copy(update={"seq": place}) for place, e in enumerate(ordered, start=1))}
    )


_PRINTED = kinds("notice.issued", "ticket.sent", "delay.declared")


@dataclass(frozen=True)
class Cut:
    """A cut under a permit of ours, with the papers that must have led to it; None where one is missing."""

    report: FiledEvidence
    permit: FiledEvidence | None
    ticket: FiledEvidence | None
    red: FiledEvidence | None

    @property
    def stated(self) -> datetime | None:
        """The time the red notice stated, T."""
        return moment(self.red, "cut_at")


@dataclass(frozen=True)
class Outage:
    """A meter without supply: what began it, what started the 24 hours, the ticket, and what ended it."""

    start: FiledEvidence
    cause: FiledEvidence | None
    since: datetime | None
    ticket: FiledEvidence | None
    delay: FiledEvidence | None
    breach: FiledEvidence | None
    end: FiledEvidence | None


@dataclass(frozen=True)
class Reading:
    """A case file with the questions that the rules ask of it."""

    file: CaseFile
    policy: Policy

    def all(self, *what: EvidenceKind, about: str | None = None, **detail: object) -> tuple[FiledEvidence, ...]:
        """Evidence of these kinds, in the order in which it was recorded."""
        found = sorted(chain.from_iterable(self._by_what.get(w, ()) for w in what), key=lambda e: e.seq)
        return tuple(
            e
            for e in found
            if (about is None or e.about == about)
            and all(e.detail.get(name) == value for name, value in detail.items())
        )

    def first(self, *what: EvidenceKind, about: str | None = None, **detail: object) -> FiledEvidence | None:
        """The first of these, if there is any."""
        return next(iter(self.all(*what, about=about, **detail)), None)

    def before(
        self, entry: FiledEvidence, *what: EvidenceKind, about: str | None = None, **detail: object
    ) -> FiledEvidence | None:
        """The last of these recorded before that entry."""
        return next((e for e in reversed(self.all(*what, about=about, **detail)) if e.seq < entry.seq), None)

    def after(
        self, entry: FiledEvidence, *what: EvidenceKind, about: str | None = None, **detail: object
    ) -> FiledEvidence | None:
        """The first of these recorded after that entry."""
        return next((e for e in self.all(*what, about=about, **detail) if e.seq > entry.seq), None)

    def counts(self, rule: str, entry: FiledEvidence) -> bool:
        """Whether this rule counted for the case when that was recorded; R-31 to R-35 are later than some cases."""
        says = (e for e in self.all("case.opened", "rules.adopted") if e.seq < entry.seq)
        return any((text(e, "rules") or "") >= rule for e in says)

    def ended(self, permit: FiledEvidence) -> FiledEvidence | None:
        """What ended that permit: revoked, lapsed, or the cut was reported."""
        return next(
            (
                e
                for e in self.all("permit.revoked", "permit.lapsed", "cut.reported")
                if e.seq > permit.seq and permit.about in (e.about, e.detail.get("permit_id"))
            ),
            None,
        )

    def open_at(self, entry: FiledEvidence) -> FiledEvidence | None:
        """The permit that was in force when that was recorded."""
        permit = self.before(entry, "permit.granted")
        until = moment(permit, "valid_until")
        if permit is None or until is None or until <= entry.recorded_at:
            return None
        end = self.ended(permit)
        return permit if end is None or entry.seq < end.seq else None

    def revoked_with(self, entry: FiledEvidence) -> bool:
        """Whether a permit that was open then was taken back in the same step of the case."""
        permit = self.open_at(entry)
        end = self.ended(permit) if permit else None
        return permit is None or (end is not None and end.recorded_at <= entry.recorded_at)

    @property
    def reaches(self) -> datetime:
        """How far the record reaches: the latest time at which anything was recorded."""
        return max(e.recorded_at for e in self.file.evidence)

    def policies_since(self, entry: FiledEvidence | None, until: FiledEvidence | None = None) -> tuple[Policy, ...]:
        """The policy in force when that was recorded, and each that an operator's act has put in its place since.

        Both policies of a change stand in its evidence, so this does not depend on what files say today. Without an
        entry, the one in force at the end; with `until`, only changes before that.
        """
        changes = [c for c in self.all("policy.changed") if entry is None or c.seq > entry.seq]
        if entry is not None and changes:
            upto = [c for c in changes if until is None or c.seq < until.seq]
            return (_terms(changes[0], "terms_before"), *(_terms(c, "terms_after") for c in upto))
        last = self.before(entry, "policy.changed") if entry else next(reversed(changes), None)
        return (_terms(last, "terms_after") if last else self.policy,)

    def terms(self, entry: FiledEvidence | None) -> Policy:
        """The policy that counts what began with that entry: its periods stay when the case comes under another."""
        return self.policies_since(entry)[0]

    def day(self, at: datetime) -> date:
        """The utility's local date."""
        return at.astimezone(self.policy.zone).date()

    def end_of(self, day: date) -> datetime:
        """24:00 local of that date."""
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=self.policy.zone)

    @cached_property
    def _by_what(self) -> dict[EvidenceKind, list[FiledEvidence]]:
        found: dict[EvidenceKind, list[FiledEvidence]] = {}
        # A permit stands in the record before its step is known to Temporal. If a crash makes the step run again, the
        # crew received the later one of that number, and never the earlier.
        received = {e.about: e.key for e in self.file.evidence if e.what == "permit.granted"}
        for entry in self.file.evidence:
            if entry.what != "permit.granted" or received[entry.about] == entry.key:
                found.setdefault(entry.what, []).append(entry)
        return found

    @cached_property
    def due_dates(self) -> dict[str, date]:
        """Due date of each bill, as the overdue events and the notices say."""
        stated = {
            e.about: date.fromisoformat(e.detail["due_date"])
            for e in self.all("bill.overdue")
            if e.about and isinstance(e.detail.get("due_date"), str)
        }
        return stated | {line.bill_id: line.due_date for notice in self.file.notices for line in notice.lines}

    def oldest_due(self, notice: FiledEvidence | None) -> date | None:
        """Due date of the oldest bill that a notice names, where it is known."""
        return min((self.due_dates[b] for b in bills(notice) if b in self.due_dates), default=None)

    @cached_property
    def cuts(self) -> tuple[Cut, ...]:
        """Cuts that were judged lawful, each once."""
        found: dict[str, Cut] = {}
        for report in self.all("cut.reported", lawful=True):
            permit_id = report.detail.get("permit_id")
            if report.about in found:
                continue
            permit = self.first("permit.granted", about=permit_id) if permit_id else None
            ticket = self.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut") if permit else None
            red = self.first("notice.issued", about=text(ticket, "notice_id"), kind="red") if ticket else None
            found[report.about or report.key] = Cut(report, permit, ticket, red)
        return tuple(found.values())

    def red_of(self, permit: FiledEvidence) -> FiledEvidence | None:
        """The red notice for which a permit was given."""
        ticket = self.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
        return self.first("notice.issued", about=text(ticket, "notice_id")) if ticket else None

    def stated(self, permit: FiledEvidence) -> datetime | None:
        """The time for which a permit was given: T of its red notice."""
        return moment(self.red_of(permit), "cut_at")

    @cached_property
    def unlawful(self) -> tuple[FiledEvidence, ...]:
        """Cuts that no permit of ours explains."""
        return tuple(
            e
            for e in self.all("cut.found", "cut.reported")
            if (e.what == "cut.found" and not e.detail.get("known")) or e.detail.get("lawful") is False
        )

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """Every time a meter was without supply, from the first report of it to the restoration."""
        starts = {e.seq: True for e in (c.report for c in self.cuts)} | {e.seq: False for e in self.unlawful}
        cut_off: dict[tuple[str, bool], FiledEvidence] = {}
        found = []
        for entry in self.file.evidence:
            meter = _meter(entry)
            if entry.seq in starts:
                cut_off.setdefault(meter, entry)
            elif entry.what == "supply.restored" and (start := cut_off.pop(meter, None)):
                found.append(self._outage(start, starts[start.seq], entry))
        found += [self._outage(start, starts[start.seq], None) for start in cut_off.values()]
        return tuple(found)

    def _outage(self, start: FiledEvidence, ours: bool, end: FiledEvidence | None) -> Outage:
        last = end.seq if end else self.file.evidence[-1].seq
        meter = _meter(start)

        def within(*found: FiledEvidence) -> tuple[FiledEvidence, ...]:
            """Those of the entries that lie between the start of the outage and its end."""
            return tuple(e for e in found if start.seq < e.seq <= last)

        meters = {meter, *((id_key(str(named)), False) for named in self._meters_named_since(start))}
        sent = (t for t in self.all("ticket.sent", kind="restore") if _meter(t) in meters)
        ticket = next(iter(within(*sent)), None)
        causes = self._causes(start, ours, ticket, within(*self.all("debt.settled")), within(*self.all("plan.agreed")))
        since, cause = min(causes, key=lambda c: c[0], default=(None, None))
        about = ticket.about if ticket else None

        def of_ticket(what: EvidenceKind) -> FiledEvidence | None:
            """The first entry of that kind about the restoration ticket of this outage."""
            return next((e for e in self.all(what) if e.seq > start.seq and about and e.about == about), None)

        return Outage(start, cause, since, ticket, of_ticket("delay.declared"), of_ticket("restore.breached"), end)

    def _meters_named_since(self, start: FiledEvidence) -> tuple[object, ...]:
        """The meters that billing has named for the account after that, where it had named the one that was cut."""
        changes = [c for c in self.all("customer.changed") if "meter_id" in c.detail.get("fields", ())]
        names = [c.detail["before"]["meter_id"] for c in changes] + [
            c.detail["after"]["meter_id"] for c in changes[-1:]
        ]
        if not spelled_like(str(start.detail.get("meter_id")), map(str, names)):
            return ()
        return tuple(c.detail["after"]["meter_id"] for c in changes if c.recorded_at >= start.at)

    def _causes(
        self,
        start: FiledEvidence,
        ours: bool,
        ticket: FiledEvidence | None,
        settled: tuple[FiledEvidence, ...],
        plans: tuple[FiledEvidence, ...],
    ) -> list[tuple[datetime, FiledEvidence]]:
        """What may have started the 24 hours (R-25): a settlement, a plan, a new holder (R-32), or a message."""
        causes = [] if ours else [(start.recorded_at, start)]
        named = set(bills(next((c.red for c in self.cuts if c.report.seq == start.seq), None)))
        for entry in settled:
            if entry.about == start.about or (named and named <= set(bills(entry))):
                at = moment(entry, "settled_at") or entry.at
                causes.append((at if at > start.at else entry.recorded_at, entry))
        if ours:  # a new holder does not answer for the debt, whatever is paid
            holders = (c for c in self.all("customer.changed") if "name" in c.detail.get("fields", ()))
            causes += [(max(c.recorded_at, start.recorded_at), c) for c in holders if start.at <= c.recorded_at]
        if withdrawn := self.first("withdrawn"):
            causes.append((max(withdrawn.recorded_at, start.recorded_at), withdrawn))
        if ticket and not any(cause.seq < ticket.seq for _, cause in causes):
            causes += [(plan.recorded_at, plan) for plan in plans if plan.seq < ticket.seq]
        return causes


def _meter(entry: FiledEvidence) -> tuple[str, bool]:
    """The meter that an entry is about, in any spelling; one of another customer's is never ours (R-33, R-34)."""
    return id_key(str(entry.detail.get("meter_id"))), bool(entry.detail.get("neighbour"))


def _terms(change: FiledEvidence, which: str) -> Policy:
    return Policy.model_validate(change.detail[which])


def bills(entry: FiledEvidence | None) -> tuple[str, ...]:
    """The bills an entry names."""
    named = entry.detail.get("bills") if entry else None
    return tuple(str(b) for b in named) if isinstance(named, list) else ()


def moment(entry: FiledEvidence | None, name: str) -> datetime | None:
    """A time of an entry's detail."""
    value = entry.detail.get(name) if entry else None
    if not isinstance(value, str):
        return None
    return datetime.fromisoformat(value).astimezone(UTC)


def text(entry: FiledEvidence | None, name: str) -> str | None:
    """A text of an entry's detail."""
    value = entry.detail.get(name) if entry else None
    return value if isinstance(value, str) else None


def amount(entry: FiledEvidence, name: str) -> Decimal:
    """Money of an entry's detail; nothing where there is none."""
    return Decimal(text(entry, name) or "0")
