"""The order of the commands is the one that is written down: a change of it shows as a diff, and must be intended.

Replay finds a changed order only where a recorded history takes the changed path, and never a changed summary, stage
or local activity. If a diff here is meant: `workflow.patched` for the cases that are open, then
`python -m tests.command_order`, and have the new file reviewed.
"""

import pytest

from tests.command_order import difference, fingerprint, written
from tests.record_histories import LIVES, Life
from tests.support.world import World


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
async def test_a_life_asks_for_what_is_written_and_in_that_order(world: World, life: Life) -> None:
    expected = written()[life.__name__]
    played = await fingerprint(world, life)
    if played != expected:  # on a loaded machine a message may meet another moment; a changed order does not go away
        played = await fingerprint(world, life)
    assert played == expected, "\n" + difference(life.__name__, expected, played)


def test_every_life_is_written_down() -> None:
    assert list(written()) == [life.__name__ for life in LIVES]


def test_a_changed_order_reads_as_a_diff() -> None:
    before = ["> signal bill_overdue", "  activity open_account: I.1 look the account up", "  show: yellow_notice"]
    after = [before[0], before[2], before[1]]
    changed = [line for line in difference("settled", before, after).splitlines() if line.startswith(("+ ", "- "))]
    assert sorted(changed) == [f"+{before[2]}", f"-{before[2]}"]
