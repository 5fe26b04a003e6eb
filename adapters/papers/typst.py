"""Papers by Typst: a template for each kind of sheet, data handed over as JSON, the same bytes for the same sheet."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import local
from typing import Any, Literal

import segno
import structlog
import typst

from activities.papers import PapersUnavailable
from adapters.papers.folder import PaperFiles, document_of
from adapters.papers.letters import Lettering, fonts, lettering, number
from domain.papers.sheets import Document, Letterhead, Sheet

# Letters and figures that a line does not break between: all but the Chinese ones.
_ENDLESS = re.compile(r"[^\W\u2e80-\u9fff\U00020000-\U0003ffff]{20}")
log = structlog.get_logger()
TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class TypstPapers:
    """Prints sheets into a folder. Any number of threads may print at a time, each with a compiler of its own."""

    folder: Path
    head: Letterhead
    fonts: Path | None = None
    """A folder with fonts beside those that are installed with the program."""
    _own: local = field(default_factory=local, repr=False, compare=False)

    def render(self, sheet: Sheet) -> bytes:
        """The sheet as a PDF. Its texts are data to the template, never markup; nothing in it depends on a clock.

        PapersUnavailable: the template or its fonts are at fault.
        """
        return self._rendered(sheet, self._lettering(sheet))

    def _rendered(self, sheet: Sheet, letters: Lettering) -> bytes:
        try:
            content = self._compiler(letters).compile(
                input=TEMPLATES / f"{sheet.template}.typ",
                format="pdf",
                sys_inputs=inputs(sheet, letters),
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
        """Render and keep it; see `PaperFiles.keep`. Letters that no font has are named in the log."""
        letters = self._lettering(sheet)
        document = PaperFiles(self.folder).keep(sheet, self._rendered(sheet, letters))
        if not letters.missing:
            return document
        missing = tuple(number(letter) for letter in letters.missing)
        log.warning("paper.letters_missing", paper=sheet.number, letters=missing)
        return document.model_copy(update={"letters_missing": missing})

    def put_back(self, sheet: Sheet, document: Document) -> bool:
        """Render the sheet, and keep it only if it is that paper to the byte; whether it is. PapersUnavailable."""
        content = self.render(sheet)
        if document_of(sheet, content).sha256 != document.sha256:
            return False
        PaperFiles(self.folder).keep(sheet, content)
        return True

    def state_of(self, document: Document) -> Literal["intact", "missing", "changed"]:
        """Whether the paper is as it was; see `PaperFiles.state_of`."""
        return PaperFiles(self.folder).state_of(document)

    def _lettering(self, sheet: Sheet) -> Lettering:
        return lettering(_texts(sheet.model_dump(mode="json")), self.fonts)

    def _compiler(self, letters: Lettering) -> typst.Compiler:
        """This thread's compiler: one that two threads share refuses the second ("Already borrowed")."""
        name = "wide" if letters.wide else "common"
        if not hasattr(self._own, name):
            setattr(self._own, name, compiler(wide=letters.wide, more=self.fonts))
        mine: typst.Compiler = getattr(self._own, name)
        return mine


def compiler(*, wide: bool = False, more: Path | None = None) -> typst.Compiler:
    """A compiler that sees the templates and the fonts of papers, and nothing of the machine it runs on.

    `wide`: for a paper with rare letters. Any other is set with the common fonts alone, the same to the byte as ever.
    """
    return typst.Compiler(root=TEMPLATES, font_paths=fonts(wide=wide, more=more), ignore_system_fonts=True)


def inputs(sheet: Sheet, letters: Lettering | None = None) -> dict[str, str]:
    """What a template is given: the sheet as JSON, and its QR code as a picture."""
    return {
        "sheet": json.dumps(_shown(sheet.model_dump(mode="json"), letters or Lettering()), ensure_ascii=False),
        "code": _code(sheet.scan) if sheet.scan else "",
    }


def _texts(value: Any) -> Iterator[str]:
    """Every text of a sheet."""
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from _texts(one)
        case dict():
            for one in value.values():
                yield from _texts(one)


def _shown(value: Any, letters: Lettering) -> Any:
    """The same, with what no font has written out, and a place to break in texts without a blank; none in a digest."""
    match value:
        case str():
            return _ENDLESS.sub(lambda found: f"{found[0]}\u200b", letters.written(value))
        case list():
            return [_shown(one, letters) for one in value]
        case dict():
            return {name: one if name == "sha256" else _shown(one, letters) for name, one in value.items()}
        case _:
            return value


def _code(text: str) -> str:
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="svg", xmldecl=False, omitsize=True, border=2)
    return picture.getvalue().decode()
