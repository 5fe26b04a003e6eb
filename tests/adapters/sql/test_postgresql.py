"""PostgreSQL in particular: processes that start together, and a server that goes away and comes back."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, make_url, text

from activities.register import RegisterUnavailable
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import reading, see_to_tables
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, evidence, record


def test_workers_that_start_together_make_the_tables_once(postgresql_url: str) -> None:
    engines = [open_register(postgresql_url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda engine: SqlRegister(engine).write(record(evidence=(evidence(1),))), engines))
    assert len(WholeRegister(engines[0]).evidence(ACCOUNT)) == 1
    for engine in engines:
        engine.dispose()


def test_a_worker_that_may_not_make_tables_works_once_their_owner_has(postgresql_url: str) -> None:
    owner = open_register(postgresql_url)
    user = f"visitor_{os.getpid()}"
    theirs = open_register(make_url(postgresql_url).set(username=user).render_as_string(hide_password=False))
    with owner.execution_options(writing=True).begin() as connection:
        connection.execute(text(f"CREATE ROLE {user} LOGIN"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {user}"))
    with pytest.raises(RegisterUnavailable, match=r"this user may not.*database upgrade` as their owner"):
        SqlRegister(theirs).write(record())
    see_to_tables(owner)
    with owner.execution_options(writing=True).begin() as connection:
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}"))
    SqlRegister(theirs).write(record(evidence=(evidence(1),)))
    assert WholeRegister(theirs).verify(ACCOUNT).length == 1
    for engine in (owner, theirs):
        engine.dispose()


def test_a_connection_that_was_lost_is_replaced(postgresql_url: str) -> None:
    engine = open_register(postgresql_url)
    SqlRegister(engine).write(record())
    admin = create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    admin.dispose()
    assert WholeRegister(engine).case(ACCOUNT) is not None
    engine.dispose()


def test_a_connection_lost_in_the_middle_is_an_unavailable_register(postgresql_url: str) -> None:
    engine = open_register(postgresql_url)
    with pytest.raises(RegisterUnavailable, match="no answer from"), reading(engine) as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    engine.dispose()


def test_a_reader_sees_one_moment_though_a_writer_goes_on(postgresql_url: str) -> None:
    engine = open_register(postgresql_url)
    register = SqlRegister(engine)
    register.write(record(evidence=(evidence(1),)))
    with reading(engine) as connection:
        before = connection.execute(text("SELECT count(*) FROM evidence")).scalar()
        register.write(record(2, evidence=(evidence(2),)))
        assert connection.execute(text("SELECT count(*) FROM evidence")).scalar() == before == 1
    engine.dispose()
