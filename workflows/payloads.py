"""The one place where raw payloads become messages: whatever is wrong with one is named, and wedges nothing."""

from typing import Any, TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from domain.contract.refusals import UNBELIEVED, Refused
from domain.vocabulary import Contract

NOTHING = RawValue(Payload())
"""The default of every handler's argument: a message sent without one arrives here."""

_Message = TypeVar("_Message", bound=Contract)


def start_input(model: type[_Message], raw: RawValue) -> _Message:
    """What a scheduled workflow is started with: nothing, by its schedule, or a payload, by a person.

    ApplicationError, which ends the run: the payload is no such model. So the next run of the schedule can start.
    """
    if raw is NOTHING:
        return model()
    try:
        return parse(model, raw)
    except Refused as refusal:
        raise ApplicationError(str(refusal), refusal.details, type=refusal.type, non_retryable=True) from None


def parse(model: type[_Message], raw: RawValue) -> _Message:
    """The payload as its model; raises Refused(BadRequest) naming the first field that is wrong."""
    if not raw.payload.metadata:
        raise Refused("BadRequest", "the message needs one JSON object as its payload")
    if raw.payload.metadata.get("encoding") == UNBELIEVED:
        raise Refused("BadRequest", raw.payload.data.decode("utf-8", "replace"))
    try:
        value: Any = workflow.payload_converter().from_payload(raw.payload)
    except Exception as error:  # any converter, any encoding: an undecodable payload must not wedge the case
        raise Refused("BadRequest", f"the payload is not JSON: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise Refused("BadRequest", f"the payload must be a JSON object, not {type(value).__name__}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused("BadRequest", f"{field or 'payload'}: {first['msg']}", field=field or None) from None
    except RecursionError:
        raise Refused("BadRequest", "the payload is nested too deeply") from None
