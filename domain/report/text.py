"""The report as a text, in Chinese or in English: headings, tables and a chart that any program can show."""

from collections.abc import Iterable, Sequence

from domain.papers.sheets import Language
from domain.report.chart import as_text
from domain.report.layout import Layout, Section
from domain.report.words import in_one_line, width
from domain.words import Both


def text(layout: Layout, language: Language) -> str:
    """The whole report in one language; tables as Markdown, padded so that they also read well as they are."""

    def say(value: Both | str) -> str:
        """The text in the language of this report; a number or a name reads alike in both."""
        return value if isinstance(value, str) else getattr(value, language)

    lines = [f"# {say(layout.title)}", ""]
    lines += [f"- {say(label)}{'：' if language == 'zh' else ': '}{say(value)}" for label, value in layout.about]
    for number, section in enumerate(layout.sections, start=1):
        lines += ["", f"## {number}. {say(section.title)}", "", *_table(section, language)]
        if section.title.zh == layout.chart_after:
            lines += ["", say(layout.chart.title), "", "```", *as_text(layout.chart, language), "```"]
    lines.append("")
    lines += [f"{number}. {say(note)}" for number, note in enumerate(layout.notes, start=1)]
    return "\n".join(lines) + "\n"


def _table(section: Section, language: Language) -> Iterable[str]:
    rows = [[in_one_line(cell, language) for cell in row] for row in (section.head, *section.rows)]
    if len(rows) == 1:
        return ["（无）" if language == "zh" else "(none)"]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *rest = ["| " + " | ".join(_padded(row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (wide + 1) + ("-" if n == 0 else ":") for n, wide in enumerate(widths)) + "|"
    return [head, rule, *rest]


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for column, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        blank = " " * (wide - width(cell))
        yield cell + blank if column == 0 else blank + cell
