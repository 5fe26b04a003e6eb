"""One case's share of a month's report, told by its evidence in the order of its clock.

It reads what a case has written and nothing of how it decides, so that the same month always has the same figures.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from domain.record.kinds import EvidenceKind
from domain.report.month import Debt
from domain.vocabulary import Outcome, Stage

NOTHING = Decimal("0.00")
NO_DEBT = Debt()


class Event(NamedTuple):
    """One entry of a case's evidence, as far as a report reads it."""

    what: EvidenceKind
    rule: str
    at: datetime
    recorded_at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True)
class Light:
    """A restoration; `took` is None where light came before anything asked for it."""

    lawful: bool
    took: timedelta | None = None
    within_exception: bool = False


@dataclass(frozen=True)
class CaseMonth:
    """What one case adds to the figures of a month. `stage` is that of the month's end, None where it is not open."""

    opened: bool = False
    closed: bool = False
    outcome: Outcome | None = None
    stage: Stage | None = None
    debt: Debt = NO_DEBT
    cuts: int = 0
    unauthorised: int = 0
    reported_unopened: int = 0
    lights: tuple[Light, ...] = ()
    breaches: int = 0
    dark_lawfully: int = 0
    dark_unauthorised: int = 0


@dataclass
class _Dark:
    at: datetime
    lawful: bool


@dataclass
class _Story:
    """Where the case stands as the evidence is read on, and what it has counted inside the month so far."""

    begins_at: datetime
    tolerance: Decimal
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
    dark: dict[str, list[_Dark]] = field(default_factory=lambda: defaultdict(list))
    lit_at: dict[str, datetime] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lights: list[Light] = field(default_factory=list)

    @property
    def standing_dark(self) -> list[_Dark]:
        return [d for of_meter in self.dark.values() for d in of_meter]

    def count(self, what: str) -> None:
        self.counts[what] += self.inside

    def pay(self, what: str, amount: Decimal) -> None:
        if self.inside:
            self.money[what] += amount


def case_in_month(events: Iterable[Event], begins_at: datetime, tolerance: Decimal) -> CaseMonth:
    """Read a case's evidence up to the month's end. `tolerance`: what may be owed and still count as nothing."""
    story = _Story(begins_at, tolerance)
    for event in events:
        if not story.inside and event.recorded_at >= begins_at:
            story.inside = True
            if story.opened and story.closed_inside is None:
                story.money["brought_forward"] = story.owed
        _TELLS[event.what](story, event)
    if not story.inside and story.opened and story.closed_inside is None:
        story.money["brought_forward"] = story.owed
    open_at_end = story.opened and story.closed_inside is None
    dark = [all(d.lawful for d in of_meter) for of_meter in story.dark.values() if of_meter]
    return CaseMonth(
        opened=story.opened_inside,
        closed=story.closed_inside is True,
        outcome=story.outcome if story.closed_inside else None,
        stage=story.stage if open_at_end else None,
        debt=Debt(
            **story.money,
            left=story.owed if story.closed_inside else NOTHING,
            owed=story.owed if open_at_end else NOTHING,
        ),
        cuts=story.counts["cuts"],
        unauthorised=story.counts["unauthorised"],
        reported_unopened=story.counts["reported_unopened"],
        lights=tuple(story.lights),
        breaches=story.counts["breaches"],
        dark_lawfully=sum(dark),
        dark_unauthorised=len(dark) - sum(dark),
    )


# ---- what each kind of evidence tells ---------------------------------------------------------


def _opened(s: _Story, e: Event) -> None:
    s.opened, s.opened_inside, s.owed = True, s.inside, Decimal(e.detail["owed"])
    s.pay("opened_with", s.owed)


def _debt_read(s: _Story, e: Event) -> None:
    now = Decimal(e.detail["owed"])
    s.pay("added", max(now - s.owed, NOTHING))
    s.pay("settled", max(s.owed - now, NOTHING))
    s.owed = now


def _issued(s: _Story, e: Event) -> None:
    if e.detail["kind"] == "yellow":
        s.yellow, s.red_since_yellow, s.stage = True, False, "yellow_notice"
    else:
        s.red, s.red_since_yellow, s.stage = True, True, "red_notice"


def _void(s: _Story, e: Event) -> None:
    if e.detail["kind"] == "yellow":
        s.yellow = False
        return
    s.red = False
    # A payment or a withdrawal leaves the case where it stands: it is about to close.
    if e.detail.get("reason") not in ("settled", "withdrawn") and not s.standing_dark:
        s.stage = "red_notice"


def _ticket_sent(s: _Story, e: Event) -> None:
    s.stage = "ticketed" if e.detail["kind"] == "cut" else "restoring"


def _half_hour(s: _Story, _e: Event) -> None:
    s.stage = "final_half_hour"


def _cut_reported(s: _Story, e: Event) -> None:
    """Under a permit of ours; any other report stands beside the `cut.found` that counts."""
    if e.rule != "R-18":
        return
    s.count("cuts")
    s.yellow = s.red = s.red_since_yellow = False
    meter = str(e.detail.get("meter_id"))
    if meter not in s.lit_at or s.lit_at[meter] <= e.at:  # else we hear of the cut after its light
        s.dark[meter].append(_Dark(e.at, lawful=True))
    dark = s.standing_dark
    s.stage = "yellow_notice" if not dark else "disconnected" if all(d.lawful for d in dark) else "restoring"


def _cut_found(s: _Story, e: Event) -> None:
    if e.detail.get("known"):
        return
    if "unopened" in e.detail:
        s.count("reported_unopened")
        return
    s.count("unauthorised")
    s.dark[str(e.detail.get("meter_id"))].append(_Dark(e.at, lawful=False))
    s.stage = "restoring"


def _restored(s: _Story, e: Event) -> None:
    meter = str(e.detail.get("meter_id"))
    ended = next((d for d in s.dark[meter] if d.at <= e.at), None)
    if ended is not None:
        s.dark[meter].remove(ended)
    s.lit_at[meter] = e.at
    if s.inside:
        s.lights.append(_light(e, lawful=ended is None or ended.lawful))
    if not s.standing_dark and s.owed > s.tolerance and not s.withdrawn:
        s.stage = "red_notice" if s.red or (s.yellow and s.red_since_yellow) else "yellow_notice"


def _light(e: Event, lawful: bool) -> Light:
    if "since" not in e.detail:
        return Light(lawful)
    since = datetime.fromisoformat(e.detail["since"])
    return Light(lawful, max(e.at - since, timedelta()), within_exception=bool(e.detail.get("in_time")))


def _breached(s: _Story, _e: Event) -> None:
    s.count("breaches")


def _withdrawn(s: _Story, _e: Event) -> None:
    s.withdrawn = True


def _closed(s: _Story, e: Event) -> None:
    s.closed_inside, s.outcome = s.inside, e.detail.get("outcome")


def _reopened(s: _Story, _e: Event) -> None:
    if s.closed_inside is False:  # closed in an earlier month: what it owes is back
        s.pay("added", s.owed)
    s.closed_inside = s.outcome = None


_TELLS: dict[EvidenceKind, Callable[[_Story, Event], None]] = {
    "case.opened": _opened,
    "debt.read": _debt_read,
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
TELLING = tuple(_TELLS)
"""The kinds of evidence that a case's share is told by."""
