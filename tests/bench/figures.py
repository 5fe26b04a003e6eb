"""What a measurement comes to: ratios by rounds of A B B A, median and range, and when a row is void."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

VOID_BELOW, VOID_ABOVE = 0.90, 1.10
"""Bare against bare must land between these, or the machine was too unquiet for the row to mean anything."""

Verdict = Literal["reached", "short", "void", "noted"]


@dataclass(frozen=True)
class Round:
    """One round of bare, ours, ours, bare: four figures of the same kind (a rate, a time, a size)."""

    bare_first: float
    ours_first: float
    ours_last: float
    bare_last: float

    @property
    def ratio(self) -> float:
        """Ours ÷ bare."""
        return (self.ours_first + self.ours_last) / (self.bare_first + self.bare_last)

    @property
    def calm(self) -> float:
        """Bare ÷ bare: 1 on a quiet machine."""
        return self.bare_first / self.bare_last


@dataclass(frozen=True)
class Spread:
    """Median and range."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of these values; there must be one."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} – {self.most:.2f})"


@dataclass(frozen=True)
class Ratio:
    """Rounds of one measure."""

    rounds: tuple[Round, ...]

    @property
    def spread(self) -> Spread:
        """Ours ÷ bare over the rounds."""
        return Spread.of([r.ratio for r in self.rounds])

    @property
    def calm(self) -> Spread:
        """Bare ÷ bare over the rounds."""
        return Spread.of([r.calm for r in self.rounds])

    @property
    def void(self) -> bool:
        """Whether bare differs from itself by more than a tenth, in the median of the rounds."""
        return not VOID_BELOW <= self.calm.median <= VOID_ABOVE

    @property
    def ours(self) -> Spread:
        """Our own figures."""
        return Spread.of([x for r in self.rounds for x in (r.ours_first, r.ours_last)])

    @property
    def bare(self) -> Spread:
        """The bare reference's."""
        return Spread.of([x for r in self.rounds for x in (r.bare_first, r.bare_last)])


@dataclass(frozen=True)
class Row:
    """One line of the table; `detail` goes into the JSON with it."""

    id: str
    measure: str
    figure: str
    reach: str
    verdict: Verdict
    detail: dict[str, Any] = field(default_factory=dict)


def row_of_ratio(id_: str, measure: str, ratio: Ratio, *, least: float = 0.0, most: float = 1e9, unit: str = "") -> Row:
    """A row whose ratio must lie between `least` and `most`."""
    spread = ratio.spread
    reach = f"≥ {least:.2f}" if least else f"≤ {most:.2f}"
    good = least <= spread.median <= most
    return Row(
        id_,
        measure,
        f"{spread} × bare · ours {ratio.ours} {unit}, bare {ratio.bare} · bare÷bare {ratio.calm}",
        reach,
        "void" if ratio.void else "reached" if good else "short",
        {
            "ratio": asdict(spread),
            "bare_by_bare": asdict(ratio.calm),
            "ours": asdict(ratio.ours),
            "bare": asdict(ratio.bare),
            "unit": unit,
            "rounds": [asdict(r) for r in ratio.rounds],
        },
    )


def row_of_bound(id_: str, measure: str, value: float, most: float, **detail: Any) -> Row:
    """A row with a plain bound."""
    figure = f"{value:g}" if float(value).is_integer() else f"{value:.2f}"
    return Row(id_, measure, figure, f"≤ {most:g}", "reached" if value <= most else "short", {"value": value, **detail})


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
