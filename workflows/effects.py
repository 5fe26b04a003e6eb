"""An effect that the law demands: its activity is tried until it succeeds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from domain.vocabulary import Contract

AFTER_A_FAILURE = timedelta(minutes=1)


async def insist(activity: Callable[[Any, Any], Any], order: Contract, config: workflow.ActivityConfig) -> Any:
    """The activity's result. One that failed is asked for again after a minute, without end."""
    while True:
        try:
            return await workflow.execute_activity_method(activity, order, **config)
        except ActivityError:  # an operator failed it by hand, or it failed for good
            await workflow.sleep(AFTER_A_FAILURE, summary="a failed activity is tried again")
