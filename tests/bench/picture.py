"""The picture: how cost grows with the number of cases that sleep, and of accounts that are swept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.bench.figures import Row

mpl.use("Agg")
MIB = 1024 * 1024
COLOURS = {"arrears": "#c0392b", "bare": "#7f8c8d"}
NAMES = {"arrears": "ArrearsCase", "bare": "bare reference"}


def draw(rows: Sequence[Row], path: Path) -> bool:
    """Draw what these rows hold; False if none of them shows growth."""
    growth = next((r.detail["growth"] for r in rows if "growth" in r.detail), None)
    swept = [r.detail for r in rows if r.id == "S8"]
    if growth is None and not swept:
        return False
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    memory, disk, sweep = figure.subplots(1, 3)
    if growth is not None:
        _sleeping(memory, growth, 1, "worker memory, MiB")
        _sleeping(disk, growth, 2, "server database, MiB")
    if swept:
        cases = [d["cases"] for d in swept]
        sweep.plot(cases, [d["seconds"] for d in swept], marker="o", color=COLOURS["arrears"], label="seconds")
        events = sweep.twinx()
        events.plot(cases, [d["events"] for d in swept], marker="s", color="#2c3e50", label="history events")
        events.set_ylim(bottom=0)
        events.set_ylabel("history events")
        sweep.set_title("daily sweep")
        sweep.set_xlabel("open cases, one in a hundred paid")
        sweep.set_ylabel("seconds")
        sweep.set_ylim(bottom=0)
        lines = [*sweep.get_lines(), *events.get_lines()]
        sweep.legend(lines, [str(line.get_label()) for line in lines], fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)
    return True


def _sleeping(axes: Any, growth: dict[str, Any], column: int, what: str) -> None:
    for name, costs in growth.items():
        x, y = [0, *(c[0] for c in costs)], [0.0, *(c[column] / MIB for c in costs)]
        axes.plot(x, y, marker=".", color=COLOURS[name], label=NAMES[name])
    axes.set_title(what)
    axes.set_xlabel("sleeping cases")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
