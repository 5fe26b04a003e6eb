"""What makes two messages the same: the business key of each update, so that twice is answered as once; its content."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from domain.contract import updates as m
from domain.ids import id_key
from domain.vocabulary import Actor, Contract


def business_key(name: str, message: Contract) -> str | None:
    """The key under which the first accepted answer is kept; None where every message stands for itself."""
    parts = _KEYS[name](message) if name in _KEYS else None
    return None if parts is None else "/".join((name, *(str(p) for p in parts)))


def spelled_alike(message: Contract) -> Contract:
    """The message with meter and persons so spelled that all spellings of them make one business key (R-33)."""
    said: dict[str, Any] = {name: id_key(getattr(message, name)) for name in _MEANT if hasattr(message, name)}
    if isinstance(actor := getattr(message, "actor", None), Actor):
        said["actor"] = actor.model_copy(update={"id": id_key(actor.id)})
    return message.model_copy(update=said)


_MEANT = ("meter_id", "leader")


def fingerprint(value: object) -> str:
    """A short fingerprint of a value; a time counts as its moment, in whatever zone it is written."""
    return hashlib.sha256(repr(_as_it_counts(value)).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def content(message: Contract) -> dict[str, str]:
    """A fingerprint of each field. Who sends it, `actor`, is no content: colleagues repeat each other's messages."""
    return {field: fingerprint(value) for field, value in message if field != "actor"}


def field_that_differs(kept: dict[str, str], message: Contract) -> str | None:
    """The first field that says something else than the message of which this is the content; None if all agree."""
    return next((field for field, said in content(message).items() if kept.get(field, said) != said), None)


def _as_it_counts(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, Contract):
        return [(field, _as_it_counts(inner)) for field, inner in value]
    if isinstance(value, tuple | list):
        return [_as_it_counts(inner) for inner in value]
    return value


def _delivery(message: m.RecordDelivery) -> tuple[Any, ...] | None:
    """A second vain attempt to deliver is a new fact, unless it bears the same time."""
    if message.outcome == "undeliverable":
        return (message.notice_id, message.outcome, message.delivered_at) if message.delivered_at else None
    return (message.notice_id, message.outcome)


def _cut(message: m.ReportCut) -> tuple[Any, ...] | None:
    if message.permit_id is None and message.at is None:
        return None
    return (message.permit_id, message.ticket_id, message.at, message.meter_id, message.actor.role)


_KEYS: dict[str, Callable[[Any], tuple[Any, ...] | None]] = {
    "record_delivery": _delivery,
    "acknowledge_escalation": lambda msg: (msg.escalation_id,),
    "decide_approval": lambda msg: (msg.notice_id, msg.actor.role, msg.actor.id, msg.decision),
    "record_filing": lambda msg: (msg.purpose, msg.reference) if msg.purpose == "coordination" else None,
    "declare_delay": lambda msg: (msg.customer_told_at, msg.leader, msg.leader_told_at),
    "report_cut": _cut,
    "report_not_cut": lambda msg: (msg.ticket_id,),
    "verify_meter": lambda msg: (msg.ticket_id, msg.meter_id, msg.confirmed, msg.at) if msg.at else None,
    "request_restoration": lambda msg: (msg.request_id,),
    "record_promise": lambda msg: (msg.promise_id,),
    "agree_plan": lambda msg: (msg.plan_id,),
    "close_incident": lambda msg: (msg.incident_id,),
    "withdraw": lambda msg: (msg.actor.id, msg.reason),
}
