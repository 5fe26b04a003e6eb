"""`database current`, `database upgrade`, and what the other commands say of a database that is old, or too new."""

import json
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from adapters.billing.tables import BILLING
from adapters.register.tables import REGISTER
from adapters.sql.engine import open_engine
from tests.edge.commands.test_application import Cli
from tests.edge.commands.test_application import cli as bare_cli
from tests.support.earlier_databases import make
from tests.support.register_records import ACCOUNT

__all__ = ["bare_cli"]


@pytest.fixture
def cli(bare_cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with register and billing book in one database, of either kind."""
    for name in ("ARREARS_REGISTER_URL", "ARREARS_BILLING_URL"):
        monkeypatch.setenv(name, database_url)
    return bare_cli


@pytest.fixture
def engine(cli: Cli) -> Iterator[Engine]:
    """Reads the register past the program."""
    del cli  # its environment is set first
    engine = open_engine(os.environ["ARREARS_REGISTER_URL"]).execution_options(writing=True)
    yield engine
    engine.dispose()


def newer(connection: Connection) -> None:
    """As a later version of the program leaves a register."""
    connection.execute(text("UPDATE register_version SET version_num = '9999'"))


async def test_databases_are_brought_up_by_command_and_only_then_changed(cli: Cli) -> None:
    assert [d["state"] for d in (await cli("database", "current", "--json")).result["databases"]] == ["empty", "empty"]
    upgraded = (await cli("database", "upgrade", "--json")).result["databases"]
    assert [(d["database"], d["state"], d["before"], d["revision"]) for d in upgraded] == [
        ("register", "current", None, REGISTER.newest),
        ("billing", "current", None, BILLING.newest),
    ]
    again = (await cli("database", "upgrade", "--json")).result["databases"]
    assert [d["before"] for d in again] == [REGISTER.newest, BILLING.newest]
    said = (await cli("database", "current")).out
    assert said.count("current") >= 2
    assert "trust" not in said


async def test_the_proof_of_an_old_case_is_as_intact_as_it_was_and_tampering_shows(cli: Cli, engine: Engine) -> None:
    make(engine, "register-first")
    assert (await cli("database", "current", "--json")).result["databases"][0]["state"] == "unversioned"
    proof = (await cli("proof", ACCOUNT, "--json")).result
    assert proof["record"]["intact"] is True
    assert proof["record"]["length"] == 4
    with engine.begin() as connection:
        on_postgresql = engine.dialect.name == "postgresql"
        guard = "evidence_append_only ON evidence" if on_postgresql else "evidence_no_update"
        connection.execute(text(f"DROP TRIGGER {guard}"))
        connection.execute(text("UPDATE evidence SET place = 1 WHERE seq = 3"))
    tampered = await cli("proof", ACCOUNT, "--json")
    record = json.loads(tampered.out)["record"]
    assert (tampered.code, record["intact"], record["broken_at"]) == (1, False, 3)


async def test_every_command_keeps_away_from_a_register_that_is_newer(cli: Cli, engine: Engine) -> None:
    await cli("database", "upgrade")
    with engine.begin() as connection:
        newer(connection)
    for command in (["list"], ["proof", ACCOUNT], ["database", "upgrade"], ["worklist", "--role", "reader"]):
        ended = await cli(*command, "--json")
        assert ended.code == 3
        assert ended.refusal["type"] == "RegisterUnavailable"
        assert "made by a later version of this program" in ended.refusal["message"]
    looked = (await cli("database", "current", "--json")).result["databases"]
    assert [(d["state"], d["revision"]) for d in looked] == [("newer", "9999"), ("current", BILLING.newest)]


async def test_a_database_that_is_down_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_BILLING_URL", "postgresql://billing:wrong-horse@127.0.0.1:1/billing")
    for command in ("current", "upgrade"):
        ended = await cli("database", command, "--json")
        assert (ended.code, ended.refusal["type"]) == (3, "BillingUnavailable")
        assert "wrong-horse" not in ended.err
