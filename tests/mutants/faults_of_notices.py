"""Faults before the ticket: statute, holds, notices and their service, approvals, filings (I, II.1, II.2, III.4)."""

from tests.mutants.fault import Fault

T_CLOCK = "tests/domain/law/test_clock.py"
T_CONDITIONS = "tests/domain/case/test_conditions.py"
T_WILLINGNESS = "tests/domain/case/test_willingness.py"
T_DEADLINES = "tests/domain/case/test_deadlines.py"
T_PROCEDURE = "tests/domain/case/test_procedure.py"
T_POLICY = "tests/domain/law/test_policy_file.py"
T_RULINGS = "tests/domain/case/test_rulings.py"
C_NOTICES = "tests/workflows/test_notices.py::"
C_SIGNATURES = "tests/workflows/test_refused_signatures.py::"
C_APPROVALS = "tests/workflows/test_approvals.py::"
C_HOLDS = "tests/workflows/test_holds_promises_plans.py::"

BEFORE_ANYTHING = (
    Fault(
        name="a bill is overdue on its due date",
        rule="R-01",
        file="adapters/billing/debt_answer.py",
        right="(b.due_date < today and",
        wrong="(b.due_date <= today and",
        tests=("tests/adapters/billing/test_billing.py",),
    ),
    Fault(
        name="30 days overdue are enough instead of 31",
        rule="R-03",
        file="domain/law/clock.py",
        right="policy.min_overdue_days + 1",
        wrong="policy.min_overdue_days",
        tests=(T_CLOCK,),
    ),
    Fault(
        name="the statutory day is not judged again at the ticket",
        rule="R-03",
        file="domain/case/deadlines.py",
        right="return None if statutory_day_reached(facts, red) else",
        wrong="return None if red else",
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="an open promise does not stop the procedure",
        rule="R-04",
        file="domain/case/facts.py",
        right='or (self.promise and self.promise.state == "open")',
        wrong="",
        tests=(T_PROCEDURE,),
    ),
    Fault(
        name="a promise is broken in the morning of its last day",
        rule="R-04",
        file="domain/law/clock.py",
        right="return end_of_day(until, policy)",
        wrong="return start_of_day(until, policy)",
        tests=(T_CLOCK,),
    ),
    Fault(
        name="the clock ends a dispute",
        rule="R-04",
        file="domain/case/due_times.py",
        right='if hold.kind != "dispute" and hold.until]',
        wrong="if hold.until]",
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="a hold after T - 24 h leaves the attempt alive",
        rule="R-04",
        file="domain/case/deadlines.py",
        right="if (facts.held or facts.withdrawn or facts.cuts_off) and now >= times.ticket:",
        wrong="if (facts.withdrawn or facts.cuts_off) and now >= times.ticket:",
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="a promise counts what had been paid before it",
        rule="R-04",
        file="domain/case/willingness.py",
        right="        for payment in agreed.payments:\n",
        wrong="        for payment in ():\n",
        tests=(T_WILLINGNESS,),
    ),
    Fault(
        name="a plan is kept by a payment for another bill",
        rule="R-04",
        file="domain/case/willingness.py",
        right="for payment in bill.payments if bill.bill_id in tracked else ():",
        wrong="for payment in bill.payments:",
        tests=(T_WILLINGNESS,),
    ),
    Fault(
        name="a plan is broken by an instalment that is paid",
        rule="R-04",
        file="domain/case/willingness.py",
        right="    if paid < due:\n",
        wrong="    if paid <= due:\n",
        tests=(T_RULINGS,),
    ),
)

SERVICE = (
    Fault(
        name="the yellow notice is skipped",
        rule="R-06",
        file="domain/case/procedure.py",
        right="    if not yellow.served:\n        return sleep(facts, now)\n",
        wrong="",
        tests=(T_PROCEDURE,),
    ),
    Fault(
        name="6 days instead of 7",
        rule="R-07",
        file="domain/law/clock.py",
        right="hours=-24 * policy.red_notice_days",
        wrong="hours=-24 * (policy.red_notice_days - 1)",
        tests=(T_CLOCK,),
    ),
    Fault(
        name="7 calendar days instead of 7 x 24 hours",
        rule="R-07",
        file="domain/law/clock.py",
        right="return _not_after(delivered_at, red_deliver_by(cut_at, policy))",
        wrong="return local_day(delivered_at, policy) <= local_day(red_deliver_by(cut_at, policy), policy)",
        tests=(T_CLOCK,),
    ),
    Fault(
        name="delivery exactly 7 x 24 hours before is late",
        rule="R-07",
        file="domain/law/clock.py",
        right="return _not_after(delivered_at, red_deliver_by(cut_at, policy))",
        wrong="return delivered_at < red_deliver_by(cut_at, policy)",
        tests=(T_CLOCK,),
    ),
    Fault(
        name="the 7 days run from issue instead of delivery, when delivery is recorded",
        rule="R-07",
        file="domain/case/rulings/notices.py",
        right="else clock.red_notice_is_timely(at, notice.cut_at, policy)",
        wrong="else clock.red_notice_is_timely(notice.issued_at, notice.cut_at, policy)",
        tests=(T_DEADLINES, f"{C_NOTICES}test_red_delivered_seven_full_days_before_counts_and_a_second_less_is_void"),
    ),
    Fault(
        name="the 7 days run from issue instead of delivery, at the permit",
        rule="R-07",
        file="domain/case/conditions.py",
        right="and clock.red_notice_is_timely(red.delivered_at, red.cut_at, facts.terms(red))",
        wrong="and clock.red_notice_is_timely(red.issued_at, red.cut_at, facts.terms(red))",
        tests=(T_CONDITIONS,),
    ),
    Fault(
        name="a red notice that was not delivered in time stays",
        rule="R-07",
        file="domain/case/deadlines.py",
        right="        if now > due_times.deliver_by(facts, notice):\n",
        wrong='        if now > due_times.deliver_by(facts, notice) and notice.kind == "yellow":\n',
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="a void notice is revived by a delivery",
        rule="R-07",
        file="domain/case/rulings/notices.py",
        right='    if notice.state == "void":\n        facts = facts.noted(',
        wrong='    if notice.state == "void" and notice.spent:\n        facts = facts.noted(',
        tests=(f"{C_NOTICES}test_issuing_is_not_delivering",),
    ),
    Fault(
        name="notices go void for ever and no person is asked",
        rule="R-07",
        file="domain/case/attempt.py",
        right="if voids > facts.policy.max_reissues:",
        wrong="if voids > facts.policy.max_reissues + 1:",
        tests=(T_DEADLINES, f"{C_NOTICES}test_after_the_first_and_three_more_voids_a_person_decides"),
    ),
    Fault(
        name="undeliverable counts as service",
        rule="R-08",
        file="domain/case/rulings/notices.py",
        right="return _undeliverable(facts, message, notice, at, now)",
        wrong='return _delivered(facts, message.model_copy(update={"outcome": "signed"}), notice, at, now)',
        tests=(f"{C_NOTICES}test_undeliverable_is_not_service",),
    ),
    Fault(
        name="a refusal counts without an acknowledgement",
        rule="R-09",
        file="domain/case/rulings/notices.py",
        right='if message.outcome == "signed":',
        wrong='if message.outcome in ("signed", "refused"):',
        tests=(f"{C_SIGNATURES}test_refusal_needs_its_full_record",),
    ),
    Fault(
        name="a refusal needs no detailed record",
        rule="R-09",
        file="domain/case/rulings/notices.py",
        right='if message.outcome == "refused" and (missing := (message.refusal or m.Refusal()).missing()):',
        wrong='if message.outcome == "refused" and (missing := () if message.refusal else ("place",)):',
        tests=(f"{C_SIGNATURES}test_refusal_needs_its_full_record",),
    ),
    Fault(
        name="silence about a refusal does not climb the ladder",
        rule="R-09",
        file="domain/case/deadlines.py",
        right="        if higher:\n",
        wrong="        if higher and now == e.raised_at:\n",
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="the station head's answer is not waited for",
        rule="R-10",
        file="domain/case/rulings/notices.py",
        right='if not on_ladder or (_station_head_answers(facts, notice) and "station_head" not in rungs):',
        wrong="if not on_ladder:",
        tests=(f"{C_SIGNATURES}test_station_head_is_notified_of_every_red_notice_and_acknowledges_a_refusal",),
    ),
)

APPROVAL = (
    Fault(
        name="a ticket without every approval",
        rule="R-12",
        file="domain/case/deadlines.py",
        right="if missing := missing_approvals(facts):",
        wrong="if (missing := missing_approvals(facts)) and not facts.approvals:",
        tests=(T_DEADLINES, f"{C_APPROVALS}test_missing_level_lets_the_time_slip_the_day_before"),
    ),
    Fault(
        name="a permit without every approval",
        rule="R-12",
        file="domain/case/conditions.py",
        right="return facts.red is not None and not missing_approvals(facts)",
        wrong="return facts.red is not None and bool(facts.approvals)",
        tests=(T_CONDITIONS,),
    ),
    Fault(
        name="the reader approves the cut for his own notice",
        rule="R-12",
        file="domain/case/rulings/approvals.py",
        right="    if among(facts, actor.id, served_by):",
        wrong='    if among(facts, actor.id, served_by) and actor.role == "reader":',
        tests=(f"{C_APPROVALS}test_who_served_a_notice_never_approves_the_cut",),
    ),
    Fault(
        name="one person fills two levels",
        rule="R-12",
        file="domain/case/rulings/approvals.py",
        right="if any(a.role != actor.role for a in mine):",
        wrong="if any(a.role == actor.role for a in facts.approvals if a.notice_id is None):",
        tests=(f"{C_APPROVALS}test_one_person_fills_one_level_only",),
    ),
    Fault(
        name="an approval for an earlier notice is good for the next",
        rule="R-13",
        file="domain/case/conditions.py",
        right='if a.notice_id == red.notice_id and a.decision == "approved"}',
        wrong='if a.decision == "approved"}',
        tests=(T_DEADLINES, f"{C_APPROVALS}test_approval_is_for_one_notice_and_asked_for_once_it_is_served"),
    ),
    Fault(
        name="the threshold is exclusive instead of inclusive",
        rule="R-13",
        file="domain/law/policy.py",
        right="if principal >= step.amount",
        wrong="if principal > step.amount",
        tests=(T_POLICY,),
    ),
    Fault(
        name="the late fee is added to the principal of the threshold",
        rule="R-13",
        file="domain/case/issuing.py",
        right="amount=money(facts.outstanding(named)),",
        wrong="amount=money(facts.outstanding(named)) + facts.late_fee(now, named),",
        tests=(T_PROCEDURE, f"{C_APPROVALS}test_every_level_that_class_and_amount_name_must_approve"),
    ),
    Fault(
        name="after a rejection a new red notice goes out by itself",
        rule="R-13",
        file="domain/case/rulings/approvals.py",
        right="return facts.but(needs_person=reason), ApprovalRecorded(granted=False, still_needed=())",
        wrong="return facts, ApprovalRecorded(granted=False, still_needed=())",
        tests=(f"{C_APPROVALS}test_rejection_ends_the_attempt_until_somebody_has_it_served_again",),
    ),
    Fault(
        name="an important customer without a filing",
        rule="R-14",
        file="domain/case/conditions.py",
        right="return red is not None and facts.important_since(red) and",
        wrong="return red is None and facts.important_since(red) and",
        tests=(T_CONDITIONS,),
    ),
    Fault(
        name="a filing for an earlier notice is good for the next",
        rule="R-14",
        file="domain/case/conditions.py",
        right="all(f.notice_id != red.notice_id for f in facts.filings)",
        wrong="not facts.filings",
        tests=(
            T_CONDITIONS,
            T_DEADLINES,
            f"{C_APPROVALS}test_important_customer_is_filed_with_the_power_authority_before_the_ticket",
        ),
    ),
)

FAULTS = BEFORE_ANYTHING + SERVICE + APPROVAL
