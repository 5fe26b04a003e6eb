"""How all cases stand, in numbers: counted on both databases, and shown as Prometheus reads it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from activities.register import RegisterUnavailable
from adapters.register.counting import count_register
from adapters.register.writing import SqlRegister, open_register
from composition.parts import build
from composition.settings.model import Settings
from console.metrics import CaseFigures, case_figures
from console.questions import Asked
from domain.metrics import CasesCounted, Figures, IncidentsCounted, RestorationDue, TicketsUnacknowledged, UnsentCounted
from domain.record.rows import IncidentRow, Task
from domain.record.sweep import SweepPage
from domain.report.due import ReportsDue
from tests.adapters.anchor.test_register_anchor import SPELLED
from tests.support.register_records import OPENED, case_row, message, notice, record, ticket

NOW = OPENED + timedelta(days=30)
ZONE = ZoneInfo("Asia/Shanghai")
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
    cut_off: dict[str, Any] = {"stage": "restoring", "supply_off": True, "restore_due_by": NOW + timedelta(hours=3)}
    write(register, "3", ticket={"kind": "restore", **sent}, **cut_off)
    write(register, "4", ticket={"kind": "cut", "state": "acknowledged", **sent}, stage="closed", closed_at=NOW)
    figures = count_register(register.engine, NOW, ZONE)
    assert {(c.centre, c.stage, c.cases, c.without_supply) for c in figures.cases} == {
        ("RC-03", "yellow_notice", 2, 0),
        ("RC-03", "restoring", 1, 1),
    }
    assert figures.restorations_due == (RestorationDue(centre="RC-03", by=NOW + timedelta(hours=3)),)
    assert {(n.kind, n.state, n.outcome, n.notices) for n in figures.notices} == {
        ("yellow", "to_deliver", "none", 2),
        ("yellow", "delivered", "refused", 1),
    }
    assert figures.unacknowledged == (TicketsUnacknowledged(kind="restore", tickets=1, oldest_sent_at=sent["sent_at"]),)
    assert {(t.role, t.tasks, t.late) for t in figures.tasks} == {("reader", 2, 1), ("field_crew", 1, 0)}


def test_a_case_ended_in_temporal_and_opened_anew_counts_once(register: SqlRegister) -> None:
    """Nobody closes the row of the first: it must not ring for ever."""
    cut_off: dict[str, Any] = {"stage": "restoring", "supply_off": True, "restore_due_by": NOW - timedelta(days=2)}
    write(register, "1", case_key="run-1", ticket={"kind": "restore"}, **cut_off)
    write(register, "1", case_key="run-2", opened_at=OPENED + timedelta(days=1))
    figures = count_register(register.engine, NOW, ZONE)
    assert [(c.stage, c.cases, c.without_supply) for c in figures.cases] == [("yellow_notice", 1, 0)]
    assert (figures.restorations_due, figures.unacknowledged) == ((), ())


def test_a_sweep_counts_once_it_has_come_to_its_end(register: SqlRegister) -> None:
    """A page with accounts that billing does not know counts fewer than it holds, and is not the last for that."""
    assert count_register(register.engine, NOW, ZONE).swept_at is None
    yesterday = NOW - timedelta(days=1)
    for page, counted, last_account in ((1, 2_000, "2"), (2, 7, "2"), (3, 0, "")):
        register.record_sweep(sweep("sweep/1", page, counted, yesterday, last_account))
    for counted in (2_000, 1_999, 0):
        register.record_sweep(sweep(f"sweep/2-{counted}", 1, counted, NOW))
        assert count_register(register.engine, NOW, ZONE).swept_at == yesterday


def test_incidents_stay_open_until_they_have_an_outcome(register: SqlRegister) -> None:
    def breach(days_ago: int, outcome: str | None, kind: str = "restoration_breach") -> IncidentRow:
        values = {"account_id": "3001", "case_key": "run-1", "kind": kind, "at": NOW - timedelta(days=days_ago)}
        return IncidentRow.model_validate({"incident_id": f"{kind}/{days_ago}", "outcome": outcome, **values})

    breaches = (breach(1, None), breach(2, None), breach(3, "warned"), breach(9, "warned", "wrong_meter"))
    register.write(record(incidents=breaches))
    counted = count_register(register.engine, NOW, ZONE).incidents
    assert {c.kind: (c.open, c.closed, c.oldest_open_at) for c in counted} == {
        "restoration_breach": (2, 1, NOW - timedelta(days=2)),
        "wrong_meter": (0, 1, None),
    }


def test_messages_that_no_channel_has_accepted_are_counted_and_the_oldest_is_shown(register: SqlRegister) -> None:
    assert count_register(register.engine, NOW, ZONE).unsent == UnsentCounted()
    hands_on = replace(register, hands_on=True)
    filed = (NOW - timedelta(minutes=5), NOW - timedelta(minutes=40), NOW)
    hands_on.write(record(messages=tuple(message(f"m-{n}", at=at) for n, at in enumerate(filed))))
    counted = count_register(register.engine, NOW, ZONE).unsent
    assert counted == UnsentCounted(messages=3, oldest_filed_at=NOW - timedelta(minutes=40))


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
    samples = of(Figures(restorations_due=(RestorationDue(centre="RC-03", by=NOW + left),)))
    due = {labels[1]: value for (name, labels), value in samples.items() if name == "arrears_restorations_due"}
    assert due == {name: float(name == bucket) for name in due}
    assert len(due) == 6
    assert samples["arrears_restoration_left_seconds", ("RC-03",)] == left.total_seconds()


def test_the_least_time_left_of_each_centre_is_shown() -> None:
    due = tuple(
        RestorationDue(centre=centre, by=NOW + timedelta(hours=hours))
        for centre, hours in (("RC-03", 9), ("RC-03", 2), ("RC-04", -1))
    )
    samples = of(Figures(restorations_due=due))
    assert samples["arrears_restoration_left_seconds", ("RC-03",)] == 2 * 3600
    assert samples["arrears_restoration_left_seconds", ("RC-04",)] == -3600
    assert not [k for k in of(Figures()) if k[0] == "arrears_restoration_left_seconds"], "all have supply, no number"


def test_what_never_happened_is_shown_as_none_and_not_left_out() -> None:
    samples = of(Figures())
    incidents = {labels for name, labels in samples if name == "arrears_incidents"}
    assert incidents >= {("restoration_breach", "open"), ("unauthorised_cut", "open"), ("wrong_meter", "closed")}
    assert len(incidents) == 8
    assert samples["arrears_tickets_unacknowledged", ("restore",)] == 0
    waits = ("arrears_outbox_unsent", "arrears_outbox_oldest_seconds")
    assert {samples[name, ()] for name in waits} == {0}
    ages = ("arrears_incident_open_seconds", "arrears_report_waiting_seconds")
    assert {value for (name, _), value in samples.items() if name in ages} == {0}


def test_how_long_the_oldest_of_each_has_waited_is_shown() -> None:
    """One incident after the other is no old incident: only the age of the oldest says whether one was forgotten."""
    breach = IncidentsCounted(kind="restoration_breach", open=2, closed=7, oldest_open_at=NOW - timedelta(hours=30))
    unsent = UnsentCounted(messages=12, oldest_filed_at=NOW - timedelta(minutes=20))
    reports = ReportsDue(to_make_since=NOW - timedelta(days=4), to_send_since=NOW - timedelta(days=40))
    samples = of(Figures(incidents=(breach,), unsent=unsent, reports=reports))
    assert samples["arrears_incident_open_seconds", ("restoration_breach",)] == 30 * 3600
    assert samples["arrears_incident_open_seconds", ("wrong_meter",)] == 0
    assert (samples["arrears_outbox_unsent", ()], samples["arrears_outbox_oldest_seconds", ()]) == (12, 20 * 60)
    assert samples["arrears_report_waiting_seconds", ("made",)] == 4 * 86_400
    assert samples["arrears_report_waiting_seconds", ("sent",)] == 40 * 86_400


def test_no_anchor_yet_is_not_an_anchor_that_is_not_intact(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "anchor"
    urls = {f"{name}_url": f"sqlite:///{tmp_path / name}.db" for name in ("register", "billing")}
    parts = build(Settings.model_validate({**urls, "anchor": place, "anchor_key": SPELLED}))
    assert parts.anchor is not None

    def seen() -> dict[str, float]:
        samples = shown(case_figures(parts, lambda: NOW))
        return {name.removeprefix("arrears_anchor_"): n for (name, _), n in samples.items() if "anchor_" in name}

    assert seen() == {"intact": 1, "lines": 0}
    parts.anchor.anchor(NOW)
    assert seen() == {"intact": 1, "lines": 1, "timestamp_seconds": NOW.timestamp()}
    kept = place.read_text("utf-8")
    place.write_text(kept.replace('"number":1', '"number":2'), "utf-8")
    assert seen() == {"intact": 0}
    place.unlink()
    assert seen() == {"intact": 1, "lines": 0}, "that there was one is for Prometheus to remember"
    parts.close()


def test_a_register_that_is_down_shows_as_down_and_no_number_of_it_stays() -> None:
    down = threading.Event()

    def ask() -> Figures:
        if down.is_set():
            raise RegisterUnavailable("no answer")
        return Figures(cases=(CasesCounted(centre="RC-03", stage="restoring", cases=1, without_supply=1),))

    figures = CaseFigures(Asked("register", ask, fresh=0.0), Asked("billing", lambda: True), now=lambda: NOW)
    assert ("arrears_cases", ("RC-03", "restoring")) in shown(figures)
    down.set()
    assert shown(figures) == {("arrears_register_up", ()): 0.0, ("arrears_billing_up", ()): 1.0} | NO_FAULT
    down.clear()
    assert shown(figures)["arrears_register_up", ()] == 1.0


def test_no_label_names_an_account_or_a_person(register: SqlRegister) -> None:
    write(register, "6100000033", tasks=(task("reader", None),), ticket={"kind": "cut"})
    engine: Engine = register.engine
    text = repr(of(count_register(engine, NOW, ZONE)))
    assert "RC-03" in text
    assert "6100000033" not in text
    assert "r-017" not in text
