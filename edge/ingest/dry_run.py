"""What a dry run announces to: it asks which cases run, answers as they would, and sends them nothing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from domain.contract.signals import BillOverdue, PaymentReceived, PaymentReversed
from domain.customer import Account
from edge.ingest.announcements import Announcer


@dataclass(frozen=True)
class DryRunAnnouncer:
    """Answers as the cases would, and sends nothing."""

    cases: Announcer

    async def open_or_join(self, account: Account, owed: Decimal, event: BillOverdue) -> Literal["opened", "joined"]:
        """Whether the case would be opened or joined."""
        del owed, event
        return "joined" if await self.cases.running(account.account_id) else "opened"

    async def payment(self, account_id: str, event: PaymentReceived) -> bool:
        """Whether a case would have had the signal."""
        del event
        return await self.cases.running(account_id)

    async def reversal(
        self, account: Account, owed: Decimal, event: PaymentReversed, may_open: bool
    ) -> Literal["opened", "joined", "none"]:
        """Whether the case would be opened or joined, or none is there."""
        del owed, event
        if await self.cases.running(account.account_id):
            return "joined"
        return "opened" if may_open else "none"

    async def running(self, account_id: str) -> bool:
        """Whether the account has a running case."""
        return await self.cases.running(account_id)
