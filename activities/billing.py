"""The billing port (`BillingSystem`), and the questions of a case: customer, debt, and what bars a cut on a day."""

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities.tickets import FieldService
from domain.customer import Account, CardKept, Customer, CustomerCard, RecordRead
from domain.law import clock
from domain.law.calendar import BarredDay, Calendar
from domain.law.circumstances import Circumstances, CutSlot, SlotWish
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, DebtQuery
from domain.vocabulary import Contract, Day, Id, Moment, Stage

CALENDAR_FOR_SLOTS = timedelta(days=730)
"""How far ahead holidays bar a day that is booked; beyond that only weekdays do."""
RECORD_MAY_TAKE = 0.4
"""Seconds that an answer waits for the customer's record where supply is off: no restoration waits for a record."""
RECORDS_AT_ONCE = 64
"""Records that are read beside a debt at a time: more than a worker has activities, for slow ones are left behind."""

log = structlog.get_logger()


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

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """The records of these accounts, without those billing does not know."""

    def accounts(self, account_ids: Sequence[str]) -> dict[str, Account]:
        """The standing data of these accounts, without those billing does not know."""

    def debts(self, queries: tuple[DebtQuery, ...]) -> tuple[AccountDebt | None, ...]:
        """What each account owes, in one batch; the answers stand in the order of the queries.

        None for an account that billing does not know. An account that owes nothing has an answer without bills.
        """

    def overdue_accounts(self, as_of: datetime, after: str, limit: int) -> tuple[str, ...]:
        """Accounts with an overdue bill unpaid, in order of account id, those greater than `after`."""


class CustomerCards(Protocol):
    """Where the personal half of a customer record is kept, each version of it under a number (R-32)."""

    def keep_card(self, card: CustomerCard, at: datetime | None = None, since: int | None = None) -> CardKept:
        """Keep the card as read at that time; its number, and what differs from version `since`. Once, if repeated."""


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
    """What a new case starts from; `account` is None when billing does not know it.

    `record_number`: under which the register keeps the personal half.
    """

    account: Account | None
    policy: Policy
    debt: AccountDebt
    record_number: int | None = None


class RecordAsked(Contract):
    """A case asks for the customer's record beside the debt: `number` and `account` are what it last took (R-32).

    `needed`: without the record there is no answer. Where supply is off the debt's answer counts alone.
    """

    number: int | None = None
    account: Account | None = None
    needed: bool = True


class DebtAsked(DebtQuery):
    """A case's question to billing; its stage goes along for the log alone."""

    stage: Stage | None = None
    record: RecordAsked | None = None


class DebtRead(AccountDebt):
    """The answer to DebtAsked; `record` is None where none was asked for, or billing gave none."""

    record: RecordRead | None = None

    def alone(self) -> AccountDebt:
        """The debt without the record."""
        return AccountDebt.model_construct(**{name: getattr(self, name) for name in AccountDebt.model_fields})


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
    """The answer to CircumstancesAsked; `record` as in DebtRead."""

    debt: AccountDebt
    record: RecordRead | None = None


@dataclasses.dataclass(frozen=True)
class BillingActivities:
    """Questions to the billing system and to what else may bar a cut on a day."""

    billing: BillingSystem
    cards: CustomerCards
    holidays: HolidayCalendar
    moratoria: Moratoria
    choose_policy: ChoosePolicy
    field: FieldService
    beside: Executor = dataclasses.field(default_factory=lambda: ThreadPoolExecutor(RECORDS_AT_ONCE, "record"))
    """Reads a record while the debt is read."""

    @activity.defn(no_thread_cancel_exception=True)
    def open_account(self, request: OpenAccount) -> AccountOpened:
        """Read the customer, keep the personal half in the register, return the rest."""
        customer = self.billing.customer(request.account_id)
        policy = request.policy or self.choose_policy(customer.account if customer else None)
        query = DebtAsked(account_id=request.account_id, as_of=request.as_of)
        if customer is None:
            debt = AccountDebt(account_id=request.account_id, as_of=request.as_of)
            return AccountOpened(account=None, policy=policy, debt=debt, calendar=Calendar(days=()))
        kept = self.cards.keep_card(customer.card, request.as_of)
        through = request.calendar_through + policy.seasons_last(customer.account.customer_class)
        asked = CircumstancesAsked(account=customer.account, debt=query, calendar_through=through)
        found = dict(self._circumstances(asked))
        return AccountOpened(account=customer.account, policy=policy, record_number=kept.number, **found)

    @activity.defn(no_thread_cancel_exception=True)
    def read_debt(self, query: DebtAsked) -> DebtRead:
        """What the account owes as of the query's time. AccountUnknown is retried, as any answer that does not come."""
        debt, record = self._debt_and_record(query)
        return DebtRead(**dict(debt), record=record)

    @activity.defn(no_thread_cancel_exception=True)
    def look_around(self, request: CircumstancesAsked) -> Standing:
        """Debt, record, calendar and moratoria in one answer: judged together, they must be of one moment.

        With a wish, also a day that is booked for the cut.
        """
        return self._circumstances(request)

    @activity.defn(no_thread_cancel_exception=True)
    def read_record(self, query: DebtAsked) -> RecordRead:
        """The customer's record alone: a meter was reported that the case does not know (R-32)."""
        return self._record(query)

    def _circumstances(self, request: CircumstancesAsked) -> Standing:
        at = request.debt.as_of
        debt, record = self._debt_and_record(request.debt)
        account = _as_billing_names_it(request.account, request.debt.record, record)
        standing = Standing(
            debt=debt,
            record=record,
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

    def _debt_and_record(self, query: DebtAsked) -> tuple[AccountDebt, RecordRead | None]:
        """Both at once: one after the other, a slow billing system would take longer than a question may."""
        if query.record is None:
            return self._debt(query), None
        began, reading = time.monotonic(), self.beside.submit(self._record, query)
        try:
            debt = self._debt(query)
            if query.record.needed:
                return debt, reading.result()
            return debt, _if_soon(reading, began + RECORD_MAY_TAKE - time.monotonic())
        finally:
            reading.cancel()

    def _record(self, query: DebtAsked) -> RecordRead:
        customer = self.billing.customer(query.account_id)
        if customer is None:
            raise unknown_account(query.account_id)
        since = query.record.number if query.record else None
        kept = self.cards.keep_card(customer.card, query.as_of, since)
        return RecordRead(number=kept.number, account=customer.account, changed=kept.changed)

    def _debt(self, query: DebtQuery) -> AccountDebt:
        (debt,) = self.billing.debts((query,))
        if debt is None:
            raise unknown_account(query.account_id)
        return debt


def unknown_account(account_id: str) -> AccountUnknown:
    """The sentence that billing does not know an account which has a case, and what to do."""
    return AccountUnknown(
        f"billing does not know account {account_id}, which has a case: nothing goes forward on that. "
        "See that ARREARS_BILLING_URL names the right book and that the customer is in it; "
        "if he is a customer no more, withdraw the case."
    )


def _if_soon(reading: Future[RecordRead], seconds: float) -> RecordRead | None:
    """The record, if it comes within so many seconds; whatever keeps it, the debt's answer counts alone."""
    try:
        return reading.result(timeout=max(0.0, seconds))
    except Exception as problem:
        log.warning("record.unread", why=type(problem).__name__)
        return None


def _as_billing_names_it(account: Account, asked: RecordAsked | None, record: RecordRead | None) -> Account:
    """The case's account with what billing names differently now: a `reassign` by hand stands until it does (R-32)."""
    last = asked.account if asked else None
    if record is None or last is None:
        return account
    now = dict(record.account)
    return account.model_copy(update={name: now[name] for name, before in dict(last).items() if now[name] != before})
