"""Why something ended: a code for each reason, with its English sentence of the record and its Chinese one.

The program deals in codes. The record keeps the English sentence to the letter. This table alone finds a sentence
again, also in its former wording, so that a better sentence changes no replay and no urgency.
"""

import re
from collections.abc import Callable
from functools import cache
from string import Formatter
from typing import Literal, NamedTuple, NewType

from domain.words import FIELDS, FOLLOWS, HOLDS, name_of, role_name, words_of

ReasonCode = Literal[
    "address_changed",
    "another_unit",
    "billing_not_asked",
    "billing_silent",
    "bills_settled",
    "case_withdrawn",
    "crew_left",
    "crew_never_answered",
    "crew_unsure",
    "class_changed",
    "cut_already",
    "day_barred",
    "delivered_too_late",
    "filing_missing",
    "found_cut",
    "given_back",
    "held",
    "hint_unanswered",
    "holder_changed",
    "meter_changed",
    "no_answer",
    "not_approved_in_time",
    "not_cut_in_window",
    "not_delivered_in_time",
    "not_notified_again",
    "not_restored",
    "oldest_bill_too_young",
    "others_meter_cut",
    "payment_arrived",
    "plan_agreed",
    "policy_changed",
    "promise_made",
    "promise_or_plan_stands",
    "record_changed",
    "record_changed_often",
    "refusal_not_acknowledged",
    "rejected",
    "rejected_saying",
    "served_again",
    "settled",
    "signature_refused",
    "terminated",
    "ticket_arrived_late",
    "ticket_not_acknowledged",
    "ticket_not_sent",
    "withdrawn",
    "wrong_meter",
]
Reason = NewType("Reason", str)
"""A reason as the record keeps it: its English sentence, made by `because`."""


class Wording(NamedTuple):
    """The sentence of a reason in both languages, with its values in braces; `former`: how it was worded before."""

    en: str
    zh: str
    former: tuple[str, ...] = ()


REASONS: dict[ReasonCode, Wording] = {
    "address_changed": Wording("the address in the record has changed", "用电地址已变更"),
    "another_unit": Wording("another field unit takes over", "改由其他供电单位承办"),
    "billing_not_asked": Wording(
        "the billing system was not asked in the last half-hour", "停电前半小时未查询营销系统"
    ),
    "billing_silent": Wording("the billing system gave no answer in the last half-hour", "停电前半小时营销系统无应答"),
    "bills_settled": Wording("the bills are settled", "账单已交清"),
    "case_withdrawn": Wording("the case was withdrawn", "案件已撤销"),
    "crew_left": Wording("the crew left without cutting", "现场人员未停电离开"),
    "crew_never_answered": Wording(
        "permit {permit} ended and the crew has not reported", "停电许可 {permit} 已结束，供电单位未回报"
    ),
    "crew_unsure": Wording("the crew is unsure of the meter", "现场人员对表号存疑"),
    "class_changed": Wording("the class in the record has changed and demands more", "用电类别已变更，另有要求"),
    "cut_already": Wording("supply had been cut already", "此前已被停电"),
    "day_barred": Wording("the day is barred: {day}", "当日不得停电"),
    "delivered_too_late": Wording("delivered too late", "送达过迟"),
    "filing_missing": Wording("the filing with the power authority is missing", "未向电力管理部门报备"),
    "found_cut": Wording("supply was found cut", "发现已被停电"),
    "given_back": Wording("given back by the crew", "供电单位交回"),
    "held": Wording("hold: {hold}", "暂缓：{hold}"),
    "hint_unanswered": Wording(
        "the billing system gave no answer within 15 seconds of a message", "收到消息后15秒内营销系统无应答"
    ),
    "holder_changed": Wording("the account has another holder", "户主已变更（过户）"),
    "meter_changed": Wording("the meter in the record has changed", "表计已更换"),
    "no_answer": Wording("no answer from {role}", "{role}未答复"),
    "not_approved_in_time": Wording("not approved in time by {roles}", "未按时批准：{roles}"),
    "not_cut_in_window": Wording("nothing was cut inside the window", "停电时段内未实施停电"),
    "not_delivered_in_time": Wording("not delivered in time", "未按时送达"),
    "not_notified_again": Wording("the customer was not told again", "未再次通知客户"),
    "not_restored": Wording("not restored after {hours} h, due by {due}", "{hours} 小时仍未复电，限 {due} 前"),
    "oldest_bill_too_young": Wording(
        "the oldest bill still owing is not yet 31 days past due", "最早一笔欠费逾期未满31日"
    ),
    "others_meter_cut": Wording("another customer's meter was cut", "他户表计已被停电"),
    "payment_arrived": Wording("payment {payment} arrived", "已收到缴费 {payment}"),
    "plan_agreed": Wording("a plan is agreed", "已签订分期协议"),
    "policy_changed": Wording("the policy is {policy} now", "现适用规则 {policy}"),
    "promise_made": Wording("the customer has promised to pay", "客户承诺缴费"),
    "promise_or_plan_stands": Wording("a promise or plan stands", "缓缴承诺或分期协议有效"),
    "record_changed": Wording("record changed ({fields}): {follows}", "客户档案变更（{fields}）：{follows}"),
    "record_changed_often": Wording(
        "changes of the record have ended {times} attempts", "客户档案变更已使 {times} 次停电程序终止"
    ),
    "refusal_not_acknowledged": Wording("the refusal was not acknowledged in time", "拒签未按时确认"),
    "rejected": Wording("rejected by {role}", "{role}不予批准"),
    "rejected_saying": Wording("rejected by {role}: {remark}", "{role}不予批准：{remark}"),
    "served_again": Wording("served again: {remark}", "重新通知：{remark}"),
    "settled": Wording("settled", "结清"),
    "signature_refused": Wording("the signature on {kind} notice {notice} was refused", "通知书 {notice} 拒绝签收"),
    "terminated": Wording("its case was ended in Temporal", "案件已在系统中终止"),
    "ticket_arrived_late": Wording(
        "the ticket did not reach the field unit the day before", "工作票未在前一日送达供电单位"
    ),
    "ticket_not_acknowledged": Wording("the field unit did not acknowledge the ticket", "供电单位未确认工作票"),
    "ticket_not_sent": Wording("the ticket could not be sent the day before", "未能在前一日下达工作票"),
    "withdrawn": Wording("withdrawn", "撤销"),
    "wrong_meter": Wording("the meter is not the right one", "表号不符"),
}
_WITHOUT_BLANKS = {"role", "kind"}
_ZH_OF_VALUE: dict[str, Callable[[str], str]] = {
    "fields": lambda fields: words_of(FIELDS, fields.split(", "), "zh"),
    "follows": lambda follows: "；".join(words_of(FOLLOWS, [one], "zh") for one in follows.split("; ")),
    "hold": lambda kind: name_of(HOLDS, kind, "zh"),
    "role": lambda role: role_name(role, "zh"),
    "roles": lambda roles: "、".join(role_name(role, "zh") for role in roles.split(", ")),
}


def because(code: ReasonCode, **values: object) -> Reason:
    """The sentence of a reason, as evidence and messages carry it."""
    return Reason(REASONS[code].en.format(**values))


def codes(*names: ReasonCode) -> frozenset[ReasonCode]:
    """Some codes, so that the type checker reads their names where they are used."""
    return frozenset(names)


def code_of(sentence: str) -> ReasonCode | None:
    """The code of a sentence of the record; None of one that a person wrote."""
    return next((code for code, pattern in _patterns() if pattern.fullmatch(sentence)), None)


def reason_zh(sentence: str) -> str:
    """The Chinese of a reason; what a person wrote stays as written."""
    for code, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            values = {name: _ZH_OF_VALUE.get(name, str)(value) for name, value in found.groupdict().items()}
            return REASONS[code].zh.format(**values)
    return sentence


@cache
def _patterns() -> tuple[tuple[ReasonCode, re.Pattern[str]], ...]:
    """Each wording as a pattern: those without values first, so that none is taken for a value of another."""
    wordings = [(code, wording) for code, texts in REASONS.items() for wording in (texts.en, *texts.former)]
    wordings.sort(key=lambda one: "{" in one[1])
    return tuple((code, _pattern(wording)) for code, wording in wordings)


def _pattern(wording: str) -> re.Pattern[str]:
    pattern = ""
    for text, name, _, _ in Formatter().parse(wording):
        value = r"\w+" if name in _WITHOUT_BLANKS else ".+"
        pattern += re.escape(text) + (f"(?P<{name}>{value})" if name else "")
    return re.compile(pattern, re.DOTALL)
