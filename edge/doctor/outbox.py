"""The doctor's check of the outbox: whether what is filed for staff goes out."""

from collections.abc import Callable
from datetime import datetime, timedelta

from activities.register import RegisterUnavailable
from domain.metrics import UnsentCounted
from edge.doctor.finding import Finding, aside, ok, spoken, warning

SOON = timedelta(minutes=15)
"""A message that no channel has accepted for longer was refused by all of them several times, or nobody sends it."""


async def outbox(count: Callable[[], UnsentCounted], now: datetime) -> tuple[Finding, ...]:
    """Whether what is filed for staff goes out; that the register gives no answer, its own part says."""
    try:
        waiting = await aside(count)
    except RegisterUnavailable:
        return ()
    age = timedelta() if waiting.oldest_filed_at is None else now - waiting.oldest_filed_at
    if age <= SOON:
        return (ok("outbox", f"{waiting.messages} messages to staff wait to be sent"),)
    says = f"{waiting.messages} messages to staff wait to be sent, the oldest for {spoken(age)}"
    do = "is a worker running, with ARREARS_NOTIFY? Its log has what each channel said (channel.tried)"
    return (warning("outbox", says, do),)
