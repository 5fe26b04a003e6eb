"""What each key of a policy means, by its rule and clause; and what a difference between two means to the customer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from domain.law.policy import Policy
from domain.vocabulary import Contract

Kinder = Literal["more", "less", "open"]


@dataclass(frozen=True)
class Term:
    """A key: the rule and clause it serves, what it is, and whether more or less of it is kinder to the customer."""

    rule: str
    clause: str
    zh: str
    en: str
    kinder: Kinder = "open"


TERMS: dict[str, Term] = {
    "name": Term("R-30", "II.0", "规则名称", "name of the policy"),
    "version": Term("R-30", "II.0", "规则版本", "version of the policy"),
    "timezone": Term("R-01", "II.0", "法定日期所依的时区", "zone of the legal days"),
    "currency": Term("R-01", "II.0", "币种", "currency"),
    "min_overdue_days": Term("R-03", "I.1", "停电前须逾期满的天数", "days overdue before a cut", "more"),
    "tolerance": Term("R-11", "II.8", "视为结清的尾欠额", "principal unpaid that counts as settled", "more"),
    "min_debt": Term("R-35", "II.0", "立案的最低欠费额", "least debt for a case, a notice or a cut", "more"),
    "yellow_payment_days": Term("R-05", "II.1", "黄单送达后的交费天数", "days to pay after the yellow notice", "more"),
    "delivery_allowance_days": Term("R-05", "II.1", "留给送达的天数", "days allowed for delivering a notice", "more"),
    "red_notice_days": Term("R-07", "II.2", "红单送达至停电的天数", "days from the red notice to the cut", "more"),
    "service_ack_hours": Term("R-09", "II.2", "每级确认拒签的小时数", "hours for each rung to acknowledge a refusal"),
    "escalation_ladder": Term("R-09", "II.2", "拒签逐级上报的顺序", "rungs to which a refusal goes up"),
    "max_reissues": Term(
        *("R-07", "II.2", "作废后自动重发的次数，超过即停下待人决定"),
        *("notices served again before the case stops and waits for a person", "less"),
    ),
    "approvals": Term("R-12", "III.4", "停电的审批层级", "levels that approve a cut", "more"),
    "ticket_lead_hours": Term("R-15", "II.3", "工作票提前的小时数", "hours by which the ticket precedes the cut"),
    "final_notice_minutes": Term(
        "R-16", "II.4", "停电前再次通知的分钟数", "minutes before the cut of the last notification"
    ),
    "billing_check_minutes": Term("R-17", "II.6", "停电前查询欠费的分钟数", "minutes before the cut of the last check"),
    "cut_hours": Term("R-21", "II.2", "允许停电的时段", "hours of the day for a cut"),
    "no_cut_weekdays": Term("R-21", "II.2", "不停电的星期", "weekdays without a cut", "more"),
    "bar_holidays": Term("R-21", "II.2", "节假日不停电", "no cut on a holiday", "more"),
    "bar_eves": Term("R-21", "II.2", "节前一日不停电", "no cut on the eve of a holiday", "more"),
    "protected_seasons": Term("R-21", "II.2", "不停电的保护期", "seasons without a cut", "more"),
    "cut_window_hours": Term("R-18", "II.7", "停电时段的小时数", "hours of the window for the cut", "less"),
    "permit_minutes": Term("R-18", "II.7", "停电许可有效的分钟数", "minutes that a permit lasts", "less"),
    "restore_hours": Term("R-25", "III.3", "结清至复电的小时数", "hours from settlement to supply restored", "less"),
    "restore_warnings_hours": Term("R-25", "III.3", "复电预警的小时数", "hours after which warnings go up"),
    "late_fee_per_day": Term("R-01", "I.1", "违约金日费率", "late fee a day", "less"),
    "late_fee_blocks": Term(
        "R-24", "III.1", "违约金未交是否不复电", "whether an unpaid late fee holds up restoration", "less"
    ),
    "max_promise_days": Term("R-04", "I.3", "承诺交费的最长天数", "days that a promise may reach", "more"),
    "max_plan_days": Term("R-04", "I.3", "分期协议的最长天数", "days that a plan may reach", "more"),
    "restore_on_plan": Term("R-24", "III.1", "约定分期即复电", "whether a plan brings supply back", "more"),
    "default": Term("R-30", "II.0", "默认规则", "policy where no choice fits"),
    "choose": Term("R-30", "II.0", "按类别和区域选择规则", "choice of a policy by class and region"),
}
BELOW_THE_REGULATION = {"red_notice_days": 7}
"""What 用电客户停电催费管理办法 itself demands at least, where the law above it, the floor of a policy, asks less."""


def term_of(key: str) -> Term | None:
    """The term that a key, or a key within it, belongs to."""
    return TERMS.get(key.partition(".")[0])


class Difference(Contract):
    """One key on which two policies differ. `customer` says for whom: kinder to him, harder, or neither by itself."""

    key: str
    rule: str
    clause: str
    before: Any
    after: Any
    text_zh: str
    text_en: str
    customer: Literal["kinder", "harder", "neither"]


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Key by key, in the order of the policy, what the second has otherwise than the first; not name and version."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    apart = (key for key in old if key not in ("name", "version") and old[key] != new[key])
    return tuple(_difference(key, old[key], new[key]) for key in apart)


def _difference(key: str, before: Any, after: Any) -> Difference:
    term = TERMS[key]
    how: Literal["kinder", "harder", "neither"] = "neither"
    more = _more(key, before, after)
    if term.kinder != "open" and more is not None:
        how = "kinder" if more == (term.kinder == "more") else "harder"
    zh, en = _FOR_THE_CUSTOMER[how]
    return Difference(
        key=key,
        rule=term.rule,
        clause=term.clause,
        before=before,
        after=after,
        text_zh=f"{term.zh}（{zh}）" if zh else term.zh,
        text_en=f"{term.en}, {en}" if en else term.en,
        customer=how,
    )


_FOR_THE_CUSTOMER = {
    "kinder": ("对客户更宽", "kinder to the customer"),
    "harder": ("对客户更严", "harder on the customer"),
    "neither": ("", ""),
}


def _more(key: str, before: Any, after: Any) -> bool | None:
    """Whether the second has more of it than the first; None where neither has all that the other has."""
    if key == "late_fee_per_day":
        return _all_one_way([(Decimal(before[k]), Decimal(after[k])) for k in before])
    if key == "approvals":
        return _approvals_more(before, after)
    if isinstance(before, list):
        if all(x in after for x in before):
            return True
        return False if all(x in before for x in after) else None
    if TERMS[key].kinder == "open":
        return None
    return Decimal(after) > Decimal(before)


def _all_one_way(pairs: list[tuple[Any, Any]]) -> bool | None:
    if all(after >= before for before, after in pairs):
        return True
    return False if all(after <= before for before, after in pairs) else None


def _approvals_more(before: dict[str, Any], after: dict[str, Any]) -> bool | None:
    """Who approves is compared for each class at each amount at which either policy changes."""
    steps = sorted({Decimal(0), *(Decimal(s["amount"]) for p in (before, after) for s in p["from_amount"])})

    def roles(policy: dict[str, Any], kind: str, amount: Decimal) -> set[str]:
        """Who approves a cut of that kind of customer for that amount, by one policy (R-12)."""
        added = (r for s in policy["from_amount"] if amount >= Decimal(s["amount"]) for r in s["roles"])
        return {*policy[kind], *added}

    return _all_one_way(
        [(roles(before, k, a), roles(after, k, a)) for k in ("residential", "non_residential") for a in steps]
    )
