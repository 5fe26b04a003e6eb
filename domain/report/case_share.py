"""One case's share of a month's report, read from its evidence in the order of its clock.

It reads what a case has written and nothing of how it decides, so that the same month always has the same figures.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from domain.ids import id_key
from domain.law.policy import Policy
from domain.record.kinds import EvidenceKind
from domain.record.reasons import because
from domain.report.month import Debt
from domain.vocabulary import Outcome, Stage

NOTHING = Decimal("0.00")
NO_DEBT = Debt()
_HOLDER_CHANGED = because("holder_changed")


class Event(NamedTuple):
    """One entry of a case's evidence, as far as a report reads it."""

    what: EvidenceKind
    rule: str
    at: datetime
    recorded_at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True)
class Restoration:
    """A restoration; `took` is None where supply was back before anything asked for it."""

    lawful: bool
    took: timedelta | None = None
    within_exception: bool = False


@dataclass(frozen=True)
class CaseMonth:
    """What one case adds to the figures of a month. `stage` is that of the month's end, None where it is not open.

    `after_nothing_owed`: how long supply stayed off after the bills of a cut were settled, as it was learned.
    """

    opened: bool = False
    closed: bool = False
    outcome: Outcome | None = None
    stage: Stage | None = None
    debt: Debt = NO_DEBT
    cuts: int = 0
    unauthorised: int = 0
    reported_unopened: int = 0
    restorations: tuple[Restoration, ...] = ()
    after_nothing_owed: tuple[timedelta, ...] = ()
    breaches: int = 0
    cut_off_lawfully: int = 0
    cut_off_unauthorised: int = 0


class _Meter(NamedTuple):
    """A meter in any spelling; `neighbour`: another customer's, whose cut is none of the case (R-33, R-34)."""

    key: str
    neighbour: bool


@dataclass
class _CutOff:
    at: datetime
    lawful: bool


@dataclass
class _CaseSoFar:
    """Where the case stands as the evidence is read on, and what it has counted inside the month so far."""

    begins_at: datetime
    policy: Policy
    present: bool = False
    inside: bool = False
    opened: bool = False
    opened_inside: bool = False
    closed_inside: bool | None = None  # None: open
    outcome: Outcome | None = None
    stage: Stage = "yellow_notice"
    owed: Decimal = NOTHING
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    yellow: bool = False
    red: bool = False
    red_since_yellow: bool = False
    withdrawn: bool = False
    cut_off: dict[_Meter, list[_CutOff]] = field(default_factory=lambda: defaultdict(list))
    restored_at: dict[_Meter, datetime] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    restorations: list[Restoration] = field(default_factory=list)
    after_nothing_owed: list[timedelta] = field(default_factory=list)

    @property
    def in_arrears(self) -> bool:
        return self.owed > (self.policy.may_stay_unpaid if self.present else self.policy.tolerance)

    @property
    def still_cut_off(self) -> list[_CutOff]:
        """Every cut of this customer whose supply is not back yet."""
        return [one for meter, of_meter in self.cut_off.items() if not meter.neighbour for one in of_meter]

    @property
    def shown_stage(self) -> Stage:
        """The stage, or `restoring` while another customer's supply is to be restored (R-34)."""
        return "restoring" if any(o for meter, o in self.cut_off.items() if meter.neighbour) else self.stage

    def count(self, what: str) -> None:
        """Count it, if the entry lies inside the month."""
        self.counts[what] += self.inside

    def pay(self, what: str, amount: Decimal) -> None:
        """Add the amount, if the entry lies inside the month."""
        if self.inside:
            self.money[what] += amount


def case_in_month(events: Iterable[Event], begins_at: datetime, policy: Policy) -> CaseMonth:
    """Read a case's evidence up to the month's end. `policy` says what may be owed and still count as nothing."""
    so_far = _CaseSoFar(begins_at, policy)
    for event in events:
        if not so_far.inside and event.recorded_at >= begins_at:
            so_far.inside = True
            if so_far.opened and so_far.closed_inside is None:
                so_far.money["brought_forward"] = so_far.owed
        _READERS[event.what](so_far, event)
    if not so_far.inside and so_far.opened and so_far.closed_inside is None:
        so_far.money["brought_forward"] = so_far.owed
    open_at_end = so_far.opened and so_far.closed_inside is None
    cut_off = [all(one.lawful for one in of_meter) for of_meter in so_far.cut_off.values() if of_meter]
    return CaseMonth(
        opened=so_far.opened_inside,
        closed=so_far.closed_inside is True,
        outcome=so_far.outcome if so_far.closed_inside else None,
        stage=so_far.shown_stage if open_at_end else None,
        debt=Debt(
            **so_far.money,
            left=so_far.owed if so_far.closed_inside else NOTHING,
            owed=so_far.owed if open_at_end else NOTHING,
        ),
        cuts=so_far.counts["cuts"],
        unauthorised=so_far.counts["unauthorised"],
        reported_unopened=so_far.counts["reported_unopened"],
        restorations=tuple(so_far.restorations),
        after_nothing_owed=tuple(so_far.after_nothing_owed),
        breaches=so_far.counts["breaches"],
        cut_off_lawfully=sum(cut_off),
        cut_off_unauthorised=len(cut_off) - sum(cut_off),
    )


# ---- what each kind of evidence adds ----------------------------------------------------------


def _meter(e: Event) -> _Meter:
    return _Meter(id_key(str(e.detail.get("meter_id"))), bool(e.detail.get("neighbour")))


def _opened(s: _CaseSoFar, e: Event) -> None:
    s.opened, s.opened_inside, s.owed = True, s.inside, Decimal(e.detail["owed"])
    s.pay("opened_with", s.owed)
    s.present = "rules" in e.detail


def _adopted(s: _CaseSoFar, _e: Event) -> None:
    s.present = True


def _debt_read(s: _CaseSoFar, e: Event) -> None:
    now = Decimal(e.detail["owed"])
    s.pay("added", max(now - s.owed, NOTHING))
    s.pay("settled", max(s.owed - now, NOTHING))
    s.owed = now


def _issued(s: _CaseSoFar, e: Event) -> None:
    if e.detail["kind"] == "yellow":
        s.yellow, s.red_since_yellow, s.stage = True, False, "yellow_notice"
    else:
        s.red, s.red_since_yellow, s.stage = True, True, "red_notice"


def _void(s: _CaseSoFar, e: Event) -> None:
    if e.detail["kind"] == "yellow":
        s.yellow = False
        if e.detail.get("reason") == _HOLDER_CHANGED and not s.still_cut_off:
            s.stage = "yellow_notice"  # the stages run anew
        return
    s.red = False
    # A payment or a withdrawal leaves the case where it stands: it is about to close.
    if e.detail.get("reason") not in ("settled", "withdrawn") and not s.still_cut_off:
        s.stage = "red_notice"


def _ticket_sent(s: _CaseSoFar, e: Event) -> None:
    if not e.detail.get("neighbour"):
        s.stage = "ticketed" if e.detail["kind"] == "cut" else "restoring"


def _half_hour(s: _CaseSoFar, _e: Event) -> None:
    s.stage = "final_half_hour"


def _cut_reported(s: _CaseSoFar, e: Event) -> None:
    """Under a permit of ours; any other report stands beside the `cut.found` that counts."""
    if e.rule != "R-18":
        return
    s.count("cuts")
    s.yellow = s.red = s.red_since_yellow = False
    meter = _meter(e)
    if meter not in s.restored_at or s.restored_at[meter] <= e.at:  # else we hear of the cut after its restoration
        s.cut_off[meter].append(_CutOff(e.at, lawful=True))
    cut_off = s.still_cut_off
    s.stage = "yellow_notice" if not cut_off else "disconnected" if all(one.lawful for one in cut_off) else "restoring"


def _cut_found(s: _CaseSoFar, e: Event) -> None:
    if e.detail.get("known"):
        return
    if "unopened" in e.detail:
        s.count("reported_unopened")
        return
    s.count("unauthorised")
    meter = _meter(e)
    s.cut_off[meter].append(_CutOff(e.at, lawful=False))
    if not meter.neighbour:
        s.stage = "restoring"


def _restored(s: _CaseSoFar, e: Event) -> None:
    meter = _meter(e)
    ended = next((one for one in s.cut_off[meter] if one.at <= e.at), None)
    if ended is not None:
        s.cut_off[meter].remove(ended)
    s.restored_at[meter] = e.at
    if s.inside:
        s.restorations.append(_restoration(e, lawful=ended is None or ended.lawful))
    _add_time_after_nothing_owed(s, e.detail, e.at)
    if not meter.neighbour and not s.still_cut_off and s.in_arrears and not s.withdrawn:
        s.stage = "red_notice" if s.red or (s.yellow and s.red_since_yellow) else "yellow_notice"


def _settled(s: _CaseSoFar, e: Event) -> None:
    """Learned once supply was back; else the restoration says it."""
    if "restored_at" in e.detail:
        _add_time_after_nothing_owed(s, e.detail, datetime.fromisoformat(e.detail["restored_at"]))


def _add_time_after_nothing_owed(s: _CaseSoFar, detail: dict[str, Any], restored_at: datetime) -> None:
    if s.inside and "settled_at" in detail and "cut_at" in detail:
        since = max(datetime.fromisoformat(detail[name]) for name in ("settled_at", "cut_at"))
        s.after_nothing_owed.append(max(restored_at - since, timedelta()))


def _restoration(e: Event, lawful: bool) -> Restoration:
    if "since" not in e.detail:
        return Restoration(lawful)
    since = datetime.fromisoformat(e.detail["since"])
    return Restoration(lawful, max(e.at - since, timedelta()), within_exception=bool(e.detail.get("in_time")))


def _breached(s: _CaseSoFar, _e: Event) -> None:
    s.count("breaches")


def _withdrawn(s: _CaseSoFar, _e: Event) -> None:
    s.withdrawn = True


def _closed(s: _CaseSoFar, e: Event) -> None:
    s.closed_inside, s.outcome = s.inside, e.detail.get("outcome")


def _reopened(s: _CaseSoFar, _e: Event) -> None:
    if s.closed_inside is False:  # closed in an earlier month: what it owes is back
        s.pay("added", s.owed)
    s.closed_inside = s.outcome = None


_READERS: dict[EvidenceKind, Callable[[_CaseSoFar, Event], None]] = {
    "case.opened": _opened,
    "rules.adopted": _adopted,
    "debt.read": _debt_read,
    "debt.settled": _settled,
    "notice.issued": _issued,
    "notice.void": _void,
    "ticket.sent": _ticket_sent,
    "half_hour.reached": _half_hour,
    "cut.reported": _cut_reported,
    "cut.found": _cut_found,
    "supply.restored": _restored,
    "restore.breached": _breached,
    "withdrawn": _withdrawn,
    "case.closed": _closed,
    "case.reopened": _reopened,
}
KINDS_READ = tuple(_READERS)
"""The kinds of evidence that a case's share is read from."""
