"""Deliberate faults about what changes under a case, is typed otherwise, or was cut next door (R-32 to R-35)."""

from tests.mutants.fault import Fault

CHANGED = "tests/workflows/test_changed_records.py"
READ = "tests/workflows/test_record_read.py"
UNREADABLE = "tests/workflows/test_record_unreadable.py"
SPELLED = "tests/workflows/test_spellings.py"
NEXT_DOOR = "tests/workflows/test_neighbours.py"
TRIFLES = "tests/workflows/test_trifles.py"

FAULTS = (
    Fault(
        name="the record is not read with the debt",
        rule="R-32",
        file="workflows/billing_desk.py",
        right="RecordAsked(number=facts.record_number, account=facts.record or facts.account, needed=needed)",
        wrong="None",
        tests=(f"{READ}::test_at_t_minus_30_min_the_new_phone_is_notified_and_not_the_old_one",),
    ),
    Fault(
        name="a record that was read is not taken over",
        rule="R-32",
        file="workflows/billing_desk.py",
        right="        return take_record(facts, read, workflow.now())\n",
        wrong="        return facts\n",
        tests=(f"{CHANGED}::test_another_holder_gets_his_own_notices",),
    ),
    Fault(
        name="an answer without the record is an answer",
        rule="R-32",
        file="workflows/billing_desk.py",
        right="    return record is not None or asked.record is None or not asked.record.needed\n",
        wrong="    return True\n",
        tests=(f"{UNREADABLE}::test_at_t_minus_30_min_the_time_slips_at_once",),
    ),
    Fault(
        name="attempts that changes ended are not counted",
        rule="R-32",
        file="domain/case/attempt.py",
        right="    ended = facts.records.attempts_ended + 1\n",
        wrong="    ended = facts.records.attempts_ended\n",
        tests=(f"{CHANGED}::test_two_exports_that_alternate_end_with_a_person",),
    ),
    Fault(
        name="what was served on the former holder serves the next one",
        rule="R-32",
        file="domain/case/record_changes.py",
        right='        ("holder_changed", "name" in changed, _always),\n',
        wrong="",
        tests=(f"{CHANGED}::test_another_holder_gets_his_own_notices",),
    ),
    Fault(
        name="another spelling counts as a change",
        rule="R-32",
        file="domain/same_words.py",
        right="    return one == other or bare_words(one) == bare_words(other)\n",
        wrong="    return one == other\n",
        tests=(f"{CHANGED}::test_a_record_typed_otherwise_is_no_change",),
    ),
    Fault(
        name="an approval for the former meter counts for the next",
        rule="R-32",
        file="domain/case/record_changes.py",
        right='        ("meter_changed", "meter_id" in changed, _approved_or_out),\n',
        wrong="",
        tests=(f"{CHANGED}::test_a_meter_replaced_after_the_approval_needs_another",),
    ),
    Fault(
        name="a meter replaced while supply is off is another customer's",
        rule="R-32",
        file="domain/case/record_changes.py",
        right="(*records.meters, FormerMeter(meter_id=former.meter_id, until=now))",
        wrong="records.meters",
        tests=(f"{CHANGED}::test_a_meter_replaced_while_supply_is_off_is_still_our_cut",),
    ),
    Fault(
        name="a new holder pays for the former one's debt",
        rule="R-32",
        file="domain/case/new_holder.py",
        right="        if cut.restore_since is not None or cut.at > since:\n",
        wrong="        if cut.at:\n",
        tests=(f"{CHANGED}::test_a_new_holder_without_supply_is_restored_unpaid",),
    ),
    Fault(
        name="the class of the moment alone decides who approves",
        rule="R-32",
        file="domain/case/demands_of_class.py",
        right="        classes = tuple(dict.fromkeys((*red.former_classes, former.customer_class)))\n",
        wrong="        classes = red.former_classes\n",
        tests=("tests/domain/case/test_record_changes.py",),
    ),
    Fault(
        name="a ticket stays with the former unit",
        rule="R-32",
        file="domain/case/record_changes.py",
        right='        ("another_unit", "field_unit" in changed, _ticket_lies_elsewhere),\n',
        wrong="",
        tests=(f"{CHANGED}::test_a_ticket_with_the_former_unit_is_recalled",),
    ),
    Fault(
        name="ids are compared letter by letter",
        rule="R-33",
        file="domain/ids.py",
        right="    return one == other or id_key(one) == id_key(other)\n",
        wrong="    return one == other\n",
        tests=(f"{SPELLED}::test_the_crews_own_lawful_cut_is_lawful_however_the_meter_is_typed",),
    ),
    Fault(
        name="an id of nothing but dashes is any other such id",
        rule="R-33",
        file="domain/ids.py",
        right="        return ident.lower().translate(_IN_ASCII) or ident\n",
        wrong="        return ident.lower().translate(_IN_ASCII)\n",
        tests=("tests/domain/test_ids.py",),
    ),
    Fault(
        name="a meter with a twin is compared as any other",
        rule="R-33",
        file="domain/case/identity.py",
        right="    return one == other if facts.account.meter_has_twin else same(facts, one, other)\n",
        wrong="    return same(facts, one, other)\n",
        tests=(f"{SPELLED}::test_a_meter_with_a_twin_is_compared_exactly",),
    ),
    Fault(
        name="a neighbour's cut is a cut of this case",
        rule="R-34",
        file="domain/case/facts.py",
        right="if c.off and not c.neighbour",
        wrong="if c.off",
        tests=(f"{NEXT_DOOR}::test_found_and_restored_during_our_lawful_cut_the_case_is_disconnected_again",),
    ),
    Fault(
        name="a permit is given although a neighbour's meter was cut",
        rule="R-34",
        file="domain/case/conditions.py",
        right="    return certain and facts.meter_doubted_at is None\n",
        wrong="    return certain\n",
        tests=(f"{NEXT_DOOR}::test_found_in_the_window_the_attempt_stands_and_our_meter_is_verified_first",),
    ),
    Fault(
        name="a neighbour's ticket bears the debtor's name",
        rule="R-34",
        file="activities/tickets.py",
        right="        if order.neighbour:\n",
        wrong="        if not order.ticket.meter_id:\n",
        tests=(f"{NEXT_DOOR}::test_his_ticket_names_his_account_and_nothing_of_the_debtor",),
    ),
    Fault(
        name="a cent is worth a cut",
        rule="R-35",
        file="domain/case/facts.py",
        right="        return policy.may_stay_unpaid if self.present_since else policy.tolerance\n",
        wrong="        return policy.tolerance\n",
        tests=(f"{TRIFLES}::test_a_cent_left_before_the_red_notice_ends_the_case",),
    ),
)
