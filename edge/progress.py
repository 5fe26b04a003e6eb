"""A bar for each long piece of a command's work, on stderr; sentences stand above the bars."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def bars(titles: Mapping[str, str]) -> Iterator[tuple[Callable[[str, int, int], None], Callable[[str], None]]]:
    """What moves a bar (its name, done, total), and what says a sentence; `titles` by the names of bars."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    out = Console(stderr=True, highlight=False)
    with Progress(*columns, TimeRemainingColumn(), console=out, disable=not out.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(titles.get(what, what), total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield progress, lambda text: out.print(text, soft_wrap=True)
