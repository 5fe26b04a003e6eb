"""Reads a billing export line by line, in any encoding and with any separator; names a bad line and reads on."""

import csv
import json
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from edge.ingest.columns import COLUMNS, BadLine, Column, Kind, Row, row_of, title_key

_LONGEST_LINE = 64 * 1024  # bytes; csv itself stops at twice that
_LINES_IN_A_RECORD = 100  # an address may have line breaks; a quotation mark never closed has no end
_VOTES = 2_000  # lines beyond ASCII that decide on the encoding
_UTF8_BOM, _GB18030_BOM = b"\xef\xbb\xbf", b"\x84\x31\x95\x33"
_NOT_TEXT = {
    b"PK\x03\x04": "is a spreadsheet or an archive: save it as CSV",
    b"\xd0\xcf\x11\xe0": "is a spreadsheet: save it as CSV",
    b"\xff\xfe": "is UTF-16: save it as UTF-8 or GB18030",
    b"\xfe\xff": "is UTF-16: save it as UTF-8 or GB18030",
}


class FileRefused(Exception):
    """A file that is no billing export, or lacks a column; the sentence names it, and nothing of it was read."""


class ReadLine(NamedTuple):
    """One line of data: its row, or the reason why it is rejected.

    `number` is the physical line it begins on, `text` the line as read, `end` how many bytes were read by then.
    """

    number: int
    text: str
    row: Row | None
    reason: str
    end: int


class _Raw(NamedTuple):
    number: int
    data: bytes
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
    width: int = 0

    def read(self, zone: ZoneInfo) -> Iterator[ReadLine]:
        """Every line but header and blank ones, in order; times without an offset are in `zone`."""
        self.stream.seek(self.start)
        lines = _physical_lines(self.stream, self.header_line, self.start)
        return self._json(lines, zone) if self.delimiter is None else self._csv(lines, self.delimiter, zone)

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()

    def _json(self, lines: Iterator[_Raw], zone: ZoneInfo) -> Iterator[ReadLine]:
        for raw in lines:
            if _blank(raw.data):
                continue
            try:
                members = _members(_decoded(raw.data, self.encoding))
                # Each object by its own keys: one that is rare, such as reverses, may first stand on the last line.
                keys = _keys_of(self.kind, tuple(members))
                cells = {name: _cell(name, key, members[key]) for name, key in keys.items()}
                yield self._line(raw, row_of(self.kind, cells, zone))
            except ValueError as problem:
                yield self._line(raw, None, str(problem))

    def _csv(self, lines: Iterator[_Raw], delimiter: str, zone: ZoneInfo) -> Iterator[ReadLine]:
        again: deque[_Raw] = deque()  # lines taken for part of a quoted field that turned out never to end
        quoting = _Quoting(delimiter)
        while (raw := again.popleft() if again else next(lines, None)) is not None:
            if _blank(raw.data):
                continue
            if b'"' in raw.data and len(raw.data) <= _LONGEST_LINE and quoting.open(raw.data):
                more = quoting.rest(raw.data, again, lines)
                whole = b"\n".join([raw.data, *(m.data for m in more)])
                if not more or not self._fits(whole, delimiter):
                    again.extendleft(reversed(more))
                    yield self._line(raw, None, 'opens a quotation mark (") and never closes it: remove it')
                    continue
                raw = _Raw(raw.number, whole, more[-1].end)
            try:
                fields = _fields(_decoded(raw.data, self.encoding), delimiter)
                if not any(map(str.strip, fields)):
                    continue
                yield self._line(raw, row_of(self.kind, self._cells(fields), zone))
            except ValueError as problem:
                yield self._line(raw, None, str(problem))

    def _fits(self, data: bytes, delimiter: str) -> bool:
        try:
            return len(_fields(data.decode(self.encoding, "replace"), delimiter)) == self.width
        except BadLine:
            return False

    def _cells(self, fields: Sequence[str]) -> dict[str, str]:
        count = len(fields)
        if count > self.width and any(map(str.strip, fields[self.width :])):
            raise BadLine(
                f"has {count} fields, the header {self.width}: put quotes around a field that contains the separator"
            )
        missing = [str(c) for c in COLUMNS[self.kind] if not c.optional and self.places[c.name] >= count]
        if missing:
            raise BadLine(f"ends after {count} of {self.width} fields: {', '.join(missing)} missing")
        return {name: fields[place] for name, place in self.places.items() if place < count}

    def _line(self, raw: _Raw, row: Row | None, reason: str = "") -> ReadLine:
        return ReadLine(raw.number, raw.data.decode(self.encoding, "backslashreplace"), row, reason, raw.end)


def open_export(path: Path) -> Export | None:
    """Find out what a file is; None if it is empty. FileRefused: it is no export, or it lacks a column."""
    try:
        stream = _seekable(path)
    except OSError as problem:
        raise FileRefused(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    try:
        export = _recognise(path, stream)
    except BaseException:
        stream.close()
        raise
    if export is None:
        stream.close()
    return export


def _seekable(path: Path) -> IO[bytes]:
    stream = path.open("rb")
    if stream.seekable():
        return stream
    with stream:  # a pipe: it is read twice, once for its encoding
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the export closes it
        shutil.copyfileobj(stream, copy)
    return copy


def _recognise(path: Path, stream: IO[bytes]) -> Export | None:
    size = stream.seek(0, 2)
    stream.seek(0)
    beginning = stream.read(4)
    for mark, sentence in _NOT_TEXT.items():
        if beginning.startswith(mark):
            raise FileRefused(f"{path} {sentence}")
    encoding, start = _encoding(stream, beginning)
    stream.seek(start)
    header = next((line for line in _physical_lines(stream, 0, start) if not _blank(line.data)), None)
    if header is None:
        return None
    try:
        text = _decoded(header.data, encoding)
    except BadLine as problem:
        raise FileRefused(f"{path}: its first line cannot be read: it {problem}") from problem
    if text.lstrip().startswith(("{", "[")):
        if text.lstrip().startswith("["):
            raise FileRefused(f"{path} is one JSON list: write JSON lines, one object per line without brackets around")
        kind = _kind(path, _keys(stream, start, encoding))
        return Export(path.name, kind, encoding, size, stream, start, 0, None)
    delimiter = max(",\t;", key=lambda d: sum(title_key(t) in _KNOWN_TITLES for t in _titles(text, d)))
    titles = _titles(text, delimiter)
    kind = _kind(path, titles)
    found = _columns_found(COLUMNS[kind], titles)
    if twice := [" and ".join(stands) for stands in found.values() if len(stands) > 1]:
        raise FileRefused(f"{path} has one column twice: {', '.join(twice)}. Remove one of them")
    places = {name: titles.index(stands[0]) for name, stands in found.items()}
    return Export(path.name, kind, encoding, size, stream, header.end, header.number, delimiter, places, len(titles))


def _encoding(stream: IO[bytes], beginning: bytes) -> tuple[str, int]:
    """The file's encoding, and where its text begins.

    Lines vote, for one damaged line must not turn the others to garbage: text in GB18030 is hardly ever valid UTF-8.
    A file that begins in plain ASCII is read until enough lines have voted.
    """
    if beginning.startswith(_UTF8_BOM):
        return "utf-8", len(_UTF8_BOM)
    if beginning.startswith(_GB18030_BOM):
        return "gb18030", len(_GB18030_BOM)
    stream.seek(0)
    votes = {"utf-8": 0, "gb18030": 0}
    for line in _physical_lines(stream, 0, 0):
        if line.data.isascii():
            continue
        if _decodes(line.data, "utf-8"):
            votes["utf-8"] += 1
        elif _decodes(line.data, "gb18030"):
            votes["gb18030"] += 1
        if sum(votes.values()) >= _VOTES:
            break
    return max(votes, key=lambda encoding: votes[encoding]), 0


def _kind(path: Path, titles: Sequence[str]) -> Kind:
    """What the file holds, by its columns. FileRefused: nothing of ours, or a column is missing."""
    found = {kind: _columns_found(columns, titles) for kind, columns in COLUMNS.items()}
    lacking = {
        kind: [c for c in columns if not c.optional and c.name not in found[kind]] for kind, columns in COLUMNS.items()
    }
    for kind, missing in lacking.items():
        if not missing:
            return kind
    likely = max(COLUMNS, key=lambda kind: len(found[kind]) / len(COLUMNS[kind]))
    if len(found[likely]) < 2:
        needed = "; ".join(
            f"{kind}: {', '.join(str(c) for c in columns if not c.optional)}" for kind, columns in COLUMNS.items()
        )
        raise FileRefused(
            f"{path} is no billing export: its columns are {', '.join(titles)[:300]}. Columns needed, for {needed}"
        )
    raise FileRefused(
        f"{path} looks like {likely}, but lacks {', '.join(map(str, lacking[likely]))}: "
        "export it with these columns, or name them so in its header"
    )


def _columns_found(columns: Sequence[Column], titles: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for column in columns:
        names = {title_key(name) for name in (column.name, *column.titles)}
        if stands := [title for title in titles if title_key(title) in names]:
            found[column.name] = stands
    return found


@lru_cache(maxsize=256)
def _keys_of(kind: Kind, keys: tuple[str, ...]) -> dict[str, str]:
    """Which key of a JSON object stands for which column."""
    found = _columns_found(COLUMNS[kind], keys)
    for stands in found.values():
        if len(stands) > 1:
            raise BadLine(f"says one thing twice: {' and '.join(stands)}. Remove one of them")
    return {name: stands[0] for name, stands in found.items()}


def _titles(text: str, delimiter: str) -> list[str]:
    try:
        return _fields(text, delimiter)
    except BadLine:
        return []


_KNOWN_TITLES = frozenset(
    title_key(title) for columns in COLUMNS.values() for column in columns for title in (column.name, *column.titles)
)


def _keys(stream: IO[bytes], start: int, encoding: str) -> list[str]:
    """The member names that the first lines use: one line may leave out what is optional, or be broken."""
    stream.seek(start)
    keys: dict[str, None] = {}
    for line, _ in zip(_physical_lines(stream, 0, start), range(100), strict=False):
        try:
            keys |= dict.fromkeys(_members(_decoded(line.data, encoding)))
        except BadLine:
            continue
    return list(keys)


def _members(text: str) -> dict[str, Any]:
    """A JSON object, its numbers as text; null is the same as left out."""
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise BadLine(f"is not a JSON object on one line: {problem}") from None
    if not isinstance(value, dict):
        raise BadLine("is not a JSON object: write each line as {…}")
    return {key: item for key, item in value.items() if item is not None}


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


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _physical_lines(stream: IO[bytes], number: int, end: int) -> Iterator[_Raw]:
    """Lines without their line breaks, numbered after `number`; of one too long, a little more than is allowed."""
    while data := stream.readline(_LONGEST_LINE + 2):
        number += 1
        end += len(data)
        rest = data
        while not rest.endswith(b"\n") and (rest := stream.readline(_LONGEST_LINE)):
            end += len(rest)
        yield _Raw(number, data.removesuffix(b"\n").removesuffix(b"\r"), end)


def _blank(data: bytes) -> bool:
    return not data.strip(b" \t\r\x1a")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, encoding: str) -> str:
    if len(data) > 2 * _LONGEST_LINE or (len(data) > _LONGEST_LINE and b"\n" not in data):
        raise BadLine(f"is longer than {_LONGEST_LINE} bytes: split it, or look for a missing line break")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        raise BadLine(
            f"has bytes that are not {encoding.upper()} (the first is byte {problem.start + 1}): export it again"
        ) from None


def _fields(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as problem:
        raise BadLine(f"its quotation marks do not match ({problem}): double those inside a quoted field") from None


class _Quoting:
    """Finds whether a line ends inside a quoted field, and which lines complete it."""

    def __init__(self, delimiter: str) -> None:
        d = re.escape(delimiter.encode())
        field = rb'(?:"(?:[^"]|"")*"|[^"%b][^%b]*|)' % (d, d)
        self._open = re.compile(rb'(?:%b%b)*+"(?:[^"]|"")*' % (field, d))

    def open(self, data: bytes) -> bool:
        """Whether more must follow."""
        return self._open.fullmatch(data) is not None

    def rest(self, data: bytes, again: deque[_Raw], lines: Iterator[_Raw]) -> list[_Raw]:
        """The lines that close the field; if nothing closes it, all that were read are put back, and none returned."""
        more: list[_Raw] = []
        while len(more) < _LINES_IN_A_RECORD and len(data) <= _LONGEST_LINE:
            following = again.popleft() if again else next(lines, None)
            if following is None:
                break
            more.append(following)
            data += b"\n" + following.data
            if b'"' in following.data and not self.open(data):
                return more
        again.extendleft(reversed(more))
        return []
