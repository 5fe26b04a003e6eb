"""The types every contract is built from: ids, texts, moments, money, roles and the actor."""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

CENT = Decimal("0.01")

Role = Literal[
    "reader",
    "team_leader",
    "centre_director",
    "company_leader",
    "station_head",
    "field_crew",
    "hotline",
    "liaison",
    "operator",
]
CustomerClass = Literal["residential", "non_residential"]
Stage = Literal[
    "yellow_notice",
    "red_notice",
    "ticketed",
    "final_half_hour",
    "disconnected",
    "restoring",
    "closed",
]
Outcome = Literal["settled", "restored", "withdrawn"]
IncidentKind = Literal["unauthorised_cut", "cut_after_settlement", "wrong_meter", "restoration_breach"]

_MONEY = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_LAST_YEAR_OF_A_MOMENT = 2299  # deadlines are computed from days, and lie after them


def _money_text(value: Any) -> Any:
    """Let through a Decimal of our own or a plain decimal string; a JSON number is not money."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _MONEY.fullmatch(value):
        return Decimal(value)
    raise ValueError('must be a decimal string such as "128.50", at most 12 digits and 2 decimals')


def _moment_text(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("must carry an offset")
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return value
    raise ValueError('must be an RFC 3339 time with an offset, such as "2026-10-25T09:00:00+08:00"')


def _day_text(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError('must be a date such as "2026-10-25"')


def _year_until(last: int) -> AfterValidator:
    def check(value: Any) -> Any:
        """The value itself. ValueError: its year lies outside, as written or in UTC."""
        years = {value.year}
        if isinstance(value, datetime) and 1 < value.year < 9999:
            years.add(value.astimezone(UTC).year)  # kept in UTC: what passes here must pass when it is read back
        if not all(_FIRST_YEAR <= year <= last for year in years):
            raise ValueError(f"year must lie between {_FIRST_YEAR} and {last}")
        return value

    return AfterValidator(check)


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be greater than zero")
    return value


def _no_control_characters(value: str) -> str:
    # Newline and tab are ordinary in remarks, blanks of every width are what keyboards and spreadsheets make;
    # anything else unprintable is a broken encoding or an attack.
    if not value.isprintable() and any(not ch.isprintable() and not _is_blank(ch) for ch in value):
        raise ValueError("must not contain control characters")
    return value


def _is_blank(ch: str) -> bool:
    return ch in "\n\t" or unicodedata.category(ch) == "Zs"


def has_unusual_blanks(message: "Contract") -> bool:
    """Whether a text or id has a blank that was refused before R-33, such as one that keeps words together."""
    return any(not ch.isprintable() and ch not in "\n\t\u3000" for ch in _texts_in(message.model_dump()))


def _texts_in(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_texts_in(v) for v in value.values())
    return value if isinstance(value, str) else ""


def money(value: Decimal) -> Decimal:
    """Round to the cent, the smallest amount anyone can be billed."""
    return value.quantize(CENT)


Money = Annotated[
    Decimal,
    BeforeValidator(_money_text),
    AfterValidator(money),
    PlainSerializer(str, return_type=str, when_used="json"),
]
PositiveMoney = Annotated[Money, AfterValidator(_positive)]
Moment = Annotated[datetime, BeforeValidator(_moment_text), _year_until(_LAST_YEAR_OF_A_MOMENT)]
Day = Annotated[date, BeforeValidator(_day_text), _year_until(_LAST_YEAR)]
Id = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=128),
    AfterValidator(_no_control_characters),
]
Text = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_no_control_characters),
]


class Contract(BaseModel):
    """A message or record that crosses a boundary: frozen, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Contract):
    """Who acts: `id` as in the billing export, `unit` the centre, station or field unit (unchecked if left out)."""

    id: Id
    name: Text | None = None
    role: Role
    unit: Id | None = None
