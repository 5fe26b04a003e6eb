"""R-16 by channel: he is notified once a channel accepted it; the next is tried; the reader asked if none takes it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.exceptions import ApplicationError

from edge.operations.proof import proof_of
from tests.support.receivers import HOST, Hook, Mailbox, free_port, hook, mailbox
from tests.support.world import PEOPLE, SOON, Case, World

CARD = {"phone": "13877002941", "email": "zk7x@canary.example"}


def to_mail(box: Mailbox) -> str:
    return f"mailto://{HOST}:{box.port}?from=no-reply@example.cn&to={{email}}"


def to_sms(told: Hook) -> str:
    return f"json://gateway:s3cret-9v@{HOST}:{told.port}/send?:to={{phone}}"


@asynccontextmanager
async def with_channels(
    world: World, folder: Path, customer: Mapping[str, str], crew: str = "", seconds: float = 1
) -> AsyncIterator[World]:
    """A world whose customers are notified by these channels, in this order, and whose crews by one webhook."""
    lines = [f"seconds = {seconds}"]
    for kind, url in customer.items():
        lines += ["[[customer]]", f'kind = "{kind}"', f'url = "{url}"']
    if crew:
        lines += ["[[staff]]", 'role = "field_crew"', f'channels = [{{ kind = "app", url = "{crew}" }}]']
    (folder / "channels.toml").write_text("\n".join(lines), "utf-8")
    async with world.apart(folder, notify=folder / "channels.toml") as apart:
        yield apart


async def tries(case: Case, count: int) -> list[tuple[str, str]]:
    """What each channel said, as the evidence has it."""
    return [(e.detail["channel"], e.detail["outcome"]) for e in await case.recorded("channel.tried", count)]


async def is_notified(case: Case) -> None:
    await case.becomes(lambda s: "record_final_notice" not in {a["act"] for a in s["waiting_for"]}, "the telling")


async def test_an_accepted_mail_is_the_notification_and_the_cut_is_lawful(world: World, tmp_path: Path) -> None:
    """Notified without the reader, who is not even asked; the proof reads R-16 and R-30 as met."""
    with mailbox() as box:
        async with with_channels(world, tmp_path, {"email": to_mail(box)}) as told:
            case = await told.open(card=CARD)
            ticket = await case.to_half_hour()
            await is_notified(case)
            [sent] = box.mails
            assert box.recipients == [[CARD["email"]]]
            assert str(sent["Subject"]).startswith("停电提醒")
            assert "将于" in sent.get_content()
            assert await tries(case, 1) == [("email", "accepted")]
            [fact] = await case.recorded("customer.told_by_channel")
            assert (fact.clause, fact.actor_id, fact.detail["channel"]) == ("II.4", None, "email")
            assert fact.detail["counts"] is True
            t = await case.cut_time()
            assert t - timedelta(minutes=30) <= fact.at <= t
            await case.until(t + timedelta(minutes=1))
            permit = await case.permit(ticket)
            assert permit["granted"], permit
            await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
            assert [m.subject for m in await case.messages("reader") if m.subject == "tell the customer again"] == []
            await case.recorded("cut.reported")
            proof = await asyncio.to_thread(proof_of, told.parts, case.account_id, None)
            verdicts = {line.rule: line.verdict for line in proof.rules}
            assert (verdicts["R-16"], verdicts["R-30"], verdicts["P1"]) == ("met", "met", "met")


async def test_the_next_channel_is_tried_and_no_number_is_in_evidence_or_history(world: World, tmp_path: Path) -> None:
    """Mail hangs after DATA, the gateway refuses, the app takes it: each is on record, with the time, by its kind."""
    with mailbox(slow=30) as box, hook(status=503) as gateway, hook() as app:
        ways = {
            "email": to_mail(box),
            "sms": to_sms(gateway),
            "app": f"json://{HOST}:{app.port}/accounts/{{account}}",
        }
        async with with_channels(world, tmp_path, ways, seconds=0.5) as told:
            case = await told.open(card=CARD)
            await case.to_half_hour()
            await is_notified(case)
            assert await tries(case, 3) == [("email", "dead"), ("sms", "refused"), ("app", "accepted")]
            [fact] = await case.recorded("customer.told_by_channel")
            assert fact.detail["channel"] == "app"
            assert [e.at for e in await case.evidence("channel.tried")][-1] == fact.at
            notice = (await case.messages("customer"))[-1]
            assert (app.keys, app.paths) == ([notice.key], [f"/accounts/{case.account_id}"])
            assert [body["to"] for body in gateway.bodies] == [CARD["phone"]]
            kept = json.dumps([e.model_dump(mode="json") for e in await case.evidence()], ensure_ascii=False)
            kept += (await case.handle.fetch_history()).to_json()
            with told.parts.register_engine.connect() as connection:
                rows = connection.execute(text("SELECT * FROM deliveries")).all()
            assert [row.channel for row in rows] == ["email", "sms", "app"]
            kept += str(rows)
            assert [secret for secret in (*CARD.values(), "s3cret-9v") if secret in kept] == []


async def test_what_his_record_prefers_is_tried_before_the_table_and_the_table_follows(
    world: World, tmp_path: Path
) -> None:
    """From the billing book to the receivers; the preference is personal, and stays out of what Temporal keeps."""
    with mailbox(recipient="550 no such user") as box, hook() as gateway, hook() as app:
        ways = {
            "app": f"json://{HOST}:{app.port}/accounts/{{account}}",
            "sms": to_sms(gateway),
            "email": to_mail(box),
        }
        async with with_channels(world, tmp_path, ways) as told:
            case = await told.open(card=CARD | {"preferred_channel": "sms"})
            await case.to_half_hour()
            await is_notified(case)
            assert await tries(case, 1) == [("sms", "accepted")]
            assert ([body["to"] for body in gateway.bodies], app.bodies) == ([CARD["phone"]], [])
            by_mail = await told.open(card=CARD | {"preferred_channel": "email"})
            await by_mail.to_half_hour()
            await is_notified(by_mail)
            assert await tries(by_mail, 2) == [("email", "refused"), ("app", "accepted")]
            [fact] = await by_mail.recorded("customer.told_by_channel")
            assert (fact.detail["channel"], fact.detail["counts"]) == ("app", True)
            assert app.paths == [f"/accounts/{by_mail.account_id}"]
            kept = b"".join([e.SerializeToString() async for e in by_mail.handle.fetch_history_events()])
            assert by_mail.account_id.encode() in kept
            assert b"preferred" not in kept


@pytest.mark.parametrize("card", [CARD, {"phone": "", "email": ""}], ids=["all_dead", "no_address"])
async def test_if_no_channel_takes_it_the_reader_is_asked_and_can_still_notify(
    world: World, tmp_path: Path, card: dict[str, str]
) -> None:
    ways = {"email": to_mail(Mailbox(port=free_port())), "sms": to_sms(Hook(port=free_port()))}
    async with with_channels(world, tmp_path, ways) as told:
        case = await told.open(card=card)
        ticket = await case.to_half_hour()
        asked = await case.notified("reader", "tell the customer again")
        assert asked.about == ticket["ticket_id"]
        outcome = "dead" if card["phone"] else "unaddressed"
        assert await tries(case, 2) == [("email", outcome), ("sms", outcome)]
        assert "R-16" in await case.why_not()
        answer = await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
        assert answer == {"told": True}
        assert "R-16" not in await case.why_not()


async def test_a_refused_notice_that_nobody_passes_on_lets_the_time_slip(world: World, tmp_path: Path) -> None:
    with mailbox(recipient="550 no such user") as box:
        async with with_channels(world, tmp_path, {"email": to_mail(box)}) as told:
            case = await told.open(card=CARD)
            ticket = await case.to_half_hour()
            t = await case.cut_time()
            assert await tries(case, 1) == [("email", "refused")]
            await case.until(t + SOON)
            snap = await case.becomes(lambda s: s["tickets"][0]["state"] == "recalled", "the recall")
            assert snap["tickets"][0]["ticket_id"] == ticket["ticket_id"]
            assert await case.evidence("customer.told_by_channel") == []


async def test_who_has_paid_is_not_notified(world: World, tmp_path: Path) -> None:
    """Billing is asked first: a payment that no event announced is found there, and no mail threatens with a cut."""
    with mailbox() as box:
        async with with_channels(world, tmp_path, {"email": to_mail(box)}) as told:
            case = await told.open(card=CARD)
            ticket = await case.to_ticket()
            await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
            await case.until(await case.cut_time() - timedelta(hours=1))
            await case.pay("200.00", reported=False)
            await case.pass_time(minutes=31)
            assert (await case.result())["outcome"] == "settled"
            assert (box.mails, await case.messages("customer"), await case.evidence("channel.tried")) == ([], [], [])


async def being_notified(told: World, hanging: Hook) -> Case:
    """A case at T - 30 min, of which the customer's channel has been asked, and has not answered."""
    case = await told.open(card=CARD)
    ticket = await case.to_ticket()
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(await case.cut_time() - timedelta(minutes=30))
    for _ in range(200):
        if hanging.bodies:
            return case
        await asyncio.sleep(0.02)
    raise AssertionError("the channel was not tried")


async def test_restoration_does_not_wait_behind_a_channel_that_hangs(world: World, tmp_path: Path) -> None:
    """Found cut off while the channels are being tried: the restoration ticket is out before they have answered."""
    with ExitStack() as receivers:
        hanging = receivers.enter_context(hook(slow=60))
        async with with_channels(world, tmp_path, {"sms": to_sms(hanging)}, seconds=8) as told:
            case = await being_notified(told, hanging)
            await case.signal(
                "supply_found_cut", report_id="f-1", meter_id=f"M-{case.account_id}", reported_by="x", source="hotline"
            )
            await case.ticket("restore")
            assert await case.evidence("channel.tried") == [], "the channel has not answered yet"
            receivers.close()
            assert await tries(case, 1) == [("sms", "accepted")]
            assert await case.evidence("customer.told_by_channel") == [], "the attempt had ended by then"


async def test_channels_that_give_no_answer_in_time_are_on_record_and_the_reader_is_asked(
    world: World, tmp_path: Path
) -> None:
    """Whether the customer was notified is not known: that is evidence, no notification. An operator ends the wait."""
    with ExitStack() as receivers:
        hanging = receivers.enter_context(hook(slow=60))
        async with with_channels(world, tmp_path, {"sms": to_sms(hanging)}, seconds=10) as told:
            case = await being_notified(told, hanging)
            (trying,) = (await case.handle.describe()).raw_description.pending_activities
            assert trying.activity_type.name == "tell_customer"
            beside = told.client.get_async_activity_handle(
                workflow_id=case.handle.id, run_id=None, activity_id=trying.activity_id
            )
            await beside.fail(ApplicationError("the gateway is down", non_retryable=True))
            assert await tries(case, 1) == [("any", "unknown")]
            await case.notified("reader", "tell the customer again")
            assert await case.evidence("customer.told_by_channel") == []


async def test_a_revocation_reaches_the_crews_channel_at_once(world: World, tmp_path: Path) -> None:
    """P2: the customer pays while the crew holds its permit; seconds later its channel has been stopped."""
    with mailbox() as box, hook() as crew:
        url = f"json://{HOST}:{crew.port}/crews/{{unit}}"
        async with with_channels(world, tmp_path, {"email": to_mail(box)}, url) as told:
            case = await told.open(card=CARD)
            ticket = await case.to_half_hour()
            await is_notified(case)
            await case.until(await case.cut_time() + timedelta(minutes=1))
            assert (await case.permit(ticket))["granted"]
            loop = asyncio.get_running_loop()
            began = loop.time()
            await case.pay("200.00")
            while not crew.of("撤销停电许可 permit revoked"):
                assert loop.time() - began < 5, "the crew was not told"
                await asyncio.sleep(0.02)
            assert loop.time() - began < 2
            await case.update("report_not_cut", PEOPLE["field_crew"], ticket_id=ticket["ticket_id"], reason="paid")
            assert (await case.result())["outcome"] == "settled"
            titles = [body["title"] for body in crew.bodies]
            assert "催费停电工作票 Disconnection ticket" in titles
            assert set(crew.paths) == {f"/crews/{PEOPLE['field_crew']['unit']}"}
