"""A case's papers by commands: `proof` says which is changed or lost."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.case.test_restoration import declare_delay
from tests.edge.test_cli import Cli, Ended, cli
from tests.world import Case, World

__all__ = ["cli"]


@dataclass(frozen=True)
class Filed:
    """A life that left a paper of every kind, and the commands that look at its register and its folder."""

    world: World
    account: str
    cli: Cli

    async def papers(self) -> list[dict[str, Any]]:
        """What `proof` says of them, in the order of the case."""
        said: list[dict[str, Any]] = json.loads((await self.cli("proof", self.account, "--json")).out)["papers"]
        return said

    def path(self, paper: dict[str, Any]) -> Path:
        return self.world.settings.documents_folder / str(paper["key"])

    async def proof(self, *flags: str) -> Ended:
        return await self.cli("proof", self.account, *flags)


@pytest.fixture(scope="module")
async def life(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Case]:
    """Cut, paid, restored late: two notices, two tickets, a notice of delay."""
    async with world.apart(tmp_path_factory.mktemp("filed")) as own:
        case = await own.open()
        await case.to_cut()
        await case.pass_time(hours=3)
        await case.pay("200.00")
        await case.ticket("restore")
        await declare_delay(case)
        await case.restore()
        await case.result()
        await case.recorded("case.closed")
        yield case


@pytest.fixture
def filed(cli: Cli, life: Case, monkeypatch: pytest.MonkeyPatch) -> Filed:
    """The commands know its register and folder; there is no Temporal for them."""
    monkeypatch.setenv("ARREARS_REGISTER_URL", life.world.settings.register_url.get_secret_value())
    monkeypatch.setenv("ARREARS_DOCUMENTS", str(life.world.settings.documents_folder))
    return Filed(life.world, life.account_id, cli)


# ---- proof ------------------------------------------------------------------------------------


async def test_a_proof_whose_papers_are_as_they_were_can_be_relied_on(filed: Filed) -> None:
    assert (await filed.proof()).code == 0
    assert [p["state"] for p in await filed.papers()] == ["intact"] * 5


@pytest.mark.parametrize("place", range(5), ids=("yellow", "red", "cut", "restore", "delay"))
async def test_one_byte_of_a_paper_changed_makes_the_proof_doubtful(filed: Filed, place: int) -> None:
    """R-30: what was handed out is not what lies there; which paper, under which key, and what to do."""
    paper = (await filed.papers())[place]
    path, content = filed.path(paper), filed.path(paper).read_bytes()
    middle = len(content) // 2
    try:
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        doubted = await filed.proof("--json")
        said = json.loads(doubted.err)
        assert (doubted.code, said["type"]) == (1, "PapersNotIntact")
        named = {"about": paper["about"], "key": paper["key"], "state": "changed"}
        assert said["papers"] == [named]
        assert json.loads(doubted.out)["record"]["intact"] is True
        for_people = await filed.proof()
        assert for_people.code == 1
        for words in (paper["about"], paper["key"], "changed", "put it aside", "backup of ARREARS_DOCUMENTS"):
            assert words in for_people.err
    finally:
        path.write_bytes(content)


async def test_a_paper_that_is_gone_makes_the_proof_doubtful(filed: Filed) -> None:
    paper = (await filed.papers())[1]
    content = filed.path(paper).read_bytes()
    try:
        filed.path(paper).unlink()
        gone = await filed.proof()
        assert (gone.code, "PapersNotIntact" in gone.err) == (1, True)
        for words in (paper["about"], paper["key"], "missing", "backup of ARREARS_DOCUMENTS"):
            assert words in gone.err
        assert "文书缺失 missing" in gone.out
    finally:
        filed.path(paper).write_bytes(content)
