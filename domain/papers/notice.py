"""The yellow and the red notice: what they state, on paper and as a message (II.1, II.2)."""

import json
from zoneinfo import ZoneInfo

from domain.customer import CustomerCard
from domain.papers.capital_amount import capital_yuan
from domain.papers.phrases import (
    TITLES,
    before_en,
    before_zh,
    cny,
    day_zh,
    figure,
    in_language,
    line_of,
    moment_en,
    moment_zh,
    yuan,
)
from domain.papers.sheets import BillOnPaper, Letterhead, NoticeSheet
from domain.record.rows import Message, NoticeOrder, NoticeRow
from domain.record.subjects import subject

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


def notice_message(order: NoticeOrder, card: CustomerCard) -> Message:
    """The full text of a notice, put into the reader's hands to deliver (R-05, R-07, II.1, II.2).

    It states account, amount owed (per bill, with the late fee), final deadline and the specific time of the cut. It
    says what stops the cut and where to complain. A red one has the line to sign (R-08).
    """
    notice, zone = order.notice, ZoneInfo(order.timezone)
    title_zh, title_en = TITLES[notice.kind]
    deadline, cut_at = notice.deadline.astimezone(zone), notice.cut_at.astimezone(zone)
    whole = notice.amount + notice.late_fee
    zh = [
        title_zh,
        f"编号：{notice.notice_id}",
        f"户号：{notice.account_id}",
        f"户名：{line_of(card.name)}",
        f"用电地址：{line_of(card.address)}",
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
        f"Name: {line_of(card.name)}",
        f"Address: {line_of(card.address)}",
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
        subject=subject("notice_to_deliver", title=f"{title_zh} {notice.kind}"),
        text_zh="\n".join(zh),
        text_en="\n".join(en),
        about=notice.notice_id,
        at=notice.issued_at,
    )


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
        title=in_language(TITLES[notice.kind], head),
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
                outstanding=figure(line.outstanding),
                late_fee=figure(line.late_fee),
                together=figure(line.outstanding + line.late_fee),
            )
            for line in order.lines
        ),
        owed=figure(notice.amount),
        late_fee=figure(notice.late_fee),
        together=figure(together),
        together_in_words=f"人民币{capital_yuan(together)}" if zh else cny(together),
        deadline=before(notice.deadline.astimezone(zone)),
        cut_at=f"{moment_zh(cut_at)}起" if zh else f"from {moment_en(cut_at)}",
        to_stop_it=tuple(in_language(sentence, head) for sentence in TO_STOP_THE_CUT),
        complaints=in_language(COMPLAINTS, head),
    )


def payment_reference(notice: NoticeRow) -> str:
    """What the QR code of a notice says, as a counter or an app reads it: a JSON object of account, notice, amount."""
    named = {"account": notice.account_id, "notice": notice.notice_id, "amount": str(notice.amount + notice.late_fee)}
    return json.dumps({"pay": "arrears", **named}, ensure_ascii=False, separators=(",", ":"))
