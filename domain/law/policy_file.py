"""Reading a policy from its file: a pack by name or a file by path; an error names key, line and reason."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from domain.law.policy import DEFAULT_PACK, Policy

PACKS = Path(__file__).resolve().parents[2] / "policies"
_ERRORS_SAID = 20
_HEADER = re.compile(r"(\[\[?)\s*([\w.-]+)\s*\]\]?")
_KEY = re.compile(r"([\w.-]+)\s*=")
_AT_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class PolicyProblem:
    """One thing that is wrong: under which key (empty: the file as a whole), in which file and on which line."""

    key: str
    text: str
    file: str | None = None
    line: int | None = None


class PolicyError(ValueError):
    """A policy cannot be used; the text names the file, the key and what is wrong with it."""

    def __init__(self, text: str, problems: Iterable[PolicyProblem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems) or (PolicyProblem("", text),)

    @classmethod
    def of(cls, path: Path, found: Iterable[tuple[str, str]]) -> Self:
        """The error of a file: each sentence with its key and, where it can be found, its line."""
        where = _lines(_text(path))
        problems = tuple(PolicyProblem(key, text, str(path), _line(key, where)) for key, text in found)
        said = "\n".join(f"{path}: {p.key}: {p.text}" if p.key else f"{path}: {p.text}" for p in problems)
        return cls(said, problems)


def load_policy(name_or_path: str = DEFAULT_PACK) -> Policy:
    """Read a pack by name (`policies/<name>.toml`) or a policy file by path.

    Keys left out take the defaults of `Policy`, but `name` and `version` must be written: they are what the evidence
    of a case refers to. Raises PolicyError: no such file, not TOML, an unknown key, a value that cannot be true.
    """
    path = policy_file(name_or_path)
    data = read_toml(path)
    if "choose" in data:
        raise PolicyError.of(path, [("choose", "this file chooses among policies; name one of them here")])
    if missing := [key for key in ("name", "version") if key not in data]:
        raise PolicyError.of(path, [(missing[0], "is missing; the evidence of a case names its policy by it")])
    try:
        return Policy.model_validate(data, extra="forbid")
    except ValidationError as problem:
        raise PolicyError.of(path, said(problem)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. PolicyError: it cannot be read, is not UTF-8, or not TOML."""
    try:
        # Fractions stay text: a binary float is no money.
        return tomllib.loads(_text(path), parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        line = _AT_LINE.search(str(problem))
        text = f"is not TOML: {problem}"
        where = PolicyProblem("", text, str(path), int(line[1]) if line else None)
        raise PolicyError(f"{path}: {text}", [where]) from None


def policy_file(name_or_path: str) -> Path:
    """A bare name is a pack, anything with a separator or an ending is a file."""
    if re.fullmatch(r"[\w-]+", name_or_path):
        pack = PACKS / f"{name_or_path}.toml"
        if _is_file(pack):
            return pack
        known = ", ".join(sorted(p.stem for p in PACKS.glob("*.toml"))) or "none"
        if not _is_file(Path(name_or_path)):
            text = f"no policy pack of that name; known packs: {known}; or give the path of a file"
            raise PolicyError(f"{_shortened(str(pack))}: {text}")
    path = Path(name_or_path)
    if not name_or_path.strip() or "\0" in name_or_path or not _is_file(path):
        text = _shortened(repr(name_or_path))
        raise PolicyError(f"{text}: no such policy file; give a pack's name or the path of a TOML file")
    return path


def said(problem: ValidationError) -> Iterator[tuple[str, str]]:
    """Each wrong key with its sentence, the first twenty of them."""
    errors = problem.errors(include_url=False)
    for error in errors[:_ERRORS_SAID]:
        key, text = ".".join(str(part) for part in error["loc"]), _shortened(error["msg"].removeprefix("Value error, "))
        if error["type"] == "extra_forbidden":
            yield key, "is no key of a policy; remove it or correct its spelling"
        elif key:
            yield key, f"{text} (given: {_shortened(repr(error['input']))})"
        else:  # of how the keys fit together: the sentence begins with the key
            key, _, text = text.partition(": ")
            yield key, text
    if len(errors) > _ERRORS_SAID:
        yield "", f"and {len(errors) - _ERRORS_SAID} more"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise PolicyError(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: is not UTF-8; save it as UTF-8") from None


def _lines(text: str) -> dict[str, int]:
    """On which line each key and table of a file stands, by its dotted name."""
    found: dict[str, int] = {}
    table, count = "", dict[str, int]()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if header := _HEADER.match(line):
            table = header[2]
            if header[1] == "[[":
                count[table] = count.get(table, -1) + 1
                table = f"{table}.{count[table]}"
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{table}.{key[1]}".removeprefix("."), number)
    return found


def _line(key: str, where: dict[str, int]) -> int | None:
    """The line of a key, or of the nearest key around it."""
    while key:
        if key in where:
            return where[key]
        key = key.rpartition(".")[0]
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
