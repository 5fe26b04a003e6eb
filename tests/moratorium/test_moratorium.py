"""A moratorium reaches every open case it covers and no other; lifted, it does not send a field unit too many cuts."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from client.batch import BatchSignal, run_batch
from domain.contract.signals import HoldLifted
from domain.law.clock import local_day, red_notice_is_timely, start_of_day
from domain.law.policy import Policy
from domain.law.policy_choice import known_policies
from domain.law.policy_file import load_policy
from domain.record.moratorium import Moratorium
from domain.vocabulary import Actor
from edge.operations.moratorium import Act, Notification, preview_declaring, preview_lifting
from tests.moratorium.reaching import HERE, open_town
from tests.support.programs import program
from tests.support.world import SOON, Case, World
from tests.workflows.test_policies import DAY, move

KNOWN = known_policies()
A_DAY = 3  # what the field unit of these tests can restore


OPERATOR = Actor(id="c-001", role="operator")


def declared(world: World, moratorium_id: str, region: str, starts_at: datetime) -> Moratorium:
    """A moratorium is in the register, and no case has been signalled."""
    order = Moratorium(
        moratorium_id=moratorium_id,
        scope="region",
        value=region,
        reason="flood",
        starts_at=starts_at,
        declared_by="o-001",
        declared_at=starts_at,
    )
    world.parts.register.declare_moratorium(order)
    return order


def notification(world: World, order: Moratorium, act: Act) -> Notification:
    """What the commands do once the register has it."""
    return Notification(
        world.client, world.parts.moratoria, order, act, "c-001", world.settings.task_queue, encrypted=False
    )


def quietly(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody reads."""


async def told_of(case: Case, moratorium_id: str) -> None:
    """The signal that a batch sends."""
    actor = OPERATOR.model_dump(exclude_none=True)
    await case.signal("hold_placed", hold_id=moratorium_id, kind="moratorium", reason="flood", actor=actor)


async def test_it_reaches_every_open_case_it_covers_and_no_other(world: World, tmp_path: Path) -> None:
    """R-04: by Temporal's batch operation; once each, whoever repeats the command; and cases opened later hold too."""
    async with world.apart(tmp_path) as utility:
        town = await open_town(utility, tmp_path, 40, 10)
        order = ("--scope", "region", "--value", HERE, "--reason", "台风", "--by", "c-001", "--id", "m-reach")
        told = await town.command("declare", *order)
        assert (told["cases"], told["confirmed"], told["signalled"]) == (40, 40, 0)
        assert (told["batch"]["state"], told["batch"]["reached"]) == ("completed", 40)
        again = await town.command("declare", *order)
        assert (again["batch"], again["signalled"], again["confirmed"]) == (None, 0, 40)
        later = await utility.open(region=HERE)
        await later.becomes(lambda s: [h["hold_id"] for h in s.get("holds", [])] == ["m-reach"], "a later case's hold")
        assert (await later.snapshot())["notices"] == []
        await town.command("lift", "m-reach", "--by", "d-001")
        reached = await town.reached("m-reach")
        assert (reached.placed, reached.lifted, reached.held) == (Counter({1: 40}), Counter({1: 40}), 0)
        assert (reached.others_signalled, reached.others_held) == (0, 0)
        await later.notice("yellow")


@pytest.mark.parametrize(("centre", "typed"), [("RC-77", "rc－77"), ("RC-78", "RC\u201478"), ("RC-79", "rc 79")])
async def test_a_moratorium_of_a_centre_covers_it_in_any_spelling(world: World, centre: str, typed: str) -> None:
    """R-33, R-04: the register, its list of cases, and the batch all mean the centre that was meant."""
    case = await world.open(reading_centre=centre)
    await case.recorded("notice.issued")
    now = await case.now()
    order = Moratorium(
        moratorium_id=f"m-{centre}",
        scope="centre",
        value=typed,
        reason="flood",
        starts_at=now,
        declared_by="o-001",
        declared_at=now,
    )
    world.parts.register.declare_moratorium(order)
    assert case.account_id in {c.account_id for c in world.parts.moratoria.covered(order)}
    ended = await notification(world, order, "declare").send(quietly)
    assert (ended.unconfirmed, ended.without_workflow, ended.cases >= 1) == ((), (), True)
    standing = [h["hold_id"] for h in (await case.snapshot())["holds"] if "ended_at" not in h]
    assert standing == [order.moratorium_id]


async def test_whom_the_batch_does_not_find_is_found_by_the_register(world: World) -> None:
    """Visibility of the embedded server finds no value with a double quote; the register does."""
    case = await world.open(region='R "west"')
    await case.recorded("notice.issued")
    order = declared(world, "m-quote", 'R "west"', await case.now() - timedelta(hours=1))
    told = await replace(notification(world, order, "declare"), patience=1.0).send(quietly)
    assert told.batch is not None
    assert (told.batch.reached, told.signalled, told.confirmed) == (0, 1, 1)


async def test_a_case_of_the_register_that_no_workflow_carries_on_is_named(world: World) -> None:
    """It was terminated by hand: nobody can be notified, and somebody must check."""
    case = await world.open(region="R-gone")
    await case.notice("yellow")
    await case.at_rest()
    await case.handle.terminate()
    order = declared(world, "m-gone", "R-gone", await case.now() - timedelta(hours=1))
    told = await replace(notification(world, order, "declare"), patience=0.5).send(quietly)
    assert (told.confirmed, told.without_workflow, told.unconfirmed) == (0, (case.account_id,), ())


async def test_a_dry_run_names_the_cuts_that_fall_away_and_the_permits_that_are_out(world: World) -> None:
    """R-04: a hold that stands at T - 24 h ends the attempt, and one that comes later ends it at once."""
    due, planned, early = [await world.open(region="R-plan") for _ in range(3)]
    permit = await due.permit(await due.to_window())
    await planned.to_red()
    await early.notice("yellow")
    at, later = await due.cut_time(), await planned.cut_time()
    order = declared(world, "m-plan", "R-plan", at)
    preview = preview_declaring(world.parts.moratoria, order, KNOWN, world.policy)
    assert preview["cases"] == 3
    assert {(c["account_id"], c["cut_at"], c["stage"]) for c in preview["cuts"]} == {
        (due.account_id, at, "final_half_hour"),
        (planned.account_id, later, "red_notice"),
    }
    assert [(p["account_id"], p["permit_id"]) for p in preview["permits"]] == [(due.account_id, permit["permit_id"])]
    for changes in ({"until": later - timedelta(hours=24)}, {"starts_at": later + timedelta(hours=2)}):
        other = order.model_copy(update=changes)
        assert planned.account_id not in str(
            preview_declaring(world.parts.moratoria, other, KNOWN, world.policy)["cuts"]
        )
    await due.update("report_not_cut", "field_crew", ticket_id=(await due.ticket("cut"))["ticket_id"], reason="rain")
    await due.recorded("permit.revoked")
    assert preview_declaring(world.parts.moratoria, order, KNOWN, world.policy)["permits"] == []


async def test_a_dry_run_judges_each_cut_by_the_policy_that_its_notice_came_under(world: World, tmp_path: Path) -> None:
    """R-04, R-15, R-18: window and ticket time are those of the notice's policy, though the case was moved since."""
    gentle, long_lead = load_policy("residential-friendly"), Policy(name="east", version="7", ticket_lead_hours=48)
    stays, moved_after, moved_before = [
        await world.open(region="R-many", policy=policy, overdue_days=60) for policy in (gentle, gentle, Policy())
    ]
    await move(moved_before, long_lead)
    cuts = {case.account_id: await _to_red(case) for case in (stays, moved_after, moved_before)}
    await move(moved_after, Policy())
    for case in (stays, moved_after, moved_before):
        await case.recorded("notice.issued", 2)
    await moved_after.recorded("policy.changed")

    order = declared(world, "m-many", "R-many", cuts[stays.account_id] + timedelta(hours=1))

    def falls_away(case: Case, starts_at: datetime, until: datetime | None = None) -> bool:
        other = order.model_copy(update={"starts_at": starts_at, "until": until})
        preview = preview_declaring(world.parts.moratoria, other, KNOWN, world.policy)
        assert (preview["cases"], preview["assumed"]) == (3, [])
        return case.account_id in {cut["account_id"] for cut in preview["cuts"]}

    for case, hours in ((stays, 1), (moved_after, 1), (moved_before, 2)):
        window_ends = cuts[case.account_id] + timedelta(hours=hours)
        assert not falls_away(case, window_ends)
        assert falls_away(case, window_ends - timedelta(minutes=1))
    ticket_at = cuts[moved_before.account_id] - timedelta(hours=48)
    assert not falls_away(moved_before, ticket_at - DAY, ticket_at)
    assert falls_away(moved_before, ticket_at - DAY, ticket_at + timedelta(minutes=1))

    flags = ("--scope", "region", "--value", "R-many", "--reason", "flood", "--by", "c-001", "--dry-run", "--json")
    starts = ("--starts-at", order.starts_at.isoformat())
    said = await program(world, "moratorium", "declare", *flags, *starts, folder=tmp_path)
    assert stays.account_id not in str(said.result["cuts"])


async def test_a_dry_run_says_whose_policy_it_does_not_know(world: World) -> None:
    """A case opened by hand under a policy that is no pack here: judged by the default, and named."""
    case = await world.open(region="R-odd", policy=Policy(name="odd", version="3"))
    at = await _to_red(case)
    await case.recorded("notice.issued", 2)
    order = declared(world, "m-odd", "R-odd", at)
    preview = preview_declaring(world.parts.moratoria, order, {}, world.policy)
    assert [cut["account_id"] for cut in preview["cuts"]] == preview["assumed"] == [case.account_id]


async def test_a_signal_that_comes_after_the_lifting_leaves_no_hold(world: World) -> None:
    """R-04: the register's answer wins at each reading, also over a batch that its own lifting has overtaken."""
    case = await world.open(region="R-late")
    await case.notice("yellow")
    now = await case.now()
    declared(world, "m-late", "R-late", now - timedelta(hours=2))
    world.parts.register.lift_moratorium("m-late", "o-001", now - timedelta(hours=1))
    await told_of(case, "m-late")
    await case.recorded("hold.lifted")
    assert (await case.recorded("hold.placed"))[0].about == "m-late"
    assert all("ended_at" in h for h in (await case.snapshot())["holds"])


async def test_a_moratorium_for_others_holds_nobody_though_a_signal_says_so(world: World) -> None:
    """R-04: the register says whom it covers; one that has not begun yet is not over."""
    case = await world.open(region="R-dry")
    await case.notice("yellow")
    now = await case.now()
    declared(world, "m-wet", "R-wet", now)
    declared(world, "m-ahead", "R-dry", now + timedelta(hours=3))
    for moratorium_id in ("m-wet", "m-ahead"):
        await told_of(case, moratorium_id)
    (lifted,) = await case.recorded("hold.lifted")
    assert lifted.about == "m-wet"
    standing = [h["hold_id"] for h in (await case.snapshot())["holds"] if "ended_at" not in h]
    assert standing == ["m-ahead"]


async def _to_red(case: Case) -> datetime:
    return datetime.fromisoformat((await case.to_red())["cut_at"])


def _per_day(world: World, times: Sequence[datetime]) -> list[int]:
    days = Counter(local_day(at, world.policy) for at in times)
    return [days[day] for day in sorted(days)]


async def test_new_cut_times_are_spread_by_what_the_field_unit_can_restore(world: World, tmp_path: Path) -> None:
    """R-20, R-21: on lifting each stale notice is served again, and no day has more cuts than the unit can restore."""
    async with world.apart(tmp_path, restores_per_day=f"FU-02={A_DAY}") as utility:
        parts = utility.parts
        cases = [await utility.open(region=HERE) for _ in range(7)]
        first = await asyncio.gather(*(_to_red(c) for c in cases))
        assert _per_day(utility, first) == [3, 3, 1]
        order = declared(utility, "m-heat", HERE, await cases[0].now() - timedelta(hours=1))
        preview = preview_declaring(parts.moratoria, order, KNOWN, utility.policy)
        assert {c["account_id"]: c["cut_at"] for c in preview["cuts"]} == {
            c.account_id: at for c, at in zip(cases, first, strict=True)
        }
        assert (await notification(utility, order, "declare").send(quietly)).confirmed == 7
        await asyncio.gather(*(c.until(max(first) + SOON) for c in cases))
        spread = preview_lifting(parts.moratoria, order, parts.register.capacity.of)
        assert spread["units"] == [{"field_unit": "FU-02", "cases": 7, "a_day": 3, "days": 3}]
        parts.register.lift_moratorium("m-heat", "d-001", await cases[0].now() - timedelta(minutes=1))
        assert (await notification(utility, order, "lift").send(quietly)).confirmed == 7
        notices = [await c.undelivered("red") for c in cases]
        again = [datetime.fromisoformat(n["cut_at"]) for n in notices]
        assert _per_day(utility, again) == [3, 3, 1]
        for notice, at in zip(notices, again, strict=True):
            assert red_notice_is_timely(datetime.fromisoformat(notice["issued_at"]), at, utility.policy)
            assert datetime.fromisoformat(notice["deadline"]) == start_of_day(
                local_day(at, utility.policy), utility.policy
            )
        put_off = [e for c in cases for e in await c.evidence("notice.issued") if "put_off_from" in e.detail]
        assert len(put_off) == 4 + 4


async def test_a_day_that_is_given_back_is_booked_by_the_next(world: World, tmp_path: Path) -> None:
    """A settled case makes room on its day."""
    async with world.apart(tmp_path, restores_per_day="*=1") as utility:
        paid, second, third = [await utility.open() for _ in range(3)]
        freed, after = await _to_red(paid), await _to_red(second)
        assert after > freed
        await paid.pay("200.00")
        assert (await paid.result())["outcome"] == "settled"
        assert await _to_red(third) == freed


async def test_while_the_server_runs_another_batch_the_cases_are_signalled_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace runs one at a time, and another may take long."""
    case = await world.open(region="R-busy")
    await case.notice("yellow")
    order = declared(world, "m-busy", "R-busy", await case.now() - timedelta(hours=1))
    monkeypatch.setattr("client.batch.QUEUE_SECONDS", 0)
    other = BatchSignal("other", "WorkflowId = 'nobody'", "hold_lifted", HoldLifted(hold_id="x", actor=OPERATOR), "x")
    running = asyncio.create_task(run_batch(world.client, other, lambda _done, _total: None))
    await asyncio.sleep(0.3)
    told = await notification(world, order, "declare").send(quietly)
    assert told.batch is not None
    assert (told.batch.state, told.signalled, told.confirmed) == ("not_run", 1, 1)
    assert (await running).state == "completed"
