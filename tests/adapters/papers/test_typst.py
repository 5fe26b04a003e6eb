"""Papers read back: what stands on them, page by page, whoever the customer is; the same bytes for the same facts."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from activities.papers import PapersUnavailable
from adapters.papers.folder import PaperFiles
from adapters.papers.typst import TEMPLATES, TypstPapers, compiler, inputs
from domain.customer import CustomerCard
from domain.papers.delay import delay_sheet
from domain.papers.notice import notice_sheet
from domain.papers.sheets import Letterhead, NoticeSheet, Sheet
from domain.papers.ticket import ticket_sheet
from domain.record.rows import BillLine, NoticeOrder
from tests.domain.papers.test_notice_and_ticket import CARD, notice_order, ticket_order
from tests.domain.papers.test_sheets import EN, ZH, declared

ROOT = Path(__file__).resolve().parents[3]
LONG = CustomerCard(account_id="3001", name="花园路街道办事处" * 7 + "专班筹组", address="金水区花园路" * 33)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> TypstPapers:
    return TypstPapers(tmp_path_factory.mktemp("papers") / "documents", ZH)


def order(kind: str, bills: int = 2, amount: str = "1234567.89") -> NoticeOrder:
    """A notice over so many bills of so much each."""
    bill_lines = tuple(
        BillLine(
            bill_id=f"B-3001-{n:03}",
            due_date=date(2026, 9, 25),
            outstanding=Decimal(amount),
            late_fee=Decimal("38271.60"),
        )
        for n in range(1, bills + 1)
    )
    owed = sum((line.outstanding for line in bill_lines), Decimal("0.00"))
    return notice_order(kind, bill_lines, amount=owed, late_fee=Decimal("38271.60") * bills)


def pages(papers: TypstPapers, sheet: Sheet) -> list[str]:
    """The text of each page, without the spaces that a reader of PDF guesses."""
    read = PdfReader(BytesIO(papers.render(sheet)))
    return ["".join(page.extract_text().split()) for page in read.pages]


def pictures(sheet: Sheet) -> list[Image.Image]:
    """The pages as images."""
    shown = compiler().compile(
        input=TEMPLATES / f"{sheet.template}.typ", format="png", ppi=110, sys_inputs=inputs(sheet), timestamp=0
    )
    pages = [page for page in (shown if isinstance(shown, list) else [shown]) if isinstance(page, bytes)]
    return [Image.open(BytesIO(page)).convert("RGB") for page in pages]


def picture(sheet: Sheet, page: int = 0) -> Image.Image:
    """A page as an image."""
    return pictures(sheet)[page]


# ---- what stands on them ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["yellow", "red"])
def test_a_notice_states_everything_the_regulation_asks_for(papers: TypstPapers, kind: str) -> None:
    front = pages(papers, notice_sheet(order(kind), CARD, ZH))[0]
    for text in (
        "郑州供电公司",
        "黄色催费单（暂停供电通知书）" if kind == "yellow" else "红色欠费中止供电通知书",
        order(kind).notice.account_id,
        "王小明",
        "郑州市金水区花园路12号",
        "1B-3001-0012026-09-251,234,567.8938,271.601,272,839.49",
        "2B-3001-0022026-09-251,234,567.8938,271.601,272,839.49",
        "2,469,135.7876,543.202,545,678.98",
        "人民币贰佰伍拾肆万伍仟陆佰柒拾捌元玖角捌分",
        "最后交费期限2026年10月25日24时前",
        "停电时间2026年11月5日（星期四）09:00起",
        "在停电前交清上列电费，即不停电。",
        "可约定承诺交费或分期交费。",
        "咨询、投诉：95598。",
    ):
        assert text in front


def test_an_english_notice_states_it_in_english(papers: TypstPapers) -> None:
    front, back = pages(papers, notice_sheet(order("red"), CARD, EN))
    for text in (
        "Red notice of disconnection for arrears",
        "The power supply company",
        "2,469,135.78",
        "Final payment deadline",
        "by 24:00 on Sunday 2026-10-25",
        "from 09:00 on Thursday 2026-11-05",
        "Pay the bills above before the time of the cut, and nothing is cut.",
        "Questions and complaints: 95598.",
    ):
        assert text.replace(" ", "") in front
    assert "Recordofarefusedsignature" in back
    assert "欠费" not in front + back


def test_a_yellow_notice_is_yellow_and_a_red_one_red_on_both_sides() -> None:
    yellow, red = (notice_sheet(order(kind), CARD, ZH) for kind in ("yellow", "red"))
    for sheet, page, colour in ((yellow, 0, (255, 232, 115)), (red, 0, (245, 162, 151)), (red, 1, (245, 162, 151))):
        image = picture(sheet, page)
        corners = {image.getpixel((x, y)) for x in (2, image.width - 3) for y in (2, image.height - 3)}
        assert corners == {colour}


def test_a_red_notice_has_lines_to_sign_and_the_record_of_a_refusal_on_its_back(papers: TypstPapers) -> None:
    front, back = pages(papers, notice_sheet(order("red"), CARD, ZH))
    for text in ("客户签字（签收本通知书）", "签收时间", "送达人（抄表员）签字"):
        assert text in front
    for text in ("拒签情况记录", "地点", "在场人员", "客户陈述的理由或原话", "证据", "抄表班长确认", "2026年11月5日"):
        assert text in back
    assert "营业站站长" not in back


def test_the_station_head_signs_for_a_customer_that_is_no_household(papers: TypstPapers) -> None:
    sheet = notice_sheet(order("red"), CARD, ZH).model_copy(update={"non_residential": True})
    assert "营业站站长确认" in pages(papers, sheet)[1]


def test_a_yellow_notice_is_one_page_that_asks_for_no_refusal_record(papers: TypstPapers) -> None:
    (front,) = pages(papers, notice_sheet(order("yellow"), CARD, ZH))
    assert "拒签情况记录" not in front


@pytest.mark.parametrize("head", [ZH, EN], ids=["zh", "en"])
@pytest.mark.parametrize("kind", ["yellow", "red"])
def test_six_bills_of_millions_and_the_longest_name_leave_the_back_the_back(
    papers: TypstPapers, kind: str, head: Letterhead
) -> None:
    read = pages(papers, notice_sheet(order(kind, 6), LONG, head))
    assert len(read) == (1 if kind == "yellow" else 2)
    assert LONG.name in read[0]
    assert "B-3001-006" in read[0]


def test_twenty_bills_are_listed_one_by_one_behind_the_back(papers: TypstPapers) -> None:
    front, back, annex = pages(papers, notice_sheet(order("red", 20), LONG, ZH))
    assert "共20笔，逐笔明细见附页" in front
    assert "24,691,357.80765,432.0025,456,789.80" in front
    assert "客户签字" in front
    assert "拒签情况记录" in back
    assert [annex.count(f"B-3001-{n:03}") for n in range(1, 21)] == [1] * 20
    assert "合计24,691,357.80765,432.0025,456,789.80" in annex


def test_a_table_that_goes_over_pages_has_its_head_on_each(papers: TypstPapers) -> None:
    read = pages(papers, notice_sheet(order("yellow", 90), CARD, ZH))
    assert len(read) == 4
    assert ["序号账单号交费期限欠费（元）违约金（元）小计（元）" in page for page in read] == [False, True, True, True]
    assert [page.count("合计111,111,110.10") for page in read] == [0, 0, 0, 1]
    assert [sum(f"B-3001-{n:03}" in page for page in read) for n in range(1, 91)] == [1] * 90


def test_the_code_on_a_notice_can_be_read_from_the_page_and_says_what_to_pay() -> None:
    sheet = notice_sheet(order("red"), CARD, ZH)
    (code,) = zxingcpp.read_barcodes(picture(sheet))
    assert code.text == sheet.scan
    said = json.loads(code.text)
    assert (said["account"], said["notice"], said["amount"]) == ("3001", sheet.number, "2545678.98")


def test_a_disconnection_ticket_says_when_where_and_not_without_a_permit(papers: TypstPapers) -> None:
    (page,) = pages(papers, ticket_sheet(ticket_order("cut", "2026-11-05T09:00", "2026-11-05T11:00"), LONG, ZH))
    for text in (
        "催费停电工作票",
        "M-77",
        "FU-02",
        "2026年11月5日（星期四）09:00起，至11:00止",
        "未获停电许可，不得停电",
        LONG.name,
    ):
        assert text in page


@pytest.mark.parametrize(
    ("head", "said"), [(ZH, ("复电工作票", "2026年11月6日（星期五）14:30前", "无需审批")), (EN, ("by14:30onFriday",))]
)
def test_a_restoration_ticket_says_by_when(papers: TypstPapers, head: Letterhead, said: tuple[str, ...]) -> None:
    (page,) = pages(papers, ticket_sheet(ticket_order("restore", "2026-11-06T14:30"), CARD, head))
    assert all(text in page for text in said)
    assert "许可" not in page


def test_a_notice_of_delay_says_why_and_until_when(papers: TypstPapers) -> None:
    (page,) = pages(papers, delay_sheet(declared(), "3001", CARD, ZH))
    for text in ("延期恢复供电告知书", "线路抢修", "最迟恢复供电2026年11月6日24时前", "c-001", "95598"):
        assert text in page


# ---- whoever the customer is ------------------------------------------------------------------

HOSTILE = (
    "#panic()",
    '#read("/etc/passwd")',
    "*x* _y_ $z$ `w`",
    "= 标题 @ref <label> // no",
    '"}; #import "x.typ"; {"',
    "\\u{41} \\ ~ -- ---",
    "[#let a = 1]",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_and_never_markup(papers: TypstPapers, name: str) -> None:
    card = CustomerCard(account_id="3001", name=name, address=name)
    for sheet, times in (
        (notice_sheet(order("red"), card, ZH), 2),
        (ticket_sheet(ticket_order("cut", "2026-11-05T09:00"), card, ZH), 2),
        (delay_sheet(declared(detail=declared().detail | {"reason": name}), "3001", card, ZH), 3),
    ):
        assert pages(papers, sheet)[0].count("".join(name.split())) == times


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("𬎆𠮷龘䶮", id="rare"),
        pytest.param("\U0010ffff\ue000\ufffe", id="no_characters"),
        pytest.param("שלום עולם مرحبا", id="right_to_left"),
        pytest.param("a\u0301" * 99, id="combining"),
        pytest.param("x" * 4000, id="one_endless_word"),
        pytest.param("", id="none"),
        pytest.param("👩‍👩‍👧‍👦", id="emoji"),
    ],
)
def test_no_name_keeps_a_paper_from_being_printed(papers: TypstPapers, name: str) -> None:
    front, _ = pages(papers, notice_sheet(order("red"), CustomerCard(account_id="3001", name=name, address=name), ZH))
    assert "最后交费期限2026年10月25日24时前" in front
    assert "停电时间2026年11月5日（星期四）09:00起" in front


# ---- the same bytes ---------------------------------------------------------------------------

_ELSEWHERE = """
import hashlib, json, sys
from pathlib import Path
from adapters.papers.typst import TypstPapers
from domain.papers.sheets import NoticeSheet
sheet = NoticeSheet.model_validate(json.load(sys.stdin))
print(hashlib.sha256(TypstPapers(Path("nowhere"), sheet.head).render(sheet)).hexdigest())
"""


def test_another_process_in_another_place_prints_the_same_bytes(papers: TypstPapers, tmp_path: Path) -> None:
    sheet = notice_sheet(order("red", 20), CARD, ZH)
    here = {hashlib.sha256(papers.render(sheet)).hexdigest() for _ in range(2)}
    elsewhere = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE],
        input=json.dumps(sheet.model_dump(mode="json")),
        env={"PYTHONPATH": str(ROOT), "TZ": "America/New_York", "LANG": "de_DE.UTF-8", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert here == {elsewhere.stdout.strip()}


def test_a_paper_is_dated_from_what_it_states(papers: TypstPapers) -> None:
    read = PdfReader(BytesIO(papers.render(notice_sheet(order("red"), CARD, ZH))))
    assert read.metadata is not None
    assert read.metadata.creation_date == datetime(2026, 10, 15, 1, 0, tzinfo=UTC)


def test_many_threads_print_at_a_time(papers: TypstPapers) -> None:
    sheets = [notice_sheet(order("yellow", 1 + n % 4), CARD, ZH) for n in range(24)]
    alone = [hashlib.sha256(papers.render(s)).hexdigest() for s in sheets[:4]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda s: hashlib.sha256(papers.render(s)).hexdigest(), sheets))
    assert together == alone * 6


# ---- kept -------------------------------------------------------------------------------------


def some_sheet(number: str = "0f6a/red-notice/1", account: str = "3001") -> NoticeSheet:
    return notice_sheet(order("red", 1), CARD, ZH).model_copy(update={"number": number, "account_id": account})


def test_a_paper_is_kept_once_under_a_name_that_shows_nothing_of_the_customer(tmp_path: Path) -> None:
    papers = TypstPapers(tmp_path / "documents", ZH)
    document = papers.put_down(some_sheet())
    kept = tmp_path / "documents" / document.key
    written = kept.stat()

    assert papers.put_down(some_sheet()) == document
    assert [p for p in (tmp_path / "documents").rglob("*") if p.is_file()] == [kept]
    assert kept.stat().st_mtime_ns == written.st_mtime_ns
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == document.sha256
    assert document.key == f"2026-10/3001/0f6a_red-notice_1.{document.sha256[:16]}.pdf"
    assert (kept.stat().st_mode & 0o077, kept.parent.stat().st_mode & 0o077) == (0, 0)


@pytest.mark.parametrize("wild", ["..", "../../etc/x", "/", "a\\b:c", "户号", " ", "x" * 128, ".", "CON"])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, wild: str) -> None:
    papers = TypstPapers(tmp_path / "in" / "documents", ZH)
    documents = {papers.put_down(some_sheet(wild, wild)), papers.put_down(some_sheet(f"{wild}/", wild))}
    assert len(documents) == 2
    for document in documents:
        assert (papers.folder / document.key).resolve().is_relative_to(papers.folder.resolve())
        assert papers.state_of(document) == "intact"
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_paper_that_was_lost_or_changed_is_found_out_and_printed_again(tmp_path: Path) -> None:
    papers = TypstPapers(tmp_path, ZH)
    document = papers.put_down(some_sheet())
    path = tmp_path / document.key
    path.write_bytes(path.read_bytes()[:-1])
    assert papers.state_of(document) == "changed"
    path.unlink()
    assert papers.state_of(document) == "missing"
    assert papers.put_down(some_sheet()) == document
    assert papers.state_of(document) == "intact"


def test_a_folder_that_cannot_be_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "documents").touch()
    with pytest.raises(PapersUnavailable, match=r"documents: .*\. Make room or .*, or set ARREARS_DOCUMENTS"):
        TypstPapers(tmp_path / "documents", ZH).put_down(some_sheet())


def test_a_folder_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    """A pipe that nobody writes to stands in for a network folder that is gone: whoever reads it waits for ever."""
    papers = TypstPapers(tmp_path, ZH)
    document = papers.put_down(some_sheet())
    path = tmp_path / document.key
    path.unlink()
    os.mkfifo(path)
    impatient = PaperFiles(tmp_path, patience_seconds=0.2)
    try:
        with pytest.raises(PapersUnavailable, match=r"no answer for 0\.2 s"):
            impatient.keep(some_sheet(), papers.render(some_sheet()))
        with pytest.raises(PapersUnavailable, match="cannot be read"):
            impatient.state_of(document)
    finally:
        both_ways = os.open(path, os.O_RDWR)  # lets all go that wait for a writer, and waits for no reader itself
        path.unlink()
        os.close(both_ways)


def test_a_template_at_fault_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "templates"
    broken.mkdir()
    (broken / f"{some_sheet().template}.typ").write_text("#panic()", "utf-8")
    monkeypatch.setattr("adapters.papers.typst.TEMPLATES", broken)
    with pytest.raises(PapersUnavailable, match="cannot be printed"):
        TypstPapers(tmp_path, ZH).render(some_sheet())
    monkeypatch.setattr("adapters.papers.typst.TEMPLATES", tmp_path / "nowhere")
    with pytest.raises(PapersUnavailable, match="cannot be printed"):
        TypstPapers(tmp_path, ZH).render(some_sheet())


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A limit of the operating system on the size of files stands in for the full disk: a write stops half-way."""
    papers = TypstPapers(tmp_path, ZH)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heeding = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with pytest.raises(PapersUnavailable, match="File too large"):
            papers.put_down(some_sheet())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heeding)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert papers.state_of(papers.put_down(some_sheet())) == "intact"
