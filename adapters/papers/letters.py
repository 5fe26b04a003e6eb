"""The letters that papers can show: the fonts, what they cover, and how a letter that all of them lack is written.

Noto Sans SC and Noto Serif SC hold the common Chinese letters. A rarer one, or one of another script, makes its paper
be set with the wider fonts too. What none of them has is written by its number, 〔U+20BB7〕: no empty box is printed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst
from fontTools.ttLib import TTCollection, TTFont

COMMON = pylopdf_fonts_zh_cn.sans_path().parent
_WIDER_PACKAGES = ("noto_cjk_sans_jp_regular", "fontpkg_noto_sans", "fontpkg_noto_sans_arabic")
"""Rare Chinese letters; Latin, Greek and Cyrillic in full; Arabic, with the letters of Uyghur."""
_FONT_FILES = {".otf", ".ttf", ".otc", ".ttc"}
_WITHOUT_SHAPE = {0x200B, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
"""The break that printing adds, and the variation selectors: they show nothing of their own."""


@dataclass(frozen=True)
class Lettering:
    """How one paper is set: with which fonts, and which letters are only numbers on it."""

    wide: bool = False
    missing: tuple[str, ...] = ()

    def written(self, text: str) -> str:
        """The text, with each missing letter as its number."""
        return "".join(f"〔{number(one)}〕" if one in self.missing else one for one in text)


def lettering(texts: Iterable[str], more: Path | None = None) -> Lettering:
    """The fonts that these texts need, and the letters that even those lack. `more`: a folder with further fonts."""
    uncommon = sorted(set().union(*texts) - _letters_of(COMMON)) if texts else []
    if not uncommon:
        return Lettering()
    known = set[str]().union(*(_letters_of(folder) for folder in _wider(more)))
    return Lettering(wide=True, missing=tuple(one for one in uncommon if one not in known))


def number(letter: str) -> str:
    """A letter by its number in Unicode: U+20BB7."""
    return f"U+{ord(letter):04X}"


@cache
def fonts(*, wide: bool, more: Path | None = None) -> typst.Fonts:
    """The fonts for the compiler, read once per process. Typst brings some of its own, for figures and symbols."""
    folders = (COMMON, *_wider(more)) if wide else (COMMON,)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=list(folders))


def _wider(more: Path | None) -> tuple[Path, ...]:
    specs = [find_spec(package) for package in _WIDER_PACKAGES]
    found = tuple(Path(spec.origin).parent for spec in specs if spec and spec.origin)
    return found if more is None else (*found, more)


@cache
def _letters_of(folder: Path) -> frozenset[str]:
    covered = set(_WITHOUT_SHAPE)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _FONT_FILES:
            covered.update(code for font in _opened(path) for code in font.getBestCmap() or ())
    return frozenset(chr(code) for code in covered)


def _opened(path: Path) -> Iterator[TTFont]:
    if path.suffix.lower() in (".otc", ".ttc"):
        with TTCollection(path, lazy=True) as collection:
            yield from collection.fonts
    else:
        with TTFont(path, lazy=True) as font:
            yield font
