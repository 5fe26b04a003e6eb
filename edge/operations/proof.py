"""A case read against the regulation from outside: the verdicts, the record, its papers; as JSON and as a PDF."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from client.problems import Problem
from composition.parts import Parts
from domain.law.policy_choice import known_policies
from domain.papers.sheets import PaperRow
from domain.proof.nothing_owed import WithoutSupply, without_supply
from domain.proof.rules import ProofLine, prove
from domain.proof.sheet import papers_of, proof_sheet
from domain.record.case_file import CaseFile
from domain.record.chain import AnchoredHead, ChainVerdict

BACKUP = "the backup of ARREARS_DOCUMENTS"


@dataclass(frozen=True)
class Proof:
    """One case, rule by rule, with what its record and its papers are worth."""

    file: CaseFile
    judged_by: str
    rules: tuple[ProofLine, ...]
    record: ChainVerdict
    anchor: AnchoredHead
    papers: tuple[PaperRow, ...]
    without_supply: tuple[WithoutSupply, ...] = ()

    def as_result(self) -> dict[str, Any]:
        """What `proof --json` prints."""
        return {
            "account_id": self.file.case.account_id,
            "case_key": self.file.case.case_key,
            "policy": self.file.case.policy,
            "judged_by": self.judged_by,
            "rules": self.rules,
            "record": self.record,
            "anchor": self.anchor,
            "papers": self.papers,
            "without_supply": self.without_supply,
        }

    def notes(self, language: str) -> tuple[str, ...]:
        """What the reader of a proof must know besides."""
        zh = language == "zh"
        notes = [one.text_zh if zh else one.text_en for one in self.without_supply]
        if self.file.case.policy != self.judged_by:
            notes.append(
                f"注意：案件适用 {self.file.case.policy}，此处按 {self.judged_by} 核对"
                if zh
                else f"Note: the case was opened under {self.file.case.policy}, and is judged here by {self.judged_by}"
            )
        match self.anchor:
            case AnchoredHead(state="anchored", number=number, length=length):
                notes.append(
                    f"锚定：{length} 条，第 {number} 次" if zh else f"Anchored: {length} entries, no. {number}"
                )
            case AnchoredHead(state="missing" | "broken", reason_zh=reason_zh, reason_en=reason_en):
                notes.append(f"锚定有误：{reason_zh}" if zh else f"The anchor is not to be relied on: {reason_en}")
        return tuple(notes)


def proof_of(parts: Parts, account: str, case: str | None = None, anchor: tuple[int, str] | None = None) -> Proof:
    """A case read against the regulation, and its account's record verified, by the anchored head if there is one.

    Problem: the register has no such case.
    """
    file = parts.reader.case_file(account, case)
    if file is None:
        raise Problem("NoCase", f"the register has no case {case or ''} of account {account}".replace("  ", " "))
    seen = parts.anchor.head_of(account) if parts.anchor else AnchoredHead(state="off")
    judged_by = known_policies(parts.policies).get(file.case.policy, parts.policy)
    if anchor is None and seen.length is not None and seen.head is not None:
        anchor = seen.length, seen.head
    return Proof(
        file=file,
        judged_by=judged_by.label,
        rules=prove(file, judged_by),
        record=parts.reader.verify(account, anchor),
        anchor=seen,
        papers=papers_of(file, parts.papers.state_of),
        without_supply=without_supply(file, judged_by),
    )


def doubts_about(proof: Proof) -> Iterator[Problem]:
    """Why a proof cannot be relied on: its record, the file that anchors it, or a paper is not as it was written."""
    yield from doubts_about_the_record(proof)
    case = proof.file.case
    again = (
        f"`papers-again {case.account_id} --case {case.case_key}` prints it again if it can, else take it from {BACKUP}"
    )
    yield from papers_not_intact(proof.papers, again)


def doubts_about_the_record(proof: Proof) -> Iterator[Problem]:
    """Why what is on record cannot be relied on, and so no digest that stands there."""
    record, anchor = proof.record, proof.anchor
    if not record.intact:
        sentence = f"the record of account {record.account_id} is not intact: at entry {record.broken_at} "
        yield Problem("RecordNotIntact", f"{sentence}{record.reason_en}", {"broken_at": record.broken_at})
    if anchor.state == "broken":
        yield Problem("AnchorBroken", f"the anchor is not to be relied on: {anchor.reason_en}")


def papers_not_intact(papers: Iterable[PaperRow], if_missing: str) -> Iterator[Problem]:
    """Which papers are not as the record says, under which key, and what to do about each; nothing if all are."""
    lost = [paper for paper in papers if paper.state != "intact"]
    if not lost:
        return
    aside = f"put it aside for whoever examines it; then `papers-again`, or take it from {BACKUP}"
    to_do = {"missing": if_missing, "changed": aside}
    named = "; ".join(f"{paper.about} ({paper.key}) is {paper.state}: {to_do[paper.state]}" for paper in lost)
    yield Problem(
        "PapersNotIntact",
        f"not every paper is as the record says: {named}",
        {"papers": [paper.model_dump(include={"about", "key", "state"}) for paper in lost]},
    )


def write_pdf(parts: Parts, proof: Proof, path: Path) -> dict[str, str]:
    """The proof file as a PDF at that path, whole or not at all; where it is and its SHA-256.

    Problem: nothing can be written there.
    """
    card, head = parts.register.card(proof.file.case.account_id, proof.file.case.record_number), parts.papers.head
    sheet = proof_sheet(
        proof.file, proof.rules, proof.record, proof.papers, proof.notes(head.language), card, head, parts.policy.zone
    )
    content = parts.papers.render(sheet)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as problem:
        raise Problem(
            "CannotWrite", f"--pdf: {path}: {problem.strerror}; name a file in a folder that exists", {"field": "pdf"}
        ) from problem
    return {"file": str(path), "sha256": sha256(content).hexdigest()}
