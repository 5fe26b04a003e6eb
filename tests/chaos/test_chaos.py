"""A short version of `make chaos`: one seed each, few cases."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.absence import run_absence
from tests.chaos.judging import as_it_stands, gaps_among
from tests.chaos.killed import run_killed
from tests.chaos.outages import run_outages


@pytest.mark.timeout(180)
async def test_killed_workers_and_servers_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    """Both at once: most of this time is waiting for the time-out of what a dead worker held."""
    workers, servers = await asyncio.gather(
        run_killed(tmp_path / "worker", "worker", seed=1, count=12, kills=1),
        run_killed(tmp_path / "server", "server", seed=1, count=12, kills=2),
    )
    assert workers.kills >= 1
    assert servers.kills == 2
    for ended in (workers, servers):
        found = ended.findings
        assert found.clean, (found.lost, found.missing, found.duplicates, found.unreplayable)
        assert found.acknowledged >= 12 * 3
    assert workers.findings.twice, "void: no activity ran twice"


@pytest.mark.timeout(180)
async def test_a_field_unit_that_gives_no_answer_for_two_days_loses_nothing(tmp_path: Path) -> None:
    """The other counterparties are in tests/workflows/test_outages.py, and in `make chaos`."""
    for outage in await run_outages(tmp_path, each=1, down=("field service",)):
        assert not outage.faults
        assert outage.visible


@pytest.mark.timeout(180)
async def test_a_deadline_that_nobody_watched_is_kept_or_its_breach_is_recorded_at_once(tmp_path: Path) -> None:
    absent = await run_absence(tmp_path, each=1)
    assert [fault for a in absent for fault in a.faults] == []


def test_of_a_permit_granted_anew_after_a_kill_the_last_stands_and_a_second_number_is_no_repetition() -> None:
    def permit(seq: int, key: str) -> dict[str, object]:
        return {"seq": seq, "what": "permit.granted", "key": f"case/permit.granted/field_crew/{key}"}

    cut = {"seq": 9, "what": "cut.reported", "key": "case/cut.reported/field_crew/1"}
    stands = as_it_stands([permit(1, "1"), permit(2, "1~352ff0fe3f1e"), permit(3, "2"), cut])
    assert [row["seq"] for row in stands] == [2, 3, 9]
    assert not gaps_among(str(row["key"]) for row in stands)
