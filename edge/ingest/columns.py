"""Columns of a billing export, and how the text in each becomes a value; every refusal says what to do."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from domain.customer import Account, Customer, CustomerCard, PreferredChannel
from domain.money.book import BookedBill, BookedPayment

Kind = Literal["customers", "bills", "payments"]
Row = Customer | BookedBill | BookedPayment
Parse = Callable[[str, ZoneInfo], Any]

_LONGEST_ID = 64  # so that an id made from it still fits into a message
_LONGEST_TEXT = 1000
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_FLOAT = re.compile(
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+[.,]\d*|[.,]\d+|\d+(?=E))(?:E[+-]?\d+)?|INF|INFINITY|NAN)%?",
    re.ASCII | re.IGNORECASE,
)
_FLOATING_PHONE = re.compile(r"[+-]?\d(?:[.,]\d*)?E[+-]?\d+|\d{7,}\.0*", re.ASCII | re.IGNORECASE)
_SPREADSHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NUM!|NAME\?|DIV/0!|NULL!|SPILL!|CALC!|#+)", re.IGNORECASE)
_AS_FORMULA = re.compile(r'=\s*"((?:[^"]|"")*)"', re.DOTALL)
_APOSTROPHES = "'\uff07\u2018\u2019"
_NOT_AS_MEANT = frozenset(f"={_APOSTROPHES}")
_SURELY_AN_ID = re.compile(r"(?=.{1,64}\Z)(?:\d+|[A-Za-z][A-Za-z_-]*\d[\w-]*)", re.ASCII)
_BLANK = re.compile("[^\\S\x1c-\x1f\x85]|[\u115f\u1160\u2800\u3164\uffa0]")
_PLAIN_FORMS = str.maketrans(
    {wide: wide - 0xFEE0 for wide in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
)
"""Full-width digits and letters; other signs may be meant as they are, such as brackets in the name of a region."""
_MONEY = re.compile(r"([+-]?)(?:¥|CNY|RMB)?([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:元|CNY|RMB)?", re.ASCII)
_PLAIN_MONEY = re.compile(r"\d{1,12}\.\d\d", re.ASCII)
_DAY = r"(?:(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2})))"
_TIME = r"(?:[T ]*(\d{1,2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,9}))?)?)"
_MOMENT = re.compile(_DAY + _TIME + r"? ?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_PERIOD = re.compile(r"(\d{4})(?:[-/.]?(\d{2})|[-/.](\d)|年(\d{1,2})月)", re.ASCII)

_CLASSES: Mapping[str, tuple[str, ...]] = {
    "residential": (
        *("居民", "居民生活", "城镇居民", "农村居民", "城乡居民", "住宅"),
        *("residential", "household", "domestic"),
    ),
    "non_residential": (
        *("非居民", "非居", "商业", "工商业", "一般工商业", "工业", "大工业", "普通工业", "非工业", "非普工业", "农业"),
        *("农业生产", "农业排灌", "机关", "事业单位", "机关事业", "企业", "学校", "医院", "办公", "公共", "趸售"),
        *("nonresidential", "commercial", "commerce", "business", "industrial", "industry", "agricultural"),
        *("agriculture", "government", "institution", "office", "school", "hospital", "public"),
    ),
}
_CLASS_OF = {name: known for known, names in _CLASSES.items() for name in names}
_CHANNELS: Mapping[PreferredChannel, tuple[str, ...]] = {
    "sms": ("短信", "手机短信", "sms"),
    "email": ("邮件", "电子邮件", "邮箱", "电子邮箱", "email"),
    "app": ("应用", "手机应用", "手机app", "app"),
}
_CHANNEL_OF = {name: channel for channel, names in _CHANNELS.items() for name in names}
_YES, _NO = frozenset(("是", "yes", "y", "true", "1")), frozenset(("否", "no", "n", "false", "0"))


class BadLine(ValueError):
    """A line that cannot be true; the text says why, and what to do."""


def _text(cell: str, _zone: ZoneInfo) -> str:
    if _UNREADABLE.search(cell):
        raise ValueError("contains control characters: remove them")
    if len(cell) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    return cell


def _printable(cell: str, zone: ZoneInfo) -> str:
    if not cell.isprintable():
        raise ValueError("contains control characters: remove them")
    return _text(cell, zone)


def _said(cell: str, zone: ZoneInfo) -> str:
    _refuse_errors(cell)
    return _text(cell, zone)


def _phone(cell: str, zone: ZoneInfo) -> str:
    if _FLOATING_PHONE.fullmatch(unicodedata.normalize("NFKC", cell)):
        raise ValueError(_A_NUMBER)
    return _said(cell, zone)


def _ident(cell: str, _zone: ZoneInfo) -> str:
    return cell if _SURELY_AN_ID.fullmatch(cell) else _looked_at(cell)


@lru_cache(maxsize=4096)
def _looked_at(cell: str) -> str:
    plain = cell.translate(_PLAIN_FORMS)
    if _BLANK.search(plain):
        raise ValueError("has a blank within: an id has none, so remove it")
    if not plain.isprintable():
        raise ValueError("contains control characters: remove them")
    if len(plain) > _LONGEST_ID:
        raise ValueError(f"is longer than {_LONGEST_ID} characters")
    if plain[0] in "=\uff1d":
        raise ValueError("is a formula of a spreadsheet: export the column as text")
    if _FLOAT.fullmatch(unicodedata.normalize("NFKC", plain).replace("\u2212", "-")):
        raise ValueError(_A_NUMBER)
    _refuse_errors(plain)
    return plain


_A_NUMBER = "was turned into a number by a spreadsheet, perhaps rounded: export the column as text"


def _refuse_errors(cell: str) -> None:
    if cell[0] in "#\uff03" and _SPREADSHEET_ERROR.fullmatch(unicodedata.normalize("NFKC", cell)):
        raise ValueError("is an error of a spreadsheet: see to its formula, and export the column as text")


def as_meant(cell: str, free_text: bool = False) -> str:
    """The text that a spreadsheet was made to keep: `="0091001"`, or `'0091001`; free text keeps its apostrophe."""
    cell = cell.strip()
    while cell and cell[0] in _NOT_AS_MEANT:  # one within the other, where an export was opened and saved twice
        if cell[0] == "=" and (formula := _AS_FORMULA.fullmatch(cell)):
            cell = formula[1].replace('""', '"').strip()
        elif cell[0] != "=" and not free_text:
            cell = cell[1:].strip()
        else:
            break
    return cell


def amount_of(cell: str) -> Decimal:
    """Money as exports write it: `1234.5`, `¥1,234.50`, `１２８.５０元`. ValueError says what is wrong."""
    if _PLAIN_MONEY.fullmatch(cell):  # nearly all is
        return Decimal(cell)
    plain = cell if cell.isascii() else unicodedata.normalize("NFKC", cell).replace("−", "-")
    match = _MONEY.fullmatch(plain.replace(" ", "").upper())
    if match is None or (match[1] and match[2]):
        raise ValueError("is no amount: write it as 1234.50")
    whole, cents = match[3].replace(",", ""), (match[4] or ".").rstrip("0")
    if len(whole.lstrip("0")) > 12:
        raise ValueError("is larger than any bill: at most 12 digits")
    if len(cents) > 3:
        raise ValueError("has parts of a cent: write it with two decimals")
    value = Decimal(f"{whole}{cents:0<3}")
    return -value if "-" in (match[1], match[2]) and value else value


def _amount(cell: str, _zone: ZoneInfo) -> Decimal:
    return amount_of(cell)


def _billed(cell: str, _zone: ZoneInfo) -> Decimal:
    value = amount_of(cell)
    if value < 0:
        raise ValueError("is negative: a bill asks for money; book a refund as a payment")
    return value


@lru_cache(maxsize=4096)
def moment_of(cell: str, zone: ZoneInfo) -> datetime:
    """A day, or a day with a time, in `zone` unless it carries an offset. ValueError says what is wrong."""
    plain = cell if cell.isascii() else unicodedata.normalize("NFKC", cell)
    match = _MOMENT.fullmatch(plain)
    if match is None:
        raise ValueError("is no date: write it as 2026-10-25, or 2026-10-25 09:30:00")
    year, _, month, day, month_zh, day_zh, month_run, day_run, hour, minute, second, fraction, offset = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or month_zh or month_run),
            int(day or day_zh or day_run),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=_offset(offset) if offset else zone,
        )
    except ValueError as problem:
        raise ValueError(f"is no date: {problem}") from None
    if not 2000 <= moment.year <= 2199:
        raise ValueError("is no date of ours: the year must lie between 2000 and 2199")
    return moment


def _offset(text: str) -> timezone:
    if text == "Z":
        return timezone(timedelta(0))
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-size if text[0] == "-" else size)


def _day(cell: str, zone: ZoneInfo) -> date:
    return moment_of(cell, zone).astimezone(zone).date()


@lru_cache(maxsize=256)
def _period(cell: str, zone: ZoneInfo) -> str:
    plain = unicodedata.normalize("NFKC", cell)
    match = _PERIOD.fullmatch(plain)
    if match is None and _MOMENT.fullmatch(plain):  # a spreadsheet makes a day of a month: 2026-09-01
        return f"{moment_of(plain, zone).astimezone(zone):%Y-%m}"
    month = int(match[2] or match[3] or match[4]) if match else 0
    if match is None or not 1 <= month <= 12:
        raise ValueError("is no month: write it as 2026-09")
    return f"{match[1]}-{month:02}"


def _plain(heading: str) -> str:
    return re.sub("[\\s_\u200b-\u200f\u2060\ufeff-]", "", unicodedata.normalize("NFKC", heading).lower())


@lru_cache(maxsize=256)
def _customer_class(cell: str, _zone: ZoneInfo) -> str:
    name = _plain(cell)
    known = _CLASS_OF.get(name) or _CLASS_OF.get(re.sub("(用电|电价|用户|客户)$", "", name))
    if known is None:
        raise ValueError("is no class of customer: write 居民 (residential) or 非居民 (non_residential), or the trade")
    return known


def _yes(cell: str, _zone: ZoneInfo) -> bool:
    answer = cell.lower()
    if answer not in _YES | _NO:
        raise ValueError("is neither yes nor no: write 是 or 否")
    return answer in _YES


@lru_cache(maxsize=256)
def _channel(cell: str, _zone: ZoneInfo) -> PreferredChannel:
    known = _CHANNEL_OF.get(_plain(cell))
    if known is None:
        raise ValueError(
            "is no channel that can be preferred: write 短信 (sms), 邮件 (email) or 应用 (app), or leave it empty"
        )
    return known


class Column(NamedTuple):
    """A column: its name, what exports call it, how its text is read, and whether it may be missing or empty."""

    name: str
    titles: tuple[str, ...]
    parse: Parse
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.titles[0]}"


_ACCOUNT = Column("account_id", ("户号", "用电户号", "客户编号", "用户编号"), _ident)
COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    # In this order a file is tried: payments name bills, and bills name customers, never the other way round.
    "payments": (
        Column("payment_id", ("流水号", "交费流水号", "缴费流水号"), _ident),
        _ACCOUNT,
        Column("bill_id", ("账单号", "帐单号"), _ident, optional=True),
        Column("amount", ("金额", "交费金额", "缴费金额"), _amount),
        Column("paid_at", ("交费时间", "缴费时间"), moment_of),
        Column("channel", ("交费渠道", "缴费渠道"), _printable, optional=True),
        Column("reverses", ("原流水号",), _ident, optional=True),
    ),
    "bills": (
        Column("bill_id", ("账单号", "帐单号"), _ident),
        _ACCOUNT,
        Column("period", ("费用年月", "电费年月"), _period),
        Column("due_date", ("交费期限", "缴费期限"), _day),
        Column("amount", ("应收电费", "应收金额"), _billed),
    ),
    "customers": (
        _ACCOUNT,
        Column("name", ("户名", "客户名称", "用户名称"), _said),
        Column("address", ("用电地址", "地址"), _said),
        Column("phone", ("联系电话", "电话", "手机号"), _phone, optional=True),
        Column("email", ("邮箱", "电子邮箱"), _text, optional=True),
        Column("preferred_channel", ("告知渠道", "首选告知渠道"), _channel, optional=True),
        Column("customer_class", ("用电类别",), _customer_class),
        Column("important", ("重要用户",), _yes, optional=True),
        Column("meter_id", ("表号", "电表号"), _ident),
        Column("reading_centre", ("抄表中心", "reading center"), _ident),
        Column("reader", ("抄表员",), _ident),
        Column("team_leader", ("抄表班长",), _ident),
        Column("field_unit", ("供电单位",), _ident),
        Column("business_station", ("营业站",), _ident),
        Column("region", ("区域",), _ident),
    ),
}


def title_key(title: str) -> str:
    """A column title without what exports vary in: case, blanks, underscores, a unit in brackets."""
    plain = unicodedata.normalize("NFKC", as_meant(title.strip("\ufeff \t\r\n")))
    return _plain(re.sub(r"\([^()]*\)$", "", plain.strip()))


def row_of(kind: Kind, cells: Mapping[str, str], zone: ZoneInfo) -> Row:
    """The line as a row of the billing book. BadLine names every column that is wrong."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for column in COLUMNS[kind]:
        cell = cells.get(column.name, "").strip()
        if cell and cell[0] in _NOT_AS_MEANT:
            cell = as_meant(cell, free_text=column.name in ("name", "address"))
        if not cell:
            if not column.optional:
                problems.append(f"{column} is empty")
            continue
        try:
            values[column.name] = column.parse(cell, zone)
        except ValueError as problem:
            problems.append(f'{column} "{_shortened(cell)}" {problem}')
    if problems:
        raise BadLine("; ".join(problems))
    match kind:
        case "customers":
            return Customer(account=Account.model_validate(values), card=CustomerCard.model_validate(values))
        case "bills":
            return BookedBill(**values)
        case "payments":
            return _signed(BookedPayment(**values))


def _signed(payment: BookedPayment) -> BookedPayment:
    if payment.reverses and payment.amount >= 0:
        raise BadLine(f"reverses 原流水号 {payment.reverses}, but its amount {payment.amount} is not negative")
    if payment.reverses == payment.payment_id:
        raise BadLine("reverses itself: reverses 原流水号 names the payment that is taken back")
    if not payment.reverses and payment.amount <= 0:
        raise BadLine(
            f"amount 金额 {payment.amount} is not above zero: a payment taken back names it in reverses 原流水号"
        )
    return payment


def _shortened(cell: str) -> str:
    return cell if len(cell) <= 40 else cell[:40] + "…"
