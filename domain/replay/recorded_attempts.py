"""The procedures of a recorded case: which notices led towards a cut, how each fared, and how the procedure ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from domain.proof.reading import Cut, Reading, bills, moment
from domain.record.case_file import FiledEvidence
from domain.record.kinds import kinds
from domain.record.reasons import ReasonCode, code_of


@dataclass(frozen=True)
class Tried:
    """A notice as it fared: issued, reported delivered (also too late), served, its approvals complete, void."""

    issued: FiledEvidence
    delivered: FiledEvidence | None
    served: FiledEvidence | None
    approved: FiledEvidence | None
    void: FiledEvidence | None
    crew_was_out: bool

    @property
    def stated(self) -> datetime:
        """The time of the cut that it states."""
        found = moment(self.issued, "cut_at")
        assert found is not None, "a notice states its time (R-05)"
        return found

    @property
    def delivered_at(self) -> datetime | None:
        """When the customer had it."""
        if self.delivered is None:
            return None
        return moment(self.delivered, "delivered_at") or self.delivered.at

    @property
    def void_reason(self) -> ReasonCode | None:
        """Why it came to nothing; None while it stands, or where a person wrote the reason himself."""
        return code_of(str(self.void.detail.get("reason", ""))) if self.void else None


@dataclass(frozen=True)
class RecordedProcedure:
    """From a first yellow notice to a cut, a settlement, another end, or to where the case stands.

    `paid_at`: when its bills were settled, before the cut or after it; `ended_at`: when it ended without a cut.
    """

    yellows: tuple[Tried, ...]
    reds: tuple[Tried, ...]
    cut: Cut | None
    paid_at: datetime | None
    ended_at: datetime | None
    restored: bool

    @property
    def began(self) -> datetime:
        """When its first notice was issued."""
        return self.yellows[0].issued.at

    @property
    def notices(self) -> tuple[Tried, ...]:
        """All of them, yellow ones first."""
        return (*self.yellows, *self.reds)


@dataclass(frozen=True)
class Stopped:
    """A time in which a hold, a promise or a plan stood; without an end, still."""

    what: str
    since: datetime
    until: datetime | None


def recorded_procedures(r: Reading) -> tuple[RecordedProcedure, ...]:
    """Every procedure of the case, oldest first: debt settled, or cut for, and opened again starts a new one (R-05)."""
    issued = r.all("notice.issued")
    starts = [0]
    for place, (before, entry) in enumerate(pairwise(issued), start=1):
        if entry.detail.get("kind") == "yellow" and _end(r, before, entry.seq) is not None:
            starts.append(place)
    parts = [issued[start:stop] for start, stop in pairwise([*starts, len(issued)])]
    befores = [part[0].seq for part in parts[1:]] + [r.file.evidence[-1].seq + 1 if r.file.evidence else 0]
    return tuple(_recorded_procedure(r, part, before) for part, before in zip(parts, befores, strict=True) if part)


def stops(r: Reading) -> Iterator[Stopped]:
    """Holds, promises and plans of the case, with when they stood."""
    open_since: dict[str, FiledEvidence] = {}
    for entry in r.file.evidence:
        subject, _, happened = entry.what.partition(".")
        key = f"{subject} {entry.about}" if subject == "hold" else subject
        if entry.what in kinds("hold.placed", "promise.made", "plan.agreed"):
            open_since.setdefault(key, entry)
        elif happened in ("lifted", "ended", "kept", "broken") and key in open_since:
            yield Stopped(subject, open_since.pop(key).recorded_at, entry.recorded_at)
    yield from (Stopped(key.split()[0], entry.recorded_at, None) for key, entry in open_since.items())


def _recorded_procedure(r: Reading, issued: tuple[FiledEvidence, ...], before: int) -> RecordedProcedure:
    end = _end(r, issued[-1], before)
    cut = next((c for c in r.cuts if end is not None and c.report.seq == end.seq), None)
    settled = _settled(r, cut, end)
    ended = end if cut is None else None
    return RecordedProcedure(
        yellows=tuple(_tried(r, e) for e in issued if e.detail.get("kind") == "yellow"),
        reds=tuple(_tried(r, e) for e in issued if e.detail.get("kind") == "red"),
        cut=cut,
        paid_at=(moment(settled, "settled_at") or settled.at) if settled else None,
        ended_at=ended.at if ended else None,
        restored=cut is not None and r.after(cut.report, "supply.restored") is not None,
    )


def _end(r: Reading, last: FiledEvidence, before: int) -> FiledEvidence | None:
    """What ended a procedure after its last notice: a lawful cut, settlement of its bills, a withdrawal, the close."""
    named = set(bills(last))
    ends = (
        e
        for e in r.all("cut.reported", "debt.settled", "withdrawn", "case.closed")
        if last.seq < e.seq < before
        and (e.what != "cut.reported" or e.detail.get("lawful") is True)
        and (e.what != "debt.settled" or named <= set(bills(e)))
    )
    return next(ends, None)


def _settled(r: Reading, cut: Cut | None, end: FiledEvidence | None) -> FiledEvidence | None:
    if cut is None:
        return end if end is not None and end.what == "debt.settled" else None
    return next((s for s in r.all("debt.settled", about=cut.report.about) if s.seq > cut.report.seq), None)


def _tried(r: Reading, issued: FiledEvidence) -> Tried:
    tickets = [t.about for t in r.all("ticket.sent", kind="cut", notice_id=issued.about)]
    return Tried(
        issued=issued,
        delivered=r.first("notice.delivered", "delivery.too_late", about=issued.about),
        served=r.first("notice.served", about=issued.about),
        approved=r.first("approvals.complete", about=issued.about),
        void=r.first("notice.void", about=issued.about),
        crew_was_out=any(r.first("half_hour.reached", about=ticket) for ticket in tickets),
    )
