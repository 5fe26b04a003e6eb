"""Judges a run by the two ledgers: nothing acknowledged is lost, nothing due is missing, nothing was done twice."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio.client import Client
from temporalio.worker import Replayer

from client.cases import workflow_id
from client.converter import data_converter
from composition.serving import WORKFLOWS, sandbox
from tests.chaos.ledgers import Entry, Said, Written
from tests.chaos.people import Life
from tests.chaos.programs import Town

Row = dict[str, Any]

# What an acknowledged message must have left in the evidence, and which of its fields the evidence is about.
# A life has one cut, so it need not be named.
_LEAVES = {
    "record_delivery": ("notice.served", "notice_id"),
    "decide_approval": ("approval.given", "notice_id"),
    "record_filing": ("filing.recorded", "notice_id"),
    "acknowledge_ticket": ("ticket.acknowledged", "ticket_id"),
    "acknowledge_escalation": ("escalation.acknowledged", "escalation_id"),
    "record_final_notice": ("customer.told", "ticket_id"),
    "report_cut": ("cut.reported", ""),
    "report_restored": ("supply.restored", "ticket_id"),
    "close_incident": ("incident.closed", "incident_id"),
    "payment_received": ("payment.hint", "payment_id"),
    "bill_overdue": ("bill.overdue", "bill_id"),
    "supply_found_cut": ("cut.found", "report_id"),
    "hold_placed": ("hold.placed", "hold_id"),
    "hold_lifted": ("hold.lifted", "hold_id"),
}
_BY_ROLE = {"approval.given"}
# These happen once for each thing they are about, however often the step behind them ran.
_ONCE = {
    *(
        "notice.issued",
        "notice.served",
        "approvals.complete",
        "ticket.sent",
        "ticket.acknowledged",
        "half_hour.reached",
        "paper.filed",
    ),
    *("permit.granted", "cut.reported", "supply.restored", "payment.hint", "bill.overdue", "cut.found", "case.closed"),
    *("debt.settled", "incident.opened", "incident.closed", "hold.placed", "hold.lifted"),
}
_ENDS = {
    "paid after yellow": "settled",
    "paid after red": "settled",
    "cut and restored": "restored",
    "held and cut": "restored",
    "found cut": "restored",
}


@dataclass
class Findings:
    """What a run has shown; each list names its cases."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    twice: int = 0
    """Activities whose history shows a second attempt, and the register that both wrote."""
    records_twice: int = 0
    """Records committed more than once, those written by local activities among them."""
    unreplayable: list[str] = field(default_factory=list)
    """Cases whose history a fresh worker could not take up."""
    slips: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, missing or done twice."""
        return not (self.lost or self.missing or self.duplicates or self.unreplayable)


async def judge(town: Town, said: Said, written: Written, lives: Iterable[Life]) -> Findings:
    """Compare what was acknowledged with what there is."""
    lives = list(lives)
    book = _Book(town, written)
    found = Findings(acknowledged=len(said.acknowledged()), slips=sum(book.slips(life.account_id) for life in lives))
    found.lost += _lost(said, book)
    for life in lives:
        found.missing += _missing(life, book)
        found.duplicates += _duplicates(life, book)
    found.lost += [f"{e.account_id}: {e.message} {e.key} was never answered" for e in said.unanswered()]
    found.duplicates += _refused_and_done(said, book)
    found.duplicates += [f"{kind}: {key}" for kind, key in written.removed()]
    twice = written.twice()
    found.records_twice = len(twice)
    found.twice = await _ran_twice(town.client, twice, book)
    found.unreplayable += await _unreplayable(town.client, lives)
    return found


class _Book:
    """The register and the billing book as they stand at the end, by account."""

    def __init__(self, town: Town, written: Written) -> None:
        self.town = town
        self.cases = _by_account(written.rows("SELECT * FROM cases"))
        evidence = _by_account(written.rows("SELECT * FROM evidence ORDER BY account_id, seq"))
        self.evidence = defaultdict(list, {account: as_it_stands(rows) for account, rows in evidence.items()})
        self.notices = _by_account(written.rows("SELECT * FROM notices"))
        self.tickets = _by_account(written.rows("SELECT * FROM tickets"))
        self.messages = _by_account(written.rows("SELECT * FROM messages"))
        self.tasks = _by_account(written.rows("SELECT * FROM tasks"))
        billing = Written(town.folder / "billing.db")
        self.payments = {row["payment_id"] for row in billing.rows("SELECT payment_id FROM payments")}

    def slips(self, account_id: str) -> int:
        """Red notices that went void and were followed by another."""
        reds = [n for n in self.notices[account_id] if n["kind"] == "red"]
        return max(len(reds) - 1, 0)

    def holds_permit(self, account_id: str, answer: dict[str, Any]) -> bool:
        """Whether the permit of that answer is on record, to the minute at which it ends."""
        return any(
            e["what"] == "permit.granted"
            and e["about"] == answer["permit_id"]
            and datetime.fromisoformat(json.loads(e["detail"])["valid_until"])
            == datetime.fromisoformat(answer["valid_until"])
            for e in self.evidence[account_id]
        )

    def count(self, account_id: str, what: str, about: str | None, role: str | None = None) -> int:
        """How often this stands in the evidence."""
        return sum(
            e["what"] == what and about in (None, e["about"]) and role in (None, e["actor_role"])
            for e in self.evidence[account_id]
        )


def as_it_stands(evidence: Iterable[Row]) -> list[Row]:
    """The evidence without permits that nobody was given: the last of a number is the one that was answered.

    A permit is on record before it is given (R-18). Where a kill takes the workflow task in between, it is granted
    anew, later, under the same number; the record only grows, so that the first stays beside it.
    """
    rows = list(evidence)
    last = {_permit_number(e): e["seq"] for e in rows if e["what"] == "permit.granted"}
    kept = []
    for row in rows:
        if row["what"] != "permit.granted":
            kept.append(row)
        elif last[number := _permit_number(row)] == row["seq"]:
            kept.append(row | {"key": number})
    return kept


def _permit_number(permit: Row) -> str:
    return str(permit["key"].partition("~")[0])


def _by_account(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(row)
    return found


def _lost(said: Said, book: _Book) -> Iterator[str]:
    """Acknowledged, and not in the evidence exactly once."""
    for entry in said.acknowledged():
        if entry.message == "booked":
            if entry.key not in book.payments:
                yield f"{entry.account_id}: payment {entry.key} is not in the billing book"
        elif (expected := _left_by(entry)) is not None:
            what, about = expected
            role = entry.payload["actor"]["role"] if what in _BY_ROLE else None
            times = book.count(entry.account_id, what, about, role)
            if times != 1:
                yield f"{entry.account_id}: {entry.message} {entry.key} was acknowledged; {what} stands {times} times"
            if what == "permit.granted" and not book.holds_permit(entry.account_id, entry.answer or {}):
                yield f"{entry.account_id}: the permit given to {entry.key} is not the one on record"


def _refused_and_done(said: Said, book: _Book) -> Iterator[str]:
    """The case said no, and yet it stands in the evidence."""
    for entry in said.all_refused():
        if entry.refused in ("NoCase", "NotWaiting") or entry.message not in _LEAVES:
            continue  # it was over, or done by a repeated request
        what, about = _LEAVES[entry.message]
        role = entry.payload["actor"]["role"] if what in _BY_ROLE else None
        if book.count(entry.account_id, what, entry.payload.get(about), role):
            yield f"{entry.account_id}: {entry.message} {entry.key} was refused ({entry.refused}) and done"


def _left_by(entry: Entry) -> tuple[str, str | None] | None:
    """What this acknowledged message must have left."""
    answer = entry.answer or {}
    if entry.message == "request_permit":
        return ("permit.granted", answer["permit_id"]) if answer.get("granted") else None
    if entry.message == "report_cut" and not answer.get("lawful"):
        return None
    if entry.message == "record_delivery" and not answer.get("served"):  # true, and too late: the case said so
        return "delivery.too_late", entry.payload["notice_id"]
    what, about = _LEAVES[entry.message]
    return what, entry.payload[about] if about else None


def _missing(life: Life, book: _Book) -> Iterator[str]:
    """Due by what the case itself has noted, or by how its life had to end, and not there."""
    account = life.account_id
    notices = {n["notice_id"]: n for n in book.notices[account]}
    tickets = {t["ticket_id"]: t for t in book.tickets[account]}
    told = Counter((m["about"], m["to_role"]) for m in book.messages[account])
    for entry in book.evidence[account]:
        about = entry["about"]
        if entry["what"] == "notice.issued" and not notices.get(about, {}).get("text_zh"):
            yield f"{account}: notice {about} has no paper"
        if entry["what"] == "notice.issued" and not told[about, "reader"]:
            yield f"{account}: notice {about} was given to no reader"
        if entry["what"] == "ticket.sent" and not tickets.get(about, {}).get("text_zh"):
            yield f"{account}: ticket {about} has no paper"
        if entry["what"] == "ticket.sent" and not told[about, "field_crew"]:
            yield f"{account}: ticket {about} reached no crew"
    for case in book.cases[account]:
        of_case = [e for e in book.evidence[account] if e["case_key"] == case["case_key"]]
        gaps = gaps_among(e["key"] for e in of_case if e["what"] != "paper.filed")  # the printer's note has no number
        if gaps:
            yield f"{account}: the evidence has gaps: {gaps}"
        if case["closed_at"] is None or book.tasks[account]:
            yield f"{account}: the register does not know that the case is closed"
    if not book.cases[account]:
        yield f"{account}: no case was opened"
    if not life.result or life.result["outcome"] != _ENDS[life.ending]:
        yield f"{account}: {life.ending}, and yet it closed {life.result}"
    cuts = book.count(account, "cut.reported", None) + book.count(account, "cut.found", None)
    lights = book.count(account, "supply.restored", None)
    if not cuts == lights == (_ENDS[life.ending] == "restored"):
        yield f"{account}: {life.ending}: {cuts} cuts, {lights} restorations"
    if not book.town.parts.reader.verify(account).intact:
        yield f"{account}: the chain of evidence is broken"


def gaps_among(keys: Iterable[str]) -> list[str]:
    """Kinds of evidence of which one is missing, or stands twice: a case counts each of its kinds from 1."""
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        kind, _, number = key.rpartition("/")
        numbers[kind].append(number)
    return [
        f"{kind}: {sorted(n)}" for kind, n in numbers.items() if sorted(n) != sorted(map(str, range(1, len(n) + 1)))
    ]


def _duplicates(life: Life, book: _Book) -> Iterator[str]:
    """One case, one notice for each attempt, one ticket for each purpose, one message for each occasion."""
    account = life.account_id
    if len(book.cases[account]) > 1:
        yield f"{account}: {len(book.cases[account])} cases"
    once = Counter((e["what"], e["about"]) for e in book.evidence[account] if e["what"] in _ONCE)
    yield from (f"{account}: {what} {about} {n} times" for (what, about), n in once.items() if n > 1)
    said = Counter(
        (m["to_role"], m["to_person"], m["subject"], m["about"], m["text_zh"], m["at"]) for m in book.messages[account]
    )
    yield from (f"{account}: {key[0]} was told {n} times: {key[2]} {key[3]}" for key, n in said.items() if n > 1)
    voids = sum(n["state"] == "void" for n in book.notices[account])
    stated = Counter((n["kind"], n["cut_at"]) for n in book.notices[account])
    yield from (f"{account}: {n} {kind} notices for {at}" for (kind, at), n in stated.items() if n > 1)
    live = Counter(n["kind"] for n in book.notices[account] if n["state"] != "void")
    yellows = 2 if life.ending == "found cut" else 1
    if live["yellow"] > yellows or live["red"] > 1:
        yield f"{account}: {dict(live)} notices beside {voids} void ones"
    tickets = Counter((t["kind"], t["notice_id"] or t["meter_id"]) for t in book.tickets[account])
    yield from (f"{account}: {n} {kind} tickets for {of}" for (kind, of), n in tickets.items() if n > 1)


async def _unreplayable(client: Client, lives: Iterable[Life]) -> list[str]:
    """A worker that knows nothing must be able to go on with every case, or it stands still for ever."""
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter, workflow_runner=sandbox())
    found = []
    for life in lives:
        history = await client.get_workflow_handle(workflow_id(life.account_id)).fetch_history()
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            found.append(f"{life.account_id}: {result.replay_failure}")
    return found


async def _ran_twice(client: Client, twice: Counter[str], book: _Book) -> int:
    """Activities that had committed by the register's log, and by their history were then tried, and done, again."""
    accounts = {case["case_key"]: account for account, cases in book.cases.items() for case in cases}
    revisions: defaultdict[str, set[int]] = defaultdict(set)
    for record in twice:
        case_key, revision = record.rsplit("#", 1)
        revisions[accounts[case_key]].add(int(revision))
    found = 0
    for account, repeated in revisions.items():
        written: dict[int, int] = {}
        async for event in client.get_workflow_handle(workflow_id(account)).fetch_history_events():
            if event.HasField("activity_task_scheduled_event_attributes"):
                order = json.loads(event.activity_task_scheduled_event_attributes.input.payloads[0].data)
                case = (order.get("record") or order).get("case")
                if isinstance(case, dict):
                    written[event.event_id] = case["revision"]
            elif event.HasField("activity_task_started_event_attributes"):
                started = event.activity_task_started_event_attributes
                found += started.attempt > 1 and written.get(started.scheduled_event_id) in repeated
    return found
