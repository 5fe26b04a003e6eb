"""Two ledgers outside the product: what was acknowledged to whom, and what the register was asked to write."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

Answer = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One message to one case: said, and acknowledged if `answer` is there, or refused with that type."""

    account_id: str
    message: str
    key: str
    payload: Answer
    answer: Answer | None = None
    refused: str | None = None


@dataclass
class Said:
    """Written before each message goes out, and again when its acknowledgement is in (a signal's is the server's)."""

    path: Path
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    _file: IO[str] | None = None

    def says(self, account_id: str, message: str, key: str, payload: Answer) -> None:
        """About to be sent, perhaps not for the first time."""
        self._write("says", Entry(account_id, message, key, payload))
        self.entries.setdefault((account_id, message, key), Entry(account_id, message, key, payload))

    def heard(self, account_id: str, message: str, key: str, answer: Answer) -> None:
        """Acknowledged: from here on it may not be lost, and may not happen twice."""
        known = self.entries[account_id, message, key]
        entry = Entry(account_id, message, key, known.payload, answer)
        self._write("heard", entry)
        self.entries[account_id, message, key] = entry

    def refused(self, account_id: str, message: str, key: str, type_: str) -> None:
        """The case said no, so it may not have done it."""
        known = self.entries[account_id, message, key]
        entry = Entry(account_id, message, key, known.payload, refused=type_)
        self._write("refused", entry)
        self.entries[account_id, message, key] = entry

    def acknowledged(self) -> list[Entry]:
        """All that the utility has said yes to."""
        return [e for e in self.entries.values() if e.answer is not None]

    def unanswered(self) -> list[Entry]:
        """What nobody ever answered."""
        return [e for e in self.entries.values() if e.answer is None and e.refused is None]

    def all_refused(self) -> list[Entry]:
        """What the cases said no to."""
        return [e for e in self.entries.values() if e.refused is not None]

    def _write(self, what: str, entry: Entry) -> None:
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", buffering=1)
        now = datetime.now(UTC).isoformat()
        line = [now, what, entry.account_id, entry.message, entry.key, entry.payload, entry.answer or entry.refused]
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        """No more is said."""
        if self._file is not None:
            self._file.close()


# ---- what the register was asked to do -----------------------------------------------------------

# A BEFORE INSERT trigger fires for every attempt to write a row, also for one that finds it written already, and its
# line is committed or rolled back with the attempt. The product does not know of it.
_WATCHED = {
    "cases": "NEW.case_key || '#' || NEW.revision",
    "notices": "NEW.notice_id || '#' || NEW.revision",
    "tickets": "NEW.ticket_id || '#' || NEW.revision",
    "messages": "NEW.key",
}
_LOG = """
CREATE TABLE raw_log (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now')),
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    account_id TEXT NOT NULL,
    case_key TEXT NOT NULL
)
"""
_TRIGGER = """
CREATE TRIGGER raw_{kind} BEFORE INSERT ON {kind} BEGIN
    INSERT INTO raw_log (kind, key, account_id, case_key) VALUES ('{kind}', {key}, NEW.account_id, NEW.case_key);
END
"""
# A removed effect would make room for a second one.
_REMOVED = """
CREATE TRIGGER raw_{kind}_removed BEFORE DELETE ON {kind} BEGIN
    INSERT INTO raw_log (kind, key, account_id, case_key)
    VALUES ('{kind} removed', {key}, OLD.account_id, OLD.case_key);
END
"""


@dataclass
class Written:
    """What transactions of the product reached the register's tables, noted by the database itself."""

    path: Path

    def watch(self) -> None:
        """Set the triggers; the tables must be there."""
        with _connect(self.path) as connection:
            connection.execute(_LOG)
            for kind, key in _WATCHED.items():
                connection.execute(_TRIGGER.format(kind=kind, key=key))
                connection.execute(_REMOVED.format(kind=kind, key=key.replace("NEW.", "OLD.")))

    def count(self) -> int:
        """How many lines there are."""
        return int(self._rows("SELECT coalesce(max(n), 0) FROM raw_log")[0][0])

    def after(self, n: int) -> list[tuple[str, str, str]]:
        """Kind, key and account of the lines after the n-th."""
        return self._rows("SELECT kind, key, account_id FROM raw_log WHERE n > ? ORDER BY n", n)

    def twice(self) -> Counter[str]:
        """Records (`case key#revision`) that were committed more than once, and how often: the same step, repeated."""
        rows = self._rows("SELECT key, count(*) FROM raw_log WHERE kind = 'cases' GROUP BY key HAVING count(*) > 1")
        return Counter(dict(rows))

    def removed(self) -> list[tuple[Any, ...]]:
        """Effects that were taken away again; there must be none."""
        return self._rows("SELECT kind, key FROM raw_log WHERE kind LIKE '% removed'")

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the register, read past the product."""
        with _connect(self.path) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with _connect(self.path) as connection:
            return list(connection.execute(statement, values))


class Watchman:
    """A thread that calls `act` as soon as the register has been written to again, and then stops watching."""

    def __init__(self, path: Path, act: Callable[[], None]) -> None:
        self._path, self._act = path, act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it acted within that time; else it gives up."""
        self._thread.join(seconds)
        acted = not self._thread.is_alive()
        self._stop.set()
        self._thread.join()
        return acted

    def _watch(self) -> None:
        with _connect(self._path) as connection:
            last = "SELECT coalesce(max(n), 0) FROM raw_log WHERE kind IN ('notices', 'tickets')"
            seen = connection.execute(last).fetchone()
            while not self._stop.wait(0.0005):
                if connection.execute(last).fetchone() != seen:
                    self._act()
                    return


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    """One connection for one block, committed at its end."""
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        yield connection


def sample(entries: Iterable[str], most: int = 5) -> Sequence[str]:
    """The first few, for a report."""
    found = list(entries)
    return [*found[:most], f"… {len(found) - most} more"] if len(found) > most else found
