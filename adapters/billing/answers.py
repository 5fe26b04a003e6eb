"""The answers of a billing system over HTTP, as deploy/billing-api.openapi.yaml describes them, and nothing else."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from adapters.billing.described import (
    AsDescribed,
    DescribedAmount,
    DescribedId,
    DescribedMoment,
    DescribedWords,
    NotAsDescribed,
    read,
    twice,
)
from domain.customer import Account, Customer, CustomerCard, Preference
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery, PaymentElsewhere
from domain.vocabulary import CustomerClass, Day


class Unknown(AsDescribed):
    """Billing has no such account."""

    account_id: DescribedId
    status: Literal["unknown"]


class Payment(AsDescribed):
    """Part of a payment, booked on a bill; `payment_amount` is the whole of it, where billing says it."""

    payment_id: DescribedId
    amount: DescribedAmount
    paid_at: DescribedMoment
    payment_amount: DescribedAmount | None = None

    @model_validator(mode="after")
    def _part_of_the_whole(self) -> Self:
        if self.payment_amount is not None and self.payment_amount < self.amount:
            raise ValueError(f"payment_amount {self.payment_amount} is less than its part of {self.amount}")
        return self


class Elsewhere(Payment):
    """Part of a payment on a bill that the answer does not list; without a bill it is credit."""

    bill_id: DescribedId | None = None
    due_date: Day | None = None

    @model_validator(mode="after")
    def _a_bill_has_a_due_date(self) -> Self:
        if (self.bill_id is None) != (self.due_date is None):
            raise ValueError("bill_id and due_date stand together, or neither")
        return self


class Bill(AsDescribed):
    """A bill with all that is booked on it; `outstanding` is there to betray a payment that was left out."""

    bill_id: DescribedId
    amount: DescribedAmount
    due_date: Day
    outstanding: DescribedAmount
    payments: tuple[Payment, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if twice(p.payment_id for p in self.payments):
            raise ValueError("payments: one stands here twice")
        paid = sum((p.amount for p in self.payments), Decimal(0))
        if self.outstanding != self.amount - paid:
            raise ValueError(f"outstanding {self.outstanding} is not amount {self.amount} less payments of {paid}")
        return self


class Debt(AsDescribed):
    """What an account owes as of a time."""

    account_id: DescribedId
    status: Literal["known"]
    as_of: DescribedMoment
    bills: tuple[Bill, ...]
    unknown_bills: tuple[DescribedId, ...]
    paid_total: DescribedAmount
    credit: DescribedAmount
    payments_elsewhere: tuple[Elsewhere, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if twice(b.bill_id for b in self.bills):
            raise ValueError("bills: one stands here twice")
        if {b.bill_id for b in self.bills} & {p.bill_id for p in self.payments_elsewhere}:
            raise ValueError("payments_elsewhere: one is on a bill that is listed")
        on_bills = sum((b.amount - b.outstanding for b in self.bills), Decimal(0))
        if self.paid_total < on_bills + self.credit:
            raise ValueError(f"paid_total {self.paid_total} is less than {on_bills} on bills and {self.credit} credit")
        return self


class Debts(AsDescribed):
    """The answer of /debts."""

    debts: tuple[Annotated[Debt | Unknown, Field(discriminator="status")], ...]


class KnownCustomer(AsDescribed):
    """A customer's record, both halves."""

    account_id: DescribedId
    status: Literal["known"]
    name: DescribedWords
    address: DescribedWords
    phone: DescribedWords
    email: DescribedWords
    preferred_channel: Preference = None
    customer_class: CustomerClass
    important: StrictBool
    meter_id: DescribedId
    meter_has_twin: StrictBool = False
    reading_centre: DescribedId
    reader: DescribedId
    team_leader: DescribedId
    field_unit: DescribedId
    business_station: DescribedId
    region: DescribedId


class Customers(AsDescribed):
    """The answer of /customers."""

    customers: tuple[Annotated[KnownCustomer | Unknown, Field(discriminator="status")], ...]


class AccountOfMeter(AsDescribed):
    """The answer of /account-of-meter."""

    meter_id: DescribedId
    account_id: DescribedId | None


class OverdueAccounts(AsDescribed):
    """The answer of /overdue-accounts."""

    account_ids: tuple[DescribedId, ...]


def debts(answer: Any, queries: Sequence[DebtQuery], days: Sequence[date]) -> tuple[AccountDebt | None, ...]:
    """An answer to each query, whose local day is the one in `days`; None for an account that billing has not."""
    found = read(Debts, answer).debts
    _expect_one_each("debts", [d.account_id for d in found], [q.account_id for q in queries])
    return tuple(
        None if isinstance(debt, Unknown) else _debt(debt, query, day, f"debts.{place}")
        for place, (debt, query, day) in enumerate(zip(found, queries, days, strict=True))
    )


def account_of_meter(answer: Any, meter_id: str) -> str | None:
    """Whose meter that is; None where billing does not say."""
    found = read(AccountOfMeter, answer)
    if found.meter_id != meter_id:
        raise NotAsDescribed(f"meter_id: is {found.meter_id}, asked was {meter_id}")
    return found.account_id


def customers(answer: Any, account_ids: Sequence[str]) -> dict[str, Customer]:
    """The customers among these accounts that billing has."""
    found = read(Customers, answer).customers
    _expect_one_each("customers", [c.account_id for c in found], account_ids)
    return {c.account_id: _customer(c) for c in found if isinstance(c, KnownCustomer)}


def overdue_accounts(answer: Any, after: str, limit: int) -> tuple[str, ...]:
    """A page of accounts, which must go on from `after`: one out of order would be passed over, or never end."""
    found = read(OverdueAccounts, answer).account_ids
    if len(found) > limit:
        raise NotAsDescribed(f"account_ids: {len(found)} accounts, {limit} at most were asked for")
    for place, (before, account) in enumerate(zip((after, *found), found, strict=False)):
        if account <= before:
            raise NotAsDescribed(f"account_ids.{place}: must be greater than the account before it, and than `after`")
    return found


def _debt(debt: Debt, query: DebtQuery, day: date, where: str) -> AccountDebt:
    if debt.as_of != query.as_of:
        raise NotAsDescribed(f"{where}.as_of: is not the time that was asked about")
    listed = {b.bill_id for b in debt.bills}
    answered = [*listed, *debt.unknown_bills]
    if missing := sorted(set(query.bills) - set(answered)):
        raise NotAsDescribed(f"{where}.bills: says nothing of bill {missing[0]}, which was asked for")
    if twice(answered) or not set(debt.unknown_bills) <= set(query.bills):
        raise NotAsDescribed(f"{where}.unknown_bills: names a bill that stands elsewhere too, or was not asked for")
    for place, bill in enumerate(debt.bills):
        if bill.bill_id not in query.bills and (bill.due_date >= day or bill.outstanding == 0):
            raise NotAsDescribed(f"{where}.bills.{place}: is not overdue and unpaid as of then, nor was it asked for")
    return AccountDebt(
        account_id=debt.account_id,
        as_of=query.as_of,
        bills=tuple(
            BillDebt(
                bill_id=bill.bill_id,
                amount=bill.amount,
                due_date=bill.due_date,
                payments=tuple(BillPayment(**payment.model_dump()) for payment in bill.payments),
            )
            for bill in debt.bills
        ),
        paid_total=debt.paid_total,
        credit=debt.credit,
        elsewhere=tuple(PaymentElsewhere(**payment.model_dump()) for payment in debt.payments_elsewhere),
    )


def _customer(record: KnownCustomer) -> Customer:
    line = record.model_dump()
    return Customer(account=Account.model_validate(line), card=CustomerCard.model_validate(line))


def _expect_one_each(field: str, answered: Sequence[str], asked: Sequence[str]) -> None:
    if len(answered) != len(asked):
        raise NotAsDescribed(f"{field}: {len(answered)} answers to {len(asked)} questions")
    for place, (got, wanted) in enumerate(zip(answered, asked, strict=True)):
        if got != wanted:
            raise NotAsDescribed(f"{field}.{place}.account_id: is {got}, asked was {wanted}")
