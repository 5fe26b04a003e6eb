"""Evidence is only ever added to, and whoever changes it past the database's guard is found out."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from adapters.register.chain import EVIDENCE, HEADS, START, link
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import writing
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, evidence, record


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    SqlRegister(engine).write(record(evidence=tuple(evidence(n) for n in range(1, 6))))
    yield engine
    engine.dispose()


def unguard(connection: Connection) -> None:
    """What a tamperer with the database's own password would do first."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP TRIGGER evidence_append_only ON evidence"))
        return
    for name in ("update", "delete", "replace"):
        connection.execute(text(f"DROP TRIGGER evidence_no_{name}"))


def test_an_untouched_chain_is_intact(engine: Engine) -> None:
    verdict = WholeRegister(engine).verify(ACCOUNT)
    assert (verdict.intact, verdict.length, verdict.broken_at) == (True, 5, None)
    assert verdict.head == WholeRegister(engine).verify(ACCOUNT).head != START


def test_an_account_that_was_never_heard_of_has_nothing_to_break(engine: Engine) -> None:
    verdict = WholeRegister(engine).verify("unheard-of")
    assert (verdict.intact, verdict.length) == (True, 0)


def test_what_is_known_already_is_skipped_without_a_gap(engine: Engine) -> None:
    register, reader = SqlRegister(engine), WholeRegister(engine)
    register.write(record(2, evidence=(evidence(5), evidence(6), evidence(6), evidence(3), evidence(7))))
    assert [e.key for e in reader.evidence(ACCOUNT)] == [evidence(n).key for n in range(1, 8)]
    assert [e.seq for e in reader.evidence(ACCOUNT)] == list(range(1, 8))
    assert reader.verify(ACCOUNT).intact


@pytest.mark.parametrize(
    "statements",
    [
        {"both": "UPDATE evidence SET what = 'nothing' WHERE seq = 2"},
        {"both": "DELETE FROM evidence WHERE seq = 5"},
        {
            "sqlite": "INSERT OR REPLACE INTO evidence SELECT * FROM evidence WHERE seq = 2",
            "postgresql": "TRUNCATE evidence",
        },
    ],
    ids=["update", "delete", "at_one_stroke"],
)
def test_the_database_itself_refuses_to_change_evidence(engine: Engine, statements: dict[str, str]) -> None:
    statement = statements.get("both") or statements[engine.dialect.name]
    with pytest.raises(DBAPIError, match="only ever added to"), writing(engine) as connection:
        connection.execute(text(statement))
    assert len(WholeRegister(engine).evidence(ACCOUNT)) == 5


def edit(connection: Connection) -> None:
    connection.execute(text("UPDATE evidence SET detail = replace(detail, '128.50', '1.00') WHERE seq = 3"))


def edit_time(connection: Connection) -> None:
    connection.execute(text("UPDATE evidence SET at = (SELECT at FROM evidence WHERE seq = 1) WHERE seq = 3"))


def edit_and_rehash(connection: Connection) -> None:
    line = dict(connection.execute(select(EVIDENCE).where(EVIDENCE.c.seq == 3)).mappings().one())
    line["actor_id"] = "somebody else"
    connection.execute(
        text("UPDATE evidence SET actor_id = :a, hash = :h WHERE seq = 3"), {"a": "somebody else", "h": link(line)}
    )


def edit_and_mend_the_next_link(connection: Connection) -> None:
    edit_and_rehash(connection)
    connection.execute(text("UPDATE evidence SET prev_hash = (SELECT hash FROM evidence WHERE seq = 3) WHERE seq = 4"))


def delete_one(connection: Connection) -> None:
    connection.execute(text("DELETE FROM evidence WHERE seq = 3"))


def delete_and_close_the_gap(connection: Connection) -> None:
    delete_one(connection)
    for seq in (4, 5):
        connection.execute(text("UPDATE evidence SET seq = :to WHERE seq = :seq"), {"seq": seq, "to": seq - 1})


def swap(connection: Connection) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        connection.execute(text("UPDATE evidence SET seq = :new WHERE seq = :old"), {"old": old, "new": new})


def put_in_between(connection: Connection) -> None:
    for seq in (5, 4, 3):
        connection.execute(text("UPDATE evidence SET seq = :to WHERE seq = :seq"), {"seq": seq, "to": seq + 1})
    forged(connection, 3)


def put_at_the_end(connection: Connection) -> None:
    forged(connection, 6)


def forged(connection: Connection, seq: int) -> None:
    before = dict(connection.execute(select(EVIDENCE).where(EVIDENCE.c.seq == seq - 1)).mappings().one())
    line = before | {"seq": seq, "key": "forged", "what": "approval.given", "prev_hash": before["hash"]}
    line["hash"] = link(line)
    connection.execute(insert(EVIDENCE), [line])


def cut_off_the_tail(connection: Connection) -> None:
    connection.execute(text("DELETE FROM evidence WHERE seq > 3"))


def delete_all(connection: Connection) -> None:
    connection.execute(text("DELETE FROM evidence"))


def delete_all_with_the_head(connection: Connection) -> None:
    delete_all(connection)
    connection.execute(text("DELETE FROM chain_heads"))


def move_to_another_account(connection: Connection) -> None:
    connection.execute(text("UPDATE evidence SET account_id = 'other' WHERE seq = 5"))


@pytest.mark.parametrize(
    ("tamper", "broken_at"),
    [
        (edit, 3),
        (edit_time, 3),
        (edit_and_rehash, 4),
        (edit_and_mend_the_next_link, 4),
        (delete_one, 3),
        (delete_and_close_the_gap, 3),
        (swap, 3),
        (put_in_between, 4),
        (put_at_the_end, 6),
        (cut_off_the_tail, 4),
        (delete_all, 1),
        (delete_all_with_the_head, 1),
        (move_to_another_account, 5),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_tampering_is_found_where_it_happened(
    engine: Engine, tamper: Callable[[Connection], None], broken_at: int
) -> None:
    with writing(engine) as connection:
        unguard(connection)
        tamper(connection)
    verdict = WholeRegister(engine).verify(ACCOUNT)
    assert (verdict.intact, verdict.broken_at) == (False, broken_at)
    assert verdict.reason_zh
    assert verdict.reason_en


def test_a_chain_rebuilt_whole_is_found_by_a_head_noted_down_before(engine: Engine) -> None:
    reader = WholeRegister(engine)
    noted = reader.verify(ACCOUNT)
    with writing(engine) as connection:
        unguard(connection)
        lines = [dict(line) for line in connection.execute(select(EVIDENCE).order_by(EVIDENCE.c.seq)).mappings()]
        last = START
        for line in lines:
            line |= {"actor_id": "somebody else", "prev_hash": last}
            last = line["hash"] = link(line)
        delete_all(connection)
        connection.execute(insert(EVIDENCE), lines)
        connection.execute(HEADS.update().values(hash=last))
    assert reader.verify(ACCOUNT).intact
    verdict = reader.verify(ACCOUNT, (noted.length, noted.head))
    assert (verdict.intact, verdict.broken_at) == (False, 5)


def test_many_writers_of_one_account_make_one_chain(engine: Engine) -> None:
    register = SqlRegister(engine)

    def write(writer: int) -> None:
        for n in range(5):
            own, shared = evidence(100 + 10 * writer + n), evidence(1000 + n)
            register.write(record(2, evidence=(own, shared)))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    reader = WholeRegister(engine)
    lines = reader.evidence(ACCOUNT)
    assert len(lines) == 5 + 6 * 5 + 5
    assert [e.seq for e in lines] == list(range(1, len(lines) + 1))
    assert reader.verify(ACCOUNT).intact
