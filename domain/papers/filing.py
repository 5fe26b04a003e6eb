"""Orders turned into sheets: the facts of a notice, a ticket, a delay in one language."""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from domain.papers.sheets import Document
from domain.record.evidence import Evidence
from domain.record.rows import NoticeRow, TicketOrder

PAPER_FILED: Final = "paper.filed"
"""What the record says of a paper: where it lies, and its SHA-256."""


WINDOW_END = "window_end"
"""What the evidence of a disconnection ticket's paper calls it."""
ANOTHERS_ACCOUNT = "anothers_account"
"""What the evidence calls the account that the ticket for another customer's meter names."""


# ---- what the record says of papers -----------------------------------------------------------


def notice_filed(notice: NoticeRow, document: Document) -> Evidence:
    """The evidence of a notice's paper, once per notice."""
    rule, clause = ("R-05", "II.1") if notice.kind == "yellow" else ("R-07", "II.2")
    return paper_filed(
        f"{notice.notice_id}/paper", notice.notice_id, document, rule, clause, notice.issued_at, notice.kind
    )


def ticket_filed(order: TicketOrder, document: Document, account_id: str = "") -> Evidence:
    """The evidence of a ticket's paper, once per ticket, with what stands nowhere else.

    That is the end of the window, and on the ticket for another customer's meter the account that it names (R-34).
    """
    ticket, end = order.ticket, order.window_end
    rule, clause = ("R-15", "II.3") if ticket.kind == "cut" else ("R-22", "III.1")
    filed = paper_filed(
        f"{ticket.ticket_id}/paper", ticket.ticket_id, document, rule, clause, ticket.sent_at, ticket.kind
    )
    also = {WINDOW_END: end.isoformat()} if end else {ANOTHERS_ACCOUNT: account_id} if order.neighbour else {}
    return filed.model_copy(update={"detail": {**filed.detail, **also}})


def delay_filed(declared: Evidence, document: Document) -> Evidence:
    """The evidence of a notice of delay, once per declaration: what is declared makes the key."""
    stated = declared.model_dump_json(include={"about", "recorded_at", "actor_id", "detail"})
    key = f"{declared.about}/delay/{sha256(stated.encode()).hexdigest()[:12]}/paper"
    return paper_filed(key, declared.about, document, declared.rule, declared.clause, declared.recorded_at, "delay")


def paper_filed(
    key: str, about: str | None, document: Document, rule: str, clause: str, at: datetime, kind: str
) -> Evidence:
    """The evidence of a paper of that kind, once per key."""
    detail: dict[str, Any] = {"kind": kind, "document": document.key, "sha256": document.sha256}
    if document.letters_missing:
        detail["letters_missing"] = list(document.letters_missing)
    return Evidence(
        key=key, what=PAPER_FILED, rule=rule, clause=clause, at=at, recorded_at=at, about=about, detail=detail
    )


def paper_named(entry: Evidence) -> Document | None:
    """The paper that an entry of the record names; None if it names none."""
    key, digest = entry.detail.get("document"), entry.detail.get("sha256")
    if entry.what != PAPER_FILED or not isinstance(key, str) or not isinstance(digest, str):
        return None
    return Document(key=key, sha256=digest)
