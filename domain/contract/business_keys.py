"""What makes two messages the same: the business key of each update, so that twice is answered as once."""

from collections.abc import Callable
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
