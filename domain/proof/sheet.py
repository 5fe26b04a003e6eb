"""The proof file of a case as a sheet: facts, the rules one by one, its papers, and every entry of its record."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from domain.customer import CustomerCard
from domain.papers.filing import paper_named
from domain.papers.sheets import Document, EvidenceRow, Letterhead, PaperRow, ProofRow, ProofSheet
from domain.proof.reading import in_the_order_of_the_case
from domain.proof.rules import ProofLine
from domain.record.case_file import CaseFile, FiledEvidence
from domain.record.chain import ChainVerdict
from domain.record.kinds import kind_name
from domain.words import role_name, state_name

StateOf = Callable[[Document], Literal["intact", "missing", "changed"]]


def papers_of(file: CaseFile, state_of: StateOf) -> tuple[PaperRow, ...]:
    """Every paper that the record names, with its state in the folder of papers."""
    return tuple(
        PaperRow(about=entry.about or "", key=document.key, sha256=document.sha256, state=state_of(document))
        for entry, document in papers_named(file)
    )


def papers_named(file: CaseFile) -> Iterator[tuple[FiledEvidence, Document]]:
    """The entries of the record that name a paper, in the order of the case, and the paper of each."""
    for entry in in_the_order_of_the_case(file).evidence:
        if (document := paper_named(entry)) is not None:
            yield entry, document


def proof_sheet(
    file: CaseFile,
    rules: Iterable[ProofLine],
    record: ChainVerdict,
    papers: tuple[PaperRow, ...],
    notes: Iterable[str],
    card: CustomerCard,
    head: Letterhead,
    zone: ZoneInfo,
) -> ProofSheet:
    """The proof file; `dated` is the last entry of the record, so that the same record makes the same file."""
    zh, case = head.language == "zh", file.case
    ordered = in_the_order_of_the_case(file).evidence
    numbers = {e.key: n for n, e in enumerate(ordered, start=1)}
    if record.intact:
        said = f"{record.length} 条，末条散列 {record.head}" if zh else f"{record.length} entries, head {record.head}"
    else:
        said = (
            f"第 {record.broken_at} 条：{record.reason_zh}" if zh else f"Entry {record.broken_at}: {record.reason_en}"
        )
    return ProofSheet(
        head=head,
        title="停电催费案件证明" if zh else "Proof of an arrears case",
        number=case.case_key,
        account_id=case.account_id,
        dated=max((e.recorded_at for e in ordered), default=case.opened_at).astimezone(zone),
        name=card.name,
        address=card.address,
        facts=_facts(file, head, zone),
        rules=tuple(
            ProofRow(
                rule=line.rule,
                clause=line.clause,
                title=line.title_zh if zh else line.title_en,
                verdict=line.verdict,
                at=_when(line.at, zone),
                by=_who(*(line.by or "").partition(" ")[::2], head),
                evidence=", ".join(str(n) for n in sorted(numbers[key] for key in line.evidence if key in numbers)),
            )
            for line in rules
        ),
        papers=tuple(p.model_copy(update={"about": _in_the_case(p.about, case.case_key)}) for p in papers),
        evidence=tuple(_row(n, e, case.case_key, head, zone) for n, e in enumerate(ordered, start=1)),
        notes=tuple(notes),
        intact=record.intact,
        record=said,
    )


def _facts(file: CaseFile, head: Letterhead, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    zh, case = head.language == "zh", file.case
    state = state_name(case.outcome or case.stage, head.language)
    rows: tuple[tuple[str, str, str], ...] = (
        ("用电类别", "Class", state_name(case.customer_class or "", head.language)),
        ("抄表中心", "Reading centre", case.reading_centre or ""),
        ("立案时间", "Opened", _when(case.opened_at, zone)),
        ("结果", "Outcome", f"{state} {case.outcome_reason or ''}".strip() if not zh else state),
        ("停电时间", "Cut", _when(case.cut_at, zone)),
        ("复电时间", "Restored", _when(case.restored_at, zone)),
        ("欠费", "Owed", _money(case.owed)),
        ("适用规程", "Policy", case.policy),
    )
    return tuple((name_zh if zh else name_en, value) for name_zh, name_en, value in rows)


def _in_the_case(text: str, case_key: str) -> str:
    """Ids begin with the case's own, which stands at the head of the file: without it a line has room."""
    return text.replace(f"{case_key}/", "")


def _row(number: int, entry: FiledEvidence, case_key: str, head: Letterhead, zone: ZoneInfo) -> EvidenceRow:
    detail = "; ".join(f"{name}: {_said(value, zone)}" for name, value in entry.detail.items())
    return EvidenceRow(
        number=number,
        at=_when(entry.at, zone),
        recorded_at=_when(entry.recorded_at, zone),
        what=kind_name(entry.what, head.language),
        rule=entry.rule,
        clause=entry.clause,
        by=_who(entry.actor_role or "", entry.actor_id or "", head),
        about=_in_the_case(entry.about or "", case_key),
        detail=_in_the_case(detail, case_key),
    )


def _who(role: str, person: str, head: Letterhead) -> str:
    return f"{role_name(role, head.language)} {person}".strip()


def _said(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one, zone) for one in value)
    if isinstance(value, str) and len(value) > 18 and value[10] == "T":
        try:
            return _when(datetime.fromisoformat(value), zone)
        except ValueError:
            return value
    return str(value)


def _when(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
