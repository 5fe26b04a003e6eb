"""The notice of a declared delay of restoration (III.3)."""

from datetime import datetime

from domain.customer import CustomerCard
from domain.papers.notice import COMPLAINTS
from domain.papers.phrases import before_en, before_zh, in_language, moment_en, moment_said, moment_zh
from domain.papers.sheets import DelaySheet, Letterhead
from domain.record.evidence import Evidence
from domain.record.rows import Record
from domain.record.who_may import contradiction

_DELAY_TITLE = ("延期恢复供电告知书", "Notice of delay in restoring supply")


def delays_declared(record: Record) -> tuple[Evidence, ...]:
    """The declarations of delay in a record, by those who may declare one; each needs its paper (R-26)."""
    declared = (e for e in record.evidence if e.what == "delay.declared")
    return tuple(e for e in declared if contradiction(e, record.case) is None)


def delay_sheet(declared: Evidence, account_id: str, card: CustomerCard, head: Letterhead) -> DelaySheet:
    """The notice of delay, from the evidence of its declaration (R-26, III.3)."""
    zh, said = head.language == "zh", declared.detail
    moment, before = (moment_zh, before_zh) if zh else (moment_en, before_en)
    until = datetime.fromisoformat(str(said["until"]))
    zone = until.tzinfo  # the case wrote it in the utility's zone
    return DelaySheet(
        head=head,
        title=in_language(_DELAY_TITLE, head),
        number=f"{declared.about}/delay",
        account_id=account_id,
        dated=declared.recorded_at.astimezone(zone),
        name=card.name,
        address=card.address,
        ticket_id=declared.about or "",
        reason=str(said.get("reason", "")),
        until=before(until),
        customer_told=moment_said(said.get("customer_told_at"), zone, moment),
        customer_told_how=str(said.get("customer_told_how", "")),
        leader=str(said.get("leader", "")),
        leader_told=moment_said(said.get("leader_told_at"), zone, moment),
        declared_by=declared.actor_id or "",
        declared=moment(declared.recorded_at.astimezone(zone)),
        complaints=in_language(COMPLAINTS, head),
    )
