"""The lists that `ingest` leaves: lines rejected, lines to see to; safe to open in a spreadsheet."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from edge.ingest.lines import ReadLine

# What a spreadsheet takes for a formula: at the beginning, or where it may split the text at another separator.
_FORMULA = re.compile(r"\A(?=[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])|\A(?=[\t\r\n])")
_FORMULA_WITHIN = re.compile(
    r"(?<=[;\t\r\n|])(?=\s*\"*\s*(?:[=@\uff1d\uff20]|[+\-\uff0b\uff0d](?![\d.,]+(?:[;\t\r\n|]|\Z))))"
)


def harmless(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet would work out."""
    return _FORMULA_WITHIN.sub("'", _FORMULA.sub("'", text, count=1))


@dataclass
class LineList:
    """Lines of exports, each with a reason; the file is made when the first line is added.

    Without a path it is a new file in var/, named by `name` and the time, or the earlier one that says the same.
    """

    name: str
    path: Path | None
    now: datetime
    count: int = 0
    _file: IO[str] | None = None

    def __post_init__(self) -> None:
        self._given = self.path is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write down what was added; nothing is added afterwards. OSError, with the file's name: it takes no more."""
        file, self._file = self._file, None
        if file is not None:
            with self._named():
                file.close()
                self._keep_one()

    def _keep_one(self) -> None:
        """Of two lists in var/ that say the same, keep the earlier: the same files were read again."""
        if self._given or self.path is None:
            return
        content = self.path.read_bytes()
        for earlier in sorted(self.path.parent.glob(f"{self.name}-*.csv")):
            if earlier != self.path and earlier.stat().st_size == len(content) and earlier.read_bytes() == content:
                self.path.unlink()
                self.path = earlier
                return

    @property
    def made(self) -> str | None:
        """The file's path; None if there was nothing to list."""
        return str(self.path) if self.path and self.count else None

    def add(self, file: str, line: ReadLine, reason: str) -> None:
        """Write one line with the reason why it stands here; the first one makes the file. OSError as in `close`."""
        with self._named():
            if self._file is None:
                self._file = self._open()
                csv.writer(self._file).writerow(("file", "line", "reason", "text"))
            self.count += 1
            csv.writer(self._file).writerow((harmless(file), line.number, harmless(reason), harmless(line.text)))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of a disk bear the file's name only if it was being opened."""
        try:
            yield
        except OSError as problem:
            if problem.filename is None:
                problem.filename = str(self.path)
            raise

    def _open(self) -> IO[str]:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        folder, tries = Path("var"), 0
        folder.mkdir(exist_ok=True)
        while True:  # another run may have ended in the same second
            tries += 1
            self.path = folder / f"{self.name}-{self.now:%Y%m%d-%H%M%S}{f'-{tries}' if tries > 1 else ''}.csv"
            try:
                return self.path.open("x", encoding="utf-8", errors="backslashreplace", newline="")
            except FileExistsError:
                continue
