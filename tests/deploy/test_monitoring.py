"""Alerts and dashboard: all they name is exposed by a running worker and `serve`; every alert says what to do."""

import asyncio
import json
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import promql_parser
import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import AggregateExpr, Call, MatchOp, VectorSelector
from temporalio.client import WorkflowFailureError

from composition.parts import build
from console.command import add_serve_command
from edge.commands.application import application
from tests.adapters.anchor.test_register_anchor import SPELLED
from tests.support.programs import environment, until, worker_program
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
SCRAPES: dict[str, Any] = {
    job["job_name"]: job
    for job in yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
}
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/arrears.json").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]

Node = TypeVar("Node", bound=promql_parser.Expr)
Labels = dict[str, str]
Exposed = dict[str, list[Labels]]


def parts_of(query: str, kind: type[Node]) -> list[Node]:
    """Every part of that kind of an expression."""
    found: list[Node] = []

    def look(node: promql_parser.Expr) -> None:
        if isinstance(node, kind):
            found.append(node)

    promql_parser.walk(promql_parser.parse(query), look)
    return found


def asks_for(selector: VectorSelector, labels: Labels) -> bool:
    """Whether a series with these labels is one that the selector finds."""
    for asked in selector.matchers.matchers:
        value = labels.get(asked.name, "")
        wanted = re.escape(asked.value) if asked.op in (MatchOp.Equal, MatchOp.NotEqual) else asked.value
        if (re.fullmatch(wanted, value) is None) == (asked.op in (MatchOp.Equal, MatchOp.Re)):
            return False
    return True


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def scraped(address: str) -> Exposed:
    """What Prometheus would find there."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"http://{address}/metrics")).text
    exposed: Exposed = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            exposed.setdefault(sample.name, []).append(sample.labels)
    return exposed


@asynccontextmanager
async def serve_program(world: World, folder: Path, **changes: str) -> AsyncIterator[None]:
    """`python starter.py serve`, killed at the end."""
    with (folder / "serve.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "starter.py"), "serve"),
            env=environment(world, **changes),
            cwd=folder,
            stderr=log,
        )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def go_wrong(utility: World) -> None:
    """What the alerts are about: a customer without supply, billing silent, a case whose history nobody can read."""
    march = await utility.open()
    await march.notice("yellow")
    cut_off = await utility.open()
    found = {"report_id": "f-1", "meter_id": f"M-{cut_off.account_id}", "reported_by": "neighbour", "source": "95598"}
    await cut_off.signal("supply_found_cut", **found)
    await cut_off.ticket("restore")
    queue = utility.settings.task_queue
    await utility.client.execute_workflow("DailySweep", id="sweep-now", task_queue=queue)
    with pytest.raises(WorkflowFailureError):  # this worker has no anchor
        await utility.client.execute_workflow("EvidenceAnchoring", id="anchor-now", task_queue=queue)
    account = await utility.customer()
    await utility.outage()
    await cut_off.signal("recheck_requested", request_id="q-1", source="hotline")
    lost = await utility.open(account)
    # What docs/runbook.md, section 2, warns of: done by hand, it leaves a case that no worker can carry on.
    by_hand = utility.client.get_async_activity_handle(workflow_id=lost.handle.id, run_id=None, activity_id="1")
    await until(lambda: _waits(lost.handle), "a question to billing that is tried again")
    await by_hand.complete({"account": 1})


async def _waits(case: Any) -> bool:
    pending = (await case.describe()).raw_description.pending_activities
    return any(activity.attempt > 1 for activity in pending)


@dataclass(frozen=True)
class Watched:
    """What a worker and `serve`, each a program of its own, show and say after things have gone wrong."""

    exposed: Exposed
    lines: list[dict[str, Any]]


@pytest.fixture(scope="module")
async def watched(world: World, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("watched")
    databases = {f"{name}_url": f"sqlite:///{folder / name}.db" for name in ("register", "billing")}
    settings = world.settings.model_validate(
        {**databases, "task_queue": "watched", "anchor": folder / "anchor", "anchor_key": SPELLED}
    )
    parts = build(settings)
    utility = World(world.env, parts, settings, world.policy)
    at_worker, at_console, door = (f"127.0.0.1:{port}" for port in free_ports(3))
    own = {"ARREARS_METRICS": at_worker, "ARREARS_RETRY_MAX_SECONDS": "1", "ARREARS_LOG_FORMAT": "json"}
    console = {
        "ARREARS_CONSOLE_METRICS": at_console,
        "ARREARS_CONSOLE_PORT": door.rpartition(":")[2],
        "ARREARS_ANCHOR": str(folder / "anchor"),
        "ARREARS_ANCHOR_KEY": SPELLED,
    }
    async with worker_program(utility, folder, **own), serve_program(utility, folder, **console):
        await go_wrong(utility)
        assert parts.anchor is not None
        await asyncio.to_thread(parts.anchor.anchor, datetime.now(UTC))

        async def everything() -> bool:
            try:
                found.update(await scraped(at_worker) | await scraped(at_console))
            except httpx.TransportError:  # not yet listening
                return False
            return found.keys() >= NAMES

        found: Exposed = {}
        try:
            await until(everything, "all that is named")
        except AssertionError:
            raise AssertionError(f"never exposed: {sorted(NAMES - found.keys())}") from None
        log = (folder / "worker.log").read_text("utf-8")
        return Watched(found, [json.loads(line) for line in log.splitlines()])


@pytest.fixture
def exposed(watched: Watched) -> Exposed:
    return watched.exposed


# ---- against what is exposed -----------------------------------------------------------------------


BY_PROMETHEUS = {"up"}
"""What no program of ours exposes: Prometheus itself says it."""
NAMES = {s.name for query in QUERIES for s in parts_of(query, VectorSelector) if s.name} - BY_PROMETHEUS


@pytest.mark.parametrize("query", sorted(set(QUERIES)))
def test_what_a_query_asks_for_is_exposed_with_these_labels(query: str, exposed: Exposed) -> None:
    for selector in parts_of(query, VectorSelector):
        assert selector.name
        if selector.name in BY_PROMETHEUS:
            assert {m.value for m in selector.matchers.matchers if m.name == "job"} <= SCRAPES.keys()
            continue
        series = exposed[selector.name]
        assert [labels for labels in series if asks_for(selector, labels)], f"{selector.name}: {series}"
        asked = {label for part in parts_of(query, AggregateExpr) if part.modifier for label in part.modifier.labels}
        assert asked <= set().union(*series)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_what_an_alert_says_of_labels_is_there_to_be_said(rule: dict[str, Any], exposed: Exposed) -> None:
    said = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    names = [s.name for s in parts_of(rule["expr"], VectorSelector) if s.name not in BY_PROMETHEUS]
    assert said <= set().union(*(labels for name in names for labels in exposed[name or ""]))


def test_all_that_serve_counts_is_asked_for_by_some_query(exposed: Exposed) -> None:
    assert {name for name in exposed if name.startswith("arrears_")} <= NAMES


def test_activities_named_in_alerts_are_those_of_the_worker(exposed: Exposed) -> None:
    named = {
        activity
        for query in QUERIES
        for selector in parts_of(query, VectorSelector)
        for matcher in selector.matchers.matchers
        if matcher.name == "activity_type"
        for activity in matcher.value.split("|")
    }
    assert named == {"open_account", "read_debt", "look_around", "sweep_page"}
    done = {labels["activity_type"] for labels in exposed["temporal_activity_execution_latency_seconds_count"]}
    assert {"open_account", "sweep_page", "issue_notice"} <= done


def test_every_line_about_a_case_says_account_stage_and_clause(watched: Watched) -> None:
    about_cases = [line for line in watched.lines if str(line.get("workflow", "")).startswith("arrears-")]
    assert {"notice.issued", "cut.found", "Completing activity as failed"} <= {line["event"] for line in about_cases}
    assert [line for line in about_cases if not {"account", "stage", "clause"} <= line.keys()] == []
    assert {"yellow_notice", "restoring"} <= {line["stage"] for line in about_cases}
    assert {"I.1", "II.6", "III.4"} <= {line["clause"] for line in about_cases}


# ---- by themselves ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_what_to_do_and_where_that_is_written(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    assert rule["annotations"].keys() == {"summary", "do"}
    sections = re.findall(r"docs/runbook\.md, section (\d+)\.", rule["annotations"]["do"])
    assert sections
    runbook = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert all(f"\n## {number}. " in runbook for number in sections)
    if sections == ["9"]:
        assert f"`{rule['alert']}`" in runbook.partition("\n## 9. ")[2]
    commands = typer.main.get_command(application(add_serve_command)).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"starter\.py ([\w-]+)", rule["annotations"]["do"])) <= commands.keys()


def test_what_must_wake_somebody_does() -> None:
    assert {str(rule["alert"]) for rule in RULES} >= {
        *("RestorationDueSoon", "RestorationBreached", "RestorationTicketUnacknowledged", "CutTicketUnacknowledged"),
        *("WorkerDown", "NobodyPolls", "RegisterDown", "BillingUnreachable", "BillingQuestionsFail"),
        *("SweepMissed", "SweepNeverRun", "AnchorOld", "AnchorNeverMade", "AnchorNotIntact", "AnchorShrunk"),
        *("BreachOpen", "MessagesUnsent", "ReportNotMade", "ReportNotSent"),
    }
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    critical = {str(rule["alert"]) for rule in RULES if rule["labels"]["severity"] == "critical"}
    assert critical >= {"RestorationBreached", "RegisterDown", "BillingUnreachable"}
    assert critical >= {"ConsoleDown", "ConsoleFault"}, "while nobody counts, every alert about light is blind"


def test_no_query_puts_a_number_where_nobody_can_tell() -> None:
    """An outage must show as one: only Prometheus itself knows that none of its targets is up."""
    made_up = [query for query in QUERIES if [call for call in parts_of(query, Call) if call.func.name == "vector"]]
    assert {s.name for query in made_up for s in parts_of(query, VectorSelector)} <= BY_PROMETHEUS
    filled = [query for query in QUERIES if re.search(r"\bor 0\b", query)]
    assert filled
    assert all(query.endswith(" or 0 * max(arrears_register_up == 1)") for query in filled)
    stats = [target for panel in PANELS if panel["type"] == "stat" for target in panel["targets"]]
    assert all(target["instant"] for target in stats), "the last number of a range may be an hour old"


def test_prometheus_asks_where_the_programs_listen() -> None:
    [[target]] = [config["targets"] for config in SCRAPES["arrears-console"]["static_configs"]]
    [found] = SCRAPES["arrears-worker"]["dns_sd_configs"]
    listening = {
        "console": COMPOSE["console"]["environment"]["ARREARS_CONSOLE_METRICS"],
        "worker": COMPOSE["worker"]["environment"]["ARREARS_METRICS"],
    }
    assert target == f"console:{listening['console'].rpartition(':')[2]}"
    assert [f"{name}:{found['port']}" for name in found["names"]] == [
        f"worker:{listening['worker'].rpartition(':')[2]}"
    ]


def test_grafana_finds_the_dashboard_and_the_dashboard_its_figures() -> None:
    provided = [
        yaml.safe_load((ROOT / f"deploy/grafana/{name}.yml").read_text("utf-8"))
        for name in ("datasource", "dashboards")
    ]
    [source], [folder] = provided[0]["datasources"], provided[1]["providers"]
    assert source["url"] == "http://prometheus:9090"
    uids = {use["datasource"]["uid"] for panel in PANELS for use in (panel, *panel["targets"])}
    assert uids == {source["uid"]}
    mounted = {volume.split(":")[1] for volume in COMPOSE["grafana"]["volumes"]}
    assert f"{folder['options']['path']}/arrears.json" in mounted
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({p["id"] for p in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
