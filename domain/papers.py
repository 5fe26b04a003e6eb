"""The wording of papers: notices, tickets, the final notice; Chinese first, then English."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.debt import CustomerCard
from domain.records import Message, NoticeOrder, TicketOrder


def notice_message(order: NoticeOrder, card: CustomerCard) -> Message:
    """The full text of a notice, for the reader to deliver (R-05, R-07)."""
    n, zone = order.notice, ZoneInfo(order.timezone)
    total = n.amount + n.late_fee
    title_zh = "黄色催费单（暂停供电通知书）" if n.kind == "yellow" else "红色欠费中止供电通知书"
    title_en = "Yellow notice of arrears" if n.kind == "yellow" else "Red notice of disconnection"
    zh = [
        f"{title_zh}  编号 {n.notice_id}",
        f"户号：{n.account_id}  户名：{card.name}  用电地址：{card.address}",
        *(
            f"账单 {b.bill_id}（{b.due_date} 到期）：欠费 {b.outstanding:,} 元，违约金 {b.late_fee:,} 元"
            for b in order.lines
        ),
        f"合计：电费 {n.amount:,} 元，违约金 {n.late_fee:,} 元，共 {total:,} 元",
        f"交费最后期限：{until_zh(n.deadline, zone)}",
        f"逾期仍未交清的，将于 {at_zh(n.cut_at, zone)} 起停止供电。",
        "在停电前交清上列电费，即不停电。如有异议或困难，请在期限前联系抄表员，可约定承诺或分期；投诉、咨询请拨打 95598。",
    ]
    en = [
        f"{title_en}, no. {n.notice_id}",
        f"Account: {n.account_id}  Name: {card.name}  Address: {card.address}",
        *(
            f"Bill {b.bill_id} (due {b.due_date}): owed CNY {b.outstanding:,}, late fee CNY {b.late_fee:,}"
            for b in order.lines
        ),
        f"Total: electricity CNY {n.amount:,}, late fee CNY {n.late_fee:,}, together CNY {total:,}",
        f"Final payment deadline: {until_en(n.deadline, zone)}",
        f"If it is not paid in full by then, supply will be cut from {at_en(n.cut_at, zone)}.",
        "Pay the electricity bills listed before that and nothing is cut. To object, or if paying is hard, speak to the "
        "meter reader before the deadline: a promise or instalments can be agreed. Complaints and questions: 95598.",
    ]
    if n.kind == "red":
        zh.append("客户签字：____________  日期：____________（拒签的，由送达人详细记录地点、在场人、原因及见证）")
        en.append("Customer's signature: ____________  Date: ____________")
    return Message(
        key=f"{n.notice_id}/paper",
        to_role="reader",
        to_unit=order.record.case.reading_centre,
        to_person=order.reader,
        subject=f"{n.kind} notice to deliver",
        text_zh="\n".join(zh),
        text_en="\n".join(en),
        about=n.notice_id,
        at=n.issued_at,
    )


def ticket_message(order: TicketOrder, card: CustomerCard) -> Message:
    """The full text of a work ticket, for the field unit (R-15, R-22)."""
    t, zone = order.ticket, ZoneInfo(order.timezone)
    where_zh = f"户号：{t.account_id}  户名：{card.name}  地址：{card.address}  表号：{t.meter_id}"
    where_en = f"Account: {t.account_id}  Name: {card.name}  Address: {card.address}  Meter: {t.meter_id}"
    if t.kind == "cut":
        zh = (
            f"催费停电工作票 {t.ticket_id}\n{where_zh}\n停电时间：{at_zh(t.due_at, zone)} 起。签发：{t.sent_by}\n"
            "请即确认本票。到表前须申请停电许可，未获许可不得停电；表计存疑的，请抄表员到场核实。"
        )
        en = (
            f"Disconnection ticket {t.ticket_id}\n{where_en}\nTime: from {at_en(t.due_at, zone)}. Issued by {t.sent_by}\n"
            "Acknowledge at once. At the meter ask for the permit: no cut without it. If unsure of the meter, have the "
            "reader verify it."
        )
    else:
        zh = f"复电工作票 {t.ticket_id}\n{where_zh}\n最迟复电时间：{at_zh(t.due_at, zone)}。请立即复电并回报。"
        en = (
            f"Restoration ticket {t.ticket_id}\n{where_en}\nRestore by {at_en(t.due_at, zone)} at the latest. "
            "Restore at once, and report."
        )
    return Message(
        key=f"{t.ticket_id}/paper",
        to_role="field_crew",
        to_unit=t.field_unit,
        subject="disconnection ticket" if t.kind == "cut" else "restoration ticket",
        text_zh=zh,
        text_en=en,
        about=t.ticket_id,
        at=t.sent_at,
    )


def final_notice_texts(account_id: str, cut_at: datetime, owed: Decimal) -> tuple[str, str]:
    """What the customer is told again in the last half-hour (R-16); `cut_at` in the utility's zone."""
    zone = cut_at.tzinfo
    zh = (
        f"【停电提醒】户号 {account_id} 尚欠电费 {owed:,} 元，将于 {at_zh(cut_at, zone)} 停电。"
        "现在交清即不停电，咨询 95598。"
    )
    en = (
        f"Account {account_id} still owes CNY {owed:,}; supply will be cut at {at_en(cut_at, zone)}. "
        "Pay now and nothing is cut. Questions: 95598."
    )
    return zh, en


def at_zh(moment: datetime, zone: tzinfo | None) -> str:
    """A moment as a Chinese paper says it."""
    local = moment.astimezone(zone)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}"


def at_en(moment: datetime, zone: tzinfo | None) -> str:
    """A moment as an English paper says it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def until_zh(moment: datetime, zone: tzinfo | None) -> str:
    """A deadline that is 00:00 of the next day reads as 24:00 of the day it ends."""
    local = moment.astimezone(zone)
    if (local.hour, local.minute) != (0, 0):
        return f"{at_zh(moment, zone)}前"
    last = local - timedelta(days=1)
    return f"{last.year}年{last.month}月{last.day}日24时前"


def until_en(moment: datetime, zone: tzinfo | None) -> str:
    """As `until_zh`."""
    local = moment.astimezone(zone)
    if (local.hour, local.minute) != (0, 0):
        return at_en(moment, zone)
    return f"the end of {local - timedelta(days=1):%Y-%m-%d}"
