"""How all cases stand, in numbers: counted on both databases, and shown as Prometheus reads it."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from activities.register import RegisterUnavailable
from adapters.register_counting import count_register
from adapters.sql_register import SqlRegister, open_register
from console.metrics import CaseFigures
from console.questions import Asked
from domain.figures import CasesCounted, Figures, IncidentsCounted, LightDue, TicketsUnacknowledged
from domain.filed import SweepPage
from domain.records import IncidentRow, Task
from tests.register_records import OPENED, case_row, notice, record, ticket

NOW = OPENED + timedelta(days=30)
Samples = dict[tuple[str, tuple[str, ...]], float]
NO_FAULT = {("arrears_console_fault", (part,)): 0.0 for part in ("register", "billing")}


@pytest.fixture
def register(database_url: str) -> Iterator[SqlRegister]:
    engine = open_register(database_url)
    yield SqlRegister(engine)
    engine.dispose()


def task(role: str, due: timedelta | None) -> Task:
    by = None if due is None else NOW + due
    return Task.model_validate({"role": role, "act": "x", "by": by, "text_zh": "待办", "text_en": "to do"})


def write(register: SqlRegister, account: str, *, tasks: tuple[Task, ...] = (), **changes: Any) -> None:
    """A case of that account, with a notice and a ticket of its own."""
    papers = {name: changes.pop(name, {}) for name in ("notice", "ticket")}
    key = changes.pop("case_key", f"run-{account}")
    row = case_row(account_id=account, case_key=key, reading_centre="RC-03", tasks=tasks, **changes)
    own = {"account_id": account, "case_key": key}
    register.write(
        record(
            case=row,
            notices=(notice(notice_id=f"{key}/n", **own, **papers["notice"]),),
            tickets=(ticket(ticket_id=f"{key}/t", **own, **papers["ticket"]),) if papers["ticket"] else (),
        )
    )


def sweep(sweep_id: str, page: int, counted: int, at: datetime, last_account: str = "2") -> SweepPage:
    return SweepPage(
        sweep_id=sweep_id,
        page=page,
        day=at.date(),
        first_account="1" if last_account else "",
        last_account=last_account,
        counted=counted,
        disconnected=0,
        changed=0,
        signalled=0,
        at=at,
    )


def test_open_cases_are_counted_by_centre_and_stage_with_their_papers_and_tasks(register: SqlRegister) -> None:
    late, soon = task("reader", -timedelta(hours=1)), task("reader", timedelta(hours=1))
    write(register, "1", tasks=(late, soon, task("field_crew", None)))
    write(register, "2", notice={"state": "delivered", "outcome": "refused"})
    sent = {"sent_at": NOW - timedelta(hours=5)}
    dark: dict[str, Any] = {"stage": "restoring", "supply_off": True, "restore_due_by": NOW + timedelta(hours=3)}
    write(register, "3", ticket={"kind": "restore", **sent}, **dark)
    write(register, "4", ticket={"kind": "cut", "state": "acknowledged", **sent}, stage="closed", closed_at=NOW)
    figures = count_register(register.engine, NOW)
    assert {(c.centre, c.stage, c.cases, c.dark) for c in figures.cases} == {
        ("RC-03", "yellow_notice", 2, 0),
        ("RC-03", "restoring", 1, 1),
    }
    assert figures.light_due == (LightDue(centre="RC-03", by=NOW + timedelta(hours=3)),)
    assert {(n.kind, n.state, n.outcome, n.notices) for n in figures.notices} == {
        ("yellow", "to_deliver", "none", 2),
        ("yellow", "delivered", "refused", 1),
    }
    assert figures.unacknowledged == (TicketsUnacknowledged(kind="restore", tickets=1, oldest_sent_at=sent["sent_at"]),)
    assert {(t.role, t.tasks, t.late) for t in figures.tasks} == {("reader", 2, 1), ("field_crew", 1, 0)}


def test_a_case_ended_in_temporal_and_opened_anew_counts_once(register: SqlRegister) -> None:
    """Nobody closes the row of the first: it must not ring for ever."""
    dark: dict[str, Any] = {"stage": "restoring", "supply_off": True, "restore_due_by": NOW - timedelta(days=2)}
    write(register, "1", case_key="run-1", ticket={"kind": "restore"}, **dark)
    write(register, "1", case_key="run-2", opened_at=OPENED + timedelta(days=1))
    figures = count_register(register.engine, NOW)
    assert [(c.stage, c.cases, c.dark) for c in figures.cases] == [("yellow_notice", 1, 0)]
    assert (figures.light_due, figures.unacknowledged) == ((), ())


def test_a_sweep_counts_once_it_has_come_to_its_end(register: SqlRegister) -> None:
    """A page with accounts that billing does not know counts fewer than it holds, and is not the last for that."""
    assert count_register(register.engine, NOW).swept_at is None
    yesterday = NOW - timedelta(days=1)
    for page, counted, last_account in ((1, 2_000, "2"), (2, 7, "2"), (3, 0, "")):
        register.record_sweep(sweep("sweep/1", page, counted, yesterday, last_account))
    for counted in (2_000, 1_999, 0):
        register.record_sweep(sweep(f"sweep/2-{counted}", 1, counted, NOW))
        assert count_register(register.engine, NOW).swept_at == yesterday


def test_incidents_stay_open_until_they_have_an_outcome(register: SqlRegister) -> None:
    def breach(number: int, outcome: str | None) -> IncidentRow:
        values = {"account_id": "3001", "case_key": "run-1", "kind": "restoration_breach", "at": NOW}
        return IncidentRow.model_validate({"incident_id": f"i-{number}", "outcome": outcome, **values})

    register.write(record(incidents=(breach(1, None), breach(2, None), breach(3, "warned"))))
    counted = count_register(register.engine, NOW).incidents
    assert counted == (IncidentsCounted(kind="restoration_breach", open=2, closed=1),)


# ---- as Prometheus reads it ------------------------------------------------------------------------


def shown(figures: CaseFigures) -> Samples:
    """Every sample by name and label values, out of the text itself."""
    registry = CollectorRegistry()
    registry.register(figures)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def of(figures: Figures) -> Samples:
    return shown(CaseFigures(Asked("register", lambda: figures), Asked("billing", lambda: True), now=lambda: NOW))


@pytest.mark.parametrize(
    ("left", "bucket"),
    [
        (timedelta(seconds=-1), "overdue"),
        (timedelta(), "under_1h"),
        (timedelta(hours=1), "under_4h"),
        (timedelta(hours=4), "under_12h"),
        (timedelta(hours=12), "under_24h"),
        (timedelta(hours=24), "over_24h"),
    ],
    ids=lambda v: str(v),
)
def test_time_left_is_counted_in_buckets(left: timedelta, bucket: str) -> None:
    samples = of(Figures(light_due=(LightDue(centre="RC-03", by=NOW + left),)))
    due = {labels[1]: value for (name, labels), value in samples.items() if name == "arrears_restorations_due"}
    assert due == {name: float(name == bucket) for name in due}
    assert len(due) == 6
    assert samples["arrears_restoration_left_seconds", ("RC-03",)] == left.total_seconds()


def test_the_least_time_left_of_each_centre_is_shown() -> None:
    due = tuple(
        LightDue(centre=centre, by=NOW + timedelta(hours=hours))
        for centre, hours in (("RC-03", 9), ("RC-03", 2), ("RC-04", -1))
    )
    samples = of(Figures(light_due=due))
    assert samples["arrears_restoration_left_seconds", ("RC-03",)] == 2 * 3600
    assert samples["arrears_restoration_left_seconds", ("RC-04",)] == -3600
    assert not [k for k in of(Figures()) if k[0] == "arrears_restoration_left_seconds"], "nobody dark, no number"


def test_what_never_happened_is_shown_as_none_and_not_left_out() -> None:
    samples = of(Figures())
    incidents = {labels for name, labels in samples if name == "arrears_incidents"}
    assert incidents >= {("restoration_breach", "open"), ("unauthorised_cut", "open"), ("wrong_meter", "closed")}
    assert len(incidents) == 8
    assert samples["arrears_tickets_unacknowledged", ("restore",)] == 0


def test_a_register_that_is_down_shows_as_down_and_no_number_of_it_stays() -> None:
    down = threading.Event()

    def ask() -> Figures:
        if down.is_set():
            raise RegisterUnavailable("no answer")
        return Figures(cases=(CasesCounted(centre="RC-03", stage="restoring", cases=1, dark=1),))

    figures = CaseFigures(Asked("register", ask, fresh=0.0), Asked("billing", lambda: True), now=lambda: NOW)
    assert ("arrears_cases", ("RC-03", "restoring")) in shown(figures)
    down.set()
    assert shown(figures) == {("arrears_register_up", ()): 0.0, ("arrears_billing_up", ()): 1.0} | NO_FAULT
    down.clear()
    assert shown(figures)["arrears_register_up", ()] == 1.0


def test_no_label_names_an_account_or_a_person(register: SqlRegister) -> None:
    write(register, "6100000033", tasks=(task("reader", None),), ticket={"kind": "cut"})
    engine: Engine = register.engine
    text = repr(of(count_register(engine, NOW)))
    assert "RC-03" in text
    assert "6100000033" not in text
    assert "r-017" not in text
