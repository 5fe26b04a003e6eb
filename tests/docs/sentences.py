"""Sentences and their words, as a reader counts them: of a page in Markdown, and of the docstrings of a program."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^\s*(```|~~~)")
_ITEM = re.compile(r"^(?:[-*+]|\d+\.)\s+")
_RULE = re.compile(r"^\|?[\s:|-]+\|?$")
_END = re.compile(r"(?<=[.!?])[\"'”’)\]*_]*\s+")
_CODE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_NOT_IN_A_WORD = re.compile(r"[\s.!?|]+")
_WORD = re.compile(r"\w")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Sentence(NamedTuple):
    """A sentence, and the line on which the text that it belongs to begins."""

    line: int
    text: str

    @property
    def words(self) -> int:
        """How many words a reader counts: code in backquotes is one, a sign alone is none."""
        return sum(1 for word in self.text.split() if _WORD.search(word))


def of_page(markdown: str) -> Iterator[Sentence]:
    """The sentences of prose, list items and cells; code, headings and the addresses of links are none."""
    for line, text in _blocks(markdown):
        yield from _sentences(line, text)


def of_docstrings(source: str) -> Iterator[Sentence]:
    """The sentences of the docstrings of a module, and of its public classes, functions and methods."""
    for node in _public(ast.parse(source)):
        said = ast.get_docstring(node)
        if said:
            assert isinstance(node.body[0], ast.Expr)
            for line, text in _blocks(said):
                yield from _sentences(node.body[0].lineno + line - 1, text)


def _public(node: Documented) -> Iterator[Documented]:
    yield node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            yield from _public(child)


def _blocks(markdown: str) -> Iterator[tuple[int, str]]:
    """Each paragraph, list item and cell in one line, with the number of its first line."""
    block: list[str] = []
    begins, in_code = 1, False
    for number, line in enumerate([*_without_comments(markdown).splitlines(), ""], 1):
        fence = bool(_FENCE.match(line))
        bare = line.strip().lstrip("> ").strip()
        own = in_code or fence or not bare or bare[0] in "|#" or _ITEM.match(bare) or (not block and line[:4] == "    ")
        if own and block:
            yield begins, " ".join(block)
            block = []
        if fence:
            in_code = not in_code
        elif (
            in_code or not bare or bare.startswith("#") or (not block and line[:4] == "    " and not _ITEM.match(bare))
        ):
            continue
        elif bare.startswith("|"):
            if not _RULE.match(bare):
                yield from ((number, cell.strip()) for cell in re.split(r"(?<!\\)\|", _plain(bare)) if cell.strip())
        else:
            begins = begins if block else number
            block.append(_ITEM.sub("", bare))


def _without_comments(markdown: str) -> str:
    return re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), markdown, flags=re.DOTALL)


def _plain(text: str) -> str:
    """The text as it is read: links by their words, and what stands in backquotes as one word, still in them."""
    code = _CODE.sub(lambda found: "`" + _NOT_IN_A_WORD.sub("_", found[2].strip()) + "`", text)
    return _LINK.sub(r"\1", code)


def _sentences(line: int, text: str) -> Iterator[Sentence]:
    for sentence in _END.split(_plain(text)):
        if sentence.strip():
            yield Sentence(line, sentence.strip())
