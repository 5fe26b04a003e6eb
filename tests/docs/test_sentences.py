"""Plain sentences: at most 25 words each, and no term that the glossary has replaced, on pages and in docstrings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from composition.settings.fields import ROOT
from tests.docs.sentences import Sentence, of_docstrings, of_page

MOST_WORDS = 25
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("activities", "adapters", "client", "composition", "console", "domain", "edge", "workflows")
# supply, cut off, procedure, notify; the month of March begins with a capital
_REPLACED = re.compile(r"\b(light|lit|dark|darkness|march|marches|[Tt]old|[Tt]ells?|[Tt]elling|[Ll]ook(?:s|ed|ing)?)\b")
# Descriptions that Temporal serves, and an answer of the policy replay: the pages show them as they are.
_SERVED = frozenset(
    (
        "Stop the march: dispute, hardship, medical, moratorium",
        "The customer was told the time again, 30 minutes before",
        "Restoration will exceed 24 hours; customer and leader were told",
        "told",
        "*cannot be told*",
    )
)


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(params=PAGES, ids=_named)
def page(request: pytest.FixtureRequest) -> Path:
    """Each page that a reader is sent to; the changelog names things as they were."""
    return Path(request.param)


@pytest.fixture(params=ROOMS)
def room(request: pytest.FixtureRequest) -> Path:
    """Each folder of the program."""
    return ROOT / str(request.param)


def test_a_sentence_of_a_page_can_be_read_once(page: Path) -> None:
    assert [_shown(page, said) for said in of_page(page.read_text("utf-8")) if said.words > MOST_WORDS] == []


def test_a_sentence_of_a_docstring_can_be_read_once(room: Path) -> None:
    assert [_shown(module, said) for module, said in _docstrings(room) if said.words > MOST_WORDS] == []


def test_a_page_uses_the_terms_of_the_field(page: Path) -> None:
    assert [_shown(page, said) for said in of_page(page.read_text("utf-8")) if _former_terms(said)] == []


def test_a_docstring_uses_the_terms_of_the_field(room: Path) -> None:
    assert [_shown(module, said) for module, said in _docstrings(room) if _former_terms(said)] == []


def test_sentences_of_prose_items_and_cells_are_counted_and_code_is_not() -> None:
    text = """# A heading that is no sentence

One two
three, [four](https://example.org/not/counted). `Five six. seven` − eight!
- Nine (see `a | b`)
  ten.
1. Eleven

| a head | `x.y` |
|---|---|
| twelve. Thirteen fourteen | |

```sh
this is code. It is not counted
```

    nor is this
<!-- nor this -->
"""
    assert [(said.line, said.words, said.text) for said in of_page(text)] == [
        (3, 4, "One two three, four."),
        (3, 2, "`Five_six_seven` − eight!"),
        (5, 4, "Nine (see `a_b`) ten."),
        (7, 1, "Eleven"),
        (9, 2, "a head"),
        (9, 1, "`x_y`"),
        (11, 1, "twelve."),
        (11, 2, "Thirteen fourteen"),
    ]


def test_a_former_term_is_noticed_but_not_in_a_name() -> None:
    text = "Stop the march, `light-at-once`. It was told. In March."
    assert [_former_terms(said) for said in of_page(text)] == [["march"], ["told"], []]


def test_docstrings_of_modules_and_of_what_is_public_are_counted() -> None:
    source = '''"""A module. It has

a second paragraph.
"""

class Case:
    """A case."""

    def close(self):
        """Close it."""

    def _hidden(self):
        """Not counted."""

class _Hidden:
    """Not counted."""
'''
    assert [(said.line, said.text) for said in of_docstrings(source)] == [
        (1, "A module."),
        (1, "It has"),
        (3, "a second paragraph."),
        (7, "A case."),
        (10, "Close it."),
    ]


def _docstrings(room: Path) -> Iterator[tuple[Path, Sentence]]:
    modules = sorted(room.rglob("*.py"))
    assert modules, f"{room} has no module"
    for module in modules:
        for said in of_docstrings(module.read_text("utf-8")):
            yield module, said


def _former_terms(said: Sentence) -> list[str]:
    """The replaced terms in a sentence; a name in backquotes keeps its own."""
    if said.text in _SERVED:
        return []
    return _REPLACED.findall(re.sub(r"`[^`]*`", "", said.text))


def _shown(path: Path, said: Sentence) -> str:
    return f"{_named(path)}:{said.line}: {said.words} words: {said.text}"
