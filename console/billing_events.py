"""Billing events over HTTP: each is checked before the first is sent, and then opens, joins or signals a case."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, ValidationError
from temporalio.client import Client

from client import cases
from domain.contract.tables import OPENING_SIGNALS
from domain.law.policy import Policy
from domain.vocabulary import Contract, Id

MOST_EVENTS = 500


class BillingEvent(Contract):
    """One event: `payload` is that of the signal of this name."""

    event: Literal["bill_overdue", "payment_received", "payment_reversed"]
    account_id: Id
    payload: dict[str, Any]


class BillingEvents(Contract):
    """The body of a request."""

    events: tuple[BillingEvent, ...] = Field(min_length=1, max_length=MOST_EVENTS)


@dataclass(frozen=True)
class Checked:
    """An event that may be sent."""

    event: BillingEvent
    message: Contract


def read_events(body: bytes) -> list[Checked]:
    """Every event of a body. BadRequest names the first field that is wrong."""
    try:
        events = BillingEvents.model_validate(json.loads(body)).events
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise cases.BadRequest(f"{field or 'body'}: {first['msg']}", field or None) from None
    except (ValueError, RecursionError) as problem:
        raise cases.BadRequest(f"the body is not JSON: {type(problem).__name__}") from None
    return [_checked(number, event) for number, event in enumerate(events)]


def _checked(number: int, event: BillingEvent) -> Checked:
    where = f"events.{number}.payload"
    try:
        message = cases.parse(event.event, event.payload)
    except cases.BadRequest as problem:
        field = f"{where}.{problem.details['field']}" if "field" in problem.details else where
        raise cases.BadRequest(f"{where}.{problem.message}", field) from None
    if getattr(message, "account_id", event.account_id) != event.account_id:
        raise cases.BadRequest(f"{where}.account_id: must be that of the event", f"{where}.account_id")
    return Checked(event, message)


async def send(
    client: Client, checked: Checked, policy_for: Callable[[str], Policy | None], task_queue: str
) -> dict[str, str]:
    """Send one event: `case` says whether it opened a case, joined one, or found none (a payment needs none)."""
    name, account = checked.event.event, checked.event.account_id
    if name in OPENING_SIGNALS:
        policy = await asyncio.to_thread(policy_for, account)
        how: str = await cases.open_or_join(
            client, account, name, checked.message, policy=policy, task_queue=task_queue
        )
    else:
        try:
            await cases.signal(client, account, name, checked.message)
        except cases.NoCase:
            how = "none"
        else:
            how = "joined"
    return {"event": name, "account_id": account, "case": how}
