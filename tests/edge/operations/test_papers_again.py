"""A case's papers by commands: `proof` says which is changed or lost, `papers-again` prints a lost one again."""

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.edge.commands.test_application import Cli, Ended, cli
from tests.support.world import PEOPLE, Case, World
from tests.workflows.test_restoration import declare_delay

__all__ = ["cli"]


@dataclass(frozen=True)
class Filed:
    """A life that left a paper of every kind, and the commands that check its register and its folder."""

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
    """Cut, paid, restored by another unit than was first given: two notices, two tickets, a notice of delay."""
    async with world.apart(tmp_path_factory.mktemp("filed")) as own:
        case = await own.open()
        await case.to_cut()
        await case.pass_time(hours=3)
        await case.pay("200.00")
        ticket = await case.ticket("restore")
        await declare_delay(case)
        for role, to in (("field_unit", "FU-03"), ("reader", "r-018")):
            await case.update("reassign", "team_leader", role=role, to=to)
        crew = PEOPLE["field_crew"] | {"unit": "FU-03"}
        await case.update("report_restored", crew, ticket_id=ticket["ticket_id"])
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
        for words in (
            paper["about"],
            paper["key"],
            "missing",
            f"papers-again {filed.account} --case ",
            "backup of ARREARS_DOCUMENTS",
        ):
            assert words in gone.err
        assert "文书缺失 missing" in gone.out
    finally:
        filed.path(paper).write_bytes(content)


# ---- papers-again -----------------------------------------------------------------------------


@pytest.fixture
def folder(filed: Filed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder, which a test may spoil."""
    copy = shutil.copytree(filed.world.settings.documents_folder, tmp_path / "documents")
    monkeypatch.setenv("ARREARS_DOCUMENTS", str(copy))
    return copy


def kept(folder: Path) -> dict[Path, bytes]:
    """Every paper that lies there."""
    return {path: path.read_bytes() for path in folder.rglob("*.pdf")}


async def test_every_missing_paper_comes_back_as_it_was(filed: Filed, folder: Path) -> None:
    """R-30: notices, tickets, the notice of delay, to the byte; a second time there is nothing to print."""
    before = kept(folder)
    assert len(before) == 5
    shutil.rmtree(folder)
    again = (await filed.cli("papers-again", filed.account, "--json")).result
    assert [(p["state"], p["printed_again"]) for p in again["papers"]] == [("intact", True)] * 5
    assert kept(folder) == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in before)
    assert (await filed.proof()).code == 0
    second = (await filed.cli("papers-again", filed.account, "--case", again["case_key"], "--json")).result
    assert [(p["state"], p["printed_again"]) for p in second["papers"]] == [("intact", False)] * 5


async def test_a_paper_bears_the_name_and_address_that_it_was_issued_with(filed: Filed, folder: Path) -> None:
    """R-32: another holder has been read since; his name is on none of the former one's papers."""
    before = kept(folder)
    register = filed.world.parts.register
    former = register.card(filed.account)
    latter = former.model_copy(update={"name": "李四", "address": "南京路2号"})
    try:
        assert register.keep_card(latter).number > 1
        assert register.card(filed.account) == latter
        shutil.rmtree(folder)
        again = (await filed.cli("papers-again", filed.account, "--json")).result
        assert [(p["state"], p["printed_again"]) for p in again["papers"]] == [("intact", True)] * 5
        assert kept(folder) == before
    finally:
        register.keep_card(former)


async def test_a_paper_that_would_come_out_otherwise_is_not_put_back(
    filed: Filed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another name at its head, and it is not what was handed out: nothing is kept, and the command says so."""
    shutil.rmtree(folder)
    monkeypatch.setenv("ARREARS_PAPER_ISSUER", "North Grid")
    refused = await filed.cli("papers-again", filed.account, "--json")
    assert (refused.code, json.loads(refused.err)["type"]) == (1, "PapersNotIntact")
    assert len(json.loads(refused.err)["papers"]) == 5
    assert "ARREARS_PAPER_ISSUER" in json.loads(refused.err)["message"]
    assert not any(p["printed_again"] for p in json.loads(refused.out)["papers"])
    assert kept(folder) == {}


async def test_a_changed_paper_is_left_for_who_investigates_it(filed: Filed, folder: Path) -> None:
    yellow, red = (folder / paper["key"] for paper in (await filed.papers())[:2])
    yellow.write_bytes(b"forged")
    red.unlink()
    refused = await filed.cli("papers-again", filed.account)
    assert refused.code == 1
    assert "is changed: put it aside" in refused.err
    assert "is missing" not in refused.err
    assert yellow.read_bytes() == b"forged"
    assert red.is_file()
    yellow.unlink()
    assert (await filed.cli("papers-again", filed.account)).code == 0


async def test_nothing_is_printed_by_a_record_that_is_not_intact(
    filed: Filed, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest to compare with stands in the record: one that was rewritten vouches for nothing."""
    book = filed.world.settings.register_url.get_secret_value().removeprefix("sqlite:///")
    with closing(sqlite3.connect(book)) as source, closing(sqlite3.connect(tmp_path / "forged.db")) as forged:
        source.backup(forged)
        forged.execute("DROP TRIGGER evidence_no_update")
        forged.execute("UPDATE evidence SET actor_id = 'r-999' WHERE what = 'notice.delivered'")
        forged.commit()
    monkeypatch.setenv("ARREARS_REGISTER_URL", f"sqlite:///{tmp_path / 'forged.db'}")
    shutil.rmtree(folder)
    refused = await filed.cli("papers-again", filed.account, "--json")
    assert (refused.code, refused.refusal["type"]) == (1, "RecordNotIntact")
    assert kept(folder) == {}


async def test_an_account_without_a_case_has_no_papers(filed: Filed) -> None:
    assert (await filed.cli("papers-again", "nobody", "--json")).refusal["type"] == "NoCase"
