"""Finds out what a file is: its encoding, its header under titles and `sep=`, its separator, its kind."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from edge.ingest.columns import COLUMNS, BadLine, Column, Kind, title_key
from edge.ingest.physical import FileRefused, Quoting, Raw, blank, decoded, decodes, fields, physical_lines

_VOTES = 2_000  # lines beyond ASCII that decide on the encoding
_MARKS = {"utf-8": b"\xef\xbb\xbf", "gb18030": b"\x84\x31\x95\x33"}
_LINES_ABOVE = 50  # a header lower than this is looked for by nobody
_SEPARATORS = ",\t;"
_SEP = re.compile(r'\s*"?\s*sep\s*=\s*(?:"?([^\s"]|\t)?"?)[\s,;"]*', re.IGNORECASE)
_LIST = re.compile(r"\s*\[\s*([{\]\[]|$)")


@dataclass(frozen=True)
class Header:
    """What the top of a file says: where data begins, after which line, and which field is which column.

    `delimiter` is None for JSON lines, which have no header.
    """

    kind: Kind
    encoding: str
    start: int
    line: int
    delimiter: str | None
    titles: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)


def header_of(path: Path, stream: IO[bytes]) -> Header | None:
    """The header of the file; None if it is empty. FileRefused: it is no export, or it lacks a column."""
    stream.seek(0)
    encoding, start = _encoding(stream, stream.read(64))
    stream.seek(start)
    top = [line for line, _ in zip(_filled(stream, start), range(_LINES_ABOVE), strict=False)]
    if not top:
        return None
    texts = [_text(line, encoding) for line in top]
    if (text := texts[0]) is not None and _LIST.match(text):
        raise FileRefused(f"{path} is one JSON list: write JSON lines, one object per line without brackets around")
    sep = next((match[1] for text in texts if text is not None and (match := _SEP.fullmatch(text))), None)
    best: tuple[int, Raw, str, list[str]] | None = None
    for place, (line, text) in enumerate(zip(top, texts, strict=True)):
        if text is not None and text.lstrip().startswith("{"):
            if best is not None:
                break
            begin = top[place - 1].end if place else start
            return Header(_kind(path, _keys(stream, begin, encoding)), encoding, begin, line.number - 1, None)
        for whole, delimiter, titles in _readings(top[place:], encoding, sep):
            known = len({title_key(title) for title in titles} & _KNOWN_TITLES)
            if (best is None and known >= 2) or (best is not None and known > best[0]):
                best = (known, whole, delimiter, titles)
        if best is not None and _complete(best[3]):
            break
    if best is None:
        return _no_header(path, top, texts, encoding)
    _, whole, delimiter, titles = best
    kind = _kind(path, titles)
    found = columns_found(COLUMNS[kind], titles)
    if twice := [" and ".join(stands) for stands in found.values() if len(stands) > 1]:
        raise FileRefused(f"{path} has one column twice: {', '.join(twice)}. Remove one of them")
    places = {name: titles.index(stands[0]) for name, stands in found.items()}
    return Header(kind, encoding, whole.end, whole.number, delimiter, tuple(titles), places)


def _no_header(path: Path, top: Sequence[Raw], texts: Sequence[str | None], encoding: str) -> Header:
    """Refuse the file by what its first line that can be read says."""
    named = [text for text in texts if text is not None and not _SEP.fullmatch(text)]
    if not named:
        try:
            decoded(top[0].data, encoding)
        except BadLine as problem:
            raise FileRefused(f"{path}: its first line cannot be read: it {problem}") from problem
        raise FileRefused(f"{path} has nothing under its first line, {texts[0]}")
    readings = [_titles(text, d) for text in named for d in _SEPARATORS]
    likely = max(readings, key=lambda titles: sum(map(bool, map(str.strip, titles))))  # a title stands in one cell
    return Header(_kind(path, likely), encoding, 0, 0, None)


def _filled(stream: IO[bytes], start: int) -> Iterator[Raw]:
    return (line for line in physical_lines(stream, 0, start) if not blank(line.data))


def _text(line: Raw, encoding: str) -> str | None:
    try:
        return decoded(line.data, encoding)
    except BadLine:
        return None


def _readings(lines: Sequence[Raw], encoding: str, sep: str | None) -> Iterator[tuple[Raw, str, list[str]]]:
    """The first of these lines by each separator, with those that close a title broken over several."""
    for delimiter in dict.fromkeys((sep or ",") + _SEPARATORS):
        whole, quoting = lines[0], Quoting(delimiter)
        if b'"' in whole.data and quoting.open(whole.data):
            more = quoting.rest(whole.data, deque(), iter(lines[1:]))
            if more:
                whole = Raw(more[-1].number, b"\n".join([whole.data, *(m.data for m in more)]), more[-1].end)
        text = _text(whole, encoding)
        if text is not None:
            yield whole, delimiter, _titles(text, delimiter)


def _complete(titles: Sequence[str]) -> bool:
    return any(
        all(column.optional or column.name in found for column in columns)
        for columns in COLUMNS.values()
        for found in (columns_found(columns, titles),)
    )


def _encoding(stream: IO[bytes], beginning: bytes) -> tuple[str, int]:
    """The file's encoding, and where its text begins.

    Lines vote, for one damaged line must not turn the others to garbage: text in GB18030 is hardly ever valid UTF-8.
    A file that begins in plain ASCII is read until enough lines have voted.
    """
    for encoding, mark in _MARKS.items():
        if beginning.startswith(mark):
            rest = beginning
            while rest.startswith(mark):  # two programs may have put one each
                rest = rest.removeprefix(mark)
            return encoding, len(beginning) - len(rest)
    stream.seek(0)
    votes = {"utf-8": 0, "gb18030": 0}
    for line in physical_lines(stream, 0, 0):
        if line.data.isascii():
            continue
        if decodes(line.data, "utf-8"):
            votes["utf-8"] += 1
        elif decodes(line.data, "gb18030"):
            votes["gb18030"] += 1
        if sum(votes.values()) >= _VOTES:
            break
    return max(votes, key=lambda encoding: votes[encoding]), 0


def _kind(path: Path, titles: Sequence[str]) -> Kind:
    """What the file holds, by its columns. FileRefused: nothing of ours, or a column is missing."""
    found = {kind: columns_found(columns, titles) for kind, columns in COLUMNS.items()}
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


def columns_found(columns: Sequence[Column], titles: Sequence[str]) -> dict[str, list[str]]:
    """The titles that stand for each column; several, if one column is there twice."""
    found: dict[str, list[str]] = {}
    for column in columns:
        names = {title_key(name) for name in (column.name, *column.titles)}
        if stands := [title for title in titles if title_key(title) in names]:
            found[column.name] = stands
    return found


def _titles(text: str, delimiter: str) -> list[str]:
    try:
        return fields(text, delimiter)
    except BadLine:
        return []


_KNOWN_TITLES = frozenset(
    title_key(title) for columns in COLUMNS.values() for column in columns for title in (column.name, *column.titles)
)


def _keys(stream: IO[bytes], start: int, encoding: str) -> list[str]:
    """The member names that the first lines use: one line may leave out what is optional, or be broken."""
    stream.seek(start)
    keys: dict[str, None] = {}
    for line, _ in zip(physical_lines(stream, 0, start), range(100), strict=False):
        try:
            keys |= dict.fromkeys(members(decoded(line.data, encoding)))
        except BadLine:
            continue
    return list(keys)


def members(text: str) -> dict[str, Any]:
    """A JSON object, its numbers as text; null is the same as left out."""
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise BadLine(f"is not a JSON object on one line: {problem}") from None
    if not isinstance(value, dict):
        raise BadLine("is not a JSON object: write each line as {…}")
    return {key: item for key, item in value.items() if item is not None}


@lru_cache(maxsize=256)
def keys_of(kind: Kind, keys: tuple[str, ...]) -> dict[str, str]:
    """Which key of a JSON object stands for which column."""
    found = columns_found(COLUMNS[kind], keys)
    for stands in found.values():
        if len(stands) > 1:
            raise BadLine(f"says one thing twice: {' and '.join(stands)}. Remove one of them")
    return {name: stands[0] for name, stands in found.items()}


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
