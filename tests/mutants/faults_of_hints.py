"""Faults in what is heard again: copies, announcements, kept answers, holds placed anew (R-31)."""

from tests.mutants.fault import Fault

T_HINTS = "tests/domain/case/test_hints.py"
T_ANNOUNCEMENTS = "tests/domain/case/test_announcements.py"
T_HOLDS = "tests/domain/case/test_holds_again.py"
C_AGAIN = "tests/workflows/test_asked_again.py::"

FAULTS = (
    Fault(
        name="a message that comes again has nobody asked",
        rule="R-31",
        file="domain/case/hints.py",
        right='        return copied(facts, f"{key}/{content}", now), False\n',
        wrong="        return facts, False\n",
        tests=(T_HINTS,),
    ),
    Fault(
        name="the pauses between questions for copies grow without end",
        rule="R-31",
        file="domain/case/hints.py",
        right="min(copies.pause * 2, LONGEST_PAUSE)",
        wrong="copies.pause * 2",
        tests=(T_HINTS,),
    ),
    Fault(
        name="copies wait for their pause also with a permit open",
        rule="R-31",
        file="domain/case/hints.py",
        right="urgent = facts.open_permit is not None or bool(facts.cuts_off)",
        wrong="urgent = bool(facts.cuts_off)",
        tests=(T_HINTS,),
    ),
    Fault(
        name="billing may be silent for ever while a permit is open",
        rule="R-31",
        file="domain/case/hints.py",
        right="if (by := _answer_due(facts)) is not None and by <= now:",
        wrong="if (by := _answer_due(facts)) is not None and by < facts.opened_at:",
        tests=(T_HINTS, f"{C_AGAIN}test_a_permit_is_revoked_when_billing_is_silent_after_a_copy"),
    ),
    Fault(
        name="a payment that billing lists in part counts as booked",
        rule="R-31",
        file="domain/case/announced_payments.py",
        right="if booked.get(p.payment_id, _NOTHING) < p.amount)",
        wrong="if p.payment_id not in booked)",
        tests=(T_ANNOUNCEMENTS, f"{C_AGAIN}test_a_payment_that_billing_lists_in_part_still_holds_permits_back"),
    ),
    Fault(
        name="one payment announced by two channels counts twice",
        rule="R-31",
        file="domain/case/announced_payments.py",
        right="max(payment.amount, largest.get(payment.payment_id, _NOTHING))",
        wrong="payment.amount + largest.get(payment.payment_id, _NOTHING)",
        tests=(T_ANNOUNCEMENTS,),
    ),
    Fault(
        name="announced payments that never come hold permits back for ever",
        rule="R-31",
        file="domain/case/announced_payments.py",
        right="        if new and not believed:\n",
        wrong="        if new and payment.amount < 0:\n",
        tests=(T_ANNOUNCEMENTS,),
    ),
    Fault(
        name="a copy of the first placing makes a lifted hold stand",
        rule="R-31",
        file="domain/case/holds_again.py",
        right="return None if signalled_at(message.at, now) > ended(hold) else over",
        wrong="return None",
        tests=(T_HOLDS,),
    ),
    Fault(
        name="a hold placed again is ignored",
        rule="R-31",
        file="domain/case/holds_again.py",
        right="return None if signalled_at(message.at, now) > ended(hold) else over",
        wrong="return over",
        tests=(T_HOLDS,),
    ),
    Fault(
        name="a request for restoration is answered from memory",
        rule="R-31",
        file="domain/case/rulings/asked_again.py",
        right="    if ticket_id is None:\n        return True\n",
        wrong="    if ticket_id is None:\n        return False\n",
        tests=(f"{C_AGAIN}test_the_same_request_for_restoration_is_worked_out_afresh",),
    ),
    Fault(
        name="another promise under a used id is answered as the first",
        rule="R-31",
        file="domain/contract/business_keys.py",
        right="if kept.get(field, said) != said), None)",
        wrong="if kept.get(field, said) == said and False), None)",
        tests=(f"{C_AGAIN}test_a_second_plan_or_promise_under_a_used_id_is_refused_with_the_field",),
    ),
)
