"""What evidence says happened, who is who, how a case ended: the Chinese word for each name in the record."""

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
_ROLES_ZH = {
    "reader": "抄表员",
    "team_leader": "抄表班长",
    "centre_director": "抄表中心主任",
    "company_leader": "公司主管领导",
    "station_head": "营业站站长",
    "field_crew": "供电单位",
    "hotline": "95598",
    "liaison": "联络员",
    "operator": "操作员",
}
_STATES_ZH = {
    "settled": "结清",
    "restored": "已复电",
    "withdrawn": "已撤销",
    "yellow_notice": "黄色催费单",
    "red_notice": "红色通知书",
    "ticketed": "已出工作票",
    "final_half_hour": "停电前半小时",
    "disconnected": "已停电",
    "restoring": "复电中",
    "closed": "已结案",
    "residential": "居民",
    "non_residential": "非居民",
}


def what_happened(what: str, language: str) -> str:
    """The name of a kind of evidence; one that has no Chinese word stays as it is."""
    return _WHAT_ZH.get(what, what) if language == "zh" else _spaced(what)


def role_name(role: str, language: str) -> str:
    """The name of a role."""
    return _ROLES_ZH.get(role, role) if language == "zh" else _spaced(role)


def state_name(state: str, language: str) -> str:
    """The name of a stage, an outcome or a customer class."""
    return _STATES_ZH.get(state, state) if language == "zh" else _spaced(state)


def _spaced(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")
