"""The embedded billing book on real databases: which lines are new, known or wrong, and what reading costs."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from activities.billing import BillingUnavailable
from adapters.billing.embedded import SqlBilling, open_billing
from domain.money.debt import DebtQuery
from tests.support.billing_lines import NOON, bill, customer, paid


@pytest.fixture
def billing(database_url: str) -> Iterator[SqlBilling]:
    book = open_billing(database_url, "Asia/Shanghai")
    yield book
    book.engine.dispose()


def kinds(verdicts: tuple[tuple[str, str], ...]) -> list[str]:
    return [kind for kind, _ in verdicts]


def sum_owed(billing: SqlBilling) -> Decimal:
    """What account 1001 owes."""
    (debt,) = billing.debts((DebtQuery(account_id="1001", as_of=NOON),))
    assert debt is not None
    return debt.owed


def test_a_batch_of_thousands_costs_a_constant_number_of_queries(billing: SqlBilling) -> None:
    ids = [f"{n:05}" for n in range(3_000)]
    billing.add_customers([customer(a) for a in ids])
    billing.add_bills([bill(f"b{a}", a) for a in ids])
    statements: list[str] = []
    event.listen(billing.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    few = billing.debts((DebtQuery(account_id=ids[0], as_of=NOON),))
    for_few = len(statements)
    statements.clear()
    many = billing.debts(tuple(DebtQuery(account_id=a, as_of=NOON) for a in reversed(ids)))
    assert len(statements) == for_few
    assert [d and d.account_id for d in many] == ids[::-1]
    assert many[-1] == few[0]


def test_the_same_line_twice_is_once(billing: SqlBilling) -> None:
    assert kinds(billing.add_customers([customer("1001"), customer("1001")])) == ["new", "duplicate"]
    assert kinds(billing.add_bills([bill("b1"), bill("b1")])) == ["new", "duplicate"]
    assert kinds(billing.add_payments([paid("p1", "5.00"), paid("p1", "5.00")])) == ["new", "duplicate"]
    assert kinds(billing.add_bills([bill("b1")])) == ["duplicate"]
    assert kinds(billing.add_payments([paid("p1", "5.00")])) == ["duplicate"]


def test_a_later_export_brings_the_customer_up_to_date(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")], "monday")
    assert kinds(billing.add_customers([customer("1001", reader="r-099")], "tuesday")) == ["changed"]
    known = billing.customer("1001")
    assert known is not None
    assert known.account.reader == "r-099"


@pytest.mark.parametrize("batches", [1, 2])
def test_one_export_cannot_give_an_account_two_meters(billing: SqlBilling, batches: int) -> None:
    lines = [customer("1001"), customer("1001", meter_id="M2")]
    per_batch = len(lines) // batches
    verdicts = [
        v
        for start in range(0, len(lines), per_batch)
        for v in billing.add_customers(lines[start : start + per_batch], "monday")
    ]
    assert [v.kind for v in verdicts] == ["new", "conflict"]
    assert "meter_id" in verdicts[1].reason
    # A line unchanged since the last export counts as seen in this one.
    assert kinds(billing.add_customers(lines, "tuesday")) == ["duplicate", "conflict"]


def test_lines_that_contradict_the_book_are_refused_by_name(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001"), customer("1002")])
    billing.add_bills([bill("b1")])
    billing.add_payments([paid("p1", "100.00"), paid("p2", "50.00"), paid("r2", "-50.00", reverses="p2")])
    bills = billing.add_bills(
        [bill("b1", amount="99.00"), bill("b1", due=date(2026, 1, 1)), bill("b1", "1002"), bill("b9", "9999")]
    )
    assert kinds(bills) == ["conflict"] * 4
    for verdict, word in zip(bills, ("amount 100.00", "due_date 2026-10-25", "account_id 1001", "9999"), strict=True):
        assert word in verdict.reason
    payments = (
        (paid("p1", "99.00"), "conflict", "amount 100.00"),
        (paid("p9", "5.00", "9999"), "conflict", "9999 is unknown"),
        (paid("p9", "5.00", named="b9"), "conflict", "bill b9 is not in the billing book"),
        (paid("p9", "5.00", "1002", named="b1"), "conflict", "belongs to account 1001"),
        (paid("r9", "-5.00", reverses="p9"), "early", "p9"),
        (paid("r9", "-50.00", reverses="r2"), "conflict", "itself a reversal"),
        (paid("r9", "-50.00", reverses="p2"), "conflict", "already taken back by r2"),
        (paid("r9", "-99.00", reverses="p1"), "conflict", "100.00"),
        (paid("r9", "-100.00", "1002", reverses="p1"), "conflict", "belongs to account 1001"),
    )
    for line, kind, words in payments:
        (verdict,) = billing.add_payments([line])
        assert (verdict.kind, words in verdict.reason) == (kind, True), verdict
    assert sum_owed(billing) == 0


def test_a_reversal_may_stand_before_its_payment(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    assert kinds(billing.add_payments([paid("r1", "-5.00", reverses="p1"), paid("p1", "5.00")])) == ["new", "new"]


def test_each_part_of_a_payment_says_how_much_the_whole_is(billing: SqlBilling) -> None:
    """R-31: so that a part which lies on another bill, or is credit, is not taken for one on its way."""
    billing.add_customers([customer("1001")])
    billing.add_bills([bill("b1"), bill("b2", amount="30.00")])
    billing.add_payments([paid("p1", "500.00")])
    (debt,) = billing.debts((DebtQuery(account_id="1001", as_of=NOON, bills=("b1", "b2")),))
    assert debt
    assert [p.payment_amount for b in debt.bills for p in b.payments] == [Decimal("500.00")] * 2


def test_what_was_announced_waits_no_longer(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001"), customer("1002"), customer("1003")])
    billing.add_bills([bill("b1"), bill("b2", "1002"), bill("later", "1003", due=date(2026, 11, 25))])
    billing.add_payments([paid("p1", "5.00")])
    assert billing.count_unannounced(NOON) == 2
    first, second = billing.unannounced(NOON, "", 1) + billing.unannounced(NOON, "1001", 1)
    assert ([b.bill_id for b in first.bills], [p.payment_id for p in first.payments]) == (["b1"], ["p1"])
    assert (second.account_id, second.payments) == ("1002", ())
    billing.mark_announced(["b1"], ["p1"], NOON)
    assert [w.account_id for w in billing.unannounced(NOON, "", 10)] == ["1002"]
    assert [w.account_id for w in billing.unannounced(NOON + timedelta(days=40), "", 10)] == ["1002", "1003"]


def test_a_rehearsal_leaves_nothing_behind(billing: SqlBilling) -> None:
    with billing.rehearsal() as trial:
        trial.add_customers([customer("1001")])
        trial.add_bills([bill("b1")])
        assert sum_owed(trial) == Decimal("100.00")
    assert billing.customer("1001") is None


def test_an_outage_is_seen_by_every_process_and_ends(billing: SqlBilling, database_url: str) -> None:
    elsewhere = open_billing(database_url, "Asia/Shanghai")
    billing.add_customers([customer("1001")])
    billing.set_reachable(False, "maintenance until noon")
    for ask in (
        lambda: elsewhere.customer("1001"),
        lambda: elsewhere.debts((DebtQuery(account_id="1001", as_of=NOON),)),
        lambda: elsewhere.overdue_accounts(NOON, "", 10),
        lambda: elsewhere.add_bills([bill("b1")]),
    ):
        with pytest.raises(BillingUnavailable, match="maintenance until noon"):
            ask()
    billing.set_reachable(False)  # twice is once
    billing.set_reachable(True)
    assert elsewhere.customer("1001") is not None
    elsewhere.engine.dispose()


def test_a_database_that_is_not_there_is_said_in_a_sentence(postgresql_url: str) -> None:
    book = open_billing(postgresql_url.replace("test_", "no_such_"), "Asia/Shanghai")
    with pytest.raises(BillingUnavailable, match="does not exist"):
        book.customer("1001")
    book.engine.dispose()
