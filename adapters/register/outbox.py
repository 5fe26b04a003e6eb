"""The outbox in SQL: file a message once, claim what is due for one worker, keep each try, give up, send again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import structlog
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import NoResultFound

from adapters.register.tables import TABLES
from adapters.sql.column_types import canonical
from adapters.sql.engine import reading, writing
from adapters.sql.statements import insert_once, insert_or_replace, inserted
from domain.metrics import UnsentCounted
from domain.papers.urgency import urgency_of
from domain.record.case_file import FiledMessage
from domain.record.deliveries import ChannelTry, GivenUpFor
from domain.record.evidence import Owner
from domain.record.rows import Message
from domain.vocabulary import Stage

_UNSENT, _GIVEN_UP, _MESSAGES, _CASES, _DELIVERIES = (
    TABLES.tables[name] for name in ("unsent", "given_up", "messages", "cases", "deliveries")
)

log = structlog.get_logger()


def file_message(connection: Connection, owner: Owner, message: Message, hands_on: bool) -> None:
    """Put a message into the outbox, once per key, in the transaction of what it is about.

    `hands_on`: it is queued for the channels of staff too, in the same transaction.
    """
    values = {"account_id": owner.account_id, "case_key": owner.case_key} | message.model_dump()
    if inserted(connection, _MESSAGES, values):
        return _queue(connection, message.key, message) if hands_on else None
    there = connection.execute(select(_MESSAGES).where(_MESSAGES.c.key == message.key)).mappings().one()
    said = ("to_role", "to_person", "subject", "about")
    if any(there[name] != values[name] for name in said):  # the key was taken by a workflow task that came to nothing
        substance = canonical([values[name] for name in said])
        values["key"] = f"{message.key}~{sha256(substance.encode()).hexdigest()[:12]}"
        if inserted(connection, _MESSAGES, values) and hands_on:
            _queue(connection, values["key"], message)


def _queue(connection: Connection, key: str, message: Message) -> None:
    """Queue it for the channels of staff. Messages to the customer the case itself has sent, and waits for (R-16)."""
    if message.to_role != "customer":
        row = {"message_key": key, "urgency": urgency_of(message), "filed_at": message.at}
        connection.execute(insert_once(connection, _UNSENT), row)


@dataclass(frozen=True)
class Parcel:
    """A message in the hands of one worker: until its claim runs out, no other takes it. `stage` is its case's."""

    message: FiledMessage
    urgency: int
    claim: str
    attempt: int
    first_tried_at: datetime
    stage: Stage | None = None


@dataclass(frozen=True)
class SqlOutbox:
    """Claims and notes; every method raises RegisterUnavailable when the database gives no answer."""

    engine: Engine

    def has_due(self, now: datetime) -> bool:
        """Whether there is anything to send; nothing is locked for this question, which is asked each second."""
        with reading(self.engine) as connection:
            return connection.execute(select(_UNSENT.c.message_key).where(_due(now)).limit(1)).first() is not None

    def claim(self, now: datetime, lease: timedelta, limit: int, least_urgent: int) -> tuple[Parcel, ...]:
        """Take so many of those that are due, the most urgent first; a worker that dies loses its claims after `lease`.

        One that cannot be read is set aside as given up, and holds up no other.
        """
        query = (
            select(_UNSENT)
            .where(_due(now), _UNSENT.c.urgency <= least_urgent)
            .order_by(_UNSENT.c.urgency, _UNSENT.c.due_at.nulls_first(), _UNSENT.c.filed_at, _UNSENT.c.message_key)
            .limit(limit)
            .with_for_update(skip_locked=True)  # left out where there is one writer at a time anyway
        )
        with writing(self.engine) as connection:
            rows = connection.execute(query).mappings().all()
            return tuple(parcel for row in rows if (parcel := _taken(connection, row, now, lease)) is not None)

    def note(self, parcel: Parcel, tries: Sequence[ChannelTry], again_at: datetime | None) -> None:
        """Keep what each channel said, and take the message off the queue, or put it back until `again_at`.

        One who was taken for dead meanwhile only leaves his notes: the message is another's by now. If that one has
        given it up, it was sent all the same.
        """
        with writing(self.engine) as connection:
            if again_at is None:
                connection.execute(delete(_UNSENT).where(_held(parcel)))
                connection.execute(delete(_GIVEN_UP).where(_GIVEN_UP.c.message_key == parcel.message.key))
            else:
                connection.execute(update(_UNSENT).where(_held(parcel)).values(claim=None, due_at=again_at))
            _keep(connection, parcel, tries)

    def give_up(self, parcel: Parcel, tries: Sequence[ChannelTry], reason: GivenUpFor, now: datetime) -> None:
        """Keep what each channel said, and try no more; until somebody has it sent again it stands as given up."""
        with writing(self.engine) as connection:
            held = select(_UNSENT).where(_held(parcel)).with_for_update()
            row = connection.execute(held).mappings().one_or_none()
            if row is not None:
                _set_aside(connection, row, reason, now)
            _keep(connection, parcel, tries)

    def send_again(self, message_keys: Sequence[str]) -> tuple[str, ...]:
        """Queue again those of the messages that were given up, as if they had just been filed; which they were."""
        given_up = _GIVEN_UP.c.message_key.in_(message_keys)
        with writing(self.engine) as connection:
            rows = connection.execute(select(_GIVEN_UP).where(given_up).order_by(_GIVEN_UP.c.filed_at)).mappings().all()
            for row in rows:
                queued = {name: row[name] for name in ("message_key", "urgency", "filed_at")}
                connection.execute(insert_once(connection, _UNSENT), queued)
            connection.execute(delete(_GIVEN_UP).where(given_up))
            return tuple(row["message_key"] for row in rows)

    def note_customer(self, message_key: str, tries: Sequence[ChannelTry]) -> None:
        """Keep what each of the customer's channels said."""
        if tries:
            with writing(self.engine) as connection:
                connection.execute(insert(_DELIVERIES), _lines(message_key, uuid4().hex, 1, tries))


def count_unsent(connection: Connection) -> UnsentCounted:
    """How many messages wait to be sent, and since when."""
    oldest = func.min(_UNSENT.c.filed_at, type_=_UNSENT.c.filed_at.type).label("oldest_filed_at")
    line = connection.execute(select(func.count().label("messages"), oldest).select_from(_UNSENT)).mappings().one()
    return UnsentCounted(**line)


def _taken(connection: Connection, row: Mapping[Any, Any], now: datetime, lease: timedelta) -> Parcel | None:
    """The parcel of a row, claimed for us; None, and set aside, if its message cannot be read."""
    key = row["message_key"]
    query = select(_MESSAGES, _CASES.c.stage).outerjoin(_CASES, _CASES.c.case_key == _MESSAGES.c.case_key)
    try:
        line = connection.execute(query.where(_MESSAGES.c.key == key)).mappings().one()
        message = FiledMessage.model_validate(dict(line))
    except (NoResultFound, ValueError) as problem:
        log.error("outbox.unreadable", message=key, wrong=_wrong(problem))
        _set_aside(connection, row, "unreadable", now)
        return None
    claim, first = uuid4().hex, row["first_tried_at"] or now
    held = {"claim": claim, "due_at": now + lease, "tries": row["tries"] + 1, "first_tried_at": first}
    connection.execute(update(_UNSENT).where(_UNSENT.c.message_key == key).values(held))
    return Parcel(message, row["urgency"], claim, row["tries"] + 1, first, line["stage"])


def _wrong(problem: NoResultFound | ValueError) -> list[str]:
    """What is wrong with a message, by field: the problem's own text quotes what was to be read."""
    if isinstance(problem, ValidationError):
        return list({f"{error['loc'][0]}: {error['type']}": None for error in problem.errors()})
    return ["it is not there"] if isinstance(problem, NoResultFound) else ["a column holds no value of its kind"]


def _set_aside(connection: Connection, row: Mapping[Any, Any], reason: GivenUpFor, now: datetime) -> None:
    kept = {name: row[name] for name in ("message_key", "urgency", "filed_at")}
    connection.execute(insert_or_replace(connection, _GIVEN_UP), {**kept, "given_up_at": now, "reason": reason})
    connection.execute(delete(_UNSENT).where(_UNSENT.c.message_key == row["message_key"]))


def _held(parcel: Parcel) -> ColumnElement[bool]:
    return and_(_UNSENT.c.message_key == parcel.message.key, _UNSENT.c.claim == parcel.claim)


def _keep(connection: Connection, parcel: Parcel, tries: Sequence[ChannelTry]) -> None:
    if tries:
        connection.execute(insert(_DELIVERIES), _lines(parcel.message.key, parcel.claim, parcel.attempt, tries))


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(_UNSENT.c.due_at.is_(None), _UNSENT.c.due_at <= now)


def _lines(key: str, claim: str, attempt: int, tries: Sequence[ChannelTry]) -> list[dict[str, object]]:
    return [
        {"message_key": key, "claim": claim, "place": place, "attempt": attempt} | one.model_dump()
        for place, one in enumerate(tries)
    ]
