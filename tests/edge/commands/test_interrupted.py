"""What a person reads after Ctrl-C: whether the same command is to be given again."""

import pytest
import typer

from console.command import add_serve_command
from edge.commands import application
from edge.commands.interrupted import interrupted


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ingest", "bills.csv"), "the same command again does the rest"),
        (("overdue",), "the same command again does the rest"),
        (("worklist", "--role", "reader"), "nothing was changed"),
        (("--json", "hold-placed", "1001"), "status shows it"),
        (("record-delivery", "1001"), "Whether the case has taken it is not known"),
        (("moratorium", "declare"), "with the same id"),
        (("database", "upgrade"), "the same command again does the rest"),
        (("anchor",), "whole or not at all"),
    ],
)
def test_what_an_interrupted_command_leaves_behind_is_said(arguments: tuple[str, ...], says: str) -> None:
    said = interrupted(arguments)
    assert said is not None
    assert says in said.message


def test_an_interrupted_command_ends_with_130_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge.commands.operate.run", interrupt)
    assert application.main(["anchor"]) == 130
    assert capsys.readouterr().err.startswith("Interrupted: 已中止 interrupted.")


def test_every_command_says_something_of_its_own_or_goes_on() -> None:
    names = typer.main.get_command(application.application(add_serve_command)).commands  # type: ignore[attr-defined]
    assert [name for name in names if interrupted((name,)) is None] == ["demo"]
