"""Sheets: what a printed paper says, from the same order as the text in the register."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.customer import CustomerCard
from domain.papers.capital_amount import capital_yuan
from domain.papers.delay import delay_sheet, delays_declared
from domain.papers.filing import delay_filed, notice_filed
from domain.papers.notice import notice_message, notice_sheet, payment_reference
from domain.papers.sheets import Document, Letterhead
from domain.papers.ticket import ticket_message, ticket_sheet
from domain.record.evidence import Evidence
from tests.domain.papers.test_notice_and_ticket import CARD, RUN, lines, notice_order, ticket_order
from tests.support.register_records import CASE, OPENED, case_row, record

ZH, EN = Letterhead(issuer="郑州供电公司"), Letterhead(language="en")
PAPER = Document(key="2026-10/3001/x.pdf", sha256="0" * 64)


def declared(**changes: Any) -> Evidence:
    """A delay of restoration, declared in the evening before the 24 hours end."""
    detail = {
        "reason": "线路抢修",
        "customer_told_at": "2026-11-06T09:40:00+08:00",
        "customer_told_how": "电话",
        "leader": "c-001",
        "leader_told_at": "2026-11-06T01:50:00+00:00",
        "until": "2026-11-07T00:00:00+08:00",
    }
    values: dict[str, Any] = {
        "key": f"{CASE}/evidence/40",
        "what": "delay.declared",
        "rule": "R-26",
        "clause": "III.3",
        "at": OPENED,
        "recorded_at": datetime(2026, 11, 6, 2, 0, tzinfo=UTC),
        "actor_id": "t-003",
        "actor_role": "team_leader",
        "about": f"{CASE}/restore-ticket/1",
        "detail": detail,
    }
    return Evidence.model_validate(values | changes)


@pytest.mark.parametrize("kind", ["yellow", "red"])
def test_a_printed_notice_says_what_the_text_says(kind: str) -> None:
    order = notice_order(kind)
    sheet, text = notice_sheet(order, CARD, ZH), notice_message(order, CARD).text_zh
    for fact in (sheet.title, sheet.account_id, sheet.name, sheet.address, sheet.deadline, sheet.together, sheet.owed):
        assert fact in text
    assert sheet.cut_at in text
    assert sheet.complaints in text
    assert all(sentence in text for sentence in sheet.to_stop_it)
    assert [(b.bill_id, b.due, b.outstanding, b.late_fee, b.together) for b in sheet.bills] == [
        ("B-0", "2026-09-25", "1,234.50", "38.27", "1,272.77"),
        ("B-1", "2026-09-25", "1,234.50", "38.27", "1,272.77"),
    ]
    assert sheet.together_in_words == "人民币贰仟伍佰肆拾伍元伍角肆分"


def test_an_english_notice_says_what_the_english_text_says() -> None:
    order = notice_order("red")
    sheet, text = notice_sheet(order, CARD, EN), notice_message(order, CARD).text_en
    for fact in (sheet.title, sheet.deadline, sheet.cut_at, sheet.together_in_words, *sheet.to_stop_it):
        assert fact in text


@pytest.mark.parametrize(
    ("kind", "due", "window_end"),
    [
        ("cut", "2026-11-05T09:00", "2026-11-05T11:00"),
        ("cut", "2026-11-05T09:00", None),
        ("restore", "2026-11-06T14:30", None),
    ],
)
def test_a_printed_ticket_says_what_the_text_says(kind: str, due: str, window_end: str | None) -> None:
    order = ticket_order(kind, due, window_end)
    for head in (ZH, EN):
        message = ticket_message(order, CARD)
        sheet, text = ticket_sheet(order, CARD, head), message.text_zh if head is ZH else message.text_en
        assert sheet.due in text
        for fact in (sheet.title, sheet.number, sheet.meter_id, sheet.name, sheet.address, sheet.field_unit):
            assert fact in text


def test_the_payment_reference_names_account_notice_and_the_whole_amount() -> None:
    order = notice_order("red", lines(), account_id='户 1","amount":"0', notice_id=RUN)
    assert json.loads(payment_reference(order.notice)) == {
        "pay": "arrears",
        "account": '户 1","amount":"0',
        "notice": RUN,
        "amount": "2545.54",
    }


def test_a_notice_of_delay_says_why_until_when_and_who_was_notified() -> None:
    sheet = delay_sheet(declared(), "3001", CARD, ZH)
    assert (sheet.reason, sheet.until) == ("线路抢修", "2026年11月6日24时前")
    assert (sheet.customer_told, sheet.customer_told_how) == ("2026年11月6日（星期五）09:40", "电话")
    assert (sheet.leader_told, sheet.leader) == ("2026年11月6日（星期五）09:50", "c-001")
    assert (sheet.declared_by, sheet.declared) == ("t-003", "2026年11月6日（星期五）10:00")
    assert delay_sheet(declared(), "3001", CARD, EN).until == "by 24:00 on Friday 2026-11-06"


def test_only_a_declaration_by_somebody_who_may_declare_gets_its_paper() -> None:
    by_leader, by_crew = declared(), declared(actor_role="field_crew", actor_id="f-009")
    other = declared(what="delay.asked")
    assert delays_declared(record(evidence=(by_crew, other, by_leader))) == (by_leader,)
    elsewhere = record(case=case_row(reading_centre="RC-09"), evidence=(declared(actor_unit="RC-03"),))
    assert delays_declared(elsewhere) == ()


def test_the_evidence_of_a_paper_is_of_the_moment_of_its_order_and_has_a_key_of_its_own() -> None:
    notice = notice_order("red").notice
    filed = notice_filed(notice, PAPER)
    assert (filed.key, filed.about, filed.recorded_at) == (f"{RUN}/paper", RUN, notice.issued_at)
    assert (filed.rule, filed.clause) == ("R-07", "II.2")
    assert filed.detail == {"kind": "red", "document": PAPER.key, "sha256": PAPER.sha256}


def test_two_declarations_of_a_delay_have_two_papers_and_one_declaration_has_one() -> None:
    later = declared(recorded_at=declared().recorded_at + timedelta(hours=1))
    keys = [delay_filed(d, PAPER).key for d in (declared(), declared(key=f"{CASE}/evidence/41"), later)]
    assert keys[0] == keys[1] != keys[2]
    assert all(key.startswith(f"{CASE}/restore-ticket/1/delay/") and key.endswith("/paper") for key in keys)


def test_a_broken_card_is_one_printable_line_on_paper() -> None:
    broken = CustomerCard(account_id="3001", name="王\x00小\n明\u202e\ud800", address="路" * 5000)
    sheet = notice_sheet(notice_order("red"), broken, ZH)
    assert sheet.name == "王 小 明"
    assert sheet.address == f"{'路' * 199}…"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("1.05", "壹元零伍分"),
        ("10.00", "壹拾元整"),
        ("20.07", "贰拾元零柒分"),
        ("1005.00", "壹仟零伍元整"),
        ("10005.30", "壹万零伍元叁角整"),
        ("100000.00", "壹拾万元整"),
        ("1010000.00", "壹佰零壹万元整"),
        ("1234567.89", "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
        ("100000001.00", "壹亿零壹元整"),
        ("100005000.00", "壹亿零伍仟元整"),
        ("999999999999.99", "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_money_in_capital_figures(amount: str, words: str) -> None:
    assert capital_yuan(Decimal(amount)) == words


def test_the_bills_are_dated_as_billing_dated_them() -> None:
    sheet = notice_sheet(notice_order("yellow", lines(1)), CARD, ZH)
    assert sheet.bills[0].due == str(date(2026, 9, 25))
