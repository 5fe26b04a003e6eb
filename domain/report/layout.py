"""The report laid out in sections, Chinese and English side by side: what its text and its paper both show."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.report import words
from domain.report.chart import Chart, restoration_chart
from domain.report.month import Figures, Notices, Part, RestorationTimes
from domain.words import Both


class Section(NamedTuple):
    """A table with its title. The first column says what a row is; cells are texts, or labels in both languages.

    `figures`: all columns but the first hold figures. A label that begins with a blank is a part of the row above.
    """

    title: Both
    head: tuple[Both, ...]
    rows: tuple[tuple[Both | str, ...], ...]
    figures: bool = True


class Layout(NamedTuple):
    """The whole report; its chart stands after the section of the title `chart_after`."""

    title: Both
    about: tuple[tuple[Both, Both | str], ...]
    sections: tuple[Section, ...]
    chart_after: str
    chart: Chart
    notes: tuple[Both, ...]


def layout(figures: Figures, number: int, reason: str | None = None) -> Layout:
    """The report's sections. `number` above 1: it replaces an earlier one of the month, for that reason."""
    f, s = figures, figures.supply
    return Layout(
        title=words.TITLE,
        about=_about(figures, number, reason),
        sections=(
            _section("案件 Cases", words.COUNTED, _case_rows(f)),
            _section("在办案件所处阶段 Open cases by stage", (words.STAGE, *_classes(f).values()), _stage_rows(f)),
            _section("欠费 Debt", (words.ITEM, words.AMOUNT), _debt_rows(f)),
            _section("通知书 Notices", (words.ITEM, *words.NOTICE_COLUMNS.values()), _notice_rows(f)),
            _section(
                "停电审批 Approvals",
                (words.ROLE, Both("批准", "approved"), Both("驳回", "rejected")),
                _approval_rows(f),
            ),
            _section("停电与复电 Cuts and restorations", words.COUNTED, _supply_rows(f)),
            _section(
                "复电用时 Time to light",
                words.RESTORATION_COLUMNS,
                _restoration_rows(s.after_settlement, s.after_unauthorised),
            ),
            _section("违纪与事件 Incidents", (words.KIND, *words.INCIDENT_COLUMNS), _incident_rows(f)),
            _section("重要用户 Important customers", words.IMPORTANT_COLUMNS, _important_rows(f)),
            _section("暂缓、承诺与分期 Holds, promises and plans", words.COUNTED, _hold_rows(f)),
            _section("暂缓停电令 Moratoria", words.ORDER_COLUMNS, _order_rows(f))._replace(figures=False),
            *(
                _section(title, (words.NAME, *(label for _, label in words.COLUMNS)), (_part_row(p) for p in parts))
                for title, parts in (
                    ("按用电类别 By customer class", f.classes),
                    ("按抄表中心 By reading centre", f.centres),
                    ("按区域 By region", f.regions),
                )
            ),
        ),
        chart_after="复电用时",
        chart=restoration_chart(s.after_settlement),
        notes=words.NOTES,
    )


def _section(title: str, head: tuple[Both, ...], rows: Iterable[tuple[Both | str, ...]]) -> Section:
    zh, _, en = title.partition(" ")
    return Section(Both(zh, en), head, tuple(rows))


def _about(f: Figures, number: int, reason: str | None) -> tuple[tuple[Both, Both | str], ...]:
    zone = ZoneInfo(f.timezone)
    year, month = f.month.split("-")
    found: list[tuple[Both, Both | str]] = [
        (Both("报告期", "Period"), Both(f"{year}年{int(month)}月", f.month)),
        (
            Both("起止", "From, to"),
            f"{day(f.begins_at, zone)} – {day(f.ends_at, zone)} ({f.timezone})",
        ),
    ]
    if number > 1:
        found.append((Both("更正", "Corrected"), Both(f"第{number}稿，原因：{reason}", f"no. {number}: {reason}")))
    return tuple(found)


def _case_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    w = f.whole
    yield Both("本期立案", "opened"), str(w.opened)
    yield Both("本期结案", "closed"), str(w.closed)
    for outcome, label in words.OUTCOMES.items():
        yield Both(f"　其中：{label.zh}", f"  of these {label.en}"), str(f.outcomes.get(outcome, 0))  # type: ignore[call-overload]
    yield Both("期末在办", "open at the end"), str(w.open)


def _stage_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for stage, label in words.STAGES.items():
        of_stage: Mapping[str, int] = f.stages.get(stage, {})  # type: ignore[call-overload]
        yield label, *(str(of_stage.get(name, 0)) for name in _classes(f))


def _classes(f: Figures) -> dict[str, Both]:
    """The customer classes to show; one that is not known only where there is one."""
    unknown = any("" in of_stage for of_stage in f.stages.values())
    return {name: label for name, label in words.CLASSES.items() if name or unknown}


def _debt_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    d = f.whole.debt
    yield Both("期初在办案件欠费", "brought forward"), money(d.brought_forward)
    yield Both("本期立案时欠费", "cases opened with"), money(d.opened_with)
    yield Both("本期新增逾期（含冲正）", "added (fallen overdue, bounced)"), money(d.added)
    yield Both("本期清回", "settled"), money(d.settled)
    yield Both("结案时未清（撤销）", "left unpaid where closed (withdrawn)"), money(d.left)
    yield Both("期末在办案件尚欠", "owed at the end"), money(d.owed)


def _notice_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for label, notices in ((Both("黄色催费单", "yellow"), f.yellow), (Both("红色通知书", "red"), f.red)):
        yield label, *_numbers(notices, words.NOTICE_COLUMNS)


def _approval_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    approved: Mapping[str, int] = f.approved  # type: ignore[assignment]
    rejected: Mapping[str, int] = f.rejected  # type: ignore[assignment]
    for role, label in words.ROLES.items():
        if role in approved or role in rejected:
            yield label, str(approved.get(role, 0)), str(rejected.get(role, 0))


def _supply_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    s = f.supply
    yield Both("依程序停电", "cuts under a permit"), str(s.cuts)
    yield Both("违规停电", "unauthorised cuts"), str(s.unauthorised)
    yield Both("立案前接报停电", "darkness reported before a case was open"), str(s.reported_unopened)
    yield Both("复电", "restored"), str(s.after_settlement.restored + s.after_unauthorised.restored)
    yield Both("复电时限预警", "restoration warnings"), str(s.warnings)
    yield Both("申报特殊情况延期", "exceptions declared"), str(s.exceptions)
    yield Both("逾时复电", "restoration breaches"), str(s.breaches)
    yield Both("结清后仍停电（户次）", "still without supply after nothing was owed"), str(s.after_nothing_owed)
    yield Both("　其中停电最长", "  the longest of these"), duration(s.after_nothing_owed_longest)
    yield Both("期末停电中（依程序）", "in the dark at the end, by a cut"), str(s.dark_lawfully)
    yield Both("期末停电中（违规）", "in the dark at the end, unauthorised"), str(s.dark_unauthorised)


def _restoration_rows(lawful: RestorationTimes, other: RestorationTimes) -> Iterable[tuple[Both | str, ...]]:
    for name, label in (("restored", Both("复电户次", "restored")), *words.STEPS):
        yield label, str(getattr(lawful, name)), str(getattr(other, name))
    yield Both("未到期即复电", "before it was due"), str(lawful.before_due), str(other.before_due)
    for name, label in (
        ("median", Both("中位数", "median")),
        ("p90", Both("九成以内", "90 % within")),
        ("longest", Both("最长", "longest")),
    ):
        yield label, duration(getattr(lawful, name)), duration(getattr(other, name))


def _incident_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for kind, counts in f.incidents.items():
        yield words.INCIDENTS[kind], str(counts.opened), str(counts.closed), str(counts.open)


def _important_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    yield Both("期末在办（户）", "open at the end"), str(f.important_open), "", "", ""
    for c in f.important:
        yield c.account_id, str(c.filings), str(c.cuts), str(c.unauthorised), str(c.restored)


def _hold_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for kind, count in f.holds.items():
        yield Both(f"暂缓：{words.HOLDS[kind].zh}", f"holds placed: {words.HOLDS[kind].en}"), str(count)
    yield Both("暂缓终止", "holds ended"), str(f.holds_ended)
    yield Both("承诺交费", "promises made"), str(f.promises)
    yield Both("　兑现／未兑现", "  kept / broken"), f"{f.promises_kept} / {f.promises_broken}"
    yield Both("分期协议", "plans agreed"), str(f.plans)
    yield Both("　兑现／未兑现", "  kept / broken"), f"{f.plans_kept} / {f.plans_broken}"
    yield Both("请当地政府协调", "help asked of the local government"), str(f.coordination)


def _order_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    zone = ZoneInfo(f.timezone)
    for m in f.moratoria:
        of = words.CLASSES.get(m.value, m.value) if m.scope == "class" else m.value
        yield words.SCOPES[m.scope], of, m.reason, day(m.starts_at, zone), day(m.ended_at, zone) if m.ended_at else "–"


def _part_row(part: Part) -> tuple[Both | str, ...]:
    values = part.model_dump() | {"settled": money(part.debt.settled), "owed": money(part.debt.owed)}
    name = words.CLASSES.get(part.name, part.name)
    return name, *(str(values[column]) for column, _ in words.COLUMNS)


def _numbers(counts: Notices, columns: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(getattr(counts, name)) for name in columns)


def money(amount: Decimal) -> str:
    """Money as tables have it, such as 1,234.50."""
    return f"{amount:,.2f}"


def duration(minutes: int | None) -> Both | str:
    """How long a restoration took, such as 3小时25分."""
    if minutes is None:
        return "–"
    hours, rest = divmod(minutes, 60)
    return Both(f"{hours}小时{rest:02}分", f"{hours} h {rest:02} min")


def day(moment: datetime, zone: ZoneInfo) -> str:
    """A local time to the minute."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
