"""The figures of all cases for Prometheus, counted in the register at each request; a stale figure is never shown."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from client.problems import Misused
from composition.parts import Parts
from console.questions import PATIENCE_SECONDS, Asked, Question
from domain.metrics import Figures
from domain.record.chain import AnchorLine
from domain.record.rows import IncidentRow

LEFT = (
    ("overdue", timedelta()),
    ("under_1h", timedelta(hours=1)),
    ("under_4h", timedelta(hours=4)),
    ("under_12h", timedelta(hours=12)),
    ("under_24h", timedelta(hours=24)),
    ("over_24h", timedelta.max),
)
"""How much is left of the time to restore; each customer stands in the first that fits."""
Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values, and the number they have."""
INCIDENT_KINDS: tuple[str, ...] = get_args(IncidentRow.model_fields["kind"].annotation)


@dataclass(frozen=True, eq=False)
class CaseFigures(Collector):
    """Gauges of all cases, made anew for each asking; labels name no account and no person."""

    cases: Asked[Figures]
    billing: Asked[bool]
    anchor: Asked[tuple[AnchorLine, ...]] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    patience: float = PATIENCE_SECONDS

    def collect(self) -> Iterator[Metric]:
        """Everything that is known now; of a part that gives no answer only that.

        All are asked before any is waited for: two that hang take no longer than one.
        """
        register, billing = self.cases.put(), self.billing.put()
        anchor = None if self.anchor is None else self.anchor.put()
        until = time.monotonic() + self.patience
        figures = register.answer(until)
        yield _gauge("arrears_register_up", "Whether the register answers", _up(register, until))
        yield _gauge("arrears_billing_up", "Whether billing answers", _up(billing, until))
        if anchor is not None:
            help_ = "Whether the anchor file can be read and is as it was signed; one that is not made yet is"
            yield _gauge("arrears_anchor_intact", help_, _up(anchor, until))
            yield from _of_anchor(anchor.answer(until))
        help_ = "Whether serve itself failed over its question to this part, of which then nothing is known"
        put = [question for question in (register, billing, anchor) if question is not None]
        yield _gauge("arrears_console_fault", help_, [((q.part,), q.failed) for q in put], ("part",))
        if figures is not None:
            yield from _of_cases(figures)
            yield from _of_restorations(figures, self.now())
            yield from _of_papers(figures, self.now())
            yield from _of_what_waits(figures, self.now())


def _up(question: Question[Any], until: float) -> Samples:
    """Whether the part answers; nothing where the fault is ours."""
    answers = question.answer(until) is not None
    return [] if question.failed else [((), answers)]


def _of_cases(figures: Figures) -> Iterator[Metric]:
    where = ("centre", "stage")
    counted = [((c.centre, c.stage), c) for c in figures.cases]
    yield _gauge("arrears_cases", "Open cases", [(k, c.cases) for k, c in counted], where)
    cut_off = [(k, c.without_supply) for k, c in counted if c.without_supply]
    yield _gauge("arrears_cases_dark", "Open cases whose customer has no supply", cut_off, where)
    found = {(i.kind, state): n for i in figures.incidents for state, n in (("open", i.open), ("closed", i.closed))}
    every = [((kind, state), found.get((kind, state), 0)) for kind in INCIDENT_KINDS for state in ("open", "closed")]
    help_ = "Incidents and breaches; open until they have an outcome"
    yield _gauge("arrears_incidents", help_, every, ("kind", "state"))
    if figures.swept_at is not None:
        help_ = "When the last daily sweep that came to its end began"
        yield _gauge("arrears_sweep_timestamp_seconds", help_, [((), figures.swept_at.timestamp())])


def _of_restorations(figures: Figures, now: datetime) -> Iterator[Metric]:
    left = [(due.centre, due.by - now) for due in figures.restorations_due]
    least: dict[str, timedelta] = {}
    for centre, time_left in left:
        least[centre] = min(time_left, least.get(centre, timedelta.max))
    seconds = [((centre,), time_left.total_seconds()) for centre, time_left in least.items()]
    help_ = "Least time left to restore supply; below zero it is too late"
    yield _gauge("arrears_restoration_left_seconds", help_, seconds, ("centre",))
    counted = Counter((centre, _bucket(time_left)) for centre, time_left in left)
    every = [((centre, name), counted[centre, name]) for centre in least for name, _ in LEFT]
    help_ = "Customers whose supply is to be restored, by the time left"
    yield _gauge("arrears_restorations_due", help_, every, ("centre", "left"))


def _bucket(time_left: timedelta) -> str:
    return next(name for name, below in LEFT if time_left < below or below == timedelta.max)


def _of_papers(figures: Figures, now: datetime) -> Iterator[Metric]:
    notices = [((n.kind, n.state, n.outcome), n.notices) for n in figures.notices]
    yield _gauge("arrears_notices", "Notices of open cases", notices, ("kind", "state", "outcome"))
    waiting = {t.kind: t for t in figures.unacknowledged}
    counted = [((kind,), waiting[kind].tickets if kind in waiting else 0) for kind in ("cut", "restore")]
    help_ = "Tickets that the field unit has not acknowledged"
    yield _gauge("arrears_tickets_unacknowledged", help_, counted, ("kind",))
    since = {kind: waiting[kind].oldest_sent_at or now if kind in waiting else now for kind in ("cut", "restore")}
    ages = [((kind,), (now - at).total_seconds()) for kind, at in since.items()]
    help_ = "Age of the oldest ticket that the field unit has not acknowledged; zero where there is none"
    yield _gauge("arrears_ticket_unacknowledged_seconds", help_, ages, ("kind",))
    tasks = [((t.role, late), n) for t in figures.tasks for late, n in (("no", t.tasks - t.late), ("yes", t.late))]
    help_ = "What people are awaited for, and whether it was due already"
    yield _gauge("arrears_tasks", help_, tasks, ("role", "late"))


def _of_what_waits(figures: Figures, now: datetime) -> Iterator[Metric]:
    """Ages, each zero where nothing waits."""

    def age(since: datetime | None) -> float:
        return 0.0 if since is None else (now - since).total_seconds()

    oldest = {i.kind: i.oldest_open_at for i in figures.incidents}
    ages = [((kind,), age(oldest.get(kind))) for kind in INCIDENT_KINDS]
    help_ = "Time since the oldest incident without an outcome happened"
    yield _gauge("arrears_incident_open_seconds", help_, ages, ("kind",))
    help_ = "Messages to staff that no channel has accepted yet"
    yield _gauge("arrears_outbox_unsent", help_, [((), figures.unsent.messages)])
    help_ = "Age of the oldest message that no channel has accepted yet"
    yield _gauge("arrears_outbox_oldest_seconds", help_, [((), age(figures.unsent.oldest_filed_at))])
    due = figures.reports
    waiting = [(("made",), age(due.to_make_since)), (("sent",), age(due.to_send_since))]
    help_ = "For how long the oldest report to the government waits to be made, since its month ended, or to be sent"
    yield _gauge("arrears_report_waiting_seconds", help_, waiting, ("to_be",))


def _of_anchor(lines: tuple[AnchorLine, ...] | None) -> Iterator[Metric]:
    if lines is None:
        return
    help_ = "How often the heads of all evidence chains were anchored; lines are only ever added"
    yield _gauge("arrears_anchor_lines", help_, [((), len(lines))])
    if lines:
        help_ = "When the heads of all evidence chains were last anchored"
        yield _gauge("arrears_anchor_timestamp_seconds", help_, [((), lines[-1].at.timestamp())])


def _gauge(name: str, help_: str, values: Samples, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_, labels=labels)
    for of, value in values:
        gauge.add_metric(of, float(value))
    return gauge


def case_figures(parts: Parts, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> CaseFigures:
    """The figures of these parts: register, billing, and the anchor file if one is set."""

    def billing_answers() -> bool:
        parts.billing.customer("-")
        return True

    def anchored() -> tuple[AnchorLine, ...]:
        assert parts.anchor is not None
        return tuple(parts.anchor.file.lines())

    return CaseFigures(
        cases=Asked("register", lambda: parts.reader.figures(now(), parts.policy.zone)),
        billing=Asked("billing", billing_answers),
        anchor=Asked("anchor", anchored) if parts.anchor else None,
        now=now,
    )


@contextmanager
def shown(figures: CaseFigures, address: str | None) -> Iterator[None]:
    """Show them at that address for as long as the block lasts; Misused: it cannot be listened on."""
    if address is None:
        yield
        return
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as problem:
        sentence = f"ARREARS_CONSOLE_METRICS: {address} cannot be listened on ({problem.strerror})"
        raise Misused("Configuration", sentence) from problem
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
