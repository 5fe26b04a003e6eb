"""Makes a plain stream of lines of a file that is compressed, in UTF-16, or ends its lines with CR."""

import codecs
import gzip
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from edge.ingest.physical import FileRefused

_CHUNK = 1024 * 1024
_SAMPLE = 64 * 1024
_GZIP = b"\x1f\x8b"
_GZIPPED_AT_MOST = 2  # a file compressed twice by mistake; more is no mistake
_NOT_TEXT = {
    b"PK\x03\x04": "is a spreadsheet or an archive: save it as CSV",
    b"\xd0\xcf\x11\xe0": "is a spreadsheet: save it as CSV",
    b"\xff\xfe\x00\x00": "is UTF-32: save it as UTF-8 or GB18030",
    b"\x00\x00\xfe\xff": "is UTF-32: save it as UTF-8 or GB18030",
    b"BZh": "is compressed by bzip2: unpack it, or compress it by gzip",
    b"\xfd7zXZ\x00": "is compressed by xz: unpack it, or compress it by gzip",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd: unpack it, or compress it by gzip",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive: unpack it",
    b"Rar!": "is a RAR archive: unpack it",
    b"%PDF": "is a PDF: export it as CSV",
}
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<table", b"<meta", b"<?xml", b"<workbook")
_UTF_8_MARK = b"\xef\xbb\xbf"


def plain_stream(path: Path) -> IO[bytes]:
    """The file's lines in UTF-8 or GB18030, ended by LF or CRLF; the caller closes the stream.

    What is not so already is copied to a temporary file, piece by piece. FileRefused: it is no text. OSError: it
    cannot be read.
    """
    stream: IO[bytes] = path.open("rb")
    try:
        if not stream.seekable():  # a pipe: it is read twice, once for its encoding
            stream = _copied(stream, _pieces(stream))
        for _ in range(_GZIPPED_AT_MOST):
            if stream.read(len(_GZIP)) == _GZIP:
                stream.seek(0)
                stream = _unpacked(path, stream)
            stream.seek(0)
        sample = stream.read(_SAMPLE)
        _refuse_what_is_no_text(path, sample)
        if encoding := _utf_16(sample):
            stream = _copied(stream, _recoded(stream, encoding))
            sample = stream.read(_SAMPLE)
        if b"\r" in sample.removesuffix(b"\r") and b"\n" not in sample:
            stream = _copied(stream, _with_line_feeds(stream))
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream


def _unpacked(path: Path, stream: IO[bytes]) -> IO[bytes]:
    try:
        return _copied(stream, _pieces(gzip.GzipFile(fileobj=stream)))
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise FileRefused(f"{path} is compressed by gzip, and damaged ({problem}): send it again") from problem


def _refuse_what_is_no_text(path: Path, sample: bytes) -> None:
    if sample.startswith(_GZIP):
        raise FileRefused(f"{path} is compressed by gzip over and over: unpack it")
    for mark, sentence in _NOT_TEXT.items():
        if sample.startswith(mark):
            raise FileRefused(f"{path} {sentence}")
    if sample.removeprefix(_UTF_8_MARK).lstrip().lower().startswith(_MARKUP):
        raise FileRefused(f"{path} is a web page or XML, whatever its name says: save it as CSV")


def _utf_16(sample: bytes) -> str | None:
    """The byte order of UTF-16, by its mark, else by the zeros beside separators, digits and Latin letters."""
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    first, second = sample[::2].count(0), sample[1::2].count(0)
    zeros = first + second
    if zeros < 2 or zeros * 25 < len(sample):  # fewer are damage in another encoding
        return None
    if second >= 0.75 * zeros:
        return "utf-16-le"
    return "utf-16-be" if first >= 0.75 * zeros else None


def _pieces(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece


def _recoded(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """In UTF-8; half a character becomes bytes that are none there, so that its line is rejected."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in _pieces(stream):
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"


def _with_line_feeds(stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(0)
    after_cr = False
    for piece in _pieces(stream):
        if after_cr:
            piece = piece.removeprefix(b"\n")  # its CR has become a line feed already
        after_cr = piece.endswith(b"\r")
        yield piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _copied(stream: IO[bytes], pieces: Iterable[bytes]) -> IO[bytes]:
    """A temporary file of these pieces, at its beginning; the stream that they come from is closed."""
    with stream:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the export closes it
        try:
            for piece in pieces:
                copy.write(piece)
        except BaseException:
            copy.close()
            raise
    copy.seek(0)
    return copy
