"""Orders turned into sheets: the facts of a notice, a ticket, a delay in the words of one language."""

import json
from datetime import datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from domain.acts import contradiction
from domain.capital_amount import capital_yuan
from domain.debt import CustomerCard
from domain.papers import (
    COMPLAINTS,
    CREW_RULES,
    RESTORE_RULES,
    TITLES,
    TO_STOP_THE_CUT,
    before_en,
    before_zh,
    cny,
    cut_window,
    day_zh,
    moment_en,
    moment_zh,
)
from domain.records import Evidence, NoticeOrder, NoticeRow, Record, TicketOrder
from domain.sheets import (
    BillOnPaper,
    DelaySheet,
    Document,
    Letterhead,
    NoticeSheet,
    TicketSheet,
)

PAPER_FILED = "paper.filed"
"""What the record says of a paper: where it lies, and its SHA-256."""
_DELAY_TITLE = ("延期恢复供电告知书", "Notice of delay in restoring supply")
_DAY_BEFORE = ("此前须确认本票；不得提前停电。", "Acknowledge this ticket ahead of that time; no cut before it.")


def notice_sheet(order: NoticeOrder, card: CustomerCard, head: Letterhead) -> NoticeSheet:
    """A notice with everything R-05 and R-07 ask for, from the same order as its text in the register."""
    notice, case, zone = order.notice, order.record.case, ZoneInfo(order.timezone)
    zh = head.language == "zh"
    before = before_zh if zh else before_en
    together = notice.amount + notice.late_fee
    cut_at = notice.cut_at.astimezone(zone)
    issued = notice.issued_at.astimezone(zone)
    return NoticeSheet(
        head=head,
        title=_of(TITLES[notice.kind], head),
        number=notice.notice_id,
        account_id=notice.account_id,
        dated=issued,
        scan=payment_reference(notice),
        kind=notice.kind,
        non_residential=case.customer_class == "non_residential",
        name=card.name,
        address=card.address,
        centre=case.reading_centre or "",
        reader=order.reader,
        issued=day_zh(issued) if zh else f"{issued:%Y-%m-%d}",
        bills=tuple(
            BillOnPaper(
                bill_id=line.bill_id,
                due=str(line.due_date),
                outstanding=_figure(line.outstanding),
                late_fee=_figure(line.late_fee),
                together=_figure(line.outstanding + line.late_fee),
            )
            for line in order.lines
        ),
        owed=_figure(notice.amount),
        late_fee=_figure(notice.late_fee),
        together=_figure(together),
        together_in_words=f"人民币{capital_yuan(together)}" if zh else cny(together),
        deadline=before(notice.deadline.astimezone(zone)),
        cut_at=f"{moment_zh(cut_at)}起" if zh else f"from {moment_en(cut_at)}",
        to_stop_it=tuple(_of(sentence, head) for sentence in TO_STOP_THE_CUT),
        complaints=_of(COMPLAINTS, head),
    )


def payment_reference(notice: NoticeRow) -> str:
    """What the QR code of a notice says, as a counter or an app reads it: a JSON object of account, notice, amount."""
    named = {"account": notice.account_id, "notice": notice.notice_id, "amount": str(notice.amount + notice.late_fee)}
    return json.dumps({"pay": "arrears", **named}, ensure_ascii=False, separators=(",", ":"))


WINDOW_END = "window_end"
"""What the evidence of a disconnection ticket's paper calls it."""


def ticket_sheet(order: TicketOrder, card: CustomerCard, head: Letterhead) -> TicketSheet:
    """A work ticket for the field unit: to cut (R-15, II.3) or to restore (R-22, III.1)."""
    ticket, zone, zh = order.ticket, ZoneInfo(order.timezone), head.language == "zh"
    due, sent = ticket.due_at.astimezone(zone), ticket.sent_at.astimezone(zone)
    cut = ticket.kind == "cut"
    times = cut_window(order) if cut else (f"{moment_zh(due)}前", f"by {moment_en(due)}")
    rules = (_DAY_BEFORE, *CREW_RULES) if cut else RESTORE_RULES
    return TicketSheet(
        head=head,
        title=_of(TITLES[ticket.kind], head),
        number=ticket.ticket_id,
        account_id=ticket.account_id,
        dated=sent,
        kind=ticket.kind,
        name=card.name,
        address=card.address,
        meter_id=ticket.meter_id,
        field_unit=ticket.field_unit,
        sent_by=ticket.sent_by,
        sent=moment_zh(sent) if zh else moment_en(sent),
        due=_of(times, head),
        notice_id=ticket.notice_id or "",
        rules=tuple(_of(rule, head) for rule in rules),
    )


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
        title=_of(_DELAY_TITLE, head),
        number=f"{declared.about}/delay",
        account_id=account_id,
        dated=declared.recorded_at.astimezone(zone),
        name=card.name,
        address=card.address,
        ticket_id=declared.about or "",
        reason=str(said.get("reason", "")),
        until=before(until),
        customer_told=_moment(said.get("customer_told_at"), zone, moment),
        customer_told_how=str(said.get("customer_told_how", "")),
        leader=str(said.get("leader", "")),
        leader_told=_moment(said.get("leader_told_at"), zone, moment),
        declared_by=declared.actor_id or "",
        declared=moment(declared.recorded_at.astimezone(zone)),
        complaints=_of(COMPLAINTS, head),
    )


# ---- what the record says of papers -----------------------------------------------------------


def notice_filed(notice: NoticeRow, document: Document) -> Evidence:
    """The evidence of a notice's paper, once per notice."""
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    return paper_filed(
        f"{notice.notice_id}/paper", notice.notice_id, document, rule, clause, notice.issued_at, notice.kind
    )


def ticket_filed(order: TicketOrder, document: Document) -> Evidence:
    """The evidence of a ticket's paper, once per ticket; with the end of the window, which stands nowhere else."""
    ticket, end = order.ticket, order.window_end
    rule, clause = ("R-15", "II.3") if ticket.kind == "cut" else ("R-22", "III.1")
    filed = paper_filed(
        f"{ticket.ticket_id}/paper", ticket.ticket_id, document, rule, clause, ticket.sent_at, ticket.kind
    )
    return filed if end is None else filed.model_copy(update={"detail": {**filed.detail, WINDOW_END: end.isoformat()}})


def delay_filed(declared: Evidence, document: Document) -> Evidence:
    """The evidence of a notice of delay, once per declaration: what is declared makes the key."""
    words = declared.model_dump_json(include={"about", "recorded_at", "actor_id", "detail"})
    key = f"{declared.about}/delay/{sha256(words.encode()).hexdigest()[:12]}/paper"
    return paper_filed(key, declared.about, document, declared.rule, declared.clause, declared.recorded_at, "delay")


def paper_filed(
    key: str, about: str | None, document: Document, rule: str, clause: str, at: datetime, kind: str
) -> Evidence:
    """The evidence of a paper of that kind, once per key."""
    detail: dict[str, Any] = {"kind": kind, "document": document.key, "sha256": document.sha256}
    return Evidence(
        key=key, what=PAPER_FILED, rule=rule, clause=clause, at=at, recorded_at=at, about=about, detail=detail
    )


def paper_named(entry: Evidence) -> Document | None:
    """The paper that an entry of the record names; None if it names none."""
    key, digest = entry.detail.get("document"), entry.detail.get("sha256")
    if entry.what != PAPER_FILED or not isinstance(key, str) or not isinstance(digest, str):
        return None
    return Document(key=key, sha256=digest)


def _of(words: tuple[str, str], head: Letterhead) -> str:
    return words[0] if head.language == "zh" else words[1]


def _figure(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _moment(text: Any, zone: tzinfo | None, words: Any) -> str:
    return str(words(datetime.fromisoformat(text).astimezone(zone))) if isinstance(text, str) else ""
