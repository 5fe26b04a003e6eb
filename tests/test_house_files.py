"""The files around the code: pictures can be made, the hooks call what `make` calls, editors know the line length."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.pictures import LARGEST, PICTURES, WIDEST

ROOT = Path(__file__).resolve().parent.parent


def make(folder: Path, *names: str, browser: str) -> subprocess.CompletedProcess[str]:
    """The command, as `make pictures` calls it, where CHROMIUM names that browser."""
    return subprocess.run(
        (sys.executable, "-m", "tests.pictures", *names, "--folder", str(folder)),
        cwd=ROOT,
        env=os.environ | {"CHROMIUM": browser},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_red_notice_is_drawn_without_a_browser(tmp_path: Path) -> None:
    made = make(tmp_path, "red-notice", browser="no-such-browser")
    assert made.returncode == 0, made.stderr
    demo = Path(made.stderr.partition("the demo's folder: ")[2].splitlines()[0])
    shutil.rmtree(demo)
    assert [path.name for path in tmp_path.iterdir()] == ["red-notice.png"]
    with Image.open(tmp_path / "red-notice.png") as drawn:
        notice = drawn.convert("RGB")
    assert notice.height / notice.width == pytest.approx(2**0.5, abs=0.01), "a page of A4, whole"
    red, green, blue = notice.getpixel((5, 5))  # type: ignore[misc]
    assert red > green + 50
    assert red > blue + 50


def test_without_a_browser_the_case_is_refused_with_what_to_install(tmp_path: Path) -> None:
    made = make(tmp_path, browser="no-such-browser")
    assert made.returncode == 3
    assert made.stderr.startswith("ChromiumMissing: ")
    assert "Debian: chromium" in made.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_front_page_are_small(name: str) -> None:
    path = ROOT / "docs" / "pictures" / f"{name}.png"
    assert path.stat().st_size <= LARGEST
    with Image.open(path) as picture:
        assert picture.width <= WIDEST


def test_the_hooks_call_what_make_lint_types_calls() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"], "nothing is fetched"
    called = [hook["entry"] for hook in hooks[0]["hooks"]]
    recipes = re.findall(r"^(?:lint|types):.*\n((?:\t.*\n?)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    wanted = [line.strip().replace("$(BIN)", ".venv/bin") for recipe in recipes for line in recipe.splitlines()]
    assert called == wanted
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks[0]["hooks"])


def test_editors_are_told_the_same_line_length_as_ruff() -> None:
    told = configparser.ConfigParser()
    told.read_string("[top]\n" + (ROOT / ".editorconfig").read_text("utf-8"))
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
    assert told.getint("*.py", "max_line_length") == ruff["line-length"]
    assert told.getboolean("top", "root")
