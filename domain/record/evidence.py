"""Evidence: its fields, its kinds, and the name of each kind in both languages (R-30)."""

from typing import Any, Protocol

from pydantic import Field

from domain.vocabulary import Contract, Id, Moment

_WHAT_ZH = {
    "act.not_admitted": "越权申报（不予采认）",
    "approval.asked": "报请审批",
    "approval.given": "批准",
    "approval.rejected": "不予批准",
    "approvals.complete": "审批齐备",
    "bill.overdue": "账单逾期",
    "billing.checked": "查询营销系统",
    "case.closed": "结案",
    "channel.tried": "经渠道通知客户",
    "case.not_opened": "未予立案",
    "case.opened": "立案",
    "case.reopened": "恢复办理",
    "customer.told": "再次通知客户",
    "cut.found": "发现停电",
    "cut.reported": "报告停电",
    "debt.read": "读取欠费",
    "debt.settled": "电费交清",
    "delay.declared": "申报延期复电",
    "delivery.too_late": "送达已晚",
    "escalation.acknowledged": "上报事项已确认",
    "escalation.raised": "逐级上报",
    "filing.recorded": "报备、协调",
    "half_hour.reached": "停电前半小时",
    "hold.ended": "暂缓期满",
    "hold.lifted": "解除暂缓",
    "hold.placed": "暂缓",
    "incident.closed": "事件处理完毕",
    "incident.opened": "记为事件",
    "message.ignored": "消息未采用",
    "message.refused": "消息被拒绝",
    "meter.uncertain": "表计存疑",
    "meter.verified": "核实表计",
    "not_cut.reported": "报告未停电",
    "notice.delivered": "通知书送达",
    "notice.issued": "开具通知书",
    "notice.refused": "客户拒签",
    "notice.served": "视为送达",
    "notice.undeliverable": "未能送达",
    "notice.void": "通知书作废",
    "policy.changed": "改用另一规则版本",
    "paper.filed": "文书归档",
    "payment.hint": "交费消息",
    "payment.unbooked": "交费尚未入账",
    "payment.reversed": "交费冲正",
    "permit.granted": "停电许可",
    "permit.lapsed": "许可过期",
    "permit.refused": "不予许可",
    "permit.revoked": "撤销许可",
    "plan.agreed": "约定分期",
    "plan.broken": "分期违约",
    "plan.kept": "分期履行完毕",
    "promise.broken": "承诺违约",
    "promise.kept": "承诺兑现",
    "promise.made": "承诺交费",
    "reassigned": "改派",
    "recheck.requested": "要求复查",
    "restoration.requested": "要求复电",
    "restore.breached": "复电超时",
    "restore.warning": "复电时限预警",
    "serve_again.requested": "重新通知",
    "station_head.told": "告知营业站站长",
    "supply.reported": "报告供电情况",
    "supply.restored": "恢复供电",
    "ticket.acknowledged": "工作票已确认",
    "ticket.recalled": "撤回工作票",
    "ticket.sent": "传递工作票",
    "withdrawn": "撤销案件",
}


def what_happened(what: str, language: str) -> str:
    """The name of a kind of evidence; one that has no Chinese word stays as it is."""
    return _WHAT_ZH.get(what, what) if language == "zh" else spaced(what)


def spaced(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")


class Evidence(Contract):
    """One thing that happened, kept for ever (R-30).

    `at` is when it happened, `recorded_at` the case's clock when it learned of it. `key` is made by the case, so a
    repeated activity writes it once. `place` counts on through the case: what came first in one step.
    """

    key: Id
    place: int = 0
    what: Id
    rule: Id
    clause: Id
    at: Moment
    recorded_at: Moment
    actor_id: str | None = None
    actor_role: str | None = None
    actor_unit: str | None = None
    about: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class Owner(Protocol):
    """Whose chain evidence belongs to: an account by its case, or the reports to the government."""

    @property
    def account_id(self) -> str:
        """The chain's name."""

    @property
    def case_key(self) -> str:
        """The case, or the one report."""

    @property
    def reading_centre(self) -> str | None:
        """The unit whose people act, where there is one."""
