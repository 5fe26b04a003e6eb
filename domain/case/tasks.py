"""What stands in the worklists: for whom, by when, and what of the customer's record has changed meanwhile (R-32)."""

from datetime import datetime

from domain.case.facts import CaseFacts
from domain.customer import RecordField
from domain.law import clock
from domain.record.reasons import reason_zh
from domain.record.rows import Task
from domain.record.subjects import subject
from domain.vocabulary import Contract, Id, Moment, Role
from domain.words import FIELDS, words_of


class Awaited(Contract):
    """Somebody must send the message `act`: about what, by when."""

    role: Role
    act: Id
    id: str | None = None
    by: Moment | None = None


def tasks_of(facts: CaseFacts, awaited: Awaited) -> tuple[Task, ...]:
    """The lines of the worklists for one thing awaited: one for each unit that holds the ticket (R-32)."""
    zh, en = _words(facts, awaited)
    return tuple(
        Task(
            role=awaited.role,
            unit=unit,
            person=facts.person_of(awaited.role),
            act=awaited.act,
            about=awaited.id,
            by=awaited.by,
            text_zh=zh,
            text_en=en,
        )
        for unit in _units(facts, awaited)
    )


def _units(facts: CaseFacts, awaited: Awaited) -> tuple[str | None, ...]:
    """The account's unit; of a crew, whoever holds the ticket, or had the permit that it must answer for."""
    ours = facts.unit_of(awaited.role)
    if awaited.role != "field_crew" or facts.present_since is None:
        return (ours,)
    if ticket := facts.ticket(awaited.id or ""):
        return (ticket.field_unit, *ticket.also_held_by)
    permit = next((p for p in facts.permits if p.permit_id == awaited.id), None)
    return (permit.field_unit if permit else ours,)


def _words(facts: CaseFacts, awaited: Awaited) -> tuple[str, str]:
    """What is to be done; with it the report that is to be acknowledged, or what has changed of the record."""
    zh, en = ACTS[awaited.act]
    report = next((e for e in facts.escalations if e.escalation_id == awaited.id), None)
    if report and report.reason:
        return f"{zh}：{reason_zh(report.reason)}", f"{en}: {report.reason}"
    news = [name for name in _CHANGES_THAT_MATTER.get(awaited.act, ()) if name in facts.records.changed]
    if not news:
        return zh, en
    day = clock.local_day(_latest(facts, news), facts.policy)
    fields_zh, fields_en = words_of(FIELDS, news, "zh"), words_of(FIELDS, news, "en")
    return (
        f"{zh}（{day} 客户档案变更：{fields_zh}；按现有档案办理）",
        f"{en} (record changed on {day}: {fields_en}; act on the record as it is now)",
    )


def _latest(facts: CaseFacts, fields: list[RecordField]) -> datetime:
    return max(facts.records.changed[name] for name in fields)


_WHOM: tuple[RecordField, ...] = ("name", "address", "phone", "email", "preferred_channel")
_WHERE: tuple[RecordField, ...] = ("name", "address", "meter_id", "field_unit")
_WHAT_IT_TAKES: tuple[RecordField, ...] = ("meter_id", "customer_class", "important")
_CHANGES_THAT_MATTER: dict[str, tuple[RecordField, ...]] = {
    "record_delivery": (*_WHOM, "reader"),
    "record_final_notice": _WHOM,
    "record_promise": _WHOM,
    "verify_meter": ("address", "meter_id", "reader"),
    "decide_approval": _WHAT_IT_TAKES,
    "record_filing": _WHAT_IT_TAKES,
    "acknowledge_ticket": _WHERE,
    "request_permit": _WHERE,
    "report_cut": _WHERE,
    "report_not_cut": _WHERE,
    "report_restored": _WHERE,
    "serve_again": (*_WHOM, *_WHAT_IT_TAKES, "field_unit", "reader", "team_leader"),
}
"""What of the record concerns whoever acts."""

ACTS: dict[str, tuple[str, str]] = {
    "record_delivery": ("送达通知书并回报", "deliver the notice and report"),
    "acknowledge_escalation": ("确认上报", "acknowledge the report"),
    "decide_approval": ("审批停电", "approve or reject the cut"),
    "record_filing": ("向电力管理部门报备", "file with the power authority"),
    "acknowledge_ticket": ("确认工作票", "acknowledge the ticket"),
    "record_final_notice": ("停电前30分钟再次通知客户", subject("notify_again")),
    "request_permit": ("到表前申请停电许可", "ask for the permit at the meter"),
    "report_cut": ("回报停电", "report the cut"),
    "report_not_cut": ("或回报未停电", "or report that nothing was cut"),
    "verify_meter": ("到场核实表计", subject("verify_meter")),
    "report_restored": ("恢复送电并回报", "restore supply and report"),
    "record_promise": ("向客户建议承诺或分期", "offer a promise or a plan"),
    "serve_again": ("决定是否重新通知", "decide whether to serve again"),
    "close_incident": ("查明事件并给出结论", "close the incident with an outcome"),
}
"""What each message awaited asks of somebody, in Chinese and in English."""
