"""Reading a billing export: every spelling that exports have, and a reason for every line that cannot be true."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.customer import Customer
from domain.money.book import BookedBill, BookedPayment
from edge.ingest.columns import amount_of
from edge.ingest.lines import Export, FileRefused, ReadLine, open_export

SHANGHAI = ZoneInfo("Asia/Shanghai")
PAYMENTS = "payment_id,account_id,bill_id,amount,paid_at,channel,reverses"
BILLS = "bill_id,account_id,period,due_date,amount"
CUSTOMERS = "户号,户名,用电地址,联系电话,邮箱,用电类别,重要用户,表号,抄表中心,抄表员,抄表班长,供电单位,营业站,区域"
WANG = "1001,王伟,人民路1号,13900000000,,居民,否,M1,RC-03,r-017,t-002,FU-1,BS-1,城东"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(content: str | bytes, encoding: str = "utf-8", name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return _write


def opened(path: Path) -> Export:
    export = open_export(path)
    assert export is not None
    return export


def lines(path: Path) -> list[ReadLine]:
    export = opened(path)
    try:
        return list(export.read(SHANGHAI))
    finally:
        export.close()


def rows(path: Path) -> list[object]:
    read = lines(path)
    assert not [line for line in read if line.reason]
    return [line.row for line in read]


def payment(path: Path) -> BookedPayment:
    (row,) = rows(path)
    assert isinstance(row, BookedPayment)
    return row


def bill(path: Path) -> BookedBill:
    (row,) = rows(path)
    assert isinstance(row, BookedBill)
    return row


def customer(path: Path) -> Customer:
    (row,) = rows(path)
    assert isinstance(row, Customer)
    return row


# Spellings of the same thing.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gb18030-bom"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_every_encoding_and_separator_reads_the_same(
    write: Write, encoding: str, delimiter: str, line_break: str
) -> None:
    text = f"{CUSTOMERS}\n{WANG}\n".replace(",", delimiter).replace("\n", line_break)
    if encoding == "gb18030-bom":
        text, encoding = "\ufeff" + text, "gb18030"
    known = customer(write(text, encoding))
    assert (known.card.name, known.card.address, known.card.phone) == ("王伟", "人民路1号", "13900000000")
    assert known.account.model_dump() == {
        "account_id": "1001",
        "customer_class": "residential",
        "important": False,
        "meter_has_twin": False,
        "meter_id": "M1",
        "reading_centre": "RC-03",
        "reader": "r-017",
        "team_leader": "t-002",
        "field_unit": "FU-1",
        "business_station": "BS-1",
        "region": "城东",
    }


def test_columns_come_in_any_order_under_either_name_with_others_between(write: Write) -> None:
    row = bill(write("备注,应收电费（元）,Due Date,账单号,x,accountId,费用年月\n催,12.5,20261025,B1,,1001,202609\n"))
    assert row == BookedBill("B1", "1001", date(2026, 10, 25), Decimal("12.50"), "2026-09")


def test_the_kind_of_a_file_is_known_by_its_columns(write: Write) -> None:
    joined = f"{BILLS},name,meter_id,paid_at\n"  # a report may carry columns of another kind
    for content, kind in ((CUSTOMERS, "customers"), (joined, "bills"), (PAYMENTS, "payments")):
        export = opened(write(content))
        export.close()
        assert export.kind == kind


def test_json_lines_in_either_language(write: Write) -> None:
    path = write(
        '{"payment_id": "P1", "account_id": "1001", "amount": 128.50, "paid_at": "2026-10-25T09:00:00+08:00"}\n'
        '{"户号": "1001", "流水号": "P2", "金额": "1,000", "交费时间": "20261025", "原流水号": null, "x": "y"}\n'
        "\n"
        '{"payment_id": "P3", "account_id": 1001, "amount": "5", "paid_at": "2026-10-25", "bill_id": "B1"}\n'
        '{"payment_id": "P4", "account_id": "1001", "amount": "5"}\n'
        '{"payment_id": "P5", "account_id"\n'
        '{"payment_id": "P6", "account_id": "1001", "amount": NaN, "paid_at": "2026-10-25"}\n'
        '{"payment_id": ["P7"], "account_id": "1001", "amount": "5", "paid_at": "2026-10-25"}\n'
        '{"payment_id": "P\\ud800", "account_id": "1001", "amount": "5", "paid_at": "2026-10-25"}\n'
        '["P9"]\n' + "[" * 50_000 + "\n"
        '{"payment_id": "P10", "流水号": "P11", "account_id": "1001", "amount": "5", "paid_at": "2026-10-25"}\n'
    )
    read = lines(path)
    assert [line.row for line in read if line.row] == [
        BookedPayment("P1", "1001", Decimal("128.50"), datetime(2026, 10, 25, 1, tzinfo=UTC)),
        BookedPayment("P2", "1001", Decimal("1000.00"), datetime(2026, 10, 25, tzinfo=SHANGHAI)),
        BookedPayment("P3", "1001", Decimal("5.00"), datetime(2026, 10, 25, tzinfo=SHANGHAI), "B1"),
    ]
    bad = {line.number: line.reason for line in read if line.row is None}
    for number, words in {
        5: "paid_at 交费时间 is empty",
        6: "not a JSON object",
        7: "NaN is no number",
        8: "payment_id is a list",
        9: "control characters",
        10: "not a JSON object",
        11: "not a JSON object",
        12: "payment_id and 流水号",
    }.items():
        assert words in bad.pop(number)
    assert not bad


def test_a_key_that_is_rare_is_read_on_the_last_line_too(write: Write) -> None:
    record = {"payment_id": "P0", "account_id": "1001", "amount": "5", "paid_at": "2026-10-25"}
    records = [record | {"payment_id": f"P{n}"} for n in range(500)]
    records.append(record | {"payment_id": "R0", "amount": "-5", "reverses": "P0"})
    last = rows(write("\n".join(map(json.dumps, records))))[-1]
    assert isinstance(last, BookedPayment)
    assert last.reverses == "P0"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.5", "1234.50"),
        ("1,234.50", "1234.50"),
        ("¥1,234.50", "1234.50"),
        ("￥ 1234.50", "1234.50"),
        ("1234.50元", "1234.50"),
        ("CNY 12,345,678.90", "12345678.90"),
        ("１２８．５０", "128.50"),
        ("128.5000", "128.50"),
        ("-¥5.00", "-5.00"),
        ("¥-5.00", "-5.00"),
        ("−5", "-5.00"),
        ("+5", "5.00"),
        ("0", "0.00"),
        ("-0.00", "0.00"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_an_amount_is_read(text: str, value: str) -> None:
    assert str(amount_of(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "12.345", "1,23", "1,2345", "12,34.5", "--5", "-¥-5", "1e3", "NaN", "Infinity", "five", "5 USD"),
        *("0x10", "1.2.3", "1000000000000", "$5", "5-", ".5.", "٣"),
    ],
)
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|cent|digits"):
        amount_of(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-25", "2026-10-25T00:00:00+08:00"),
        ("2026/10/25", "2026-10-25T00:00:00+08:00"),
        ("2026/1/5", "2026-01-05T00:00:00+08:00"),
        ("20261025", "2026-10-25T00:00:00+08:00"),
        ("2026年10月25日", "2026-10-25T00:00:00+08:00"),
        ("2026-10-25 09:30", "2026-10-25T09:30:00+08:00"),
        ("2026/10/25 9:30:15", "2026-10-25T09:30:15+08:00"),
        ("2026-10-25T09:30:15.250", "2026-10-25T09:30:15.250+08:00"),
        ("20261025093015", "2026-10-25T09:30:15+08:00"),
        ("2026-10-25T01:30:15Z", "2026-10-25T09:30:15+08:00"),
        ("2026-10-25T01:30:15+0000", "2026-10-25T09:30:15+08:00"),
    ],
)
def test_a_time_without_an_offset_is_in_the_zone_of_the_policy(write: Write, text: str, moment: str) -> None:
    row = payment(write(f"{PAYMENTS}\nP1,1001,,5,{text},,\n"))
    assert row.paid_at == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "26-10-25", "25.10.2026", "soon", "46320", "2026-10-25 25:00", "1999-01-01"]
)
def test_a_date_that_is_none_is_refused(write: Write, text: str) -> None:
    (line,) = lines(write(f"{BILLS}\nB1,1001,2026-09,{text},5\n"))
    assert line.row is None
    assert line.reason.startswith(f'due_date 交费期限 "{text}" is no date')


def test_a_due_date_with_an_offset_is_the_local_day(write: Write) -> None:
    assert bill(write(f"{BILLS}\nB1,1001,2026-09,2026-10-24T16:00:00Z,5\n")).due_date == date(2026, 10, 25)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        *((t, "residential") for t in ("居民", "居民生活用电", "城镇居民", "Residential", "household")),
        *(
            (t, "non_residential")
            for t in ("非居民", "商业", "商业用电", "大工业", "农业生产用电", "机关", "一般工商业")
        ),
        *((t, "non_residential") for t in ("non_residential", "Non-Residential", "commercial", "industrial")),
    ],
)
def test_the_class_of_a_customer_has_trade_names(write: Write, text: str, known: str) -> None:
    assert customer(write(f"{CUSTOMERS}\n{WANG.replace('居民', text)}\n")).account.customer_class == known


@pytest.mark.parametrize(
    ("text", "known"), [("是", True), ("YES", True), ("1", True), ("否", False), ("no", False), ("", False)]
)
def test_an_important_customer_is_marked(write: Write, text: str, known: bool) -> None:
    assert customer(write(f"{CUSTOMERS}\n{WANG.replace('否', text)}\n")).account.important is known


PREFERRING = CUSTOMERS.replace("邮箱", "邮箱,告知渠道")


def preferring(text: str) -> str:
    return WANG.replace("13900000000,,", f"13900000000,,{text},")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        *((t, "sms") for t in ("短信", "手机短信", "sms", "SMS", "ＳＭＳ")),
        *((t, "email") for t in ("邮件", "电子邮件", "邮箱", "email", "E-mail")),
        *((t, "app") for t in ("应用", "手机应用", "app", "APP", "手机 App")),
        *((t, None) for t in ("", "  ")),
    ],
)
def test_the_channel_that_a_customer_prefers_is_read_in_either_language(
    write: Write, text: str, known: str | None
) -> None:
    assert customer(write(f"{PREFERRING}\n{preferring(text)}\n")).card.preferred_channel == known
    record = dict(zip(CUSTOMERS.split(","), WANG.split(","), strict=True)) | {"preferred_channel": text}
    assert customer(write(json.dumps(record, ensure_ascii=False))).card.preferred_channel == known


def test_an_export_without_the_column_says_nothing_of_it(write: Write) -> None:
    assert customer(write(f"{CUSTOMERS}\n{WANG}\n")).card.preferred_channel is None


@pytest.mark.parametrize("text", ["传真", "微信", "短信或邮件", "sms email", "是", "1"])
def test_a_channel_that_nobody_can_prefer_costs_its_line_and_says_which_can(write: Write, text: str) -> None:
    bad, good = lines(write(f"{PREFERRING}\n{preferring(text)}\n{preferring('短信')}\n"))
    assert (bad.number, bad.row, good.row is None) == (2, None, False)
    assert bad.reason == (
        f'preferred_channel 告知渠道 "{text}" is no channel that can be preferred: '
        "write 短信 (sms), 邮件 (email) or 应用 (app), or leave it empty"
    )


# Lines, and where they stand.


def test_a_quoted_field_may_hold_separators_quotes_and_line_breaks(write: Write) -> None:
    wang = WANG.replace("人民路1号", '"人民路1号, ""南楼""\r\n2单元"')
    bad = WANG.replace("1001", "1002").replace("居民", "?")
    read = lines(write(f"{CUSTOMERS}\r\n{wang}\r\n\r\n{bad}\r\n"))
    assert isinstance(read[0].row, Customer)
    assert read[0].row.card.address == '人民路1号, "南楼"\n2单元'
    # Line numbers are those an editor shows: the first customer takes lines 2 and 3, line 4 is blank.
    assert [line.number for line in read] == [2, 5]
    assert read[1].text == bad


def test_a_stray_quotation_mark_costs_its_own_line_only(write: Write) -> None:
    others = [WANG.replace("1001", str(n)) for n in range(1002, 1300)]
    stray = WANG.replace("人民路", '"人民路')
    read = lines(write("\n".join([CUSTOMERS, *others[:3], stray, *others[3:]])))
    assert [line.number for line in read if line.row is None] == [5]
    assert [line.row.account.account_id for line in read if isinstance(line.row, Customer)] == [
        str(n) for n in range(1002, 1300)
    ]
    assert "quotation mark" in read[3].reason


def test_a_stray_quotation_mark_before_quoted_lines_costs_its_own_line_only(write: Write) -> None:
    good = WANG.replace("人民路1号", '"人民路1号"')
    stray = WANG.replace("人民路", '"人民路')
    read = lines(write("\n".join([CUSTOMERS, good, stray, good, stray])))
    assert [(line.number, line.row is None) for line in read] == [(2, False), (3, True), (4, False), (5, True)]


def test_blank_lines_and_rows_of_empty_cells_do_not_count(write: Write) -> None:
    assert len(rows(write(f"\n{BILLS}\n\nB1,1001,2026-09,2026-10-25,5\n,,,,\n   \n\x1a"))) == 1


def test_a_short_line_may_lack_what_is_optional_only(write: Write) -> None:
    read = lines(
        write(f"{PAYMENTS}\nP1,1001,,5,2026-10-25\nP2,1001,,5\nP3,1001,,5,2026-10-25,,,,\nP4,1001,,1,234,x,,y\n")
    )
    assert [line.row is not None for line in read] == [True, False, True, False]
    assert "paid_at 交费时间 missing" in read[1].reason
    assert "8 fields, the header 7" in read[3].reason


def test_every_wrong_column_of_a_line_is_named(write: Write) -> None:
    (line,) = lines(write(f"{BILLS}\n,1001,2026-13,soon,-5\n"))
    for words in ("bill_id 账单号 is empty", 'period 费用年月 "2026-13"', 'due_date 交费期限 "soon"', "is negative"):
        assert words in line.reason


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("P1,1001,,-5,2026-10-25,,", "not above zero"),
        ("P1,1001,,0,2026-10-25,,", "not above zero"),
        ("P1,1001,,5,2026-10-25,,P0", "not negative"),
        ("P1,1001,,-5,2026-10-25,,P1", "reverses itself"),
        ("P1,1.00001E+11,,5,2026-10-25,,", "spreadsheet"),
        (f"{'P' * 65},1001,,5,2026-10-25,,", "longer than 64"),
        ("P\x00,1001,,5,2026-10-25,,", "control characters"),
        ("P1,10\x1b01,,5,2026-10-25,,", "control characters"),
        ("P1,1001,,5,2026-10-25,a\x07b,", "control characters"),
        (f"P1,1001,,5,2026-10-25,{'x' * 70_000},", "longer than 65536 bytes"),
        ('P1,"10"01,,5,2026-10-25,,', "quotation marks"),
    ],
)
def test_a_line_that_cannot_be_true_says_why(write: Write, line: str, words: str) -> None:
    good = "P2,1001,,5,2026-10-25,,"
    bad, after = lines(write(f"{PAYMENTS}\n{line}\n{good}\n"))
    assert bad.row is None
    assert words in bad.reason
    assert after.number == 3
    assert after.row is not None


# Encodings.


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_damaged_line_is_rejected_and_the_others_keep_their_encoding(write: Write, encoding: str) -> None:
    damaged = WANG.encode(encoding).replace("王".encode(encoding), b"\xff\xfe")
    good = [WANG.replace("1001", str(n)).encode(encoding) for n in range(1002, 1012)]
    # The damage comes first, so that it cannot be outweighed by what was read before.
    read = lines(write(b"\n".join([CUSTOMERS.encode(encoding), damaged, *good])))
    assert [line.number for line in read if line.row is None] == [2]
    assert "bytes" in read[0].reason
    assert read[0].text.startswith("1001,\\xff")
    assert all(isinstance(line.row, Customer) and line.row.card.name == "王伟" for line in read[1:])


def test_a_line_in_another_encoding_does_not_turn_the_file_to_garbage(write: Write) -> None:
    stray = WANG.encode("gb18030")
    good = [WANG.replace("1001", str(n)).encode() for n in range(1002, 1012)]
    read = lines(write(b"\n".join([CUSTOMERS.encode(), stray, *good])))
    assert [line.number for line in read if line.row is None] == [2]


def test_a_file_that_is_plain_for_long_keeps_its_encoding(write: Write) -> None:
    plain = "\n".join(f"P{n},1001,,5,2026-10-25,counter," for n in range(50_000))
    content = f"{PAYMENTS}\n{plain}\nP,1001,,5,2026-10-25,营业厅,\n"
    last = lines(write(content, "gb18030"))[-1].row
    assert isinstance(last, BookedPayment)
    assert last.channel == "营业厅"


# Files that are none.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04\x14\x00", "save it as CSV"),
        ("户号,金额\n".encode("utf-16"), "looks like payments, but lacks payment_id 流水号"),
        ("户号,金额\n".encode("utf-32"), "UTF-32"),
        (b"a,b,c\n1,2,3\n", "no billing export: its columns are a, b, c"),
        (BILLS.replace("due_date,", "").encode(), "looks like bills, but lacks due_date 交费期限"),
        (CUSTOMERS.replace("表号,", "").encode(), "looks like customers, but lacks meter_id 表号"),
        (PAYMENTS.replace("payment_id,", "").encode(), "looks like payments, but lacks payment_id 流水号"),
        (f"{BILLS},应收电费".encode(), "one column twice: amount and 应收电费"),
        (b'[{"bill_id": "B1"}]', "JSON lines"),
        (b'{"a": 1}\n', "no billing export"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_what_it_lacks(write: Write, content: bytes, words: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        open_export(write(content))
    assert words in str(refusal.value)
    assert "export.csv" in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        open_export(tmp_path / "nothing.csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_no_error(write: Write, content: bytes) -> None:
    assert open_export(write(content)) is None


def test_memory_does_not_grow_with_the_file(write: Write) -> None:
    content = "\n".join(
        f"P{n:08},{1000 + n % 99},,{n % 500 + 1}.00,2026-10-25 09:00:00,counter," for n in range(30_000)
    )
    export = opened(write(f"{PAYMENTS}\n{content}\n"))
    tracemalloc.start()
    count = sum(1 for line in export.read(SHANGHAI) if line.row)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    export.close()
    assert count == 30_000
    assert peak < 1_000_000  # the file alone is twice that


def test_how_far_it_has_read_is_known_in_bytes(write: Write) -> None:
    path = write(f"{BILLS}\nB1,1001,2026-09,2026-10-25,5\nB2,1001,2026-09,2026-10-25,5")
    read = lines(path)
    assert read[0].end < read[1].end == path.stat().st_size == opened_size(path)


def opened_size(path: Path) -> int:
    export = opened(path)
    export.close()
    return export.size


def test_a_record_of_our_own_making_reads_back(write: Write) -> None:
    record = {"bill_id": "B1", "account_id": "1001", "period": "2026-09", "due_date": "2026-10-25", "amount": "5.00"}
    assert bill(write(json.dumps(record, ensure_ascii=True))) == BookedBill(
        "B1", "1001", date(2026, 10, 25), Decimal("5.00"), "2026-09"
    )
