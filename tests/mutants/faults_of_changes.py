"""Deliberate faults about what changes under a running case: the customer's record (R-32)."""

from tests.mutants.fault import Fault

CHANGED = "tests/workflows/test_changed_records.py"
READ = "tests/workflows/test_record_read.py"
UNREADABLE = "tests/workflows/test_record_unreadable.py"

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
        name="a permit needs no record",
        rule="R-32",
        file="workflows/billing_desk.py",
        right="    return record is not None or asked.record is None or not asked.record.needed\n",
        wrong="    return True\n",
        tests=(f"{UNREADABLE}::test_a_notice_waits_and_a_permit_is_refused_and_supply_comes_back",),
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
        file="domain/case/record_changes.py",
        right="    facts = a_new_holder_makes_restoration_due(facts, now)\n",
        wrong="",
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
)
