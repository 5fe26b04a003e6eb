"""What the doctor finds of one part: whether it is well, in one sentence, and what to do if it is not."""

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from temporalio.service import RPCError

State = Literal["ok", "warning", "broken"]
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing found. `broken`: something needed is not there; `warning`: it works, and somebody should see to it."""

    part: str
    state: State
    says: str
    do: str = ""


def ok(part: str, says: str) -> Finding:
    """All is well."""
    return Finding(part, "ok", says)


def warning(part: str, says: str, do: str) -> Finding:
    """It works, and somebody should see to it."""
    return Finding(part, "warning", says, do)


def broken(part: str, says: str, do: str) -> Finding:
    """Something needed is not there."""
    return Finding(part, "broken", says, do)


def spoken(age: timedelta) -> str:
    """An age, as it is said."""
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"


Check = Callable[[], Awaitable[Iterable[Finding]]]


async def in_time(part: str, check: Check, seconds: float) -> tuple[Finding, ...]:
    """What the check finds; a part that hangs or fails is a finding, and hides no other part."""
    try:
        async with asyncio.timeout(seconds):
            return tuple(await check())
    except TimeoutError:
        return (broken(part, f"gave no answer within {seconds:g} s", "see whether it hangs, or the network does"),)
    except RPCError as problem:
        says = f"Temporal gives no answer to this: {problem.status.name}: {_in_short(problem)}"
        return (broken(part, says, "see what is said of temporal, and what the login of TEMPORAL_* may do there"),)
    except Exception as problem:  # top of this check: the report must name all the other parts
        *_, (frame, line) = traceback.walk_tb(problem.__traceback__)
        where = f"{frame.f_code.co_filename}:{line}"
        says = f"could not be checked: {type(problem).__name__}: {_in_short(problem)} ({where})"
        return (broken(part, says, "this is a fault of the doctor's: report it"),)


def _in_short(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [""])[0]


async def aside(check: Callable[[], T]) -> T:
    """The answer of something that blocks; if it hangs, nothing waits for its end."""
    answer: Future[T] = Future()

    def work() -> None:
        """Answer in place of the caller, with the value or the error."""
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(check())
        except BaseException as problem:  # raised where it was asked, which would wait for ever
            answer.set_exception(problem)

    threading.Thread(target=work, name="doctor", daemon=True).start()
    return await asyncio.wrap_future(answer)
