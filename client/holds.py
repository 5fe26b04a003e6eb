"""Holds by signal: nobody answers a signal, so the case is read afterwards; what it ignored is not called sent."""

from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client

from client.cases import Refused, query, signal
from client.problems import NotThere
from domain.contract.signals import HoldLifted, HoldPlaced
from domain.contract.tables import HOLD_ROLES

PATIENCE = timedelta(seconds=5)
"""How long the case is waited for: a hold that it could not confirm by then has been sent all the same."""

_RULE = {"rule": "R-04", "clause": "I.3"}


async def send(client: Client, account_id: str, name: str, hold: HoldPlaced | HoldLifted) -> bool:
    """Send it; whether the case is seen to have taken it. False: no answer, or no such hold to be lifted is there.

    Refused: the role may not place or lift holds, and nothing was sent; or the case ignored what was sent.
    """
    if hold.actor.role not in HOLD_ROLES:
        may = ", ".join(sorted(HOLD_ROLES))
        sentence = f"{hold.actor.role} may not place or lift holds; {may} may. Nothing was sent"
        raise Refused("NotAllowed", sentence, {"field": "actor.role", **_RULE})
    await signal(client, account_id, name, hold)
    try:
        case: dict[str, Any] = await query(client, account_id, "snapshot", patience=PATIENCE)
    except NotThere:
        return False
    if not case.get("opened", True):  # its account is being looked up; signals are kept until then
        return False
    there = next((known for known in case["holds"] if known["hold_id"] == hold.hold_id), None)
    if isinstance(hold, HoldLifted):
        if there is not None and there.get("ended_at") is None:
            raise _ignored(hold.hold_id, "still stands", account_id)
        return there is not None  # one that is not there yet is lifted when its placing arrives
    if there is None:
        raise _ignored(hold.hold_id, "does not stand", account_id)
    if there.get("ended_at") is not None:
        otherwise = "give a later --at, or another id"
        raise _not_so(f"hold {hold.hold_id} does not stand: it was lifted, or ran out; {otherwise}")
    if (there["kind"], _moment(there.get("until"))) != (hold.kind, hold.until):
        until = there.get("until") or "it is lifted"
        raise _not_so(f"hold {hold.hold_id} stands already, as {there['kind']} until {until}; give another id")
    return True


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _not_so(sentence: str) -> Refused:
    return Refused("Ignored", f"the case ignored it: {sentence}", {"field": "hold_id", **_RULE})


def _ignored(hold_id: str, state: str, account_id: str) -> Refused:
    sentence = f"the case ignored it, and hold {hold_id} {state}: is the unit of the actor that of this account?"
    return Refused("Ignored", f"{sentence} `python starter.py proof {account_id}` shows the account's record", _RULE)
