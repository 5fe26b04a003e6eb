"""Names, phones and addresses that only one person could have written, searched for in everything Temporal keeps."""

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, ListWorkflowExecutionsRequest

from tests.support.programs import until, worker_program
from tests.support.sealing import NAMESPACE, key
from tests.support.world import PEOPLE, SOON, Case, Refusal, World, running_world

# Of the customer: behind the activities, so never in a payload, encrypted or not.
CARD = {"name": "钱樟落zk7x", "address": "桐花巷九弄41号wq3v", "phone": "13877002941", "email": "zk7x@canary.example"}
# What people write into messages, which therefore pass through Temporal.
TOLD = {
    "recipient": "岳母褚青禾bm2r",
    "place": "栖霞里六幢902室ht8n",
    "witness": "邻居鲍雪舟fd5j",
    "words": "我哥电话13599418830别来了",
    "actor": "读表员施望舒yq6c",
    "remark": "已电话核实18655270913之住址gp4s",
    "stranger": "混入者祝余cw9d",
    "hold": "家有病人湛明霁rl1u",
    "malformed": "署名毕方kx0e",
    "how": "敲门告知其子澹台越jv3a",
}
# What another system says when it fails: it travels as a failure, and the worker's own log says it too.
FAULT = "库存故障阍者句芒nz8t"


def forms(canary: str) -> Iterator[bytes]:
    """Every spelling in which a text may lie in a file: plain, escaped, wide, in base64 at each of its three places."""
    escaped = json.dumps(canary)[1:-1].encode()
    for plain in {canary.encode(), escaped}:
        yield plain
        yield plain.hex().encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + plain)
            yield encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
    yield canary.encode("utf-16-le")
    yield canary.encode("utf-16-be")
    yield quote(canary).encode()


@dataclass
class Searched:
    """What was searched, and where something was found."""

    places: dict[str, bytes] = field(default_factory=dict)

    def hits(self, canaries: Iterable[str]) -> set[tuple[str, str]]:
        """Canary and place of every hit."""
        return {
            (canary, place)
            for canary in canaries
            for place, data in self.places.items()
            if any(form in data for form in forms(canary))
        }


async def everything(world: World, case: Case, folder: Path) -> Searched:
    """History, visibility, failures, logs, and the server's database with its log, as bytes and as rows."""
    service, found = world.client.workflow_service, Searched()
    history = await case.handle.fetch_history()
    found.places["history"] = b"".join(event.SerializeToString() for event in history.events)
    found.places["history as json"] = history.to_json().encode()
    listed = await service.list_workflow_executions(ListWorkflowExecutionsRequest(namespace=NAMESPACE))
    found.places["visibility"] = listed.SerializeToString()
    described = DescribeWorkflowExecutionRequest(namespace=NAMESPACE)
    described.execution.workflow_id = case.handle.id
    found.places["description"] = (await service.describe_workflow_execution(described)).SerializeToString()
    found.places["worker's log"] = (folder / "worker.log").read_bytes()
    for name in ("temporal.db", "temporal.db-wal", "temporal.db-shm"):
        if (folder / name).exists():
            found.places[name] = (folder / name).read_bytes()
    found.places["rows"] = b"\n".join(rows(folder / "temporal.db"))
    return found


def rows(database: Path) -> Iterator[bytes]:
    """Every value of every table: what a long value's pages tear apart is whole here."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.text_factory = bytes
        tables = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)


async def a_talkative_life(world: World) -> Case:
    """From the yellow notice to the restoration, with a refused signature and an outage; everybody writes too much."""
    case = await world.open(customer_class="non_residential", card=CARD)
    reader = {**PEOPLE["reader"], "name": TOLD["actor"]}
    await case.signal("hold_placed", hold_id="h-1", kind="medical", reason=TOLD["hold"], actor=PEOPLE["liaison"])
    await case.signal("hold_lifted", hold_id="h-1", actor=PEOPLE["liaison"])
    await case.signal("payment_reversed", payment_id="p-1", reason="bounced", at=TOLD["malformed"])
    yellow = await case.notice("yellow")
    delivered = {"notice_id": yellow["notice_id"], "outcome": "signed", "recipient": TOLD["recipient"]}
    with pytest.raises(Refusal, match="NotAllowed"):
        await case.update("record_delivery", {"id": "x-1", "role": "hotline", "name": TOLD["stranger"]}, **delivered)
    await case.update("record_delivery", reader, **delivered)
    red = await case.to_red_from_served_yellow()
    refusal = {"place": TOLD["place"], "persons": [TOLD["witness"]], "words": TOLD["words"], "evidence": "photo 1"}
    await case.deliver("red", "refused", refusal=refusal)
    for report in (await case.snapshot())["escalations"]:
        rung, number = report["rung"], report["escalation_id"]
        await case.update("acknowledge_escalation", rung, escalation_id=number, remark=TOLD["remark"])
    await case.approve("centre_director", "company_leader")
    await case.until(datetime.fromisoformat(red["cut_at"]) - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how=TOLD["how"])
    await case.until(await case.cut_time() + timedelta(minutes=1))
    permit = await case.permit(ticket)
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await asyncio.to_thread(world.parts.book.set_reachable, False, FAULT)
    await case.signal("recheck_requested", request_id="q-1", source="operator")
    await asyncio.sleep(0.5)
    await world.billing_back()
    await case.pay("200.00")
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    return case


async def search_a_life(folder: Path, keys: str) -> Searched:
    """A life on a server that keeps everything in a file, with a worker that logs into one."""
    async with running_world(folder, database=folder / "temporal.db", payload_keys=keys) as world:
        await world.stop_worker()
        async with worker_program(
            world, folder, ARREARS_PAYLOAD_KEYS=keys, ARREARS_LOG_FORMAT="json", ARREARS_RETRY_MAX_SECONDS="2"
        ) as program:
            await until(lambda: program.said("worker.started"), "a worker")
            case = await a_talkative_life(world)
            return await everything(world, case, folder)


async def test_with_keys_nothing_that_anybody_wrote_is_found_in_temporal(tmp_path: Path) -> None:
    """G1: 0 hits in history, visibility, failures, logs, and the server's database and its write-ahead log."""
    searched = await search_a_life(tmp_path, key("k1"))
    assert {"history", "visibility", "worker's log", "temporal.db", "temporal.db-wal", "rows"} <= searched.places.keys()
    assert all(len(data) > 100 for data in searched.places.values())
    assert searched.hits([*CARD.values(), *TOLD.values()]) == set()
    assert searched.hits([FAULT]) == {(FAULT, "worker's log")}


async def test_without_keys_what_people_wrote_is_found_and_what_is_known_of_the_customer_is_not(tmp_path: Path) -> None:
    """Else the search above would prove nothing: each text is found, in the history and in the server's database."""
    searched = await search_a_life(tmp_path, "off")
    hits = searched.hits([*TOLD.values(), FAULT])
    for place in ("history", "history as json", "rows"):
        assert {canary for canary, where in hits if where == place} == {*TOLD.values(), FAULT}, place
    assert {where for _, where in hits} & {"temporal.db", "temporal.db-wal"}
    assert searched.hits(CARD.values()) == set()


@pytest.mark.parametrize("canary", [CARD["name"], TOLD["words"], CARD["phone"]])
@pytest.mark.parametrize("shift", range(6))
def test_the_search_finds_a_text_in_each_spelling(canary: str, shift: int) -> None:
    letter = json.dumps({"x": "y" * shift + canary + " and so on"})
    in_chinese = json.dumps({"x": "y" * shift + canary + " and so on"}, ensure_ascii=False)
    for text in (letter.encode(), in_chinese.encode()):
        for data in (text, base64.b64encode(text), text.hex().encode()):
            assert Searched({"file": data}).hits([canary])
    assert Searched({"file": canary.encode("utf-16")}).hits([canary])
    assert not Searched({"file": b"something else"}).hits([canary])
