"""A case read against the regulation, clause by clause: met, not reached, breached; when, by whom, on what evidence."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from domain.law.policy import Policy
from domain.proof import announced, changed_record, dunning, meters, nothing_owed, supply
from domain.proof.reading import Check, Checks, Reading, check, in_the_order_of_the_case
from domain.record.case_file import CaseFile
from domain.vocabulary import Contract, Id, Moment


class ProofLine(Contract):
    """One rule's verdict. `at` and `by` are those of the deciding evidence; `evidence` holds keys."""

    rule: Id
    clause: Id
    title_zh: str
    title_en: str
    verdict: Literal["met", "not_reached", "breached"]
    at: Moment | None = None
    by: str | None = None
    evidence: tuple[str, ...] = ()


def prove(file: CaseFile, policy: Policy) -> tuple[ProofLine, ...]:
    """Judge one case by its evidence and rows alone; it compares times, and trusts no flag.

    `policy` gives the numbers; where its label is not the case's own, the case may rightly have had others. Of what was
    done before R-31 to R-35 counted for this case, they judge nothing.
    """
    reading = Reading(in_the_order_of_the_case(file), policy)
    return tuple(_line(rule, tuple(rule.judge(reading))) for rule in RULES)


@dataclass(frozen=True)
class Rule:
    """A rule of the procedure with the clause it comes from and the function that judges it."""

    rule: str
    clause: str
    title_zh: str
    title_en: str
    judge: Callable[[Reading], Iterable[Check]]


def _line(rule: Rule, checks: tuple[Check, ...]) -> ProofLine:
    broken = tuple(c for c in checks if not c.kept)
    shown = broken or checks
    entries = {e.key: e for c in shown for e in c.evidence}
    decisive = shown[0 if broken else -1].evidence if shown else ()
    last = decisive[-1] if decisive else None
    return ProofLine(
        rule=rule.rule,
        clause=rule.clause,
        title_zh=rule.title_zh,
        title_en=rule.title_en,
        verdict="breached" if broken else "met" if checks else "not_reached",
        at=last.at if last else None,
        by=f"{last.actor_role} {last.actor_id}" if last and last.actor_id else None,
        evidence=tuple(entries),
    )


def _complete_before_any_cut(r: Reading) -> Checks:
    """P1: for every cut under a permit of ours, each condition was fulfilled."""
    for cut in r.cuts:
        missing = cut.permit is None or cut.ticket is None or cut.red is None
        broken = [c for judge in _CONDITIONS for c in judge(r) if not c.kept]
        yield check(not missing and not broken, *(e for c in broken for e in c.evidence), cut.permit, cut.report)


_CONDITIONS: tuple[Callable[[Reading], Iterable[Check]], ...] = (
    dunning.statute_first,
    dunning.willingness_stops_the_procedure,
    dunning.two_notices_delivered,
    dunning.red_seven_days_before,
    dunning.delivery_has_one_end,
    dunning.approved_at_every_level,
    dunning.important_customers_are_filed,
    dunning.ticket_the_day_before,
    dunning.notified_again_in_the_last_half_hour,
    dunning.billing_asked_twice,
    changed_record.read_in_the_last_half_hour,
    changed_record.notices_and_meter_are_of_the_record,
    nothing_owed.more_than_a_trifle,
    supply.only_under_a_live_permit,
    supply.a_doubted_meter_is_verified,
    meters.our_meter_is_certain,
    supply.protected_hours,
)

RULES: tuple[Rule, ...] = (
    Rule(
        "R-01",
        "II.0",
        "只就逾期且已产生滞纳金的电费发通知",
        "Notices name overdue bills only",
        dunning.only_overdue_bills,
    ),
    Rule("R-02", "II.0", "未走完程序不得停电", "No cut outside a complete case", dunning.supply_is_continuous),
    Rule("R-03", "I.1", "逾期超过三十日方可停电", "More than 30 days overdue before a cut", dunning.statute_first),
    Rule(
        "R-04",
        "I.3",
        "客户有交费表现或暂缓时停止催停",
        "Holds, promises and plans stop the march",
        dunning.willingness_is_kept_to,
    ),
    Rule(
        "R-05",
        "II.1",
        "黄色催费单要件齐全并按时送达",
        "The yellow notice is complete and in time",
        dunning.yellow_is_complete_and_timely,
    ),
    Rule(
        "R-06",
        "II.0",
        "黄色、红色两次通知均已送达",
        "Two notices delivered, yellow then red",
        dunning.two_notices_delivered,
    ),
    Rule(
        "R-07",
        "II.2",
        "红色通知书于停电前七日送达",
        "The red notice delivered 7 × 24 h before",
        dunning.red_seven_days_before,
    ),
    Rule("R-08", "II.2", "送达以签收或拒签为准", "Delivery ends in signed or refused", dunning.delivery_has_one_end),
    Rule(
        "R-09",
        "II.2",
        "拒签详细记录并逐级上报",
        "A refusal is recorded and goes up",
        dunning.refusal_is_recorded_and_reported,
    ),
    Rule("R-10", "II.2", "非居民用户通知营业站站长", "The station head is told", dunning.station_head_is_notified),
    Rule("R-11", "II.8", "交清电费不停电", "Paid means no cut", dunning.paid_means_no_cut),
    Rule("R-12", "III.4", "经各级批准", "Approved at every level, four eyes", dunning.approved_at_every_level),
    Rule(
        "R-13",
        "III.4",
        "审批针对已送达的该份通知书",
        "Approval is for one served notice",
        dunning.approval_is_for_one_served_notice,
    ),
    Rule(
        "R-14",
        "III.5",
        "重要用户报备、依靠政府协调",
        "Important customers are filed",
        dunning.important_customers_are_filed,
    ),
    Rule(
        "R-15",
        "II.3",
        "停电前一日传递工作票并经确认",
        "The ticket the day before, acknowledged",
        dunning.ticket_the_day_before,
    ),
    Rule(
        "R-16",
        "II.4",
        "停电前30分钟再次通知客户",
        "Told again in the last half-hour",
        dunning.notified_again_in_the_last_half_hour,
    ),
    Rule(
        "R-17",
        "II.6",
        "停电前半小时内查询确认仍欠费",
        "Billing asked twice in the last half-hour",
        dunning.billing_asked_twice,
    ),
    Rule(
        "R-18",
        "II.7",
        "凭有效许可由供电单位现场停电",
        "Only the crew, under a live permit",
        supply.only_under_a_live_permit,
    ),
    Rule("R-19", "II.7", "表计存疑须现场核实", "A doubted meter is verified", supply.a_doubted_meter_is_verified),
    Rule("R-20", "II.2", "错过时间须重新通知", "A stale notice leads nowhere", supply.a_stale_notice_leads_nowhere),
    Rule("R-21", "II.2", "只在允许的日期和时段停电", "Inside the allowed days and hours", supply.protected_hours),
    Rule("R-22", "III.1", "复电诉求有答复", "A request for supply is answered", supply.a_request_is_answered),
    Rule("R-23", "III.2", "停电期间关注缴费", "Payments are watched", supply.payments_are_watched),
    Rule(
        "R-24",
        "III.1",
        "结清即起复电工作票且不撤回",
        "The restoration ticket, never recalled",
        supply.restoration_ticket,
    ),
    Rule("R-25", "III.3", "24小时内恢复送电", "Restored within 24 hours", supply.restored_within_a_day),
    Rule(
        "R-26",
        "III.3",
        "特殊情况须说明并于第二天送电",
        "An exception is declared, and ends next day",
        supply.exception_is_declared,
    ),
    Rule("R-27", "III.4", "不得私自停电", "No unauthorised cut", supply.no_unauthorised_cut),
    Rule("R-28", "III.4", "事件须有处理结论", "Incidents have outcomes", supply.incidents_have_outcomes),
    Rule("R-29", "III.5", "定期向政府汇报", "Reported to the government", supply.reported_to_the_government),
    Rule("R-30", "II.0–III.4", "每一步留有证据", "Every step leaves evidence", supply.every_step_leaves_evidence),
    Rule(
        "R-31",
        "II.6",
        "已报缴费未入账前无停电许可",
        "An announced payment stops the permit",
        announced.announced_payments_stop_permits,
    ),
    Rule(
        "R-32",
        "II.7",
        "按现有客户档案办理",
        "The customer's record as it is now",
        changed_record.present_record_counts,
    ),
    Rule(
        "R-33",
        "III.4",
        "写法不同不误认，复电以持票单位回报为准",
        "Ids in any spelling; restored on its holder's word",
        meters.whose_word_counts_in_any_spelling,
    ),
    Rule(
        "R-34",
        "III.4",
        "他户表计被停电须复电并核实本户表计",
        "Another's meter is restored, and ours verified",
        meters.anothers_meter_is_restored_and_doubts_ours,
    ),
    Rule("R-35", "II.0", "不为零星尾欠停电", "Nobody is cut off for a trifle", nothing_owed.more_than_a_trifle),
    Rule("P1", "II.0", "停电必备全部条件", "A cut has every condition", _complete_before_any_cut),
    Rule("P2", "II.8", "已知结清后不停电", "Nothing is cut once settled", supply.nothing_cut_once_settled),
    Rule(
        "P3",
        "III.3",
        "结清后按时复电或记录违约",
        "Light in time, or a breach on record",
        supply.restored_or_a_recorded_breach,
    ),
)
