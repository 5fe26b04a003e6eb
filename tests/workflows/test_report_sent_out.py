"""The month's report on its way to the liaison: by the routing table, once, however often its making is repeated."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.support.receivers import HOST, Hook, Mailbox, hook, mailbox
from tests.support.world import World


@asynccontextmanager
async def with_liaison(world: World, folder: Path, url: str) -> AsyncIterator[World]:
    """A utility with empty books whose liaison is reached there; its papers would go to `folder / "papers"`."""
    table = folder / "channels.toml"
    table.write_text(f'[[staff]]\nrole = "liaison"\nchannels = [{{ kind = "office", url = "{url}" }}]\n', "utf-8")
    async with world.apart(folder, notify=table, documents=folder / "papers", retry_max_seconds=1) as apart:
        yield apart


async def until(ready: Callable[[], bool]) -> None:
    for _ in range(400):
        if await asyncio.to_thread(ready):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def rows(utility: World, query: str) -> list[tuple[Any, ...]]:
    with utility.parts.register_engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def tried(utility: World) -> list[tuple[Any, ...]]:
    return rows(utility, "SELECT message_key, channel, outcome FROM deliveries ORDER BY attempt, place")


def waits(utility: World) -> int:
    return len(rows(utility, "SELECT message_key FROM unsent"))


async def start(utility: World) -> Any:
    queue = utility.settings.task_queue
    return await utility.client.start_workflow("GovernmentReport", id=f"report-{queue}", task_queue=queue)


async def test_the_report_is_with_the_liaison_once_though_its_making_was_repeated(world: World, tmp_path: Path) -> None:
    """The folder takes no paper at first: the activity is tried again until it does, and the message goes out once."""
    (tmp_path / "papers").touch()
    with hook() as receiver:
        async with with_liaison(world, tmp_path, _to(receiver)) as utility:
            making = await start(utility)
            await until(lambda: receiver.bodies != [])

            async def attempts() -> int:
                pending = (await making.describe()).raw_description.pending_activities
                return max((a.attempt for a in pending), default=0)

            for _ in range(400):
                if await attempts() >= 3:
                    break
                await asyncio.sleep(0.02)
            else:
                raise AssertionError("it was not tried again")
            (tmp_path / "papers").unlink()
            made = await asyncio.wait_for(making.result(), 20)
            await until(lambda: waits(utility) == 0)
            [body] = receiver.bodies
            [report] = utility.parts.reports.reports()
            assert (made["report_id"], body["title"]) == (
                report.report_id,
                f"欠费停复电月报 {report.month} government report {report.month}",
            )
            assert report.text_zh in body["message"]
            assert report.text_en.strip() in body["message"]
            assert receiver.keys == [f"{report.report_id}/liaison"]
            assert tried(utility) == [(receiver.keys[0], "office", "accepted")]


async def test_a_liaison_who_has_a_mailbox_gets_it_by_mail(world: World, tmp_path: Path) -> None:
    with mailbox() as box:
        async with with_liaison(world, tmp_path, _to_mail(box)) as utility:
            await asyncio.wait_for((await start(utility)).result(), 20)
            await until(lambda: waits(utility) == 0)
    [mail] = box.mails
    assert str(mail["subject"]).startswith("欠费停复电月报 20")
    assert box.recipients == [["liaison@example.cn"]]


def _to(receiver: Hook) -> str:
    return f"json://{HOST}:{receiver.port}/liaison"


def _to_mail(box: Mailbox) -> str:
    return f"mailto://{HOST}:{box.port}?from=no-reply@example.cn&to={{role}}@example.cn"
