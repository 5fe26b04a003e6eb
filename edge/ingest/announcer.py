"""Announces to the cases on Temporal: opens, joins or signals them by the public contract."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from temporalio.client import Client
from temporalio.service import RPCError

from client.cases import NoCase, open_or_join, patiently, running, signal, unavailable, workflow_id
from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed
from domain.customer import Account
from domain.law.policy_choice import Policies
from edge.ingest.overdue import summary


@dataclass(frozen=True)
class CaseAnnouncer:
    """Opens each case under the policy that fits it. A server that does not answer raises TemporalUnavailable."""

    client: Client
    policies: Policies
    task_queue: str

    async def open_or_join(self, account: Account, owed: Decimal, event: BillOverdue) -> Literal["opened", "joined"]:
        """Signal with start."""
        return await self._open("bill_overdue", account, owed, event)

    async def payment(self, account_id: str, event: PaymentReceived) -> bool:
        """Signal, if the case is there."""
        return await self._signal(account_id, "payment_received", event)

    async def reversal(
        self, account: Account, owed: Decimal, event: PaymentReversed, may_open: bool
    ) -> Literal["opened", "joined", "none"]:
        """Signal with start, or without."""
        if may_open:
            return await self._open("payment_reversed", account, owed, event)
        return "joined" if await self._signal(account.account_id, "payment_reversed", event) else "none"

    async def running(self, account_id: str) -> bool:
        """Ask the server for the case's latest run."""
        try:
            return await running(self.client, workflow_id(account_id)) is not None
        except RPCError as problem:
            raise unavailable(problem) from problem

    async def _open(
        self, name: str, account: Account, owed: Decimal, event: BillOverdue | PaymentReversed
    ) -> Literal["opened", "joined"]:
        policy = self.policies.for_account(account)
        return await patiently(
            lambda: open_or_join(
                self.client,
                account.account_id,
                name,
                event,
                policy=policy,
                task_queue=self.task_queue,
                summary=summary(account, owed, policy.currency),
            )
        )

    async def _signal(self, account_id: str, name: str, event: PaymentReceived | PaymentReversed) -> bool:
        try:
            await patiently(lambda: signal(self.client, account_id, name, event))
        except NoCase:
            return False
        return True
