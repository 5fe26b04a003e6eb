"""The billing system (MIS): who a customer is, what is owed, and what bars a cut on a day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from temporalio import activity

from domain.calendar import BarredDay, Calendar
from domain.debt import Account, AccountDebt, Customer, CustomerCard, DebtQuery
from domain.model import Contract, Day, Id, Moment
from domain.policy import Policy


class BillingUnavailable(Exception):
    """Billing gave no answer; that is not the same as "owes nothing" (R-17)."""


class AccountUnknown(BillingUnavailable):
    """Billing does not know an account that has a case: the wrong book, or a record lost. That is no answer (R-17)."""


class BillingSystem(Protocol):
    """Who owes what; the only source of truth for debt. Every method may raise BillingUnavailable."""

    def customer(self, account_id: str) -> Customer | None:
        """The customer record, or None for an account billing does not know."""

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """What each account owes, in one batch query; the answers stand in the order of the queries.

        None for an account billing does not know: who owes nothing has an answer, with no bills in it.
        """

    def overdue_accounts(self, as_of: datetime, after: str, limit: int) -> tuple[str, ...]:
        """Accounts with an overdue bill unpaid, in order of account id, those greater than `after`."""


class CustomerCards(Protocol):
    """Where the personal half of a customer record is kept for papers and tickets."""

    def keep_card(self, card: CustomerCard) -> None:
        """Store or replace the card of an account."""


class HolidayCalendar(Protocol):
    """Public holidays and their eves."""

    def barred_days(self, first: date, last: date) -> tuple[BarredDay, ...]:
        """Holidays, eves and working Saturdays from `first` to `last`, both included."""


class Moratoria(Protocol):
    """Standing orders not to cut, by region, class or centre (kept in the register)."""

    def standing(self, account: Account, at: datetime) -> tuple[str, ...]:
        """Ids of the moratoria that cover this account at that time."""


class DefaultPolicy(Protocol):
    """The policy for a case started without one (by hand, through Temporal's CLI)."""

    def __call__(self) -> Policy:
        """The worker's configured policy pack."""


class OpenAccount(Contract):
    """Look an account up for a new case, as of the case's now."""

    account_id: Id
    as_of: Moment
    calendar_through: Day
    policy: Policy | None = None


class AccountOpened(Contract):
    """What a new case starts from; `account` is None when billing does not know it."""

    account: Account | None
    policy: Policy
    debt: AccountDebt
    calendar: Calendar
    moratoria: tuple[Id, ...] = ()


class LookAround(Contract):
    """Before a step that cannot be undone: the debt, the calendar and the moratoria, all afresh."""

    account: Account
    debt: DebtQuery
    calendar_through: Day


class Standing(Contract):
    """The answer to LookAround."""

    debt: AccountDebt
    calendar: Calendar
    moratoria: tuple[Id, ...] = ()


@dataclass(frozen=True)
class BillingActivities:
    """Questions to the billing system and to what else may bar a cut."""

    billing: BillingSystem
    cards: CustomerCards
    holidays: HolidayCalendar
    moratoria: Moratoria
    default_policy: DefaultPolicy

    @activity.defn(no_thread_cancel_exception=True)
    def open_account(self, request: OpenAccount) -> AccountOpened:
        """Read the customer, keep the personal half in the register, return the rest."""
        policy = request.policy or self.default_policy()
        customer = self.billing.customer(request.account_id)
        query = DebtQuery(account_id=request.account_id, as_of=request.as_of)
        if customer is None:
            debt = AccountDebt(account_id=request.account_id, as_of=request.as_of)
            return AccountOpened(account=None, policy=policy, debt=debt, calendar=Calendar(days=()))
        self.cards.keep_card(customer.card)
        standing = self._look(customer.account, query, request.calendar_through)
        return AccountOpened(
            account=customer.account,
            policy=policy,
            debt=standing.debt,
            calendar=standing.calendar,
            moratoria=standing.moratoria,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def read_debt(self, query: DebtQuery) -> AccountDebt:
        """What the account owes as of the query's time. AccountUnknown: asked again like any other silence."""
        return self._debt(query)

    @activity.defn(no_thread_cancel_exception=True)
    def look_around(self, request: LookAround) -> Standing:
        """Debt, calendar and moratoria in one answer: judged together, they must be of one moment."""
        return self._look(request.account, request.debt, request.calendar_through)

    def _look(self, account: Account, query: DebtQuery, through: date) -> Standing:
        return Standing(
            debt=self._debt(query),
            calendar=Calendar(days=self.holidays.barred_days(query.as_of.date(), through)),
            moratoria=self.moratoria.standing(account, query.as_of),
        )

    def _debt(self, query: DebtQuery) -> AccountDebt:
        (debt,) = self.billing.debts((query,))
        if debt is None:
            raise AccountUnknown(
                f"billing does not know account {query.account_id}, which has a case: nothing goes forward on that. "
                "See that ARREARS_BILLING_URL names the right book and that the customer is in it; "
                "if he is a customer no more, withdraw the case."
            )
        return debt
