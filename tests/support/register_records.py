"""Small records of a case for register tests: a residential account in its first days."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from domain.record.evidence import Evidence
from domain.record.rows import CaseRow, Message, NoticeRow, Record, TicketRow

CHINA = timezone(timedelta(hours=8))
OPENED = datetime(2026, 10, 26, 9, 0, tzinfo=CHINA)
ACCOUNT, CASE = "3001", "run-1"


def case_row(revision: int = 1, **changes: Any) -> CaseRow:
    """The case list's row; `changes` replace fields."""
    row: dict[str, Any] = {
        "case_key": CASE,
        "account_id": ACCOUNT,
        "workflow_id": f"arrears-{changes.get('account_id', ACCOUNT)}",
        "revision": revision,
        "stage": "yellow_notice",
        "owed": Decimal("128.50"),
        "late_fee": Decimal("1.00"),
        "opened_at": OPENED,
        "policy": "reading-centre 1",
    }
    return CaseRow.model_validate(row | changes)


def evidence(n: int, what: str = "debt.read", **changes: Any) -> Evidence:
    """The n-th thing that happened in the case."""
    entry: dict[str, Any] = {
        "key": f"{CASE}/evidence/{n}",
        "place": n,
        "what": what,
        "rule": "R-01",
        "clause": "II.0",
        "at": OPENED + timedelta(hours=n),
        "recorded_at": OPENED + timedelta(hours=n),
        "detail": {"owed": "128.50", "备注": "读取欠费"},
    }
    return Evidence.model_validate(entry | changes)


def message(key: str = f"{CASE}/message/1", text_zh: str = "请送达", **changes: Any) -> Message:
    """A text to the reader."""
    values: dict[str, Any] = {
        "key": key,
        "to_role": "reader",
        "to_unit": "RC-03",
        "to_person": "r-017",
        "subject": "notice",
        "text_zh": text_zh,
        "text_en": "please deliver",
        "at": OPENED,
    }
    return Message.model_validate(values | changes)


def notice(**changes: Any) -> NoticeRow:
    """A yellow notice."""
    values: dict[str, Any] = {
        "notice_id": f"{CASE}/yellow-notice/1",
        "account_id": ACCOUNT,
        "case_key": CASE,
        "kind": "yellow",
        "state": "to_deliver",
        "bills": ("b-1",),
        "amount": Decimal("128.50"),
        "late_fee": Decimal("1.00"),
        "issued_at": OPENED,
        "deadline": OPENED + timedelta(days=10),
        "cut_at": OPENED + timedelta(days=20),
    }
    return NoticeRow.model_validate(values | changes)


def ticket(**changes: Any) -> TicketRow:
    """A disconnection ticket."""
    values: dict[str, Any] = {
        "ticket_id": f"{CASE}/cut-ticket/1",
        "account_id": ACCOUNT,
        "case_key": CASE,
        "kind": "cut",
        "state": "sent",
        "meter_id": "m-9",
        "field_unit": "FU-1",
        "sent_by": "r-017",
        "sent_at": OPENED + timedelta(days=19),
        "due_at": OPENED + timedelta(days=20),
    }
    return TicketRow.model_validate(values | changes)


def record(revision: int = 1, **parts: Any) -> Record:
    """A record of the case at that revision; `parts` are its evidence, messages and rows."""
    return Record.model_validate({"case": parts.pop("case", None) or case_row(revision), **parts})
