"""A case's papers: each step but a restoration waits for its own, which the evidence names, and which is intact."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from domain.papers.sheets import Document
from domain.proof.rules import prove
from tests.support.register_reading import WholeRegister
from tests.support.world import Case, World
from tests.workflows.test_restoration import declare_delay


async def paper_of(case: Case, about: str, kind: str) -> str:
    """The text of the paper that the record names for that id, which must be intact, and the only one."""
    filed = [e for e in await case.evidence("paper.filed") if (e.about, e.detail["kind"]) == (about, kind)]
    (entry,) = filed
    document = Document(key=entry.detail["document"], sha256=entry.detail["sha256"])
    assert case.world.parts.papers.state_of(document) == "intact"
    read = PdfReader(case.world.settings.documents_folder / document.key)
    return "".join("".join(page.extract_text().split()) for page in read.pages)


async def filed(case: Case, count: int) -> list[str]:
    """Kinds of the papers in the record, once there are so many."""
    return [e.detail["kind"] for e in await case.recorded("paper.filed", count)]


async def test_a_life_leaves_its_papers(world: World) -> None:
    """R-05, R-07, R-15, R-22, R-26: notices, tickets and the notice of delay, each as the case decided it."""
    case = await world.open(card={"name": "欧阳 #panic()"})
    ticket = await case.to_cut()
    await case.pass_time(hours=3)
    await case.pay("200.00")
    restore = await case.ticket("restore")
    await declare_delay(case)
    kinds = await filed(case, 5)  # a restoration waits for no printer: the delay may be on paper before the ticket
    assert sorted(kinds) == ["cut", "delay", "red", "restore", "yellow"]

    snap = await case.snapshot()
    for notice in snap["notices"]:
        text = await paper_of(case, notice["notice_id"], notice["kind"])
        assert case.account_id in text
        assert "欧阳#panic()" in text
        assert notice["bills"][0] in text
        (row,) = [
            n
            for n in WholeRegister(world.parts.reader.engine).notices(case.account_id)
            if n.notice_id == notice["notice_id"]
        ]
        assert row.document_key is not None
        assert row.document_sha256 in {e.detail["sha256"] for e in await case.evidence("paper.filed")}
    assert ticket["meter_id"] in await paper_of(case, ticket["ticket_id"], "cut")
    assert "复电工作票" in await paper_of(case, restore["ticket_id"], "restore")
    assert "thelineisdownafterastorm" in await paper_of(case, restore["ticket_id"], "delay")

    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await case.recorded("case.closed")
    file = world.parts.reader.case_file(case.account_id)
    assert file is not None
    assert [line.rule for line in prove(file, world.policy) if line.verdict == "breached"] == []


async def test_papers_speak_english_where_the_setting_says_so(world: World, tmp_path: Path) -> None:
    async with world.apart(tmp_path, paper_language="en", paper_issuer="North Grid") as abroad:
        case = await abroad.open()
        yellow = await case.notice("yellow")
        await filed(case, 1)
        text = await paper_of(case, yellow["notice_id"], "yellow")
        assert "NorthGrid" in text
        assert "Finalpaymentdeadline" in text


async def test_no_notice_goes_out_without_its_paper_and_the_fault_shows(world: World, tmp_path: Path) -> None:
    """A folder that takes nothing: the activity is tried again and says why; the notice comes with its paper."""
    (tmp_path / "documents").touch()
    async with world.apart(tmp_path, documents=tmp_path / "documents") as without_paper:
        case = await without_paper.open()
        said = await failure(case, "issue_notice")
        assert "no paper can be kept in" in said
        assert "set ARREARS_DOCUMENTS" in said
        assert "张三" not in said
        assert WholeRegister(without_paper.parts.reader.engine).notices(case.account_id) == ()
        (tmp_path / "documents").unlink()
        await case.pass_time(minutes=2)
        assert await filed(case, 1) == ["yellow"]
        assert len(WholeRegister(without_paper.parts.reader.engine).notices(case.account_id)) == 1


async def test_a_notice_that_fell_away_leaves_the_register_though_the_printer_is_down(
    world: World, tmp_path: Path
) -> None:
    """R-30: he has paid; the case waits for its paper before it closes, and the register does not wait with it."""
    (tmp_path / "documents").touch()
    async with world.apart(tmp_path, documents=tmp_path / "documents") as without_paper:
        case = await without_paper.open()
        await failure(case, "issue_notice")
        await case.pay("200.00")
        await case.recorded("notice.void")
        (tmp_path / "documents").unlink()
        await case.pass_time(minutes=2)
        assert (await case.result())["outcome"] == "settled"


async def test_restoration_does_not_wait_for_a_printer(world: World, tmp_path: Path) -> None:
    """III.3: the restoration ticket is in the crew's inbox at once; its paper follows when the folder is back."""
    folder = tmp_path / "documents"
    async with world.apart(tmp_path, documents=folder) as broken:
        case = await broken.open()
        await case.to_cut()
        folder.rename(tmp_path / "moved")
        folder.touch()
        await case.pay("200.00")
        restore = await case.ticket("restore")
        assert "no paper can be kept in" in await failure(case, "send_ticket")
        inbox = WholeRegister(broken.parts.reader.engine).inbox("FU-02")
        assert [t.ticket_id for t in inbox if t.kind == "restore"] == [restore["ticket_id"]]
        await case.restore()
        folder.unlink()
        (tmp_path / "moved").rename(folder)
        await case.pass_time(minutes=2)
        assert (await case.result())["outcome"] == "restored"
        assert "复电工作票" in await paper_of(case, restore["ticket_id"], "restore")
        assert len(await case.evidence("ticket.sent")) == 2


async def test_restoration_does_not_wait_for_an_installation_at_fault(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """III.3: it is no outage of the printer, but a fault that nobody has thought of."""
    async with world.apart(tmp_path, documents=tmp_path / "documents") as broken:
        case = await broken.open()
        await case.to_cut()
        with monkeypatch.context() as patch:
            patch.setattr("adapters.papers.typst.inputs", lambda *_given: 1 / 0)
            await case.pay("200.00")
            restore = await case.ticket("restore")
            assert "division by zero" in await failure(case, "send_ticket")
            inbox = WholeRegister(broken.parts.reader.engine).inbox("FU-02")
            assert restore["ticket_id"] in [t.ticket_id for t in inbox if t.kind == "restore"]
            await case.restore()
        await case.pass_time(minutes=2)
        assert (await case.result())["outcome"] == "restored"


async def test_a_delay_is_on_record_at_once_though_its_paper_waits(world: World, tmp_path: Path) -> None:
    """R-26: what else is in the record does not wait for a printer."""
    folder = tmp_path / "documents"
    async with world.apart(tmp_path, documents=folder) as broken:
        case = await broken.open()
        await case.to_cut()
        await case.pay("200.00")
        restore = await case.ticket("restore")
        await filed(case, 4)
        folder.rename(tmp_path / "moved")
        folder.touch()
        await declare_delay(case)
        await case.recorded("delay.declared")
        assert "no paper can be kept in" in await failure(case, "write_record")
        folder.unlink()
        (tmp_path / "moved").rename(folder)
        await case.pass_time(minutes=2)
        kinds = await filed(case, 5)  # in either order, as above
        assert sorted(kinds) == ["cut", "delay", "red", "restore", "yellow"]
        assert "延期恢复供电告知书" in await paper_of(case, restore["ticket_id"], "delay")


async def failure(case: Case, activity: str) -> str:
    """What Temporal shows of an activity that is tried again."""
    for _ in range(400):
        pending: list[Any] = list((await case.handle.describe()).raw_description.pending_activities)
        for one in pending:
            if one.activity_type.name == activity and one.attempt > 1:
                return str(one.last_failure.message)
        await asyncio.sleep(0.05)
        await case.pass_time(seconds=1)
    raise AssertionError(f"{activity} did not fail: {pending}")
