"""The demo's billing book, dated from today: households and businesses, their bills, and lines that cannot be true."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.money.book import BookedPayment

OVERDUE_DAYS = 40
NOT_DUE_YET = -12
"""Days since the due date of a bill that nobody need pay yet."""

_SURNAMES = "张王李赵刘陈杨黄吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾"
_CENTRES = (("RC-03", "BS-01", "FU-02", "城北"), ("RC-05", "BS-02", "FU-04", "城南"))


@dataclass(frozen=True)
class Customer:
    """A customer of the sample book, with one bill."""

    account_id: str
    name: str
    trade: str
    amount: Decimal
    important: bool = False
    overdue_days: int = OVERDUE_DAYS
    new_meter: str = ""

    @property
    def number(self) -> int:
        """Its number in the book."""
        return int(self.account_id[-4:])

    @property
    def meter_id(self) -> str:
        """Its meter: the first one, or what replaced it."""
        return self.new_meter or f"M{self.account_id}"

    @property
    def email(self) -> str:
        """Its e-mail address; two of three have none, and are notified at the door."""
        return f"{self.account_id}@customers.example" if self.number % 3 == 0 else ""

    @property
    def preferred_channel(self) -> str:
        """Its preferred channel, as the export writes it: who has an address prefers mail."""
        return "邮件" if self.email else ""

    @property
    def kind(self) -> str:
        """Its class, as a table shows it."""
        name = "居民 residential" if self.trade == "居民" else "非居民 non-residential"
        return f"{name} · 重要 important" if self.important else name

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Reading centre, business station, field unit, region."""
        return _CENTRES[self.number % 2]

    @property
    def reader(self) -> str:
        """Id of its meter reader."""
        return f"r-{17 + self.number % 4:03}"

    @property
    def team_leader(self) -> str:
        """Id of its team leader."""
        return f"t-{3 + self.number % 2:03}"

    def actor(self, role: str) -> dict[str, Any]:
        """Who acts for this customer in that role."""
        centre, station, unit, _ = self.place
        return {
            "reader": {"id": self.reader, "unit": centre},
            "team_leader": {"id": self.team_leader, "unit": centre},
            "centre_director": {"id": f"d-{centre}", "unit": centre},
            "company_leader": {"id": "c-001"},
            "station_head": {"id": f"s-{station}", "unit": station},
            "field_crew": {"id": f"f-{unit}-1", "unit": unit},
            "hotline": {"id": "h-95598-07"},
            "liaison": {"id": "l-001"},
            "operator": {"id": "o-001"},
        }[role] | {"role": role}


def customer(number: int, amount: str, trade: str = "居民", name: str | None = None, **more: Any) -> Customer:
    """The customer with that number."""
    name = name or f"{_SURNAMES[number % len(_SURNAMES)]}{'伟芳娜秀英敏静丽强磊'[number % 10]}"
    return Customer(f"610000{number:04}", name, trade, Decimal(amount), **more)


# Nobody opens a case for these: too little is owed, nothing is due yet, or all is paid.
BYSTANDERS = (
    customer(9001, "6.50"),
    customer(9002, "154.20", overdue_days=NOT_DUE_YET),
    customer(9003, "233.80"),
)
_PAID = BYSTANDERS[2]

Line = Sequence[object]


def write_book(folder: Path, customers: Iterable[Customer], today: date) -> list[Path]:
    """The export of the billing system on that day: three files, each with one bad line."""
    everyone = (*customers, *BYSTANDERS)
    book = [_customer_line(c) for c in everyone]
    book.insert(3, [*_customer_line(customer(9901, "1.00"))[:5], "太空站", *_customer_line(customer(9901, "1.00"))[6:]])
    bills = [bill_line(c.account_id, today - timedelta(days=c.overdue_days), c.amount) for c in everyone]
    bills.insert(5, ["B-0-1", "no-such-account", "2026-01", "2026-02-30", "88.00"])
    paid = [
        ["P-9003-1", _PAID.account_id, "", f"{_PAID.amount}", f"{today - timedelta(days=20)} 10:15", "网上国网", ""],
        ["P-9003-2", _PAID.account_id, "", "0.00", f"{today - timedelta(days=19)} 10:15", "网上国网", ""],
    ]
    return [
        # The customers as an old system exports them; the bills and payments as a new one does.
        _write(folder / "customers.csv", _CUSTOMERS, book, "gb18030"),
        _write(folder / "bills.csv", _BILLS, bills),
        _write(folder / "payments.csv", _PAYMENTS, paid),
    ]


_CUSTOMERS = (
    *("户号", "户名", "用电地址", "联系电话", "邮箱", "用电类别", "重要用户", "表号", "抄表中心", "抄表员"),
    *("抄表班长", "供电单位", "营业站", "区域", "告知渠道"),
)
_BILLS = ("bill_id", "account_id", "period", "due_date", "amount")
_PAYMENTS = ("payment_id", "account_id", "bill_id", "amount", "paid_at", "channel", "reverses")


def _customer_line(c: Customer) -> list[str]:
    centre, station, unit, region = c.place
    address, phone = f"{region}区人民路{c.number}号", f"1390000{c.number:04}"
    important = "是" if c.important else "否"
    return [
        *(c.account_id, c.name, address, phone, c.email, c.trade, important, c.meter_id, centre, c.reader),
        *(c.team_leader, unit, station, region, c.preferred_channel),
    ]


def bill_line(account_id: str, due: date, amount: Decimal, number: int = 1) -> list[str]:
    """A bill as the export has it: for the month before its due date."""
    month = due.replace(day=1) - timedelta(days=1)
    return [f"B-{account_id}-{number}", account_id, f"{month:%Y-%m}", f"{due}", f"¥{amount:,}"]


def _payment_line(payment: BookedPayment) -> list[str]:
    """A payment as the export has it."""
    at = payment.paid_at.isoformat(timespec="seconds")
    bill_id, reverses = payment.bill_id or "", payment.reverses or ""
    amount, channel = f"{payment.amount}", payment.channel or ""
    return [payment.payment_id, payment.account_id, bill_id, amount, at, channel, reverses]


def write_customers(path: Path, customers: Iterable[Customer]) -> Path:
    """A file of customers."""
    return _write(path, _CUSTOMERS, map(_customer_line, customers))


def write_bills(path: Path, lines: Iterable[Line]) -> Path:
    """A file of bills."""
    return _write(path, _BILLS, lines)


def write_payments(path: Path, payments: Iterable[BookedPayment]) -> Path:
    """A file of payments."""
    return _write(path, _PAYMENTS, map(_payment_line, payments))


def _write(path: Path, titles: Sequence[str], lines: Iterable[Line], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([titles, *lines])
    return path
