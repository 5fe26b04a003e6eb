"""Reads a billing export line by line, in any encoding and with any separator; names a bad line and reads on."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from edge.ingest.columns import COLUMNS, BadLine, Kind, Row, row_of
from edge.ingest.header import header_of, keys_of, members
from edge.ingest.physical import LONGEST_LINE, FileRefused, Quoting, Raw, blank, decoded, fields, physical_lines
from edge.ingest.plain import plain_stream

__all__ = ("Export", "FileRefused", "ReadLine", "open_export", "refusals")


class ReadLine(NamedTuple):
    """One line of data: its row, or the reason why it is rejected.

    `number` is the physical line it begins on, `text` the line as read, `end` how many bytes were read by then.
    """

    number: int
    text: str
    row: Row | None
    reason: str
    end: int


@dataclass(frozen=True)
class Export:
    """An export opened for reading; `size` is in bytes, `delimiter` None for JSON lines."""

    name: str
    kind: Kind
    encoding: str
    size: int
    stream: IO[bytes]
    start: int
    header_line: int
    delimiter: str | None
    places: Mapping[str, int] = field(default_factory=dict)
    titles: tuple[str, ...] = ()

    def read(self, zone: ZoneInfo) -> Iterator[ReadLine]:
        """Every line but header and blank ones, in order; times without an offset are in `zone`."""
        self.stream.seek(self.start)
        lines = physical_lines(self.stream, self.header_line, self.start)
        return self._json(lines, zone) if self.delimiter is None else self._csv(lines, self.delimiter, zone)

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()

    def _json(self, lines: Iterator[Raw], zone: ZoneInfo) -> Iterator[ReadLine]:
        for raw in lines:
            if blank(raw.data):
                continue
            try:
                said = members(decoded(raw.data, self.encoding))
                # Each object by its own keys: one that is rare, such as reverses, may first stand on the last line.
                keys = keys_of(self.kind, tuple(said))
                cells = {name: _cell(name, key, said[key]) for name, key in keys.items()}
                yield self._line(raw, row_of(self.kind, cells, zone))
            except ValueError as problem:
                yield self._line(raw, None, str(problem))

    def _csv(self, lines: Iterator[Raw], delimiter: str, zone: ZoneInfo) -> Iterator[ReadLine]:
        again: deque[Raw] = deque()  # lines taken for part of a quoted field that turned out never to end
        quoting = Quoting(delimiter)
        while (raw := again.popleft() if again else next(lines, None)) is not None:
            if blank(raw.data):
                continue
            if b'"' in raw.data and len(raw.data) <= LONGEST_LINE and quoting.open(raw.data):
                more = quoting.rest(raw.data, again, lines)
                whole = b"\n".join([raw.data, *(m.data for m in more)])
                if not more or not self._fits(whole, delimiter):
                    again.extendleft(reversed(more))
                    yield self._line(raw, None, 'opens a quotation mark (") and never closes it: remove it')
                    continue
                raw = Raw(raw.number, whole, more[-1].end)
            try:
                text = decoded(raw.data, self.encoding)
                cells = fields(text, delimiter)
                if not any(map(str.strip, cells)):
                    continue
                if cells[0] == self.titles[0] and tuple(cells) == self.titles:  # files may have been joined
                    continue
                yield ReadLine(raw.number, text, row_of(self.kind, self._cells(cells), zone), "", raw.end)
            except ValueError as problem:
                also = "; it has a CR within: end all lines of the file alike" if b"\r" in raw.data else ""
                yield self._line(raw, None, f"{problem}{also}")

    def _fits(self, data: bytes, delimiter: str) -> bool:
        try:
            return len(fields(data.decode(self.encoding, "replace"), delimiter)) == len(self.titles)
        except BadLine:
            return False

    def _cells(self, cells: Sequence[str]) -> dict[str, str]:
        count, width = len(cells), len(self.titles)
        if count > width and any(map(str.strip, cells[width:])):
            raise BadLine(
                f"has {count} fields, the header {width}: put quotes around a field that contains the separator"
            )
        if count >= width:
            return {name: cells[place] for name, place in self.places.items()}
        if missing := [str(c) for c in COLUMNS[self.kind] if not c.optional and self.places[c.name] >= count]:
            raise BadLine(f"ends after {count} of {width} fields: {', '.join(missing)} missing")
        return {name: cells[place] for name, place in self.places.items() if place < count}

    def _line(self, raw: Raw, row: Row | None, reason: str = "") -> ReadLine:
        return ReadLine(raw.number, raw.data.decode(self.encoding, "backslashreplace"), row, reason, raw.end)


def refusals(paths: Sequence[Path]) -> tuple[str, ...]:
    """Why files are no exports, before anything is read; what can be read but once, as a pipe, is not judged yet."""
    found = []
    for path in paths:
        if path.exists() and not path.is_file() and not path.is_dir():
            continue
        try:
            if (export := open_export(path)) is not None:
                export.close()
        except FileRefused as problem:
            found.append(str(problem))
    return tuple(found)


def open_export(path: Path) -> Export | None:
    """Find out what a file is; None if it is empty. FileRefused: it is no export, or it lacks a column."""
    try:
        stream = plain_stream(path)
    except OSError as problem:
        raise FileRefused(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    try:
        header = header_of(path, stream)
        size = stream.seek(0, 2)
    except BaseException:
        stream.close()
        raise
    if header is None:
        stream.close()
        return None
    return Export(
        path.name,
        header.kind,
        header.encoding,
        size,
        stream,
        header.start,
        header.line,
        header.delimiter,
        header.places,
        header.titles,
    )


def _cell(column: str, key: str, item: Any) -> str:
    """A member of a JSON object as the cell of its column."""
    if isinstance(item, bool):
        if column != "important":
            raise BadLine(f"{_called(column, key)} is true or false: write a text or a number")
        return "yes" if item else "no"
    if not isinstance(item, str):
        raise BadLine(f"{_called(column, key)} is a list or an object: write one text or number")
    return item


def _called(column: str, key: str) -> str:
    return column if key == column else f"{column} {key}"
