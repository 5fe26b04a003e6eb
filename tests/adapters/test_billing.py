"""The billing book on real databases: what is owed, what is new, and what happens when it gives no answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from activities.billing import BillingUnavailable
from adapters.sql_billing import SqlBilling, open_billing
from domain.book import BookedBill, BookedPayment
from domain.debt import Account, AccountDebt, Customer, CustomerCard, DebtQuery

NOON = datetime(2026, 10, 26, 4, tzinfo=UTC)  # 12:00 on the 26th in Shanghai


@pytest.fixture
def billing(database_url: str) -> Iterator[SqlBilling]:
    book = open_billing(database_url, "Asia/Shanghai")
    yield book
    book.engine.dispose()


def customer(account_id: str, **changes: str) -> Customer:
    account = Account(
        account_id=account_id,
        customer_class="residential",
        meter_id="M1",
        reading_centre="RC-03",
        reader="r-017",
        team_leader="t-002",
        field_unit="FU-1",
        business_station="BS-1",
        region="east",
    )
    card = CustomerCard(account_id=account_id, name="王伟", address="人民路1号", phone="13900000000")
    return Customer(account=account.model_copy(update=changes), card=card)


def bill(bill_id: str, account_id: str = "1001", due: date = date(2026, 10, 25), amount: str = "100.00") -> BookedBill:
    return BookedBill(bill_id, account_id, due, Decimal(amount), "2026-09")


def paid(
    payment_id: str, amount: str, account_id: str = "1001", named: str | None = None, reverses: str | None = None
) -> BookedPayment:
    return BookedPayment(payment_id, account_id, Decimal(amount), NOON, named, "counter", reverses)


def kinds(verdicts: tuple[tuple[str, str], ...]) -> list[str]:
    return [kind for kind, _ in verdicts]


def owed(billing: SqlBilling, account_id: str = "1001", as_of: datetime = NOON) -> Decimal:
    return billing.debts((DebtQuery(account_id=account_id, as_of=as_of),))[0].owed


def test_a_customer_comes_back_as_it_was_booked(billing: SqlBilling) -> None:
    assert billing.customer("1001") is None
    booked = customer("1001")
    billing.add_customers([booked])
    assert billing.customer("1001") == booked
    assert billing.accounts(["1001", "1002"]) == {"1001": booked.account}


def test_a_bill_is_overdue_from_midnight_local_after_its_due_date(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    billing.add_bills([bill("b1", due=date(2026, 10, 25))])
    midnight = datetime(2026, 10, 25, 16, tzinfo=UTC)  # 00:00 on the 26th in Shanghai
    assert owed(billing, as_of=midnight - timedelta(seconds=1)) == 0
    assert owed(billing, as_of=midnight) == Decimal("100.00")
    assert billing.overdue_accounts(midnight - timedelta(seconds=1), "", 10) == ()
    assert billing.overdue_accounts(midnight, "", 10) == ("1001",)


def test_settled_and_future_bills_are_listed_only_when_asked_for(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001"), customer("1002")])
    billing.add_bills([bill("old"), bill("new", due=date(2026, 11, 25)), bill("other", "1002")])
    billing.add_payments([paid("p1", "100.00", named="old")])
    plain, asked = billing.debts(
        (
            DebtQuery(account_id="1001", as_of=NOON),
            DebtQuery(account_id="1001", as_of=NOON, bills=("old", "new", "other", "no-such-bill")),
        )
    )
    assert plain.bills == ()
    assert [(b.bill_id, b.outstanding) for b in asked.bills] == [("old", 0), ("new", Decimal("100.00"))]
    assert asked.bills[0].last_paid_at == NOON


def test_a_payment_counts_whatever_its_date(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    billing.add_bills([bill("b1")])
    billing.add_payments([paid("p1", "40.00")._replace(paid_at=NOON + timedelta(days=30))])
    assert owed(billing) == Decimal("60.00")


def test_what_is_overpaid_is_credit_and_settles_the_bill_to_come(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    billing.add_bills([bill("b1"), bill("b2", due=date(2026, 11, 25), amount="30.00")])
    billing.add_payments([paid("p1", "150.00")])
    later = DebtQuery(account_id="1001", as_of=NOON + timedelta(days=40), bills=("b2",))
    (debt,) = billing.debts((later,))
    assert debt.owed == 0
    assert (debt.credit, debt.paid_total) == (Decimal("20.00"), Decimal("150.00"))


def test_a_reversal_reopens_the_bill(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    billing.add_bills([bill("b1")])
    billing.add_payments([paid("p1", "100.00")])
    assert owed(billing) == 0
    assert kinds(billing.add_payments([paid("r1", "-100.00", reverses="p1")])) == ["new"]
    assert owed(billing) == Decimal("100.00")


def test_nothing_is_owed_by_an_account_that_nobody_knows(billing: SqlBilling) -> None:
    (debt,) = billing.debts((DebtQuery(account_id="nobody", as_of=NOON),))
    assert debt == AccountDebt(account_id="nobody", as_of=NOON)


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
    assert [d.account_id for d in many] == ids[::-1]
    assert many[-1] == few[0]


def test_overdue_accounts_come_in_pages_without_those_that_owe_nothing(billing: SqlBilling) -> None:
    # Names that sort differently by locale and by code point: a page must end where the next begins.
    ids = sorted(["a1", "B1", "_1", "Z9", "z9", "户9", "0-1", "0_1"])
    billing.add_customers([customer(a) for a in ids])
    billing.add_bills([bill(f"due-{a}", a) for a in ids])
    billing.add_bills([bill(f"later-{a}", a, due=date(2026, 11, 25)) for a in ids])
    billing.add_payments([paid("p1", "100.00", "B1")])  # settled
    billing.add_payments([paid("p2", "100.00", "Z9", named="later-Z9")])  # paid, but not what is overdue
    billing.add_payments([paid("p3", "200.00", "z9", named="later-z9")])  # so much that the rest settles it
    found: list[str] = []
    while page := billing.overdue_accounts(NOON, found[-1] if found else "", 2):
        assert len(page) <= 2
        found += page
    assert found == [a for a in ids if a not in ("B1", "z9")]


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
    assert owed(billing) == 0


def test_a_reversal_may_stand_before_its_payment(billing: SqlBilling) -> None:
    billing.add_customers([customer("1001")])
    assert kinds(billing.add_payments([paid("r1", "-5.00", reverses="p1"), paid("p1", "5.00")])) == ["new", "new"]


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
        assert owed(trial) == Decimal("100.00")
    assert billing.customer("1001") is None
    assert owed(billing) == 0


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
