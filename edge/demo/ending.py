"""How each life ended, read from the register, the proof and Temporal's history, and held against its script."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python
from temporalio.api.enums.v1 import EventType

from client.cases import workflow_id
from domain.proof.reading import in_the_order_of_the_case
from domain.record.case_file import FiledEvidence
from edge.demo.lives import Life
from edge.demo.playing import Town
from edge.operations.proof import proof_of, write_pdf

_SKIPPED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED

# A step of a life: the kind of evidence, what its details must hold, the step's name, the sign in the table.
_STEPS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("notice.issued", {"kind": "yellow"}, "yellow", "黄"),
    ("notice.issued", {"kind": "red"}, "red", "红"),
    ("notice.refused", {}, "refused", "拒"),
    ("escalation.raised", {"kind": "refusal", "rung": "centre_director"}, "climbed", "逐级"),
    ("notice.void", {"kind": "red"}, "void", "废"),
    ("approvals.complete", {}, "approved", "批"),
    ("approval.rejected", {}, "rejected", "驳"),
    ("filing.recorded", {"purpose": "filing"}, "filed", "备"),
    ("ticket.sent", {"kind": "cut"}, "ticket", "票"),
    ("payment.unbooked", {"given_up": False}, "not-booked", "未入账"),
    ("payment.unbooked", {"given_up": True}, "given-up", "作罢"),
    ("customer.changed", {}, "record-changed", "档案"),
    ("half_hour.reached", {}, "half-hour", "告"),
    ("meter.uncertain", {}, "doubt", "疑"),
    ("meter.verified", {"confirmed": True}, "confirmed", "核实"),
    ("meter.verified", {"confirmed": False}, "denied", "不符"),
    ("permit.granted", {}, "permit", "许"),
    ("permit.revoked", {}, "revoked", "撤许"),
    ("not_cut.reported", {}, "not-cut", "未停"),
    ("cut.reported", {"lawful": True}, "cut", "停"),
    ("cut.found", {}, "found-cut", "擅停"),
    ("debt.settled", {}, "settled", "清"),
    ("restoration.requested", {}, "asked", "诉"),
    ("recheck.requested", {}, "swept", "查"),
    ("delay.declared", {}, "delay", "延"),
    ("restore.breached", {}, "breach", "超时"),
    ("supply.restored", {}, "restored", "复"),
    ("promise.made", {}, "promise", "诺"),
    ("promise.kept", {}, "kept", "兑"),
    ("promise.broken", {}, "broken", "违"),
    ("plan.agreed", {}, "plan", "分期"),
    ("plan.kept", {}, "kept", "兑"),
    ("plan.broken", {}, "broken", "违"),
    ("hold.placed", {}, "hold", "缓"),
    ("hold.lifted", {}, "lifted", "解"),
    ("hold.ended", {}, "ended", "期满"),
    ("withdrawn", {}, "withdrawn", "销"),
)
SIGNS = " · ".join(dict.fromkeys(f"{sign} {word}" for _, _, word, sign in _STEPS))
"""What each sign in the table stands for."""
_NOT_WORTH_A_STEP = ("settled", "withdrawn")
"""Reasons for a void that are a step of their own."""


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
    papers: tuple[str, ...]
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
            "papers": self.papers,
            "as_scripted": not self.problems,
            "problems": self.problems,
        }


async def ending_of(town: Town, life: Life, off_script: str | None) -> Ending:
    """Read how a life ended, and write its proofs, one file a case; `off_script` is what its script stumbled over."""
    account_id, reader = life.customer.account_id, town.parts.reader
    keys = await asyncio.to_thread(reader.case_keys, account_id)
    files = [f for f in [await asyncio.to_thread(reader.case_file, account_id, key) for key in keys] if f is not None]
    evidence = [e for f in files for e in in_the_order_of_the_case(f).evidence]
    incidents = tuple(i.kind for f in files for i in f.incidents)
    outcome = files[-1].case.outcome if files else None
    lived = [((f.case.closed_at or town.now()) - f.case.opened_at).total_seconds() / 86_400 for f in files]
    breached: list[str] = []
    proofs: list[str] = []
    papers: list[str] = []
    intact = True
    for number, key in enumerate(keys, start=1):
        proof = await asyncio.to_thread(proof_of, town.parts, account_id, key)
        intact = intact and proof.record.intact and all(paper.state == "intact" for paper in proof.papers)
        papers += [str(town.parts.papers.folder / paper.key) for paper in proof.papers]
        breached += [line.rule for line in proof.rules if line.verdict == "breached"]
        path = town.folder / "proofs" / (f"{account_id}.json" if len(keys) == 1 else f"{account_id}-{number}.json")
        await asyncio.to_thread(_write, path, proof.as_result())
        await asyncio.to_thread(write_pdf, town.parts, proof, path.with_suffix(".pdf"))
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
            (not intact, "the record or a paper is not intact"),
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
        papers=tuple(papers),
        problems=tuple(problems),
    )


def _steps(evidence: Iterable[FiledEvidence]) -> Iterator[tuple[str, str]]:
    for e in evidence:
        for what, details, word, sign in _STEPS:
            if e.what == what and all(e.detail.get(key) == value for key, value in details.items()):
                if e.what != "notice.void" or e.detail.get("reason") not in _NOT_WORTH_A_STEP:
                    yield word, sign
                break


async def _events(town: Town, account_id: str, run_id: str) -> int:
    """Events of a case's history, without those of skipped time, which no real case has."""
    handle = town.client.get_workflow_handle(workflow_id(account_id), run_id=run_id)
    return sum([1 async for e in handle.fetch_history_events() if e.event_type != _SKIPPED])


def _write(path: Path, proof: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(to_jsonable_python(proof), ensure_ascii=False, indent=2), "utf-8")
