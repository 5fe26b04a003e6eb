"""Asks billing whose meter that is, and waits for the answer no longer than a ticket can wait (R-34)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import structlog

# Billing that hangs takes these threads, and none of those that send tickets.
_HANDS = ThreadPoolExecutor(8, thread_name_prefix="whose-meter")

log = structlog.get_logger()


class MeterDirectory(Protocol):
    """Billing, as far as it knows whose meter is whose; a billing system need not offer that."""

    def account_of_meter(self, meter_id: str) -> str | None:
        """Whose meter that is, in any spelling; None where billing does not say. BillingUnavailable: no answer."""


@dataclass(frozen=True)
class WhoseMeter:
    """Answers within `seconds`: the account that billing knows for a meter, or None."""

    billing: MeterDirectory
    seconds: float = 2.0

    def __call__(self, meter_id: str) -> str | None:
        """Whose meter that is; None where billing does not know, or is silent, or whatever else keeps its answer.

        A ticket without an account brings supply back; one that waits for a fault to be mended does not (R-24).
        """
        try:
            return _HANDS.submit(self.billing.account_of_meter, meter_id).result(self.seconds)
        except Exception as problem:
            log.warning("meter.account_unread", why=type(problem).__name__)
            return None
