"""What a database's own fault says is to be done: only one that is down is to be started."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, event, make_url, text

from activities.register import RegisterUnavailable
from adapters.register.writing import SqlRegister, open_register, open_register_to_read
from adapters.sql.advice import what_to_do
from adapters.sql.engine import reading, writing
from tests.support.register_records import evidence, record

START = "Start the database"


def said(act: Callable[[], object]) -> str:
    """The sentence of the refusal."""
    with pytest.raises(RegisterUnavailable) as refused:
        act()
    return str(refused.value)


def write(engine: Engine) -> None:
    """Write a record, which needs room and rights."""
    SqlRegister(engine).write(record(evidence=(evidence(1),)))


def test_a_full_disk_is_to_be_given_room(tmp_path: Path) -> None:
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    write(engine)
    pages = []
    with closing(sqlite3.connect(tmp_path / "register.db")) as database:
        pages.append(database.execute("pragma page_count").fetchone()[0])
    engine.dispose()

    @event.listens_for(engine, "connect")
    def no_more_room(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"pragma max_page_count={pages[0]}")

    big = record(evidence=tuple(evidence(n, detail={"text": "x" * 9_000}) for n in range(2, 9)))
    sentence = said(lambda: SqlRegister(engine).write(big))
    assert "is full. Make room on that disk" in sentence
    assert START not in sentence
    engine.dispose()


@pytest.mark.parametrize("place", ["a-folder", "a-file/below/register.db"])
def test_what_cannot_be_opened_is_a_matter_of_rights_and_path(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-file").touch()
    engine = open_register(f"sqlite:///{tmp_path / place}")
    sentence = said(lambda: write(engine))
    assert "the right to read and write it and its folder, or correct the path" in sentence
    assert START not in sentence


def test_what_may_only_be_read_is_a_matter_of_rights(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    made = open_register(url)
    write(made)
    made.dispose()
    engine = open_register_to_read(url)
    assert "readonly database. See whether the file is there; give this program's user the right" in said(
        lambda: write(engine)
    )
    engine.dispose()


def test_a_lock_is_held_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.sql.engine.LOCK_WAIT_SECONDS", 0.1)
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    write(engine)
    with closing(sqlite3.connect(tmp_path / "register.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        engine.dispose()
        assert "is locked. Another program holds the file" in said(lambda: write(engine))
    engine.dispose()


def test_a_file_that_is_no_database_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "register.db").write_text("this is a letter, and no database" * 100, "utf-8")
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    sentence = said(lambda: write(engine))
    assert "not a database. Correct the path" in sentence
    assert "section 5" in sentence
    engine.dispose()


def test_a_server_that_is_down_is_to_be_started() -> None:
    engine = open_register("postgresql://register:b7e2f4a90c@127.0.0.1:1/register")
    assert START in said(lambda: write(engine))


def test_a_server_that_answers_says_what_it_lacks(postgresql_url: str) -> None:
    there = make_url(postgresql_url)

    def at(changed: URL) -> str:
        engine = open_register(changed.render_as_string(hide_password=False))
        try:
            return said(lambda: write(engine))
        finally:
            engine.dispose()

    assert "Create that database" in at(there.set(database="nowhere"))
    assert "Correct the user and the password" in at(there.set(username="nobody-of-that-name"))
    assert START in at(there.set(port=1))
    engine = open_register(postgresql_url)
    write(engine)

    def standby() -> None:
        with writing(engine) as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text("DELETE FROM cases"))

    assert "the address of the database that takes writes" in said(standby)

    def without_rights() -> None:
        with writing(engine) as connection:
            connection.execute(text("CREATE ROLE a_reader"))
            connection.execute(text("GRANT USAGE ON SCHEMA public TO a_reader"))
            connection.execute(text("SET LOCAL ROLE a_reader"))
            connection.execute(text("SELECT count(*) FROM cases"))

    assert "Give its user the right" in said(without_rights)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM cases")) is not None
    engine.dispose()


@pytest.mark.parametrize(
    ("dialect", "reason", "state", "do"),
    [
        ("sqlite", "disk I/O error", None, "See to the disk"),
        ("sqlite", "attempt to write a readonly database", None, "See whether the file is there"),
        ("sqlite", "[Errno 30] Read-only file system: '/srv/var'", None, "See whether the file is there"),
        ("sqlite", "[Errno 28] No space left on device: '/srv/var'", None, "Make room"),
        ("sqlite", "another write took more than 10 s", None, "Another program holds the file"),
        ("sqlite", "database disk image is malformed", None, "Correct the path in its address; if it is right"),
        ("sqlite", "something that nobody has seen", None, "See to the file and its folder"),
        ("postgresql", 'could not extend file "base/5": No space left on device', "53100", "Make room"),
        ("postgresql", "canceling statement due to lock timeout", "55P03", "Another program holds a lock"),
        ("postgresql", "the database system is starting up", "57P03", "Start the database, or wait"),
        ("postgresql", "QueuePool limit of size 5 overflow 20 reached", None, "More is asked at once"),
        ("postgresql", "connection slots are reserved", None, "It has no free connection"),
        ("postgresql", "server closed the connection unexpectedly", None, START),
    ],
)
def test_each_fault_has_its_own_remedy(dialect: str, reason: str, state: str | None, do: str) -> None:
    assert what_to_do(dialect, reason, state).startswith(do)
