"""Commands that open cases: demo, ingest, overdue."""

import importlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.closed_cuts import open_for_incidents
from client.problems import Problem
from composition.parts import NotEmbedded
from edge.ingest.announcer import CaseAnnouncer
from edge.ingest.ingest import ingest
from edge.ingest.lines import refusals
from edge.ingest.overdue import open_overdue
from edge.session import AsJson, Session, end_with, run
from edge.terminal import Printer, bars

_PANEL = "Start"
_OPENING = "立案、通知案件 opening cases"


def add_start_commands(app: typer.Typer) -> None:
    """demo, ingest and overdue, in this order in the help."""
    for name, command in (("demo", _demo), ("ingest", _ingest), ("overdue", _overdue)):
        app.command(name, rich_help_panel=_PANEL)(command)


def _demo(
    keep: Annotated[bool, typer.Option("--keep", help="leave the server and the worker running at the end")] = False,
    as_json: AsJson = False,
) -> None:
    """演示: the whole thing on this machine, weeks in a minute."""
    # Loaded on demand: it brings a server and a test environment, which no other command needs.
    raise typer.Exit(importlib.import_module("edge.demo").run(keep=keep, as_json=as_json))


def _ingest(
    files: Annotated[list[Path], typer.Argument(help="billing exports: CSV or JSON lines", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would do, and do nothing")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="where rejected lines go, warnings beside it; left out, new files in var/")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """导入: customers, bills, payments → the embedded billing book, and cases and signals.

    What spreadsheets make of an export is read as it was meant, or its line is rejected with the reason. Ids that
    differ only in case, width, blanks or dashes, and accounts with one meter, are listed as warnings; it exits 0.
    """
    refused: list[str] = []

    async def act(session: Session) -> dict[str, Any]:
        try:
            book = session.parts.book
        except NotEmbedded as problem:
            raise Problem("NotEmbedded", f"nothing was read: {problem}") from problem
        if len(none := refusals(files)) == len(files):  # said at once: no server is needed to see it
            raise Problem("FileRefused", "\n".join(none), {"files": none})
        client = await (session.server_client() if dry_run else session.opening_client())
        policies = session.parts.policies
        with bars({"announce": _OPENING}) as (progress, say):
            report = await ingest(
                files,
                book,
                CaseAnnouncer(client, policies, session.settings.task_queue),
                now=session.now(),
                policies=policies,
                dry_run=dry_run,
                progress=progress,
                say=say,
                reject_path=rejects,
                closed_cases=lambda accounts: open_for_incidents(
                    client,
                    book,
                    session.parts.reader,
                    session.now(),
                    session.settings.task_queue,
                    session.parts.policy.may_stay_unpaid,
                    accounts,
                ),
            )
        refused.extend(report.refused_files)
        return report.model_dump(mode="json") | ({"dry_run": True} if dry_run else {})

    def show(result: dict[str, Any], out: Printer) -> None:
        if dry_run:
            out.say(
                "试运行，仅写拒收、警告清单 Dry run: nothing was written but the lists of refused lines and warnings."
            )
        out.fields(
            (label, str(result[key]) if result[key] is not None else None)
            for label, key in (
                ("行数 lines", "lines"),
                ("接受 accepted", "accepted"),
                ("重复 duplicates", "duplicates"),
                ("拒绝 rejected", "rejected"),
                ("拒绝清单 reject file", "reject_file"),
                ("警告清单 warnings", "warnings"),
                ("新立案 cases opened", "cases_opened"),
                ("并入在办 cases joined", "cases_joined"),
                ("缴费信号 payments signalled", "payments_signalled"),
            )
        )

    run(as_json, act, show)
    end_with([Problem("FileRefused", "\n".join(refused), {"files": refused})] if refused else [], as_json)


def _overdue(
    accounts: Annotated[
        list[str] | None, typer.Argument(help="户号 account ids; none means all", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """查欠立案: ask the billing system who is overdue, and open or join their cases."""

    async def act(session: Session) -> dict[str, Any]:
        client = await session.opening_client()
        parts = session.parts
        queue, now = session.settings.task_queue, session.now()
        with bars({"overdue": _OPENING}) as (progress, _say):
            done = await open_overdue(
                client, parts.billing, parts.policies, queue, now, accounts or (), progress=progress
            )
        return asdict(done)

    def show(result: dict[str, Any], out: Printer) -> None:
        out.fields(
            (
                ("查询户数 asked", str(result["asked"])),
                ("新立案 cases opened", str(result["cases_opened"])),
                ("并入在办 cases joined", str(result["cases_joined"])),
            )
        )
        for account, why in result["not_opened"].items():
            out.say(f"  {account}: {why}")

    run(as_json, act, show)
