"""The report's chart: restorations by hours from settlement, as bars in the text and on the paper (R-25, III.3)."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.papers.sheets import Language, ReportBar, ReportChart
from domain.report import words
from domain.report.month import RestorationTimes
from domain.words import Both

_LONGEST_BAR = 30


class Chart(NamedTuple):
    """Bars with their title; those from `late_from` on are past the 24 hours."""

    title: Both
    bars: tuple[tuple[Both, int], ...]
    late_from: int


def restoration_chart(times: RestorationTimes) -> Chart:
    """How many customers were restored within how many hours."""
    return Chart(
        title=Both("结清后复电用时（户次）", "Restorations by time from settlement to light"),
        bars=tuple((label, getattr(times, name)) for name, label in words.STEPS),
        late_from=[name for name, _ in words.STEPS].index("exception"),
    )


def as_text(chart: Chart, language: Language) -> Iterator[str]:
    """A line a bar, which any program can show."""
    most = max((count for _, count in chart.bars), default=0)
    labels = [words.in_one_line(label, language) for label, _ in chart.bars]
    widest = max(map(words.width, labels))
    for label, (_, count) in zip(labels, chart.bars, strict=True):
        bar = "█" * (max(1, round(count * _LONGEST_BAR / most)) if count else 0)
        yield " ".join(filter(None, (label + " " * (widest - words.width(label)), bar, str(count))))


def on_paper(chart: Chart, language: Language) -> ReportChart:
    """The bars as the paper's template draws them."""
    return ReportChart(
        title=str(getattr(chart.title, language)),
        bars=tuple(
            ReportBar(label=str(getattr(label, language)), count=count, late=place >= chart.late_from)
            for place, (label, count) in enumerate(chart.bars)
        ),
    )
