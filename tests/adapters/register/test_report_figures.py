"""The figures of a month equal an independent count of the register, then and ever after (R-29)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from adapters.register.report_figures import ReportFigures
from adapters.register.writing import SqlRegister, open_register
from domain.record.kinds import EvidenceKind
from domain.record.moratorium import Moratorium
from domain.report.case_share import KINDS_READ, Event, case_in_month
from domain.report.month import Figures, bounds, month_before
from tests.support.databases import fresh_postgresql
from tests.support.lives_on_paper import POLICY, ZONE, Life, lives
from tests.support.report_by_hand import ByHand

MONTH = "2026-09"  # ends on a Wednesday: somebody is to be cut on the next morning
BEGINS, ENDS = bounds(MONTH, ZONE)
COUNT, SEED = 200, 29


@pytest.fixture(scope="module")
def lived() -> list[Life]:
    """Cases of every kind, opened from the end of June on, so that September has all stages of them."""
    return list(lives(COUNT, BEGINS - timedelta(days=65), (BEGINS, ENDS), SEED))


@dataclass(frozen=True)
class Counted:
    """September by the product and by hand, as it was when it ended, and by the product long after."""

    then: Figures
    hand: ByHand
    owed_before: Decimal
    stages: dict[str, dict[str, int]]
    owed: Decimal
    dark: int
    open_by: dict[str, dict[str, int]]
    incidents_open: dict[str, int]
    important_open: int
    later: Figures | None = None


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def counted(
    request: pytest.FixtureRequest, lived: list[Life], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Counted]:
    """The register filled month by month; what stands at a moment is read from the case list at that moment."""
    if request.param == "sqlite":
        place: AbstractContextManager[str] = nullcontext(f"sqlite:///{tmp_path_factory.mktemp('report') / 'r.db'}")
    else:
        place = fresh_postgresql(request.getfixturevalue("postgresql_server"))
    with place as url:
        engine = open_register(url)
        try:
            yield _count(engine, lived, ByHand(url, BEGINS, ENDS))
        finally:
            engine.dispose()


def _count(engine: Engine, lived: list[Life], hand: ByHand) -> Counted:
    register, figures = SqlRegister(engine), ReportFigures(engine, POLICY)

    def fill(since: datetime, until: datetime) -> None:
        for life in lived:
            for record in life.records:
                if since <= record.evidence[0].recorded_at < until:
                    register.write(record)

    fill(BEGINS - timedelta(days=999), BEGINS)
    owed_before = hand.owed_now()
    fill(BEGINS, ENDS)
    counted = Counted(
        then=figures.of(MONTH),
        hand=hand,
        owed_before=owed_before,
        stages=hand.stages_now(),
        owed=hand.owed_now(),
        dark=hand.without_supply_now(),
        open_by={by: hand.open_now(by) for by in ("customer_class", "reading_centre", "region")},
        incidents_open=hand.incidents_open_now(),
        important_open=hand.important_open_now(),
    )
    fill(ENDS, ENDS + timedelta(days=999))
    return replace(counted, later=figures.of(MONTH))


def test_a_late_run_gives_the_same_figures(counted: Counted) -> None:
    assert counted.later == counted.then
    assert counted.then.whole.opened > 30, "the month is not empty"


def test_cases_opened_closed_and_open_by_stage_and_class(counted: Counted) -> None:
    f, hand = counted.then, counted.hand
    assert f.whole.opened == hand.happened("case.opened")
    assert f.outcomes == hand.outcomes()
    assert f.whole.closed == sum(hand.outcomes().values())
    assert {stage: dict(of) for stage, of in f.stages.items()} == counted.stages
    assert f.whole.open == sum(sum(of.values()) for of in counted.stages.values())
    assert len(f.stages) >= 4, "stages of many kinds"


def test_the_money_adds_up_and_is_what_billing_said(counted: Counted) -> None:
    d, hand = counted.then.whole.debt, counted.hand
    assert d.brought_forward == counted.owed_before
    assert d.opened_with == hand.opened_with()
    assert d.added == hand.moved(">")
    assert d.settled == hand.moved("<")
    assert d.left == hand.left()
    assert d.owed == counted.owed
    assert d.brought_forward + d.opened_with + d.added - d.settled - d.left == d.owed
    assert min(d.brought_forward, d.opened_with, d.added, d.settled, d.left, d.owed) > 0


@pytest.mark.parametrize("kind", ["yellow", "red"])
def test_notices_and_what_became_of_them(counted: Counted, kind: str) -> None:
    counts = counted.hand.notices(kind)
    assert getattr(counted.later, kind).model_dump() == counts
    assert min(counts[name] for name in ("issued", "delivered", "refused", "paid")) > 0


def test_approvals_by_who_decided(counted: Counted) -> None:
    assert counted.then.approved == counted.hand.by_detail("approval.given", "role")
    assert counted.then.rejected == counted.hand.by_detail("approval.rejected", "role")
    assert len(counted.then.approved) == 2


def test_cuts_and_who_is_without_supply(counted: Counted) -> None:
    s, hand = counted.then.supply, counted.hand
    assert (s.cuts, s.unauthorised) == (hand.cuts(), hand.unauthorised())
    assert min(s.cuts, s.unauthorised) > 2
    assert s.dark_lawfully + s.dark_unauthorised == counted.dark > 0
    assert s.reported_unopened == 0


@pytest.mark.parametrize("lawful", [True, False], ids=["after_a_cut", "after_an_unauthorised_one"])
def test_time_to_restore(counted: Counted, lawful: bool) -> None:
    s = counted.then.supply
    found = (s.after_settlement if lawful else s.after_unauthorised).model_dump()
    assert found == counted.hand.lights(lawful=lawful)
    assert found["restored"] > 2


def test_warnings_breaches_and_exceptions(counted: Counted) -> None:
    s, hand = counted.then.supply, counted.hand
    assert s.warnings == hand.happened("restore.warning") > 0
    assert s.breaches == hand.happened("restore.breached") > 0
    assert s.exceptions == hand.happened("delay.declared") > 0


def test_incidents_by_kind(counted: Counted) -> None:
    f, hand = counted.then, counted.hand
    assert {k: i.opened for k, i in f.incidents.items() if i.opened} == hand.by_detail("incident.opened", "kind")
    assert {k: i.closed for k, i in f.incidents.items() if i.closed} == hand.incidents_closed()
    assert {k: i.open for k, i in f.incidents.items() if i.open} == counted.incidents_open


def test_important_customers_by_account(counted: Counted) -> None:
    f = counted.then
    found = {c.account_id: (c.filings, c.cuts, c.unauthorised, c.restored) for c in f.important}
    assert found == counted.hand.important()
    assert found
    assert f.important_open == counted.important_open
    filings = sum(of[0] for of in counted.hand.important().values())
    assert f.coordination == counted.hand.happened("filing.recorded") - filings > 0
    assert filings > 0


@pytest.mark.parametrize(
    ("parts", "column"), [("classes", "customer_class"), ("centres", "reading_centre"), ("regions", "region")]
)
def test_the_parts_and_that_they_are_the_whole(counted: Counted, parts: str, column: str) -> None:
    f, hand = counted.then, counted.hand
    every = getattr(f, parts)
    assert {p.name: p.opened for p in every if p.opened} == hand.by_column(column, "case.opened")
    assert {p.name: p.closed for p in every if p.closed} == hand.by_column(column, "case.closed")
    assert {p.name: p.restored for p in every if p.restored} == hand.by_column(column, "supply.restored")
    assert {p.name: p.breaches for p in every if p.breaches} == hand.by_column(column, "restore.breached")
    assert {p.name: p.cuts for p in every if p.cuts} == hand.by_column(column, "cut.reported", "e.rule = 'R-18'")
    assert {p.name: p.open for p in every if p.open} == counted.open_by[column]
    for name in ("opened", "closed", "open", "cuts", "unauthorised", "restored", "breaches"):
        assert sum(getattr(p, name) for p in every) == getattr(f.whole, name)
    for name in f.whole.debt.model_dump():
        assert sum(getattr(p.debt, name) for p in every) == getattr(f.whole.debt, name)


def test_holds_promises_and_plans(counted: Counted) -> None:
    f, hand = counted.then, counted.hand
    assert f.holds == hand.by_detail("hold.placed", "kind")
    assert f.holds_ended == hand.happened("hold.lifted") + hand.happened("hold.ended")
    assert (f.promises, f.promises_kept, f.promises_broken) == tuple(
        hand.happened(f"promise.{what}") for what in ("made", "kept", "broken")
    )
    assert (f.plans, f.plans_kept, f.plans_broken) == tuple(
        hand.happened(f"plan.{what}") for what in ("agreed", "kept", "broken")
    )
    assert min(f.promises, f.plans) > 0


def test_nothing_personal_but_the_accounts_of_important_customers(counted: Counted, lived: list[Life]) -> None:
    said = counted.then.model_dump_json()
    important = {c.account_id for c in counted.then.important}
    others = {life.account.account_id for life in lived} - important
    assert not [account for account in others if f'"{account}"' in said]
    assert "reader-1" not in said
    assert "flood" not in said


def test_what_the_evidence_says_at_any_moment_is_what_the_case_said_of_itself() -> None:
    """Stage, debt and supply: read back from the evidence so far, they are those of the case's own row."""
    seen = Counter[str]()
    for life in lives(40, BEGINS, None, SEED):
        told: list[Event] = []
        for record in life.records:
            told += [
                Event(e.what, e.rule, e.at, e.recorded_at, e.detail) for e in record.evidence if e.what in KINDS_READ
            ]
            told.sort(key=lambda e: e.recorded_at)
            share, row = case_in_month(told, BEGINS, POLICY), record.case
            assert share.stage == (None if row.closed_at else row.stage), [e.what for e in told][-5:]
            assert share.debt.owed + share.debt.left == row.owed
            assert bool(share.cut_off_lawfully + share.cut_off_unauthorised) == row.supply_off
            seen[row.stage] += 1
    assert len(seen) == 7, "every stage"


@pytest.mark.parametrize(
    ("reason", "stage"),
    [("settled", "ticketed"), ("withdrawn", "ticketed"), ("the crew left without cutting", "red_notice")],
)
def test_a_payment_or_withdrawal_leaves_the_stage_and_a_slip_goes_back(reason: str, stage: str) -> None:
    """As a case that must wait for the crew's answer before it closes."""
    told: tuple[tuple[EvidenceKind, dict[str, str]], ...] = (
        ("case.opened", {"owed": "10.00"}),
        ("notice.issued", {"kind": "yellow"}),
        ("notice.issued", {"kind": "red"}),
        ("ticket.sent", {"kind": "cut"}),
        ("notice.void", {"kind": "red", "reason": reason}),
    )
    events = [Event(what, "R-00", BEGINS, BEGINS, detail) for what, detail in told]
    assert case_in_month(events, BEGINS, POLICY).stage == stage


def test_a_found_cut_of_an_account_without_a_case_is_counted_apart() -> None:
    told = Event("cut.found", "R-27", BEGINS, BEGINS, {"meter_id": "m", "unopened": "unknown"})
    share = case_in_month([told], BEGINS, POLICY)
    assert (share.reported_unopened, share.unauthorised, share.opened, share.stage) == (1, 0, False, None)


def test_a_case_that_closed_and_was_opened_again_is_open_and_owes_what_it_owed() -> None:
    opened = Event("case.opened", "R-01", BEGINS, BEGINS - timedelta(days=3), {"owed": "10.00"})
    closed = Event("case.closed", "R-30", BEGINS, BEGINS - timedelta(days=1), {"outcome": "withdrawn"})
    again = Event("case.reopened", "R-30", BEGINS, BEGINS, {})
    share = case_in_month([opened, closed, again], BEGINS, POLICY)
    d = share.debt
    assert (share.closed, share.outcome, share.stage) == (False, None, "yellow_notice")
    assert (d.brought_forward, d.added, d.left, d.owed) == (Decimal(0), Decimal(10), Decimal(0), Decimal(10))


# ---- the month ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "month"),
    [
        ("2026-11-02T05:30:00+08:00", "2026-10"),
        ("2026-11-01T00:00:00+08:00", "2026-10"),
        ("2026-10-31T23:59:59+08:00", "2026-09"),
        ("2026-10-31T16:00:00+00:00", "2026-10"),
        ("2027-01-02T05:30:00+08:00", "2026-12"),
        ("2027-02-02T05:30:00+08:00", "2027-01"),
        ("2028-03-01T00:00:00+08:00", "2028-02"),
    ],
    ids=["the_schedule", "first_moment", "last_moment", "utc", "january", "february", "leap_day"],
)
def test_the_month_is_the_one_before_by_the_local_date(due: str, month: str) -> None:
    assert month_before(datetime.fromisoformat(due), ZONE) == month


def test_a_month_ends_where_the_next_begins() -> None:
    assert bounds("2026-12", ZONE)[1] == bounds("2027-01", ZONE)[0]
    assert bounds("2028-02", ZONE)[1] - bounds("2028-02", ZONE)[0] == timedelta(days=29)


def test_moratoria_that_stood_in_the_month(database_url: str) -> None:
    engine = open_register(database_url)
    register = SqlRegister(engine)

    def declare(name: str, starts: datetime, until: datetime | None = None, lifted: datetime | None = None) -> None:
        order = {"scope": "region", "value": "城北", "reason": "寒潮", "declared_by": "c-1", "declared_at": starts}
        register.declare_moratorium(
            Moratorium.model_validate({"moratorium_id": name, "starts_at": starts, "until": until, **order})
        )
        if lifted:
            register.lift_moratorium(name, "c-1", lifted)

    day = timedelta(days=1)
    declare("over before", BEGINS - 9 * day, until=BEGINS)
    declare("lifted before", BEGINS - 9 * day, lifted=BEGINS)
    declare("inside", BEGINS + day, until=BEGINS + 9 * day, lifted=BEGINS + 5 * day)
    declare("lifted after", BEGINS - day, lifted=ENDS + day)
    declare("begins after", ENDS)
    orders = {m.moratorium_id: m for m in ReportFigures(engine, POLICY).of(MONTH).moratoria}
    engine.dispose()
    assert orders.keys() == {"inside", "lifted after"}
    assert orders["inside"].ended_at == BEGINS + 5 * day
    assert orders["lifted after"].ended_at is None, "when the month ended nobody knew"


def test_how_long_supply_stayed_off_after_nothing_was_owed() -> None:
    """R-25: counted from the settlement, and from the cut where he had paid before; also if it is learned late."""
    cut_at, back = BEGINS, BEGINS + timedelta(hours=9)

    def restored(settled_at: datetime | None) -> Event:
        said = {"settled_at": settled_at.isoformat()} if settled_at else {}
        return Event("supply.restored", "R-25", back, back, {"meter_id": "m", "cut_at": cut_at.isoformat(), **said})

    early = {"settled_at": (cut_at - timedelta(days=2)).isoformat()}
    late = {**early, "cut_at": cut_at.isoformat(), "restored_at": back.isoformat()}
    learned = Event("debt.settled", "R-24", cut_at, back + timedelta(days=1), late)
    for events, hours in (
        ([restored(cut_at + timedelta(hours=6))], [3]),
        ([restored(cut_at - timedelta(days=2))], [9]),
        ([restored(None)], []),  # a plan, a withdrawal: he still owes
        ([restored(cut_at + timedelta(hours=6)), learned], [3, 9]),
    ):
        found = case_in_month(events, BEGINS, POLICY).after_nothing_owed
        assert found == tuple(timedelta(hours=h) for h in hours)


def test_a_trifle_is_no_debt_for_a_case_under_the_rule() -> None:
    """R-35: supply is back and 9.99 are owed; a case of before would go on in the yellow stage all the same."""
    opened = Event("case.opened", "R-01", BEGINS, BEGINS, {"owed": "9.99", "rules": "R-35"})
    ticket = Event("ticket.sent", "R-22", BEGINS, BEGINS, {"kind": "restore"})
    back = Event("supply.restored", "R-25", BEGINS, BEGINS, {"meter_id": "m"})
    assert case_in_month([opened, ticket, back], BEGINS, POLICY).stage == "restoring"
    before = opened._replace(detail={"owed": "9.99"})
    assert case_in_month([before, ticket, back], BEGINS, POLICY).stage == "yellow_notice"
    adopted = Event("rules.adopted", "R-30", BEGINS, BEGINS, {"rules": "R-35"})
    assert case_in_month([before, adopted, ticket, back], BEGINS, POLICY).stage == "restoring"
