"""What a command prints: its result on stdout for people or scripts, a refusal on stderr, progress as bars."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from client.problems import Problem

NARROW = 100
"""Columns of a terminal below which a table of many columns cannot be read."""
_FEW_COLUMNS = 3
PAPER_STATES = {"intact": "完好 intact", "missing": "缺失 missing", "changed": "被改动 CHANGED"}


class PatientConsole(Console):
    """Rich's console, which a reader that has gone does not end: what the command did decides its exit code."""

    def on_broken_pipe(self) -> None:
        """Write the rest to nobody, where Rich would end the process with 1."""
        nobody_reads(self.file)


def nobody_reads(stream: IO[str]) -> None:
    """Let the rest of this output go nowhere: its reader has closed the pipe, as `head` does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        nobody_reads(stream)


def print_json(result: Any) -> None:
    """One JSON object on stdout."""
    _write(sys.stdout, json.dumps(to_jsonable_python(result), ensure_ascii=False) + "\n")


def print_problem(problem: Problem, as_json: bool) -> None:
    """The refusal on stderr: {"type", "message", "field"?, …} or a sentence."""
    if as_json:
        body = {"type": problem.type, "message": problem.message} | problem.details
        _write(sys.stderr, json.dumps(to_jsonable_python(body), ensure_ascii=False) + "\n")
        return
    hints = "".join(f" [{key}: {value}]" for key, value in problem.details.items() if isinstance(value, str))
    _write(sys.stderr, f"{problem.type}: {problem.message}{hints}\n")


@dataclass(frozen=True)
class Printer:
    """Shows a result to people: tables, labelled values, sentences; times in `zone`, else in this machine's."""

    zone: ZoneInfo | None = None

    def when(self, moment: datetime | str | None) -> str:
        """A time to the minute; a text that is no time stays as it is."""
        if moment is None:
            return ""
        try:
            at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        except ValueError:
            return str(moment)
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    @staticmethod
    def say(text: str, *, soft_wrap: bool = False) -> None:
        """A sentence."""
        _console().print(text, markup=False, soft_wrap=soft_wrap)

    @staticmethod
    def table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "无 none") -> None:
        """A table, with empty cells for what is not there; without a row, the title and the sentence `empty`.

        A terminal narrower than `NARROW` gets a block for each row, for a table would fold ids and commands in it.
        """
        out, lines = _console(), [["" if cell is None else str(cell) for cell in row] for row in rows]
        if not lines:
            out.print(f"{title}: {empty}", markup=False, soft_wrap=True)
            return
        if out.width < NARROW and len(headers) > _FEW_COLUMNS:
            out.print(title, markup=False, soft_wrap=True)
            for number, line in enumerate(lines, start=1):
                out.print(f"── {number}/{len(lines)} ──", markup=False)
                out.print(_block(headers, line), markup=False, soft_wrap=True)
            return
        table = Table(title=title, title_justify="left")
        for header in headers:
            table.add_column(header, overflow="fold")  # an id cut short cannot be copied
        for line in lines:
            table.add_row(*map(Text, line))  # what people wrote is no markup
        out.print(table)

    @staticmethod
    def fields(fields: Iterable[tuple[str, object]]) -> None:
        """Labelled values, one a line; what is empty is left out."""
        table = Table.grid(padding=(0, 2))
        for label, value in fields:
            if value not in (None, "", [], {}):
                table.add_row(label, Text(str(value)))
        if table.row_count:
            _console().print(table)


def _block(headers: Sequence[str], line: Sequence[str]) -> str:
    """One row as labelled lines, without those that say nothing; each id stands whole on one line."""
    there = [(header, value) for header, value in zip(headers, line, strict=True) if value]
    width = max((cell_len(header) for header, _ in there), default=0)
    indent = "\n" + " " * (width + 2)
    return "\n".join(
        f"{header}{' ' * (width - cell_len(header))}  {value.replace(chr(10), indent)}" for header, value in there
    )


def _console() -> Console:
    """Where tables go; wide enough for a pipe not to fold them."""
    return PatientConsole(width=None if sys.stdout.isatty() else 160, highlight=False)


@contextmanager
def bars(titles: Mapping[str, str]) -> Iterator[tuple[Callable[[str, int, int], None], Callable[[str], None]]]:
    """What moves a bar (its name, done, total), and what says a sentence.

    Bars that have a title count something, and show how many of how many; those named after a file count its bytes.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    out = PatientConsole(stderr=True, highlight=False)
    with Progress(*columns, TimeRemainingColumn(), console=out, disable=not out.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            """Move the bar of that name, and begin it if it is not there yet."""
            if what not in tasks:
                tasks[what] = shown.add_task(titles.get(what, what), total=total)
            counted = f"{titles[what]} {done:,}/{total:,}" if what in titles else what
            shown.update(tasks[what], completed=done, total=total, description=counted)

        yield progress, lambda text: out.print(text, soft_wrap=True)
