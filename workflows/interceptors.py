"""The longest pause between an activity's attempts, set where the worker runs and not in the case's history."""

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle


class LongestPause(Interceptor):
    """Caps the retry interval of every activity that is tried for ever; safe to change between runs of a worker."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """A class bound to this worker's setting."""
        del input
        longest = self._longest

        class Outbound(WorkflowOutboundInterceptor):
            """Starts every activity of a workflow."""

            def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
                """Cap the pause between two tries, where the caller has not."""
                policy = input.retry_policy or RetryPolicy()
                if policy.maximum_interval is None:
                    first = min(policy.initial_interval, longest)
                    input.retry_policy = RetryPolicy(
                        initial_interval=first,
                        backoff_coefficient=policy.backoff_coefficient,
                        maximum_interval=longest,
                        maximum_attempts=policy.maximum_attempts,
                        non_retryable_error_types=policy.non_retryable_error_types,
                    )
                return super().start_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            """Receives what a workflow is given."""

            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                """Put `Outbound` before every activity of this workflow."""
                super().init(Outbound(outbound))

        return Inbound
