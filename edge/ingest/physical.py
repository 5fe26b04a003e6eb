"""Lines of a file as they lie on the disk: their numbers, bytes and text, and the fields that they hold."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import IO, NamedTuple

from edge.ingest.columns import BadLine

LONGEST_LINE = 64 * 1024  # bytes; csv itself stops at twice that
_LINES_IN_A_RECORD = 100  # an address may have line breaks; a quotation mark never closed has no end
_BYTE_ORDER_MARK = "\ufeff"  # also within a file, where several were joined into one


class FileRefused(Exception):
    """A file that is no billing export, or lacks a column; the sentence names it, and nothing of it was read."""


class Raw(NamedTuple):
    """A line: its number, its bytes without the line break, and how many bytes were read by its end."""

    number: int
    data: bytes
    end: int


def physical_lines(stream: IO[bytes], number: int, end: int) -> Iterator[Raw]:
    """Lines without their line breaks, numbered after `number`; of one too long, a little more than is allowed."""
    while data := stream.readline(LONGEST_LINE + 2):
        number += 1
        end += len(data)
        rest = data
        while not rest.endswith(b"\n") and (rest := stream.readline(LONGEST_LINE)):
            end += len(rest)
        yield Raw(number, data.removesuffix(b"\n").removesuffix(b"\r"), end)


def blank(data: bytes) -> bool:
    """Whether nothing stands on the line."""
    return not data.strip(b" \t\r\x1a")


def decodes(data: bytes, encoding: str) -> bool:
    """Whether the bytes are text in that encoding."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decoded(data: bytes, encoding: str) -> str:
    """The line as text, without marks of the byte order. BadLine: it is too long, or in another encoding."""
    if len(data) > 2 * LONGEST_LINE or (len(data) > LONGEST_LINE and b"\n" not in data):
        raise BadLine(f"is longer than {LONGEST_LINE} bytes: split it, or look for a missing line break")
    try:
        return data.decode(encoding).lstrip(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as problem:
        raise BadLine(
            f"has bytes that are not {encoding.upper()} (the first is byte {problem.start + 1}): export it again"
        ) from None


def fields(text: str, delimiter: str) -> list[str]:
    """The fields of a line. BadLine: its quotation marks do not match."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as problem:
        raise BadLine(f"its quotation marks do not match ({problem}): double those inside a quoted field") from None


class Quoting:
    """Finds whether a line ends inside a quoted field, and which lines complete it."""

    def __init__(self, delimiter: str) -> None:
        d = re.escape(delimiter.encode())
        field = rb'(?:"(?:[^"]|"")*"|[^"%b][^%b]*|)' % (d, d)
        self._open = re.compile(rb'(?:%b%b)*+"(?:[^"]|"")*' % (field, d))

    def open(self, data: bytes) -> bool:
        """Whether more must follow."""
        return self._open.fullmatch(data) is not None

    def rest(self, data: bytes, again: deque[Raw], lines: Iterator[Raw]) -> list[Raw]:
        """The lines that close the field; if nothing closes it, all that were read are put back, and none returned."""
        more: list[Raw] = []
        while len(more) < _LINES_IN_A_RECORD and len(data) <= LONGEST_LINE:
            following = again.popleft() if again else next(lines, None)
            if following is None:
                break
            more.append(following)
            data += b"\n" + following.data
            if b'"' in following.data and not self.open(data):
                return more
        again.extendleft(reversed(more))
        return []
