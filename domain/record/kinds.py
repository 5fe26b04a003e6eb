"""The kinds of evidence: one table that gives each its rule, its clause and its Chinese name (R-30).

A kind is a type. The type checker refuses a proof, a report or a query that asks for a kind which is not in the
table. What is read back is not checked against it: a record of any version must stay readable.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import PlainValidator, TypeAdapter

from domain.vocabulary import Id

EvidenceKind = Literal[
    "act.not_admitted",
    "approval.asked",
    "approval.given",
    "approval.rejected",
    "approvals.complete",
    "bill.overdue",
    "billing.checked",
    "case.closed",
    "case.ended_by_force",
    "case.not_opened",
    "case.opened",
    "case.reopened",
    "channel.tried",
    "customer.changed",
    "customer.told",
    "customer.told_by_channel",
    "cut.found",
    "cut.reported",
    "debt.read",
    "debt.settled",
    "delay.declared",
    "delivery.too_late",
    "escalation.acknowledged",
    "escalation.raised",
    "filing.recorded",
    "half_hour.reached",
    "hold.ended",
    "hold.lifted",
    "hold.placed",
    "incident.closed",
    "incident.opened",
    "message.ignored",
    "message.refused",
    "meter.doubted",
    "meter.uncertain",
    "meter.verified",
    "not_cut.reported",
    "notice.delivered",
    "notice.issued",
    "notice.refused",
    "notice.served",
    "notice.undeliverable",
    "notice.void",
    "paper.filed",
    "payment.hint",
    "payment.reversed",
    "payment.unbooked",
    "permit.granted",
    "permit.lapsed",
    "permit.refused",
    "permit.revoked",
    "plan.agreed",
    "plan.broken",
    "plan.kept",
    "policy.changed",
    "promise.broken",
    "promise.kept",
    "promise.made",
    "reassigned",
    "recheck.requested",
    "report.made",
    "report.sent",
    "restoration.requested",
    "restore.breached",
    "restore.warning",
    "rules.adopted",
    "serve_again.requested",
    "station_head.told",
    "supply.reported",
    "supply.restored",
    "ticket.acknowledged",
    "ticket.amended",
    "ticket.recalled",
    "ticket.sent",
    "withdrawn",
]

RecordedKind = Annotated[EvidenceKind, PlainValidator(TypeAdapter(Id).validate_python)]
"""A kind as a record carries it: known to the type checker, and any name when it is read."""

Basis = tuple[str, str]
"""The rule and the clause under which something is recorded."""


class Kind(NamedTuple):
    """Under which rule and clause a kind of evidence is recorded unless its writer names others; its Chinese name."""

    rule: str
    clause: str
    zh: str


KINDS: dict[EvidenceKind, Kind] = {
    "act.not_admitted": Kind("R-30", "II.0", "越权申报（不予采认）"),
    "approval.asked": Kind("R-13", "III.4", "报请审批"),
    "approval.given": Kind("R-12", "III.4", "批准"),
    "approval.rejected": Kind("R-12", "III.4", "不予批准"),
    "approvals.complete": Kind("R-12", "III.4", "审批齐备"),
    "bill.overdue": Kind("R-01", "II.0", "账单逾期"),
    "billing.checked": Kind("R-17", "II.6", "查询营销系统"),
    "case.closed": Kind("R-30", "II.8", "结案"),
    "case.ended_by_force": Kind("R-30", "II.0", "case.ended_by_force"),
    "case.not_opened": Kind("R-01", "II.0", "未予立案"),
    "case.opened": Kind("R-01", "II.0", "立案"),
    "case.reopened": Kind("R-30", "II.0", "恢复办理"),
    "channel.tried": Kind("R-16", "II.4", "经渠道通知客户"),
    "customer.changed": Kind("R-32", "II.2", "客户档案变更"),
    "customer.told": Kind("R-16", "II.4", "再次通知客户"),
    "customer.told_by_channel": Kind("R-16", "II.4", "customer.told_by_channel"),
    "cut.found": Kind("R-27", "III.4", "发现停电"),
    "cut.reported": Kind("R-18", "II.7", "报告停电"),
    "debt.read": Kind("R-17", "II.6", "读取欠费"),
    "debt.settled": Kind("R-11", "II.8", "电费交清"),
    "delay.declared": Kind("R-26", "III.3", "申报延期复电"),
    "delivery.too_late": Kind("R-07", "II.2", "送达已晚"),
    "escalation.acknowledged": Kind("R-09", "II.2", "上报事项已确认"),
    "escalation.raised": Kind("R-09", "II.2", "逐级上报"),
    "filing.recorded": Kind("R-14", "III.5", "报备、协调"),
    "half_hour.reached": Kind("R-16", "II.4", "停电前半小时"),
    "hold.ended": Kind("R-04", "I.3", "暂缓期满"),
    "hold.lifted": Kind("R-04", "I.3", "解除暂缓"),
    "hold.placed": Kind("R-04", "I.3", "暂缓"),
    "incident.closed": Kind("R-28", "III.4", "事件处理完毕"),
    "incident.opened": Kind("R-28", "III.4", "记为事件"),
    "message.ignored": Kind("R-30", "II.0", "消息未采用"),
    "message.refused": Kind("R-12", "III.4", "消息被拒绝"),
    "meter.doubted": Kind("R-34", "III.4", "他户表计被停电，本户表计待核实"),
    "meter.uncertain": Kind("R-19", "II.7", "表计存疑"),
    "meter.verified": Kind("R-19", "II.7", "核实表计"),
    "not_cut.reported": Kind("R-18", "II.7", "报告未停电"),
    "notice.delivered": Kind("R-07", "II.2", "通知书送达"),
    "notice.issued": Kind("R-07", "II.2", "开具通知书"),
    "notice.refused": Kind("R-09", "II.2", "客户拒签"),
    "notice.served": Kind("R-06", "II.2", "视为送达"),
    "notice.undeliverable": Kind("R-08", "II.2", "未能送达"),
    "notice.void": Kind("R-07", "II.2", "通知书作废"),
    "paper.filed": Kind("R-30", "II.0", "文书归档"),
    "payment.hint": Kind("R-11", "II.8", "交费消息"),
    "payment.reversed": Kind("R-24", "II.0", "交费冲正"),
    "payment.unbooked": Kind("R-11", "II.8", "交费尚未入账"),
    "permit.granted": Kind("R-18", "II.7", "停电许可"),
    "permit.lapsed": Kind("R-18", "II.7", "许可过期"),
    "permit.refused": Kind("R-18", "II.7", "不予许可"),
    "permit.revoked": Kind("R-18", "II.6", "撤销许可"),
    "plan.agreed": Kind("R-04", "I.3", "约定分期"),
    "plan.broken": Kind("R-04", "I.3", "分期违约"),
    "plan.kept": Kind("R-04", "I.3", "分期履行完毕"),
    "policy.changed": Kind("R-30", "II.0", "改用另一规则版本"),
    "promise.broken": Kind("R-04", "I.3", "承诺违约"),
    "promise.kept": Kind("R-04", "I.3", "承诺兑现"),
    "promise.made": Kind("R-04", "I.3", "承诺交费"),
    "reassigned": Kind("R-30", "II.2", "改派"),
    "recheck.requested": Kind("R-23", "III.2", "要求复查"),
    "report.made": Kind("R-29", "III.5", "report.made"),
    "report.sent": Kind("R-29", "III.5", "report.sent"),
    "restoration.requested": Kind("R-22", "III.1", "要求复电"),
    "restore.breached": Kind("R-26", "III.3", "复电超时"),
    "restore.warning": Kind("R-25", "III.3", "复电时限预警"),
    "rules.adopted": Kind("R-31", "II.6", "适用新规则"),
    "serve_again.requested": Kind("R-07", "II.2", "重新通知"),
    "station_head.told": Kind("R-10", "II.2", "告知营业站站长"),
    "supply.reported": Kind("R-25", "III.3", "报告供电情况"),
    "supply.restored": Kind("R-25", "III.3", "恢复供电"),
    "ticket.acknowledged": Kind("R-15", "II.3", "工作票已确认"),
    "ticket.amended": Kind("R-32", "III.1", "更正工作票"),
    "ticket.recalled": Kind("R-20", "II.3", "撤回工作票"),
    "ticket.sent": Kind("R-15", "II.3", "传递工作票"),
    "withdrawn": Kind("R-04", "I.3", "撤销案件"),
}


def kinds(*names: EvidenceKind) -> frozenset[EvidenceKind]:
    """Some kinds, so that the type checker reads their names where they are used."""
    return frozenset(names)


def basis_of(kind: EvidenceKind) -> Basis:
    """The rule and clause of a kind."""
    return KINDS[kind].rule, KINDS[kind].clause


def kind_name(kind: str, language: str) -> str:
    """The name of a kind of evidence; one that the table does not know stays as it is."""
    if language != "zh":
        return kind.replace(".", " ").replace("_", " ")
    known: dict[str, Kind] = dict(KINDS.items())
    return known[kind].zh if kind in known else kind
