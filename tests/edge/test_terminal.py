"""What people read on the screen is what was written, whatever it looks like to the library that draws it."""

import pytest

from edge.terminal import Printer


def test_brackets_in_what_people_wrote_are_shown_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    Printer.table("t", ("remark",), [("[red] 门锁 [/] [[staff]]",)])
    Printer.fields([("remark", "[bold]张三[/bold]")])
    said = capsys.readouterr().out
    assert "[red] 门锁 [/] [[staff]]" in said
    assert "[bold]张三[/bold]" in said
