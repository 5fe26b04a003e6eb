"""The versions of a customer's record in the register: each wording once, and no change lost on the way (R-32)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, func, select, text

from adapters.register.customer_versions import versions_taken
from adapters.register.tables import TABLES
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import reading, writing
from domain.customer import CardKept, CustomerCard

NOON = datetime(2026, 10, 26, 4, tzinfo=UTC)
OLD = CustomerCard(account_id="1001", name="王小明", address="人民路1号", phone="13800000000")
NEW = OLD.model_copy(update={"phone": "13900000000"})
_VERSIONS = TABLES.tables["customer_versions"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def register(engine: Engine) -> SqlRegister:
    return SqlRegister(engine)


def count(engine: Engine) -> int:
    """How many versions there are of all accounts."""
    with reading(engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(_VERSIONS)) or 0)


def test_a_record_is_numbered_by_what_it_says(register: SqlRegister) -> None:
    assert register.keep_card(OLD, NOON) == CardKept(1, ())
    assert register.keep_card(NEW, NOON, since=1) == CardKept(2, ("phone",))
    assert register.keep_card(OLD.model_copy(update={"account_id": "1002"}), NOON) == CardKept(1, ())
    assert register.card("1001") == NEW
    assert (register.card("1001", 1), register.card("1001", 2)) == (OLD, NEW)


def test_two_exports_that_alternate_for_90_days_leave_two_versions(register: SqlRegister, engine: Engine) -> None:
    taken = register.keep_card(OLD, NOON).number
    for day in range(1, 91):
        read = NEW if day % 2 else OLD
        kept = register.keep_card(read, NOON + timedelta(days=day), since=taken)
        assert kept == CardKept(2 if day % 2 else 1, ("phone",))
        assert register.card("1001") == read
        taken = kept.number
    assert count(engine) == 2


def test_a_read_that_was_lost_or_comes_again_names_the_same_fields(register: SqlRegister, engine: Engine) -> None:
    """The worker was killed after the write, or its answer came too late: the case still carries the old number."""
    register.keep_card(OLD, NOON)
    for _ in range(3):
        assert register.keep_card(NEW, NOON, since=1) == CardKept(2, ("phone",))
    lost = NEW.model_copy(update={"name": "李红"})
    assert register.keep_card(lost, NOON, since=1) == CardKept(3, ("name", "phone"))
    assert register.keep_card(lost, NOON, since=3) == CardKept(3, ())
    assert count(engine) == 3


def test_another_spelling_is_the_same_version_and_reaches_the_channels(register: SqlRegister, engine: Engine) -> None:
    register.keep_card(OLD, NOON)
    typed = OLD.model_copy(update={"phone": "138-0000-0000"})
    assert register.keep_card(typed, NOON, since=1) == CardKept(1, ())
    assert register.card("1001") == typed
    assert register.card("1001", 1) == OLD
    assert register.cards("1001") == (typed, OLD)
    assert count(engine) == 1


def test_a_case_from_before_compares_with_the_card_as_it_stood(register: SqlRegister, engine: Engine) -> None:
    """A worker from before versions kept it; what is read since is not what that case took."""
    with writing(engine) as connection:
        card = "INSERT INTO customer_cards (account_id, name, address, phone, email) VALUES ('1001', :n, :a, :p, '')"
        connection.execute(text(card), {"n": OLD.name, "a": OLD.address, "p": OLD.phone})
    for _ in range(2):
        assert register.keep_card(NEW, NOON, since=None) == CardKept(2, ("phone",))
    assert register.keep_card(OLD, NOON, since=None) == CardKept(1, ())


def test_a_card_that_an_earlier_worker_kept_beside_ours_is_the_one_that_stood(
    register: SqlRegister, engine: Engine
) -> None:
    """While workers are replaced, an earlier one opens a case: it replaces the card, and keeps no version."""
    register.keep_card(OLD)
    with writing(engine) as connection:
        connection.execute(text("UPDATE customer_cards SET phone = '13900000000'"))
    for _ in range(2):
        assert register.keep_card(OLD, NOON, since=None) == CardKept(1, ("phone",))


def test_a_register_from_a_backup_compares_with_the_last_version_that_it_has(
    register: SqlRegister, engine: Engine
) -> None:
    for number in range(3):
        register.keep_card(OLD.model_copy(update={"phone": f"1390000000{number}"}), NOON)
    with writing(engine) as connection:
        connection.execute(delete(_VERSIONS).where(_VERSIONS.c.number == 3))
        connection.execute(text("UPDATE customer_cards SET phone = '13900000001'"))
    assert register.keep_card(OLD.model_copy(update={"phone": "13900000001"}), NOON, since=3) == CardKept(2, ())
    assert register.keep_card(NEW.model_copy(update={"name": "李红"}), NOON, since=3).changed == ("name", "phone")


def test_workers_that_read_one_record_at_once_keep_it_once(register: SqlRegister, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: register.keep_card(OLD, NOON), range(16)))
        then = list(pool.map(lambda n: register.keep_card((OLD, NEW)[n % 2], NOON, since=1), range(16)))
    assert set(first) == {CardKept(1, ())}
    assert set(then) == {CardKept(1, ()), CardKept(2, ("phone",))}
    assert count(engine) == 2


def test_what_cases_took_is_found_for_many_at_once(register: SqlRegister, engine: Engine) -> None:
    for account in ("1001", "1002"):
        register.keep_card(OLD.model_copy(update={"account_id": account}), NOON)
        register.keep_card(NEW.model_copy(update={"account_id": account}), NOON)
    with reading(engine) as connection:
        taken = versions_taken(connection, {"1001": 1, "1002": 2, "1003": 1})
        assert versions_taken(connection, {}) == {}
    assert {account: card.phone for account, card in taken.items()} == {"1001": OLD.phone, "1002": NEW.phone}
