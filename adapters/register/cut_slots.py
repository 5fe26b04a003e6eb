"""Days booked for cuts: a row for each red notice that is out, and never more on a day than its unit can restore.

Every red notice leaves a row, also in a unit without a limit: a limit set later counts those rows. A row is deleted
when its notice becomes void, or its case closes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, select, text, update

from adapters.register.spellings import names
from adapters.register.tables import TABLES
from adapters.sql.statements import insert_or_replace
from domain.ids import id_key, same_id, spelled_like
from domain.law.circumstances import SlotWish
from domain.record.evidence import Evidence
from domain.record.rows import NoticeOrder, Record

_SLOTS, _NOTICES = TABLES.tables["cut_slots"], TABLES.tables["notices"]
EVERY_OTHER_UNIT = "*"
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


@dataclass(frozen=True)
class FieldCapacity:
    """How many customers a field unit can restore in a day; a unit without a number is not limited."""

    by_unit: Mapping[str, int] = field(default_factory=dict)

    def of(self, field_unit: str) -> int | None:
        """The unit's number, or that of every other unit, or None."""
        others = self.by_unit.get(EVERY_OTHER_UNIT)
        return next((number for unit, number in self.by_unit.items() if same_id(unit, field_unit)), others)


def read_capacity(text: str) -> FieldCapacity:
    """From `FU-01=40, FU-02=25, *=60`; `*` is every other unit. ValueError says what is wrong."""
    by_unit: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        unit, _, number = (part.strip() for part in entry.rpartition("="))
        if not unit or not _NUMBER.fullmatch(number):
            raise ValueError("must be unit=number, with a whole number from 1, such as FU-01=40,*=60")
        if spelled_like(unit, by_unit):
            raise ValueError("names a unit twice")
        by_unit[unit] = int(number)
    return FieldCapacity(by_unit)


def book(connection: Connection, wish: SlotWish, field_unit: str, days: Iterable[date], capacity: int) -> date:
    """The first of the days with room; the day booked before, if it is one of them."""
    _queue_for(connection, field_unit)
    had = connection.scalar(select(_SLOTS.c.day).where(_SLOTS.c.notice_id == wish.notice_id))
    count = select(_SLOTS.c.day, func.count()).where(
        names(connection, _SLOTS.c.field_unit, field_unit),
        _SLOTS.c.day >= wish.earliest,
        _SLOTS.c.notice_id != wish.notice_id,
    )
    booked: dict[date, int] = {line[0]: line[1] for line in connection.execute(count.group_by(_SLOTS.c.day))}
    day = next(d for d in days if d == had or ((had is None or d > had) and booked.get(d, 0) < capacity))
    _put(connection, wish.notice_id, wish.case_key, field_unit, day)
    return day


def keep(connection: Connection, order: NoticeOrder) -> None:
    """The row of a red notice that is issued, unless it is void by now: records may arrive in any order."""
    notice, unit = order.notice, order.record.case.field_unit
    if notice.kind != "red" or unit is None:
        return
    if connection.scalar(select(_NOTICES.c.state).where(_NOTICES.c.notice_id == notice.notice_id)) == "void":
        return
    day = notice.cut_at.astimezone(ZoneInfo(order.timezone)).date()
    _put(connection, notice.notice_id, notice.case_key, unit, day)


def follow(connection: Connection, record: Record) -> None:
    """Void notices and closed cases give their days back; a case that moves to another unit takes its day along.

    That may bring the other unit above its number on that day: who reassigned the case, or billing, decided so.
    """
    case = record.case
    void = [n.notice_id for n in record.notices if n.kind == "red" and n.state == "void"]
    if void:
        connection.execute(delete(_SLOTS).where(_SLOTS.c.notice_id.in_(void)))
    if case.closed_at is not None:
        connection.execute(delete(_SLOTS).where(_SLOTS.c.case_key == case.case_key))
    elif any(_moves_to_another_unit(e) for e in record.evidence):
        moved = update(_SLOTS).where(_SLOTS.c.case_key == case.case_key)
        connection.execute(moved.values(field_unit=case.field_unit))


def _moves_to_another_unit(entry: Evidence) -> bool:
    """By hand, or because billing's record of the customer names another (R-32)."""
    by_hand = entry.what == "reassigned" and entry.detail.get("role") == "field_unit"
    return by_hand or (entry.what == "customer.changed" and "field_unit" in entry.detail.get("fields", ()))


def _put(connection: Connection, notice_id: str, case_key: str, field_unit: str, day: date) -> None:
    row = {"notice_id": notice_id, "case_key": case_key, "field_unit": field_unit, "day": day}
    connection.execute(insert_or_replace(connection, _SLOTS), row)


def _queue_for(connection: Connection, field_unit: str) -> None:
    """One booking at a time for a unit: two that count at once would both find the last place free.

    On SQLite every write transaction has waited for the others already.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:unit, 0))")
        connection.execute(lock, {"unit": f"cut slots of {id_key(field_unit)}"})
