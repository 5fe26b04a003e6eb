"""A report turned into the sheet of its paper, in one language; and what the record says of that paper (R-29)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.papers.filing import paper_filed
from domain.papers.sheets import (
    Document,
    Language,
    Letterhead,
    ReportRow,
    ReportSection,
    ReportSheet,
)
from domain.record.evidence import Evidence
from domain.report.chart import on_paper
from domain.report.filing import REPORTS, Report
from domain.report.layout import Layout, Section, day, layout
from domain.report.words import MADE_AT
from domain.words import Both


def report_sheet(report: Report, head: Letterhead) -> ReportSheet:
    """The report's paper: the figures of its text, dated from when it was made, so that it prints the same bytes."""
    laid_out, language = layout(report.figures, report.number, report.reason), head.language
    zone = ZoneInfo(report.figures.timezone)
    facts = (*laid_out.about, (MADE_AT, day(report.made_at, zone)))
    return ReportSheet(
        head=head,
        title=_in(language, laid_out.title),
        number=report.report_id,
        account_id=REPORTS,
        dated=report.made_at.astimezone(zone),
        facts=tuple((_in(language, label), _in(language, value)) for label, value in facts),
        sections=tuple(_section(section, laid_out, language) for section in laid_out.sections),
        notes=tuple(_in(language, note) for note in laid_out.notes),
        sha256=report.sha256,
    )


def report_paper_filed(report: Report, document: Document, at: datetime) -> Evidence:
    """The evidence of a report's paper. A lost one may come out with another digest; it is filed as well."""
    key = f"{report.report_id}/paper/{document.sha256[:12]}"
    return paper_filed(key, report.report_id, document, "R-29", "III.5", at, "report")


def _section(section: Section, laid_out: Layout, language: Language) -> ReportSection:
    return ReportSection(
        title=_in(language, section.title),
        head=tuple(_in(language, title) for title in section.head),
        rows=tuple(_row([_in(language, cell) for cell in row]) for row in section.rows),
        figures=section.figures,
        chart=on_paper(laid_out.chart, language) if section.title.zh == laid_out.chart_after else None,
    )


def _row(cells: list[str]) -> ReportRow:
    return ReportRow(cells=tuple(cells), part=cells[0][:1].isspace())


def _in(language: Language, value: Both | str) -> str:
    return value if isinstance(value, str) else str(getattr(value, language))
