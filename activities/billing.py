"""The billing port (`BillingSystem`), and the questions of a case: customer, debt, and what bars a cut on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.tickets import FieldService
from domain.customer import Account, Customer, CustomerCard
from domain.law import clock
from domain.law.calendar import BarredDay, Calendar
from domain.law.circumstances import Circumstances, CutSlot, SlotWish
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, DebtQuery
from domain.vocabulary import Contract, Day, Id, Moment, Stage

CALENDAR_FOR_SLOTS = timedelta(days=730)
"""How far ahead holidays bar a day that is booked; beyond that only weekdays do."""


class BillingUnavailable(Exception):
    """Billing gave no answer; that is not the same as "owes nothing" (R-17)."""


class AnswerUnusable(BillingUnavailable):
    """Billing's answer contradicts itself or its description for at least one account: the whole answer is none."""


class AccountUnknown(BillingUnavailable):
    """Billing does not know an account that has a case: the wrong book, or a record lost. That is no answer (R-17)."""


class BillingSystem(Protocol):
    """The one billing port: who owes what. Nothing else counts about a debt.

    Every method may raise BillingUnavailable.
    """

    def customer(self, account_id: str) -> Customer | None:
        """The customer record, or None for an account billing does not know."""

    def accounts(self, account_ids: Sequence[str]) -> dict[str, Account]:
        """The standing data of these accounts, without those billing does not know."""

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """What each account owes, in one batch; the answers stand in the order of the queries.

        None for an account that billing does not know. An account that owes nothing has an answer without bills.
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

    def over(self, account: Account, ids: tuple[str, ...], at: datetime) -> tuple[str, ...]:
        """Those of the ids that the register knows, and that hold this account no more or never did."""


class ChoosePolicy(Protocol):
    """The policy for a case started without one (by hand, through Temporal's CLI)."""

    def __call__(self, account: Account | None) -> Policy:
        """The one of the worker's policies that fits the account; its default for one that billing does not know."""


class OpenAccount(Contract):
    """Read the account of a new case, as of the case's now."""

    account_id: Id
    as_of: Moment
    calendar_through: Day
    policy: Policy | None = None


class AccountOpened(Circumstances):
    """What a new case starts from; `account` is None when billing does not know it."""

    account: Account | None
    policy: Policy
    debt: AccountDebt


class DebtAsked(DebtQuery):
    """A case's question to billing; its stage goes along for the log alone."""

    stage: Stage | None = None


class CircumstancesAsked(Contract):
    """The circumstances before a step that cannot be undone: debt, calendar and moratoria, all read afresh.

    `doubted`: moratoria a signal named to the case, not confirmed by the register. `wish`: a red notice comes next.
    """

    account: Account
    debt: DebtAsked
    calendar_through: Day
    doubted: tuple[Id, ...] = ()
    wish: SlotWish | None = None


class Standing(Circumstances):
    """The answer to CircumstancesAsked."""

    debt: AccountDebt


@dataclass(frozen=True)
class BillingActivities:
    """Questions to the billing system and to what else may bar a cut on a day."""

    billing: BillingSystem
    cards: CustomerCards
    holidays: HolidayCalendar
    moratoria: Moratoria
    choose_policy: ChoosePolicy
    field: FieldService

    @activity.defn(no_thread_cancel_exception=True)
    def open_account(self, request: OpenAccount) -> AccountOpened:
        """Read the customer, keep the personal half in the register, return the rest."""
        customer = self.billing.customer(request.account_id)
        policy = request.policy or self.choose_policy(customer.account if customer else None)
        query = DebtAsked(account_id=request.account_id, as_of=request.as_of)
        if customer is None:
            debt = AccountDebt(account_id=request.account_id, as_of=request.as_of)
            return AccountOpened(account=None, policy=policy, debt=debt, calendar=Calendar(days=()))
        self.cards.keep_card(customer.card)
        through = request.calendar_through + policy.seasons_last(customer.account.customer_class)
        asked = CircumstancesAsked(account=customer.account, debt=query, calendar_through=through)
        return AccountOpened(account=customer.account, policy=policy, **dict(self._circumstances(asked)))

    @activity.defn(no_thread_cancel_exception=True)
    def read_debt(self, query: DebtAsked) -> AccountDebt:
        """What the account owes as of the query's time. AccountUnknown is retried, as any answer that does not come."""
        return self._debt(query)

    @activity.defn(no_thread_cancel_exception=True)
    def look_around(self, request: CircumstancesAsked) -> Standing:
        """Debt, calendar and moratoria in one answer: judged together, they must be of one moment.

        With a wish, also a day that is booked for the cut.
        """
        return self._circumstances(request)

    def _circumstances(self, request: CircumstancesAsked) -> Standing:
        account, at = request.account, request.debt.as_of
        standing = Standing(
            debt=self._debt(request.debt),
            calendar=Calendar(days=self.holidays.barred_days(at.date(), request.calendar_through)),
            moratoria=self.moratoria.standing(account, at),
            moratoria_over=self.moratoria.over(account, request.doubted, at) if request.doubted else (),
            spreads_cuts=self.field.spreads_cuts(account.field_unit),
        )
        if request.wish is None or standing.moratoria or not standing.spreads_cuts:
            return standing
        return standing.model_copy(update={"slot": self._book(request.wish, account.field_unit, at.date())})

    def _book(self, wish: SlotWish, field_unit: str, today: date) -> CutSlot:
        through = wish.earliest + CALENDAR_FOR_SLOTS + timedelta(days=sum(s.days for s in wish.seasons))
        calendar = Calendar(days=self.holidays.barred_days(today, through), seasons=wish.seasons)
        days = clock.cut_days(wish.earliest, wish.policy, calendar)
        return CutSlot(notice_id=wish.notice_id, day=self.field.book(wish, field_unit, days))

    def _debt(self, query: DebtQuery) -> AccountDebt:
        (debt,) = self.billing.debts((query,))
        if debt is None:
            raise AccountUnknown(
                f"billing does not know account {query.account_id}, which has a case: nothing goes forward on that. "
                "See that ARREARS_BILLING_URL names the right book and that the customer is in it; "
                "if he is a customer no more, withdraw the case."
            )
        return debt
