"""How long each counterparty is waited for: one activity configuration each, and what outranks what."""

from datetime import timedelta

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

# A worker that is killed delays its activity by this much. It is short, for nothing here takes seconds.
SOON = timedelta(seconds=20)

# Effects the law demands are tried for ever. The longest pause is the worker's setting (see `interceptors`).
_FOR_EVER = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2.0)

RESTORATION_FIRST = Priority(priority_key=1)
DUNNING = Priority(priority_key=4)

FAIRNESS_KEY_BYTES = 64  # the server takes no more

BILLING = ActivityConfig(start_to_close_timeout=SOON, retry_policy=_FOR_EVER)
BILLING_FOR_RESTORATION = ActivityConfig(
    start_to_close_timeout=SOON, retry_policy=_FOR_EVER, priority=RESTORATION_FIRST
)

# A customer without supply has perhaps paid: within the workflow task; as above if that takes more than a second.
BILLING_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=1),
    schedule_to_close_timeout=timedelta(seconds=2),
    retry_policy=RetryPolicy(maximum_attempts=1),
    summary="II.6 what is owed",
)

# In the last half-hour and at the permit no answer is an answer: no cut.
BILLING_NOW = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), backoff_coefficient=1.5),
)

# The customer is to be notified soon after T - 30 min. If no channel accepts, the reader needs the time that is left.
CHANNELS = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), backoff_coefficient=1.5),
)

NOTICES = ActivityConfig(start_to_close_timeout=SOON, retry_policy=_FOR_EVER, priority=DUNNING)
CUT_TICKETS = ActivityConfig(start_to_close_timeout=SOON, retry_policy=_FOR_EVER)
RESTORATIONS = ActivityConfig(start_to_close_timeout=SOON, retry_policy=_FOR_EVER, priority=RESTORATION_FIRST)
REGISTER = ActivityConfig(start_to_close_timeout=SOON, retry_policy=_FOR_EVER)
SWEEP = ActivityConfig(start_to_close_timeout=timedelta(minutes=5), retry_policy=_FOR_EVER)
REPORT = ActivityConfig(start_to_close_timeout=timedelta(hours=1), retry_policy=_FOR_EVER)  # reads a whole month

# A record is written within the workflow task if the register answers at once; else as REGISTER.
REGISTER_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=2),
    schedule_to_close_timeout=timedelta(seconds=3),
    retry_policy=RetryPolicy(maximum_attempts=1),  # the activity that follows is tried for ever
    summary="R-30 record",
)


def fairly(config: ActivityConfig, centre: str) -> ActivityConfig:
    """Fair queueing by reading centre: a large batch of one does not delay another."""
    priority = config.get("priority", Priority.default)
    key = centre.encode()[:FAIRNESS_KEY_BYTES].decode(errors="ignore")
    return {**config, "priority": Priority(priority_key=priority.priority_key, fairness_key=key)}


def titled(config: ActivityConfig, summary: str) -> ActivityConfig:
    """The configuration with the line that Temporal UI shows."""
    return {**config, "summary": summary}
