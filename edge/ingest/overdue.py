"""Asks the billing system who is overdue, and opens or joins their cases."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from temporalio.client import Client

from activities.billing import BillingSystem
from client.cases import open_or_join, patiently
from domain.customer import Account
from domain.law.policy_choice import Policies
from domain.money.debt import AccountDebt, BillDebt, DebtQuery
from domain.words import CLASSES, both_of
from edge.ingest.events import bill_overdue

PAGE = 500
AT_ONCE = 32


@dataclass
class Overdue:
    """What came of it; `not_opened` says why for each account that was asked for and has no debt worth a case."""

    asked: int = 0
    cases_opened: int = 0
    cases_joined: int = 0
    not_opened: dict[str, str] = field(default_factory=dict)


def summary(account: Account, owed: Decimal, currency: str) -> str:
    """The line that Temporal UI shows for a case: account, class and amount; nothing personal."""
    kind = "重要用户 important" if account.important else both_of(CLASSES, account.customer_class)
    return f"户号 {account.account_id} · {kind} · 欠费 owed {owed} {currency}"


async def open_overdue(
    client: Client,
    billing: BillingSystem,
    policies: Policies,
    task_queue: str,
    as_of: datetime,
    accounts: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Overdue:
    """Open or join the cases of these accounts, or of all that billing says are overdue as of then.

    `progress("overdue", done, asked)` after some accounts: billing does not say beforehand how many there are.
    """
    done = Overdue()
    pages = _named(accounts) if accounts else _all_overdue(billing, as_of)
    async for page in pages:
        queries = tuple(DebtQuery(account_id=account, as_of=as_of) for account in page)
        debts = await asyncio.to_thread(billing.debts, queries)
        known = await asyncio.to_thread(billing.accounts, page)
        done.asked += len(debts)
        owed: list[tuple[Account, AccountDebt]] = []
        for account_id, debt in zip(page, debts, strict=True):
            account = known.get(account_id)
            if account is None or debt is None:
                done.not_opened[account_id] = "营销系统中无此户号 billing does not know this account"
            else:
                owed.append((account, debt))
        for start in range(0, len(owed), AT_ONCE):
            some = owed[start : start + AT_ONCE]
            await asyncio.gather(*(_open(client, account, policies, task_queue, debt, done) for account, debt in some))
            progress("overdue", done.cases_opened + done.cases_joined + len(done.not_opened), done.asked)
    return done


async def _open(
    client: Client, account: Account, policies: Policies, task_queue: str, debt: AccountDebt, done: Overdue
) -> None:
    bill, policy = _oldest_owing(debt), policies.for_account(account)
    if bill is None:
        done.not_opened[debt.account_id] = "无逾期欠费 nothing is overdue"
    elif debt.owed < policy.least_debt:
        done.not_opened[debt.account_id] = (
            f"欠费 {debt.owed} 低于起点 {policy.least_debt} the debt is below the minimum for a case"
        )
    else:
        event = bill_overdue(debt.account_id, bill)
        line = summary(account, debt.owed, policy.currency)
        how = await patiently(
            lambda: open_or_join(
                client, debt.account_id, "bill_overdue", event, policy=policy, task_queue=task_queue, summary=line
            )
        )
        if how == "opened":
            done.cases_opened += 1
        else:
            done.cases_joined += 1


def _oldest_owing(debt: AccountDebt) -> BillDebt | None:
    return min((b for b in debt.bills if b.outstanding > 0), key=lambda b: (b.due_date, b.bill_id), default=None)


async def _named(accounts: Sequence[str]) -> AsyncIterator[tuple[str, ...]]:
    unique = tuple(dict.fromkeys(accounts))
    for start in range(0, len(unique), PAGE):
        yield unique[start : start + PAGE]


async def _all_overdue(billing: BillingSystem, as_of: datetime) -> AsyncIterator[tuple[str, ...]]:
    last = ""
    while page := await asyncio.to_thread(billing.overdue_accounts, as_of, last, PAGE):
        yield page
        last = page[-1]
