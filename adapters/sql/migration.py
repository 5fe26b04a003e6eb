"""Brings a database to the tables that this program knows: by itself when first reached, or by command."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple

import structlog
from sqlalchemy import Connection, Engine, MetaData, Table, column, inspect, select, table
from sqlalchemy.exc import ProgrammingError

from adapters.sql.engine import UnusableDatabase, as_it_is, see_to_tables

log = structlog.get_logger()

_FOLDER = Path(__file__).resolve().parent / "migrations"
_NOT_PERMITTED = "42501"  # PostgreSQL's code for it
_one_at_a_time = Lock()  # Alembic keeps what it is working on in globals of its modules

State = Literal["empty", "unversioned", "behind", "current", "newer"]


class DatabaseState(NamedTuple):
    """Where a database stands; `revision` is None while it has none: it is empty, or was made before there were any."""

    database: str
    address: str
    state: State
    revision: str | None
    newest: str


@dataclass(frozen=True)
class History:
    """The tables of one database, and the revisions that lead to them: `migrations/<name>/r0001_….py` and so on.

    Histories do not meet: each keeps its revision in a table of its own, so both may lie in one database.
    """

    name: str
    tables: MetaData

    @cached_property
    def revisions(self) -> tuple[str, ...]:
        """All that this program knows, oldest first."""
        return tuple(sorted(path.name[1:5] for path in (_FOLDER / self.name).glob("r[0-9]*.py")))

    @property
    def newest(self) -> str:
        """The revision that the program's tables are at."""
        return self.revisions[-1]

    @property
    def version_table(self) -> str:
        """Where Alembic keeps the revision."""
        return f"{self.name}_version"

    def revision(self, connection: Connection) -> str | None:
        """What the database says its revision is."""
        if not inspect(connection).has_table(self.version_table):
            return None
        revision: str | None = connection.scalar(select(column("version_num")).select_from(table(self.version_table)))
        return revision

    def state(self, connection: Connection) -> State:
        """Where the database stands."""
        revision = self.revision(connection)
        if revision is None:
            there = set(inspect(connection).get_table_names())
            return "unversioned" if there & set(self.tables.tables) else "empty"
        if revision not in self.revisions:
            return "newer"
        return "current" if revision == self.newest else "behind"

    def is_current(self, connection: Connection) -> bool:
        """Whether nothing is to be done. UnusableDatabase: a later version of the program has been here."""
        revision = self.revision(connection)
        if revision is not None and revision not in self.revisions:
            raise UnusableDatabase(
                f"the {self.name} is at revision {revision}, made by a later version of this program; this one knows"
                f" those up to {self.newest}. Nothing was read or written. Run the later version, or restore the backup"
                " from before it"
            )
        return revision == self.newest

    def bring_up(self, connection: Connection) -> None:
        """Take every step that is missing, within the transaction of the connection: all of them, or none.

        UnusableDatabase: tables of those names are there, and are not ours; or we may not change them.
        """
        if self.is_current(connection):  # another was quicker
            return
        before, revision = self.state(connection), self.revision(connection)
        if before == "unversioned":
            self._refuse_strangers(connection, _columns_to_find_rows_by)
        try:
            with _one_at_a_time:
                take_the_steps(connection, self)
        except ProgrammingError as problem:
            if getattr(problem.orig, "sqlstate", None) != _NOT_PERMITTED:
                raise
            raise UnusableDatabase(
                f"the tables of the {self.name} must be made or changed, and this user may not. Nothing was changed."
                " Run `python starter.py database upgrade` as their owner"
            ) from problem
        if before == "unversioned":
            self._refuse_strangers(connection, _all_columns)
        if before != "empty":
            log.info("database.upgraded", database=self.name, revision=self.newest, before=revision or before)

    def _refuse_strangers(self, connection: Connection, needed: Callable[[Table], set[str]]) -> None:
        inspector = inspect(connection)
        there = set(inspector.get_table_names())
        for name, ours in self.tables.tables.items():
            if name not in there:
                continue
            if missing := needed(ours) - {found["name"] for found in inspector.get_columns(name)}:
                raise UnusableDatabase(
                    f"its table {name} has no column {', '.join(sorted(missing))}, so this program did not make it."
                    f" Nothing was changed. Give the {self.name} a database of its own"
                )


def _columns_to_find_rows_by(ours: Table) -> set[str]:
    """Those that a table of ours has had from its first day."""
    indexed = (column.name for index in ours.indexes for column in index.columns if not column.info.get("added_later"))
    return {column.name for column in ours.primary_key} | set(indexed)


def _all_columns(ours: Table) -> set[str]:
    return {column.name for column in ours.columns}


def take_the_steps(connection: Connection, history: History, to: str = "head") -> None:
    """Run the revisions that are missing up to that one, by Alembic."""
    # Loaded on demand: a database is brought up once, and the commands that find it so are many.
    from alembic import command
    from alembic.config import Config

    handed = {"connection": connection, "version_table": history.version_table}
    config = Config(attributes=handed)
    for option, value in (
        ("script_location", _FOLDER),
        ("version_locations", _FOLDER / history.name),
        ("path_separator", "newline"),
    ):
        config.set_main_option(option, str(value).replace("%", "%%"))
    command.upgrade(config, to)


@dataclass(frozen=True)
class Database:
    """A database for those who operate it; what cannot be reached, or is newer than the program, is `unavailable`."""

    engine: Engine
    history: History
    unavailable: Callable[[str], Exception]

    def state(self) -> DatabaseState:
        """Where it stands; nothing is changed."""
        with as_it_is(self.engine, self.unavailable) as connection:
            state, revision = self.history.state(connection), self.history.revision(connection)
        address = self.engine.url.render_as_string(hide_password=True)
        return DatabaseState(self.history.name, address, state, revision, self.history.newest)

    def upgrade(self) -> DatabaseState:
        """Bring it up to date, and say where it stands then; again, nothing is left to do."""
        see_to_tables(self.engine, self.unavailable)
        return self.state()
