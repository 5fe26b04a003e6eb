"""The report as a text, in Chinese or in English: headings, tables and a chart that any program can show."""

from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from domain.papers.sheets import Language
from domain.report.layout import Layout, Section
from domain.words import Both

_LONGEST_BAR = 30


def text(layout: Layout, language: Language) -> str:
    """The whole report in one language; tables as Markdown, padded so that they also read well as they are."""

    def say(value: Both | str) -> str:
        return value if isinstance(value, str) else getattr(value, language)

    lines = [f"# {say(layout.title)}", ""]
    lines += [f"- {say(label)}{'：' if language == 'zh' else ': '}{say(value)}" for label, value in layout.about]
    for number, section in enumerate(layout.sections, start=1):
        lines += ["", f"## {number}. {say(section.title)}", "", *_table(section, language)]
        if section.title.zh == layout.bars_after:
            lines += ["", say(layout.bars_title), "", "```", *_bars(layout, language), "```"]
    lines.append("")
    lines += [f"{number}. {say(note)}" for number, note in enumerate(layout.notes, start=1)]
    return "\n".join(lines) + "\n"


def _table(section: Section, language: Language) -> Iterable[str]:
    rows = [[_said(cell, language) for cell in row] for row in (section.head, *section.rows)]
    if len(rows) == 1:
        return ["（无）" if language == "zh" else "(none)"]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *rest = ["| " + " | ".join(_padded(row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if n == 0 else ":") for n, width in enumerate(widths)) + "|"
    return [head, rule, *rest]


def _bars(layout: Layout, language: Language) -> Iterable[str]:
    most = max((count for _, count in layout.bars), default=0)
    labels = [_said(label, language) for label, _ in layout.bars]
    widest = max(map(_width, labels))
    for label, (_, count) in zip(labels, layout.bars, strict=True):
        bar = "█" * (max(1, round(count * _LONGEST_BAR / most)) if count else 0)
        yield " ".join(filter(None, (label + " " * (widest - _width(label)), bar, str(count))))


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        blank = " " * (width - _width(cell))
        yield cell + blank if column == 0 else blank + cell


def _said(cell: Both | str, language: Language) -> str:
    shown = cell if isinstance(cell, str) else str(getattr(cell, language))
    return shown.replace("|", "/").replace("\n", " ")


def _width(text: str) -> int:
    """Columns it takes on a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(ch) in "WF" else 1 for ch in text)
