"""What a message to staff is about: a code for each subject, with its words in both languages and its urgency.

The record keeps the English words, to the letter; they are found again here alone, also in their former wording.
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
    "cut_ticket",
    "cut_time_again",
    "government_report",
    "incident",
    "notice_to_deliver",
    "notice_void",
    "notify_again",
    "partial_payment",
    "permit_revoked",
    "permit_unanswered",
    "policy_changed",
    "reassigned",
    "red_notice_issued",
    "report_asked",
    "restoration_ticket",
    "restoration_warning",
    "signature_refused",
    "supply_found_cut",
    "ticket_recalled",
    "ticket_taken_over",
    "verify_meter",
]
Subject = NewType("Subject", str)
"""A subject as the record keeps it, made by `subject`."""


class SubjectWords(NamedTuple):
    """A subject's words, with values in braces, and its urgency. `zh` is empty where `en` says it in both languages."""

    en: str
    zh: str
    urgency: Urgency = DAYS
    former: tuple[str, ...] = ()


SUBJECTS: dict[SubjectCode, SubjectWords] = {
    "approval_asked": SubjectWords("approval asked", "报请审批"),
    "cut_ticket": SubjectWords("催费停电工作票 Disconnection ticket", "", MINUTES),
    "cut_time_again": SubjectWords("the time of the cut, again", ""),
    "government_report": SubjectWords("government report {month}", "欠费停复电月报 {month}"),
    "incident": SubjectWords("incident: {incident}", "事件上报：{incident}", MINUTES),
    "notice_to_deliver": SubjectWords("{title} notice to deliver", ""),
    "notice_void": SubjectWords("Notice void", "通知书作废"),
    "notify_again": SubjectWords("tell the customer again", "再次通知客户", AT_ONCE),
    "partial_payment": SubjectWords("partial payment", "部分缴费"),
    "permit_revoked": SubjectWords("permit revoked", "撤销停电许可", AT_ONCE),
    "permit_unanswered": SubjectWords("Permit without an answer from the crew", "停电许可后无回报", MINUTES),
    "policy_changed": SubjectWords("policy changed", "适用规则变更"),
    "reassigned": SubjectWords("reassigned to you", "转交办理", MINUTES),
    "red_notice_issued": SubjectWords("red notice issued", "已发红色通知书"),
    "report_asked": SubjectWords("report asked", "请回报现场情况", AT_ONCE),
    "restoration_ticket": SubjectWords("复电工作票 Restoration ticket", "", AT_ONCE),
    "restoration_warning": SubjectWords("Restoration warning", "复电时限预警", MINUTES),
    "signature_refused": SubjectWords("Signature refused", "客户拒签上报"),
    "supply_found_cut": SubjectWords("supply found cut", "发现停电"),
    "ticket_recalled": SubjectWords("ticket recalled", "撤回停电工作票", AT_ONCE),
    "ticket_taken_over": SubjectWords("ticket taken over", "工作票已转交", AT_ONCE),
    "verify_meter": SubjectWords("verify the meter", "核实表号", AT_ONCE),
}


def subject(code: SubjectCode, **values: object) -> Subject:
    """The words of a subject, as a message carries them."""
    return Subject(SUBJECTS[code].en.format(**values))


def subject_of(words: str) -> SubjectCode | None:
    """The code of a recorded subject; None if the table does not know it."""
    return _found(words)[0]


def heading(words: str) -> str:
    """A subject as a message to staff is headed: Chinese first, unless it has both already."""
    code, values = _found(words)
    if code is None or not SUBJECTS[code].zh:
        return words
    if code == "incident":
        if values["incident"] not in INCIDENTS:
            return words
        values = {"incident": INCIDENTS[values["incident"]].zh}
    return f"{SUBJECTS[code].zh.format(**values)} {words}"


def _found(words: str) -> tuple[SubjectCode | None, dict[str, str]]:
    for code, known in SUBJECTS.items():
        for wording in (known.en, *known.former):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(wording))
            if found := re.fullmatch(pattern, words):
                return code, found.groupdict()
    return None, {}
