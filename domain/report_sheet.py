"""The report laid out in sections, Chinese and English side by side: what its text and its paper both show."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.report import Figures, Lights, Notices, Part


class Both(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str


class Section(NamedTuple):
    """A table with its title. The first column says what a row is; cells are texts, or labels in both languages."""

    title: Both
    head: tuple[Both, ...]
    rows: tuple[tuple[Both | str, ...], ...]


class Sheet(NamedTuple):
    """The whole report; `bars` is its chart: restorations by hours from settlement to light.

    It stands after the section of the title `bars_after`; the bars from `bars_late` on are past the 24 hours.
    """

    title: Both
    about: tuple[tuple[Both, Both | str], ...]
    sections: tuple[Section, ...]
    bars_after: str
    bars_late: int
    bars_title: Both
    bars: tuple[tuple[Both, int], ...]
    notes: tuple[Both, ...]


TITLE = Both("用电客户欠费停复电情况月度报告", "Monthly report on disconnection for arrears")
_NUMBER, _AMOUNT = Both("数量", "number"), Both("金额（元）", "amount")
_ITEM = Both("项目", "item")
_COLUMNS: tuple[tuple[str, Both], ...] = (
    ("opened", Both("立案", "opened")),
    ("closed", Both("结案", "closed")),
    ("open", Both("期末在办", "open at end")),
    ("settled", Both("本期清回（元）", "settled")),
    ("owed", Both("期末尚欠（元）", "owed at end")),
    ("cuts", Both("依程序停电", "cuts")),
    ("unauthorised", Both("违规停电", "unauthorised")),
    ("restored", Both("复电", "restored")),
    ("breaches", Both("逾时复电", "breaches")),
)
_CLASSES = {
    "residential": Both("居民", "residential"),
    "non_residential": Both("非居民", "non-residential"),
    "": Both("未知", "not known"),
}
_STAGES = {
    "yellow_notice": Both("黄色催费", "yellow notice"),
    "red_notice": Both("红色通知", "red notice"),
    "ticketed": Both("已出停电工作票", "ticketed"),
    "final_half_hour": Both("停电前半小时", "last half-hour"),
    "disconnected": Both("已停电", "disconnected"),
    "restoring": Both("复电中", "restoring"),
}
_OUTCOMES = {
    "settled": Both("结清，未停电", "settled, not cut"),
    "restored": Both("停电后已复电", "restored after a cut"),
    "withdrawn": Both("撤销", "withdrawn"),
}
_ROLES = {
    "team_leader": Both("抄表班长", "team leader"),
    "station_head": Both("营业站站长", "station head"),
    "centre_director": Both("抄表中心主任", "centre director"),
    "company_leader": Both("公司主管领导", "company leader"),
}
_INCIDENTS = {
    "unauthorised_cut": Both("未经批准停电", "unauthorised cut"),
    "cut_after_settlement": Both("结清后停电", "cut after settlement"),
    "wrong_meter": Both("错表", "wrong meter"),
    "restoration_breach": Both("逾时复电", "restoration breach"),
}
_HOLDS = {
    "dispute": Both("争议", "dispute"),
    "hardship": Both("困难", "hardship"),
    "medical": Both("医疗", "medical"),
    "moratorium": Both("暂缓停电", "moratorium"),
    "other": Both("其他", "other"),
}
_SCOPES = {"region": Both("区域", "region"), "class": Both("用电类别", "class"), "centre": Both("抄表中心", "centre")}
_STEPS: tuple[tuple[str, Both], ...] = (
    ("within_4", Both("4小时以内", "up to 4 h")),
    ("within_12", Both("4至12小时", "4 to 12 h")),
    ("within_20", Both("12至20小时", "12 to 20 h")),
    ("within_24", Both("20至24小时", "20 to 24 h")),
    ("exception", Both("特殊情况，第二天", "next day, exception")),
    ("later", Both("逾时", "later")),
)
_NOTES = (
    Both(
        "每一事项计入系统获悉该事项的月份；此前发生、本月获悉的，计入本月，各月不重不漏。",
        "Each event counts in the month in which the case learned of it, so that each is in exactly one report.",
    ),
    Both(
        "金额为逾期电费本金，不含违约金，以营销系统的答复为准：期初＋立案＋新增－清回－结案未清＝期末。",
        "Amounts are overdue principal without late fee, as billing told it: brought forward + opened with + added"
        " − settled − left unpaid = owed at the end.",
    ),
    Both(
        "复电用时自结清（或约定分期、撤销；违规停电自获悉时）起计。中位数、九成为实际观测值。",
        "Time to light runs from settlement (a plan, a withdrawal; after an unauthorised cut, from its report)."
        " Median and 90 % are observed values.",
    ),
    Both(
        "报告不含户名、地址、电话；重要用户列户号，以便与报备核对。",
        "No names, addresses or telephones; important customers by account, to be matched with their filings.",
    ),
)


def sheet(figures: Figures, number: int, reason: str | None = None) -> Sheet:
    """The report's sections. `number` above 1: it replaces an earlier one of the month, for that reason."""
    f, s = figures, figures.supply
    return Sheet(
        title=TITLE,
        about=_about(figures, number, reason),
        sections=(
            _section("案件 Cases", _COUNTED, _case_rows(f)),
            _section("在办案件所处阶段 Open cases by stage", (_STAGE, *_CLASSES.values()), _stage_rows(f)),
            _section("欠费 Debt", (_ITEM, _AMOUNT), _debt_rows(f)),
            _section("通知书 Notices", (_ITEM, *_NOTICE_COLUMNS.values()), _notice_rows(f)),
            _section(
                "停电审批 Approvals", (_ROLE, Both("批准", "approved"), Both("驳回", "rejected")), _approval_rows(f)
            ),
            _section("停电与复电 Cuts and restorations", _COUNTED, _supply_rows(f)),
            _section("复电用时 Time to light", _LIGHT_COLUMNS, _light_rows(s.after_settlement, s.after_unauthorised)),
            _section("违纪与事件 Incidents", (_KIND, *_INCIDENT_COLUMNS), _incident_rows(f)),
            _section("重要用户 Important customers", _IMPORTANT_COLUMNS, _important_rows(f)),
            _section("暂缓、承诺与分期 Holds, promises and plans", _COUNTED, _hold_rows(f)),
            _section("暂缓停电令 Moratoria", _ORDER_COLUMNS, _order_rows(f)),
            *(
                _section(title, (_NAME, *(label for _, label in _COLUMNS)), (_part_row(p) for p in parts))
                for title, parts in (
                    ("按用电类别 By customer class", f.classes),
                    ("按抄表中心 By reading centre", f.centres),
                    ("按区域 By region", f.regions),
                )
            ),
        ),
        bars_after="复电用时",
        bars_late=[name for name, _ in _STEPS].index("exception"),
        bars_title=Both("结清后复电用时（户次）", "Restorations by time from settlement to light"),
        bars=tuple((label, getattr(s.after_settlement, name)) for name, label in _STEPS),
        notes=_NOTES,
    )


_COUNTED = (_ITEM, _NUMBER)
_STAGE, _ROLE, _KIND = Both("阶段", "stage"), Both("审批人", "role"), Both("类别", "kind")
_NAME = Both("名称", "name")
_NOTICE_COLUMNS = {
    "issued": Both("开具", "issued"),
    "delivered": Both("送达", "delivered"),
    "refused": Both("拒签", "signature refused"),
    "paid": Both("因结清作废", "void by payment"),
    "void": Both("其他作废", "void otherwise"),
}
_LIGHT_COLUMNS = (_ITEM, Both("依程序停电后", "after a cut"), Both("违规停电后", "after an unauthorised cut"))
_INCIDENT_COLUMNS = (Both("本期上报", "opened"), Both("本期结案", "closed"), Both("期末未结", "open at end"))
_IMPORTANT_COLUMNS = (
    Both("户号", "account"),
    Both("报备", "filings"),
    Both("依程序停电", "cuts"),
    Both("违规停电", "unauthorised"),
    Both("复电", "restored"),
)
_ORDER_COLUMNS = (
    Both("范围", "scope"),
    Both("对象", "of"),
    Both("事由", "reason"),
    Both("起", "from"),
    Both("止", "to"),
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
    for outcome, label in _OUTCOMES.items():
        yield Both(f"　其中：{label.zh}", f"  of these {label.en}"), str(f.outcomes.get(outcome, 0))  # type: ignore[call-overload]
    yield Both("期末在办", "open at the end"), str(w.open)


def _stage_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for stage, label in _STAGES.items():
        of_stage: Mapping[str, int] = f.stages.get(stage, {})  # type: ignore[call-overload]
        yield label, *(str(of_stage.get(name, 0)) for name in _CLASSES)


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
        yield label, *_numbers(notices, _NOTICE_COLUMNS)


def _approval_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    approved: Mapping[str, int] = f.approved  # type: ignore[assignment]
    rejected: Mapping[str, int] = f.rejected  # type: ignore[assignment]
    for role, label in _ROLES.items():
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
    yield Both("期末停电中（依程序）", "in the dark at the end, by a cut"), str(s.dark_lawfully)
    yield Both("期末停电中（违规）", "in the dark at the end, unauthorised"), str(s.dark_unauthorised)


def _light_rows(lawful: Lights, other: Lights) -> Iterable[tuple[Both | str, ...]]:
    for name, label in (("restored", Both("复电户次", "restored")), *_STEPS):
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
        yield _INCIDENTS[kind], str(counts.opened), str(counts.closed), str(counts.open)


def _important_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    yield Both("期末在办（户）", "open at the end"), str(f.important_open), "", "", ""
    for c in f.important:
        yield c.account_id, str(c.filings), str(c.cuts), str(c.unauthorised), str(c.restored)


def _hold_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    for kind, count in f.holds.items():
        yield Both(f"暂缓：{_HOLDS[kind].zh}", f"holds placed: {_HOLDS[kind].en}"), str(count)
    yield Both("暂缓终止", "holds ended"), str(f.holds_ended)
    yield Both("承诺交费", "promises made"), str(f.promises)
    yield Both("　兑现／未兑现", "  kept / broken"), f"{f.promises_kept} / {f.promises_broken}"
    yield Both("分期协议", "plans agreed"), str(f.plans)
    yield Both("　兑现／未兑现", "  kept / broken"), f"{f.plans_kept} / {f.plans_broken}"
    yield Both("请当地政府协调", "help asked of the local government"), str(f.coordination)


def _order_rows(f: Figures) -> Iterable[tuple[Both | str, ...]]:
    zone = ZoneInfo(f.timezone)
    for m in f.moratoria:
        of = _CLASSES.get(m.value, m.value) if m.scope == "class" else m.value
        yield _SCOPES[m.scope], of, m.reason, day(m.starts_at, zone), day(m.ended_at, zone) if m.ended_at else "–"


def _part_row(part: Part) -> tuple[Both | str, ...]:
    values = part.model_dump() | {"settled": money(part.debt.settled), "owed": money(part.debt.owed)}
    name = _CLASSES.get(part.name, part.name)
    return name, *(str(values[column]) for column, _ in _COLUMNS)


def _numbers(counts: Notices, columns: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(getattr(counts, name)) for name in columns)


def money(amount: Decimal) -> str:
    """Money as tables have it, such as 1,234.50."""
    return f"{amount:,.2f}"


def duration(minutes: int | None) -> Both | str:
    """A time to light, such as 3小时25分."""
    if minutes is None:
        return "–"
    hours, rest = divmod(minutes, 60)
    return Both(f"{hours}小时{rest:02}分", f"{hours} h {rest:02} min")


def day(moment: datetime, zone: ZoneInfo) -> str:
    """A local time to the minute."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
