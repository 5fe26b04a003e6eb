"""The pictures of the front page, made from one life of the demo: `python -m tests.pictures [red-notice] [case]`.

`red-notice` is the notice as Typst lays it out; `case` is the case in Temporal UI, seen by a headless Chromium.
"""

import argparse
import asyncio
import io
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.async_api import Locator, Page, ViewportSize, async_playwright

from adapters.papers.folder import document_of
from adapters.papers.typst import TEMPLATES, compiler, inputs
from client.cases import workflow_id
from domain.papers.reprint import sheets_again
from domain.papers.sheets import Sheet
from domain.proof.sheet import papers_named
from edge.demo import perform
from edge.demo.lives import LIVES, Life
from edge.demo.playing import Case, Town
from edge.demo.procedure import to_served
from edge.demo.show import Screen
from edge.demo.stage import Stage, new_folder
from edge.operations.proof import proof_of

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("red-notice", "case")
LIFE = next(life for life in LIVES if life.title_en == "paid after the red notice")
WIDEST, LARGEST = 1200, 150_000
"""Pixels across, and bytes: a front page is read over slow lines too."""
_NOTICE_PPI = 110
_COLOURS = (128, 64, 32, 16)
_WINDOW: ViewportSize = {"width": 1720, "height": 2400}
"""Wide enough for the table of a history, and so high that nothing need be scrolled to."""
_SCALE = WIDEST / 1464  # what is left of the window beside the menu
_SETTLING_MS = 1500
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_NO_BROWSER = (
    "the picture of the case needs Chromium, and there is none: install your system's package (Debian: chromium),"
    " or name the program in CHROMIUM. The red notice alone needs no browser: python -m tests.pictures red-notice"
)


def main(arguments: Sequence[str]) -> int:
    """Make the pictures. 0: made; 1: the life did not go as its script says; 3: Chromium is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("picture", nargs="*", choices=(*PICTURES, []), help="all, if none is named")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    asked = parser.parse_args(arguments)
    wanted: Sequence[str] = asked.picture or PICTURES
    browser = chromium()
    if "case" in wanted and browser is None:
        sys.stderr.write(f"ChromiumMissing: {_NO_BROWSER}\n")
        return 3
    asked.folder.mkdir(parents=True, exist_ok=True)
    with Stage(new_folder(datetime.now(UTC))) as stage, Screen(as_json=True, total=1) as screen:
        life = _pictured(LIFE, stage, wanted, asked.folder, browser)
        code = asyncio.run(perform(stage, screen, [life]))
    for name in wanted if code == 0 else ():
        path = asked.folder / f"{name}.png"
        sys.stderr.write(f"{path}: {path.stat().st_size:,} bytes\n")
    return code


def chromium() -> str | None:
    """The browser of this machine: the one that CHROMIUM names, else a usual one; None if it is not there."""
    named = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [named] if named else _BROWSERS)), None)


def _pictured(life: Life, stage: Stage, wanted: Iterable[str], folder: Path, browser: str | None) -> Life:
    """The same life, with a pause for the pictures once the red notice is served and approval is awaited."""

    async def script(c: Case) -> None:
        await to_served(c)
        await c.awaited("decide_approval")
        if "red-notice" in wanted:
            sheet = await asyncio.to_thread(red_notice, c.town, c.account_id)
            save(_page_of(sheet), folder / "red-notice.png")
        if "case" in wanted and browser is not None:
            save(await _case_page(browser, stage.ui, c.account_id), folder / "case.png")
        await c.pays()

    return replace(life, script=script)


def red_notice(town: Town, account_id: str) -> Sheet:
    """The sheet of the account's red notice, which prints the very paper that the record names by its digest."""
    parts = town.parts
    file = proof_of(parts, account_id, None).file
    handed_out = parts.reader.messages(account_id)
    cards = parts.register.cards(account_id)
    for entry, document in papers_named(file):
        if entry.detail.get("kind") == "red":
            for sheet in sheets_again(entry, file, handed_out, cards, parts.papers.head, parts.policy.timezone):
                if document_of(sheet, parts.papers.render(sheet)) == document:
                    return sheet
    raise LookupError(f"the record of {account_id} names no red notice that can be printed again")


def _page_of(sheet: Sheet) -> bytes:
    """The first page of a sheet, as Typst draws it."""
    drawn = compiler().compile(
        input=TEMPLATES / f"{sheet.template}.typ",
        format="png",
        ppi=_NOTICE_PPI,
        sys_inputs=inputs(sheet),
        timestamp=int(sheet.dated.timestamp()),
    )
    first = drawn[0] if isinstance(drawn, list) else drawn
    assert isinstance(first, bytes)
    return first


async def _case_page(browser: str, ui: str, account_id: str) -> bytes:
    """A case in Temporal UI: its head and current details, and below them its history in short."""
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root without it
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=browser, args=flags)
        page = await started.new_page(viewport=_WINDOW, device_scale_factor=_SCALE)
        await page.goto(f"{ui}/namespaces/default/workflows/{workflow_id(account_id)}")
        parts = [await _details(page), await _history(page)]
        await started.close()
    return _stacked(parts)


async def _details(page: Page) -> bytes:
    await page.get_by_test_id("user-metadata-tab").click()
    current = page.locator("#user-metadata-current-details")
    # The SDK's name beside the case comes last; a frame has its height once its text is drawn.
    await page.get_by_text("Workflow SDK").wait_for()
    await current.content_frame.get_by_text("red notice").first.wait_for()
    await page.wait_for_timeout(_SETTLING_MS)
    # A case has no fixed details, only current ones: the panel that would say so is left out.
    await page.get_by_text("No details available").locator("xpath=../..").evaluate("panel => panel.remove()")
    return await _strip(page, 0.0, current)


async def _history(page: Page) -> bytes:
    await page.get_by_test_id("history-tab").click()
    await page.get_by_test_id("compact").click()
    table = page.get_by_test_id("event-summary-table")
    await table.get_by_text("record_delivery").first.wait_for()
    await page.wait_for_timeout(_SETTLING_MS)
    heading = await page.get_by_role("heading", name="Event History").bounding_box()
    assert heading is not None
    return await _strip(page, heading["y"] - 12, table.locator("table"))


async def _strip(page: Page, top: float, last: Locator) -> bytes:
    """What the page's main part shows from `top`, or its own, down to the end of `last`."""
    main, end = await page.locator("main#content").bounding_box(), await last.bounding_box()
    assert main is not None
    assert end is not None
    top = max(top, main["y"])
    height = end["y"] + end["height"] - top
    return await page.screenshot(clip={"x": main["x"], "y": top, "width": main["width"], "height": height})


def _stacked(parts: Sequence[bytes]) -> bytes:
    strips = [Image.open(io.BytesIO(part)).convert("RGB") for part in parts]
    whole = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)))
    for number, strip in enumerate(strips):
        whole.paste(strip, (0, sum(s.height for s in strips[:number])))
    drawn = io.BytesIO()
    whole.save(drawn, "png")
    return drawn.getvalue()


def save(picture: bytes, path: Path) -> None:
    """Write a PNG with as many colours as fit into the size that is allowed. ValueError: it is too large in any."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    if whole.width > WIDEST:
        whole = whole.resize((WIDEST, round(whole.height * WIDEST / whole.width)), Image.Resampling.LANCZOS)
    for colours in _COLOURS:
        small = io.BytesIO()
        whole.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(small, "png", optimize=True)
        if small.tell() <= LARGEST:
            path.write_bytes(small.getvalue())
            return
    raise ValueError(f"{path.name} takes {small.tell()} bytes, more than {LARGEST}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
