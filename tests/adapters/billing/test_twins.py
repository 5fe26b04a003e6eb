"""The billing book finds what may be one thing under two ids, on SQLite and on PostgreSQL, and in books made before."""

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from adapters.billing.embedded import SqlBilling, open_billing
from adapters.billing.tables import BILLING, TABLES
from adapters.sql.engine import open_engine
from adapters.sql.migration import take_the_steps
from domain.ids import id_key
from tests.support.billing_lines import bill, customer, paid


@pytest.fixture
def book(database_url: str) -> Iterator[SqlBilling]:
    billing = open_billing(database_url, "Asia/Shanghai")
    yield billing
    billing.close()


@pytest.mark.parametrize(
    ("one", "other"), [("A-1", "a1"), ("ab 1", "AB—1"), ("ａｂ１", "AB1"), ("ß1", "SS-1"), ("м-1", "М1"), ("-", "-")]
)
def test_ids_differ_only_in_case_width_blanks_and_dashes(one: str, other: str) -> None:
    assert id_key(one) == id_key(other)


@pytest.mark.parametrize(("one", "other"), [("A1", "A_1"), ("A1", "A01"), ("A1", "A.1"), ("-", "--"), ("O1", "01")])
def test_ids_that_differ_in_anything_else_are_two(one: str, other: str) -> None:
    assert id_key(one) != id_key(other)


def test_each_row_is_named_with_one_like_it(book: SqlBilling) -> None:
    people = [customer("1001", meter_id="M-1"), customer("1002", meter_id="m1"), customer("1003", meter_id="M-3")]
    book.add_customers([*people, customer("ab-9", meter_id="M-9"), customer("AB9", meter_id="M-10")])
    found = book.twins([*people, customer("AB9", meter_id="M-10")])
    assert [[(twin.ids, twin.kind) for twin in twins] for twins in found] == [
        [(("1001", "1002"), "one meter")],
        [(("1001", "1002"), "one meter")],
        [],
        [(("AB9", "ab-9"), "alike")],
    ]
    bills = [bill("b-1"), bill("B1"), bill("b2")]
    book.add_bills(bills)
    assert [[twin.ids for twin in twins] for twins in book.twins(bills)] == [[("B1", "b-1")], [("B1", "b-1")], []]
    payments = [paid("p-1", "1"), paid("P1", "1"), paid("p2", "1")]
    book.add_payments(payments)
    assert [[twin.ids for twin in twins] for twins in book.twins(payments)] == [[("P1", "p-1")], [("P1", "p-1")], []]


def test_a_meter_that_a_thousand_accounts_have_is_named_once_for_each(book: SqlBilling) -> None:
    people = [customer(f"{n:04}", meter_id="M-1") for n in range(1000)]
    book.add_customers(people)
    assert [len(twins) for twins in book.twins(people)] == [1] * 1000


def test_a_dry_run_finds_twins_among_lines_that_it_does_not_keep(book: SqlBilling) -> None:
    people = [customer("1001", meter_id="M-1"), customer("1002", meter_id="m1")]
    with book.rehearsal() as rehearsed:
        rehearsed.add_customers(people)
        assert [len(twins) for twins in rehearsed.twins(people)] == [1, 1]
    assert book.twins(people) == ((), ())


def test_a_book_made_before_is_compared_with_too(database_url: str) -> None:
    """An upgrade gives every row that is there its plain form."""
    engine = open_engine(database_url)
    with engine.execution_options(writing=True).begin() as connection:
        take_the_steps(connection, BILLING, "0002")
        card = (
            "'王伟', '人民路1号', '', '', 'residential', false, 'RC-03', 'r-017', 't-003', 'FU-02', 'BS-01', 'R-1', ''"
        )
        for account, meter in (("A-1", "M 1"), ("A-2", "Ｍ－２")):
            connection.exec_driver_sql(
                "INSERT INTO customers (account_id, meter_id, name, address, phone, email, customer_class, important,"
                " reading_centre, reader, team_leader, field_unit, business_station, region, export)"
                f" VALUES ('{account}', '{meter}', {card})"
            )
        connection.exec_driver_sql(
            "INSERT INTO bills (bill_id, account_id, due_date, amount, period) VALUES"
            " ('B-1', 'A-1', '2026-09-25', 100, '2026-08')"
        )
        connection.exec_driver_sql(
            "INSERT INTO payments (payment_id, account_id, amount, paid_at) VALUES"
            " ('P-1', 'A-1', 100, '2026-10-01 00:00:00')"
        )
    engine.dispose()
    book = open_billing(database_url, "Asia/Shanghai")
    book.add_customers([customer("a1", meter_id="M-9"), customer("A3", meter_id="m2")])
    new = [customer("a1", meter_id="M-9"), customer("A3", meter_id="m2")]
    assert [[twin.ids for twin in twins] for twins in book.twins(new)] == [[("A-1", "a1")], [("A-2", "A3")]]
    book.add_bills([bill("b1", "A-1")])
    assert [twin.ids for twin in book.twins([bill("b1", "A-1")])[0]] == [("B-1", "b1")]
    book.add_payments([paid("p1", "1", "A-1")])
    assert [twin.ids for twin in book.twins([paid("p1", "1", "A-1")])[0]] == [("P-1", "p1")]
    book.close()


def test_a_row_written_by_an_earlier_version_beside_this_one_is_known_by_its_id(book: SqlBilling) -> None:
    book.add_customers([customer("1001")])
    book.add_bills([bill("b1")])
    bills = TABLES.tables["bills"]
    with book.engine.execution_options(writing=True).begin() as connection:
        connection.execute(update(bills).values(alike=None))
    assert [verdict.kind for verdict in book.add_bills([bill("b1"), bill("B-1")])] == ["duplicate", "new"]


def test_a_record_says_whether_another_meter_differs_only_in_spelling(book: SqlBilling) -> None:
    """R-33: two accounts with one meter are no twins of it; two meters that look alike are."""
    meters = {"1001": "M-1", "1002": "m1", "1003": "M-3", "1004": "M-3", "1005": "Ｍ－5", "1006": "M.5"}
    book.add_customers([customer(account, meter_id=meter) for account, meter in meters.items()])
    twin = {account: found.meter_has_twin for account, found in book.accounts(list(meters)).items()}
    assert twin == {"1001": True, "1002": True, "1003": False, "1004": False, "1005": False, "1006": False}
    assert [found.account.meter_has_twin for a in ("1001", "1003") if (found := book.customer(a))] == [True, False]


def test_whose_meter_it_is_is_told_as_spelled_or_else_in_any_spelling(book: SqlBilling) -> None:
    """R-34: of two that only their spelling tells apart, and of two accounts with one meter, nobody is named."""
    meters = {"1001": "M-1", "1002": "m1", "1003": "M-3", "1004": "M-4", "1005": "M-4"}
    book.add_customers([customer(account, meter_id=meter) for account, meter in meters.items()])
    typed = ("M-1", "m1", "Ｍ1", "m 3", "M\u20143", "M-4", "M-5")
    assert [book.account_of_meter(meter) for meter in typed] == ["1001", "1002", None, "1003", "1003", None, None]


def test_a_line_that_only_spells_people_and_places_otherwise_contradicts_nothing(book: SqlBilling) -> None:
    """R-33: twice in one export is once; the book has the later spelling."""
    lines = [customer("1001", meter_id="M-1", reader="r-017"), customer("1001", meter_id="m\u20141", reader="R017")]
    assert [verdict.kind for verdict in book.add_customers(lines, export="one file")] == ["new", "duplicate"]
    assert book.accounts(["1001"])["1001"].meter_id == "m\u20141"
    another = customer("1001", meter_id="M-2", reader="R017")
    assert [verdict.kind for verdict in book.add_customers([another], export="one file")] == ["conflict"]
