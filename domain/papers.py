"""The wording of papers: notices, work tickets, the last call before a cut; Chinese first, then English."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.debt import CustomerCard
from domain.records import Message, NoticeOrder, TicketOrder
from domain.sheets import one_line

_LONGEST_LINE = 200
TITLES = {
    "yellow": ("黄色催费单（暂停供电通知书）", "Yellow notice of arrears (notice of suspension of supply)"),
    "red": ("红色欠费中止供电通知书", "Red notice of disconnection for arrears"),
    "cut": ("催费停电工作票", "Disconnection ticket"),
    "restore": ("复电工作票", "Restoration ticket"),
}
TICKET_TITLES = {kind: " ".join(TITLES[kind]) for kind in ("cut", "restore")}
"""The subject of a work ticket, by its kind."""
FINAL_NOTICE_TITLE = "停电提醒 Supply will be cut"
"""What an e-mail to the customer in the last half-hour is headed with."""
TO_STOP_THE_CUT = (
    (
        "在停电前交清上列电费，即不停电。",
        "Pay the bills above before the time of the cut, and nothing is cut.",
    ),
    (
        "暂有困难或有异议的，请尽快联系抄表员，可约定承诺交费或分期交费。",
        "If you cannot, or disagree, speak to the meter reader soon: a promise or instalments can be agreed.",
    ),
)
COMPLAINTS = ("咨询、投诉：95598。", "Questions and complaints: 95598.")
CREW_RULES = (
    (
        "未获停电许可，不得停电：到表前申请许可，仅在许可载明的时限内操作。",
        "No cut without a permit: ask for it at the meter, and act only while it lasts.",
    ),
    (
        "表计不能确定的，不得停电，请送达通知书的抄表员到场核实。",
        "If unsure of the meter, do not cut: have the reader who served the notice verify it.",
    ),
)
RESTORE_RULES = (("请立即复电并回报，无需审批。", "Restore at once and report; no approval is needed."),)


def notice_message(order: NoticeOrder, card: CustomerCard) -> Message:
    """The full text of a notice, put into the reader's hands to deliver (R-05, R-07, II.1, II.2).

    It states account, amount owed (per bill, with the late fee), final deadline and the specific time of the cut, says
    what stops the cut and where to complain; a red one has the line to sign (R-08).
    """
    notice, zone = order.notice, ZoneInfo(order.timezone)
    title_zh, title_en = TITLES[notice.kind]
    deadline, cut_at = notice.deadline.astimezone(zone), notice.cut_at.astimezone(zone)
    whole = notice.amount + notice.late_fee
    zh = [
        title_zh,
        f"编号：{notice.notice_id}",
        f"户号：{notice.account_id}",
        f"户名：{_line(card.name)}",
        f"用电地址：{_line(card.address)}",
        "您户下列电费已逾期未交：",
        *(
            f"  账单 {line.bill_id}（交费期限 {day_zh(line.due_date)}）：欠费 {yuan(line.outstanding)}，"
            f"违约金 {yuan(line.late_fee)}"
            for line in order.lines
        ),
        f"欠费合计：{yuan(notice.amount)}；违约金：{yuan(notice.late_fee)}（计至开具之日）；共计：{yuan(whole)}",
        f"最后交费期限：{before_zh(deadline)}",
        f"停电时间：逾期仍未交清的，将于{moment_zh(cut_at)}起中止供电。",
        f"避免停电：{''.join(zh for zh, _ in TO_STOP_THE_CUT)}",
        COMPLAINTS[0],
    ]
    en = [
        title_en,
        f"No.: {notice.notice_id}",
        f"Account: {notice.account_id}",
        f"Name: {_line(card.name)}",
        f"Address: {_line(card.address)}",
        "These electricity bills are overdue and unpaid:",
        *(
            f"  Bill {line.bill_id} (due {line.due_date}): owed {cny(line.outstanding)}, late fee {cny(line.late_fee)}"
            for line in order.lines
        ),
        f"Owed: {cny(notice.amount)}; late fee: {cny(notice.late_fee)} (to the day of issue); together: {cny(whole)}",
        f"Final payment deadline: {before_en(deadline)}",
        f"Time of the cut: if it is not paid in full by then, supply will be cut from {moment_en(cut_at)}.",
        f"To stop the cut: {' '.join(en for _, en in TO_STOP_THE_CUT)}",
        COMPLAINTS[1],
    ]
    if notice.kind == "red":
        zh.append("客户签字：________________    日期：________________")
        en.append("Customer's signature: ________________    Date: ________________")
    return Message(
        key=f"{notice.notice_id}/paper",
        to_role="reader",
        to_unit=order.record.case.reading_centre,
        to_person=order.reader,
        subject=f"{title_zh} {notice.kind} notice to deliver",
        text_zh="\n".join(zh),
        text_en="\n".join(en),
        about=notice.notice_id,
        at=notice.issued_at,
    )


def ticket_message(order: TicketOrder, card: CustomerCard) -> Message:
    """The full text of a work ticket for the field unit: to cut (R-15, II.3) or to restore (R-22, III.1)."""
    ticket = order.ticket
    due = ticket.due_at.astimezone(ZoneInfo(order.timezone))
    title_zh, title_en = TITLES[ticket.kind]
    if ticket.kind == "cut":
        from_zh, from_en = cut_window(order)
        zh = [f"停电时间：{from_zh}，不得提前；此前须确认本票。", *(rule for rule, _ in CREW_RULES)]
        en = [
            f"Time: {from_en}, not before; acknowledge this ticket ahead of it.",
            *(rule for _, rule in CREW_RULES),
        ]
    else:
        zh = [f"复电时限：{moment_zh(due)}前。{RESTORE_RULES[0][0]}"]
        en = [f"Restore by {moment_en(due)} at the latest. {RESTORE_RULES[0][1]}"]
    head_zh = [
        title_zh,
        f"编号：{ticket.ticket_id}",
        f"户号：{ticket.account_id}",
        f"户名：{_line(card.name)}",
        f"用电地址：{_line(card.address)}",
        f"表号：{ticket.meter_id}",
        f"供电单位：{ticket.field_unit}    起票人：{ticket.sent_by}",
    ]
    head_en = [
        title_en,
        f"No.: {ticket.ticket_id}",
        f"Account: {ticket.account_id}",
        f"Name: {_line(card.name)}",
        f"Address: {_line(card.address)}",
        f"Meter: {ticket.meter_id}",
        f"Field unit: {ticket.field_unit}    Issued by: {ticket.sent_by}",
    ]
    return Message(
        key=f"{ticket.ticket_id}/paper",
        to_role="field_crew",
        to_unit=ticket.field_unit,
        subject=TICKET_TITLES[ticket.kind],
        text_zh="\n".join(head_zh + zh),
        text_en="\n".join(head_en + en),
        about=ticket.ticket_id,
        at=ticket.sent_at,
    )


def cut_window(order: TicketOrder) -> tuple[str, str]:
    """When the crew may cut: from T to the end of the window, which is on that day (R-18); older orders have no end."""
    zone = ZoneInfo(order.timezone)
    due = order.ticket.due_at.astimezone(zone)
    if order.window_end is None:
        return f"{moment_zh(due)}起", f"from {moment_en(due)}"
    end = order.window_end.astimezone(zone)
    return f"{moment_zh(due)}起，至{end:%H:%M}止", f"from {moment_en(due)} until {end:%H:%M}"


def final_notice_texts(account_id: str, cut_at: datetime, owed: Decimal) -> tuple[str, str]:
    """What the customer is told again in the last half-hour (R-16, II.4); `cut_at` in the utility's zone."""
    return (
        f"【停电提醒】户号 {account_id} 尚欠电费 {yuan(owed)}，将于{moment_zh(cut_at)}起停电。停电前交清即不停电。"
        "咨询、投诉：95598。",
        f"Account {account_id} still owes {cny(owed)}: supply will be cut from {moment_en(cut_at)}. Pay in full before "
        "that and nothing is cut. Questions and complaints: 95598.",
    )


# ---- money and times as papers say them -------------------------------------------------------


def yuan(amount: Decimal) -> str:
    """Money in Chinese, such as 1,234.50元."""
    return f"{amount:,.2f}元"


def cny(amount: Decimal) -> str:
    """Money in English, such as CNY 1,234.50."""
    return f"CNY {amount:,.2f}"


def moment_zh(local: datetime) -> str:
    """A local time in Chinese, with its weekday."""
    return f"{day_zh(local)}（星期{'一二三四五六日'[local.weekday()]}）{local:%H:%M}"


def moment_en(local: datetime) -> str:
    """A local time in English, with its weekday."""
    # Not %A: its language would depend on the machine.
    return f"{local:%H:%M} on {_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d}"


def before_zh(local: datetime) -> str:
    """A deadline in Chinese; the first moment of a day reads as 24:00 of the day before (R-05)."""
    last = _day_that_ends(local)
    return f"{day_zh(last)}24时前" if last else f"{moment_zh(local)}前"


def before_en(local: datetime) -> str:
    """A deadline in English; the first moment of a day reads as 24:00 of the day before (R-05)."""
    last = _day_that_ends(local)
    return f"by 24:00 on {_WEEKDAYS[last.weekday()]} {last:%Y-%m-%d}" if last else f"by {moment_en(local)}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _day_that_ends(local: datetime) -> date | None:
    """The day whose end this is; where summer time skips midnight a day begins at 01:00."""
    before = (local.astimezone(UTC) - timedelta(microseconds=1)).astimezone(local.tzinfo)
    return before.date() if before.date() < local.date() else None


def day_zh(day: date) -> str:
    """A date in Chinese, such as 2026年9月25日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _line(text: str) -> str:
    """A field of the customer's card."""
    return one_line(text, _LONGEST_LINE)
