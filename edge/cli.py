"""The command line: every command in one application, and the exit code of each way it can end."""

import os
import sys
from collections.abc import Sequence

import typer

from edge.cli_deliveries import add_delivery_commands
from edge.cli_doctor import add_doctor_command
from edge.cli_feed import add_feed_commands
from edge.cli_look import add_look_commands
from edge.cli_messages import add_message_commands
from edge.cli_operate import add_operate_commands
from edge.cli_policy import add_policy_commands
from edge.cli_report import add_report_commands
from edge.output import DONE, USAGE, Misused, print_problem


def application() -> typer.Typer:
    """All commands of the contract."""
    app = typer.Typer(
        help="欠费停复电 A power utility's arrears procedure, one durable case per overdue account.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    add_feed_commands(app)
    add_look_commands(app)
    add_delivery_commands(app)
    add_operate_commands(app)
    add_policy_commands(app)
    add_report_commands(app)
    add_doctor_command(app)
    add_message_commands(app)
    return app


def main(arguments: Sequence[str]) -> int:
    """Run one command: 0 done, 1 refused, 2 usage, 3 something needed is not there."""
    try:
        return application()(args=list(arguments) or ["--help"], standalone_mode=False) or DONE
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        return 130
    except typer.TyperException as problem:
        as_json = "--json" in arguments
        hint = "" if as_json else " (--help says how)"
        print_problem(Misused("Usage", problem.format_message() + hint), as_json)
        return USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; so be it
        return DONE
