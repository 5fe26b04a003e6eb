"""The folder of papers: a file is there whole or not at all, under a name that its content decides, and stays."""

import errno
import os
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

from activities.papers import PapersUnavailable
from domain.papers.sheets import Document, Sheet

_LONGEST_NAME = 60
_ONLY_US = 0o700  # papers carry names and addresses
# A network folder that hangs takes these threads, and none of those that ask billing or send tickets.
_HANDS = ThreadPoolExecutor(8, thread_name_prefix="papers")
_T = TypeVar("_T")


@dataclass(frozen=True)
class PaperFiles:
    """Papers under `folder`, by month and account; keys are relative, so that the folder may be moved."""

    folder: Path
    patience_seconds: float = 8.0

    def keep(self, sheet: Sheet, content: bytes) -> Document:
        """Write the paper, once: the name carries the digest, so another content has another name.

        PapersUnavailable: the folder takes no file; what to do is in the sentence.
        """
        document = document_of(sheet, content)
        path = self.folder / document.key

        def put() -> None:
            """Write the paper, unless it lies there whole already."""
            if not _holds(path, document.sha256):
                _write(path, content)

        try:
            self._in_time(put)
        except OSError as problem:
            raise PapersUnavailable(
                f"no paper can be kept in {self.folder}: {problem.strerror or problem}. Make room or give the worker"
                " the right to write there, or set ARREARS_DOCUMENTS; it is tried again by itself."
            ) from None  # the sentence says it all, and a history takes no failure with a long tail
        return document

    def state_of(self, document: Document) -> Literal["intact", "missing", "changed"]:
        """Whether the file is there, and as it was. PapersUnavailable: it cannot be read."""
        try:
            content = self._in_time((self.folder / document.key).read_bytes)
        except FileNotFoundError:
            return "missing"
        except OSError as problem:
            raise PapersUnavailable(f"{self.folder / document.key} cannot be read: {problem.strerror}") from problem
        return "intact" if sha256(content).hexdigest() == document.sha256 else "changed"

    def _in_time(self, act: Callable[[], _T]) -> _T:
        """What `act` gives, on a thread of its own. TimeoutError, an OSError: the folder has not answered."""
        errand = _HANDS.submit(act)
        try:
            return errand.result(self.patience_seconds)
        except FutureTimeout:
            errand.cancel()  # one that has begun goes on, and only its thread waits for it
            raise TimeoutError(errno.ETIMEDOUT, f"no answer for {self.patience_seconds:g} s") from None


def document_of(sheet: Sheet, content: bytes) -> Document:
    """Under which key a paper is kept, and its digest."""
    digest = sha256(content).hexdigest()
    name = f"{safe(sheet.number)}.{digest[:16]}.pdf"
    return Document(key=f"{sheet.dated:%Y-%m}/{safe(sheet.account_id)}/{name}", sha256=digest)


def safe(number: str) -> str:
    """An id as a part of a file's name, on any file system; the digest beside it separates alike ones."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", number)[-_LONGEST_NAME:] or "_"


def _holds(path: Path, digest: str) -> bool:
    try:
        return sha256(path.read_bytes()).hexdigest() == digest
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Into a file beside it, down to the disk, then under its name: a crash leaves the old or the new, never half."""
    made = _make(path.parent)
    beside = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    for folder in (path.parent, *made):
        _down_to_disk(folder)


def _make(folder: Path) -> tuple[Path, ...]:
    """Make the folder and those above it; returns the folders in which one was made."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(mode=_ONLY_US, parents=True, exist_ok=True)
    return tuple(f.parent for f in missing)


def _down_to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
