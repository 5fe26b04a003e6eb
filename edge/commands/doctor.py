"""The command doctor: what is wrong with a set-up, part by part, and what to do about it."""

import asyncio

import typer

from client.problems import NOT_THERE, NotThere
from composition.logs import configure_logging
from composition.settings.checkup import read_settings
from composition.settings.fields import ConfigurationError
from edge.doctor import Doctor
from edge.doctor.finding import Finding
from edge.session import AsJson
from edge.terminal import Printer, print_json, print_problem

_STATES = {"ok": "✓ 正常 ok", "warning": "! 注意 warning", "broken": "✗ 故障 broken"}


def add_doctor_command(app: typer.Typer) -> None:
    """doctor, beside what else an operator does."""
    app.command("doctor", rich_help_panel="Operate")(_doctor)


def _doctor(as_json: AsJson = False) -> None:
    """体检: what is wrong with this set-up, part by part, and what to do; changes nothing."""
    try:
        read = read_settings()
    except ConfigurationError as problem:
        print_problem(problem, as_json)
        raise typer.Exit(problem.exit_code) from problem
    configure_logging(read.settings.log_format)
    findings = asyncio.run(Doctor(read).examine())
    faults = sorted({finding.part for finding in findings if finding.state == "broken"})
    if as_json:
        states = {finding.state for finding in findings}
        worst = next(state for state in ("broken", "warning", "ok") if state in states)
        print_json({"state": worst, "parts": [vars(finding) for finding in findings]})
    else:
        _show(findings, Printer())
    if faults:
        print_problem(NotThere("SomethingBroken", f"broken: {', '.join(faults)}", {"parts": faults}), as_json)
        raise typer.Exit(NOT_THERE)


def _show(findings: tuple[Finding, ...], out: Printer) -> None:
    out.table(
        "体检 Doctor",
        ("部分 part", "状态 state", "情况 what is so", "怎么办 what to do"),
        ((finding.part, _STATES[finding.state], finding.says, finding.do) for finding in findings),
    )
    if all(finding.state == "ok" for finding in findings):
        out.say("一切正常 All is well.")
