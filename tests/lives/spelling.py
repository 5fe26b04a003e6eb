"""Ids of meters, units and persons as people type them: wide letters, other case, blanks and dashes where none are."""

from collections.abc import Callable
from typing import Any

_WAYS: dict[str, Callable[[str], str]] = {
    "width": lambda ident: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in ident),
    "case": str.swapcase,
    "blank": lambda ident: f"{ident[:2]} {ident[2:]}",
    "dash": lambda ident: ident.replace("-", ""),
    "long dash": lambda ident: ident.replace("-", "\u2013"),
    "all": lambda ident: f" {ident.swapcase().replace('-', ' - ')}",
}
WAYS = tuple(_WAYS)
_TYPED = ("meter_id", "to")
"""What a payload holds of meters, units and persons; all other ids are compared exactly, and copied."""


def misspelled(way: str | None, by: dict[str, str], payload: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The person and the payload as they are typed, with meters, units and persons spelled in that way."""
    if way is None:
        return by, payload
    typed = _WAYS[way]
    by = by | {key: typed(by[key]) for key in ("id", "unit") if key in by}
    return by, payload | {key: typed(payload[key]) for key in _TYPED if key in payload}
