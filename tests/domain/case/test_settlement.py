"""R-24, R-25, R-35 without Temporal: when bills were settled, from when the 24 hours run, what may stay unpaid."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.case.billing_answers import with_debt
from domain.case.deadlines import settle
from domain.case.entities import Cut
from domain.case.facts import CaseFacts
from domain.case.procedure import Leave, next_act
from domain.case.rulings.policy import change_policy, keeping_tolerance
from domain.case.settlement import BILLS_KEPT, PAYMENTS_KEPT, settled_at, shown_so_far
from domain.contract import updates as m
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery, PaymentElsewhere
from domain.vocabulary import Actor
from tests.support.one_life import CUT, DAY, HOUR, OLD, OPENED, PERMIT, YOUNG, T, ready

NOW = T + 5 * HOUR
REDEEMED = PERMIT.model_copy(update={"state": "redeemed", "answered": True})
BLOCKS = Policy(name="blocks", late_fee_blocks=True)

Paid = tuple[str, str, datetime]
"""A payment: id, amount, time."""


def payments(*paid: Paid) -> tuple[BillPayment, ...]:
    return tuple(BillPayment(payment_id=i, amount=Decimal(a), paid_at=at) for i, a, at in paid)


def bill(bill_id: str, amount: str, *paid: Paid, due: date = OLD) -> BillDebt:
    return BillDebt(bill_id=bill_id, amount=Decimal(amount), due_date=due, payments=payments(*paid))


def answer(*bills: BillDebt, elsewhere: tuple[PaymentElsewhere, ...] = (), credit: str = "0.00") -> AccountDebt:
    return AccountDebt(account_id="A-1", as_of=NOW, bills=bills, elsewhere=elsewhere, credit=Decimal(credit))


def cut_off(debt: AccountDebt, named: tuple[str, ...] = ("B-1",), **changes: Any) -> CaseFacts:
    """Cut off for these bills, with what billing said before it."""
    cut = CUT.model_copy(update={"bills": named})
    given = {"cuts": (cut,), "permits": (REDEEMED,), "present_since": OPENED, "debt": debt, "stage": "disconnected"}
    spent = tuple(n.model_copy(update={"spent": True, "bills": named}) for n in ready().notices)
    return ready(**{**given, "notices": spent, "tickets": (), **changes})


def answered(before: CaseFacts, debt: AccountDebt, now: datetime = NOW) -> CaseFacts:
    """The case, once billing has answered so."""
    query = DebtQuery(account_id="A-1", as_of=now, bills=before.query_bills())
    return settle(with_debt(before, query, debt, now, before.hints), now)


def the_cut(facts: CaseFacts) -> Cut:
    return facts.cuts[-1]


NOVEMBER, BEFORE, AFTER = OPENED, T - 2 * DAY, T + 2 * HOUR
PART = bill("B-1", "200.00", ("p-1", "150.00", NOVEMBER))
LEARNED = NOW

SETTLED: list[Any] = [
    ("paid after the cut", bill("B-1", "200.00"), [bill("B-1", "200.00", ("p", "200.00", AFTER))], AFTER),
    ("paid in two parts, one known before", PART,
     [bill("B-1", "200.00", ("p-1", "150.00", NOVEMBER), ("p", "50.00", AFTER))], AFTER),
    ("booked late, paid before another part", bill("B-1", "200.00", ("p-1", "100.00", AFTER)),
     [bill("B-1", "200.00", ("p-1", "100.00", AFTER), ("p", "100.00", BEFORE))], AFTER),
    ("corrected to what was paid", PART, [bill("B-1", "150.00", ("p-1", "150.00", NOVEMBER))], LEARNED),
    ("corrected, and a part paid that would not have been enough", PART,
     [bill("B-1", "170.00", ("p-1", "150.00", NOVEMBER), ("p", "20.00", AFTER))], LEARNED),
    ("corrected, and a part paid that would have been enough", PART,
     [bill("B-1", "195.00", ("p-1", "150.00", NOVEMBER), ("p", "45.00", AFTER))], AFTER),
    ("cancelled", PART, [], LEARNED),
    ("known under another bill, and moved", bill("B-1", "200.00"),
     [bill("B-1", "200.00", ("known", "200.00", AFTER))], LEARNED),
    ("one moved, one new: the moved one has no say", bill("B-1", "200.00"),
     [bill("B-1", "200.00", ("known", "100.00", NOW - HOUR), ("p", "100.00", AFTER))], AFTER),
    ("known as credit, under no bill: new", bill("B-1", "200.00"),
     [bill("B-1", "200.00", ("credit", "200.00", AFTER))], AFTER),
    ("all but a trifle paid", bill("B-1", "200.00"), [bill("B-1", "200.00", ("p", "190.01", AFTER))], AFTER),
    ("ten yuan are no trifle", bill("B-1", "200.00"), [bill("B-1", "200.00", ("p", "190.00", AFTER))], None),
    ("dated ahead", bill("B-1", "200.00"), [bill("B-1", "200.00", ("p", "200.00", NOW + DAY))], NOW),
]  # fmt: skip


@pytest.mark.parametrize(("before", "bills", "at"), [row[1:] for row in SETTLED], ids=[row[0] for row in SETTLED])
def test_when_it_was_settled(before: BillDebt, bills: list[BillDebt], at: datetime | None) -> None:
    """R-25: by a payment that is new and would have been enough; else when the case learns of it."""
    other = bill("B-9", "500.00", ("known", "200.00", AFTER), due=YOUNG)
    credit = PaymentElsewhere(payment_id="credit", amount=Decimal("200.00"), paid_at=AFTER)
    facts = cut_off(answer(before, other, elsewhere=(credit,), credit="200.00"))
    cut = the_cut(answered(facts, answer(*bills, bill("B-9", "500.00", due=YOUNG))))
    assert (cut.settled_at, cut.restore_since) == (at, at)
    assert cut.restore_due_by == (at and at + DAY)


def test_paid_before_the_cut_and_learned_after_it_runs_from_the_learning() -> None:
    facts = answered(cut_off(answer(bill("B-1", "200.00"))), answer(bill("B-1", "200.00", ("p", "200.00", BEFORE))))
    cut = the_cut(facts)
    assert (cut.settled_at, cut.restore_since, cut.restore_due_by) == (BEFORE, NOW, NOW + DAY)
    assert [i.kind for i in facts.incidents] == ["cut_after_settlement"]


def test_learned_once_supply_is_back_it_is_an_incident_and_no_ticket() -> None:
    """Once, whatever billing says after it."""
    paid = answer(bill("B-1", "200.00", ("late", "200.00", AFTER)))
    restored = answered(cut_off(answer(bill("B-1", "200.00"))), paid)
    restored = restored.with_cut("cut-1", restored_at=NOW + HOUR)
    both = answer(bill("B-1", "200.00", ("early", "200.00", BEFORE)), credit="200.00")
    facts = answered(restored, both, NOW + DAY)
    assert [i.kind for i in facts.incidents] == ["cut_after_settlement"]
    assert the_cut(facts).settled_at == BEFORE
    assert the_cut(facts).restore_due_by == AFTER + DAY
    again = answered(answered(facts, paid, NOW + 2 * DAY), both, NOW + 3 * DAY)
    assert len(again.incidents) == 1


def test_a_policy_that_forgives_settles_when_it_comes() -> None:
    """What was paid before it, was paid under the other."""
    facts = answered(cut_off(answer(bill("B-1", "200.00"))), answer(bill("B-1", "200.00", ("p", "170.00", AFTER))))
    assert the_cut(facts).settled_at is None
    message = m.ChangePolicy(
        policy=Policy(name="generous", tolerance=Decimal("50.00")),
        reason="the board",
        actor=Actor(id="o-1", role="operator"),
    )
    changed = settle(change_policy(facts, message, NOW + HOUR)[0], NOW + HOUR)
    assert the_cut(changed).settled_at == NOW + HOUR


@pytest.mark.parametrize("least", ["50.00", "9.00"])
def test_the_largest_sum_that_was_allowed_since_stays_allowed(least: str) -> None:
    """R-35: another policy takes back nothing."""
    facts = ready(present_since=OPENED, policy=Policy(name="first", min_debt=Decimal("30.00")))
    message = m.ChangePolicy(
        policy=Policy(name="second", min_debt=Decimal(least)), reason="x", actor=Actor(id="o-1", role="operator")
    )
    changed = keeping_tolerance(facts, change_policy(facts, message, T - HOUR)[0], T - HOUR)
    assert changed.red is not None
    assert changed.tolerance(changed.red) == max(Decimal("29.99"), Decimal(least) - Decimal("0.01"))


ELSEWHERE: list[Any] = [
    ("in one sum, the rest on a bill not yet due", [("p", "20.00", AFTER, YOUNG.replace(year=2027))], "0.00", AFTER),
    ("later, on a bill not yet due", [("q", "20.00", AFTER + HOUR, YOUNG.replace(year=2027))], "0.00", AFTER + HOUR),
    ("in two parts", [("q", "5.00", AFTER, YOUNG.replace(year=2027)),
                      ("r", "15.00", AFTER + HOUR, YOUNG.replace(year=2027))], "0.00", AFTER + HOUR),
    ("as credit", [("q", "20.00", AFTER + HOUR, None)], "20.00", AFTER + HOUR),
    ("as credit of which billing says no more", [], "20.00", AFTER),
    ("not enough", [("q", "1.00", AFTER, YOUNG.replace(year=2027))], "0.00", None),
    ("on a bill that is overdue", [("q", "20.00", AFTER, YOUNG)], "0.00", None),
    ("for the current bill, before the principal", [("q", "20.00", BEFORE, YOUNG.replace(year=2027))], "0.00", None),
    ("nothing", [], "0.00", None),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "credit", "at"), [row[1:] for row in ELSEWHERE], ids=[row[0] for row in ELSEWHERE])
def test_what_is_paid_beyond_the_principal_goes_to_the_late_fee(
    parts: list[Any], credit: str, at: datetime | None
) -> None:
    """R-24, where the late fee holds up supply: settled once both are covered."""
    elsewhere = tuple(
        PaymentElsewhere(payment_id=i, amount=Decimal(a), paid_at=paid_at, due_date=due, bill_id="B-9" if due else None)
        for i, a, paid_at, due in parts
    )
    paid = answer(bill("B-1", "200.00", ("p", "200.00", AFTER)), elsewhere=elsewhere, credit=credit)
    facts = answered(cut_off(answer(bill("B-1", "200.00")), policy=BLOCKS), paid)
    assert the_cut(facts).settled_at == at


def test_the_whole_of_a_payment_says_what_was_paid_beyond() -> None:
    """A billing system that says no more than that."""
    (payment,) = payments(("p", "200.00", AFTER))
    whole = payment.model_copy(update={"payment_amount": Decimal("220.00")})
    paid = answer(bill("B-1", "200.00").model_copy(update={"payments": (whole,)}))
    facts = answered(cut_off(answer(bill("B-1", "200.00")), policy=BLOCKS), paid)
    assert the_cut(facts).settled_at == AFTER


def test_a_case_of_before_judges_as_before() -> None:
    """The latest payment on the bills, whenever it came; and a cent is owed."""
    facts = cut_off(answer(PART), present_since=None)
    corrected = answered(facts, answer(bill("B-1", "150.00", ("p-1", "150.00", NOVEMBER))))
    assert the_cut(corrected).settled_at == NOVEMBER
    cent = answered(facts, answer(bill("B-1", "150.01", ("p-1", "150.00", NOVEMBER))))
    assert the_cut(cent).settled_at is None


def test_a_trifle_ends_a_case_before_a_cut_and_is_named() -> None:
    facts = answered(ready(present_since=OPENED), answer(bill("B-1", "200.00", ("p", "199.99", T - HOUR))), T - HOUR)
    act = next_act(facts, T - HOUR, asking=False)
    assert act == Leave("settled", "0.01 CNY is under the least debt, 10.00, and stays owed")


def test_what_is_kept_of_payments_and_bills_is_bounded() -> None:
    many = answer(*(bill(f"B-{n}", "1.00", (f"p-{n}", "1.00", AFTER)) for n in range(PAYMENTS_KEPT + 50)))
    shown = shown_so_far(ready(debt=many, present_since=OPENED))
    assert (len(shown.payments), len(shown.amounts)) == (PAYMENTS_KEPT, BILLS_KEPT)
    assert f"p-{PAYMENTS_KEPT + 49}" in shown.payments


def test_a_notice_is_settled_by_the_same_measure() -> None:
    facts = ready(present_since=OPENED, debt=answer(PART))
    facts = facts.but(shown=shown_so_far(facts), debt=answer(bill("B-1", "150.00", ("p-1", "150.00", NOVEMBER))))
    assert facts.red is not None
    assert settled_at(facts, facts.red, ("B-1",), NOW) == NOW
