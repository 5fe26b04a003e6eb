"""S10: how long `make demo` takes."""

import asyncio
import sys
import time
from pathlib import Path

from tests.bench.figures import Row, row_of_bound
from tests.bench.ground import ROOT


async def s10(folder: Path, small: bool) -> list[Row]:
    """The whole program, from its start to its end."""
    del folder, small
    began = time.perf_counter()
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "starter.py"), "demo", "--json"), stdout=asyncio.subprocess.DEVNULL
    )
    code = await demo.wait()
    row = row_of_bound("S10", "make demo, seconds", time.perf_counter() - began, 90)
    assert code == 0, f"the demo ended with {code}"
    return [row]
