"""Money in Chinese capital figures, as it stands on documents that must not be altered: 壹佰贰拾捌元伍角整."""

from decimal import Decimal

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def capital_yuan(amount: Decimal) -> str:
    """The amount in capital figures with 元, 角, 分, and 整 where it ends before the 分; at most 12 digits."""
    cents = int(amount.quantize(Decimal("0.01")) * 100)
    sign, cents = ("负", -cents) if cents < 0 else ("", cents)
    yuan, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    if cents == 0:
        return "零元整"
    whole = f"{_integer(yuan)}元" if yuan else ""
    gap = "零" if whole and fen and not jiao else ""
    tail = (f"{_DIGITS[jiao]}角" if jiao else "") + gap + (f"{_DIGITS[fen]}分" if fen else "整")
    return sign + whole + tail


def _integer(number: int) -> str:
    """Groups of four digits from the highest; a gap between two figures reads as one 零."""
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            continue
        skipped = place + 1 < len(groups) and (groups[place + 1] == 0 or group < 1_000)
        text += ("零" if text and skipped else "") + _group(group) + _GROUPS[place]
    return text


def _group(group: int) -> str:
    """Up to four digits."""
    text, gap = "", False
    for place in reversed(range(4)):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
        gap = False
    return text
