"""The conditions for a cut (P1), in one list for the permit, the `why_not_cut` query and the worklist."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from domain.case.due_times import attempt_times
from domain.case.entities import Notice
from domain.case.facts import CaseFacts
from domain.case.identity import same, same_meter
from domain.contract.answers import Condition
from domain.law import clock
from domain.vocabulary import Role


@dataclass(frozen=True)
class _Rule:
    condition: Condition
    met: Callable[[CaseFacts, datetime], bool]


def _rule(rule: str, clause: str, zh: str, en: str, met: Callable[[CaseFacts, datetime], bool]) -> _Rule:
    return _Rule(Condition(rule=rule, clause=clause, text_zh=zh, text_en=en), met)


def why_not_cut(facts: CaseFacts, now: datetime) -> tuple[Condition, ...]:
    """Every condition for a cut that is not met now. Empty: only billing's answer at the permit remains."""
    return tuple(_said(rule.condition, facts) for rule in _RULES if not rule.met(facts, now))


def _said(condition: Condition, facts: CaseFacts) -> Condition:
    """The condition with what bars the day, if it is barred: a weekday, a holiday, a season that protects (R-21)."""
    barred = why_the_day_is_barred(facts, facts.red) if condition.rule == "R-21" and facts.red else None
    if barred is None:
        return condition
    zh, en = f"{condition.text_zh}：{barred.zh}", f"{condition.text_en}: {barred.en}"
    return condition.model_copy(update={"text_zh": zh, "text_en": en})


def unmet_for_permit(
    facts: CaseFacts, now: datetime, ticket_id: str, meter_id: str, crew: str
) -> tuple[Condition, ...]:
    """What `why_not_cut` says, and what is wrong with this request: ticket, meter, another permit out."""
    unmet = list(why_not_cut(facts, now))
    ticket = facts.cut_ticket
    if ticket is None or ticket.ticket_id != ticket_id:
        unmet.append(WRONG_TICKET)
    elif not same_meter(facts, ticket.meter_id, meter_id):
        unmet.append(WRONG_METER)
    unanswered = (p for p in facts.permits if not p.answered and p.state != "redeemed")
    if facts.open_permit or any(not same(facts, p.holder, crew) for p in unanswered):
        unmet.append(PERMIT_OUT)
    return tuple(unmet)


WRONG_TICKET = Condition(
    rule="R-18", clause="II.7", text_zh="该工作票不是当前有效的停电工作票", text_en="this is not the ticket that stands"
)
WRONG_METER = Condition(
    rule="R-18", clause="II.7", text_zh="表号与工作票不符", text_en="the meter is not the one on the ticket"
)
PERMIT_OUT = Condition(
    rule="R-18", clause="II.7", text_zh="已有一张停电许可未了结", text_en="another permit is still open"
)
NO_ANSWER = Condition(
    rule="R-17", clause="II.6", text_zh="营销系统无应答，无法确认欠费", text_en="the billing system gives no answer"
)
ASK_AGAIN = Condition(
    rule="R-17",
    clause="II.6",
    text_zh="刚收到缴费或复核信息，须重新查询营销系统",
    text_en="a payment or a recheck has just arrived; billing must be asked again",
)


# ---- the tests --------------------------------------------------------------------------------


def _owes(facts: CaseFacts, _now: datetime) -> bool:
    return facts.red is not None and facts.owes(facts.red)


def _yellow_served(facts: CaseFacts, _now: datetime) -> bool:
    return facts.yellow is not None and facts.yellow.served


def _red_served(facts: CaseFacts, _now: datetime) -> bool:
    return facts.red is not None and facts.red.served


def _red_in_time(facts: CaseFacts, _now: datetime) -> bool:
    red = facts.red
    return (
        red is not None
        and red.delivered_at is not None
        and clock.red_notice_is_timely(red.delivered_at, red.cut_at, facts.terms(red))
    )


def _statutory_day(facts: CaseFacts, now: datetime) -> bool:
    """By the day the red notice states; before there is one, by today and everything overdue."""
    if facts.red is not None:
        return statutory_day_reached(facts, facts.red)
    oldest = oldest_due(facts, tuple(b.bill_id for b in facts.arrears))
    return oldest is None or clock.earliest_cut_day(oldest, facts.policy) <= clock.local_day(now, facts.policy)


def _approved(facts: CaseFacts, _now: datetime) -> bool:
    return facts.red is not None and not missing_approvals(facts)


def _filed(facts: CaseFacts, _now: datetime) -> bool:
    return not filing_missing(facts) if facts.red else not facts.account.important


def _acknowledged(facts: CaseFacts, _now: datetime) -> bool:
    return facts.cut_ticket is not None and facts.cut_ticket.state == "acknowledged"


def _notified_again(facts: CaseFacts, _now: datetime) -> bool:
    return facts.cut_ticket is not None and facts.cut_ticket.told_at is not None


def _checked(facts: CaseFacts, _now: datetime) -> bool:
    return facts.cut_ticket is not None and facts.cut_ticket.billing_answer == "owes"


def _record_read(facts: CaseFacts, _now: datetime) -> bool:
    """Until a record has been taken over there is none that a change could be missed of: a case from before."""
    red, read_at = facts.red, facts.record_read_at
    if facts.record_number is None:
        return True
    return red is not None and read_at is not None and read_at >= attempt_times(facts, red).final_notice


def _meter_of_the_record(facts: CaseFacts, _now: datetime) -> bool:
    ticket = facts.cut_ticket
    return facts.present_since is None or ticket is None or same_meter(facts, ticket.meter_id, facts.account.meter_id)


def _meter_certain(facts: CaseFacts, _now: datetime) -> bool:
    certain = facts.cut_ticket is None or facts.cut_ticket.meter_verdict in (None, "confirmed")
    return certain and facts.meter_doubted_at is None


def _inside_window(facts: CaseFacts, now: datetime) -> bool:
    red = facts.red
    return red is not None and red.cut_at <= now < attempt_times(facts, red).window_end


def _day_allowed(facts: CaseFacts, _now: datetime) -> bool:
    red = facts.red  # without one no day is stated yet, and R-11 bars the cut
    return red is None or why_the_day_is_barred(facts, red) is None


def _nothing_holds(facts: CaseFacts, _now: datetime) -> bool:
    return not facts.held and facts.withdrawn is None and facts.needs_person is None


def _supply_is_on(facts: CaseFacts, _now: datetime) -> bool:
    return not facts.cuts_off


_RULES: tuple[_Rule, ...] = (
    _rule("R-11", "II.8", "没有欠费的红色通知书在案", "no red notice stands whose bills still owe", _owes),
    _rule("R-06", "II.1", "黄色催费单尚未送达", "the yellow notice is not served", _yellow_served),
    _rule("R-08", "II.2", "红色中止供电通知书尚未送达", "the red notice is not served", _red_served),
    _rule(
        "R-07", "II.2", "红色通知书送达距停电不足七日", "the red notice was not delivered 7 × 24 h before", _red_in_time
    ),
    _rule(
        "R-03", "I.1", "最早一笔欠费逾期未满三十日", "the oldest bill is not more than 30 days overdue", _statutory_day
    ),
    _rule("R-12", "III.4", "尚未经各级批准", "not every level has approved", _approved),
    _rule("R-14", "III.5", "重要用户尚未报备", "the filing with the power authority is missing", _filed),
    _rule(
        "R-15", "II.3", "停电工作票尚未由供电单位确认", "the field unit has not acknowledged the ticket", _acknowledged
    ),
    _rule(
        "R-16",
        "II.4",
        "停电前30分钟内尚未再次通知客户",
        "the customer has not been told again in the last 30 minutes",
        _notified_again,
    ),
    _rule(
        "R-17",
        "II.6",
        "停电前半小时内尚未在营销系统确认欠费",
        "billing has not said in the last half-hour that it owes",
        _checked,
    ),
    _rule(
        "R-32",
        "II.6",
        "停电前半小时内尚未读取客户档案",
        "the customer's record has not been read in the last half-hour",
        _record_read,
    ),
    _rule(
        "R-32",
        "II.7",
        "工作票所列表号不是档案现列表号",
        "the meter on the ticket is not the one of the record",
        _meter_of_the_record,
    ),
    _rule("R-19", "II.7", "表计存疑，尚未核实", "the meter is doubted and not verified", _meter_certain),
    _rule("R-18", "II.7", "不在通知书写明的停电时段内", "it is not inside the stated window", _inside_window),
    _rule("R-21", "II.2", "该日不得停电", "the day does not allow a cut", _day_allowed),
    _rule("R-04", "I.3", "有暂缓、承诺、分期或撤销在先", "a hold, promise, plan or withdrawal stands", _nothing_holds),
    _rule("R-02", "II.0", "该户已处于停电状态", "supply is off already", _supply_is_on),
)


def why_the_day_is_barred(facts: CaseFacts, red: Notice) -> clock.Bar | None:
    """Why nobody may be cut off on the day that the red notice states, by any policy since it was issued (R-21)."""
    day, calendar = clock.local_day(red.cut_at, facts.policy), facts.protected_days()
    bars = (clock.bar(day, policy, calendar) for policy in facts.policies_since(red))
    return next((bar for bar in bars if bar), None)


def statutory_day_reached(facts: CaseFacts, red: Notice) -> bool:
    """Whether the stated time lies late enough after the due date of the oldest bill that still owes (R-03)."""
    oldest = oldest_due(facts, red.live_bills)
    day = clock.local_day(red.cut_at, facts.policy)
    return oldest is None or all(clock.earliest_cut_day(oldest, p) <= day for p in facts.policies_since(red))


def oldest_due(facts: CaseFacts, bills: tuple[str, ...]) -> date | None:
    """Due date of the oldest of these bills that still owes."""
    return min((b.due_date for b in facts.arrears if b.bill_id in bills), default=None)


def missing_approvals(facts: CaseFacts) -> tuple[Role, ...]:
    """Levels that have not approved the standing red notice (R-12)."""
    red = facts.red
    if red is None:
        return ()
    given = {a.role for a in facts.approvals if a.notice_id == red.notice_id and a.decision == "approved"}
    return tuple(r for r in facts.required_approvals(red) if r not in given)


def filing_missing(facts: CaseFacts) -> bool:
    """An important customer whose standing red notice has not been filed with the power authority (R-14)."""
    red = facts.red
    return red is not None and facts.important_since(red) and all(f.notice_id != red.notice_id for f in facts.filings)
