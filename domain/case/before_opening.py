"""What is recorded before a case opens: why it has not opened, and reports of supply found cut."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.contract.signals import SupplyFoundCut
from domain.record.evidence import Evidence
from domain.record.rows import CaseRow, Message, Record
from domain.record.subjects import subject
from domain.vocabulary import Contract, Id, Moment, Role, money

NO_ANSWER = "the billing system gives no answer"
UNKNOWN = "the billing system does not know the account"
BAD_START = "the case could not be started as it was asked for"
_WHY_ZH = {NO_ANSWER: "营销系统无应答", UNKNOWN: "营销系统查无此户", BAD_START: "立案请求有误，未能立案"}
_NOTIFIED_OF_FOUND_CUTS: tuple[Role, ...] = ("field_crew", "centre_director", "company_leader")


class Unopened(Contract):
    """The case as far as it is known before billing has said who the customer is."""

    case_key: Id
    workflow_id: str
    account_id: Id
    policy: str = ""
    opened_at: Moment


def found_cut_reported(
    case: Unopened, reports: Sequence[SupplyFoundCut], notified: int, now: datetime, why: str
) -> Record:
    """Supply found cut, and nobody can say whose unit it is: notify the field and the leaders at once (R-27, P3).

    `reports` are all so far; of the first `notified` they know already.
    """
    evidence: list[Evidence] = []
    messages: list[Message] = []
    for number, report in enumerate(reports[notified:], start=notified + 1):
        evidence.append(
            Evidence(
                key=f"{case.case_key}/darkness/{number}",
                place=number,
                what="cut.found",
                rule="R-27",
                clause="III.4",
                at=min(report.at or now, now),
                recorded_at=now,
                about=report.report_id[:120],
                detail={"meter_id": report.meter_id, "source": report.source, "unopened": why},
            )
        )
        for role in _NOTIFIED_OF_FOUND_CUTS:
            messages.append(
                Message(
                    key=f"{case.case_key}/darkness/{number}/{role}",
                    to_role=role,
                    subject=subject("supply_found_cut"),
                    text_zh=f"户号 {case.account_id}、表号 {report.meter_id} 被发现已停电，但{_WHY_ZH[why]}。"
                    "请立即核实并先行恢复供电。",
                    text_en=f"Account {case.account_id}, meter {report.meter_id} was found without supply, but {why}. "
                    "Find out at once, and restore supply first.",
                    about=case.account_id,
                    at=now,
                )
            )
    row = _row(case, stage="restoring", supply_off=True, outcome_reason=why, revision=len(reports))
    return Record(case=row, evidence=tuple(evidence), messages=tuple(messages))


def never_opened(case: Unopened, notified: int, now: datetime, reason: str) -> Record:
    """The account cannot have a case: closed withdrawn, with the reason. `notified`: found cuts reported before."""
    why = Evidence(
        key=f"{case.case_key}/never-opened/1",
        place=notified + 1,
        what="case.not_opened",
        rule="R-01",
        clause="II.0",
        at=now,
        recorded_at=now,
        detail={"reason": reason},
    )
    row = _row(case, stage="closed", outcome="withdrawn", outcome_reason=reason, closed_at=now, revision=notified + 1)
    return Record(case=row, evidence=(why,))


def snapshot(account_id: str, now: datetime, reason: str, *, never: bool) -> dict[str, Any]:
    """The answer of the `snapshot` query before there is a case: in the shape of every other, its lists empty.

    `reason`: why it is not open. `never`: there will be none.
    """
    nothing = str(money(Decimal(0)))
    return {
        "account_id": account_id,
        "opened": False,
        "reason": reason,
        "stage": "closed" if never else "yellow_notice",
        **({"outcome": "withdrawn", "outcome_reason": reason} if never else {}),
        "owed": nothing,
        "late_fee": nothing,
        "as_of": now.isoformat(),
        **{name: [] for name in SNAPSHOT_LISTS},
    }


SNAPSHOT_LISTS = (
    "bills",
    "notices",
    "approvals",
    "tickets",
    "escalations",
    "holds",
    "incidents",
    "waiting_for",
)
"""What a snapshot always lists, however little there is."""


def _row(case: Unopened, **state: object) -> CaseRow:
    nothing = Decimal("0.00")
    return CaseRow.model_validate({**case.model_dump(), "owed": nothing, "late_fee": nothing, **state})
