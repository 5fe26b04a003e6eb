"""How facts are replaced, and how a value becomes a detail of evidence: nothing here knows what the facts are."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from domain.vocabulary import Contract

T = TypeVar("T", bound=Contract)


def replaced(items: tuple[T, ...], key: str, value: str, changes: dict[str, Any]) -> tuple[T, ...]:
    """The items, with these fields of the one whose key has that value replaced."""
    return tuple(i.model_copy(update=changes) if getattr(i, key) == value else i for i in items)


def plain(value: Any) -> Any:
    """Evidence details are JSON: money and times as text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return value
