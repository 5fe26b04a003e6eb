"""Papers by Typst: a template for each kind of sheet, data handed over as JSON, the same bytes for the same sheet."""

import io
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import local
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import segno
import typst

from activities.papers import PapersUnavailable
from adapters.papers.folder import PaperFiles, document_of
from domain.papers.sheets import Document, Letterhead, Sheet

# Letters and figures that a line does not break between: all but the Chinese ones.
_ENDLESS = re.compile(r"[^\W\u2e80-\u9fff\U00020000-\U0003ffff]{20}")
TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class TypstPapers:
    """Prints sheets into a folder. Any number of threads may print at a time, each with a compiler of its own."""

    folder: Path
    head: Letterhead
    _own: local = field(default_factory=local, repr=False, compare=False)

    def render(self, sheet: Sheet) -> bytes:
        """The sheet as a PDF. Its texts are data to the template, never markup; nothing in it depends on a clock.

        PapersUnavailable: the template or its fonts are at fault.
        """
        try:
            content = self._compiler.compile(
                input=TEMPLATES / f"{sheet.template}.typ",
                format="pdf",
                sys_inputs=inputs(sheet),
                timestamp=int(sheet.dated.timestamp()),
            )
        except (RuntimeError, ValueError, OSError) as problem:  # Typst's and segno's, and of files that are gone
            said = (str(problem) or repr(problem)).splitlines()[0]
            raise PapersUnavailable(
                f"{sheet.number} cannot be printed: {said}. Mend adapters/papers/templates/{sheet.template}.typ,"
                " or the installation of its fonts; it is tried again by itself."
            ) from problem
        if not isinstance(content, bytes):
            raise PapersUnavailable(f"the template of {sheet.number} gave no document")
        return content

    def put_down(self, sheet: Sheet) -> Document:
        """Render and keep it; see `PaperFiles.keep`."""
        return PaperFiles(self.folder).keep(sheet, self.render(sheet))

    def put_back(self, sheet: Sheet, document: Document) -> bool:
        """Render the sheet, and keep it only if it is that paper to the byte; whether it is. PapersUnavailable."""
        content = self.render(sheet)
        if document_of(sheet, content) != document:
            return False
        PaperFiles(self.folder).keep(sheet, content)
        return True

    def state_of(self, document: Document) -> Literal["intact", "missing", "changed"]:
        """Whether the paper is as it was; see `PaperFiles.state_of`."""
        return PaperFiles(self.folder).state_of(document)

    @property
    def _compiler(self) -> typst.Compiler:
        """This thread's compiler: one that two threads share refuses the second ("Already borrowed")."""
        if not hasattr(self._own, "compiler"):
            self._own.compiler = compiler()
        mine: typst.Compiler = self._own.compiler
        return mine


def compiler() -> typst.Compiler:
    """A compiler that sees the templates and the two fonts, and nothing of the machine it runs on."""
    return typst.Compiler(root=TEMPLATES, font_paths=_fonts(), ignore_system_fonts=True)


def inputs(sheet: Sheet) -> dict[str, str]:
    """What a template is given: the sheet as JSON, and its QR code as a picture."""
    return {
        "sheet": json.dumps(_breakable(sheet.model_dump(mode="json")), ensure_ascii=False),
        "code": _code(sheet.scan) if sheet.scan else "",
    }


@cache
def _fonts() -> typst.Fonts:
    """Read once per process, and shared."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,  # for letters that the Chinese fonts lack
        font_paths=[pylopdf_fonts_zh_cn.sans_path().parent],
    )


def _breakable(value: Any) -> Any:
    """The same, with a place to break in texts without a blank, such as a hostile name, and none in a digest."""
    match value:
        case str():
            return _ENDLESS.sub(lambda found: f"{found[0]}\u200b", value)
        case list():
            return [_breakable(one) for one in value]
        case dict():
            return {name: one if name == "sha256" else _breakable(one) for name, one in value.items()}
        case _:
            return value


def _code(text: str) -> str:
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="svg", xmldecl=False, omitsize=True, border=2)
    return picture.getvalue().decode()
