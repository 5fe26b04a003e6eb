"""Commands for operators: schedules install, anchor, papers-again, close-row; others have files of their own."""

from datetime import datetime
from typing import Annotated, Any

import typer

from activities.anchor import AnchorBroken
from client.cases import checked
from client.problems import Misused, Problem
from client.schedules import (
    DAILY_SWEEP,
    EVIDENCE_ANCHOR,
    GOVERNMENT_REPORT,
    install_daily_sweep,
    install_evidence_anchor,
    install_government_report,
    time_of_day,
)
from client.search_attributes import ensure_search_attributes
from domain.vocabulary import Actor, Role
from edge.commands.database import add_database_commands
from edge.commands.moratorium import moratorium
from edge.operations.close_row import close_rows
from edge.operations.papers_again import print_again
from edge.session import Account, AsJson, Session, end_with, run
from edge.terminal import Printer
from edge.unwritable import cannot_write

_PANEL = "Operate"

schedules = typer.Typer(help="定时任务: what runs by itself")


@schedules.command("install")
def _install(
    at: Annotated[
        str | None,
        typer.Option(help="HH:MM in the policy's time zone; left out, what is installed keeps its hour, else 05:30"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """安装: daily sweep (III.2), monthly report (III.5), with ARREARS_ANCHOR anchoring; again, brought up to date."""
    try:
        # a time of day has no zone
        wanted = None if at is None else datetime.strptime(at, "%H:%M").timetuple()[3:5]  # noqa: DTZ007
    except ValueError:
        raise typer.BadParameter("must be a time such as 05:30", param_hint="--at") from None

    async def act(session: Session) -> dict[str, Any]:
        zone, queue = session.parts.policy.timezone, session.settings.task_queue
        client = await session.server_client()
        await ensure_search_attributes(client)
        # What is new goes with the sweep, whose hour somebody may have chosen.
        hour, minute = wanted or await time_of_day(client, DAILY_SWEEP) or (5, 30)
        keep = wanted is None
        how = await install_daily_sweep(client, queue, zone, hour, minute, keep=keep)
        result: dict[str, Any] = {"schedule": DAILY_SWEEP, "done": how, "timezone": zone}
        result["government_report"] = await install_government_report(client, queue, zone, hour, minute, keep=keep)
        names = [DAILY_SWEEP, GOVERNMENT_REPORT]
        if session.parts.anchor is not None:
            result["evidence_anchor"] = await install_evidence_anchor(client, queue, zone, hour, minute, keep=keep)
            names.append(EVIDENCE_ANCHOR)
        times = {name: _spelled(await time_of_day(client, name)) for name in names}
        return result | {"at": times[DAILY_SWEEP], "times": times}

    def show(result: dict[str, Any], out: Printer) -> None:
        done = {
            DAILY_SWEEP: f"{result['done']} (每日 daily)",
            GOVERNMENT_REPORT: f"{result['government_report']} (每月2日 on the 2nd)",
            EVIDENCE_ANCHOR: f"{result.get('evidence_anchor')} (每日 daily)",
        }
        names = {DAILY_SWEEP: "查费", GOVERNMENT_REPORT: "月报", EVIDENCE_ANCHOR: "锚定"}
        own = "时间照旧 as somebody set it: temporal schedule describe"
        out.fields(
            (f"{names[name]} {name}", f"{done[name]}, {at_ or own} {result['timezone']}")
            for name, at_ in result["times"].items()
        )

    run(as_json, act, show)


def _spelled(time: tuple[int, int] | None) -> str | None:
    return None if time is None else f"{time[0]:02}:{time[1]:02}"


def add_operate_commands(app: typer.Typer) -> None:
    """The commands of operating: moratoria, schedules, databases, anchor, papers and rows."""
    app.add_typer(moratorium, name="moratorium", rich_help_panel=_PANEL)
    app.add_typer(schedules, name="schedules", rich_help_panel=_PANEL)
    add_database_commands(app, _PANEL)
    app.command("anchor", rich_help_panel=_PANEL)(_anchor)
    app.command("papers-again", rich_help_panel=_PANEL)(_papers_again)
    app.command("close-row", rich_help_panel=_PANEL)(_close_row)


def _anchor(
    check: Annotated[bool, typer.Option("--check", help="only check what is anchored, and write nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """锚定: the head of every evidence chain into the signed file ARREARS_ANCHOR, outside the register."""
    rebuilt: list[str] = []

    async def act(session: Session) -> dict[str, Any]:
        try:
            return _anchored(session, check, rebuilt)
        except AnchorBroken as problem:
            raise Problem("AnchorBroken", str(problem)) from problem
        except OSError as problem:  # nothing is wrong with what is anchored: there is no place for more
            raise cannot_write(problem) or Problem("AnchorBroken", str(problem)) from problem

    def show(result: dict[str, Any], out: Printer) -> None:
        out.fields(
            (
                ("次数 number", result["number"]),
                ("时间 at", result["at"]),
                ("户数 accounts", str(result["accounts"])),
                ("记录条数 entries", str(result["entries"])),
                ("摘要 digest", result["heads"]),
                ("公钥 public key", result["public_key"]),
                ("被重建 rebuilt", ", ".join(rebuilt)),
            )
        )

    run(as_json, act, show)
    sentence = "the evidence of these accounts was rebuilt since it was anchored; proof shows where"
    end_with([Problem("ChainRebuilt", sentence, {"accounts": rebuilt})] if rebuilt else [], as_json)


def _anchored(session: Session, check: bool, rebuilt: list[str]) -> dict[str, Any]:
    place = session.parts.anchor
    if place is None:
        raise Misused("Configuration", "ARREARS_ANCHOR is not set: it names the file in which heads are anchored")
    if check:
        line = place.check()
    elif not place.signs:
        raise Misused("Configuration", "ARREARS_ANCHOR_KEY is not set: without it what is anchored can only be checked")
    else:
        line = place.anchor(session.now())
    if line is None:
        raise Problem("NotAnchored", f"nothing is anchored in {place.file.path}")
    rebuilt.extend(line.broken)
    return line.model_dump(mode="json") | {"public_key": place.public_keys[0]}


def _papers_again(
    account: Account,
    case: Annotated[str | None, typer.Option(help="the key of an earlier case; left out, the latest")] = None,
    as_json: AsJson = False,
) -> None:
    """补印: print a case's missing papers from the register; each is put back only if it is the same to the byte."""
    doubts: list[Problem] = []

    async def act(session: Session) -> dict[str, Any]:
        done = print_again(session.parts, account, case)
        doubts.extend(done.doubts())
        return done.as_result()

    def show(result: dict[str, Any], out: Printer) -> None:
        out.table(
            f"户号 {account} 的文书 Papers",
            ("文书 paper", "状态 state", "补印 printed again"),
            ((p["key"], p["state"], "✓" if p["printed_again"] else "") for p in result["papers"]),
            empty="本案尚无文书 the case has no papers yet",
        )

    run(as_json, act, show)
    end_with(doubts, as_json)


def _close_row(
    account: Account,
    reason: Annotated[str, typer.Option(help="why its case was ended in Temporal", show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who closes it", show_default=False)],
    role: Annotated[Role, typer.Option(help="that person's role")] = "operator",
    outcome: Annotated[str | None, typer.Option(help="what came of its open incidents, if it has any (III.4)")] = None,
    as_json: AsJson = False,
) -> None:
    """销行: take a case off the lists that somebody ended in Temporal; doctor names them."""

    async def act(session: Session) -> dict[str, Any]:
        actor = checked(Actor, {"id": by, "role": role})
        return await close_rows(session, account, actor, reason, outcome)

    def show(result: dict[str, Any], out: Printer) -> None:
        out.fields((("已销 closed", ", ".join(result["closed"])),))

    run(as_json, act, show)
