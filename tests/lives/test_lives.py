"""Some random lives on a real server, judged by the oracle; `make lives` plays a thousand."""

from pathlib import Path

import pytest

from tests.lives.drawing import life_of
from tests.lives.life import to_text
from tests.lives.running import NEW_RUN_AFTER, run_batch

SOME, SOME_THAT_CHANGE = range(26, 38), range(9026, 9038)
"""The first twelve know the procedure and its disturbances, the others what changes under a case besides."""


@pytest.mark.timeout(300)  # two drawn towns; a machine that does other things besides takes longer
@pytest.mark.parametrize("seeds", [SOME, SOME_THAT_CHANGE], ids=["some", "some that change"])
async def test_random_lives_keep_the_law(tmp_path: Path, seeds: range) -> None:
    """P1, P2, P3 and the order of the clauses; cases go on in new runs, and another worker takes them up."""
    batch = await run_batch([(str(n), life_of(n)) for n in seeds], tmp_path, new_run_after=NEW_RUN_AFTER)
    broken = {f"seed {one.name}": (one.breaches, to_text(one.life)) for one in batch.lived if one.breaches}
    assert not broken, "\n".join(f"{name}: {breaches}\n{life}" for name, (breaches, life) in broken.items())
    assert not [one.lost_by for one in batch.lived if one.lost]
    cut = sum(bool(one.reached["cut"]) for one in batch.lived)
    assert cut >= len(seeds) // 5, f"only {cut} were cut: such lives show nothing"


def test_a_seed_is_always_the_same_life() -> None:
    assert life_of(7) == life_of(7)
    assert life_of(7) != life_of(8)
