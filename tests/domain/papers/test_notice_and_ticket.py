"""Papers: a notice states account, amounts, deadline and time; a ticket says where, when, and not without a permit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.customer import CustomerCard
from domain.papers.final_notice import final_notice_texts
from domain.papers.notice import notice_message
from domain.papers.phrases import before_en, before_zh
from domain.papers.ticket import ticket_message
from domain.record.rows import BillLine, NoticeOrder, TicketOrder
from tests.support.register_records import notice, record, ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")
CARD = CustomerCard(account_id="3001", name="王小明", address="郑州市金水区花园路 12 号", phone="13800000000")
RUN = "0f6a/red-notice/1"


def at(text: str) -> datetime:
    # Times come back from a payload in UTC or with a bare offset; the paper must not care.
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def lines(count: int = 2) -> tuple[BillLine, ...]:
    return tuple(
        BillLine(bill_id=f"B-{i}", due_date=date(2026, 9, 25), outstanding=Decimal("1234.5"), late_fee=Decimal("38.27"))
        for i in range(count)
    )


def notice_order(kind: str, bill_lines: tuple[BillLine, ...] = lines(), **changes: Any) -> NoticeOrder:
    values: dict[str, Any] = {
        "notice_id": RUN,
        "kind": kind,
        "bills": tuple(line.bill_id for line in bill_lines),
        "amount": Decimal("2469.00"),
        "late_fee": Decimal("76.54"),
        "issued_at": at("2026-10-15T09:00"),
        "deadline": at("2026-10-26T00:00"),
        "cut_at": at("2026-11-05T09:00"),
    }
    row = notice(**(values | changes))
    entry = record()
    entry = entry.model_copy(update={"case": entry.case.model_copy(update={"reading_centre": "RC-03"})})
    return NoticeOrder(notice=row, lines=bill_lines, reader="r-017", timezone="Asia/Shanghai", record=entry)


def ticket_order(kind: str, due_at: str, window_end: str | None = None) -> TicketOrder:
    row = ticket(ticket_id="0f6a/ticket/1", kind=kind, meter_id="M-77", field_unit="FU-02", due_at=at(due_at))
    end = at(window_end) if window_end else None
    return TicketOrder(ticket=row, timezone="Asia/Shanghai", record=record(), window_end=end)


@pytest.mark.parametrize("kind", ["yellow", "red"])
def test_a_notice_states_everything_the_regulation_asks_for(kind: str) -> None:
    paper = notice_message(notice_order(kind), CARD)
    account = notice_order(kind).notice.account_id
    for text in (
        f"户号：{account}",
        "户名：王小明",
        "用电地址：郑州市金水区花园路 12 号",
        "账单 B-0（交费期限 2026年9月25日）：欠费 1,234.50元，违约金 38.27元",
        "账单 B-1（交费期限 2026年9月25日）：欠费 1,234.50元，违约金 38.27元",
        "欠费合计：2,469.00元；违约金：76.54元（计至开具之日）；共计：2,545.54元",
        "最后交费期限：2026年10月25日24时前",
        "2026年11月5日（星期四）09:00起中止供电",
        "在停电前交清上列电费，即不停电",
        "95598",
    ):
        assert text in paper.text_zh
    for text in (
        f"Account: {account}",
        "Name: 王小明",
        "Bill B-1 (due 2026-09-25): owed CNY 1,234.50, late fee CNY 38.27",
        "Owed: CNY 2,469.00; late fee: CNY 76.54 (to the day of issue); together: CNY 2,545.54",
        "Final payment deadline: by 24:00 on Sunday 2026-10-25",
        "supply will be cut from 09:00 on Thursday 2026-11-05",
        "nothing is cut",
        "95598",
    ):
        assert text in paper.text_en


def test_a_yellow_notice_is_no_red_one() -> None:
    yellow, red = (notice_message(notice_order(kind), CARD) for kind in ("yellow", "red"))
    assert yellow.text_zh.startswith("黄色催费单（暂停供电通知书）\n")
    assert red.text_zh.startswith("红色欠费中止供电通知书\n")
    assert "客户签字" in red.text_zh
    assert "Customer's signature" in red.text_en
    assert "客户签字" not in yellow.text_zh
    assert "signature" not in yellow.text_en


def test_a_notice_goes_to_the_reader_once() -> None:
    paper = notice_message(notice_order("red"), CARD)
    assert (paper.key, paper.about) == (f"{RUN}/paper", RUN)
    assert (paper.to_role, paper.to_unit, paper.to_person) == ("reader", "RC-03", "r-017")
    assert paper.at == at("2026-10-15T09:00")


def test_a_notice_over_many_bills_names_every_one() -> None:
    paper = notice_message(notice_order("yellow", lines(240)), CARD)
    assert paper.text_zh.count("  账单 B-") == paper.text_en.count("  Bill B-") == 240


def test_a_broken_card_does_not_keep_a_notice_from_being_issued() -> None:
    broken = CustomerCard(account_id="3001", name="王\x00小\n明\u200b", address="路" * 5000)
    paper = notice_message(notice_order("red"), broken)
    assert "户名：王 小 明\n" in paper.text_zh
    assert "\x00" not in paper.text_zh + paper.text_en
    assert f"用电地址：{'路' * 199}…\n" in paper.text_zh


def test_a_disconnection_ticket_says_when_where_and_not_without_a_permit() -> None:
    paper = ticket_message(ticket_order("cut", "2026-11-05T09:00"), CARD)
    for text in (
        "催费停电工作票",
        "2026年11月5日（星期四）09:00起",
        "表号：M-77",
        "花园路 12 号",
        "未获停电许可，不得停电",
    ):
        assert text in paper.text_zh
    for text in ("from 09:00 on Thursday 2026-11-05", "Meter: M-77", "No cut without a permit"):
        assert text in paper.text_en
    assert (paper.key, paper.about) == ("0f6a/ticket/1/paper", "0f6a/ticket/1")
    assert (paper.to_role, paper.to_unit, paper.to_person) == ("field_crew", "FU-02", None)


def test_a_disconnection_ticket_says_when_its_window_ends() -> None:
    """R-18; one that was ordered before orders had the end is printed again as it was."""
    paper = ticket_message(ticket_order("cut", "2026-11-05T09:00", "2026-11-05T11:00"), CARD)
    assert "停电时间：2026年11月5日（星期四）09:00起，至11:00止，不得提前" in paper.text_zh
    assert "Time: from 09:00 on Thursday 2026-11-05 until 11:00, not before" in paper.text_en
    older = ticket_message(ticket_order("cut", "2026-11-05T09:00"), CARD)
    assert "停电时间：2026年11月5日（星期四）09:00起，不得提前" in older.text_zh
    assert "until" not in older.text_en


def test_a_restoration_ticket_says_by_when_and_asks_for_nothing_first() -> None:
    paper = ticket_message(ticket_order("restore", "2026-11-06T14:30"), CARD)
    for text in ("复电工作票", "2026年11月6日（星期五）14:30前", "表号：M-77", "花园路 12 号", "无需审批"):
        assert text in paper.text_zh
    assert "Restore by 14:30 on Friday 2026-11-06 at the latest" in paper.text_en
    assert "许可" not in paper.text_zh


def test_the_last_call_says_the_time_again_and_how_to_stop_it() -> None:
    cut_at = datetime(2026, 11, 5, 9, 0, tzinfo=SHANGHAI)
    zh, en = final_notice_texts("3001", cut_at, Decimal("2469.00"))
    assert "户号 3001 尚欠电费 2,469.00元，将于2026年11月5日（星期四）09:00起停电" in zh
    assert "Account 3001 still owes CNY 2,469.00: supply will be cut from 09:00 on Thursday 2026-11-05" in en


@pytest.mark.parametrize(
    ("zone", "moment", "zh", "en"),
    [
        pytest.param(
            "Asia/Shanghai", "2026-10-26T00:00", "2026年10月25日24时前", "24:00 on Sunday 2026-10-25", id="plain"
        ),
        pytest.param(
            "Asia/Shanghai", "2027-01-01T00:00", "2026年12月31日24时前", "24:00 on Thursday 2026-12-31", id="years_end"
        ),
        pytest.param(
            "Asia/Shanghai", "2028-03-01T00:00", "2028年2月29日24时前", "24:00 on Tuesday 2028-02-29", id="leap_day"
        ),
        pytest.param(
            "Asia/Shanghai",
            "2026-10-26T00:01",
            "2026年10月26日（星期一）00:01前",
            "00:01 on Monday",
            id="a_minute_later",
        ),
        pytest.param(
            "America/Santiago", "2026-09-06T01:00", "2026年9月5日24时前", "24:00 on Saturday", id="no_midnight"
        ),
    ],
)
def test_a_deadline_at_midnight_reads_as_the_end_of_the_day_before(zone: str, moment: str, zh: str, en: str) -> None:
    local = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))
    assert before_zh(local) == zh
    assert en in before_en(local)
