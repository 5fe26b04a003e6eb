"""Evidence is only ever added to: each entry is chained by hash to the one before it in the account (R-30)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from adapters.register.tables import TABLES
from adapters.sql.column_types import canonical
from adapters.sql.statements import insert_once
from domain.papers.filing import PAPER_FILED
from domain.record.chain import ChainVerdict
from domain.record.evidence import Evidence, Owner
from domain.record.who_may import contradiction, former_centres, not_admitted, one_person_too_often

log = structlog.get_logger()

EVIDENCE, HEADS, CASES = TABLES.tables["evidence"], TABLES.tables["chain_heads"], TABLES.tables["cases"]
START = "0" * 64
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
# Columns that came later, with what they hold in the entries from before: with that, they are left out of the hash.
# So an old entry has the hash it was written with, and one whose column is changed, to or from it, another.
_CAME_LATER = {"place": 0}

_OF_ACCOUNT: BindParameter[str] = bindparam("account")
_HEAD = select(HEADS).where(HEADS.c.account_id == _OF_ACCOUNT).with_for_update()
_KNOWN = select(EVIDENCE).where(
    EVIDENCE.c.account_id == _OF_ACCOUNT, EVIDENCE.c.key.in_(bindparam("keys", expanding=True))
)
_OF_NOTICE = select(EVIDENCE.c.what, EVIDENCE.c.actor_id, EVIDENCE.c.actor_role).where(
    EVIDENCE.c.account_id == _OF_ACCOUNT, EVIDENCE.c.about == bindparam("notice")
)
_ADD = insert(EVIDENCE)
_MOVE_HEAD = update(HEADS).where(HEADS.c.account_id == _OF_ACCOUNT).values(seq=bindparam("to"), hash=bindparam("last"))


def append(connection: Connection, case: Owner, evidence: Sequence[Evidence]) -> None:
    """Add to the account's chain what is not in it yet; call it inside the transaction of the effect it proves.

    An act by somebody who may not do it is not admitted: a claim is written in its place, which no proof counts. That
    raises no error: the rest of the record, a restoration perhaps, must not wait for a person's mistake.
    """
    if not evidence:
        return
    account_id = case.account_id
    # Writers of one account queue here until the other's transaction has ended.
    account = {"account": account_id}
    head = connection.execute(_HEAD, account).one_or_none()
    if head is None:
        connection.execute(insert_once(connection, HEADS), {"account_id": account_id, "seq": 0, "hash": START})
        head = connection.execute(_HEAD, account).one()
    there = connection.execute(_KNOWN, account | {"keys": [e.key for e in evidence]}).mappings()
    known = {line["key"]: _substance(dict(line)) for line in there}
    written = set(known)
    seq, last = head.seq, head.hash
    lines: list[dict[str, Any]] = []
    former = former_centres(evidence)
    for entry in evidence:
        line = _line(_admitted(connection, entry, case, former, lines), case)
        substance = _substance(line)
        if entry.what == PAPER_FILED and line["key"] in written:
            continue  # the first paper stays, though another version of the program would have printed another
        if known.setdefault(line["key"], substance) != substance:
            # Of a workflow task that the server gave up after its record was written, another took the key.
            line["key"] = f"{line['key']}~{sha256(substance.encode()).hexdigest()[:12]}"
            taken = {"account": account_id, "keys": [line["key"]]}
            if line["key"] in known or connection.execute(_KNOWN, taken).first():
                continue
            known[line["key"]] = substance
        elif line["key"] in written:
            continue
        written.add(line["key"])
        seq += 1
        line |= {"seq": seq, "prev_hash": last}
        last = line["hash"] = link(line)
        lines.append(line)
    if lines:
        connection.execute(_ADD, lines)
        connection.execute(_MOVE_HEAD, account | {"to": seq, "last": last})


def link(line: dict[str, Any]) -> str:
    """The hash of one entry: SHA-256 over all its fields but the hash itself, the entry before it among them.

    A field that came later counts as soon as it holds something.
    """
    fields = {
        name: value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in line.items()
        if name != "hash" and (name not in _CAME_LATER or value != _CAME_LATER[name])
    }
    return sha256(canonical(fields).encode()).hexdigest()


def verify_chain(connection: Connection, account_id: str, anchor: tuple[int, str] | None = None) -> ChainVerdict:
    """Read the account's chain from its start and name the first entry that is not as it was written.

    `anchor` is a length and head noted down earlier: with it, a chain that was rebuilt whole is found too.
    """
    expected, last = 0, START

    def broken(seq: int, zh: str, en: str) -> ChainVerdict:
        """The verdict on a chain that is intact up to the entry before that one."""
        return ChainVerdict(
            account_id=account_id,
            intact=False,
            length=expected,
            head=last,
            broken_at=seq,
            reason_zh=zh,
            reason_en=en,
        )

    for line in connection.execute(
        select(EVIDENCE).where(EVIDENCE.c.account_id == account_id).order_by(EVIDENCE.c.seq)
    ).mappings():
        if line["seq"] != expected + 1:
            return broken(expected + 1, "此处缺少记录", "an entry is missing here")
        if line["prev_hash"] != last:
            return broken(expected + 1, "与前一条记录不衔接", "it does not follow from the entry before it")
        if link(dict(line)) != line["hash"]:
            return broken(expected + 1, "记录内容被改动", "its content was changed")
        expected, last = expected + 1, line["hash"]
        if anchor is not None and anchor[0] == expected and anchor[1] != last:
            return broken(
                expected, "整条记录链被重建", "the chain was rebuilt: this is not the head noted down earlier"
            )
    head = connection.execute(select(HEADS).where(HEADS.c.account_id == account_id)).one_or_none()
    has_case = connection.scalar(select(CASES.c.case_key).where(CASES.c.account_id == account_id).limit(1))
    if head is None and (expected or has_case):
        return broken(expected + 1, "链尾记录缺失", "the head of the chain is missing")
    promised = max(head.seq if head else 0, anchor[0] if anchor else 0)
    if promised > expected:
        return broken(expected + 1, "末尾的记录被删除", "entries at the end were deleted")
    if head is not None and (head.seq, head.hash) != (expected, last):
        return broken(head.seq + 1, "末尾被添加了记录", "an entry was added at the end without its head")
    return ChainVerdict(account_id=account_id, intact=True, length=expected, head=last)


def _admitted(
    connection: Connection,
    entry: Evidence,
    case: Owner,
    former: tuple[str, ...],
    lines: Sequence[Mapping[str, Any]],
) -> Evidence:
    """The entry, or what stands in its place if its actor may not do this (R-12, III.4)."""
    why = contradiction(entry, case, former)
    if why is None and entry.what == "approval.given" and entry.about is not None:
        notice = {"account": case.account_id, "notice": entry.about}
        earlier = [tuple(row) for row in connection.execute(_OF_NOTICE, notice)]
        earlier += [(n["what"], n["actor_id"], n["actor_role"]) for n in lines if n["about"] == entry.about]
        why = one_person_too_often(entry, tuple(earlier))
    if why is None:
        return entry
    # The account and its stage are on every line of the activity already.
    log.error("evidence.not_admitted", clause=entry.clause, key=entry.key, claimed=entry.what, why=why)
    return not_admitted(entry, why)


def _substance(line: Mapping[str, Any]) -> str:
    """What an entry says, wherever it says "now": a step repeated says the same, at a moment of its own."""
    said = ("what", "rule", "clause", "actor_id", "actor_role", "actor_unit", "about")
    now = line["recorded_at"]
    detail = {name: value for name, value in line["detail"].items() if not _is_that_moment(value, now)}
    return canonical({name: line[name] for name in said} | {"detail": detail})


def _is_that_moment(value: object, moment: datetime) -> bool:
    if not isinstance(value, str) or _MOMENT.match(value) is None:
        return False
    try:
        return datetime.fromisoformat(value) == moment
    except (ValueError, TypeError):  # free text that begins like a time, or one without a zone
        return False


def _line(entry: Evidence, case: Owner) -> dict[str, Any]:
    line: dict[str, Any] = entry.model_dump()
    # Of a malformed message nothing is certain, and a NUL would keep PostgreSQL from ever taking the line.
    for name in ("actor_id", "actor_role", "actor_unit", "about"):
        line[name] = _storable(line[name])
    return line | {"account_id": case.account_id, "case_key": case.case_key}


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
