"""Reading deliveries: which messages were sent by which channel, which wait, which were given up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select, Table, or_, select

from adapters.register.tables import TABLES
from adapters.sql.engine import reading
from domain.record.deliveries import ChannelTry, Delivery, DeliveryState

_MESSAGES, _UNSENT, _GIVEN_UP, _DELIVERIES = (
    TABLES.tables[name] for name in ("messages", "unsent", "given_up", "deliveries")
)
# By name: the texts stay where they are.
_OF_MESSAGE = [_MESSAGES.c[name] for name in ("account_id", "to_role", "to_unit", "to_person", "subject")]
_OF_QUEUES = [_UNSENT.c.due_at.label("again_at"), _GIVEN_UP.c.given_up_at, _GIVEN_UP.c.reason]


@dataclass(frozen=True)
class DeliveryReader:
    """Raises RegisterUnavailable when the database gives no answer."""

    engine: Engine

    def deliveries(
        self,
        account_id: str | None = None,
        role: str | None = None,
        state: DeliveryState | None = None,
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Messages that were handed to channels, or are to be; newest first, of those that wait the most urgent first.

        `state`: `waiting` or `given_up` alone; left out, all.
        """
        query = _OF_STATE[state].limit(limit)
        if account_id is not None:
            query = query.where(_MESSAGES.c.account_id == account_id)
        if role is not None:
            query = query.where(_MESSAGES.c.to_role == role)
        with reading(self.engine) as connection:
            lines = connection.execute(query).mappings().all()
            tries = _tries(connection, [line["message_key"] for line in lines])
        return tuple(_delivery(dict(line), tries[line["message_key"]]) for line in lines)


def _select(key: ColumnElement[Any], filed_at: ColumnElement[Any], among: FromClause) -> Select[Any]:
    named = (key.label("message_key"), filed_at.label("filed_at"), _UNSENT.c.message_key.label("queued"))
    return select(*named, *_OF_MESSAGE, *_OF_QUEUES).select_from(among)


def _queued(queue: Table, other: Table) -> Select[Any]:
    """Everything in one queue, also what lacks its message, or has one that cannot be read."""
    key = queue.c.message_key
    among = queue.outerjoin(_MESSAGES, _MESSAGES.c.key == key).outerjoin(other, other.c.message_key == key)
    return _select(key, queue.c.filed_at, among)


def _handed_on() -> Select[Any]:
    key = _MESSAGES.c.key
    among = _MESSAGES.outerjoin(_UNSENT, _UNSENT.c.message_key == key)
    among = among.outerjoin(_GIVEN_UP, _GIVEN_UP.c.message_key == key)
    tried = select(_DELIVERIES.c.message_key).where(_DELIVERIES.c.message_key == key).exists()
    known = or_(tried, _UNSENT.c.message_key.is_not(None), _GIVEN_UP.c.message_key.is_not(None))
    return _select(key, _MESSAGES.c.at, among).where(known).order_by(_MESSAGES.c.at.desc(), key)


_OF_STATE: dict[DeliveryState | None, Select[Any]] = {
    None: _handed_on(),
    "waiting": _queued(_UNSENT, _GIVEN_UP).order_by(_UNSENT.c.urgency, _UNSENT.c.filed_at, _UNSENT.c.message_key),
    "given_up": _queued(_GIVEN_UP, _UNSENT).order_by(_GIVEN_UP.c.given_up_at.desc(), _GIVEN_UP.c.message_key),
}


def _tries(connection: Connection, keys: Sequence[str]) -> defaultdict[str, list[ChannelTry]]:
    query = select(_DELIVERIES).where(_DELIVERIES.c.message_key.in_(keys))
    tries: defaultdict[str, list[ChannelTry]] = defaultdict(list)
    for line in connection.execute(
        query.order_by(_DELIVERIES.c.at, _DELIVERIES.c.attempt, _DELIVERIES.c.place)
    ).mappings():
        tries[line["message_key"]].append(ChannelTry.model_validate(dict(line)))
    return tries


def _delivery(line: dict[str, Any], tries: Sequence[ChannelTry]) -> Delivery:
    accepted = any(one.outcome == "accepted" for one in tries)
    state: DeliveryState = "sent" if accepted else "not_accepted"
    if line["given_up_at"] is not None:
        state = "given_up"
    elif line["queued"] is not None:
        state = "waiting"
    return Delivery.model_validate({**line, "state": state, "tries": tuple(tries)})
