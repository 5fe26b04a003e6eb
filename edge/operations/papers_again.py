"""Papers that are missing, printed again from the register: put back only if they are what the record says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from client.problems import Problem
from composition.parts import Parts
from domain.papers.reprint import sheets_again
from domain.papers.sheets import PaperRow
from domain.proof.sheet import papers_named, papers_of
from edge.operations.proof import BACKUP, Proof, doubts_about_the_record, papers_not_intact, proof_of


@dataclass(frozen=True)
class PrintedAgain:
    """A case's papers as they are now, and the keys of those that were missing and are back."""

    proof: Proof
    papers: tuple[PaperRow, ...]
    back: frozenset[str]

    def as_result(self) -> dict[str, Any]:
        """What `papers-again --json` prints."""
        case = self.proof.file.case
        papers = [paper.model_dump() | {"printed_again": paper.key in self.back} for paper in self.papers]
        return {"account_id": case.account_id, "case_key": case.case_key, "papers": papers}

    def doubts(self) -> Iterator[Problem]:
        """Which papers are not as the record says even now, and where they are to be taken from."""
        yield from papers_not_intact(
            self.papers,
            "what the register holds no longer gives this paper (ARREARS_PAPER_LANGUAGE, ARREARS_PAPER_ISSUER or the"
            f" program's layouts may have changed); take it from {BACKUP}",
        )


def print_again(parts: Parts, account: str, case: str | None = None) -> PrintedAgain:
    """Print a case's missing papers; what is there, also if it was changed, is left alone.

    Problem: the register has no such case, or the record, with which a paper is compared, is not intact itself.
    PapersUnavailable: the folder takes none.
    """
    proof = proof_of(parts, account, case)
    for doubt in doubts_about_the_record(proof):
        raise doubt
    missing = {paper.key for paper in proof.papers if paper.state == "missing"}
    back = frozenset(_back(parts, proof, missing)) if missing else frozenset()
    return PrintedAgain(proof, papers_of(proof.file, parts.papers.state_of), back)


def _back(parts: Parts, proof: Proof, missing: set[str]) -> Iterator[str]:
    """Keys of the missing papers that came out as they were."""
    account, papers = proof.file.case.account_id, parts.papers
    cards, handed_out = parts.register.cards(account), parts.reader.messages(account)
    for entry, document in papers_named(proof.file):
        if document.key in missing:
            sheets = sheets_again(entry, proof.file, handed_out, cards, papers.head, parts.policy.timezone)
            if any(papers.put_back(sheet, document) for sheet in sheets):
                yield document.key
