"""A report as it is made, kept and sent (R-29, III.5): ordered for a month, made once, confirmed by the liaison."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Final

from domain.contract.refusals import Refused, happened_at
from domain.record.case_file import WorkItem
from domain.record.evidence import Evidence
from domain.record.rows import Message, Passage
from domain.record.subjects import subject
from domain.report.layout import layout
from domain.report.month import Figures, Month
from domain.report.text import text
from domain.vocabulary import Actor, Contract, Id, Moment, Text

REPORTS = "government-report"
"""The name under which reports stand in the register: their evidence is a chain like an account's, and anchored too."""
MADE: Final = "report.made"
SENT: Final = "report.sent"


class ReportOrder(Contract):
    """Make a month's report: `month`, or the one before `nominal`. A month that has one gets another for a `reason`.

    `request` makes a repeated order one; `at` is now.
    """

    request: Id
    at: Moment
    nominal: Moment
    month: Month | None = None
    reason: Text | None = None
    by: Id | None = None


class Report(Contract):
    """A report as it was made and as it is kept: `number` counts the reports of one month, the last one counts.

    `sha256` is of the figures and both texts. `made_by` is empty where the schedule had it made.
    """

    report_id: Id
    month: Month
    number: int
    figures: Figures
    text_zh: Passage
    text_en: Passage
    sha256: str
    request: Id
    made_at: Moment
    made_by: str | None = None
    reason: str | None = None


def written(order: ReportOrder, figures: Figures, number: int) -> Report:
    """The report of these figures, as the `number`th of its month, with its texts and their digest."""
    laid_out = layout(figures, number, order.reason)
    zh, en = text(laid_out, "zh"), text(laid_out, "en")
    return Report(
        report_id=f"{REPORTS}/{figures.month}/{number}",
        month=figures.month,
        number=number,
        figures=figures,
        text_zh=zh,
        text_en=en,
        sha256=digest(figures, zh, en),
        request=order.request,
        made_at=order.at,
        made_by=order.by,
        reason=order.reason,
    )


def digest(figures: Figures, text_zh: str, text_en: str) -> str:
    """SHA-256 of what a report says."""
    said = [figures.model_dump(mode="json"), text_zh, text_en]
    spelled = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(spelled.encode()).hexdigest()


def making_noted(report: Report) -> Evidence:
    """The evidence that a report was made: with its digest, so that its text cannot be changed unnoticed."""
    f = report.figures
    detail = {
        "month": report.month,
        "number": report.number,
        "begins_at": f.begins_at.isoformat(),
        "ends_at": f.ends_at.isoformat(),
        "sha256": report.sha256,
    }
    return Evidence(
        key=f"{report.report_id}/made",
        what=MADE,
        rule="R-29",
        clause="III.5",
        at=report.made_at,
        recorded_at=report.made_at,
        actor_id=report.made_by,
        about=report.report_id,
        detail=detail | ({"reason": report.reason} if report.reason else {}),
    )


def liaison_message(report: Report) -> Message:
    """The report in the liaison's hands, to be sent to the government; its sending is confirmed by `report sent`."""
    again = f"（第{report.number}稿）" if report.number > 1 else ""
    month = report.month + (f" no. {report.number}" if report.number > 1 else "")
    return Message(
        key=f"{report.report_id}/liaison",
        to_role="liaison",
        subject=subject("government_report", month=month),
        text_zh=f"请报送当地政府{again}，报送后以 report sent {report.month} 登记文号。\n\n{report.text_zh}",
        text_en=f"Send this to the local government, then record it with: report sent {report.month}.\n\n"
        f"{report.text_en}",
        about=report.report_id,
        at=report.made_at,
    )


def sending_awaited(report_id: str, month: str) -> WorkItem:
    """What the liaison has to do about a report that was made; no rule says by when."""
    return WorkItem(
        account_id=REPORTS,
        case_key=report_id,
        role="liaison",
        act="report sent",
        about=report_id,
        text_zh=f"请将 {month} 月报报送当地政府，报送后登记文号：report sent {month}",
        text_en=f"Send the report of {month} to the local government, then record it: report sent {month}",
    )


class ReportMade(Contract):
    """What came of an order; not `new`: the month had its report already. `paper`: where it lies among the papers."""

    report_id: Id
    month: Month
    number: int
    sha256: str
    new: bool
    paper: str | None = None
    paper_sha256: str | None = None


class SendReport(Contract):
    """The liaison's message that a report has gone to the government: to whom, under which reference, when."""

    reference: Id
    authority: Text
    at: Moment | None = None
    number: int | None = None
    actor: Actor


class ReportSent(Contract):
    """A sending as it stands on record."""

    report_id: Id
    sha256: str
    reference: str
    authority: str
    at: Moment
    recorded_at: Moment
    by: str


def sending_judged(report: Report, sending: SendReport, now: datetime) -> ReportSent:
    """The sending to be recorded. Refused: anybody but the liaison (III.5), or a time before the report was made."""
    if sending.actor.role != "liaison":
        sentence = f"{sending.actor.role} may not do this; a report is sent by the liaison"
        raise Refused("NotAllowed", sentence, field="actor.role", rule="R-29", clause="III.5")
    at = happened_at(sending.at, now, "at")
    if at < report.made_at:
        sentence = f"at lies before the report was made, {report.made_at.isoformat()}"
        raise Refused("TooEarly", sentence, field="at", rule="R-29", clause="III.5")
    return ReportSent(
        report_id=report.report_id,
        sha256=report.sha256,
        reference=sending.reference,
        authority=sending.authority,
        at=at,
        recorded_at=now,
        by=sending.actor.id,
    )


def sending_noted(sent: ReportSent, month: str, actor: Actor) -> Evidence:
    """The evidence of a sending (III.5)."""
    return Evidence(
        key=f"{sent.report_id}/sent/{sha256(sent.reference.encode()).hexdigest()[:16]}",
        what=SENT,
        rule="R-29",
        clause="III.5",
        at=sent.at,
        recorded_at=sent.recorded_at,
        actor_id=actor.id,
        actor_role=actor.role,
        actor_unit=actor.unit,
        about=sent.report_id,
        detail={
            "month": month,
            "sha256": sent.sha256,
            "reference": sent.reference,
            "authority": sent.authority,
        },
    )


def month_is_over(ends_at: datetime, now: datetime, month: str) -> None:
    """Refused while the month still runs: its figures would not be final."""
    if now < ends_at:
        sentence = f"{month} is not over: its report can be made from {ends_at.isoformat()}"
        raise Refused("TooEarly", sentence, field="month", rule="R-29", clause="III.5")
