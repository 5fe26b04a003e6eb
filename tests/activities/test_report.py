"""A report is made once for its month, kept with its evidence, handed to the liaison, and its sending is recorded."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from activities.report import ReportActivities
from adapters.papers.typst import TypstPapers
from adapters.register.counting import count_register
from adapters.register.report_figures import ReportFigures
from adapters.register.reports import ReportBook
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import writing
from domain.contract.refusals import Refused
from domain.law.policy import Policy
from domain.papers.sheets import Letterhead
from domain.proof.rules import prove
from domain.record.case_file import CaseFile
from domain.record.rows import Record, Task
from domain.report.due import ReportsDue
from domain.report.filing import MADE, REPORTS, Report, ReportMade, ReportOrder, ReportSent, SendReport, digest
from domain.report.layout import layout
from tests.support import register_records
from tests.support.lives_on_paper import ZONE, lives
from tests.support.register_reading import WholeRegister
from tests.support.register_records import case_row

MONTH = "2026-10"
DUE = datetime(2026, 11, 2, 5, 30, tzinfo=ZONE)
LIAISON = {"id": "l-1", "role": "liaison"}


@dataclass(frozen=True)
class Office:
    """Where reports are made: on an empty register."""

    engine: Engine
    folder: Path
    book: ReportBook
    making: ReportActivities

    def make(self, request: str = "r-1", at: datetime = DUE, **changes: Any) -> ReportMade:
        """The report that the schedule would make on the second of November, or another."""
        return self.making.make(ReportOrder.model_validate({"request": request, "at": at, "nominal": at, **changes}))

    def send(self, reference: str = "no. 7", month: str = MONTH, **changes: Any) -> ReportSent:
        """The liaison's report that it was sent."""
        sending = {"reference": reference, "authority": "区政府", "actor": LIAISON, **changes}
        return self.book.sent(month, SendReport.model_validate(sending), DUE + timedelta(hours=4))


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    engine = open_register(database_url)
    book = ReportBook(engine)
    papers = TypstPapers(tmp_path / "papers", Letterhead(issuer="郑州供电公司"))
    making = ReportActivities(ReportFigures(engine, Policy()), book, papers, ZONE)
    yield Office(engine, tmp_path / "papers", book, making)
    engine.dispose()


def refusal(act: Any) -> tuple[str, str | None]:
    """Type and field of a refusal."""
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.type, caught.value.details.get("field")


# ---- due ---------------------------------------------------------------------------------------


def test_what_is_still_to_be_made_or_sent_is_counted(office: Office) -> None:
    """The month's last report is the one that counts: a second one waits although the first was sent."""

    def due(now: datetime = DUE) -> ReportsDue:
        return count_register(office.engine, now, ZONE).reports

    assert due() == ReportsDue()
    SqlRegister(office.engine).write(
        register_records.record(case=register_records.case_row(opened_at=DUE - timedelta(days=10)))
    )
    assert due() == ReportsDue(to_make_since=datetime(2026, 11, 1, tzinfo=ZONE))
    office.make()
    assert due() == ReportsDue(to_send_since=DUE)
    office.send()
    assert due() == ReportsDue()
    again = DUE + timedelta(days=3)
    office.make("r-2", again, month=MONTH, reason="late records")
    assert due(again) == ReportsDue(to_send_since=again)
    assert due(DUE + timedelta(days=30)).to_make_since == datetime(2026, 12, 1, tzinfo=ZONE)


# ---- made --------------------------------------------------------------------------------------


def test_a_month_has_one_report_however_often_and_late_it_is_asked_for(office: Office) -> None:
    first = office.make()
    assert (first.report_id, first.month, first.number, first.new) == (f"{REPORTS}/2026-10/1", MONTH, 1, True)
    again = [office.make("r-1"), office.make("r-2"), office.make("r-3", DUE + timedelta(days=40), month=MONTH)]
    assert {(m.report_id, m.sha256, m.new) for m in again} == {(first.report_id, first.sha256, False)}
    assert len(office.book.reports()) == 1
    assert len(WholeRegister(office.engine).outbox("liaison")) == 1


def test_asked_again_with_a_reason_it_gets_a_number_and_says_why(office: Office) -> None:
    office.make()
    made = office.make("r-2", reason="late records", by="c-1")
    assert (made.number, made.new) == (2, True)
    assert not office.make("r-2", reason="late records", by="c-1").new, "the same request is one"
    second = office.book.report(MONTH)
    assert (second.number, second.made_by, second.reason) == (2, "c-1", "late records")
    assert "第2稿，原因：late records" in second.text_zh
    assert "no. 2: late records" in second.text_en
    assert office.book.report(MONTH, 1).text_zh != second.text_zh
    [_, noted] = [e for e in WholeRegister(office.engine).evidence(REPORTS) if e.what == MADE]
    assert (noted.what, noted.rule, noted.clause, noted.actor_id) == ("report.made", "R-29", "III.5", "c-1")
    assert noted.detail["reason"] == "late records"


def test_two_at_once_make_one(office: Office) -> None:
    made: list[ReportMade] = []
    threads = [threading.Thread(target=lambda n=n: made.append(office.make(f"r-{n}"))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(m.new for m in made) == [False, False, False, True]
    assert len(office.book.reports()) == 1


def test_a_month_that_still_runs_has_no_report(office: Office) -> None:
    assert refusal(lambda: office.make(month="2026-11")) == ("TooEarly", "month")
    end = datetime(2026, 12, 1, tzinfo=ZONE)
    assert refusal(lambda: office.make(at=end - timedelta(seconds=1), month="2026-11")) == ("TooEarly", "month")
    assert office.make(at=end, month="2026-11").new


def test_the_liaison_gets_the_whole_text_in_both_languages(office: Office) -> None:
    office.make()
    [message] = WholeRegister(office.engine).outbox("liaison")
    report = office.book.report()
    assert report.text_zh in message.text_zh
    assert report.text_en in message.text_en
    assert (message.subject, message.about, message.to_person) == ("government report 2026-10", report.report_id, None)
    assert report.text_zh.startswith("# 用电客户欠费停复电情况月度报告\n")
    assert "报告期：2026年10月" in report.text_zh


# ---- sent --------------------------------------------------------------------------------------


def test_a_sending_is_recorded_with_who_when_and_under_which_reference(office: Office) -> None:
    made = office.make()
    sent = office.send(at=DUE + timedelta(hours=3))
    assert (sent.report_id, sent.sha256, sent.reference, sent.authority, sent.by) == (
        made.report_id,
        made.sha256,
        "no. 7",
        "区政府",
        "l-1",
    )
    assert (sent.at, sent.recorded_at) == (DUE + timedelta(hours=3), DUE + timedelta(hours=4))
    assert office.send() == sent, "the same reference again gives the first answer"
    other = office.send("no. 8", authority="电力管理部门")
    assert office.book.sendings(made.report_id) == (sent, other)
    noted = WholeRegister(office.engine).evidence(REPORTS)[2]
    assert (noted.what, noted.actor_id, noted.actor_role, noted.clause) == ("report.sent", "l-1", "liaison", "III.5")


def test_the_last_report_of_a_month_is_sent_unless_another_is_named(office: Office) -> None:
    office.make()
    office.make("r-2", reason="late records", by="c-1")
    assert office.send().report_id.endswith("/2")
    assert office.send(number=1).report_id.endswith("/1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"actor": {"id": "r-1", "role": "reader"}}, ("NotAllowed", "actor.role")),
        ({"month": "2026-09"}, ("UnknownReport", "month")),
        ({"number": 2}, ("UnknownReport", "month")),
        ({"at": DUE - timedelta(seconds=1)}, ("TooEarly", "at")),
        ({"at": DUE + timedelta(days=2)}, ("TooEarly", "at")),
    ],
    ids=["not_the_liaison", "no_such_month", "no_such_number", "before_it_was_made", "in_the_future"],
)
def test_what_cannot_have_been_sent_is_refused(
    office: Office, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    made = office.make()
    assert refusal(lambda: office.send(**changes)) == expected
    assert office.book.sendings(made.report_id) == ()


# ---- the liaison's worklist ---------------------------------------------------------------------


def waiting(office: Office, **whose: Any) -> list[str | None]:
    """Which reports the liaison's worklist says are to be sent."""
    items = WholeRegister(office.engine).worklist("liaison", **whose)
    return [item.about for item in items if item.act == "report sent"]


def test_the_liaisons_worklist_has_a_report_until_its_sending_is_recorded(office: Office) -> None:
    assert waiting(office) == []
    october = office.make().report_id
    november = office.make("r-2", DUE + timedelta(days=40), month="2026-11").report_id
    assert waiting(office) == [october, november]
    assert waiting(office, unit="RC-03", person="l-9") == [october, november], "it names nobody: it is everyone's"
    assert waiting(office, limit=1) == [october]
    assert WholeRegister(office.engine).worklist("reader") == ()
    [item, _] = WholeRegister(office.engine).worklist("liaison")
    assert "report sent 2026-10" in item.text_zh
    assert "report sent 2026-10" in item.text_en
    office.send()
    assert waiting(office) == [november]


def test_of_a_month_reported_again_the_last_report_is_to_be_sent(office: Office) -> None:
    office.make()
    office.send()
    again = office.make("r-2", reason="late records", by="c-1").report_id
    assert waiting(office) == [again]
    office.send("no. 8", number=1)
    assert waiting(office) == [again], "the one before it was sent once more"
    office.send("no. 9")
    assert waiting(office) == []


def test_what_has_a_deadline_stands_before_the_report(office: Office) -> None:
    office.make()
    filing = Task(role="liaison", act="record_filing", text_zh="请报备", text_en="file it")
    case = case_row(tasks=(filing, filing.model_copy(update={"by": DUE})))
    SqlRegister(office.engine).write(Record(case=case))
    items = WholeRegister(office.engine).worklist("liaison")
    assert [(item.act, item.by) for item in items] == [
        ("record_filing", DUE),
        ("record_filing", None),
        ("report sent", None),
    ]


# ---- kept --------------------------------------------------------------------------------------


def test_what_is_read_back_is_what_was_made(office: Office) -> None:
    office.make()
    report = office.book.report()
    assert report.sha256 == digest(report.figures, report.text_zh, report.text_en)
    assert report.figures == ReportFigures(office.engine, Policy()).of(MONTH)
    verdict = office.book.verify(report)
    assert (verdict.intact, verdict.length) == (True, 2), "its making, its paper"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE reports SET text_zh = 'x'", "DELETE FROM reports", "UPDATE evidence SET actor_id = 'x'"],
)
def test_the_database_itself_refuses_to_change_a_report(office: Office, statement: str) -> None:
    office.make()
    with pytest.raises(DBAPIError, match="only ever added to"), writing(office.engine) as connection:
        connection.execute(text(statement))


def test_a_report_changed_past_the_guard_is_found_out(office: Office) -> None:
    office.make()
    with writing(office.engine) as connection:
        postgresql = connection.dialect.name == "postgresql"
        drop = "reports_append_only ON reports" if postgresql else "reports_no_update"
        connection.execute(text(f"DROP TRIGGER {drop}"))
        connection.execute(text("UPDATE reports SET text_zh = replace(text_zh, '本期立案', '立案')"))
    verdict = office.book.verify(office.book.report())
    assert (verdict.intact, verdict.reason_en) == (False, "the report itself was changed")


# ---- the case's proof --------------------------------------------------------------------------


def r29(office: Office, account: str) -> tuple[str, str | None, int]:
    """R-29 of that account's case."""
    file = WholeRegister(office.engine).case_file(account)
    assert isinstance(file, CaseFile)
    line = next(line for line in prove(file, Policy()) if line.rule == "R-29")
    return line.verdict, line.by, len(line.evidence)


def test_a_case_is_reported_once_every_report_that_counts_it_was_sent(office: Office) -> None:
    opened = datetime(2026, 10, 20, tzinfo=ZONE) - timedelta(days=45)
    for life in lives(3, opened, None, 5):
        for record in life.records:
            SqlRegister(office.engine).write(record)
    cases = [WholeRegister(office.engine).case(f"{n:04}") for n in range(3)]
    case = next(c for c in cases if c and c.opened_at < datetime(2026, 10, 31, tzinfo=ZONE))
    assert case.closed_at is not None
    months = [m for m in ("2026-09", MONTH, "2026-11", "2026-12") if _lived_in(m, case.opened_at, case.closed_at)]
    account = case.account_id
    assert r29(office, account)[0] == "not_reached", "nothing was reported yet"
    for n, month in enumerate(months, start=1):
        office.make(f"m-{n}", at=datetime(2027, 6, 1, tzinfo=ZONE), month=month)
        assert r29(office, account)[0] == "not_reached", "made is not sent"
        sending = SendReport.model_validate({"reference": f"no. {n}", "authority": "区政府", "actor": LIAISON})
        office.book.sent(month, sending, datetime(2027, 6, 2, tzinfo=ZONE))
        assert r29(office, account) == ("met", "liaison l-1", 2 * n)
    office.make("other", at=datetime(2027, 6, 1, tzinfo=ZONE), month="2027-03")
    assert r29(office, account)[0] == "met", "a month after its life does not concern it"
    office.make("again", at=datetime(2027, 6, 3, tzinfo=ZONE), month=months[0], reason="late records", by="c-1")
    assert r29(office, account)[0] == "not_reached", "the correction is not sent yet"


def _lived_in(month: str, opened: datetime, closed: datetime) -> bool:
    first, last = (at.astimezone(ZONE).strftime("%Y-%m") for at in (opened, closed))
    return first <= month <= last


# ---- the text ----------------------------------------------------------------------------------


def test_the_text_shows_every_section_and_the_chart(office: Office) -> None:
    for life in lives(25, datetime(2026, 8, 1, tzinfo=ZONE), None, 3):
        for record in life.records:
            SqlRegister(office.engine).write(record)
    office.make()
    report: Report = office.book.report()
    laid_out = layout(report.figures, 1)
    for said, language in ((report.text_zh, 0), (report.text_en, 1)):
        for section in laid_out.sections:
            assert section.title[language] in said
        for label, count in laid_out.chart.bars:
            [line] = [x for x in said.splitlines() if x.startswith(label[language]) and "|" not in x]
            assert line.endswith(f" {count}")
            assert ("█" in line) == (count > 0)
        tables = [x for x in said.splitlines() if x.startswith("|")]
        assert len(tables) > 60
    restored = report.figures.supply.after_settlement.restored
    assert restored > 0
    assert (
        sum(count for _, count in laid_out.chart.bars) == restored - report.figures.supply.after_settlement.before_due
    )
