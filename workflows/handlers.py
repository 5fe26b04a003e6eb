"""Temporal's handlers of the messages, made from the contract's table: name, sentence, validator."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.contract.tables import SIGNALS, UPDATES
    from workflows.payloads import NOTHING

Answer = dict[str, Any]
_Handler = TypeVar("_Handler", bound=Callable[..., Any])

# Temporal counts a first parameter among the arguments of a message unless it is `self`, and unannotated.


def signal(name: str) -> Callable[..., None]:
    """The handler of a signal: the case's `signalled` is given the name and the raw payload."""

    def handle(self, payload: RawValue = NOTHING) -> None:  # type: ignore[no-untyped-def]
        self.signalled(name, payload)

    description = SIGNALS[name].description
    return workflow.signal(name=name, description=description)(_named(handle, name, description))


def update(
    name: str, by: Callable[[Any, RawValue], Awaitable[Answer]] | None = None
) -> workflow.UpdateMethodMultiParam[..., Awaitable[Answer]]:
    """The handler of an update, with the check of its form as its validator.

    The case's `updated` answers it from the name and the raw payload, or `by`, where billing is asked first.
    """

    async def handle(self, payload: RawValue = NOTHING) -> Answer:  # type: ignore[no-untyped-def]
        answer: Answer = await (by(self, payload) if by else self.updated(name, payload))
        return answer

    def check(self, payload: RawValue = NOTHING) -> None:  # type: ignore[no-untyped-def]
        self.check_form(name, payload)

    description = UPDATES[name].description
    handler = workflow.update(name=name, description=description)(_named(handle, name, description))
    handler.validator(_named(check, f"{name}_form", description))
    return handler


def _named(function: _Handler, name: str, description: str) -> _Handler:
    function.__name__ = name
    function.__doc__ = f"{description}."
    return function
