"""Commands for the tables of register and billing book: database current, database upgrade."""

from typing import Any

import typer

from edge.session import AsJson, Session, run
from edge.terminal import Printer

_STATES = {
    "empty": "空 empty: the first command or worker makes the tables",
    "unversioned": "旧库 from before there were revisions: taken over by itself",
    "behind": "待升级 behind: brought up to date by itself",
    "current": "最新 current",
    "newer": "较新 newer than this program, which refuses to work on it",
}

database = typer.Typer(help="数据库: the tables of register and billing book")


@database.command("current")
def _current(as_json: AsJson = False) -> None:
    """现状: at which revision they are, and which this program has; nothing is changed."""

    async def act(session: Session) -> dict[str, Any]:
        return {"databases": [database.state()._asdict() for database in session.parts.databases]}

    run(as_json, act, _show)


@database.command("upgrade")
def _upgrade(as_json: AsJson = False) -> None:
    """升级: bring both up to date now, as the first worker to reach them would do."""

    async def act(session: Session) -> dict[str, Any]:
        before = [database.state().revision for database in session.parts.databases]
        after = [database.upgrade()._asdict() for database in session.parts.databases]
        return {"databases": [now | {"before": then} for then, now in zip(before, after, strict=True)]}

    run(as_json, act, _show)


def add_database_commands(app: typer.Typer, panel: str) -> None:
    """database current, database upgrade."""
    app.add_typer(database, name="database", rich_help_panel=panel)


def _show(result: dict[str, Any], out: Printer) -> None:
    out.table(
        "数据库 databases",
        ("库 database", "状态 state", "版本 revision", "程序版本 newest", "地址 address"),
        [(d["database"], _STATES[d["state"]], d["revision"], d["newest"], d["address"]) for d in result["databases"]],
    )
