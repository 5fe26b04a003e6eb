"""What earlier versions wrote is read as before: their evidence is as intact as it was, and as well guarded."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.billing.embedded import SqlBilling
from adapters.billing.tables import BILLING
from adapters.register.tables import REGISTER
from adapters.register.writing import SqlRegister
from adapters.sql.engine import as_it_is, see_to_tables, writing
from domain.money.debt import DebtQuery
from tests.adapters.register.test_chain import unguard
from tests.support.earlier_databases import Opened, make, opened, rows
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, evidence, record

__all__ = ["opened"]


def test_what_an_earlier_version_wrote_is_read_as_before(opened: Opened) -> None:
    make(opened(None), "register-first")
    reader = WholeRegister(opened(REGISTER))
    file = reader.case_file(ACCOUNT)
    assert file is not None
    assert ([e.place for e in file.evidence], file.case.stage) == ([0, 0, 0, 0], "red_notice")
    assert [page.counted for page in reader.sweep("s-1")] == [1]
    card = SqlRegister(reader.engine).card(ACCOUNT)
    assert (card.name, card.preferred_channel) == ("张三", None)
    with as_it_is(reader.engine) as connection:
        assert rows(connection, "sweeps")[0]["missing"] == "[]"


def test_what_an_earlier_version_booked_is_owed_as_before(opened: Opened) -> None:
    make(opened(None), "billing-unversioned")
    book = SqlBilling(opened(BILLING), "Asia/Shanghai")
    (debt,) = book.debts((DebtQuery(account_id="3001", as_of=datetime(2026, 10, 27, tzinfo=UTC)),))
    assert debt is not None
    assert debt.owed == Decimal("100.00")
    customer = book.customer("3001")
    assert customer is not None
    assert customer.card.preferred_channel is None


@pytest.fixture
def grown(opened: Opened) -> Engine:
    """A register of the first days with four entries of that time, and two of now."""
    make(opened(None), "register-first")
    engine = opened(REGISTER)
    SqlRegister(engine).write(record(3, evidence=(evidence(5, place=5), evidence(6, place=6))))
    return engine


def test_old_and_new_evidence_make_one_chain_that_is_intact(grown: Engine) -> None:
    verdict = WholeRegister(grown).verify(ACCOUNT)
    assert (verdict.intact, verdict.length) == (True, 6)
    assert [e.place for e in WholeRegister(grown).evidence(ACCOUNT)] == [0, 0, 0, 0, 5, 6]


def test_evidence_of_before_is_guarded_as_before(grown: Engine) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"), writing(grown) as connection:
        connection.execute(text("UPDATE evidence SET place = 9 WHERE seq = 1"))


@pytest.mark.parametrize(("seq", "place"), [(2, 3), (2, -1), (5, 0), (5, 6), (6, 5)], ids=lambda value: str(value))
def test_a_place_that_was_changed_is_found_whether_the_entry_is_old_or_new(grown: Engine, seq: int, place: int) -> None:
    with writing(grown) as connection:
        unguard(connection)
        connection.execute(text("UPDATE evidence SET place = :p WHERE seq = :s"), {"p": place, "s": seq})
    verdict = WholeRegister(grown).verify(ACCOUNT)
    assert (verdict.intact, verdict.broken_at) == (False, seq)


def test_an_ingest_of_the_version_before_goes_on_beside_the_new_one(opened: Opened) -> None:
    """It names no preferred channel of the customers that it books: they have none."""
    engine = opened(BILLING)
    see_to_tables(engine)
    make(engine, "billing-unversioned", "rows")
    customer = SqlBilling(engine, "Asia/Shanghai").customer("3001")
    assert customer is not None
    assert customer.card.preferred_channel is None


def test_a_worker_of_the_version_before_goes_on_beside_the_new_one(opened: Opened) -> None:
    """It knows no place, and names none: what it adds to the upgraded tables is evidence like any other."""
    engine = opened(REGISTER)
    see_to_tables(engine)
    make(engine, "register-unversioned", "rows")
    SqlRegister(engine).write(record(3, evidence=(evidence(5, place=5),)))
    verdict = WholeRegister(engine).verify(ACCOUNT)
    assert (verdict.intact, verdict.length) == (True, 5)
