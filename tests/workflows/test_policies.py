"""Policy in life, on the real server: a case under each pack, the one that fits its account, and moved to another."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.law.policy import Policy
from domain.law.policy_file import load_policy
from edge.operations.proof import proof_of
from tests.support.world import SOON, Case, World

DAY = timedelta(days=1)
GENTLE, LEAST = load_policy("residential-friendly"), load_policy("statutory-minimum")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def under(world: World, policy: Policy) -> World:
    """The same world, whose cases open under that policy."""
    return replace(world, policy=policy)


async def assert_lawful(case: Case, label: str) -> None:
    """No rule of the proof is breached, judged by the numbers of that policy."""
    proof = await asyncio.to_thread(proof_of, case.world.parts, case.account_id)
    assert [line.rule for line in proof.rules if line.verdict == "breached"] == []
    assert (proof.file.case.policy, proof.judged_by) == (label, label)
    assert proof.record.intact


async def move(case: Case, policy: Policy, reason: str = "cold wave") -> dict[str, Any]:
    answer: dict[str, Any] = await case.update(
        "change_policy", "operator", policy=policy.model_dump(mode="json"), reason=reason
    )
    return answer


async def test_what_was_little_enough_when_the_notice_was_issued_ends_the_procedure_under_a_stricter_policy(
    world: World,
) -> None:
    """R-11: he pays down to what the policy of his notice lets pass, and is not cut off for the rest."""
    lenient = Policy(name="lenient", tolerance=Decimal("10.00"))
    case = await under(world, lenient).open()
    await case.to_ticket()
    await move(case, Policy(name="exact"))
    await case.pay("195.00")
    await case.becomes(lambda s: [n["state"] for n in s["notices"] if n["kind"] == "red"] == ["void"], "a void notice")


# ---- each pack --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "approvers", "restored_within"),
    [
        pytest.param(Policy(), ("centre_director",), timedelta(hours=24), id="reading-centre"),
        pytest.param(GENTLE, ("centre_director", "company_leader"), timedelta(hours=12), id="residential-friendly"),
        pytest.param(LEAST, ("centre_director",), timedelta(hours=24), id="statutory-minimum"),
    ],
)
async def test_a_life_under_each_pack_from_the_yellow_notice_to_the_restoration(
    world: World, policy: Policy, approvers: tuple[str, ...], restored_within: timedelta
) -> None:
    """Its own days, approvals and hours; and the proof, judged by that pack, finds nothing wrong."""
    case = await under(world, policy).open(overdue_days=60)
    yellow, red = await case.notice("yellow"), await case.to_red()
    cut_at = when(red["cut_at"])
    assert cut_at - when(red["issued_at"]) >= timedelta(days=policy.red_notice_days)
    assert when(yellow["deadline"]) - when(yellow["issued_at"]) >= timedelta(days=policy.yellow_payment_days)
    assert not any(s.covers(cut_at.date()) for s in policy.seasons_for("residential"))
    await case.deliver("red")
    await case.approve(*approvers)
    await case.until(cut_at - timedelta(hours=24) + SOON)
    ticket = await case.ticket("cut")
    await case.update("acknowledge_ticket", "field_crew", ticket_id=ticket["ticket_id"])
    await case.until(cut_at - timedelta(minutes=30) + SOON)
    await case.in_stage("final_half_hour")
    await case.update("record_final_notice", "reader", ticket_id=ticket["ticket_id"], how="at the door")
    await case.until(cut_at + timedelta(minutes=1))
    permit = await case.permit(ticket)
    assert permit["granted"], permit
    await case.update("report_cut", "field_crew", permit_id=permit["permit_id"], meter_id=ticket["meter_id"])
    await case.pass_time(hours=2)
    await case.pay("200.00")
    snap = await case.in_stage("restoring")
    assert when(snap["restore_due_by"]) - when(snap["settled_at"]) == restored_within
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await assert_lawful(case, policy.label)


async def test_delivered_a_second_after_three_days_before_is_void_under_the_least_pack(world: World) -> None:
    """The floor of the law: 3 × 24 h, and not a second less."""
    case = await under(world, LEAST).open(overdue_days=60)
    red = await case.to_red()
    late = when(red["cut_at"]) - 3 * DAY + timedelta(seconds=1)
    await case.until(late)
    answer = await case.update("record_delivery", "reader", notice_id=red["notice_id"], outcome="signed")
    assert not answer["served"]


# ---- the one that fits ------------------------------------------------------------------------


async def test_a_case_freezes_the_policy_that_fits_its_account(world: World, tmp_path: Path) -> None:
    """ARREARS_POLICY names a file that chooses: a raw start, as from Temporal's CLI, says nothing of a policy."""
    async with world.apart(tmp_path, policy="by-class") as chosen:
        labels = []
        for kind in ("residential", "non_residential"):
            account = await chosen.customer(customer_class=kind)
            await chosen.bill(account)
            handle = await chosen.client.start_workflow(
                "ArrearsCase",
                {"account_id": account},
                id=f"arrears-{account}",
                task_queue=chosen.settings.task_queue,
            )
            case = Case(chosen, account, handle)
            labels.append((await case.becomes(lambda s: "policy" in s))["policy"])
            [opened] = await case.recorded("case.opened")
            assert opened.detail["policy"] == labels[-1]
            policy = await asyncio.to_thread(chosen.parts.policy_for, account)
            assert policy in chosen.parts.policies.every
            assert policy.label == labels[-1]
        assert labels == [GENTLE.label, "reading-centre@1"]


# ---- moved to another -------------------------------------------------------------------------


async def test_moved_to_winter_protection_the_next_notice_waits_for_spring(world: World) -> None:
    """The yellow notice keeps what it stated; the red one, planned by the new policy, waits for the season's end."""
    winter = GENTLE.model_copy(update={"name": "winter", "protected_seasons": seasons_from_now()})
    case = await world.open()
    yellow = await case.notice("yellow")
    await case.deliver("yellow")
    answer = await move(case, winter)
    assert answer == {"policy": "winter@1", "before": "reading-centre@1", "keeps_its_terms": [yellow["notice_id"]]}
    snap = await case.snapshot()
    assert snap["policy"] == "winter@1"
    assert (snap["notices"][0]["deadline"], snap["notices"][0]["cut_at"]) == (yellow["deadline"], yellow["cut_at"])
    await case.until(when(yellow["cut_at"]) - 10 * DAY + SOON)
    red = await case.notice("red")
    assert when(red["cut_at"]) > when(yellow["cut_at"]) + 60 * DAY
    [changed] = await case.recorded("policy.changed")
    assert (changed.actor_role, changed.clause) == ("operator", "II.0")
    await case.pay("200.00")
    assert (await case.result())["outcome"] == "settled"
    await assert_lawful_after_a_change(case)


async def test_a_standing_red_notice_keeps_its_time_and_comes_to_nothing_in_the_season(world: World) -> None:
    """T stays stated; at T − 24 h the day is barred, the notice void, and the next one waits for the season's end."""
    winter = GENTLE.model_copy(update={"name": "winter", "protected_seasons": seasons_from_now()})
    case = await world.open(overdue_days=60)
    red = await case.to_red()
    await case.deliver("red")
    await case.approve()
    await move(case, winter)
    snap = await case.snapshot()
    assert snap["planned_cut_at"] == red["cut_at"]
    assert "R-21" in await case.why_not()
    assert ("company_leader", "decide_approval") in await case.awaited(), "a level that the new policy asks besides"
    await case.approve("company_leader")
    await case.until(when(red["cut_at"]) - DAY + SOON)
    void, new = await case.notices("red", 2)
    assert void["void_reason"] == "the day is barred: protected season, cold"
    assert when(new["cut_at"]) > when(red["cut_at"]) + 60 * DAY


async def test_a_case_moved_twice_by_one_update_id_is_moved_once_and_survives_a_restart(world: World) -> None:
    case = await world.open()
    await case.deliver("yellow")
    policy = GENTLE.model_dump(mode="json")
    first = await case.update("change_policy", "operator", update_id="u-1", policy=policy, reason="x")
    again = await case.update("change_policy", "operator", update_id="u-1", policy=policy, reason="x")
    same = await case.update("change_policy", "company_leader", policy=policy, reason="again")
    assert first == again
    assert same == {"policy": GENTLE.label, "before": GENTLE.label, "keeps_its_terms": []}
    await world.restart_worker()
    assert (await case.snapshot())["policy"] == GENTLE.label
    assert len(await case.recorded("policy.changed")) == 1


async def test_moved_after_the_cut_the_customer_is_still_restored_within_the_hours_he_had(world: World) -> None:
    """24 hours before, 24 hours after; the proof judges the cut by the policy it was made under."""
    case = await world.open()
    await case.to_cut()
    await move(case, LEAST.model_copy(update={"restore_hours": 20, "restore_warnings_hours": (10,)}), "another utility")
    await case.pay("200.00")
    snap = await case.in_stage("restoring")
    assert when(snap["restore_due_by"]) - when(snap["settled_at"]) == timedelta(hours=24)
    await case.pass_time(hours=22)
    await case.restore()
    assert (await case.result())["outcome"] == "restored"
    await assert_lawful_after_a_change(case)


async def assert_lawful_after_a_change(case: Case) -> None:
    proof = await asyncio.to_thread(proof_of, case.world.parts, case.account_id)
    assert [line.rule for line in proof.rules if line.verdict == "breached"] == []


def seasons_from_now() -> tuple[Any, ...]:
    """A season around the days of this test, whenever it runs: from tomorrow, for a hundred and fifty days."""
    today = datetime.now(Policy().zone).date()
    season = GENTLE.protected_seasons[0].model_copy(
        update={
            "name_en": "cold",
            "first": f"{today + DAY:%m-%d}",
            "last": f"{today + 150 * DAY:%m-%d}",
        }
    )
    return (season,)
