"""What README and docs/ say exists: links, paths, commands and targets; and the tables made from the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import typer

from composition.settings.fields import ROOT
from console.command import add_serve_command
from domain.contract.refusals import RefusalType
from domain.contract.tables import UPDATES
from edge.commands.application import application
from tests.docs.tables import TABLES, with_tables

PAGES = sorted((ROOT / "docs").rglob("*.md")) + [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
]
ROOMS = ("activities", "adapters", "client", "composition", "console", "domain", "edge", "workflows")
LONGEST_README = 150

# A path of the repository in backquotes or plain words: a known folder or a name with a suffix, without wildcards.
_PATH = re.compile(
    r"(?<![\w/.:-])((?:\.ci|activities|adapters|client|composition|console|deploy|docs|domain|edge|policies|tests|workflows)"
    r"/[\w./-]*[\w/]|(?:worker|starter)\.py|pyproject\.toml|docker-compose\.yml|constraints\.txt|\.env\.example)(?![\w*…<{])"
)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_MODULE = re.compile(r"python -m (tests[\w.]*)")
_TARGET = re.compile(r"(?:^|[`\s])make (?:-s )?(?:[A-Z_]+=\S+ )*((?:[a-z]+ ?)+)")
_COMMAND = re.compile(r"starter\.py((?: [a-z][a-z-]*)+)")


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(params=[page for page in PAGES if page.exists()], ids=_named)
def page(request: pytest.FixtureRequest) -> Path:
    """Each page of the documentation."""
    return Path(request.param)


@pytest.mark.parametrize("name", sorted({where for where, _ in TABLES.values()}))
def test_tables_are_those_of_the_code(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    assert with_tables(text, name) == text, "python -m tests.docs.tables makes them anew"


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= LONGEST_README


def test_the_shelf_lists_every_page() -> None:
    listed = set(_LINK.findall((ROOT / "docs" / "README.md").read_text("utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [link for link in _LINK.findall(text) if not _leads_somewhere(page, link)] == []


def test_every_path_exists(page: Path) -> None:
    assert [path for path in _PATH.findall(page.read_text("utf-8")) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_path_in_what_a_package_says_of_itself_exists(room: str) -> None:
    packages = sorted((ROOT / room).rglob("__init__.py"))
    said = {_named(package): ast.get_docstring(ast.parse(package.read_text("utf-8"))) or "" for package in packages}
    missing = [f"{name}: {path}" for name, text in said.items() for path in _PATH.findall(text) if not _is_there(path)]
    assert missing == []


def test_every_command_exists(page: Path) -> None:
    said = set(_COMMAND.findall(page.read_text("utf-8")))
    assert [words for words in sorted(said) if not _is_a_command(words.split())] == []


def test_every_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    said = [name for names in _code(page) for found in _TARGET.findall(names) for name in found.split()]
    assert [name for name in said if name not in targets] == []


def test_every_module_exists(page: Path) -> None:
    modules = {ROOT.joinpath(*name.split(".")) for name in _MODULE.findall(page.read_text("utf-8"))}
    assert [m for m in modules if not (m.with_suffix(".py").exists() or (m / "__main__.py").exists())] == []


def test_every_refusal_and_the_updates_it_refuses_are_listed() -> None:
    section = (ROOT / "docs" / "messages.md").read_text("utf-8").partition("\n## Refusals\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", section, re.MULTILINE))
    assert rows.keys() == set(get_args(RefusalType))
    named = {name for updates in rows.values() for name in re.findall(r"`(\w+)`", updates)}
    assert named <= UPDATES.keys()


def test_what_is_not_there_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`make nothing`, [no](no.md#such), `starter.py report nothing`, `domain/nothing.py`", "utf-8")
    text = page.read_text("utf-8")
    assert [name for code in _code(page) for name in _TARGET.findall(code)] == ["nothing"]
    assert [link for link in _LINK.findall(text) if not _leads_somewhere(page, link)] == ["no.md#such"]
    assert [words for words in _COMMAND.findall(text) if not _is_a_command(words.split())] == [" report nothing"]
    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == ["domain/nothing.py"]


def _leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not heading or heading in {_anchor(line) for line in target.read_text("utf-8").splitlines()}


def _anchor(line: str) -> str | None:
    """The anchor of a heading, as GitHub makes it."""
    if not line.startswith("#"):
        return None
    return re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")


def _is_there(path: str) -> bool:
    """Whether a file, a folder or a module of that path is in the repository."""
    return (ROOT / path).exists() or (ROOT / path).with_suffix(".py").exists()


def _code(page: Path) -> Iterator[str]:
    """What stands in code on the page: in backquotes, in blocks, in indented lines."""
    text = page.read_text("utf-8")
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from re.findall(r"^(?:    |\$ )(.*)$", text, re.MULTILINE)
    for block in re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


@cache
def _commands() -> dict[str, frozenset[str]]:
    """Each command of starter.py, with its own commands."""
    group = typer.main.get_command(application(add_serve_command))
    return {name: frozenset(getattr(command, "commands", ())) for name, command in group.commands.items()}  # type: ignore[attr-defined]


def _is_a_command(words: list[str]) -> bool:
    """Whether a command is there; of one with commands of its own, the second word too."""
    own = _commands().get(words[0])
    return own is not None and (not own or len(words) < 2 or words[1] in own)
