"""How a case opens, what never becomes one, and how accounts and cases belong together (R-01, R-02)."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from domain.money.book import BookedBill
from tests.support.register_reading import WholeRegister
from tests.support.world import Case, Refusal, World, overdue_event


async def started_raw(world: World, workflow_id: str, *args: Any) -> dict[str, Any]:
    """A case started by hand, as from Temporal's CLI; returns how it ended."""
    handle = await world.client.start_workflow(
        "ArrearsCase", args=list(args), id=workflow_id, task_queue=world.settings.task_queue
    )
    answer: dict[str, Any] = await asyncio.wait_for(handle.result(), 20)
    return answer


async def test_overdue_bill_gets_a_yellow_notice_and_nothing_more(world: World) -> None:
    """R-01: the late fee has accrued, so a yellow notice is issued; only the reader is awaited."""
    case = await world.open(amount="200.00", overdue_days=40)
    yellow = await case.notice("yellow")
    snap = await case.snapshot()
    assert snap["stage"] == "yellow_notice"
    assert snap["owed"] == "200.00"
    assert snap["late_fee"] == "8.00", "40 days at 1 ‰ a day"
    assert yellow["state"] == "to_deliver"
    assert [a["act"] for a in snap["waiting_for"]] == ["record_delivery"]
    assert [n["kind"] for n in snap["notices"]] == ["yellow"]


async def test_supply_stays_on_until_a_case_is_complete(world: World) -> None:
    """R-02: supply is continuous by default; at the opening nearly every condition for a cut is unmet."""
    case = await world.open()
    await case.notice("yellow")
    unmet = await case.why_not()
    assert {"R-06", "R-07", "R-08", "R-12", "R-15", "R-16", "R-17", "R-18"} <= set(unmet)
    snap = await case.snapshot()
    assert "cut_at" not in snap
    assert "permit" not in snap


async def test_bill_is_overdue_from_the_day_after_its_due_date_and_not_before(world: World) -> None:
    """R-01: 00:00 local of the day after the due date. A case in the evening of the due day would close settled."""
    yesterday = await world.open(overdue_days=1, amount="50.00")
    assert len((await yesterday.notice("yellow"))["bills"]) == 1
    today = await world.open(overdue_days=0, amount="50.00")
    ended = await today.result()
    assert ended["outcome"] == "settled"
    assert ended["account_id"] == today.account_id
    assert datetime.fromisoformat(ended["closed_at"]).tzinfo is not None


async def test_bills_not_yet_due_are_no_arrears(world: World) -> None:
    """R-01: of two bills the one that is not yet overdue is on no notice and not in what is owed."""
    account = await world.customer()
    overdue = await world.bill(account, "80.00", overdue_days=20)
    await world.bill(account, "90.00", overdue_days=-5)
    case = await world.open(account)
    yellow = await case.notice("yellow")
    assert yellow["bills"] == [overdue]
    assert yellow["amount"] == "80.00"
    assert (await case.snapshot())["owed"] == "80.00"


async def test_nothing_overdue_closes_settled_and_issues_nothing(world: World) -> None:
    """R-01: a case without arrears issues no notice and closes settled."""
    case = await world.open(amount="30.00", overdue_days=-10)
    assert (await case.result())["outcome"] == "settled"
    assert await case.evidence("notice.issued") == []
    assert (await case.snapshot())["notices"] == []


async def test_debt_under_the_least_debt_closes_withdrawn_with_the_reason(world: World) -> None:
    """R-01: under `min_debt` a raw start closes withdrawn; at `min_debt` the procedure begins."""
    small = await world.open(amount="9.99")
    ended = await small.result()
    assert ended["outcome"] == "withdrawn"
    assert "9.99" in ended["reason"]
    assert "10.00" in ended["reason"]
    assert await small.evidence("notice.issued") == []
    enough = await world.open(amount="10.00")
    assert (await enough.notice("yellow"))["amount"] == "10.00"


async def test_least_debt_counts_the_whole_of_what_is_owed(world: World) -> None:
    """R-01: two small bills are one debt."""
    account = await world.customer()
    await world.bill(account, "6.00", overdue_days=60)
    await world.bill(account, "6.00", overdue_days=30)
    case = await world.open(account)
    assert (await case.notice("yellow"))["amount"] == "12.00"


async def test_unknown_account_closes_withdrawn_with_the_reason(world: World) -> None:
    """The billing system is the only source: what it does not know is no case (contract)."""
    ended = await started_raw(world, "arrears-NOBODY-1", {"account_id": "NOBODY-1"})
    assert ended["outcome"] == "withdrawn"
    assert "NOBODY-1" in ended["reason"]


async def test_raw_start_without_a_policy_takes_the_workers(world: World) -> None:
    """Started from Temporal's UI with an account id alone, the case walks under the worker's pack."""
    account = await world.customer()
    await world.bill(account)
    handle = await world.client.start_workflow(
        "ArrearsCase", {"account_id": account}, id=f"arrears-{account}", task_queue=world.settings.task_queue
    )
    case = Case(world, account, handle)
    await case.notice("yellow")
    assert (await case.snapshot())["policy"] == world.policy.label


@pytest.mark.parametrize(
    ("opening", "names"),
    [
        ((), "payload"),
        (("A-1",), "payload"),
        (({},), "account_id"),
        (({"account_id": 7},), "account_id"),
        (({"account_id": "x", "policy": {"timezone": "Mars/Olympus"}},), "policy.timezone"),
        (({"account_id": "x", "policy": {"min_overdue_days": 3}},), "policy.min_overdue_days"),
    ],
    ids=["nothing", "text", "empty", "number", "bad zone", "under the statute"],
)
async def test_bad_start_closes_withdrawn_and_says_what_is_wrong(
    world: World, opening: tuple[Any, ...], names: str
) -> None:
    """No start, however malformed, fails or wedges: it closes withdrawn with the field (contract)."""
    workflow_id = f"arrears-bad-{abs(hash((names, str(opening))))}"
    ended = await started_raw(world, workflow_id, *opening)
    assert ended["outcome"] == "withdrawn"
    assert names in ended["reason"]


async def test_workflow_id_must_name_the_account(world: World) -> None:
    """One case per account: a start under another id would be a second case of it, and closes withdrawn."""
    account = await world.customer()
    await world.bill(account)
    ended = await started_raw(world, f"arrears-{account}-2", {"account_id": account})
    assert ended["outcome"] == "withdrawn"
    assert f"arrears-{account}" in ended["reason"]
    assert await Case(world, account, world.client.get_workflow_handle("none")).evidence("notice.issued") == []


async def test_message_to_what_never_became_a_case_is_refused(world: World) -> None:
    """An update that comes while the account is still being read waits; it is refused once there is no case."""
    await world.outage()
    try:
        handle = await world.client.start_workflow(
            "ArrearsCase",
            {"account_id": "NOBODY-2"},
            id="arrears-NOBODY-2",
            task_queue=world.settings.task_queue,
            start_signal="bill_overdue",
            start_signal_args=[overdue_event("NOBODY-2")],
        )
        case = Case(world, "NOBODY-2", handle)
        early = asyncio.create_task(case.update("withdraw", "centre_director", reason="error"))
        early_on = await case.becomes(lambda s: s.get("opened") is False, "the look-up")
        assert_shape_of_a_snapshot(early_on, "NOBODY-2")
        assert early_on["stage"] == "yellow_notice"
        await asyncio.sleep(0.2)
        assert not early.done()
    finally:
        await world.billing_back()
    with pytest.raises(Refusal) as refused:
        await early
    assert refused.value.type == "NotWaiting"
    assert "NOBODY-2" in refused.value.message
    assert (await case.result())["outcome"] == "withdrawn"


def assert_shape_of_a_snapshot(snap: dict[str, Any], account_id: str) -> None:
    """Every field that is not optional in the contract is there, from the first moment on."""
    lists = ("bills", "notices", "approvals", "tickets", "escalations", "holds", "incidents", "waiting_for")
    assert all(isinstance(snap[name], list) for name in lists)
    assert snap["account_id"] == account_id
    assert Decimal(snap["owed"]) >= 0
    assert Decimal(snap["late_fee"]) >= 0
    assert datetime.fromisoformat(snap["as_of"]).tzinfo is not None
    assert snap["opened"] or snap["reason"]


async def test_a_snapshot_has_one_shape_from_the_first_moment(world: World) -> None:
    """A program that asks right after the start finds every list, empty; an open case has the same fields."""
    reported = {"report_id": "r-1", "meter_id": "M-1", "reported_by": "neighbour", "source": "hotline"}
    account = await world.customer()
    await world.bill(account)
    await world.outage()
    try:
        case = await world.open(account, signal="supply_found_cut", payload=reported)
        looked_up = await case.snapshot()
        assert_shape_of_a_snapshot(looked_up, case.account_id)
        assert (looked_up["opened"], looked_up["stage"]) == (False, "yellow_notice")
    finally:
        await world.billing_back()
    opened = await case.becomes(lambda s: s["opened"], "the opening")
    assert_shape_of_a_snapshot(opened, case.account_id)
    assert set(looked_up) - {"reason"} <= set(opened)


async def test_one_running_case_an_account(world: World) -> None:
    """Signal-with-start joins the running case; a second plain start is refused by the server."""
    case = await world.open()
    first = (await case.notice("yellow"))["notice_id"]
    again = await world.open(case.account_id)
    assert (await again.notice("yellow"))["notice_id"] == first
    assert again.handle.id == case.handle.id
    with pytest.raises(WorkflowAlreadyStartedError):
        await started_raw(world, case.handle.id, {"account_id": case.account_id})


async def test_closed_case_is_followed_by_another_with_notices_of_its_own(world: World) -> None:
    """A closed case may be followed by another; keys of the first never swallow notices of the second."""
    first = await world.open()
    old = await first.notice("yellow")
    await first.pay("200.00")
    assert (await first.result())["outcome"] == "settled"
    await world.bill(first.account_id, "75.00", overdue_days=3)
    second = await world.open(first.account_id)
    new = await second.notice("yellow")
    assert new["notice_id"] != old["notice_id"]
    assert new["amount"] == "75.00"
    await second.recorded("notice.issued", 2)
    filed = await asyncio.to_thread(WholeRegister(world.parts.reader.engine).notices, first.account_id)
    assert {n.notice_id for n in filed} == {old["notice_id"], new["notice_id"]}
    assert (await asyncio.to_thread(world.parts.reader.verify, first.account_id)).intact


async def test_bounced_payment_opens_a_closed_case_anew(world: World) -> None:
    """A payment taken back re-opens the debt; the case closed on it is opened anew, from the yellow notice."""
    first = await world.open()
    await first.deliver("yellow")
    payment = await first.pay("200.00")
    assert (await first.result())["outcome"] == "settled"
    with pytest.raises(RPCError, match=r"completed|not found"):  # booked, but no case is left
        await first.reverse(payment, "200.00")
    second = await world.open(
        first.account_id, signal="payment_reversed", payload={"payment_id": payment, "reason": "cheque bounced"}
    )
    yellow = await second.notice("yellow")
    assert yellow["state"] == "to_deliver"
    assert yellow["amount"] == "200.00"
    assert [e.about for e in await second.recorded("payment.reversed")] == [payment]


async def test_further_bill_joins_the_case_and_waits_for_its_own_yellow_notice(world: World) -> None:
    """R-05: the red notice names the bills of the served yellow one; a later bill waits, then gets its own."""
    case = await world.open(amount="200.00")
    await case.deliver("yellow")
    first = (await case.notice("yellow"))["bills"]
    today = (await case.now()).astimezone(world.policy.zone).date()
    later = BookedBill(f"L-{case.account_id}", case.account_id, today - timedelta(days=1), Decimal("60.00"))
    await asyncio.to_thread(world.parts.book.add_bills, (later,))
    event = {**overdue_event(case.account_id, "60.00"), "bill_id": later.bill_id}
    await case.signal("bill_overdue", **event)
    await case.signal("bill_overdue", **event)  # the same event again says nothing new
    await case.becomes(lambda s: s["owed"] == "260.00", "the further bill")
    assert len(await case.recorded("bill.overdue", 2)) == 2, "the opening one and this one"
    red = await case.to_red()
    assert red["bills"] == first
    assert red["amount"] == "200.00"
    await case.pay("200.00")
    own = await case.becomes(lambda s: s["notices"][-1]["kind"] == "yellow" and len(s["notices"]) == 3, "its yellow")
    assert own["notices"][-1]["bills"] == [later.bill_id]
    assert own["stage"] == "yellow_notice"
    assert [n["state"] for n in own["notices"]] == ["void", "void", "to_deliver"]


async def test_bill_event_of_another_account_is_noted_and_ignored(world: World) -> None:
    """A signal that names another account changes nothing, and is kept as evidence (R-30)."""
    case = await world.open()
    await case.notice("yellow")
    await case.signal("bill_overdue", **overdue_event("A-OTHER"))
    found = await case.recorded("message.ignored")
    assert found[0].detail["message"] == "bill_overdue"
    assert (await case.snapshot())["owed"] == "200.00"


async def test_supply_found_cut_with_no_case_starts_in_restoring(world: World) -> None:
    """R-27: a reported cut goes first: restoration at once, no notice until supply is back, then the debt is judged."""
    account = await world.customer()
    await world.bill(account, "120.00")
    case = await world.open(
        account,
        signal="supply_found_cut",
        payload={"report_id": "hot-1", "meter_id": f"M-{account}", "reported_by": "customer", "source": "95598"},
    )
    snap = await case.in_stage("restoring")
    assert snap["notices"] == []
    assert [i["kind"] for i in snap["incidents"]] == ["unauthorised_cut"]
    await case.restore()
    yellow = await case.notice("yellow")
    assert yellow["amount"] == "120.00"
    assert (await case.snapshot())["stage"] == "yellow_notice"


async def test_supply_found_cut_where_nothing_is_owed_is_restored_and_closes(world: World) -> None:
    """R-27, R-28: no arrears at all: restored first, then an outcome for the incident, then closed `restored`."""
    account = await world.customer()
    case = await world.open(
        account,
        signal="supply_found_cut",
        payload={"report_id": "hot-2", "meter_id": f"M-{account}", "reported_by": "customer", "source": "95598"},
    )
    incident = (await case.in_stage("restoring"))["incidents"][0]["incident_id"]
    await case.restore()
    await case.becomes(lambda s: "restored_at" in s, "light")
    assert (await case.handle.describe()).status == WorkflowExecutionStatus.RUNNING
    await case.update("close_incident", "centre_director", incident_id=incident, outcome="crew disciplined")
    assert (await case.result())["outcome"] == "restored"
    assert await case.evidence("notice.issued") == []


async def test_start_input_carries_nothing_personal(world: World) -> None:
    """Names, phones and addresses stay behind the activities: none of them is in the history (contract)."""
    case = await world.open()
    await case.deliver("yellow")
    events = [event async for event in case.handle.fetch_history_events()]
    history = "".join(event.SerializeToString().decode("utf-8", "replace") for event in events)
    assert case.account_id in history
    for personal in ("张三", "北京路", "13800000000"):
        assert personal not in history


async def test_late_update_to_a_closed_case_fails_with_the_caller_and_not_the_case(world: World) -> None:
    """A closed case answers nobody; the result stands."""
    case = await world.open()
    await case.notice("yellow")
    await case.pay("200.00")
    ended = await case.result()
    with pytest.raises(RPCError, match=r"completed|not found"):
        await case.update("withdraw", "centre_director", reason="too late")
    assert await case.result() == ended


async def test_a_cut_found_with_a_bad_start_is_notified_all_the_same(world: World) -> None:
    """R-27, P3: no case comes of a malformed start, but the people on duty are notified of a found cut at once."""
    account = await world.customer()
    report = {"report_id": "f-1", "meter_id": f"M-{account}", "reported_by": "neighbour", "source": "hotline"}
    handle = await world.client.start_workflow(
        "ArrearsCase",
        {"account": account},
        id=f"arrears-{account}",
        task_queue=world.settings.task_queue,
        start_signal="supply_found_cut",
        start_signal_args=[report],
    )
    case = Case(world, account, handle)
    assert (await case.result())["outcome"] == "withdrawn"
    for role in ("field_crew", "centre_director", "company_leader"):
        assert account in (await case.notified(role, "supply found cut")).text_en


@pytest.mark.parametrize("workflow_id", ["arrears-\x07x", "arrears- ", "arrears-\u200bA", "arrears-" + "9" * 300])
async def test_a_start_under_an_id_that_no_account_could_have_closes_withdrawn(world: World, workflow_id: str) -> None:
    """The contract: a bad start closes withdrawn; nothing wedges on what stands in its id."""
    ended = await started_raw(world, workflow_id, {"account": "typo"})
    assert ended["outcome"] == "withdrawn"
