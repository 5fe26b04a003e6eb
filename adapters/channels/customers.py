"""The customer's channels: phone, e-mail and preference as his record has them, each try kept beside the outbox."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from activities.register import RegisterUnavailable
from adapters.channels.apprise import AppriseChannels, Letter
from adapters.channels.routes import Channel, known_of_customer, preferred_first
from adapters.register.outbox import SqlOutbox
from adapters.register.writing import SqlRegister
from domain.papers.final_notice import FINAL_NOTICE_TITLE
from domain.record.deliveries import ChannelTry
from domain.record.rows import Message

log = structlog.get_logger()


@dataclass(frozen=True)
class CustomersByApprise:
    """CustomerChannels over Apprise; the card is read from the register."""

    routes: tuple[Channel, ...]
    channels: AppriseChannels
    register: SqlRegister
    outbox: SqlOutbox

    def notify(self, account_id: str, notice: Message, at: datetime) -> tuple[ChannelTry, ...]:
        """Try his channels, the preferred one first; what one accepted stands, even if it cannot be noted now."""
        card = self.register.card(account_id)
        known = known_of_customer(card) | {"account": account_id}
        letter = Letter(notice.key, FINAL_NOTICE_TITLE, f"{notice.text_zh}\n{notice.text_en}")
        began = time.monotonic()
        routes = preferred_first(self.routes, card.preferred_channel)
        tries = self.channels.hand_on(routes, known, letter, lambda: at + timedelta(seconds=time.monotonic() - began))
        for one in tries:
            log.info("channel.tried", message=notice.key, to="customer", channel=one.channel, outcome=one.outcome)
        try:
            self.outbox.note_customer(notice.key, tries)
        except RegisterUnavailable as problem:  # the case's own evidence follows, and is repeated until it is in
            log.warning("delivery.not_noted", message=notice.key, error=str(problem))
        return tries
