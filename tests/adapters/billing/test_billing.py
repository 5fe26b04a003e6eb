"""What every billing system must answer, whichever adapter asks it: SQLite, PostgreSQL, and an API over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from activities.billing import AccountUnknown, BillingActivities, BillingUnavailable, CircumstancesAsked, DebtAsked
from adapters.billing.embedded import SqlBilling, open_billing
from adapters.billing.over_http import HttpBilling, open_http_billing
from adapters.holidays import ChinaHolidays
from adapters.register.writing import SqlRegister, open_register
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, DebtQuery
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.billing_lines import NOON, bill, customer, paid

ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Utility:
    """A billing system: its book, as its own people fill it, and the adapter that asks it."""

    book: SqlBilling
    billing: SqlBilling | HttpBilling

    def debt(self, account_id: str = "1001", as_of: datetime = NOON, bills: tuple[str, ...] = ()) -> AccountDebt:
        """What a known account owes."""
        (debt,) = self.billing.debts((DebtQuery(account_id=account_id, as_of=as_of, bills=bills),))
        assert debt is not None
        return debt


@pytest.fixture(scope="module")
def api() -> Iterator[BillingApi]:
    """One server for all; each test gives it its own book."""
    with serving(BillingApi(book=None)) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture(params=["sqlite", "postgresql", "http"])
def utility(request: pytest.FixtureRequest) -> Iterator[Utility]:
    """The same test on each."""
    kind = "sqlite" if request.param == "http" else request.param
    book = open_billing(request.getfixturevalue(f"{kind}_url"), ZONE)
    billing: SqlBilling | HttpBilling = book
    if request.param == "http":
        server: BillingApi = request.getfixturevalue("api")
        server.book = book
        billing = open_http_billing(server.url, TOKEN, ZONE)
    yield Utility(book, billing)
    billing.close()
    book.close()


def test_a_customer_comes_back_as_it_was_booked(utility: Utility) -> None:
    assert utility.billing.customer("1001") is None
    booked = customer("1001")
    utility.book.add_customers([booked])
    assert utility.billing.customer("1001") == booked
    assert utility.billing.accounts(["1001", "1002"]) == {"1001": booked.account}
    assert utility.billing.accounts([]) == {}
    assert utility.billing.customers(["1001", "1002"]) == {"1001": booked}
    assert utility.billing.customers([]) == {}


@pytest.mark.parametrize("wish", [None, "sms", "email", "app"])
def test_the_channel_that_a_customer_prefers_comes_back_and_may_be_changed(utility: Utility, wish: str | None) -> None:
    for preferred in ("sms", wish):
        booked = customer("1001")
        booked = booked.model_copy(update={"card": booked.card.model_copy(update={"preferred_channel": preferred})})
        utility.book.add_customers([booked])
        assert utility.billing.customer("1001") == booked


def test_a_bill_is_overdue_from_midnight_local_after_its_due_date(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills([bill("b1", due=date(2026, 10, 25))])
    midnight = datetime(2026, 10, 25, 16, tzinfo=UTC)  # 00:00 on the 26th in Shanghai
    assert utility.debt(as_of=midnight - timedelta(seconds=1)).owed == 0
    assert utility.debt(as_of=midnight).owed == Decimal("100.00")
    assert utility.billing.overdue_accounts(midnight - timedelta(seconds=1), "", 10) == ()
    assert utility.billing.overdue_accounts(midnight, "", 10) == ("1001",)


def test_settled_and_future_bills_are_listed_only_when_asked_for(utility: Utility) -> None:
    utility.book.add_customers([customer("1001"), customer("1002")])
    utility.book.add_bills([bill("old"), bill("new", due=date(2026, 11, 25)), bill("other", "1002")])
    utility.book.add_payments([paid("p1", "100.00", named="old")])
    assert utility.debt().bills == ()
    asked = utility.debt(bills=("old", "new", "other", "no-such-bill"))
    assert [(b.bill_id, b.outstanding) for b in asked.bills] == [("old", 0), ("new", Decimal("100.00"))]
    assert asked.bills[0].last_paid_at == NOON


def test_each_part_of_a_payment_is_named(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills([bill("b1"), bill("b2", due=date(2026, 10, 20), amount="30.00")])
    utility.book.add_payments([paid("p1", "50.55")])
    first, second = utility.debt(bills=("b2",)).bills
    assert (first.bill_id, first.outstanding, first.due_date) == ("b2", Decimal(0), date(2026, 10, 20))
    assert [(p.payment_id, p.amount, p.paid_at) for p in second.payments] == [("p1", Decimal("20.55"), NOON)]
    whole = {p.payment_amount for bill in (first, second) for p in bill.payments}
    assert whole in ({Decimal("50.55")}, {None}), "it may be left out"


def test_what_was_paid_elsewhere_is_named_since_the_oldest_bill_asked_for(utility: Utility) -> None:
    """On a bill not yet due, on one settled and not asked for, or on none; each with the whole payment."""
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills(
        [
            bill("b1"),
            bill("current", due=date(2026, 12, 25), amount="30.00"),
            bill("other", due=date(2026, 10, 20), amount="5.00"),
        ]
    )
    before = paid("p0", "10.00", named="current")._replace(paid_at=NOON - timedelta(days=300))
    utility.book.add_payments([before, paid("p1", "135.55")])
    assert utility.debt().elsewhere == ()
    found = utility.debt(bills=("b1",))
    assert [(p.payment_id, p.bill_id, p.amount, p.due_date) for p in found.elsewhere] == [
        ("p1", "other", Decimal("5.00"), date(2026, 10, 20)),
        ("p1", "current", Decimal("20.00"), date(2026, 12, 25)),
        ("p1", None, Decimal("10.55"), None),
    ]
    assert {p.payment_amount for p in (*found.elsewhere, *found.bills[0].payments)} == {Decimal("135.55")}


def test_a_payment_counts_whatever_its_date(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills([bill("b1")])
    utility.book.add_payments([paid("p1", "40.00")._replace(paid_at=NOON + timedelta(days=30))])
    assert utility.debt().owed == Decimal("60.00")


def test_what_is_overpaid_is_credit_and_settles_the_bill_to_come(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills([bill("b1"), bill("b2", due=date(2026, 11, 25), amount="30.00")])
    utility.book.add_payments([paid("p1", "150.00")])
    debt = utility.debt(as_of=NOON + timedelta(days=40), bills=("b2",))
    assert debt.owed == 0
    assert (debt.credit, debt.paid_total) == (Decimal("20.00"), Decimal("150.00"))


def test_a_reversal_reopens_the_bill(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.add_bills([bill("b1")])
    utility.book.add_payments([paid("p1", "100.00")])
    settled = utility.debt()
    assert settled.owed == 0
    utility.book.add_payments([paid("r1", "-100.00", reverses="p1")])
    assert utility.debt().owed == Decimal("100.00")
    assert utility.debt().mark() != settled.mark()


def test_who_owes_nothing_is_not_who_is_unknown(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    asked = tuple(DebtQuery(account_id=a, as_of=NOON) for a in ("nobody", "1001", "nobody"))
    assert utility.billing.debts(asked) == (None, AccountDebt(account_id="1001", as_of=NOON), None)
    assert utility.billing.debts(()) == ()


@pytest.mark.parametrize("looking_around", [False, True], ids=["read_debt", "look_around"])
def test_an_unknown_account_with_a_case_is_no_answer(utility: Utility, tmp_path: Path, looking_around: bool) -> None:
    """R-17: a wrong, empty book must not settle a debt. It is silence, which nothing goes forward on."""
    register = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    keeper = SqlRegister(register)
    ask = BillingActivities(utility.billing, keeper, ChinaHolidays(), keeper, lambda _account: Policy(), keeper)
    query = DebtAsked(account_id="1001", as_of=NOON)
    look = CircumstancesAsked(account=customer("1001").account, debt=query, calendar_through=date(2026, 12, 1))

    def answer() -> AccountDebt:
        return ask.look_around(look).debt if looking_around else ask.read_debt(query)

    with pytest.raises(AccountUnknown, match="does not know account 1001") as silence:
        answer()
    assert isinstance(silence.value, BillingUnavailable)
    utility.book.add_customers([customer("1001")])
    assert answer().owed == 0
    register.dispose()


def test_each_of_many_is_answered_in_the_order_of_the_questions(utility: Utility) -> None:
    ids = [f"{n:05}" for n in range(600)]  # more than one question over HTTP carries
    utility.book.add_customers([customer(a) for a in ids])
    utility.book.add_bills([bill(f"b{a}", a) for a in ids[::2]])
    asked = tuple(DebtQuery(account_id=a, as_of=NOON) for a in [*reversed(ids), "nobody"])
    *known, unknown = utility.billing.debts(asked)
    assert unknown is None
    assert [d and d.account_id for d in known] == ids[::-1]
    assert [d is not None and d.owed > 0 for d in known] == [False, True] * 300
    assert set(utility.billing.accounts(ids)) == set(ids)
    assert set(utility.billing.customers([*ids, "nobody"])) == set(ids)


def test_overdue_accounts_come_in_pages_without_those_that_owe_nothing(utility: Utility) -> None:
    # Names that sort differently by locale and by code point: a page must end where the next begins.
    ids = sorted(["a1", "B1", "_1", "Z9", "z9", "户9", "0-1", "0_1", "a+b&c=d/e%20?#"])
    utility.book.add_customers([customer(a) for a in ids])
    utility.book.add_bills([bill(f"due-{a}", a) for a in ids])
    utility.book.add_bills([bill(f"later-{a}", a, due=date(2026, 11, 25)) for a in ids])
    utility.book.add_payments([paid("p1", "100.00", "B1")])  # settled
    utility.book.add_payments([paid("p2", "100.00", "Z9", named="later-Z9")])  # paid, but not what is overdue
    utility.book.add_payments([paid("p3", "200.00", "z9", named="later-z9")])  # so much that the rest settles it
    found: list[str] = []
    while page := utility.billing.overdue_accounts(NOON, found[-1] if found else "", 2):
        assert len(page) <= 2
        found += page
    assert found == [a for a in ids if a not in ("B1", "z9")]


def test_an_outage_is_no_answer_and_ends(utility: Utility) -> None:
    utility.book.add_customers([customer("1001")])
    utility.book.set_reachable(False, "maintenance until noon")
    for ask in (
        lambda: utility.billing.customer("1001"),
        lambda: utility.billing.accounts(["1001"]),
        lambda: utility.billing.customers(["1001"]),
        lambda: utility.billing.debts((DebtQuery(account_id="1001", as_of=NOON),)),
        lambda: utility.billing.overdue_accounts(NOON, "", 10),
    ):
        with pytest.raises(BillingUnavailable):
            ask()
    utility.book.set_reachable(True)
    assert utility.billing.customer("1001") is not None
    assert utility.debt().owed == 0


def test_an_address_for_the_log_carries_no_secret(utility: Utility) -> None:
    assert TOKEN not in utility.billing.address
    assert utility.billing.address.startswith(("sqlite:///", "postgresql", "http://127.0.0.1:"))


def test_whose_meter_it_is_comes_back_and_whether_it_has_a_twin(utility: Utility) -> None:
    """R-33, R-34: in any spelling; a meter that nobody has is nobody's."""
    utility.book.add_customers([customer("1001", meter_id="M-1"), customer("1002", meter_id="m 1")])
    utility.book.add_customers([customer("1003", meter_id="M-3")])
    typed = ("M-1", "m\u30003", "M-9")
    assert [utility.billing.account_of_meter(meter) for meter in typed] == ["1001", "1003", None]
    found = utility.billing.accounts(["1001", "1003"])
    assert [found[account].meter_has_twin for account in ("1001", "1003")] == [True, False]
