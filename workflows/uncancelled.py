"""A request to cancel does not end a case: that is what `withdraw` is for, with its reason and its name."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

_Run = TypeVar("_Run", bound=Callable[..., Awaitable[Any]])


def uncancelled(noticed: Callable[[Any], None]) -> Callable[[_Run], _Run]:
    """Go on when Temporal cancels the workflow; `noticed(case)` is called.

    The button stands beside the others in Temporal UI. Pressed on a customer who is cut off, it would leave him so.
    """

    def around(run: _Run) -> _Run:
        """The same `run`, which no cancellation ends."""

        @functools.wraps(run)
        async def going_on(case: Any, *arguments: Any) -> Any:
            """Wait for the end of `run`, however often somebody cancels."""
            running = asyncio.ensure_future(run(case, *arguments))
            while True:
                try:
                    return await asyncio.shield(running)
                except asyncio.CancelledError:
                    if running.done():
                        return running.result()
                    noticed(case)

        return going_on  # type: ignore[return-value]

    return around
