"""How each life ended, read from the register, the proof and Temporal's history, and held against its script."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python
from temporalio.api.enums.v1 import EventType

from domain.filed import FiledEvidence
from edge.cases import workflow_id
from edge.cli_look import proof_of
from edge.demo.lives import Life
from edge.demo.playing import Town

_SKIPPED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED

# One step of a life in a word, and in the sign that the table shows.
_STEPS = {
    "approvals.complete": ("approved", "批"),
    "approval.rejected": ("rejected", "驳"),
    "filing.recorded": ("filed", "备"),
    "notice.refused": ("refused", "拒"),
    "half_hour.reached": ("half-hour", "告"),
    "meter.uncertain": ("doubt", "疑"),
    "permit.granted": ("permit", "许"),
    "permit.revoked": ("revoked", "撤许"),
    "not_cut.reported": ("not-cut", "未停"),
    "cut.reported": ("cut", "停"),
    "cut.found": ("found-cut", "擅停"),
    "debt.settled": ("settled", "清"),
    "restoration.requested": ("asked", "诉"),
    "recheck.requested": ("swept", "查"),
    "delay.declared": ("delay", "延"),
    "restore.breached": ("breach", "超时"),
    "supply.restored": ("restored", "复"),
    "promise.made": ("promise", "诺"),
    "promise.kept": ("kept", "兑"),
    "promise.broken": ("broken", "违"),
    "plan.agreed": ("plan", "分期"),
    "plan.kept": ("kept", "兑"),
    "plan.broken": ("broken", "违"),
    "hold.placed": ("hold", "缓"),
    "hold.lifted": ("lifted", "解"),
    "hold.ended": ("ended", "期满"),
    "withdrawn": ("withdrawn", "销"),
}
_NOTICES = {"yellow": ("yellow", "黄"), "red": ("red", "红")}


@dataclass(frozen=True)
class Ending:
    """What became of one life; `problems` says where it is not what the script says."""

    life: Life
    account_id: str
    outcome: str | None
    path: str
    signs: str
    incidents: tuple[str, ...]
    days: float
    events: int
    intact: bool
    breached: tuple[str, ...]
    proofs: tuple[str, ...]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        life = self.life
        return {
            "account_id": self.account_id,
            "class": life.customer.kind.split(" ", 1)[1],
            "life": life.title_en,
            "life_zh": life.title_zh,
            "path": self.path.split(),
            "outcome": self.outcome,
            "incidents": self.incidents,
            "days": self.days,
            "events": self.events,
            "record_intact": self.intact,
            "breached": self.breached,
            "proofs": self.proofs,
            "as_scripted": not self.problems,
            "problems": self.problems,
        }


async def ending_of(town: Town, life: Life, off_script: str | None) -> Ending:
    """Read how a life ended, and write its proofs, one file a case; `off_script` is what its script stumbled over."""
    account_id, reader = life.customer.account_id, town.parts.reader
    keys = await asyncio.to_thread(reader.case_keys, account_id)
    files = [f for f in [await asyncio.to_thread(reader.case_file, account_id, key) for key in keys] if f is not None]
    evidence = [e for f in files for e in f.evidence]
    incidents = tuple(i.kind for f in files for i in f.incidents)
    outcome = files[-1].case.outcome if files else None
    lived = [((f.case.closed_at or town.now()) - f.case.opened_at).total_seconds() / 86_400 for f in files]
    breached: list[str] = []
    proofs, intact = [], True
    for number, key in enumerate(keys, start=1):
        proof = await asyncio.to_thread(proof_of, town.parts, account_id, key)
        intact = intact and proof["record"].intact
        breached += [line.rule for line in proof["rules"] if line.verdict == "breached"]
        path = town.folder / "proofs" / (f"{account_id}.json" if len(keys) == 1 else f"{account_id}-{number}.json")
        await asyncio.to_thread(_write, path, proof)
        proofs.append(str(path))
    steps = list(_steps(evidence))
    path_ = " ".join(word for word, _ in steps)
    problems = [
        text
        for wrong, text in (
            (off_script is not None, f"{off_script}"),
            (outcome != life.outcome, f"outcome {outcome}, not {life.outcome}"),
            (path_ != life.path, f"path {path_}, not {life.path}"),
            (incidents != life.incidents, f"incidents {incidents}, not {life.incidents}"),
            (len(keys) != life.cases, f"{len(keys)} cases, not {life.cases}"),
            (not intact, "the record is not intact"),
            (tuple(breached) != life.breached, f"breached {breached}, not {life.breached}"),
        )
        if wrong
    ]
    return Ending(
        life=life,
        account_id=account_id,
        outcome=outcome,
        path=path_,
        signs="→".join(sign for _, sign in steps),
        incidents=incidents,
        days=round(sum(lived), 1),
        events=sum([await _events(town, account_id, key) for key in keys]),
        intact=intact,
        breached=tuple(breached),
        proofs=tuple(proofs),
        problems=tuple(problems),
    )


def _steps(evidence: list[FiledEvidence]) -> Iterator[tuple[str, str]]:
    ladder = 0
    for e in evidence:
        kind, reason = e.detail.get("kind"), e.detail.get("reason")
        if e.what == "notice.issued":
            ladder = 0
            yield _NOTICES[str(kind)]
        elif e.what == "notice.void" and kind == "red" and reason not in ("settled", "withdrawn"):
            yield "void", "废"
        elif e.what == "ticket.sent" and kind == "cut":
            yield "ticket", "票"
        elif e.what == "escalation.raised" and kind == "refusal" and e.detail.get("rung") != "station_head":
            ladder += 1
            if ladder > 1:
                yield "climbed", "逐级"
        elif e.what == "meter.verified":
            yield ("confirmed", "核实") if e.detail.get("confirmed") else ("denied", "不符")
        elif (e.what == "filing.recorded" and e.detail.get("purpose") != "filing") or (e.what == "cut.reported" and not e.detail.get("lawful")):
            continue
        elif e.what in _STEPS:
            yield _STEPS[e.what]


async def _events(town: Town, account_id: str, run_id: str) -> int:
    """Events of a case's history, less those that only tell of skipped time, which no real case has."""
    handle = town.client.get_workflow_handle(workflow_id(account_id), run_id=run_id)
    return sum([1 async for e in handle.fetch_history_events() if e.event_type != _SKIPPED])


def _write(path: Path, proof: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(to_jsonable_python(proof), ensure_ascii=False, indent=2), "utf-8")
