"""The disconnection and the restoration ticket: what they state, on paper and as a message (II.3, III.1)."""

from zoneinfo import ZoneInfo

from domain.customer import CustomerCard
from domain.papers.phrases import TITLES, in_language, line_of, moment_en, moment_zh
from domain.papers.sheets import Letterhead, TicketSheet
from domain.record.rows import Message, TicketOrder
from domain.record.subjects import subject

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


ACCOUNT_UNKNOWN = "户号待查 / account unknown"
"""What a ticket names where nobody knows whose meter it is (R-34)."""


def card_of_another(account_id: str | None) -> CustomerCard:
    """What the ticket for another customer's meter may say of him: his account, if billing knows it."""
    return CustomerCard(account_id=account_id or ACCOUNT_UNKNOWN, name="", address="")


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
        f"户号：{card.account_id}",
        *(() if order.neighbour else (f"户名：{line_of(card.name)}", f"用电地址：{line_of(card.address)}")),
        f"表号：{ticket.meter_id}",
        f"供电单位：{ticket.field_unit}    起票人：{ticket.sent_by}",
    ]
    head_en = [
        title_en,
        f"No.: {ticket.ticket_id}",
        f"Account: {card.account_id}",
        *(() if order.neighbour else (f"Name: {line_of(card.name)}", f"Address: {line_of(card.address)}")),
        f"Meter: {ticket.meter_id}",
        f"Field unit: {ticket.field_unit}    Issued by: {ticket.sent_by}",
    ]
    return Message(
        key=f"{ticket.ticket_id}/paper",
        to_role="field_crew",
        to_unit=ticket.field_unit,
        subject=subject("cut_ticket" if ticket.kind == "cut" else "restoration_ticket"),
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


_DAY_BEFORE = ("此前须确认本票；不得提前停电。", "Acknowledge this ticket ahead of that time; no cut before it.")


def ticket_sheet(order: TicketOrder, card: CustomerCard, head: Letterhead) -> TicketSheet:
    """A work ticket for the field unit: to cut (R-15, II.3) or to restore (R-22, III.1)."""
    ticket, zone, zh = order.ticket, ZoneInfo(order.timezone), head.language == "zh"
    due, sent = ticket.due_at.astimezone(zone), ticket.sent_at.astimezone(zone)
    cut = ticket.kind == "cut"
    times = cut_window(order) if cut else (f"{moment_zh(due)}前", f"by {moment_en(due)}")
    rules = (_DAY_BEFORE, *CREW_RULES) if cut else RESTORE_RULES
    return TicketSheet(
        head=head,
        title=in_language(TITLES[ticket.kind], head),
        number=ticket.ticket_id,
        account_id=card.account_id,
        dated=sent,
        kind=ticket.kind,
        name=card.name,
        address=card.address,
        meter_id=ticket.meter_id,
        field_unit=ticket.field_unit,
        sent_by=ticket.sent_by,
        sent=moment_zh(sent) if zh else moment_en(sent),
        due=in_language(times, head),
        notice_id=ticket.notice_id or "",
        rules=tuple(in_language(rule, head) for rule in rules),
    )
