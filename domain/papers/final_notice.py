"""The notification of the last half-hour (II.4)."""

from datetime import datetime
from decimal import Decimal

from domain.papers.phrases import cny, moment_en, moment_zh, yuan

FINAL_NOTICE_TITLE = "停电提醒 Supply will be cut"


def final_notice_texts(account_id: str, cut_at: datetime, owed: Decimal) -> tuple[str, str]:
    """The second notification of the customer, in the last half-hour (R-16, II.4); `cut_at` in the utility's zone."""
    return (
        f"【停电提醒】户号 {account_id} 尚欠电费 {yuan(owed)}，将于{moment_zh(cut_at)}起停电。停电前交清即不停电。"
        "咨询、投诉：95598。",
        f"Account {account_id} still owes {cny(owed)}: supply will be cut from {moment_en(cut_at)}. Pay in full before "
        "that and nothing is cut. Questions and complaints: 95598.",
    )
