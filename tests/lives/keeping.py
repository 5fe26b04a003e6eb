"""A breach that is named keeps all that it was judged by, in `var/breaches/`: it can be judged again.

In each folder: `life.json` (the script), `register.db`, `billing.db`, `outside.json` (what the generator booked, said
and silenced, with times), `history-N.json.gz` of each run of the case (the latest is 1), and `verdict.txt`.
"""

import gzip
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tests.lives.book import Book, Booked, Told, read
from tests.lives.life import Life, to_text
from tests.lives.playing import Playing

BREACHES = Path("var") / "breaches"


async def keep(playing: Playing, life: Life, verdict: str, under: Path = BREACHES) -> Path:
    """Keep everything about this life; returns the folder."""
    folder = under / f"{playing.account_id}-{playing.opened_at:%Y%m%d%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("register.db", "billing.db"):
        _copy(playing.town.folder / name, folder / name)
    (folder / "life.json").write_text(to_text(life), encoding="utf-8")
    (folder / "verdict.txt").write_text(verdict, encoding="utf-8")
    (folder / "outside.json").write_text(json.dumps(_outside(playing), default=str, indent=1), encoding="utf-8")
    await _histories(playing.town.world.client, playing.case.handle.id, folder)
    return folder


def kept(folder: Path) -> Book:
    """The book of a life that was kept, to be judged again."""
    outside = json.loads((folder / "outside.json").read_text(encoding="utf-8"))
    return read(
        folder / "register.db",
        folder / "billing.db",
        outside["account_id"],
        [Booked(**_timed(one)) for one in outside["booked"]],
        datetime.fromisoformat(outside["until"]),
        outside["calm"],
        [Told(**_timed(one)) for one in outside["told"]],
        [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in outside["silences"]],
    )


def _copy(source: Path, target: Path) -> None:
    """A database that others may be writing to."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def _outside(playing: Playing) -> dict[str, Any]:
    return {
        "account_id": playing.account_id,
        "until": playing.now,
        "calm": not playing.was_down,
        "booked": [asdict(one) for one in playing.booked],
        "told": [asdict(one) for one in playing.told],
        "silences": playing.silences,
        "said": playing.said,
    }


def _timed(one: dict[str, Any]) -> dict[str, Any]:
    return one | {name: datetime.fromisoformat(one[name]) for name in ("not_before", "known_by")}


async def _histories(client: Client, workflow_id: str, folder: Path) -> None:
    """Each run of the case, from the last one back to the first."""
    run_id, number = None, 0
    while number == 0 or run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        number += 1
        (folder / f"history-{number}.json.gz").write_bytes(gzip.compress(history.to_json().encode()))
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
