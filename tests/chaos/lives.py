"""The accounts of a run and how their cases are to end, drawn by a seed, with the billing export that names them."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from tests.chaos.people import Ending, Life
from tests.support.sample_exports import TITLES
from tests.support.world import CENTRE, PEOPLE, STATION, UNIT

_ENDINGS: dict[Ending, int] = {
    "cut and restored": 30,
    "paid after yellow": 25,
    "paid after red": 20,
    "found cut": 15,
    "held and cut": 10,
}
_MESSAGES: dict[Ending, int] = {
    "cut and restored": 12,
    "paid after yellow": 3,
    "paid after red": 4,
    "found cut": 6,
    "held and cut": 15,
}


def draw_lives(dice: Random, count: int) -> list[Life]:
    """So many lives; the same dice, the same lives."""
    endings = dice.choices([*_ENDINGS], [*_ENDINGS.values()], k=count)
    return [
        Life(
            account_id=f"{7_000_000 + number}",
            ending=ending,
            amount=Decimal(dice.randrange(20, 900)),
            meter_id=f"M-{number:05}",
            twice=dice.random() < 0.2,
            bill_id=f"B-{number:05}",
        )
        for number, ending in enumerate(endings)
    ]


def messages_to_come(lives: Sequence[Life]) -> int:
    """About how many messages these lives take."""
    return sum(_MESSAGES[life.ending] for life in lives)


def write_export(folder: Path, lives: Sequence[Life], today: date) -> tuple[Path, Path]:
    """The billing export that makes them customers with one overdue bill each; every fifth is a shop."""
    due = today - timedelta(days=41)
    customers, bills = folder / "customers.csv", folder / "bills.csv"
    people = (CENTRE, PEOPLE["reader"]["id"], PEOPLE["team_leader"]["id"], UNIT, STATION, "R-North")
    _write(
        customers,
        "customers",
        [
            (life.account_id, "张三", "北京路1号", "13800000000", trade, "否", life.meter_id, *people)
            for life, trade in zip(lives, ("商业", "居民", "居民", "居民", "居民") * len(lives), strict=False)
        ],
    )
    _write(
        bills, "bills", [(life.bill_id, life.account_id, f"{due:%Y%m}", f"{due}", str(life.amount)) for life in lives]
    )
    return customers, bills


def _write(path: Path, kind: str, lines: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([TITLES[kind], *lines])
