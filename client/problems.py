"""Problems: why a program could not do what was asked, as a type, a sentence and an exit code."""

from collections.abc import Mapping
from typing import Any

DONE, REFUSED, USAGE, NOT_THERE = 0, 1, 2, 3


class Problem(Exception):
    """A command could not do what was asked; `type` is for scripts, the message a sentence for people."""

    exit_code = REFUSED

    def __init__(self, type_: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.details = dict(details or {})


class NotThere(Problem):
    """Something needed is not there: Temporal, a worker, billing, the register."""

    exit_code = NOT_THERE


class Misused(Problem):
    """The command line or the configuration is wrong."""

    exit_code = USAGE
