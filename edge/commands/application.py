"""The command line: every command in one application, and the exit code of each way it can end."""

import sys
from collections.abc import Callable, Sequence

import typer

from client.problems import DONE, USAGE, Misused
from edge.commands.deliveries import add_delivery_commands
from edge.commands.doctor import add_doctor_command
from edge.commands.interrupted import INTERRUPTED, interrupted
from edge.commands.messages import add_message_commands
from edge.commands.operate import add_operate_commands
from edge.commands.policy import add_policy_commands
from edge.commands.read import add_read_commands
from edge.commands.report import add_report_commands
from edge.commands.start import add_start_commands
from edge.terminal import nobody_reads, print_problem
from edge.unwritable import cannot_write

AddCommands = Callable[[typer.Typer], None]
"""Adds commands to the application; how a package above `edge` brings its own."""


def application(*others: AddCommands) -> typer.Typer:
    """All commands of the contract; `others` add those that do not live in `edge`."""
    app = typer.Typer(
        help="欠费停复电 A power utility's arrears procedure, one durable case per overdue account.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    add_start_commands(app)
    add_read_commands(app)
    add_delivery_commands(app)
    add_operate_commands(app)
    add_policy_commands(app)
    add_report_commands(app)
    add_doctor_command(app)
    add_message_commands(app)
    for add in others:
        add(app)
    return app


def main(arguments: Sequence[str], *others: AddCommands) -> int:
    """Run one command: 0 done, 1 refused, 2 usage, 3 something needed is not there, 130 interrupted."""
    as_json = "--json" in arguments
    try:
        code = application(*others)(args=list(arguments) or ["--help"], standalone_mode=False) or DONE
        if code == INTERRUPTED and (said := interrupted(arguments)):
            print_problem(said, as_json)
        return code
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as problem:
        hint = "" if as_json else " (--help says how)"
        print_problem(Misused("Usage", problem.format_message() + hint), as_json)
        return USAGE
    except SystemExit as ending:
        if not isinstance(ending.__context__, BrokenPipeError):
            raise
        # Typer's own text, a help, which nobody reads to its end; what commands print does not get here.
        nobody_reads(sys.__stdout__ or sys.stdout)
        return DONE
    except OSError as problem:
        if (refusal := cannot_write(problem)) is None:
            raise
        print_problem(refusal, as_json)
        return refusal.exit_code
