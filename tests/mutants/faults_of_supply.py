"""Faults after the switch, and in the record: restoration, discipline, duplicates, evidence (III, II.0)."""

from tests.mutants.fault import Fault
from tests.mutants.faults_of_notices import T_DEADLINES, T_PROCEDURE

T_SETTLEMENT = "tests/domain/case/test_settlement.py"
T_CHAIN = "tests/adapters/register/test_chain.py"
C_RESTORATION = "tests/workflows/test_restoration.py::"
C_DISCIPLINE = "tests/workflows/test_discipline.py::"
C_LATE = "tests/workflows/test_late_reports.py::"
C_DUPLICATES = "tests/workflows/test_duplicates.py::"
C_OPENING = "tests/workflows/test_opening.py::"
C_SWEEP = "tests/workflows/test_daily_sweep.py::"

RESTORING = (
    Fault(
        name="the hotline gets a ticket although the bills still owe",
        rule="R-22",
        file="domain/case/rulings/restoring.py",
        right="if cut is None or cut.restore_since is not None:",
        wrong="if cut is None or cut.restore_since is not None or cut.lawful:",
        tests=(
            "tests/domain/case/test_restoration_requests.py",
            f"{C_RESTORATION}test_the_hotline_hears_what_is_owed_and_later_gets_a_ticket",
        ),
    ),
    Fault(
        name="the sweep passes over a changed debt",
        rule="R-23",
        file="activities/sweep.py",
        right="if _mark(debts[c.account_id]) != c.debt_mark]",
        wrong="if _mark(debts[c.account_id]) != c.debt_mark and not c.supply_off]",
        tests=(f"{C_SWEEP}test_a_payment_that_nobody_reported_restores_supply_and_nobody_else_is_disturbed",),
    ),
    Fault(
        name="the sweep leaves who is cut off to a book that does not know him",
        rule="R-23",
        file="activities/sweep.py",
        right="asked = [*changed, *(c for c in unknown if c.supply_off)]",
        wrong="asked = changed",
        tests=(f"{C_SWEEP}test_accounts_that_billing_does_not_know_are_not_taken_for_settled",),
    ),
    Fault(
        name="an account that billing does not know owes nothing",
        rule="R-17",
        file="activities/billing.py",
        right="        (debt,) = self.billing.debts((query,))\n",
        wrong="        (debt,) = self.billing.debts((query,))\n"
        "        debt = debt or AccountDebt(account_id=query.account_id, as_of=query.as_of)\n",
        tests=("tests/workflows/test_unknown_account.py::test_a_wrong_book_settles_nothing_and_the_right_one_goes_on",),
    ),
    Fault(
        name="restoration waits for the late fee",
        rule="R-24",
        file="domain/case/settlement.py",
        right="    if not policy.late_fee_blocks:\n        return ()\n",
        wrong="",
        tests=(T_DEADLINES, f"{C_RESTORATION}test_the_late_fee_does_not_hold_up_supply"),
    ),
    Fault(
        name="a bill corrected while cut off was settled when it was paid in part",
        rule="R-25",
        file="domain/case/settlement.py",
        right="    if not new or sum(",
        wrong="    if sum(",
        tests=(T_SETTLEMENT,),
    ),
    Fault(
        name="money moved between bills is the settlement",
        rule="R-25",
        file="domain/case/settlement.py",
        right="if p.payment_id not in moved]",
        wrong="]",
        tests=(T_SETTLEMENT,),
    ),
    Fault(
        name="the 24 hours run from before the cut",
        rule="R-25",
        file="domain/case/restoration.py",
        right="return now if facts.present_since and settled_at <= cut.at else settled_at",
        wrong="return settled_at",
        tests=(T_SETTLEMENT,),
    ),
    Fault(
        name="the late fee waits behind a bill not yet due",
        rule="R-24",
        file="domain/case/settlement.py",
        right="return [*on_others, *on_none,",
        wrong="return [*on_none,",
        tests=(T_SETTLEMENT,),
    ),
    Fault(
        name="who is cut off for a trifle stays so",
        rule="R-35",
        file="domain/case/facts.py",
        right="return policy.may_stay_unpaid if self.present_since else policy.tolerance",
        wrong="return policy.tolerance",
        tests=(T_SETTLEMENT,),
    ),
    Fault(
        name="restoration waits for every bill, noticed or not",
        rule="R-24",
        file="domain/case/rulings/cutting.py",
        right="bills = (notice.live_bills or notice.bills) if notice else ()",
        wrong="bills = tuple(b.bill_id for b in facts.arrears)",
        tests=(f"{C_RESTORATION}test_a_bill_that_joined_before_the_cut_does_not_hold_up_supply_either",),
    ),
    Fault(
        name="a hold keeps supply off",
        rule="R-24",
        file="domain/case/procedure.py",
        right="    if cut := restoration_without_ticket(facts):\n",
        wrong="    if (cut := restoration_without_ticket(facts)) and not facts.held:\n",
        tests=(T_PROCEDURE, f"{C_RESTORATION}test_a_hold_after_the_cut_does_not_stop_the_restoration"),
    ),
    Fault(
        name="a restoration ticket waits for an answer of billing",
        rule="R-24",
        file="domain/case/procedure.py",
        right="    if cut := restoration_without_ticket(facts):\n",
        wrong="    if (cut := restoration_without_ticket(facts)) and not facts.debt_is_stale:\n",
        tests=(T_PROCEDURE,),
    ),
    Fault(
        name="a reversal recalls the restoration ticket",
        rule="R-24",
        file="domain/case/rulings/signals.py",
        right="    facts = facts.but(heard=_without(facts.heard, message)",
        wrong=(
            "    for ticket in facts.tickets:\n"
            '        if ticket.kind == "restore" and ticket.live:\n'
            '            facts = facts.with_ticket(ticket.ticket_id, state="recalled")\n'
            "    facts = facts.but(heard=_without(facts.heard, message)"
        ),
        tests=(f"{C_RESTORATION}test_a_reversal_does_not_recall_the_restoration_ticket",),
    ),
    Fault(
        name="billing is not asked again for a payment that it does not show yet",
        rule="R-22",
        file="domain/case/announced_payments.py",
        right="[latest + wait for wait in ASKED_AGAIN_AFTER]",
        wrong="[latest + wait for wait in ASKED_AGAIN_AFTER[-1:]]",
        tests=(
            "tests/workflows/test_announced_payments.py::test_supply_is_restored_as_soon_as_billing_shows_what_was_announced",
        ),
    ),
    Fault(
        name="the hour in which an announced payment is believed runs from the announcement",
        rule="P2",
        file="domain/case/announced_payments.py",
        right="return payment.missed_at or payment.at",
        wrong="return payment.at",
        tests=("tests/domain/case/test_announced_payments.py",),
    ),
    Fault(
        name="a payment on its way is not waited for once something else was paid",
        rule="P2",
        file="domain/case/announced_payments.py",
        right="if debt.owed <= facts.may_stay_unpaid(facts.policy):",
        wrong="if debt.owed <= facts.may_stay_unpaid(facts.policy) or debt.paid_total > facts.debt.paid_total:",
        tests=("tests/domain/case/test_announced_payments.py",),
    ),
    Fault(
        name="an announced payment is waited for only until supply is off",
        rule="R-22",
        file="domain/case/announced_payments.py",
        right="return facts.cut_ticket is not None or bool(facts.cuts_off)",
        wrong="return facts.cut_ticket is not None",
        tests=(
            "tests/workflows/test_announced_payments.py::test_supply_is_restored_as_soon_as_billing_shows_what_was_announced",
        ),
    ),
    Fault(
        name="a former unit's restoration counts whenever it was",
        rule="R-25",
        file="domain/case/rulings/restoring.py",
        right="if at <= p.until}",
        wrong="if p.until}",
        tests=(f"{C_RESTORATION}test_the_crew_that_had_the_ticket_when_it_restored_is_believed",),
    ),
    Fault(
        name="a fault in printing keeps the restoration ticket",
        rule="R-22",
        file="activities/tickets.py",
        right='if order.ticket.kind == "restore":',
        wrong='if order.ticket.kind == "cut":',
        tests=("tests/workflows/test_papers.py::test_restoration_does_not_wait_for_an_installation_at_fault",),
    ),
    Fault(
        name="a plan hides the settlement that came before it",
        rule="R-25",
        file="domain/case/restoration.py",
        right="if cut.by_plan else None",
        wrong="if not cut.by_plan else None",
        tests=(f"{C_RESTORATION}test_a_settlement_older_than_the_plan_counts_when_billing_reports_it",),
    ),
    Fault(
        name="a permit while an announced payment is on its way",
        rule="R-17",
        file="domain/case/rulings/cutting.py",
        right="(facts.debt_is_stale or copies_wait(facts) or would_settle(facts))",
        wrong="(facts.debt_is_stale or copies_wait(facts))",
        tests=(
            "tests/workflows/test_announced_payments.py::test_no_permit_while_a_payment_is_on_its_way_and_one_when_it_never_came",
        ),
    ),
    Fault(
        name="the crew's report of the restoration is lost when its ticket passes on",
        rule="R-25",
        file="domain/case/rulings/restoring.py",
        right="{facts.account.field_unit, *former, *(ticket",
        wrong="{facts.account.field_unit, *(ticket",
        tests=(f"{C_RESTORATION}test_the_crew_that_had_the_ticket_when_it_restored_is_believed",),
    ),
    Fault(
        name="the restoration ticket waits for its paper",
        rule="R-24",
        file="activities/tickets.py",
        right='if order.ticket.kind == "restore":',
        wrong='if order.ticket.kind == "both":',
        tests=("tests/workflows/test_papers.py::test_restoration_does_not_wait_for_a_printer",),
    ),
    Fault(
        name="the 24 hours run from the detection of the payment",
        rule="R-25",
        file="domain/case/restoration.py",
        right="cut.cut_id, _runs_from(facts, cut, at, now))",
        wrong="cut.cut_id, now)",
        tests=(T_DEADLINES, f"{C_RESTORATION}test_the_day_runs_from_the_payment_and_not_from_its_detection"),
    ),
    Fault(
        name="no warning at 20 hours",
        rule="R-25",
        file="domain/case/restoration.py",
        right="for i, at in warnings:",
        wrong="for i, at in warnings[: 1 - cut.warned]:",
        tests=(T_DEADLINES, f"{C_RESTORATION}test_warnings_at_twelve_and_twenty_hours_and_the_breach_at_the_end"),
    ),
    Fault(
        name="nobody wakes when the 24 hours end",
        rule="R-26",
        file="domain/case/due_times.py",
        right='        found.append((due_by, "III.3 light again by now"))\n',
        wrong="",
        tests=("tests/domain/case/test_due_times.py",),
    ),
    Fault(
        name="a breach passes in silence",
        rule="R-26",
        file="domain/case/restoration.py",
        right="        if due_by <= now:\n",
        wrong="        if due_by <= now and cut.delay_declared:\n",
        tests=(T_DEADLINES,),
    ),
    Fault(
        name="a delay is accepted after the 24 hours",
        rule="R-26",
        file="domain/case/rulings/restoring.py",
        right="if c.restore_since and now < clock.restore_due(c.restore_since, facts.terms(c))]",
        wrong="if c.restore_since]",
        tests=(f"{C_RESTORATION}test_a_delay_is_declared_in_time_and_by_a_leader",),
    ),
    Fault(
        name="a declared delay lasts a day too long",
        rule="R-26",
        file="domain/law/clock.py",
        right="return end_of_day(local_day(settled_at, policy) + _A_DAY, policy)",
        wrong="return end_of_day(local_day(settled_at, policy) + 2 * _A_DAY, policy)",
        tests=("tests/domain/law/test_clock.py",),
    ),
    Fault(
        name="a withdrawal after the cut leaves the customer cut off",
        rule="R-25",
        file="domain/case/restoration.py",
        right="facts = restoration_due(facts, cut.cut_id, facts.withdrawn.at)",
        wrong="pass",
        tests=(T_DEADLINES, f"{C_RESTORATION}test_withdrawn_after_the_cut_is_restored_first"),
    ),
    Fault(
        name="cut after the payment, and no incident",
        rule="P2",
        file="domain/case/restoration.py",
        right="    if at > cut.at:\n",
        wrong="    if at > cut.at or not cut.breached:\n",
        tests=(T_DEADLINES, f"{C_LATE}test_cut_at_two_paid_at_one_is_restored_at_once_with_an_incident"),
    ),
)

DISCIPLINE = (
    Fault(
        name="an unauthorised cut is not restored at once",
        rule="R-27",
        file="domain/case/unauthorised_cut.py",
        right="return restoration_due(facts, cut_id, now), next(",
        wrong="return facts, next(",
        tests=(
            T_DEADLINES,
            f"{C_DISCIPLINE}test_supply_found_cut_during_the_procedure_is_restored_and_the_procedure_goes_on",
        ),
    ),
    Fault(
        name="a cut after the revocation counts as lawful",
        rule="R-27",
        file="domain/case/entities.py",
        right="return self.given_at <= moment < (self.ended_at or self.valid_until)",
        wrong="return self.given_at <= moment < self.valid_until",
        tests=(f"{C_DISCIPLINE}test_cut_after_the_revocation",),
    ),
    Fault(
        name="anybody's cut under the crew's permit is lawful",
        rule="R-27",
        file="domain/case/rulings/cutting.py",
        right='    return message.actor.role == "field_crew" and (unit is None or among(facts, unit, units))\n',
        wrong="    return unit is None or among(facts, unit, units) or permit is not None\n",
        tests=(f"{C_DISCIPLINE}test_a_reader_cutting_under_the_crews_permit_makes_nothing_lawful",),
    ),
    Fault(
        name="leaders are not notified of an incident",
        rule="R-27",
        file="domain/case/incidents.py",
        right='leaders: tuple[Role, ...] = ("centre_director", "company_leader")',
        wrong="leaders: tuple[Role, ...] = ()",
        tests=(T_DEADLINES, f"{C_DISCIPLINE}test_supply_found_cut_of_an_account_without_a_case"),
    ),
    Fault(
        name="a case closes over an incident without an outcome",
        rule="R-28",
        file="domain/case/procedure.py",
        right="    return answered and all(i.outcome is not None for i in facts.incidents)\n",
        wrong="    return answered\n",
        tests=(T_PROCEDURE,),
    ),
    Fault(
        name="a case closes before the crew has answered for its permit",
        rule="R-18",
        file="domain/case/procedure.py",
        right="    answered = not unanswered_permits(facts) and not facts.to_restore\n",
        wrong="    answered = not facts.to_restore\n",
        tests=(T_PROCEDURE,),
    ),
)

RECORD = (
    Fault(
        name="a payment reported twice counts twice",
        rule="R-11",
        file="domain/case/rulings/signals.py",
        right='key = f"payment:{message.payment_id}"',
        wrong='key = f"payment:{message.payment_id}:{now.isoformat()}"',
        tests=(f"{C_DUPLICATES}test_every_signal_repeated_leaves_one_row_and_one_effect",),
    ),
    Fault(
        name="a business key without the run id",
        rule="R-30",
        file="workflows/arrears_case.py",
        right="case_key=info.first_execution_run_id,",
        wrong="case_key=info.workflow_id,",
        tests=(f"{C_OPENING}test_closed_case_is_followed_by_another_with_notices_of_its_own",),
    ),
    Fault(
        name="evidence is not hashed over the entry before it",
        rule="R-30",
        file="adapters/register/chain.py",
        right='if name != "hash"',
        wrong='if name not in ("hash", "prev_hash")',
        tests=(T_CHAIN,),
    ),
    Fault(
        name="a refusal of role leaves no evidence",
        rule="R-30",
        file="workflows/case_messages.py",
        right="        if refusal.type in RECORDED:\n",
        wrong='        if refusal.type in RECORDED and name == "request_permit":\n',
        tests=("tests/workflows/test_refusals.py::test_every_act_by_everybody_who_may_not_is_refused_and_recorded",),
    ),
    Fault(
        name="acts on another unit's account are taken",
        rule="R-12",
        file="domain/case/checks.py",
        right="ours is not None and not among(facts, actor.unit, {ours, *also_of}):",
        wrong='ours and actor.role != "field_crew" and not among(facts, actor.unit, {ours, *also_of}):',
        tests=("tests/workflows/test_refusals.py::test_every_act_by_everybody_who_may_not_is_refused_and_recorded",),
    ),
)

FAULTS = RESTORING + DISCIPLINE + RECORD
