"""What a message to staff is about: a code for each subject, with its text in both languages and its urgency.

The record keeps the English text to the letter; it is found again here alone, also in its former wording.
"""

import re
from typing import Literal, NamedTuple, NewType

from domain.words import INCIDENTS

Urgency = Literal[1, 2, 3]
AT_ONCE: Urgency = 1
"""A customer is without supply, or a crew stands at a meter that it must not touch (R-18, R-24)."""
MINUTES: Urgency = 2
DAYS: Urgency = 3

SubjectCode = Literal[
    "approval_asked",
    "confirm_restored",
    "cut_ticket",
    "cut_time_again",
    "government_report",
    "incident",
    "notice_to_deliver",
    "notice_void",
    "notify_again",
    "partial_payment",
    "payments_never_booked",
    "permit_revoked",
    "permit_unanswered",
    "policy_changed",
    "reassigned",
    "record_changed",
    "red_notice_issued",
    "report_asked",
    "restoration_ticket",
    "restoration_warning",
    "signature_refused",
    "supply_found_cut",
    "ticket_amended",
    "ticket_recalled",
    "ticket_taken_over",
    "verify_meter",
]
Subject = NewType("Subject", str)
"""A subject as the record keeps it, made by `subject`."""


class SubjectText(NamedTuple):
    """A subject's text, with values in braces, and its urgency. `zh` is empty where `en` says it in both languages."""

    en: str
    zh: str
    urgency: Urgency = DAYS
    former: tuple[str, ...] = ()


SUBJECTS: dict[SubjectCode, SubjectText] = {
    "approval_asked": SubjectText("approval asked", "报请审批"),
    "confirm_restored": SubjectText("reported restored: confirm it", "据报已复电，请核实", AT_ONCE),
    "cut_ticket": SubjectText("催费停电工作票 Disconnection ticket", "", MINUTES),
    "cut_time_again": SubjectText("the time of the cut, again", ""),
    "government_report": SubjectText("government report {month}", "欠费停复电月报 {month}"),
    "incident": SubjectText("incident: {incident}", "事件上报：{incident}", MINUTES),
    "notice_to_deliver": SubjectText("{title} notice to deliver", ""),
    "notice_void": SubjectText("Notice void", "通知书作废"),
    "notify_again": SubjectText("tell the customer again", "再次通知客户", AT_ONCE),
    "partial_payment": SubjectText("partial payment", "部分缴费"),
    "payments_never_booked": SubjectText("announced payments never booked", "收到消息的缴费未入账", MINUTES),
    "permit_revoked": SubjectText("permit revoked", "撤销停电许可", AT_ONCE),
    "permit_unanswered": SubjectText("Permit without an answer from the crew", "停电许可后无回报", MINUTES),
    "policy_changed": SubjectText("policy changed", "适用规则变更"),
    "reassigned": SubjectText("reassigned to you", "转交办理", MINUTES),
    "record_changed": SubjectText("Customer record changed", "客户档案变更"),
    "red_notice_issued": SubjectText("red notice issued", "已发红色通知书"),
    "report_asked": SubjectText("report asked", "请回报现场情况", AT_ONCE),
    "restoration_ticket": SubjectText("复电工作票 Restoration ticket", "", AT_ONCE),
    "restoration_warning": SubjectText("Restoration warning", "复电时限预警", MINUTES),
    "signature_refused": SubjectText("Signature refused", "客户拒签上报"),
    "supply_found_cut": SubjectText("supply found cut", "发现停电"),
    "ticket_amended": SubjectText("ticket amended", "更正工作票", AT_ONCE),
    "ticket_recalled": SubjectText("ticket recalled", "撤回停电工作票", AT_ONCE),
    "ticket_taken_over": SubjectText("ticket taken over", "工作票已转交", AT_ONCE),
    "verify_meter": SubjectText("verify the meter", "核实表号", AT_ONCE),
}


def subject(code: SubjectCode, **values: object) -> Subject:
    """The text of a subject, as a message carries them."""
    return Subject(SUBJECTS[code].en.format(**values))


def subject_of(text: str) -> SubjectCode | None:
    """The code of a recorded subject; None if the table does not know it."""
    return _found(text)[0]


def heading(text: str) -> str:
    """A subject as a message to staff is headed: Chinese first, unless it has both already."""
    code, values = _found(text)
    if code is None or not SUBJECTS[code].zh:
        return text
    if code == "incident":
        if values["incident"] not in INCIDENTS:
            return text
        values = {"incident": INCIDENTS[values["incident"]].zh}
    return f"{SUBJECTS[code].zh.format(**values)} {text}"


def _found(text: str) -> tuple[SubjectCode | None, dict[str, str]]:
    for code, known in SUBJECTS.items():
        for wording in (known.en, *known.former):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(wording))
            if found := re.fullmatch(pattern, text):
                return code, found.groupdict()
    return None, {}
