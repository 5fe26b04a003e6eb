"""What people read on the screen is what was written, whatever it looks like to the library that draws it."""

import pytest

from edge.terminal import Printer, bars


def test_brackets_in_what_people_wrote_are_shown_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    Printer.table("t", ("remark",), [("[red] 门锁 [/] [[staff]]",)])
    Printer.fields([("remark", "[bold]张三[/bold]")])
    said = capsys.readouterr().out
    assert "[red] 门锁 [/] [[staff]]" in said
    assert "[bold]张三[/bold]" in said


def test_a_bar_with_a_title_shows_how_many_of_how_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, as far as Rich is concerned
    monkeypatch.setenv("COLUMNS", "100")
    with bars({"announce": "立案、通知案件 opening cases"}) as (progress, _say):
        progress("bills.csv", 4_096, 4_096)
        progress("announce", 79, 2_000)
    said = capsys.readouterr().err
    assert "立案、通知案件 opening cases 79/2,000" in said
    assert "bills.csv" in said
    assert "4,096" not in said
