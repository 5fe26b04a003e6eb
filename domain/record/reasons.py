"""Why something ended, and what a message to staff is about, in Chinese: the words beside the English of the record."""

import re
from collections.abc import Callable

from domain.report.words import HOLDS, INCIDENTS
from domain.words import role_name

_REASONS = {
    "a plan is agreed": "已签订分期协议",
    "a promise or plan stands": "缓缴承诺或分期协议有效",
    "another field unit takes over": "改由其他供电单位承办",
    "delivered too late": "送达过迟",
    "not delivered in time": "未按时送达",
    "nothing was cut inside the window": "停电时段内未实施停电",
    "supply had been cut already": "此前已被停电",
    "supply was found cut": "发现已被停电",
    "the bills are settled": "账单已交清",
    "the billing system gave no answer in the last half-hour": "停电前半小时营销系统无应答",
    "the billing system was not asked in the last half-hour": "停电前半小时未查询营销系统",
    "the case was withdrawn": "案件已撤销",
    "the crew is unsure of the meter": "现场人员对表号存疑",
    "the crew left without cutting": "现场人员未停电离开",
    "the customer has promised to pay": "客户承诺缴费",
    "the customer was not told again": "未再次通知客户",
    "the field unit did not acknowledge the ticket": "供电单位未确认工作票",
    "the filing with the power authority is missing": "未向电力管理部门报备",
    "the meter is not the right one": "表号不符",
    "the oldest bill still owing is not yet 31 days past due": "最早一笔欠费逾期未满31日",
    "the refusal was not acknowledged in time": "拒签未按时确认",
    "the ticket could not be sent the day before": "未能在前一日下达工作票",
    "the ticket did not reach the field unit the day before": "工作票未在前一日送达供电单位",
}
_WITH_A_WORD: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"payment (.+) arrived", "已收到缴费 {}".format),
    (r"hold: (.+)", lambda kind: f"暂缓：{HOLDS[kind].zh if kind in HOLDS else kind}"),
    (r"the policy is (.+) now", "现适用规则 {}".format),
    (r"rejected by (\w+)", lambda role: f"{role_name(role, 'zh')}不予批准"),
    (r"rejected by (\w+): (.+)", lambda role, remark: f"{role_name(role, 'zh')}不予批准：{remark}"),
    (r"not approved in time by (.+)", lambda roles: f"未按时批准：{_roles(roles)}"),
    (r"served again: (.+)", "重新通知：{}".format),
    (r"no answer from (\w+)", lambda role: f"{role_name(role, 'zh')}未答复"),
    (r"permit (.+) ended and the crew has not reported", "停电许可 {} 已结束，供电单位未回报".format),
    (r"not restored after (.+) h, due by (.+)", "{} 小时仍未复电，限 {} 前".format),
    (r"the signature on \w+ notice (.+) was refused", "通知书 {} 拒绝签收".format),
    (r"the day is barred: .+", lambda: "当日不得停电"),
)
_SUBJECTS = {
    "Notice void": "通知书作废",
    "Permit without an answer from the crew": "停电许可后无回报",
    "Restoration warning": "复电时限预警",
    "Signature refused": "客户拒签上报",
    "approval asked": "报请审批",
    "partial payment": "部分缴费",
    "permit revoked": "撤销停电许可",
    "policy changed": "适用规则变更",
    "reassigned to you": "转交办理",
    "red notice issued": "已发红色通知书",
    "report asked": "请回报现场情况",
    "supply found cut": "发现停电",
    "tell the customer again": "再次通知客户",
    "ticket recalled": "撤回停电工作票",
    "ticket taken over": "工作票已转交",
    "verify the meter": "核实表号",
}


def reason_zh(reason: str) -> str:
    """The Chinese of a reason; what a person wrote stays as written."""
    if reason in _REASONS:
        return _REASONS[reason]
    for pattern, chinese in _WITH_A_WORD:
        if found := re.fullmatch(pattern, reason, re.DOTALL):
            return chinese(*found.groups())
    return reason


def heading(subject: str) -> str:
    """A subject as a message to staff is headed: Chinese first, unless it has both already."""
    kind = subject.removeprefix("incident: ")
    if kind in INCIDENTS:
        return f"事件上报：{INCIDENTS[kind].zh} {subject}"
    if month := re.fullmatch(r"government report (.+)", subject):
        return f"欠费停复电月报 {month[1]} {subject}"
    return f"{_SUBJECTS[subject]} {subject}" if subject in _SUBJECTS else subject


def _roles(names: str) -> str:
    return "、".join(role_name(name, "zh") for name in names.split(", "))
