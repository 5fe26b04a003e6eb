"""The report's paper: what stands on it, and that it is kept, named in the record, and believed by its digest alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from activities.papers import PapersUnavailable
from adapters.papers.typst import TypstPapers
from domain.papers.filing import PAPER_FILED
from domain.papers.sheets import Letterhead
from domain.report.filing import REPORTS, Report, ReportOrder, written
from domain.report.month import Debt, Figures, Part, RestorationTimes, StandingOrder, Supply
from domain.report.sheet import report_sheet
from tests.activities.test_report import DUE, MONTH, Office, office
from tests.adapters.papers.test_typst import HOSTILE, pages, papers, pictures
from tests.domain.papers.test_sheets import EN, ZH
from tests.support.register_reading import WholeRegister

__all__ = ["office", "papers"]

# ---- what stands on it --------------------------------------------------------------------------

BLUE, RED = (47, 93, 138), (179, 57, 47)
SIX = RestorationTimes(restored=6, within_4=5, later=1)


def report(reason: str = "late records", centres: int = 3, lights: RestorationTimes = SIX) -> Report:
    """A month's report, made again: one moratorium, so many reading centres, and restorations."""
    month = Figures(
        month="2026-10",
        begins_at=datetime(2026, 9, 30, 16, tzinfo=UTC),
        ends_at=datetime(2026, 10, 31, 16, tzinfo=UTC),
        timezone="Asia/Shanghai",
        currency="CNY",
        whole=Part(name="", opened=21, debt=Debt(owed=Decimal("1234567.89"))),
        centres=tuple(Part(name=f"RC-{n:03}", opened=n) for n in range(centres)),
        outcomes={"settled": 17},
        supply=Supply(after_settlement=lights),
        moratoria=(
            StandingOrder(
                moratorium_id="cold-1",
                scope="region",
                value="城北",
                reason=reason,
                starts_at=datetime(2026, 10, 3, tzinfo=UTC),
            ),
        ),
    )
    due = datetime(2026, 11, 1, 21, 30, tzinfo=UTC)
    return written(ReportOrder(request="r-2", at=due, nominal=due, reason=reason, by="c-1"), month, 2)


@pytest.mark.parametrize(
    ("head", "said", "unsaid"),
    [
        (
            ZH,
            (
                *("郑州供电公司", "用电客户欠费停复电情况月度报告", "报告期2026年10月", "更正第2稿，原因：laterecords"),
                *("一、案件", "本期立案21", "其中：结清，未停电17", "期末在办案件尚欠1,234,567.89"),
                *("七、复电用时", "图：结清后复电用时（户次）", "逾时1", "区域城北laterecords2026-10-0308:00–"),
                *("十四、按区域无", "说明", "文号", "郑州供电公司（盖章）", "编号government-report/2026-10/2"),
            ),
            "Cases",
        ),
        (
            EN,
            (
                *("Thepowersupplycompany", "Monthlyreportondisconnectionforarrears", "Correctedno.2:laterecords"),
                *("1.Cases", "opened21", "ofthesesettled,notcut17", "owedattheend1,234,567.89", "14.Byregionnone"),
                *("Chart:Restorationsbytimefromsettlementtolight", "later1", "Notes", "Reference", "(seal)"),
            ),
            "案件",
        ),
    ],
    ids=["zh", "en"],
)
def test_a_report_speaks_one_language_in_the_name_of_the_utility(
    papers: TypstPapers, head: Letterhead, said: tuple[str, ...], unsaid: str
) -> None:
    made = report()
    read = "".join(pages(papers, report_sheet(made, head)))
    assert [text for text in said if text not in read] == []
    assert made.sha256 in read
    assert unsaid not in read


def test_a_late_restoration_is_a_red_bar_and_one_in_time_is_not() -> None:
    def colours(lights: RestorationTimes) -> set[Any]:
        shown = pictures(report_sheet(report(lights=lights), ZH))
        return {colour for page in shown for _, colour in page.getcolors(1 << 20) or ()}

    in_time, late = colours(RestorationTimes(restored=5, within_4=5)), colours(RestorationTimes(restored=1, later=1))
    assert (BLUE in in_time, RED in in_time) == (True, False)
    assert (BLUE in late, RED in late) == (False, True)


def test_a_long_table_of_the_report_has_its_head_on_each_page(papers: TypstPapers) -> None:
    read = pages(papers, report_sheet(report(centres=120), ZH))
    with_rows = [page for page in read if "RC-0" in page or "RC-1" in page]
    assert len(with_rows) > 2
    assert all("名称立案结案期末在办" in page for page in with_rows)
    assert [sum(f"RC-{n:03}" in page for page in read) for n in range(120)] == [1] * 120


@pytest.mark.parametrize("reason", HOSTILE)
def test_the_reasons_on_a_report_are_text_and_never_markup(papers: TypstPapers, reason: str) -> None:
    read = "".join(pages(papers, report_sheet(report(reason), ZH)))
    assert read.count("".join(reason.split())) == 2, "why it was made again, why nothing was cut"


# ---- kept --------------------------------------------------------------------------------------


def filed(office: Office) -> list[tuple[str | None, str, str]]:
    """What the record says of papers: of which report, where it lies, its digest."""
    entries = [e for e in WholeRegister(office.engine).evidence(REPORTS) if e.what == PAPER_FILED]
    assert {(e.rule, e.clause, e.detail["kind"]) for e in entries} <= {("R-29", "III.5", "report")}
    return [(e.about, e.detail["document"], e.detail["sha256"]) for e in entries]


def test_the_paper_is_printed_once_and_named_in_the_record(office: Office) -> None:
    made = office.make()
    [paper] = [path for path in office.folder.rglob("*") if path.is_file()]
    assert made.paper == str(paper.relative_to(office.folder))
    assert made.paper == f"2026-11/government-report/government-report_2026-10_1.{(made.paper_sha256 or '')[:16]}.pdf"
    assert sha256(paper.read_bytes()).hexdigest() == made.paper_sha256
    assert paper.stat().st_mode & 0o777 == 0o600
    assert filed(office) == [(made.report_id, made.paper, made.paper_sha256)]
    printed = paper.stat().st_mtime_ns
    again = office.make("r-2", DUE + timedelta(days=40), month=MONTH)
    assert (again.new, again.paper_sha256) == (False, made.paper_sha256)
    assert (paper.stat().st_mtime_ns, len(filed(office))) == (printed, 1)
    assert office.book.verify(office.book.report()).intact


def test_a_paper_is_believed_by_its_digest_and_not_by_its_name(office: Office) -> None:
    made = office.make()
    paper = office.folder / (made.paper or "")
    content = paper.read_bytes()
    paper.write_bytes(b"another report")
    assert office.make("r-2").paper == made.paper
    assert paper.read_bytes() == content
    paper.unlink()
    assert office.make("r-3").paper == made.paper
    assert paper.read_bytes() == content
    assert len(filed(office)) == 1


def test_a_paper_stays_in_the_language_it_was_printed_in_and_a_lost_one_comes_in_todays(office: Office) -> None:
    """Somebody may have sent it: as long as it is there, another setting prints no other one."""
    made = office.make()
    english = replace(office.making, papers=TypstPapers(office.folder, Letterhead(language="en")))
    order = ReportOrder(request="r-2", at=DUE + timedelta(days=1), nominal=DUE)
    assert english.make(order).paper == made.paper
    (office.folder / (made.paper or "")).unlink()
    other = english.make(order)
    assert other.paper_sha256 != made.paper_sha256
    assert [digest_ for _, _, digest_ in filed(office)] == [made.paper_sha256, other.paper_sha256]
    assert english.make(order).paper == other.paper


def test_a_folder_that_takes_no_paper_leaves_the_report_kept_and_with_the_liaison(office: Office) -> None:
    office.folder.write_text("a file where the folder should be")
    with pytest.raises(PapersUnavailable, match="papers"):
        office.make()
    assert len(office.book.reports()) == 1
    assert len(WholeRegister(office.engine).outbox("liaison")) == 1
    assert filed(office) == []
    office.folder.unlink()
    made = office.make()
    assert (made.new, (office.folder / (made.paper or "")).exists()) == (False, True)
    assert len(filed(office)) == 1
