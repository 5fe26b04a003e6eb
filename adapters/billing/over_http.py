"""A utility's own billing system behind its API: the questions of the procedure, as the description has them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from activities.billing import AnswerUnusable
from adapters.billing import answers
from adapters.billing.described import NotAsDescribed
from adapters.billing.line import FOR_MANY, FOR_ONE, HttpLine, Patience
from domain.customer import Account, Customer
from domain.money.debt import AccountDebt, DebtQuery

_T = TypeVar("_T")
IN_ONE_QUESTION = 500
"""Accounts that the description lets a question carry."""


def open_http_billing(
    url: str, token: str | None, timezone: str, patience: tuple[Patience, Patience] = (FOR_ONE, FOR_MANY)
) -> "HttpBilling":
    """The billing system at that address; nothing is connected yet. `patience`: for one account, for many."""
    return HttpBilling(HttpLine(url, token, patience), timezone)


@dataclass(frozen=True)
class HttpBilling:
    """BillingSystem over HTTP; a bill is overdue from 00:00, in `timezone`, of the day after its due date.

    Every method raises BillingUnavailable when there is no answer, or one that differs from
    deploy/billing-api.openapi.yaml. Such an answer never counts as "owes nothing" or "unknown account".
    """

    line: HttpLine
    timezone: str

    @property
    def address(self) -> str:
        """Where it is; nothing in it is secret."""
        return self.line.url

    def customer(self, account_id: str) -> Customer | None:
        """The customer record, or None for an account billing does not know."""
        return self.customers((account_id,)).get(account_id)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """The records of these accounts, without those billing does not know, 500 in a question."""
        found: dict[str, Customer] = {}
        for some in _pieces(account_ids):
            answer = self.line.post("/customers", {"account_ids": list(some)}, many=len(account_ids) > 1)
            with self._as_described("/customers"):
                found |= answers.customers(answer, some)
        return found

    def accounts(self, account_ids: Sequence[str]) -> dict[str, Account]:
        """The standing data of these accounts, without those billing does not know."""
        return {account_id: customer.account for account_id, customer in self.customers(account_ids).items()}

    def account_of_meter(self, meter_id: str) -> str | None:
        """Whose meter that is, in any spelling; None where billing does not say, or does not offer the question."""
        answer = self.line.post("/account-of-meter", {"meter_id": meter_id}, many=False)
        with self._as_described("/account-of-meter"):
            return answers.account_of_meter(answer, meter_id)

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """What each account owes as of its query's time, 500 in a question; None for one billing does not know."""
        found: list[AccountDebt | None] = []
        for some in _pieces(queries):
            asked = [
                {"account_id": q.account_id, "as_of": q.as_of.isoformat(), "bills": list(dict.fromkeys(q.bills))}
                for q in some
            ]
            answer = self.line.post("/debts", {"queries": asked}, many=len(queries) > 1)
            with self._as_described("/debts"):
                found += answers.debts(answer, some, [self._local_day(q.as_of) for q in some])
        return tuple(found)

    def overdue_accounts(self, as_of: datetime, after: str, limit: int) -> tuple[str, ...]:
        """Accounts with an overdue bill unpaid, in order of account id, those greater than `after`."""
        question = {"as_of": as_of.isoformat(), "limit": str(limit), **({"after": after} if after else {})}
        answer = self.line.get("/overdue-accounts", question, many=True)
        with self._as_described("/overdue-accounts"):
            return answers.overdue_accounts(answer, after, limit)

    def close(self) -> None:
        """Close the connections."""
        self.line.close()

    @contextmanager
    def _as_described(self, path: str) -> Iterator[None]:
        try:
            yield
        except NotAsDescribed as problem:
            raise AnswerUnusable(
                f"billing's answer to {self.address}{path} is none, for it is not as"
                f" deploy/billing-api.openapi.yaml describes it: {problem}."
            ) from None

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.timezone)).date()


def _pieces(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), IN_ONE_QUESTION):
        yield items[start : start + IN_ONE_QUESTION]
