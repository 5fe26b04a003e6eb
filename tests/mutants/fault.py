"""A deliberate fault in the procedure: one edit of one file, and the tests that must notice it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class NoLongerApplies(Exception):
    """The text that a fault replaces is not in its file exactly once: the code has moved on, the table must follow."""


@dataclass(frozen=True)
class Fault:
    """What a careless change would do to the law: `right` becomes `wrong` in `file`.

    `tests` are node ids of pytest or files, the fastest first; the first failure ends the run.
    """

    name: str
    rule: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]

    def applied_to(self, text: str) -> str:
        """The file's text with the fault in it; raises NoLongerApplies."""
        if (found := text.count(self.right)) != 1:
            raise NoLongerApplies(f"{self.name}: {self.file} holds {self.right!r} {found} times, not once")
        return text.replace(self.right, self.wrong)

    def applied_in(self, root: Path) -> str:
        """The text that `file` would have under that root.

        Raises NoLongerApplies, also where the file is gone; it names the one other file in which the text now stands.
        """
        path = root / self.file
        try:
            if not path.is_file():
                raise NoLongerApplies(f"{self.name}: there is no {self.file}")
            return self.applied_to(path.read_text(encoding="utf-8"))
        except NoLongerApplies as problem:
            elsewhere = [p for p in _program(root) if p != path and p.read_text("utf-8").count(self.right) == 1]
            if len(elsewhere) != 1:
                raise
            raise NoLongerApplies(f"{problem}; it stands in {elsewhere[0].relative_to(root)}") from None


def _program(root: Path) -> Iterator[Path]:
    """Every file of the program that a fault may edit."""
    for path in sorted(root.glob("*")):
        if path.suffix == ".py":
            yield path
        elif (path / "__init__.py").is_file() and path.name != "tests":
            yield from (p for p in sorted(path.rglob("*")) if p.suffix in (".py", ".typ"))
