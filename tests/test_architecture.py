"""The house, read from the syntax tree: which package imports which, what each file says of itself, how long it is."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each package may import itself and what is named here; nobody else may. There are no exceptions besides.
MAY_IMPORT = {
    "domain": set(),
    "activities": {"domain"},
    "workflows": {"activities", "domain"},
    "adapters": {"activities", "domain"},
    "client": {"domain", "workflows"},
    "composition": {"activities", "adapters", "client", "domain", "workflows"},
    "edge": {"activities", "client", "composition", "domain", "workflows"},
    "edge.doctor": {"activities", "adapters.checkup", "client", "composition", "domain", "workflows"},
    "console": {"activities", "client", "composition", "domain", "edge", "workflows"},
    "worker": {"client", "composition"},
    "starter": {"composition", "console", "edge"},
}
IN_THE_DOMAIN = {
    "domain.ids": set(),
    "domain.vocabulary": set(),
    "domain.same_words": set(),
    "domain.words": {"domain.vocabulary"},
    "domain.customer": {"domain.same_words", "domain.vocabulary"},
    "domain.metrics": {"domain.report", "domain.vocabulary", "domain.words"},
    "domain.law": {"domain.customer", "domain.vocabulary", "domain.words"},
    "domain.money": {"domain.customer", "domain.ids", "domain.law", "domain.vocabulary"},
    "domain.contract": {"domain.ids", "domain.law", "domain.vocabulary"},
    "domain.record": {
        *("domain.contract", "domain.customer", "domain.ids", "domain.law"),
        *("domain.vocabulary", "domain.words"),
    },
    "domain.papers": {
        *("domain.contract", "domain.customer", "domain.law", "domain.money", "domain.record"),
        *("domain.vocabulary", "domain.words"),
    },
    "domain.report": {
        *("domain.contract", "domain.law", "domain.money", "domain.papers", "domain.record"),
        *("domain.ids", "domain.vocabulary", "domain.words"),
    },
    "domain.proof": {
        *("domain.contract", "domain.customer", "domain.law", "domain.money", "domain.papers", "domain.record"),
        *("domain.ids", "domain.report", "domain.vocabulary", "domain.words"),
    },
    "domain.replay": {"domain.law", "domain.proof", "domain.record", "domain.vocabulary", "domain.words"},
    "domain.case": {
        *("domain.contract", "domain.customer", "domain.law", "domain.money", "domain.papers", "domain.record"),
        *("domain.ids", "domain.same_words", "domain.vocabulary", "domain.words"),
    },
}
PACKAGES = tuple(name for name in MAY_IMPORT if "." not in name and name not in ("starter", "worker"))
PROJECT = (*PACKAGES, "starter", "worker")
LONGEST_FILE = 400
MOST_FILES = {"domain": 15, "adapters": 15, "edge": 15}

DOMAIN_MAY_USE = {"pydantic", "pydantic_core", "annotated_types"}
SAME_AT_EVERY_REPLAY = DOMAIN_MAY_USE | {
    *("domain", "workflows", "activities", "temporalio"),
    *("asyncio", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib"),
    *("itertools", "json", "re", "string", "typing", "unicodedata", "zoneinfo"),
}
WORKFLOWS_MAY_TAKE = {"pathlib", "tomllib"}  # a policy pack is read where a worker starts, never in a case
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


def _sources(*tops: str) -> list[Path]:
    return [
        p
        for top in tops
        for p in (sorted((ROOT / top).rglob("*.py")) if (ROOT / top).is_dir() else [ROOT / f"{top}.py"])
    ]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that the file imports, by its full name, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written from the root"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _room(module: str, rooms: dict[str, set[str]]) -> str | None:
    """The innermost of these rooms in which the module lies."""
    return max((room for room in rooms if f"{module}.".startswith(f"{room}.")), key=len, default=None)


def _outside(imported: str, room: str, may: set[str]) -> bool:
    return not any(f"{imported}.".startswith(f"{other}.") for other in (room, *may))


def _forbidden(rooms: dict[str, set[str]], top: str) -> list[str]:
    return [
        f"{_where(path, line)} imports {name}"
        for path in _sources(*PROJECT)
        if (room := _room(_module(path), rooms)) is not None
        for name, line in _imports(path)
        if f"{name}.".startswith(f"{top}.") and _outside(name, room, rooms[room])
    ]


@pytest.mark.parametrize("imported", PROJECT)
def test_imports_point_downwards(imported: str) -> None:
    assert not _forbidden(MAY_IMPORT, imported)


def test_within_the_domain_imports_point_downwards_too() -> None:
    """So a proof, a report and a policy replay know nothing of how a case decides."""
    assert not _forbidden(IN_THE_DOMAIN, "domain")


def test_the_arrows_of_the_domain_make_no_circle() -> None:
    floors: dict[str, int] = {}
    while len(floors) < len(IN_THE_DOMAIN):
        ready = [room for room, may in IN_THE_DOMAIN.items() if room not in floors and may <= floors.keys()]
        assert ready, f"a circle among {IN_THE_DOMAIN.keys() - floors.keys()}"
        floors |= dict.fromkeys(ready, len(floors))


@pytest.mark.parametrize("room", ["domain.proof", "domain.report", "domain.replay"])
def test_what_reads_the_record_never_reaches_the_case(room: str) -> None:
    """Not even by way of another module."""
    seen, ahead = set[str](), [_module(path) for path in _sources(room.replace(".", "/"))]
    by_name = {_module(path): path for path in _sources(*PACKAGES)}
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        for imported, _ in _imports(by_name[name]):
            ahead += [module for module in (imported, imported.rpartition(".")[0]) if module in by_name]
    assert not [name for name in seen if f"{name}.".startswith("domain.case.")]


@pytest.mark.parametrize("entrance", ["worker", "starter"])
def test_nobody_imports_an_entrance(entrance: str) -> None:
    importers = [
        _where(path, line)
        for path in (*_sources(*PROJECT), *sorted((ROOT / "tests").rglob("*.py")))
        for name, line in _imports(path)
        if name.partition(".")[0] == entrance
    ]
    assert not importers


@pytest.mark.parametrize("checkup", ["adapters.checkup", "composition.settings.checkup"])
def test_only_the_doctor_imports_the_checkups(checkup: str) -> None:
    allowed = (checkup, "edge.doctor", "edge.commands.doctor")
    importers = {
        _module(path)
        for path in _sources(*PROJECT)
        for name, _ in _imports(path)
        if f"{name}.".startswith(f"{checkup}.")
    }
    assert any(room.startswith("edge.doctor") for room in importers)
    assert not [room for room in importers if not f"{room}.".startswith(tuple(f"{one}." for one in allowed))]


def test_the_domain_needs_nothing_but_the_standard_library_and_pydantic() -> None:
    allowed = sys.stdlib_module_names | DOMAIN_MAY_USE | {"domain"}
    assert not [
        f"{_where(path, line)} imports {name}"
        for path in _sources("domain")
        for name, line in _imports(path)
        if name.partition(".")[0] not in allowed
    ]


def test_workflows_import_only_what_is_the_same_at_every_replay() -> None:
    """What is passed through the sandbox is not watched by it: no clock, no dice, no database, no network."""
    assert not [
        f"{_where(path, line)} imports {name}"
        for path in _sources("domain", "workflows")
        for name, line in _imports(path)
        if name.partition(".")[0] not in SAME_AT_EVERY_REPLAY | WORKFLOWS_MAY_TAKE
    ]


def test_only_the_edges_read_a_clock() -> None:
    def readings(path: Path) -> Iterator[int]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if (name, node.func.attr) in CLOCKS:
                    yield node.lineno

    inside = _sources("activities", "adapters", "domain", "workflows")
    assert not [_where(path, line) for path in inside for line in readings(path)]


@pytest.mark.parametrize("path", _sources(*PROJECT), ids=lambda p: str(p.relative_to(ROOT)))
def test_each_file_states_its_purpose_on_its_first_line(path: Path) -> None:
    purpose = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert purpose
    assert purpose.splitlines()[0].rstrip().endswith((".", ":")) or "`" in purpose.splitlines()[0]
    assert path.read_text("utf-8").startswith('"""')


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _sources(*PROJECT)
        if "migrations" not in path.parts and (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


@pytest.mark.parametrize("folder", MOST_FILES)
def test_no_package_is_a_shelf(folder: str) -> None:
    assert len(list((ROOT / folder).glob("*.py"))) <= MOST_FILES[folder]


def test_every_package_says_what_lives_there() -> None:
    folders = {path.parent for path in _sources(*PACKAGES) if "migrations" not in path.parts}
    assert not [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()]


def test_the_arrows_hold_for_every_package_of_the_project() -> None:
    tops = {p.name for p in ROOT.iterdir() if p.is_dir() and (p / "__init__.py").exists() and p.name != "tests"}
    assert tops == set(PACKAGES)
    rooms = {_module(p) for p in _sources("domain") if len(_module(p).split(".")) == 2}
    assert rooms == set(IN_THE_DOMAIN)
