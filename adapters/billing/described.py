"""The kinds of values in deploy/billing-api.openapi.yaml, for its questions and its answers alike."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from domain.vocabulary import Id, Moment, Money

_MOMENT = re.compile(r"2[01]\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class NotAsDescribed(Exception):
    """A question or an answer that differs from the description; the sentence names the field, and quotes no value."""


class AsDescribed(BaseModel):
    """An object of the description: no field more, none less."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_it_stands(value: Any) -> Any:
    if isinstance(value, str) and value != value.strip():
        raise ValueError("must not begin or end with a blank")
    return value


def _a_moment(value: Any) -> Any:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError('must be a time such as "2026-10-26T12:00:00+08:00", in the years 2000 to 2199')
    return value


def _not_negative(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("-"):
        raise ValueError("must not be negative")
    return value


def _no_line_ends(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError("must not contain control characters")
    return value


DescribedId = Annotated[Id, BeforeValidator(_as_it_stands), AfterValidator(_no_line_ends)]
DescribedAmount = Annotated[Money, BeforeValidator(_not_negative)]
DescribedMoment = Annotated[Moment, BeforeValidator(_a_moment)]
DescribedWords = Annotated[str, StringConstraints(strict=True, max_length=1000)]

_Any = TypeVar("_Any", bound=AsDescribed)


def read(kind: type[_Any], said: Any) -> _Any:
    """What was said as such a model. NotAsDescribed: the first field that is wrong, and what it should be."""
    try:
        return kind.model_validate(said)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        # Pydantic names the chosen member of a union among the fields; billing has no such field.
        where = ".".join(str(part) for part in first["loc"] if part not in ("known", "unknown"))
        raise NotAsDescribed(f"{where[:200] or 'the answer'}: {first['msg'].removeprefix('Value error, ')}") from None


def twice(names: Iterable[str]) -> bool:
    """Whether one of these names stands there twice."""
    listed = list(names)
    return len(set(listed)) < len(listed)
