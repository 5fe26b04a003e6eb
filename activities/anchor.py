"""Anchoring: the head of every evidence chain is written outside the register, once a day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.record.chain import AnchorLine
from domain.vocabulary import Contract, Moment

log = structlog.get_logger()


class AnchorBroken(Exception):
    """The anchor file, or the list of heads beside it, is not as it was signed; a person must examine it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class EvidenceAnchor(Protocol):
    """Where heads are anchored."""

    def anchor(self, at: datetime) -> AnchorLine:
        """Anchor every chain's head as of that time; raises if what was anchored before has been tampered with."""


class AnchorOrder(Contract):
    """Anchor now."""

    at: Moment


@dataclass(frozen=True)
class AnchorActivities:
    """The daily anchoring; `place` is None where no file is set."""

    place: EvidenceAnchor | None

    @activity.defn
    def anchor_evidence(self, order: AnchorOrder) -> AnchorLine:
        """Anchor every head. The line goes into the log too: a second witness, should the file be lost."""
        if self.place is None:
            raise ApplicationError("ARREARS_ANCHOR is not set on this worker", type="NotConfigured", non_retryable=True)
        line = self.place.anchor(order.at)
        log.info("evidence.anchored", **line.model_dump(mode="json", exclude={"broken"}))
        for account in line.broken:
            log.error("evidence.rebuilt", account=account, rule="R-30", number=line.number)
        return line.model_copy(update={"broken": line.broken[:100]})
