"""Days booked for cuts: never more than the unit can restore, whoever books at once; given back with the notice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from adapters.register.cut_slots import FieldCapacity, read_capacity
from adapters.register.tables import TABLES
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import reading
from domain.law.calendar import Calendar
from domain.law.circumstances import SlotWish
from domain.law.clock import cut_days
from domain.law.policy_file import load_policy
from domain.record.rows import NoticeOrder, Record
from tests.support.register_records import CHINA, OPENED, case_row, evidence, message, notice, record

POLICY = load_policy("reading-centre")
MONDAY = date(2026, 11, 9)
UNIT = "FU-1"
SLOTS = TABLES.tables["cut_slots"]
Booked = Callable[[], dict[str, tuple[str, date]]]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def booked(engine: Engine) -> Booked:
    """Unit and day by notice."""

    def read() -> dict[str, tuple[str, date]]:
        with reading(engine) as connection:
            return {r.notice_id: (r.field_unit, r.day) for r in connection.execute(select(SLOTS))}

    return read


def register(engine: Engine, a_day: int | None = 2) -> SqlRegister:
    return SqlRegister(engine, FieldCapacity({UNIT: a_day} if a_day else {}))


def book(office: SqlRegister, n: int, earliest: date = MONDAY) -> date:
    """The n-th case books a day."""
    wish = SlotWish(notice_id=f"run-{n}/red-notice/1", case_key=f"run-{n}", earliest=earliest, policy=POLICY)
    return office.book(wish, UNIT, cut_days(earliest, POLICY, Calendar()))


def issued(n: int, day: date = MONDAY, revision: int = 1, state: str = "to_deliver") -> NoticeOrder:
    """The n-th case's red notice with its cut on that day."""
    key = f"run-{n}"
    row = notice(
        notice_id=f"{key}/red-notice/1",
        account_id=f"A-{n}",
        case_key=key,
        kind="red",
        state=state,
        cut_at=OPENED.replace(year=day.year, month=day.month, day=day.day),
    )
    case = case_row(revision, case_key=key, account_id=f"A-{n}", field_unit=UNIT)
    written = Record(case=case, notices=(row,))
    return NoticeOrder(notice=row, lines=(), reader="r-017", timezone="Asia/Shanghai", record=written)


def of_case(n: int, revision: int, case: dict[str, object] | None = None, **parts: Any) -> Record:
    """A record of the n-th case; `case` replaces fields of its row."""
    row = {"case_key": f"run-{n}", "account_id": f"A-{n}", "field_unit": UNIT, **(case or {})}
    return record(case=case_row(revision, **row), **parts)


def test_the_next_allowed_day_with_room_is_booked(engine: Engine) -> None:
    """R-21: Monday to Thursday; the fifth and later go over the weekend when all four days are full."""
    office = register(engine, 1)
    days = [book(office, n) for n in range(6)]
    assert days == [MONDAY + timedelta(days=d) for d in (0, 1, 2, 3, 7, 8)]


def test_those_who_book_at_once_do_not_overbook(engine: Engine) -> None:
    office = register(engine, 4)
    with ThreadPoolExecutor(12) as pool:
        days = Counter(pool.map(lambda n: book(office, n), range(30)))
    assert [days[d] for d in sorted(days)] == [4, 4, 4, 4, 4, 4, 4, 2]


def test_asked_again_it_is_the_same_day_until_that_is_too_early(engine: Engine, booked: Booked) -> None:
    office = register(engine, 1)
    assert (book(office, 1), book(office, 2)) == (MONDAY, MONDAY + timedelta(days=1))
    assert book(office, 2) == MONDAY + timedelta(days=1)
    office.issue(issued(3, MONDAY), message("run-3/message/1"))
    office.write(of_case(1, 2, notices=(issued(1, state="void").notice,)))
    assert book(office, 2) == MONDAY + timedelta(days=1), "an earlier day that has become free does not move it"
    assert book(office, 2, MONDAY + timedelta(days=3)) == MONDAY + timedelta(days=3)
    assert len(booked()) == 2


def test_a_red_notice_counts_in_a_unit_without_a_limit_too(engine: Engine, booked: Booked) -> None:
    """A limit set later counts what is out already."""
    free = register(engine, None)
    assert not free.spreads_cuts(UNIT)
    free.issue(issued(1), message("run-1/message/1"))
    free.issue(issued(2), message("run-2/message/1"))
    assert {day for _, day in booked().values()} == {MONDAY}
    assert book(register(engine, 2), 3) == MONDAY + timedelta(days=1)
    with pytest.raises(ValueError, match="no limit"):
        book(free, 4)


def test_the_local_day_counts(engine: Engine, booked: Booked) -> None:
    order = issued(1)
    early = order.notice.model_copy(update={"cut_at": order.notice.cut_at.astimezone(CHINA).replace(hour=1)})
    register(engine).issue(order.model_copy(update={"notice": early}), message("run-1/message/1"))
    assert booked()["run-1/red-notice/1"][1] == MONDAY


def test_a_void_notice_and_a_closed_case_give_their_day_back(engine: Engine, booked: Booked) -> None:
    office = register(engine, 1)
    for n in (1, 2):
        office.issue(issued(n, book(office, n)), message(f"run-{n}/message/1"))
    office.write(of_case(1, 2, notices=(issued(1, state="void").notice,)))
    office.write(of_case(2, 2, case={"stage": "closed", "outcome": "settled", "closed_at": OPENED}))
    assert booked() == {}
    assert (book(office, 3), book(office, 4)) == (MONDAY, MONDAY + timedelta(days=1))


def test_a_notice_that_is_issued_after_it_was_void_books_nothing(engine: Engine, booked: Booked) -> None:
    """Records may arrive in any order."""
    office = register(engine)
    office.write(of_case(1, 3, notices=(issued(1, state="void").notice,)))
    office.issue(issued(1, revision=2), message("run-1/message/1"))
    assert booked() == {}


def test_a_case_that_moves_to_another_unit_takes_its_day_along(engine: Engine, booked: Booked) -> None:
    office = register(engine)
    office.issue(issued(1), message("run-1/message/1"))
    moved = evidence(1, "reassigned", detail={"role": "field_unit", "to": "FU-9"})
    office.write(of_case(1, 2, case={"field_unit": "FU-9"}, evidence=(moved,)))
    assert booked() == {"run-1/red-notice/1": ("FU-9", MONDAY)}


def test_a_day_goes_along_to_the_unit_that_the_customers_record_names(engine: Engine, booked: Booked) -> None:
    """R-32: as if reassigned; another field that changed moves nothing."""
    office = register(engine)
    office.issue(issued(1), message("run-1/message/1"))
    for seq, field in enumerate(("region", "field_unit"), 1):
        news = evidence(seq, "customer.changed", detail={"fields": [field]})
        office.write(of_case(1, seq + 1, case={"field_unit": "FU-9"}, evidence=(news,)))
        assert booked() == {"run-1/red-notice/1": ("FU-9" if field == "field_unit" else UNIT, MONDAY)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [("", {}), ("FU-1=40", {"FU-1": 40}), (" FU-1 = 40 , *=60,", {"FU-1": 40, "*": 60}), ("a=b=3", {"a=b": 3})],
)
def test_capacity_is_read_by_unit(words: str, expected: dict[str, int]) -> None:
    assert read_capacity(words).by_unit == expected


def test_a_star_is_every_other_unit() -> None:
    capacity = read_capacity("FU-1=40,*=60")
    assert (capacity.of("FU-1"), capacity.of("FU-2"), FieldCapacity().of("FU-1")) == (40, 60, None)


@pytest.mark.parametrize(
    "words", ["40", "=40", "FU-1=", "FU-1=0", "FU-1=-3", "FU-1=x", "FU-1=1.5", "FU-1=9999999", "FU-1=1,FU-1=2"]
)
def test_a_capacity_that_cannot_be_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"unit=number|twice"):
        read_capacity(words)


@pytest.mark.parametrize("typed", ["fu-1", "ＦＵ－１", "FU\u20101", "FU 1"])
def test_a_unit_has_one_number_and_one_list_of_days_in_any_spelling(engine: Engine, typed: str) -> None:
    """R-33: cases that spell their unit otherwise take no day twice."""
    office = register(engine, 1)
    assert book(office, 1) == MONDAY
    wish = SlotWish(notice_id="run-2/red-notice/1", case_key="run-2", earliest=MONDAY, policy=POLICY)
    assert office.book(wish, typed, cut_days(MONDAY, POLICY, Calendar())) == MONDAY + timedelta(days=1)
    with pytest.raises(ValueError, match="twice"):
        read_capacity(f"FU-1=40,{typed}=3")
