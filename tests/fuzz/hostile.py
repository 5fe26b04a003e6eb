"""What no field may be: every field of a model, found in its JSON schema, with values that its kind cannot take."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from domain.law.calendar import Season
from domain.law.policy import Policy
from domain.vocabulary import Contract

Kind = Literal["text", "choice", "money", "moment", "day", "flag", "whole", "list", "object"]
Path = tuple[str | int, ...]

LONG_RUN = bool(os.environ.get("FUZZ"))
"""`make fuzz`: everything that there is; else a share of it that is always the same."""

EARLIER, LATER = "2026-10-25", "2026-11-25"
HUGE_NUMBER, DIGITS = 10**30, "9" * 400
LONG = "x" * 5_000
MEGABYTE = "x" * 1_000_000
MISSING = object()
NOT_A_NUMBER, INFINITE = float("nan"), float("-inf")


@dataclass(frozen=True)
class Slot:
    """One field, however deep: where it stands, what kind it is, whether null is the same as leaving it out."""

    path: Path
    kind: Kind
    required: bool
    nullable: bool

    @property
    def name(self) -> str:
        """As a refusal names it."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True)
class Spoiled:
    """A payload with one thing wrong in it."""

    slot: Slot
    wrong: Any
    payload: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.slot.name} = {'(missing)' if self.wrong is MISSING else repr(self.wrong)[:60]}"

    @property
    def body(self) -> bytes:
        """As JSON; NaN and Infinity as the tokens that Python writes."""
        return json.dumps(self.payload, allow_nan=True).encode()


WINTER = Season(name_zh="冬季保暖", name_en="winter", first="11-15", last="03-15")
# Every key of a policy, also those of which the default has none.
GOOD_POLICY = Policy(name="east", version="2026-11", protected_seasons=(WINTER,)).model_dump(mode="json")
_NOT_EVEN_TEXT: tuple[Any, ...] = (7, -1.5, True, HUGE_NUMBER, NOT_A_NUMBER, INFINITE, [], ["a"], {}, {"a": 1})
_NO_TEXT: tuple[Any, ...] = (*_NOT_EVEN_TEXT, "", " \t\n", "\0", "a\0b", "\x1b[2J", "\x7f", "\u202ea", LONG)
WRONG: dict[Kind, tuple[Any, ...]] = {
    "text": (*_NO_TEXT, MEGABYTE),
    "choice": (*_NO_TEXT, "nobody", "SIGNED", MEGABYTE),
    "money": (
        *_NO_TEXT,
        *("NaN", "Infinity", "-5.00", "1e3", "0x10", "1.001", "1,000.00", "٣", "10.00 ", DIGITS, f"0.{DIGITS}"),
    ),
    "moment": (
        *_NO_TEXT,
        *(
            "now",
            EARLIER,
            "2026-10-25T09:00:00",
            "2026-02-30T09:00:00Z",
            "2026-10-25T25:00:00Z",
            "1999-12-31T09:00:00Z",
        ),
        *("9999-12-31T23:59:59Z", "2026-10-25T09:00:00+99:99", "2026-10-25T09:00:00Z\0", "20261025T090000Z", DIGITS),
    ),
    "day": (
        *_NO_TEXT,
        *("today", "2026-02-30", "2026-13-01", "20261025", "1999-12-31", "9999-12-31", "2026-10-25T00:00:00Z", DIGITS),
    ),
    "flag": (0, 1, "true", "yes", "", HUGE_NUMBER, NOT_A_NUMBER, [], {}),
    "whole": ("7", 7.5, True, -1, HUGE_NUMBER, NOT_A_NUMBER, INFINITE, [], {}, "", DIGITS),
    "list": (7, -1.5, True, HUGE_NUMBER, NOT_A_NUMBER, {}, {"0": "a"}, ["x"] * 1_000, [[]], [{}], [NOT_A_NUMBER]),
    "object": (7, -1.5, True, HUGE_NUMBER, NOT_A_NUMBER, "", "{}", LONG, [], [{}]),
}

# What a message forgives on purpose: a refusal's record may be blank (then evidence is missing, not the form wrong),
# one person may stand for a list, and a meter reading may come as a number.
_FORGIVEN: dict[str, Callable[[Any], bool]] = {
    "meter_reading": lambda wrong: isinstance(wrong, int) and not isinstance(wrong, bool),
    "place": lambda wrong: isinstance(wrong, str) and not wrong.strip(),
    "words": lambda wrong: isinstance(wrong, str) and not wrong.strip(),
    "evidence": lambda wrong: isinstance(wrong, str) and not wrong.strip(),
    "persons": lambda wrong: wrong is None or (isinstance(wrong, str) and not wrong.strip()),
    "refusal": lambda wrong: wrong == {},
}
_SAMPLE: dict[Kind, Any] = {
    "text": "x-1",
    "money": "10.00",
    "moment": f"{EARLIER}T09:00:00+08:00",
    "day": LATER,
    "flag": True,
    "whole": 7,
}


def slots(model: type[Contract], whole: tuple[str, ...] = ()) -> list[Slot]:
    """Every field of the model, from the outside in; of a list, its first item; nothing of what lies in `whole`."""
    schema = model.model_json_schema()
    known = schema.get("$defs", {})
    return list(_slots(schema, known, (), whole))


def sample(model: type[Contract]) -> dict[str, Any]:
    """A well-formed payload with every field filled in."""
    schema = model.model_json_schema()
    filled: dict[str, Any] = _sample(schema, schema.get("$defs", {}))
    return filled


def spoiled(model: type[Contract], good: dict[str, Any], whole: tuple[str, ...] = ()) -> Iterator[Spoiled]:
    """The good payload with each field missing, null, and each value that its kind cannot take."""
    for slot in slots(model, whole):
        inside_a_list = isinstance(slot.path[-1], int)
        wrong = [*WRONG[slot.kind]]
        if slot.required and not inside_a_list:
            wrong.append(MISSING)
        if not slot.nullable:
            wrong.append(None)
        forgiven = _FORGIVEN.get(str(slot.path[-2 if inside_a_list else -1]), lambda _: False)
        for value in wrong:
            if not forgiven(value):
                yield Spoiled(slot, value, _with(good, slot.path, value))


def _with(payload: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    if value is MISSING:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed


# ---- reading a JSON schema --------------------------------------------------------------------


def _slots(schema: dict[str, Any], known: dict[str, Any], path: Path, whole: tuple[str, ...] = ()) -> Iterator[Slot]:
    for name, field in schema.get("properties", {}).items():
        plain, nullable = _without_null(field, known)
        required = name in schema.get("required", ())
        if name in whole:
            yield Slot((*path, name), "object", required, nullable)
        else:
            yield from _slot(plain, known, (*path, name), required=required, nullable=nullable)


def _slot(
    plain: dict[str, Any], known: dict[str, Any], path: Path, *, required: bool, nullable: bool
) -> Iterator[Slot]:
    kind = _kind(plain)
    yield Slot(path, kind, required, nullable)
    if kind == "object":
        yield from _slots(plain, known, path)
    if kind == "list":
        item, item_nullable = _without_null(plain["items"], known)
        yield from _slot(item, known, (*path, 0), required=True, nullable=item_nullable)


def _without_null(field: dict[str, Any], known: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    if "$ref" in field:
        return known[field["$ref"].rpartition("/")[2]], False
    choices = [c for c in field.get("anyOf", ()) if c.get("type") != "null"]
    if len(choices) == 1:
        return _without_null(choices[0], known)[0], len(field["anyOf"]) > 1
    return field, False


def _kind(field: dict[str, Any]) -> Kind:
    if "anyOf" in field:
        return "money"  # a decimal: a number or a string in the schema, only a string in the contract
    if "enum" in field or "const" in field:
        return "choice"
    if field["type"] == "string":
        return {"date-time": "moment", "date": "day"}.get(field.get("format", ""), "text")  # type: ignore[return-value]
    kinds: dict[str, Kind] = {"boolean": "flag", "integer": "whole", "array": "list", "object": "object"}
    return kinds[field["type"]]


def _sample(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    plain, _ = _without_null(schema, known)
    kind = _kind(plain)
    if plain.get("title") == Policy.__name__:
        return copy.deepcopy(GOOD_POLICY)  # whose numbers must fit together
    if kind == "object":
        return {name: _sample(field, known) for name, field in plain["properties"].items()}
    if kind == "list":
        return [_sample(plain["items"], known)]
    if kind == "choice":
        return plain.get("const", plain.get("enum", [None])[0])
    return _SAMPLE[kind]
