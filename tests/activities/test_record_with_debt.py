"""The customer's record read beside the debt: needed before a cut, and never waited for by a restoration (R-32)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from activities.billing import (
    AccountUnknown,
    AnswerUnusable,
    BillingActivities,
    BillingUnavailable,
    CircumstancesAsked,
    DebtAsked,
    RecordAsked,
)
from adapters.billing.embedded import SqlBilling, open_billing
from adapters.billing.line import Patience
from adapters.billing.over_http import open_http_billing
from adapters.holidays import ChinaHolidays
from adapters.register.writing import SqlRegister, open_register
from domain.customer import RecordRead
from domain.law.policy import Policy
from domain.record.moratorium import Moratorium
from tests.support.billing_api import TOKEN, BillingApi, serving
from tests.support.billing_lines import NOON, bill, customer
from tests.support.silent_records import SilentRecords

ZONE = "Asia/Shanghai"
FAULTS = {"fails": "fails", "garbled": "garbled", "slow": 30.0}


@dataclass
class Asking:
    """The activities over a real server whose questions can be spoiled one by one."""

    activities: BillingActivities
    book: SqlBilling
    register: SqlRegister
    api: BillingApi

    def record(self, number: int | None = None, **account: object) -> RecordAsked:
        """The question for the record, where version `number` was taken last."""
        return RecordAsked(number=number, account=customer("1001").account.model_copy(update=account))

    def look(self, asked: RecordAsked) -> CircumstancesAsked:
        """The question before a step that cannot be undone."""
        query = DebtAsked(account_id="1001", as_of=NOON, record=asked)
        account = asked.account
        assert account is not None
        return CircumstancesAsked(account=account, debt=query, calendar_through=date(2026, 12, 1))


def acting(billing: object, register: SqlRegister) -> BillingActivities:
    """The activities on these."""
    return BillingActivities(billing, register, ChinaHolidays(), register, lambda _a: Policy(), register)  # type: ignore[arg-type]


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    book = open_billing(f"sqlite:///{tmp_path / 'billing.db'}", ZONE)
    book.add_customers([customer("1001")])
    book.add_bills([bill("b1")])
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    register = SqlRegister(engine)
    hasty = Patience(1.0, pause=0.01)
    with serving(BillingApi(book)) as api:
        billing = open_http_billing(api.url, TOKEN, ZONE, (hasty, hasty))
        yield Asking(acting(billing, register), book, register, api)
        billing.close()
    book.close()
    engine.dispose()


def test_debt_and_record_come_in_one_answer(asking: Asking) -> None:
    kept = asking.register.keep_card(customer("1001").card.model_copy(update={"phone": "13800000000"}), NOON)
    standing = asking.activities.look_around(asking.look(asking.record(kept.number)))
    assert standing.debt.owed == 100
    assert standing.record == RecordRead(number=2, account=customer("1001").account, changed=("phone",))
    debt = asking.activities.read_debt(DebtAsked(account_id="1001", as_of=NOON, record=asking.record(2)))
    assert debt.record == RecordRead(number=2, account=customer("1001").account)
    assert debt.alone() == standing.debt


def test_a_question_from_before_asks_for_no_record(asking: Asking) -> None:
    asking.api.faults["/customers"] = "fails"
    assert asking.activities.read_debt(DebtAsked(account_id="1001", as_of=NOON)).record is None
    assert asking.api.asked == ["POST /debts"]


@pytest.mark.parametrize("path", ["/customers", "/debts"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_before_a_cut_either_of_the_two_is_needed(asking: Asking, path: str, fault: str) -> None:
    asking.api.faults[path] = fault  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(BillingUnavailable):
        asking.activities.look_around(asking.look(asking.record(1)))
    assert time.monotonic() - began < 4, "both are asked at once: the one never waits for the other"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_where_supply_is_off_the_debt_counts_alone_and_at_once(asking: Asking, fault: str) -> None:
    asking.activities.read_debt(DebtAsked(account_id="1001", as_of=NOON))  # the connection is there
    asking.api.faults["/customers"] = fault  # type: ignore[assignment]
    off = asking.record(1).model_copy(update={"needed": False})
    began = time.monotonic()
    debt = asking.activities.read_debt(DebtAsked(account_id="1001", as_of=NOON, record=off))
    assert debt.owed == 100
    assert debt.record is None
    assert time.monotonic() - began < 0.9, "a local activity has one second"


def test_where_supply_is_off_a_register_that_is_gone_holds_nothing_up(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    gone = open_register(f"sqlite:///{tmp_path / 'no-folder' / 'register.db'}")
    off = asking.record(1).model_copy(update={"needed": False})
    debt = acting(asking.book, SqlRegister(gone)).read_debt(DebtAsked(account_id="1001", as_of=NOON, record=off))
    assert debt.owed == 100
    assert debt.record is None
    gone.dispose()


def test_a_customer_whom_billing_no_longer_knows_is_no_answer(asking: Asking) -> None:
    """It is silence, as with his debt: nothing goes forward on it."""
    query = DebtAsked(account_id="gone", as_of=NOON, record=asking.record(1))
    with pytest.raises(AccountUnknown, match="does not know account gone"):
        asking.activities.read_record(query)
    with pytest.raises(AccountUnknown, match="does not know account gone"):
        asking.activities.look_around(asking.look(asking.record(1)).model_copy(update={"debt": query}))


def test_a_record_alone_needs_no_debt(asking: Asking) -> None:
    asking.api.faults["/debts"] = "fails"
    query = DebtAsked(account_id="1001", as_of=NOON, record=asking.record(1))
    assert asking.activities.read_record(query).account == customer("1001").account
    asking.api.faults["/customers"] = "garbled"
    with pytest.raises(BillingUnavailable) as silence:
        asking.activities.read_record(query)
    assert not isinstance(silence.value, AnswerUnusable)  # half an answer may be whole the next time


def test_moratoria_are_those_of_the_region_as_billing_names_it_now(asking: Asking) -> None:
    """What a person has reassigned stands, until billing's own value changes."""
    region = customer("1001").account.region
    cold = {"moratorium_id": "cold-1", "scope": "region", "value": region, "reason": "寒潮"}
    asking.register.declare_moratorium(
        Moratorium.model_validate({**cold, "starts_at": NOON, "declared_by": "op-1", "declared_at": NOON})
    )
    moved = asking.look(asking.record(1, region="elsewhere"))
    assert asking.activities.look_around(moved).moratoria == ("cold-1",)
    by_hand = moved.model_copy(
        update={"debt": moved.debt.model_copy(update={"record": asking.record(1)}), "account": moved.account}
    )
    assert asking.activities.look_around(by_hand).moratoria == ()


def test_the_embedded_book_can_be_silent_about_customers_alone(asking: Asking) -> None:
    silent = SilentRecords.over(asking.book)
    activities = acting(silent, asking.register)
    assert activities.look_around(asking.look(asking.record(None))).record is not None
    silent.silent.set()
    with pytest.raises(BillingUnavailable):
        activities.look_around(asking.look(asking.record(None)))
    assert activities.read_debt(DebtAsked(account_id="1001", as_of=NOON)).owed == 100
