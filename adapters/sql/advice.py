"""What to do about a database that gives no answer, by its own error: nothing is to be started where a disk is full."""

import re

_BY_STATE = {
    "08": "Start the database, or correct its address in the configuration",
    "28": "Correct the user and the password in its address",
    "3D000": "Create that database (deploy/postgresql/create-databases.sh), or correct the name in its address",
    "25006": "It is a standby, or was set read-only: give the address of the database that takes writes",
    "42501": "Give its user the right to do this, or run `database upgrade` as the owner of the tables",
    "53100": "Make room on the disk of the database; cases then go on by themselves",
    "53300": "It has no free connection: raise its max_connections, or have fewer workers or ARREARS_ACTIVITIES",
    "53": "Its machine is short of memory or room: see the log of the database",
    "40": "Others wrote at the same time: give the same command again; cases try again by themselves",
    "55P03": "Another program holds a lock: see who does (pg_stat_activity), and end that",
    "57014": "The database took too long: see what keeps it busy (pg_stat_activity)",
    "57P": "Start the database, or wait until it has started",
}
"""By PostgreSQL's code of the error, or how it begins; the longest that fits counts."""
_BY_SENTENCE = (
    (r"is full|no space left|quota", "Make room on that disk; cases then go on by themselves"),
    (
        r"disk i/o error",
        "See to the disk: it is full, damaged, or gone; make room, or bring it back",
    ),
    (
        r"unable to open|read-?only|permission denied|not permitted|not a directory|file exists",
        "See whether the file is there; give this program's user the right to read and write it and its folder, or"
        " correct the path in its address",
    ),
    (
        r"locked|another write took",
        "Another program holds the file: end that one (such as an open sqlite3), or wait",
    ),
    (
        r"not a database|malformed|encrypted",
        "Correct the path in its address; if it is right, the file is damaged: restore it (docs/runbook.md, section 5)",
    ),
    (r"queuepool|pool limit", "More is asked at once than it has connections: lower ARREARS_ACTIVITIES"),
    (r"password authentication|no password supplied|role .* does not exist", _BY_STATE["28"]),
    (r"database .* does not exist", _BY_STATE["3D000"]),
    (r"could not translate host name|name or service not known|failed to resolve", "Correct the host in its address"),
    (r"too many (clients|connections)|connection slots", _BY_STATE["53300"]),
    (r"certificate|ssl", "Correct sslmode and sslrootcert in its address, or the certificate of the server"),
)
"""By what it says, where there is no code: SQLite has none, and a connection that never came about has none."""
_OTHERWISE = {
    "sqlite": "See to the file and its folder, or correct the path in its address",
    "postgresql": _BY_STATE["08"],
}


def what_to_do(dialect: str, reason: str, state: str | None = None) -> str:
    """One sentence without its full stop. `state` is PostgreSQL's code of the error, if it gave one."""
    for length in (5, 3, 2) if state else ():
        if advice := _BY_STATE.get((state or "")[:length]):
            return advice
    for pattern, advice in _BY_SENTENCE:
        if re.search(pattern, reason, re.IGNORECASE):
            return advice
    return _OTHERWISE.get(dialect, _BY_STATE["08"])
