"""Where this program writes: SQLite files, papers, the anchor; and why one of these places takes nothing."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import make_url

from composition.settings.model import Settings

_A_LITTLE = b"\0" * 65_536  # a folder on a full disk still takes an empty file


class Place(NamedTuple):
    """A folder or a file that the program writes to, and the setting that names it."""

    setting: str
    path: Path


def places(settings: Settings) -> Iterator[Place]:
    """Every place, in the order in which they are needed; databases on a server are none."""
    for name, url in (("ARREARS_REGISTER_URL", settings.register_url), ("ARREARS_BILLING_URL", settings.billing_url)):
        address = make_url(url.get_secret_value())
        if address.get_backend_name() == "sqlite" and address.database:
            yield Place(name, Path(address.database))
    yield Place("ARREARS_DOCUMENTS", settings.documents_folder)
    if settings.anchor_file is not None:
        yield Place("ARREARS_ANCHOR", settings.anchor_file.path)


def nearest(path: Path) -> Path:
    """The place itself, or what of its path is there already."""
    return next(part for part in (path, *path.absolute().parents) if part.exists())


def takes_nothing(path: Path) -> str | None:
    """Why nothing can be written to this file or folder, or made there; None if it can. It is left as it was."""
    there = nearest(path)
    try:
        if there.is_file() and there == path:
            if not os.access(there, os.W_OK):
                return f"{there}: Permission denied"
            there = there.parent  # SQLite needs files beside its own, and the anchor is replaced as a whole
        if not there.is_dir():
            return f"{there}: is not a folder"
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(_A_LITTLE)
            file.flush()
    except OSError as problem:
        return f"{there}: {problem.strerror or problem}"
    return None


def unwritable(settings: Settings) -> Iterator[tuple[Place, str]]:
    """The places that take nothing, each with the reason."""
    for place in places(settings):
        if reason := takes_nothing(place.path):
            yield place, reason
