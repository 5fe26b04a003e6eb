"""From nothing and from every earlier state, a database comes to the tables that are declared, with all its rows."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from adapters.billing.embedded import SqlBilling
from adapters.billing.tables import BILLING
from adapters.register.tables import REGISTER
from adapters.register.writing import SqlRegister
from adapters.sql.engine import as_it_is, see_to_tables
from adapters.sql.migration import Database, History, take_the_steps
from tests.support.databases import fresh_postgresql
from tests.support.earlier_databases import Opened, catalogue, differences, make, opened, rows, tables_of
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, evidence, record

__all__ = ["opened"]

ROOT = Path(__file__).resolve().parents[3]
HISTORIES = {"register": REGISTER, "billing": BILLING}
EARLIER = {"register-first": REGISTER, "register-unversioned": REGISTER, "billing-unversioned": BILLING}
REVISIONS = [(history, revision) for history in HISTORIES.values() for revision in history.revisions]


@pytest.fixture
def declared(opened: Opened, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[History], Any]]:
    """What a database is made of that was made from the declared tables at one stroke, without revisions."""

    def of(url: str) -> Callable[[History], Any]:
        def made(history: History) -> Any:
            with opened(None, url).execution_options(writing=True).begin() as connection:
                history.tables.create_all(connection)
                return catalogue(connection, history)

        return made

    if opened.url.startswith("sqlite"):
        yield of(f"sqlite:///{tmp_path / 'declared.db'}")
    else:
        with fresh_postgresql(request.getfixturevalue("postgresql_server")) as url:
            yield of(url)
            for engine in opened.engines:
                engine.dispose()


def brought_to(engine: Engine, history: History, revision: str) -> None:
    """The database as the program of that revision made it."""
    with engine.execution_options(writing=True).begin() as connection:
        take_the_steps(connection, history, revision)


def state(engine: Engine, history: History) -> tuple[str, str | None]:
    """Where the database stands, as `database current` says it."""
    found = Database(engine, history, RegisterUnavailable).state()
    return found.state, found.revision


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_from_empty_all_is_as_declared_to_the_last_trigger(
    opened: Opened, history: History, declared: Callable[[History], Any]
) -> None:
    engine = opened(history)
    assert state(engine, history) == ("empty", None)
    see_to_tables(engine)
    assert state(engine, history) == ("current", history.newest)
    with as_it_is(engine) as connection:
        assert differences(connection, history) == []
        assert catalogue(connection, history) == declared(history)


@pytest.mark.parametrize(("history", "revision"), REVISIONS, ids=lambda v: v if isinstance(v, str) else v.name)
def test_from_each_earlier_revision_all_is_as_declared(
    opened: Opened, history: History, revision: str, declared: Callable[[History], Any]
) -> None:
    engine = opened(history)
    brought_to(engine, history, revision)
    assert state(engine, history) == ("current" if revision == history.newest else "behind", revision)
    see_to_tables(engine)
    with as_it_is(engine) as connection:
        assert differences(connection, history) == []
        assert catalogue(connection, history) == declared(history)


@pytest.mark.parametrize("name", EARLIER)
def test_a_database_from_before_revisions_is_taken_over_with_its_rows(
    opened: Opened, name: str, declared: Callable[[History], Any]
) -> None:
    history = EARLIER[name]
    make(opened(None), name)
    engine = opened(history)
    with as_it_is(engine) as connection:
        before = {table: rows(connection, table) for table in tables_of(connection)}
    assert state(engine, history) == ("unversioned", None)
    see_to_tables(engine)
    assert state(engine, history) == ("current", history.newest)
    with as_it_is(engine) as connection:
        assert differences(connection, history) == []
        assert catalogue(connection, history) == declared(history)
        assert sum(map(len, before.values())) >= 3
        for table, lines in before.items():
            assert [{**line, **old} for line, old in zip(rows(connection, table), lines, strict=True)] == rows(
                connection, table
            )


def test_a_register_that_had_the_place_before_it_had_revisions_is_taken_over(opened: Opened) -> None:
    with opened(None).execution_options(writing=True).begin() as connection:
        REGISTER.tables.create_all(connection)
    engine = opened(REGISTER)
    SqlRegister(engine).write(record(evidence=(evidence(1, place=1),)))
    assert state(engine, REGISTER) == ("current", REGISTER.newest)
    assert WholeRegister(engine).verify(ACCOUNT).intact


def test_every_card_as_it_stands_becomes_the_first_version_of_a_record(opened: Opened) -> None:
    """R-32: a case that was open before compares what it reads with the card that it has gone by."""
    engine = opened(REGISTER)
    brought_to(engine, REGISTER, "0008")
    cards = [("1001", "王小明", "sms"), ("1002", "李红", None)]
    with engine.execution_options(writing=True).begin() as connection:
        for account, name, channel in cards:
            connection.execute(
                text("INSERT INTO customer_cards VALUES (:account, :name, '人民路1号', '138', '', :channel)"),
                {"account": account, "name": name, "channel": channel},
            )
    see_to_tables(engine)
    with as_it_is(engine) as connection:
        kept = sorted(rows(connection, "customer_versions"), key=lambda v: str(v["account_id"]))
        assert [(v["account_id"], v["number"], v["name"], v["preferred_channel"], v["kept_at"]) for v in kept] == [
            (account, 1, name, channel, None) for account, name, channel in cards
        ]


def test_register_and_billing_book_may_lie_in_one_database(opened: Opened) -> None:
    for history in HISTORIES.values():
        see_to_tables(opened(history))
    for history in HISTORIES.values():
        assert state(opened(None), history) == ("current", history.newest)


def become_newer(engine: Engine, history: History, revision: str = "9999") -> None:
    """As a later version of the program leaves a database."""
    see_to_tables(engine)
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(text(f"UPDATE {history.version_table} SET version_num = '{revision}'"))


def test_a_program_keeps_away_from_a_register_that_a_later_one_has_changed(opened: Opened) -> None:
    SqlRegister(opened(REGISTER)).write(record(evidence=(evidence(1),)))
    become_newer(opened(REGISTER), REGISTER)
    rolled_back = opened(REGISTER)
    for attempt in (
        lambda: SqlRegister(rolled_back).write(record(2, evidence=(evidence(2),))),
        lambda: WholeRegister(rolled_back).case(ACCOUNT),
        lambda: Database(rolled_back, REGISTER, RegisterUnavailable).upgrade(),
    ):
        with pytest.raises(RegisterUnavailable, match=r"revision 9999, made by a later version .* Run the later"):
            attempt()
    assert state(rolled_back, REGISTER) == ("newer", "9999")
    with as_it_is(rolled_back) as connection:
        assert len(rows(connection, "evidence")) == 1
    # The backup is restored: the same program, still waiting, goes on.
    become_newer(opened(None), REGISTER, REGISTER.newest)
    SqlRegister(rolled_back).write(record(2, evidence=(evidence(2),)))
    assert WholeRegister(rolled_back).verify(ACCOUNT).length == 2


def test_a_program_keeps_away_from_a_billing_book_that_a_later_one_has_changed(opened: Opened) -> None:
    become_newer(opened(BILLING), BILLING)
    with pytest.raises(BillingUnavailable, match="the billing is at revision 9999"):
        SqlBilling(opened(BILLING), "Asia/Shanghai").customer("1001")


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_tables_of_another_program_are_left_alone(opened: Opened, history: History) -> None:
    name = next(iter(history.tables.tables))
    with opened(None).execution_options(writing=True).begin() as connection:
        connection.execute(text(f"CREATE TABLE {name} (invoice INTEGER)"))
    with pytest.raises(RegisterUnavailable, match=f"its table {name} has no column .* a database of its own"):
        see_to_tables(opened(history))
    with as_it_is(opened(None)) as connection:
        assert tables_of(connection) == {name}


@pytest.mark.parametrize(
    "last", ["CREATE TABLE IF NOT EXISTS tickets", "ALTER TABLE evidence", "UPDATE register_version"]
)
def test_an_upgrade_that_is_cut_short_leaves_nothing_of_itself(opened: Opened, last: str) -> None:
    make(opened(None), "register-first")
    with opened(None).execution_options(writing=True).begin() as connection:
        connection.execute(text("DROP TABLE tickets"))  # an even earlier one
    engine = opened(REGISTER)
    with as_it_is(engine) as connection:
        before = catalogue(connection, REGISTER), tables_of(connection)

    def cut(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if last in statement:
            raise OperationalError(statement, None, ConnectionError("cut short"))

    event.listen(engine, "before_cursor_execute", cut)
    with pytest.raises(RegisterUnavailable, match="cut short"):
        see_to_tables(engine)
    with as_it_is(engine) as connection:
        assert (catalogue(connection, REGISTER), tables_of(connection)) == before
    event.remove(engine, "before_cursor_execute", cut)
    see_to_tables(engine)
    assert state(engine, REGISTER) == ("current", REGISTER.newest)


WRITE = """
import sys
from adapters.register.writing import SqlRegister, open_register
from composition.logs import configure_logging
from tests.support.register_records import evidence, record
configure_logging()
engine, number = open_register(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
SqlRegister(engine).write(record(3, evidence=(evidence(number),)))
"""


def test_processes_that_start_together_bring_the_tables_up_once(opened: Opened) -> None:
    make(opened(None), "register-first")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, opened.url, str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (11, 12)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum("database.upgraded" in text for text in said) == 1
    verdict = WholeRegister(opened(REGISTER)).verify(ACCOUNT)
    assert (verdict.intact, verdict.length) == (True, 4 + 2)


def test_threads_that_start_together_make_the_tables_once(opened: Opened) -> None:
    engines = [opened(history) for history in HISTORIES.values() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see_to_tables, engines))
    for history in HISTORIES.values():
        assert state(opened(None), history) == ("current", history.newest)


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_revisions_are_numbered_as_alembic_counts_them(history: History) -> None:
    """The number in the file's name says, without Alembic, that nothing is to be done."""
    folder = ROOT / "adapters" / "sql" / "migrations"
    script = ScriptDirectory(str(folder), version_locations=[str(folder / history.name)])
    assert script.get_heads() == [history.newest]
    assert tuple(r.revision for r in script.walk_revisions())[::-1] == history.revisions
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"r{revision.revision}_")
