"""The shares of all cases added up: the whole, and by customer class, reading centre and region (R-29)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from domain.report.case_share import CaseMonth, Restoration
from domain.report.month import Debt, ImportantCustomer, Part, RestorationTimes
from domain.vocabulary import Contract

_HOUR = timedelta(hours=1)
_STEPS = ((4, "within_4"), (12, "within_12"), (20, "within_20"), (24, "within_24"))


@dataclass(frozen=True)
class Traits:
    """What a case is reported under; empty texts where it is not known."""

    account_id: str
    customer_class: str = ""
    reading_centre: str = ""
    region: str = ""
    important: bool = False


@dataclass
class Sum:
    """Adds cases up one by one, so that a register of any size needs no more memory than its parts."""

    parts: dict[str, dict[str, Counter[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))
    money: dict[str, dict[str, dict[str, Decimal]]] = field(default_factory=lambda: defaultdict(dict))
    outcomes: Counter[str] = field(default_factory=Counter)
    stages: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    supply: Counter[str] = field(default_factory=Counter)
    restorations: dict[bool, list[Restoration]] = field(default_factory=lambda: {True: [], False: []})
    after_nothing_owed: list[timedelta] = field(default_factory=list)
    important: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    important_open: int = 0

    def add(self, case: Traits, share: CaseMonth) -> None:
        """One case's share."""
        counts = Counter(
            opened=int(share.opened),
            closed=int(share.closed),
            open=int(share.stage is not None),
            cuts=share.cuts,
            unauthorised=share.unauthorised,
            restored=len(share.restorations),
            breaches=share.breaches,
        )
        for by, name in _places(case):
            self.parts[by][name].update(counts)
            self.money[by][name] = _plus(self.money[by].get(name, {}), share.debt)
        if share.outcome:
            self.outcomes[share.outcome] += 1
        if share.stage:
            self.stages[share.stage][case.customer_class] += 1
            self.important_open += case.important
        self.supply.update(
            cuts=share.cuts,
            unauthorised=share.unauthorised,
            reported_unopened=share.reported_unopened,
            breaches=share.breaches,
            dark_lawfully=share.cut_off_lawfully,
            dark_unauthorised=share.cut_off_unauthorised,
        )
        self.after_nothing_owed += share.after_nothing_owed
        for restoration in share.restorations:
            self.restorations[restoration.lawful].append(restoration)
        if case.important and (share.cuts or share.unauthorised or share.restorations):
            self.important[case.account_id].update(
                cuts=share.cuts, unauthorised=share.unauthorised, restored=len(share.restorations)
            )

    @property
    def longest_after_nothing_owed(self) -> int | None:
        """The longest that supply stayed off after nothing was owed, in whole minutes; None if it never did (R-25)."""
        return _minutes(sorted(self.after_nothing_owed), 1, 1)

    def filed(self, account_id: str) -> None:
        """A filing for one important customer's red notice (R-14)."""
        self.important[account_id]["filings"] += 1

    def whole(self) -> Part:
        """All cases together."""
        return next(iter(self.by("whole")), Part(name=""))

    def by(self, what: str) -> tuple[Part, ...]:
        """The parts by `class`, `centre` or `region`, in order of name; those that nothing happened in are left out."""
        found = (
            Part(name=name, debt=Debt(**self.money[what][name]), **_positive(counts))
            for name, counts in sorted(self.parts[what].items())
        )
        return tuple(part for part in found if what == "whole" or part != Part(name=part.name))

    def important_customers(self) -> tuple[ImportantCustomer, ...]:
        """Important customers of whom there is something to say, in order of account."""
        return tuple(ImportantCustomer(account_id=a, **_positive(c)) for a, c in sorted(self.important.items()))


def restoration_times(found: Iterable[Restoration]) -> RestorationTimes:
    """How long restorations took (R-25, R-26)."""
    every = list(found)
    took = sorted(restoration.took for restoration in every if restoration.took is not None)
    return RestorationTimes(
        restored=len(every),
        before_due=len(every) - len(took),
        median=_minutes(took, 1, 2),
        p90=_minutes(took, 9, 10),
        longest=_minutes(took, 1, 1),
        **Counter(_step(restoration) for restoration in every if restoration.took is not None),
    )


def _step(restoration: Restoration) -> str:
    assert restoration.took is not None
    within = next((name for hours, name in _STEPS if restoration.took <= hours * _HOUR), None)
    return within or ("exception" if restoration.within_exception else "later")


def _minutes(took: list[timedelta], share: int, of: int) -> int | None:
    """The observed value within which that share had supply again, in whole minutes, begun ones counted."""
    if not took:
        return None
    value = took[-(-len(took) * share // of) - 1]
    return -(-value // timedelta(minutes=1))


def _places(case: Traits) -> tuple[tuple[str, str], ...]:
    return (
        ("whole", ""),
        ("class", case.customer_class),
        ("centre", case.reading_centre),
        ("region", case.region),
    )


def _plus(so_far: dict[str, Decimal], debt: Contract) -> dict[str, Decimal]:
    return {name: so_far.get(name, Decimal("0.00")) + getattr(debt, name) for name in Debt.model_fields}


def _positive(counts: Counter[str]) -> dict[str, Any]:
    return {name: count for name, count in counts.items() if count}
