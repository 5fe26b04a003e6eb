"""Makes billing exports of any size, with bad lines at known places: for tests, and to try `ingest` by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Literal

Encoding = Literal["utf-8", "utf-8-sig", "gb18030"]

TITLES: Mapping[str, tuple[str, ...]] = {
    "customers": (
        *("户号", "户名", "用电地址", "联系电话", "用电类别", "重要用户", "表号", "抄表中心", "抄表员"),
        *("抄表班长", "供电单位", "营业站", "区域", "告知渠道"),
    ),
    "bills": ("账单号", "户号", "费用年月", "交费期限", "应收电费"),
    "payments": ("流水号", "户号", "账单号", "金额", "交费时间", "交费渠道", "原流水号"),
}
_BAD_BYTES = "\x00bad bytes\x00"  # replaced by bytes that are nothing in any encoding


@dataclass(frozen=True)
class Sample:
    """Files written; `bad` maps (file name, line number) to words that the reason for its rejection contains."""

    files: tuple[Path, ...]
    lines: int
    bad: Mapping[tuple[str, int], str]
    overdue: int

    @property
    def good(self) -> int:
        """Lines that must be accepted."""
        return self.lines - len(self.bad)


def write_sample(
    folder: Path,
    customers: int,
    *,
    today: date,
    bad: float = 0.0,
    paid: float = 0.0,
    encoding: Encoding = "utf-8",
    delimiter: str = ",",
) -> Sample:
    """Customers with one bill each, 40 days overdue on `today`; the first `paid` of them paid it.

    Of each file's lines about the fraction `bad` are bad ones, put between the good, each wrong in its own way.
    """
    due, paying = today - timedelta(days=41), round(customers * paid)
    files: list[Path] = []
    expected: dict[tuple[str, int], str] = {}
    total = 0
    for kind, lines, wrong in (
        ("customers", map(_customer, range(customers)), _bad_customers()),
        ("bills", (_bill(i, due) for i in range(customers)), _bad_bills(due)),
        ("payments", (_payment(i, today) for i in range(paying)), _bad_payments(today)),
    ):
        path = folder / f"{kind}.csv"
        gap = round((1 - bad) / bad) if bad else 0
        with path.open("wb") as file:
            file.write(_encoded(delimiter.join(TITLES[kind]), encoding))
            number = 1
            for place, line in enumerate(lines, 1):
                number, total = number + 1, total + 1
                file.write(_encoded(delimiter.join(line), _plain(encoding)))
                if gap and place % gap == 0:
                    number, total = number + 1, total + 1
                    fields, reason = next(wrong)
                    file.write(_encoded(delimiter.join(fields), _plain(encoding)))
                    expected[path.name, number] = reason
        files.append(path)
    return Sample(tuple(files), total, expected, customers - paying)


def _plain(encoding: Encoding) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _encoded(line: str, encoding: str) -> bytes:
    return line.encode(encoding).replace(_BAD_BYTES.encode(), b"\xff\x80\xff") + b"\r\n"


def account(i: int) -> str:
    """The number of the i-th customer."""
    return f"{1_000_000 + i}"


def _customer(i: int) -> tuple[str, ...]:
    trade = ("居民", "居民", "居民", "商业", "大工业", "农业")[i % 6]
    return (
        *(account(i), f"张{'伟芳娜秀英敏静丽强磊'[i % 10]}{i}", f"人民路{i}号", f"139{i:08}", trade),
        *("是" if i % 97 == 0 else "否", f"M{i:07}", f"RC-{i % 9:02}", f"r-{i % 60:03}", f"t-{i % 9:03}"),
        *(f"FU-{i % 5}", f"BS-{i % 7}", f"区{i % 4}", ("短信", "邮件", "应用", "")[i % 4]),
    )


def _amount(i: int) -> str:
    return f'"¥{1000 + i % 900:,}.50"'


def _bill(i: int, due: date) -> tuple[str, ...]:
    return f"B{i:08}", account(i), f"{due:%Y%m}", f"{due:%Y/%m/%d}", _amount(i)


def _payment(i: int, today: date) -> tuple[str, ...]:
    return f"P{i:08}", account(i), f"B{i:08}", _amount(i), f"{today:%Y%m%d} 00:{i % 60:02}", "网上", ""


Wrong = Iterator[tuple[tuple[str, ...], str]]


def _bad_customers() -> Wrong:
    for n in count():
        good = ("9" + account(n), *_customer(n)[1:])
        yield from (
            ((good[0], _BAD_BYTES, *good[2:]), "bytes"),
            ((*good[:4], "太空站", *good[5:]), "customer_class"),
            ((*good[:6], "", *good[7:]), "meter_id"),
            ((*good[:5], "也许", *good[6:]), "important"),
            ((*good[:13], "传真"), "短信 (sms), 邮件 (email) or 应用 (app)"),
            ((good[0], '"' + good[1], *good[2:]), "quotation mark"),
            ((*good, "多", "余"), "fields"),
            (good[:9], "missing"),
            (("1.00001E+11", *good[1:]), "spreadsheet"),
            ((good[0], "bell \x07", *good[2:]), "control characters"),
        )


def _bad_bills(due: date) -> Wrong:
    for n in count():
        good = (f"X{n:08}", *_bill(n, due)[1:])
        yield from (
            ((good[0], "unheard-of", *good[2:]), "unknown"),
            ((*good[:4], "-12.00"), "negative"),
            ((*good[:3], "2026-02-30", good[4]), "due_date"),
            ((*good[:3], "soon", good[4]), "due_date"),
            ((*good[:2], "2026-13", *good[3:]), "period"),
            ((*good[:4], "12.345"), "cent"),
            ((*good[:4], "NaN"), "amount"),
            ((*good[:4], "9999999999999"), "12 digits"),
            ((good[0], _BAD_BYTES, *good[2:]), "bytes"),
            ((*_bill(0, due)[:4], "1.00"), "never changes"),
        )


def _bad_payments(today: date) -> Wrong:
    for n in count():
        good = (f"X{n:08}", *_payment(0, today)[1:])
        yield from (
            ((good[0], "unheard-of", *good[2:]), "unknown"),
            ((*_payment(0, today)[:3], "1.00", *good[4:]), "never changes"),
            ((*good[:3], "0", *good[4:]), "above zero"),
            ((*good[:3], "-5.00", *good[4:]), "above zero"),
            ((*good[:3], "-5.00", *good[4:6], "never-paid"), "never-paid"),
            ((*good[:3], "5.00", *good[4:6], "P00000000"), "not negative"),
            ((*good[:3], "-5.00", *good[4:6], "P00000000"), "takes back all"),
            ((*good[:2], "no-such-bill", *good[3:]), "no-such-bill"),
            ((*good[:4], "25:00", *good[5:]), "paid_at"),
        )
