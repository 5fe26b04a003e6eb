"""Writes the tables of messages and of settings into docs/, from the code: `python -m tests.docs.tables`."""

import ast
import sys
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from composition.settings import model
from composition.settings.fields import ROOT
from composition.settings.model import Settings
from domain.case.rulings import UPDATE_RULINGS
from domain.contract.answers import PermitAnswer, RestorationAnswer
from domain.contract.tables import HOLD_ROLES, SIGNALS, UPDATES, MessageSpec
from domain.law.policy import Policy
from domain.vocabulary import Actor

DOCS = ROOT / "docs"
# Where the table of the contract leaves the roles open, the message itself says who may send it.
_WHO = {
    "acknowledge_escalation": "the role of that rung",
    "decide_approval": "a role that the policy names",
    "report_cut": "anybody; lawful from `field_crew` only",
    "report_restored": "anybody; counts from `field_crew` only",
}
_ASKED_IN_BETWEEN: dict[str, type[BaseModel]] = {
    "request_permit": PermitAnswer,
    "request_restoration": RestorationAnswer,
}
_NOT_UNFOLDED = (Actor, Policy)


def signals() -> str:
    """Each signal: what it says, its clause, its payload."""
    rows = ((f"`{name}`", spec.description, spec.clause, _payload(spec)) for name, spec in SIGNALS.items())
    return _table(("signal", "what it says", "clause", "payload"), rows)


def hold_roles() -> str:
    """Who may place and lift holds."""
    return f"Holds come from {', '.join(f'`{role}`' for role in sorted(HOLD_ROLES))}."


def updates() -> str:
    """Each update: what it asks, its clause, who may send it, its payload and its answer."""
    rows = (
        (f"`{name}`", spec.description, spec.clause, _who(name, spec), _payload(spec), _fields(_answer(name)))
        for name, spec in UPDATES.items()
    )
    return _table(("update", "what it says", "clause", "who may", "payload, besides `actor`", "answer"), rows)


def settings() -> str:
    """Each ARREARS_ variable: default, meaning, what it may be."""
    said = _said_of_settings()
    rows = (
        (f"`ARREARS_{name.upper()}`", _default(field.default), f"{said[name]}{_limits(field)}")
        for name, field in Settings.model_fields.items()
    )
    return _table(("variable", "default", "meaning"), rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "signals": ("messages.md", signals),
    "hold roles": ("messages.md", hold_roles),
    "updates": ("messages.md", updates),
    "settings": ("settings.md", settings),
}


def with_tables(text: str, page: str) -> str:
    """The page with each of its tables as the code has it now; raises ValueError if a marker is missing."""
    for name, (where, make) in TABLES.items():
        if where == page:
            begin, end = f"<!-- {name}: made by python -m tests.docs.tables -->\n", f"<!-- end of {name} -->\n"
            before, opening, rest = text.partition(begin)
            _, closing, after = rest.partition(end)
            if not (opening and closing):
                raise ValueError(f"{page} has no place for the table of {name}")
            text = f"{before}{begin}{make()}\n{end}{after}"
    return text


def _who(name: str, spec: MessageSpec) -> str:
    return ", ".join(f"`{role}`" for role in spec.roles) or _WHO[name]


def _answer(name: str) -> type[BaseModel]:
    if name in _ASKED_IN_BETWEEN:
        return _ASKED_IN_BETWEEN[name]
    answer: type[BaseModel] = get_args(get_type_hints(UPDATE_RULINGS[name])["return"])[1]
    return answer


def _payload(spec: MessageSpec) -> str:
    """The fields of a message; who acts is in every update, and is left out."""
    return _fields(spec.payload, without=("actor",) if spec in UPDATES.values() else ())


def _fields(contract: type[BaseModel], without: tuple[str, ...] = ()) -> str:
    fields = contract.model_fields.items()
    return ", ".join(
        f"{name}{'' if field.is_required() else '?'}{_form(field.annotation)}"
        for name, field in fields
        if name not in without
    )


def _form(annotation: Any) -> str:
    """What a field's name does not say: the words it may be, the fields of an object, what a list is of."""
    if get_origin(annotation) is Literal:
        return f" ({', '.join(f'`{word}`' for word in get_args(annotation))})"
    if get_origin(annotation) in (Union, types.UnionType):
        return "".join(_form(part) for part in get_args(annotation))
    if get_origin(annotation) is tuple:
        inner = _form(get_args(annotation)[0])
        return f" [{inner.strip()}]" if inner.startswith(" {") else " […]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in _NOT_UNFOLDED:
        return f" {{{_fields(annotation)}}}"
    return ""


def _said_of_settings() -> dict[str, str]:
    """What stands below each setting in the model."""
    tree = ast.parse(Path(model.__file__).read_text("utf-8"))
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == Settings.__name__)
    return {
        field.target.id: " ".join(said.value.value.split())
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
    }


def _default(value: Any) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value.relative_to(ROOT))
        case tuple():
            return " ".join(map(str, value))
    return str(value)


def _limits(field: FieldInfo) -> str:
    """The words or numbers that the setting may be."""
    if get_origin(field.annotation) is Literal:
        return f" One of {', '.join(f'`{word}`' for word in get_args(field.annotation))}."
    low, high = (
        next((m for rule in field.metadata if (m := getattr(rule, at, None)) is not None), None) for at in ("ge", "le")
    )
    return "" if low is None else f" From {low} to {high}."


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main() -> int:
    """Write each page anew; exit code 0."""
    for page in sorted({where for where, _ in TABLES.values()}):
        (DOCS / page).write_text(with_tables((DOCS / page).read_text("utf-8"), page), "utf-8")
        sys.stdout.write(f"docs/{page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
