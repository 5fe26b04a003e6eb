"""The register: each fact once, the newest row stays, an effect and its evidence together or not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from activities.register import RegisterUnavailable
from adapters.register.writing import SqlRegister, open_register, open_register_to_read
from adapters.sql.engine import writing
from domain.case import views
from domain.case.rulings import signals, tickets
from domain.contract import updates as m
from domain.contract.signals import HoldPlaced
from domain.customer import Account, CustomerCard
from domain.papers.filing import PAPER_FILED, notice_filed, ticket_filed
from domain.papers.sheets import Document
from domain.proof.reading import in_the_order_of_the_case
from domain.record.evidence import Evidence
from domain.record.moratorium import Moratorium
from domain.record.rows import BillLine, IncidentRow, NoticeOrder, Record, Task, TicketOrder
from domain.record.sweep import SweepPage
from domain.vocabulary import Actor
from tests.support import one_life as life
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, CASE, OPENED, case_row, evidence, message, notice, record, ticket

PAPER = ("text_zh", "text_en", "document_key", "document_sha256")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def register(engine: Engine) -> SqlRegister:
    return SqlRegister(engine)


@pytest.fixture
def reader(engine: Engine) -> WholeRegister:
    return WholeRegister(engine)


def task(**changes: Any) -> Task:
    values: dict[str, Any] = {"role": "reader", "act": "record_delivery", "text_zh": "送达", "text_en": "deliver"}
    return Task.model_validate(values | changes)


def notice_order(rev: int = 1, **changes: Any) -> NoticeOrder:
    line = BillLine(bill_id="b-1", due_date=date(2026, 9, 25), outstanding=Decimal("128.50"), late_fee=Decimal("1.00"))
    row = notice(**changes)
    return NoticeOrder(
        notice=row,
        lines=(line,),
        reader="r-017",
        timezone="Asia/Shanghai",
        record=record(rev, notices=(row,), evidence=(evidence(1, "notice.issued"),)),
    )


def ticket_order(rev: int = 1, **changes: Any) -> TicketOrder:
    row = ticket(**changes)
    return TicketOrder(ticket=row, timezone="Asia/Shanghai", record=record(rev, evidence=(evidence(2, "ticket.sent"),)))


def test_what_is_written_comes_back_as_it_was(register: SqlRegister, reader: WholeRegister) -> None:
    incident = IncidentRow(
        incident_id="i-1",
        account_id=ACCOUNT,
        case_key=CASE,
        kind="unauthorised_cut",
        at=OPENED,
        persons=("field_crew c-1",),
    )
    written = record(
        case=case_row(tasks=(task(by=OPENED),), planned_cut_at=OPENED, customer_class="residential"),
        evidence=(evidence(1), evidence(2)),
        messages=(message(),),
        notices=(notice(),),
        tickets=(ticket(),),
        incidents=(incident,),
    )
    register.write(written)

    file = reader.case_file(ACCOUNT)
    assert file is not None
    assert file.case == written.case
    assert [Evidence.model_validate(e.model_dump()) for e in file.evidence] == list(written.evidence)
    assert [n.model_dump(exclude={"lines", *PAPER}) for n in file.notices] == [notice().model_dump()]
    assert [t.model_dump(exclude={*PAPER}) for t in file.tickets] == [ticket().model_dump()]
    assert file.incidents == written.incidents
    assert [m.text_zh for m in reader.outbox("reader")] == ["请送达"]


def test_a_repeated_record_is_written_once(register: SqlRegister, reader: WholeRegister) -> None:
    twice = record(case=case_row(tasks=(task(),)), evidence=(evidence(1),), messages=(message(),), notices=(notice(),))
    register.write(twice)
    register.write(twice)
    assert len(reader.evidence(ACCOUNT)) == 1
    assert len(reader.outbox(account_id=ACCOUNT)) == 1
    assert len(reader.notices(ACCOUNT)) == 1
    assert len(reader.worklist("reader")) == 1
    assert reader.verify(ACCOUNT).intact


def test_a_record_that_comes_late_replaces_nothing_newer(register: SqlRegister, reader: WholeRegister) -> None:
    older = record(
        1, case=case_row(1, tasks=(task(),)), notices=(notice(),), tickets=(ticket(),), evidence=(evidence(1),)
    )
    newer = record(
        2,
        case=case_row(2, stage="red_notice"),
        notices=(notice(state="delivered", delivered_at=OPENED),),
        tickets=(ticket(state="recalled"),),
        evidence=(evidence(2),),
    )
    register.write(newer)
    register.write(older)
    case = reader.case(ACCOUNT)
    assert case is not None
    assert (case.stage, case.revision, case.tasks) == ("red_notice", 2, ())
    assert reader.notices(ACCOUNT)[0].state == "delivered"
    assert reader.tickets(ACCOUNT)[0].state == "recalled"
    assert reader.worklist("reader") == ()
    assert [e.key for e in reader.evidence(ACCOUNT)] == [evidence(2).key, evidence(1).key]


def test_a_notice_order_repeated_is_one_notice_with_its_first_text(
    register: SqlRegister, reader: WholeRegister
) -> None:
    register.issue(notice_order(), message(text_zh="黄色催费单 第一稿"))
    register.write(record(2, notices=(notice(state="delivered", delivered_at=OPENED),)))
    register.issue(notice_order(), message(text_zh="另一稿"))
    (filed,) = reader.notices(ACCOUNT)
    assert (filed.text_zh, filed.state, filed.lines[0].due_date) == (
        "黄色催费单 第一稿",
        "delivered",
        date(2026, 9, 25),
    )
    assert [m.text_zh for m in reader.outbox("reader")] == ["黄色催费单 第一稿"]
    assert len(reader.evidence(ACCOUNT)) == 1


def document(mark: str) -> Document:
    return Document(key=f"2026-10/3001/{mark}.pdf", sha256=mark * 64)


def with_paper(order: NoticeOrder, paper: Document) -> NoticeOrder:
    return order.model_copy(update={"record": order.record.also(notice_filed(order.notice, paper))})


def test_a_notice_and_its_evidence_name_the_same_paper_and_the_first_stays(
    register: SqlRegister, reader: WholeRegister
) -> None:
    """Repeated by a version of the program that prints otherwise, the paper handed out first is the one that counts."""
    first, other = document("a"), document("b")
    register.write(record(notices=(notice(),)))  # the row may come before its paper
    for paper in (first, first, other):
        register.issue(with_paper(notice_order(2), paper), message(), paper)
    (filed,) = reader.notices(ACCOUNT)
    assert (filed.document_key, filed.document_sha256) == (first.key, first.sha256)
    named = [e for e in reader.evidence(ACCOUNT) if e.what == PAPER_FILED]
    assert [(e.key, e.about, e.detail["sha256"]) for e in named] == [
        (f"{filed.notice_id}/paper", filed.notice_id, first.sha256)
    ]
    assert reader.verify(ACCOUNT).intact


def test_a_paper_stands_in_the_case_right_after_what_it_was_printed_for(
    register: SqlRegister, reader: WholeRegister
) -> None:
    row = notice()
    issued = evidence(2, "notice.issued", about=row.notice_id, recorded_at=row.issued_at)
    order = notice_order().model_copy(update={"record": record(2, evidence=(issued,))})
    register.write(record(3, evidence=(evidence(3),)))
    register.issue(with_paper(order, document("a")), message(), document("a"))
    register.write(record(1, evidence=(evidence(1, "case.opened", recorded_at=row.issued_at),)))
    file = reader.case_file(ACCOUNT)
    assert file is not None
    assert [e.what for e in in_the_order_of_the_case(file).evidence] == [
        *("case.opened", "notice.issued", PAPER_FILED, "debt.read")
    ]


def test_a_ticket_sent_before_its_paper_gets_the_paper_and_keeps_its_text(
    register: SqlRegister, reader: WholeRegister
) -> None:
    order, paper = ticket_order(kind="restore"), document("a")
    register.send(order, message(text_zh="复电工作票"))
    assert reader.tickets(ACCOUNT)[0].document_key is None
    filed = order.model_copy(update={"record": order.record.also(ticket_filed(order, paper))})
    register.send(filed, message(text_zh="另一稿"), paper)
    (ticket_,) = reader.tickets(ACCOUNT)
    assert (ticket_.text_zh, ticket_.document_key) == ("复电工作票", paper.key)
    assert [e.what for e in reader.evidence(ACCOUNT)] == ["ticket.sent", PAPER_FILED]


def test_a_crew_gets_one_ticket_however_often_it_is_sent(register: SqlRegister, reader: WholeRegister) -> None:
    order, paper = ticket_order(), message("k-ticket", text_zh="停电工作票", to_role="field_crew")
    register.send(order, paper)
    register.send(order, paper)
    (inbox,) = reader.inbox("FU-1")
    assert (inbox.text_zh, inbox.state) == ("停电工作票", "sent")
    register.write(record(2, tickets=(ticket(state="recalled"),)))
    register.send(order, paper)
    assert reader.inbox("FU-1") == ()
    assert reader.tickets(ACCOUNT)[0].text_zh == "停电工作票"


def test_a_ticket_row_that_came_before_its_paper_gets_the_paper(register: SqlRegister, reader: WholeRegister) -> None:
    register.write(record(3, tickets=(ticket(state="acknowledged"),)))
    register.send(ticket_order(2), message("k-ticket", text_zh="停电工作票", to_role="field_crew"))
    (filed,) = reader.tickets(ACCOUNT)
    assert (filed.state, filed.text_zh) == ("acknowledged", "停电工作票")


def test_a_broken_write_leaves_neither_effect_nor_evidence(register: SqlRegister, reader: WholeRegister) -> None:
    broken = Record.model_construct(
        case=case_row(), evidence=(evidence(1),), messages=(message(),), notices=(object(),), tickets=(), incidents=()
    )
    with pytest.raises(AttributeError):
        register.write(broken)
    assert reader.case(ACCOUNT) is None
    assert reader.evidence(ACCOUNT) == ()
    assert reader.outbox() == ()


def test_bytes_no_database_takes_do_not_stop_the_record(register: SqlRegister, reader: WholeRegister) -> None:
    nasty = evidence(1, "message.refused", about="x\0y\ud800", detail={"message": "a\0b\udfff", "reason": "坏"})
    register.write(record(evidence=(nasty,)))
    (kept,) = reader.evidence(ACCOUNT)
    assert kept.detail == nasty.detail
    assert reader.verify(ACCOUNT).intact


def test_the_customers_card_is_kept_and_replaced(register: SqlRegister) -> None:
    register.keep_card(CustomerCard(account_id=ACCOUNT, name="张三", address="旧址"))
    register.keep_card(CustomerCard(account_id=ACCOUNT, name="张三", address="新址", phone="13800000000"))
    assert register.card(ACCOUNT) == CustomerCard(account_id=ACCOUNT, name="张三", address="新址", phone="13800000000")


def test_the_channel_that_a_customer_prefers_is_kept_until_he_prefers_none(register: SqlRegister) -> None:
    for wish in ("sms", "app", None):
        card = CustomerCard(account_id=ACCOUNT, name="张三", address="新址", preferred_channel=wish)
        register.keep_card(card)
        assert register.card(ACCOUNT) == card


def test_a_write_that_fails_shows_nobody_who_the_customer_is(register: SqlRegister, engine: Engine) -> None:
    """An activity's failure goes to Temporal with all its causes, and to the log: it may quote no value of a row."""
    register.keep_card(CustomerCard(account_id=ACCOUNT, name="张三", address="北京路1号", phone="13800000000"))
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE customer_cards DROP COLUMN email"))
    with pytest.raises(Exception) as caught:  # noqa: PT011  (either database says it in its own way)
        register.keep_card(CustomerCard(account_id=ACCOUNT, name="李四", address="南京路2号", phone="13900000000"))
    error: BaseException | None = caught.value
    said = ""
    while error is not None:
        said, error = f"{said}{error!r}{error}", error.__cause__ or error.__context__
    assert "email" in said
    assert not [secret for secret in ("李四", "南京路2号", "13900000000") if secret in said]


def test_who_opens_the_register_to_read_can_write_nothing(register: SqlRegister, database_url: str) -> None:
    """The database refuses, whatever is tried: SQLite as RegisterUnavailable, PostgreSQL by its own error."""
    card = CustomerCard(account_id="A-1", name="张三", address="北京路1号")
    register.keep_card(card)
    reading = open_register_to_read(database_url)
    assert SqlRegister(reading).card("A-1") == card
    with pytest.raises((RegisterUnavailable, DBAPIError)):
        SqlRegister(reading).keep_card(card.model_copy(update={"name": "李四"}))
    reading.dispose()
    assert register.card("A-1") == card


def test_an_account_billing_does_not_know_has_a_nameless_card(register: SqlRegister) -> None:
    assert register.card("nobody") == CustomerCard(account_id="nobody", name="", address="")


def moratorium(scope: str, value: str, **changes: Any) -> Moratorium:
    values: dict[str, Any] = {
        "moratorium_id": f"{scope}-{value}",
        "scope": scope,
        "value": value,
        "reason": "高温",
        "starts_at": OPENED,
        "declared_by": "op-1",
        "declared_at": OPENED,
    }
    return Moratorium.model_validate(values | changes)


def test_a_moratorium_covers_its_region_class_or_centre_until_it_is_lifted(
    register: SqlRegister, reader: WholeRegister
) -> None:
    account = Account(
        account_id=ACCOUNT,
        customer_class="residential",
        meter_id="m-9",
        reading_centre="RC-03",
        reader="r-017",
        team_leader="t-1",
        field_unit="FU-1",
        business_station="BS-1",
        region="north",
    )
    for scope, value in (("region", "north"), ("class", "residential"), ("centre", "RC-03"), ("region", "south")):
        register.declare_moratorium(moratorium(scope, value))
    register.declare_moratorium(moratorium("region", "north", moratorium_id="short", until=OPENED + timedelta(days=1)))
    register.declare_moratorium(moratorium("region", "north", reason="repeated"))
    day = timedelta(days=1)
    assert register.standing(account, OPENED - day) == ()
    assert register.standing(account, OPENED) == ("centre-RC-03", "class-residential", "region-north", "short")
    assert register.lift_moratorium("region-north", "op-1", OPENED + 2 * day)
    assert register.lift_moratorium("region-north", "op-2", OPENED + 9 * day)
    assert register.standing(account, OPENED + day) == ("centre-RC-03", "class-residential", "region-north")
    assert register.standing(account, OPENED + 2 * day) == ("centre-RC-03", "class-residential")
    assert not register.lift_moratorium("unheard-of", "op-1", OPENED)
    known = ("region-north", "short", "region-south", "class-residential", "unheard-of")
    assert register.over(account, known, OPENED - day) == ("region-south",), "one that has not begun is not over"
    assert register.over(account, known, OPENED + day) == ("region-south", "short")
    assert register.over(account, known, OPENED + 2 * day) == ("region-north", "region-south", "short")
    north = next(m for m in reader.moratoria() if m.moratorium_id == "region-north")
    assert (north.reason, north.lifted_by) == ("高温", "op-1")


def write_cases(register: SqlRegister, *accounts: str, **changes: Any) -> None:
    for account in accounts:
        register.write(record(case=case_row(account_id=account, case_key=f"run-{account}", **changes)))


def test_cases_are_listed_page_by_page_and_by_what_is_asked(register: SqlRegister, reader: WholeRegister) -> None:
    write_cases(register, "a1", "a2", "a3", reading_centre="RC-1")
    write_cases(register, "b1", stage="red_notice", tasks=(task(role="centre_director", act="decide_approval"),))
    write_cases(register, "c1", stage="closed", outcome="settled", closed_at=OPENED)
    first = reader.list_cases(limit=2)
    rest = reader.list_cases(after=first[-1].case_key)
    assert [c.account_id for c in (*first, *rest)] == ["a1", "a2", "a3", "b1", "c1"]
    assert [c.account_id for c in reader.list_cases(stage="red_notice")] == ["b1"]
    assert [c.account_id for c in reader.list_cases(role="centre_director")] == ["b1"]
    assert [c.account_id for c in reader.list_cases(centre="RC-1")] == ["a1", "a2", "a3"]
    assert [c.account_id for c in reader.list_cases(open_only=True)] == ["a1", "a2", "a3", "b1"]
    with pytest.raises(ValueError, match="no case nowhere"):
        reader.list_cases(after="nowhere")


def test_the_open_case_of_an_account_hides_the_closed_one(register: SqlRegister, reader: WholeRegister) -> None:
    closed: dict[str, Any] = {"stage": "closed", "outcome": "settled", "closed_at": OPENED + timedelta(days=1)}
    register.write(record(case=case_row(case_key="run-1", **closed)))
    register.write(record(case=case_row(case_key="run-2", opened_at=OPENED + timedelta(days=2))))
    case = reader.case(ACCOUNT)
    assert case is not None
    assert case.case_key == "run-2"
    assert reader.case_keys(ACCOUNT) == ("run-1", "run-2")
    first = reader.case_file(ACCOUNT, "run-1")
    assert first is not None
    assert first.case.outcome == "settled"


def test_the_worklist_shows_what_is_due_first_and_only_ones_own(register: SqlRegister, reader: WholeRegister) -> None:
    tasks = (
        task(act="record_promise", unit="RC-1", person="r-1"),
        task(act="verify_meter", unit="RC-1", person="r-1", by=OPENED + timedelta(days=2)),
        task(act="record_delivery", unit="RC-1", person="r-1", by=OPENED + timedelta(days=1)),
        task(act="record_final_notice", unit="RC-1", person="r-2"),
        task(role="liaison", act="record_filing"),
    )
    write_cases(register, "a1", tasks=tasks)
    mine = reader.worklist("reader", unit="RC-1", person="r-1")
    assert [w.act for w in mine] == ["record_delivery", "verify_meter", "record_promise"]
    assert {w.account_id for w in mine} == {"a1"}
    assert [w.act for w in reader.worklist("liaison", unit="RC-2")] == ["record_filing"]
    assert reader.worklist("reader", unit="RC-2") == ()


def test_the_sweep_sees_each_open_account_once_and_leaves_its_record(
    register: SqlRegister, reader: WholeRegister
) -> None:
    write_cases(register, "a1", "a2", "a3", debt_mark="f00d")
    write_cases(register, "a4", supply_off=True, stage="disconnected")
    write_cases(register, "a9", stage="closed", closed_at=OPENED)
    first = reader.open_cases_page("", 3)
    second = reader.open_cases_page(first[-1].account_id, 3)
    assert [(c.account_id, c.supply_off) for c in (*first, *second)] == [
        ("a1", False),
        ("a2", False),
        ("a3", False),
        ("a4", True),
    ]
    assert first[0].debt_mark == "f00d"
    page = SweepPage(
        sweep_id="s-1",
        page=1,
        day=date(2026, 10, 26),
        first_account="a1",
        last_account="a3",
        counted=3,
        disconnected=0,
        changed=2,
        signalled=2,
        at=OPENED,
    )
    register.record_sweep(page)
    register.record_sweep(page.model_copy(update={"counted": 99}))
    register.record_sweep(
        page.model_copy(update={"page": 2, "counted": 1, "disconnected": 1, "changed": 0, "signalled": 0})
    )
    pages = reader.sweep("s-1")
    assert [(p.counted, p.disconnected, p.changed, p.signalled) for p in pages] == [(3, 0, 2, 2), (1, 1, 0, 0)]


def test_an_engine_may_be_opened_while_the_register_is_down() -> None:
    engine = open_register("postgresql://arrears:secret@127.0.0.1:1/register")
    with pytest.raises(RegisterUnavailable) as raised:
        WholeRegister(engine).case(ACCOUNT)
    assert "127.0.0.1" in str(raised.value)
    assert "secret" not in str(raised.value)
    engine.dispose()


def test_a_register_that_comes_back_is_used_by_the_same_engine(tmp_path: Path) -> None:
    blocked = tmp_path / "var"
    blocked.write_text("a file where the folder should be")
    engine = open_register(f"sqlite:///{blocked / 'register.db'}")
    with pytest.raises(RegisterUnavailable):
        SqlRegister(engine).write(record())
    blocked.unlink()
    SqlRegister(engine).write(record())
    assert WholeRegister(engine).case(ACCOUNT) is not None
    engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_can_never_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"database|supported"):
        open_register(url)


def test_sqlite_survives_a_power_cut_and_readers_do_not_wait_for_writers(sqlite_url: str) -> None:
    engine = open_register(sqlite_url)
    register, reader = SqlRegister(engine), WholeRegister(engine)
    register.write(record())
    with engine.connect() as connection:
        settings = [
            connection.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]
    with writing(engine):
        assert reader.case(ACCOUNT) is not None
    engine.dispose()


def test_a_failure_of_the_caller_is_not_taken_for_the_registers(sqlite_url: str) -> None:
    engine = open_register(sqlite_url)
    with pytest.raises(FileNotFoundError), writing(engine):
        Path("no such export.csv").read_text(encoding="utf-8")
    SqlRegister(engine).write(record())
    engine.dispose()


def test_many_cases_written_at_once_all_arrive(register: SqlRegister, reader: WholeRegister) -> None:
    def write(n: int) -> None:
        account = f"a{n:02d}"
        register.write(record(case=case_row(account_id=account, case_key=f"run-{account}"), evidence=(evidence(1),)))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(60)))
    assert len(reader.list_cases()) == 60
    assert all(reader.verify(case.account_id).length == 1 for case in reader.list_cases())


def test_what_is_done_again_in_another_order_stands_once(register: SqlRegister, reader: WholeRegister) -> None:
    """A worker dies after its record, before its step is known: the step comes again, and a signal is now ahead."""
    crew = Actor(id="f-1", role="field_crew")
    acknowledged = m.AcknowledgeTicket(ticket_id="ticket-1", actor=crew)
    hold = HoldPlaced(hold_id="h-2", kind="dispute", reason="meter", actor=Actor(id="t-1", role="team_leader"))
    before, first, later = life.ticketed(life.SENT), life.TICKET_TIME, life.TICKET_TIME + life.SECOND
    lost, _ = tickets.acknowledge_ticket(before, acknowledged, first)
    held = signals.hold_placed(before, hold, later)
    done, _ = tickets.acknowledge_ticket(held, acknowledged, later)
    for facts, now in ((lost, first), (done, later), (lost, first), (done, later)):
        register.write(views.record(facts, before, 7, now))
    there = reader.evidence(before.account.account_id)
    assert [e.what for e in there].count("ticket.acknowledged") == 1
    assert [e.what for e in there].count("hold.placed") == 1
    assert {e.key for e in there} == {e.key for e in done.journal}
    assert [x.key for x in reader.outbox("field_crew", before.account.account_id)] == [
        x.key for x in done.outgoing if x.to_role == "field_crew"
    ]
    assert reader.verify(before.account.account_id).intact


def test_a_step_repeated_at_a_later_moment_stands_once(register: SqlRegister, reader: WholeRegister) -> None:
    """A reader who leaves out when he delivered means now, and that is later the second time."""
    for n in (1, 2):
        at = (OPENED + timedelta(minutes=n)).isoformat()
        served = evidence(1, "notice.served", recorded_at=OPENED + timedelta(minutes=n), detail={"delivered_at": at})
        register.write(record(evidence=(served,)))
    assert [e.what for e in reader.evidence(ACCOUNT)] == ["notice.served"]


def test_times_that_are_not_the_moment_of_the_step_make_it_another(
    register: SqlRegister, reader: WholeRegister
) -> None:
    """A permit that a crash undid, and the one given later under its number: the crew goes by the second."""
    for n, until in ((1, 15), (25, 40)):
        valid = (OPENED + timedelta(minutes=until)).isoformat()
        granted = evidence(
            1, "permit.granted", recorded_at=OPENED + timedelta(minutes=n), detail={"valid_until": valid}
        )
        register.write(record(evidence=(granted,)))
        register.write(record(evidence=(granted,)))
    told = [e.detail["valid_until"] for e in reader.evidence(ACCOUNT)]
    assert told == [(OPENED + timedelta(minutes=n)).isoformat() for n in (15, 40)]


def test_a_text_that_begins_like_a_time_is_a_text(register: SqlRegister, reader: WholeRegister) -> None:
    for word in ("reader ill", "gate locked"):
        register.write(record(evidence=(evidence(1, detail={"reason": f"{OPENED:%Y-%m-%d %H:%M} {word}"}),)))
    assert len(reader.evidence(ACCOUNT)) == 2


def test_two_things_under_one_key_are_both_kept(register: SqlRegister, reader: WholeRegister) -> None:
    """A workflow task that the server gives up has written its record already; the next one numbers anew from there."""
    given_up = record(evidence=(evidence(1, actor_id="x-1"), evidence(2, actor_id="x-2")), messages=(message(),))
    told_another = message(subject="another")
    real = record(evidence=(evidence(1, actor_id="x-2"), evidence(2, actor_id="x-3")), messages=(told_another,))
    for _ in range(2):  # and each may be repeated
        register.write(given_up)
        register.write(real)
    assert [e.actor_id for e in reader.evidence(ACCOUNT)] == ["x-1", "x-2", "x-2", "x-3"]
    assert len({e.key for e in reader.evidence(ACCOUNT)}) == 4
    assert {m.subject for m in reader.outbox("reader", ACCOUNT)} == {"notice", "another"}
    assert reader.verify(ACCOUNT).intact


def test_a_nonce_is_taken_once_until_it_is_forgotten(register: SqlRegister) -> None:
    """For signed requests: who sends the same one again is known for it, whatever process he meets."""
    later = timedelta(minutes=15)
    assert register.remember_nonce("n-1", OPENED, OPENED - later)
    assert not register.remember_nonce("n-1", OPENED, OPENED - later)
    assert register.remember_nonce("n-2", OPENED, OPENED - later)
    assert register.remember_nonce("n-1", OPENED + 2 * later, OPENED + later)
