"""Reports in the register: each with its evidence and the liaison's message in one transaction, and only added to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, insert, select, text

from adapters.register.chain import EVIDENCE, append, verify_chain
from adapters.register.outbox import file_message
from adapters.register.tables import TABLES
from adapters.sql.engine import reading, writing
from domain.contract.refusals import Refused
from domain.papers.filing import PAPER_FILED, paper_named
from domain.papers.sheets import Document
from domain.record.case_file import FiledEvidence, WorkItem
from domain.record.chain import ChainVerdict
from domain.record.evidence import Evidence
from domain.report.filing import (
    REPORTS,
    SENT,
    Report,
    ReportOrder,
    ReportSent,
    SendReport,
    digest,
    liaison_message,
    making_noted,
    sending_awaited,
    sending_judged,
    sending_noted,
    written,
)
from domain.report.month import Figures

_REPORTS = TABLES.tables["reports"]


@dataclass(frozen=True)
class _OfReport:
    """The owner of a report's evidence: one chain for all of them."""

    case_key: str
    account_id: str = REPORTS
    reading_centre: str | None = None


@dataclass(frozen=True)
class ReportBook:
    """The reports made and sent; every method raises RegisterUnavailable, and may simply be repeated."""

    engine: Engine
    hands_on: bool = False
    """The liaison's message is queued for delivery channels, in the transaction that keeps the report."""
    after_filing: Callable[[], None] = lambda: None
    """Called once such a message may be there to be sent."""

    def known(self, month: str, order: ReportOrder) -> Report | None:
        """What answers the order already: the report of the same request, or the month's, if no reason asks anew."""
        with reading(self.engine) as connection:
            return _known(connection, month, order)

    def keep(self, order: ReportOrder, figures: Figures) -> tuple[Report, bool]:
        """Keep the month's report, notify the liaison, and note it; False: there was one, and nothing was written."""
        with writing(self.engine) as connection:
            if connection.dialect.name == "postgresql":  # of two at once, the second finds the first's
                connection.execute(text("LOCK TABLE reports IN SHARE ROW EXCLUSIVE MODE"))
            if found := _known(connection, figures.month, order):
                return found, False
            report = written(order, figures, len(_of_month(connection, figures.month)) + 1)
            connection.execute(insert(_REPORTS), report.model_dump() | {"figures": figures.model_dump(mode="json")})
            _note(connection, report.report_id, making_noted(report))
            file_message(connection, _OfReport(report.report_id), liaison_message(report), self.hands_on)
        self.after_filing()
        return report, True

    def papers(self, report_id: str) -> tuple[Document, ...]:
        """The papers that the record names for a report, oldest first."""
        with reading(self.engine) as connection:
            lines = connection.execute(_entries(report_id, PAPER_FILED)).mappings()
            filed = [FiledEvidence.model_validate(dict(line)) for line in lines]
        return tuple(document for entry in filed if (document := paper_named(entry)) is not None)

    def name_paper(self, filed: Evidence) -> None:
        """Name a report's paper in the record of all reports, once per paper."""
        with writing(self.engine) as connection:
            _note(connection, filed.about or REPORTS, filed)

    def sent(self, month: str, sending: SendReport, now: datetime) -> ReportSent:
        """Record that a report (the month's last, unless numbered) was sent; the same reference again is once.

        Refused: no such report, nobody but the liaison, a time before it was made.
        """
        with writing(self.engine) as connection:
            report = _chosen(connection, month, sending.number)
            before = _sendings(connection, report.report_id)
            if again := next((s for s in before if s.reference == sending.reference), None):
                return again
            sent = sending_judged(report, sending, now)
            _note(connection, report.report_id, sending_noted(sent, month, sending.actor))
            return sent

    def report(self, month: str | None = None, number: int | None = None) -> Report:
        """A month's last report, or the one of that number; without a month, that of the latest. Refused: none."""
        with reading(self.engine) as connection:
            return _chosen(connection, month, number)

    def reports(self) -> tuple[Report, ...]:
        """All reports, oldest month first."""
        query = select(_REPORTS).order_by(_REPORTS.c.month, _REPORTS.c.number)
        with reading(self.engine) as connection:
            return tuple(_report(line) for line in connection.execute(query).mappings())

    def sendings(self, report_id: str) -> tuple[ReportSent, ...]:
        """The sendings of a report, in the order of their recording."""
        with reading(self.engine) as connection:
            return _sendings(connection, report_id)

    def verify(self, report: Report, anchor: tuple[int, str] | None = None) -> ChainVerdict:
        """Whether the record of all reports is as it was written, and this report what its evidence says it is."""
        with reading(self.engine) as connection:
            verdict = verify_chain(connection, REPORTS, anchor)
            made = select(EVIDENCE.c.seq, EVIDENCE.c.detail).where(
                EVIDENCE.c.account_id == REPORTS, EVIDENCE.c.key == making_noted(report).key
            )
            noted = connection.execute(made).one_or_none()
        said = digest(report.figures, report.text_zh, report.text_en)
        if verdict.intact and (noted is None or noted.detail["sha256"] != said):
            changed = {"intact": False, "reason_zh": "报告内容被改动", "reason_en": "the report itself was changed"}
            verdict = verdict.model_copy(update=changed | {"broken_at": noted.seq if noted else None})
        return verdict


def reports_to_send(connection: Connection) -> tuple[WorkItem, ...]:
    """What the liaison has still to do: of each month the last report, unless it was sent; oldest month first."""
    made = select(_REPORTS.c.month, _REPORTS.c.report_id).order_by(_REPORTS.c.month, _REPORTS.c.number)
    last = {line.month: line.report_id for line in connection.execute(made)}
    sent = set(
        connection.scalars(select(EVIDENCE.c.about).where(EVIDENCE.c.account_id == REPORTS, EVIDENCE.c.what == SENT))
    )
    return tuple(sending_awaited(report_id, month) for month, report_id in last.items() if report_id not in sent)


def _known(connection: Connection, month: str, order: ReportOrder) -> Report | None:
    there = _of_month(connection, month)
    same = (report for report in there if report.request == order.request)
    return next(same, None if order.reason or not there else there[-1])


def _of_month(connection: Connection, month: str) -> list[Report]:
    query = select(_REPORTS).where(_REPORTS.c.month == month).order_by(_REPORTS.c.number)
    return [_report(line) for line in connection.execute(query).mappings()]


def _chosen(connection: Connection, month: str | None, number: int | None) -> Report:
    query = select(_REPORTS).order_by(_REPORTS.c.month.desc(), _REPORTS.c.number.desc()).limit(1)
    if month is not None:
        query = query.where(_REPORTS.c.month == month)
    if number is not None:
        query = query.where(_REPORTS.c.number == number)
    line = connection.execute(query).mappings().one_or_none()
    if line is None:
        which = " ".join(str(part) for part in (month, f"no. {number}" if number else None) if part)
        sentence = f"there is no report {which}".rstrip() + "; make it first"
        raise Refused("UnknownReport", sentence, field="month", rule="R-29", clause="III.5")
    return _report(line)


def _report(line: RowMapping) -> Report:
    return Report.model_validate(dict(line))


def _sendings(connection: Connection, report_id: str) -> tuple[ReportSent, ...]:
    lines = connection.execute(_entries(report_id, SENT)).mappings()
    return tuple(ReportSent.model_validate(_sending(dict(line))) for line in lines)


def _entries(report_id: str, what: str) -> Select[Any]:
    """The record's entries of that kind about one report, oldest first."""
    of_report = (EVIDENCE.c.account_id == REPORTS, EVIDENCE.c.what == what, EVIDENCE.c.about == report_id)
    return select(EVIDENCE).where(*of_report).order_by(EVIDENCE.c.seq)


def _sending(line: dict[str, Any]) -> dict[str, Any]:
    return {**line["detail"], **line, "report_id": line["about"], "by": line["actor_id"]}


def _note(connection: Connection, report_id: str, entry: Evidence) -> None:
    append(connection, _OfReport(report_id), (entry,))
