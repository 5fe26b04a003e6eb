"""The doctor's check of the letters: whether papers can show the names and addresses of customers."""

from collections.abc import Callable

from activities.register import RegisterUnavailable
from adapters.checkup.letters import LettersChecked
from edge.doctor.finding import Finding, aside, ok, warning

NAMED = 10
"""Accounts and letters that a sentence names."""


async def letters(check: Callable[[], LettersChecked]) -> tuple[Finding, ...]:
    """Which customers' papers show a number for a letter; that the register gives no answer, its own part says."""
    part = "letters"
    try:
        found = await aside(check)
    except RegisterUnavailable:
        return ()
    if not found.accounts:
        return (
            ok(part, f"papers can show the names and addresses of all {found.customers} customers with open cases"),
        )
    says = (
        f"no font has {_some(found.letters)}: papers show these letters as numbers, 〔{found.letters[0]}〕,"
        f" for {len(found.accounts)} customers: {_some(found.accounts)}"
    )
    do = "put fonts with these letters into a folder, and name it in ARREARS_PAPER_FONTS (docs/operating.md, Papers)"
    return (warning(part, says, do),)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
