"""Lawful cuts of closed cases, read from the register, for payments that billing books later (R-25)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from adapters.register.tables import TABLES
from domain.case.closed_cut import ClosedCut
from domain.record.kinds import kinds

_CASES, _EVIDENCE, _NOTICES, _INCIDENTS = (
    TABLES.tables[name] for name in ("cases", "evidence", "notices", "incidents")
)
_READ = kinds("cut.reported", "debt.settled")
_AT_A_TIME = 500


def closed_cuts(connection: Connection, since: datetime, accounts: Sequence[str] | None) -> tuple[ClosedCut, ...]:
    """Lawful cuts since then of accounts without an open case, whose incident is not on record."""
    chosen = (
        [accounts[n : n + _AT_A_TIME] for n in range(0, len(accounts), _AT_A_TIME)] if accounts is not None else [None]
    )
    found: list[ClosedCut] = []
    for some in chosen:
        query = select(_CASES.c.case_key, _CASES.c.account_id).where(
            _CASES.c.closed_at.is_not(None), _CASES.c.cut_at > since
        )
        if some is not None:
            query = query.where(_CASES.c.account_id.in_(some))
        lines = connection.execute(query.order_by(_CASES.c.account_id)).all()
        for start in range(0, len(lines), _AT_A_TIME):
            found += _of_cases(connection, dict(tuple(line) for line in lines[start : start + _AT_A_TIME]))
    return tuple(cut for cut in found if cut.cut_at > since)


def _of_cases(connection: Connection, cases: dict[str, str]) -> Iterable[ClosedCut]:
    accounts = set(cases.values())
    of_open = _CASES.c.closed_at.is_(None)
    busy = set(connection.scalars(select(_CASES.c.account_id).where(of_open, _CASES.c.account_id.in_(accounts))))
    incidents = select(_INCIDENTS.c.account_id, _INCIDENTS.c.at).where(
        _INCIDENTS.c.kind == "cut_after_settlement", _INCIDENTS.c.account_id.in_(accounts)
    )
    on_record = {tuple(line) for line in connection.execute(incidents)}
    named = select(_NOTICES.c.notice_id, _NOTICES.c.bills).where(_NOTICES.c.case_key.in_(cases))
    bills = dict(tuple(line) for line in connection.execute(named))
    entries = select(_EVIDENCE).where(_EVIDENCE.c.case_key.in_(cases), _EVIDENCE.c.what.in_(_READ))
    reported, settled = [], defaultdict[Any, list[RowMapping]](list)
    for entry in connection.execute(entries.order_by(_EVIDENCE.c.account_id, _EVIDENCE.c.seq)).mappings():
        if entry["what"] == "debt.settled":
            settled[entry["about"]].append(entry)
        elif entry["detail"].get("lawful") is True and entry["detail"].get("notice_id") in bills:
            reported.append(entry)
    for cut in reported:
        if cut["account_id"] in busy or (cut["account_id"], cut["at"]) in on_record:
            continue
        yield ClosedCut(
            account_id=cut["account_id"],
            case_key=cut["case_key"],
            cut_id=cut["about"],
            meter_id=cut["detail"]["meter_id"],
            cut_at=cut["at"],
            bills=tuple(bills[cut["detail"]["notice_id"]]),
            payments=tuple(p for e in settled[cut["about"]] for p in e["detail"].get("payments", ())),
        )
