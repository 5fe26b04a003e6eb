"""Commands about the monthly report to the government (III.5): report make, show, sent."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import typer
from pydantic_core import from_json

from activities.papers import PapersUnavailable
from client.cases import BadRequest, checked
from client.problems import Misused, NotThere, Problem
from domain.contract.refusals import Refused
from domain.papers.sheets import Document, PaperRow
from domain.report.filing import REPORTS, Report, ReportMade, ReportOrder, ReportSent, SendReport
from domain.report.month import Figures, Month
from edge.session import AsJson, Session, run
from edge.terminal import PAPER_STATES, Printer

MonthNamed = Annotated[str | None, typer.Argument(metavar="MONTH", help="such as 2026-10", show_default=False)]
MonthOption = Annotated[str | None, typer.Option("--month", metavar="MONTH", help="the same", show_default=False)]
Number = Annotated[int | None, typer.Option(min=1, help="of several of one month; left out, the last")]

T = TypeVar("T")

report = typer.Typer(help="政府月报: the monthly report to the government (III.5)")


def add_report_commands(app: typer.Typer) -> None:
    """report, with its own commands."""
    app.add_typer(report, name="report", rich_help_panel="Operate")


@report.command("make")
def _make(
    named: MonthNamed = None,
    month: MonthOption = None,
    again: Annotated[str | None, typer.Option(help="why a month that has a report gets another one")] = None,
    by: Annotated[str | None, typer.Option(help="id of the person who wants it made again")] = None,
    as_json: AsJson = False,
) -> None:
    """编制: count a month (left out, the last one), hand its report to the liaison; a month that has one keeps it."""
    wanted = _one_month(named, month)

    async def act(session: Session) -> ReportMade:
        if (again is None) != (by is None):
            raise Misused("Usage", "--again and --by go together: a report made again says why and who wants it")
        now = session.now()
        asked = {"month": wanted, "reason": again, "by": by}
        order = checked(ReportOrder, {"request": f"report-{uuid.uuid4()}", "at": now, "nominal": now, **asked})
        parts = session.parts_with_channels()
        try:
            return _unless_refused(lambda: parts.reporting.make(order))
        except PapersUnavailable as problem:
            sentence = f"the report is kept, but not its paper; the same command again prints it: {problem}"
            raise NotThere("PapersUnavailable", sentence) from problem

    def show(made: ReportMade, out: Printer) -> None:
        out.fields(
            (
                ("报告 report", made.report_id),
                ("结果 done", "已编制 made" if made.new else "此前已编制 there was one; --again makes another"),
                ("摘要 sha256", made.sha256),
                ("文书 paper", f"{made.paper} (ARREARS_DOCUMENTS)"),
                ("报送后 once sent", f"python starter.py report sent {made.month} …"),
            )
        )

    run(as_json, act, show)


@report.command("show")
def _show(
    named: MonthNamed = None,
    month: MonthOption = None,
    number: Number = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="of the text")] = "zh",
    check: Annotated[bool, typer.Option("--check", help="count again, and compare")] = False,
    as_json: AsJson = False,
) -> None:
    """查看: a report (left out, the latest month's), to whom it was sent, and whether it is as it was made."""
    wanted = _one_month(named, month)

    async def act(session: Session) -> dict[str, Any]:
        parts = session.parts
        asked = None if wanted is None else checked(Month, wanted, "month")
        found = _unless_refused(lambda: parts.reports.report(asked, number))
        seen = parts.anchor.head_of(REPORTS) if parts.anchor else None
        anchored = (seen.length, seen.head) if seen and seen.length is not None and seen.head is not None else None
        shown = {
            "report": found,
            "sent": parts.reports.sendings(found.report_id),
            "record": parts.reports.verify(found, anchored),
            "papers": [_paper(session, found, one) for one in parts.reports.papers(found.report_id)],
            "all": [_line(session, one) for one in parts.reports.reports()],
        }
        return shown | ({"differs": _differs(found.figures, parts.figures.of(found.month))} if check else {})

    run(as_json, act, lambda shown, out: _print(shown, language, out))


@report.command("sent")
def _sent(
    reference: Annotated[str, typer.Option(help="文号 number of the letter or the receipt", show_default=False)],
    authority: Annotated[str, typer.Option(help="受文机关 to whom", show_default=False)],
    actor_id: Annotated[str | None, typer.Option(help="who sent it (required)", show_default=False)] = None,
    actor_role: Annotated[str, typer.Option(help="that person's role")] = "liaison",
    actor_name: Annotated[str | None, typer.Option(show_default=False)] = None,
    actor_unit: Annotated[str | None, typer.Option(show_default=False)] = None,
    actor: Annotated[
        str | None, typer.Option(help="in place of --actor-…, as JSON", metavar="JSON", show_default=False)
    ] = None,
    named: MonthNamed = None,
    month: MonthOption = None,
    at: Annotated[str | None, typer.Option(help="RFC 3339 time with an offset; left out, now")] = None,
    number: Number = None,
    as_json: AsJson = False,
) -> None:
    """报送登记: the liaison has sent the report to the government; the same reference again changes nothing."""
    wanted = _one_month(named, month)
    if wanted is None:
        raise typer.BadParameter("name the month of the report that was sent, such as 2026-10", param_hint="MONTH")
    if actor is None and actor_id is None:
        raise typer.BadParameter("say who sent it", param_hint="--actor-id")
    flags = {"id": actor_id, "role": actor_role, "name": actor_name, "unit": actor_unit}
    by_flags = {key: value for key, value in flags.items() if value is not None}

    async def act(session: Session) -> ReportSent:
        asked = checked(Month, wanted, "month")
        who = by_flags if actor is None else _json(actor)
        sending = {"reference": reference, "authority": authority, "at": at, "number": number, "actor": who}
        message = checked(SendReport, sending)
        return _unless_refused(lambda: session.parts.reports.sent(asked, message, session.now()))

    def show(done: ReportSent, out: Printer) -> None:
        out.fields(
            (
                ("已登记报送 recorded as sent", done.report_id),
                ("文号 reference", done.reference),
                ("受文机关 to", done.authority),
                ("时间 at", out.when(done.at)),
                ("经办 by", done.by),
            )
        )

    run(as_json, act, show)


def _one_month(named: str | None, month: str | None) -> str | None:
    """The month, given by its place or by --month; none where it was left out."""
    if named is not None and month is not None and named != month:
        raise typer.BadParameter(
            f"is {month}, and the month named before it {named}: name one of them", param_hint="--month"
        )
    return month if named is None else named


def _paper(session: Session, of: Report, one: Document) -> PaperRow:
    return PaperRow(about=of.report_id, key=one.key, sha256=one.sha256, state=session.parts.papers.state_of(one))


def _line(session: Session, one: Report) -> dict[str, Any]:
    """One report in the list of all."""
    sent = session.parts.reports.sendings(one.report_id)
    return {
        "report_id": one.report_id,
        "made_at": one.made_at,
        "reason": one.reason,
        "sent_at": sent[-1].at if sent else None,
        "reference": sent[-1].reference if sent else None,
    }


def _print(shown: dict[str, Any], language: Literal["zh", "en"], out: Printer) -> None:
    found, record = shown["report"], shown["record"]
    out.say(found.text_zh if language == "zh" else found.text_en, soft_wrap=True)
    out.table(
        "月报 Reports",
        ("报告 report", "编制 made", "更正原因 reason", "报送 sent", "文号 reference"),
        (
            (x["report_id"], out.when(x["made_at"]), x["reason"], out.when(x["sent_at"]), x["reference"])
            for x in shown["all"]
        ),
    )
    for sent in shown["sent"]:
        out.say(f"已报送 Sent: {sent.authority}, {sent.reference}, {out.when(sent.at)}, {sent.by}")
    if not shown["sent"]:
        out.say("尚未登记报送 Not recorded as sent yet")
    if record.intact:
        out.say(f"记录完整 The record is intact: {record.length}:{record.head}")
    else:
        out.say(f"记录被改动 The record is NOT intact: {record.reason_zh} {record.reason_en}")
    for paper in shown["papers"]:
        state = PAPER_STATES[paper.state]
        out.say(f"文书{state}: {paper.key} (ARREARS_DOCUMENTS)", soft_wrap=True)
    if "differs" in shown:
        differs = ", ".join(shown["differs"])
        out.say(
            f"重新统计不一致 Counted again, these differ: {differs}"
            if differs
            else "重新统计一致 Counted again: the same figures"
        )


def _differs(before: Figures, now: Figures) -> list[str]:
    """The figures that the register counts otherwise today: what reached it after the report was made."""
    return [name for name in Figures.model_fields if getattr(before, name) != getattr(now, name)]


def _unless_refused(act: Callable[[], T]) -> T:
    try:
        return act()
    except Refused as refusal:
        raise Problem(refusal.type, str(refusal), refusal.details) from None


def _json(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as problem:
        raise BadRequest(f"actor: must be JSON ({problem}); easier: --actor-id …", "actor") from None
