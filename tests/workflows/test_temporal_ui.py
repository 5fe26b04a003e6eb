"""What Temporal UI shows of a case: where it stands, whose turn it is, what each timer, activity and message means."""

import asyncio
import json

from temporalio.api.sdk.v1 import WorkflowMetadata

from domain.contract.tables import SIGNALS, UPDATES
from tests.support.world import Case, World

PERSONAL = ("张三", "北京路1号", "13800000000")


async def metadata(case: Case) -> WorkflowMetadata:
    """What the page User Metadata and the forms for messages are made of."""
    found = await case.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert isinstance(found, WorkflowMetadata)
    return found


async def test_current_details_say_where_it_stands_who_is_awaited_and_what_is_unmet(world: World) -> None:
    """The contract: markdown, Chinese and English, at every stage; nothing unmet once supply is off."""
    case = await world.open()
    yellow = await case.notice("yellow")
    details = (await metadata(case)).current_details
    assert "**黄色催费** / yellow notice" in details
    assert (
        f"- reader: 送达通知书并回报 / deliver the notice and report (`record_delivery` {yellow['notice_id']}"
        in details
    )
    assert "- R-08 (II.2) 红色中止供电通知书尚未送达 / the red notice is not served" in details
    await case.to_red()
    await case.deliver("red")
    details = (await metadata(case)).current_details
    assert "centre_director: 审批停电 / approve or reject the cut" in details
    assert "R-12 (III.4)" in details
    assert "R-08" not in details
    await case.approve()
    assert "R-12" not in (await metadata(case)).current_details


async def test_current_details_of_a_customer_who_is_cut_off_list_no_conditions(world: World) -> None:
    """What is unmet for a cut is of no use to anyone once it is made."""
    case = await world.open()
    await case.to_cut()
    details = (await metadata(case)).current_details
    assert details.startswith("**已停电** / disconnected")
    assert "unmet" not in details


async def test_every_message_has_a_description(world: World) -> None:
    """The UI's forms list the messages by name, each with what it is for."""
    case = await world.open()
    definition = (await metadata(case)).definition
    signals = {d.name: d.description for d in definition.signal_definitions}
    updates = {d.name: d.description for d in definition.update_definitions}
    assert SIGNALS.keys() <= signals.keys()
    assert UPDATES.keys() <= updates.keys()
    queries = {d.name: d.description for d in definition.query_definitions if not d.name.startswith("__")}
    assert {"snapshot", "why_not_cut"} <= queries.keys()
    assert all(signals.values())
    assert all(updates.values())
    assert all(queries[name] for name in ("snapshot", "why_not_cut"))


async def test_every_timer_and_activity_has_a_summary_and_nothing_is_personal(world: World) -> None:
    """The contract: a summary on each; no name, phone or address in any event of a whole life."""
    case = await world.open()
    customer = await asyncio.to_thread(world.parts.billing.customer, case.account_id)
    assert customer is not None
    assert (customer.card.name, customer.card.address, customer.card.phone) == PERSONAL
    hidden = [form for p in PERSONAL for form in (p.encode(), json.dumps(p).strip('"').encode())]
    await case.to_cut()
    await case.pay("200.00")
    await case.restore()
    await case.result()
    unnamed, seen = [], 0
    async for event in case.handle.fetch_history_events():
        assert not any(h in event.SerializeToString() for h in hidden), event
        if event.HasField("timer_started_event_attributes") or event.HasField(
            "activity_task_scheduled_event_attributes"
        ):
            seen += 1
            if not event.user_metadata.summary.data:
                unnamed.append(event.event_id)
    assert seen >= 10
    assert unnamed == []
