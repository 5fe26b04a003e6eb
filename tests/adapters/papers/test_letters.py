"""Letters that the common fonts lack: set with wider fonts, or written by their number; an empty box never."""

import unicodedata
from pathlib import Path

import pytest
import structlog
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph
from structlog.testing import LogCapture

from adapters.papers import typst
from adapters.papers.letters import lettering, number
from adapters.papers.typst import TypstPapers
from domain.customer import CustomerCard
from domain.papers.filing import notice_filed, paper_named
from domain.papers.notice import notice_sheet
from domain.papers.sheets import NoticeSheet, one_line
from tests.adapters.papers.test_typst import order, pages, papers
from tests.domain.papers.test_sheets import ZH

__all__ = ["papers"]  # the fixture


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> list[structlog.typing.EventDict]:
    """What the printer logs, however the process has set up its logs before."""
    capture = LogCapture()
    monkeypatch.setattr(typst, "log", structlog.wrap_logger(structlog.PrintLogger(), processors=[capture]))
    entries: list[structlog.typing.EventDict] = capture.entries
    return entries


def sheet(name: str, address: str = "北京路1号") -> NoticeSheet:
    """A red notice to somebody of that name."""
    return notice_sheet(order("red", 1), CustomerCard(account_id="3001", name=name, address=address), ZH)


def drawn(papers: TypstPapers, name: str) -> str:
    """The letters of a name as the paper draws them: an empty box has no letter to read back."""
    front = pages(papers, sheet(f"始{name}终"))[0]
    return front[front.index("始") + 1 : front.index("终")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("𠮷野𬎆", "𠮷野𬎆", id="rare_chinese"),
        pytest.param("ئابدۇرېھىم", "ئابدۇرېھىم", id="uyghur"),
        pytest.param("Қазақбай", "Қазақбай", id="kazakh"),
        pytest.param("Nguyễn Thị Hạnh", "NguyễnThịHạnh", id="vietnamese"),
        pytest.param("𠀀𪚥", "〔U+20000〕〔U+2A6A5〕", id="rarest_chinese"),
        pytest.param("བོད", "〔U+0F56〕〔U+0F7C〕〔U+0F51〕", id="tibetan"),
        pytest.param("张\ue815三", "张〔U+E815〕三", id="private_letter_of_gb18030"),
        pytest.param("张\U00031350三", "张〔U+31350〕三", id="newer_than_this_python"),
    ],
)
def test_a_name_is_printed_in_letters_or_in_numbers(papers: TypstPapers, name: str, shown: str) -> None:
    read = unicodedata.normalize("NFKC", drawn(papers, name))  # shaped letters are read back as their plain ones
    assert set(read) == set(shown)  # a reader of PDF turns what runs from right to left, and repeats joined letters


def test_letters_that_a_font_has_are_no_numbers(papers: TypstPapers) -> None:
    for name in ("𠮷野𬎆", "ئابدۇرېھىم", "Қазақбай", "张三", "葛󠄀"):
        assert lettering((name,)).missing == (), name
        assert "〔" not in pages(papers, sheet(name))[0]


def test_common_letters_need_no_wider_font() -> None:
    assert not lettering(("张三", "北京路1号", "ABC", "¥", "〔")).wide
    assert lettering(("𠮷",)).wide


def test_an_address_is_treated_like_a_name(papers: TypstPapers) -> None:
    assert "〔U+20000〕" in pages(papers, sheet("张三", address="𠀀路1号"))[0]


def test_the_paper_the_log_and_the_evidence_say_which_letters_are_missing(
    tmp_path: Path, logs: list[structlog.typing.EventDict]
) -> None:
    printer = TypstPapers(tmp_path / "documents", ZH)
    document = printer.put_down(sheet("𠀀野𪚥"))
    assert document.letters_missing == ("U+20000", "U+2A6A5")
    assert [(line["event"], line["letters"]) for line in logs] == [
        ("paper.letters_missing", ("U+20000", "U+2A6A5")),
    ]
    filed = notice_filed(order("red", 1).notice, document)
    assert filed.detail["letters_missing"] == ["U+20000", "U+2A6A5"]
    named = paper_named(filed)
    assert named is not None
    (tmp_path / "documents" / named.key).unlink()
    assert printer.put_back(sheet("𠀀野𪚥"), named)


def test_a_paper_with_all_its_letters_says_nothing_of_them(
    tmp_path: Path, logs: list[structlog.typing.EventDict]
) -> None:
    document = TypstPapers(tmp_path / "documents", ZH).put_down(sheet("𠮷野𬎆"))
    assert (document.letters_missing, logs) == ((), [])
    assert "letters_missing" not in notice_filed(order("red", 1).notice, document).detail


def font_with(letter: str, folder: Path) -> Path:
    """A folder with a font that has that letter alone."""
    folder.mkdir()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "letter"])
    builder.setupCharacterMap({ord(letter): "letter"})
    builder.setupGlyf({".notdef": Glyph(), "letter": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "letter": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One Letter", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(folder / "one.ttf")
    return folder


def test_a_folder_of_fonts_adds_its_letters(tmp_path: Path) -> None:
    more = font_with("𠀀", tmp_path / "fonts")
    printer = TypstPapers(tmp_path / "documents", ZH, more)
    assert printer.put_down(sheet("𠀀野𪚥")).letters_missing == ("U+2A6A5",)
    assert "〔U+20000〕" not in pages(printer, sheet("𠀀野"))[0]


def test_a_broken_character_is_still_a_blank_and_a_private_letter_is_kept() -> None:
    assert one_line("张\x07三\u200b四\ud800", 50) == "张 三 四"
    assert one_line("张\ue815三", 50) == "张\ue815三"


def test_numbers_are_those_of_unicode() -> None:
    assert [number(letter) for letter in ("𠮷", "A")] == ["U+20BB7", "U+0041"]
