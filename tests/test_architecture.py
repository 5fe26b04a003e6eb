"""The direction of imports, read from the syntax tree: the law knows nothing of what surrounds it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("activities", "adapters", "console", "domain", "edge", "workflows")
PROJECT = (*PACKAGES, "starter", "worker")

MAY_IMPORT = {
    "domain": {"domain"},
    "activities": {"activities", "domain"},
    "workflows": {"activities", "domain", "workflows"},
    "adapters": {"activities", "adapters", "domain"},
    "worker": {"activities", "adapters", "domain", "edge", "workflows"},
    "edge": {"activities", "domain", "edge", "worker", "workflows"},
    "console": {"activities", "console", "domain", "edge", "worker", "workflows"},
    "starter": {"edge"},
}
# What the composition root takes from the edge: how Temporal is reached, and how a program ends.
WORKER_MAY_TAKE = {"client.cases", "client.connection", "edge.terminal", "client.search_attributes"}
DOMAIN_MAY_USE = {"pydantic", "pydantic_core", "annotated_types"}
SAME_AT_EVERY_REPLAY = DOMAIN_MAY_USE | {
    *("domain", "workflows", "activities", "temporalio"),
    *(
        "asyncio",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "functools",
        "hashlib",
        "itertools",
    ),
    *("itertools", "json", "re", "typing", "unicodedata", "zoneinfo"),
}
WORKFLOWS_MAY_TAKE = {"pathlib", "tomllib"}  # a policy pack is read where a worker starts, never in a case
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


def _sources(*tops: str) -> list[Path]:
    return [
        p
        for top in tops
        for p in (sorted((ROOT / top).rglob("*.py")) if (ROOT / top).is_dir() else [ROOT / f"{top}.py"])
    ]


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written from the root"
            yield node.module or "", node.lineno


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_towards_the_domain(part: str) -> None:
    wrong = [
        f"{_where(path, line)} imports {name}"
        for path in _sources(part)
        for name, line in _imports(path)
        if (top := name.partition(".")[0]) in PROJECT and top not in MAY_IMPORT[part]
    ]
    assert not wrong


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
        if name.partition(".")[0] not in SAME_AT_EVERY_REPLAY and name not in WORKFLOWS_MAY_TAKE
    ]


def test_the_composition_root_takes_only_the_connection_from_the_edge() -> None:
    taken = {name for name, _ in _imports(ROOT / "worker.py") if name.startswith("edge")}
    assert taken <= WORKER_MAY_TAKE


def test_what_the_worker_takes_from_the_edge_does_not_lead_back_to_it() -> None:
    for module in WORKER_MAY_TAKE:
        path = ROOT / f"{module.replace('.', '/')}.py"
        assert not [name for name, _ in _imports(path) if name.partition(".")[0] in ("worker", "starter", "adapters")]


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


def test_the_arrows_hold_for_every_package_of_the_project() -> None:
    tops = {p.name for p in ROOT.iterdir() if p.is_dir() and (p / "__init__.py").exists() and p.name != "tests"}
    assert tops <= set(PACKAGES)
