"""The wording of papers: notices, work tickets, the last call before a cut; Chinese first, then English."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from domain.papers.sheets import Letterhead, one_line

_LONGEST_LINE = 200
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TITLES = {
    "yellow": ("黄色催费单（暂停供电通知书）", "Yellow notice of arrears (notice of suspension of supply)"),
    "red": ("红色欠费中止供电通知书", "Red notice of disconnection for arrears"),
    "cut": ("催费停电工作票", "Disconnection ticket"),
    "restore": ("复电工作票", "Restoration ticket"),
}


# ---- money and times as papers say them -------------------------------------------------------


def yuan(amount: Decimal) -> str:
    """Money in Chinese, such as 1,234.50元."""
    return f"{amount:,.2f}元"


def cny(amount: Decimal) -> str:
    """Money in English, such as CNY 1,234.50."""
    return f"CNY {amount:,.2f}"


def moment_zh(local: datetime) -> str:
    """A local time in Chinese, with its weekday."""
    return f"{day_zh(local)}（星期{'一二三四五六日'[local.weekday()]}）{local:%H:%M}"


def moment_en(local: datetime) -> str:
    """A local time in English, with its weekday."""
    # Not %A: its language would depend on the machine.
    return f"{local:%H:%M} on {_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d}"


def before_zh(local: datetime) -> str:
    """A deadline in Chinese; the first moment of a day reads as 24:00 of the day before (R-05)."""
    last = _day_that_ends(local)
    return f"{day_zh(last)}24时前" if last else f"{moment_zh(local)}前"


def before_en(local: datetime) -> str:
    """A deadline in English; the first moment of a day reads as 24:00 of the day before (R-05)."""
    last = _day_that_ends(local)
    return f"by 24:00 on {_WEEKDAYS[last.weekday()]} {last:%Y-%m-%d}" if last else f"by {moment_en(local)}"


def _day_that_ends(local: datetime) -> date | None:
    """The day whose end this is; where summer time skips midnight a day begins at 01:00."""
    before = (local.astimezone(UTC) - timedelta(microseconds=1)).astimezone(local.tzinfo)
    return before.date() if before.date() < local.date() else None


def day_zh(day: date) -> str:
    """A date in Chinese, such as 2026年9月25日."""
    return f"{day.year}年{day.month}月{day.day}日"


def line_of(text: str) -> str:
    """A field of the customer's card."""
    return one_line(text, _LONGEST_LINE)


def in_language(texts: tuple[str, str], head: Letterhead) -> str:
    """The one of two texts, Chinese and English, that the letterhead's language asks for."""
    return texts[0] if head.language == "zh" else texts[1]


def figure(amount: Decimal) -> str:
    """Money without its currency, such as 1,234.50."""
    return f"{amount:,.2f}"


def moment_said(text: Any, zone: tzinfo | None, wording: Callable[[datetime], str]) -> str:
    """A recorded time as a paper states it, in that zone; empty where the record has none."""
    return wording(datetime.fromisoformat(text).astimezone(zone)) if isinstance(text, str) else ""
