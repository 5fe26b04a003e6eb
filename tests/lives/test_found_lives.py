"""Lives that broke something once, each in its shortest form; what was wrong is in `why`, and must stay mended."""

from pathlib import Path

import pytest

from tests.lives.life import Life, read
from tests.lives.running import live
from tests.lives.town import running_town

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
async def test_a_life_found_once_keeps_the_law(path: Path, tmp_path: Path) -> None:
    life: Life = read(path)
    async with running_town(tmp_path) as town:
        lived = await live(town, path.stem, life)
    assert not lived.lost_by
    assert not lived.breaches, f"{life.get('why')}: {lived.breaches}"
