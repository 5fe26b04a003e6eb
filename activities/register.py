"""The register: the record a step leaves behind."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from domain.records import Record


class RegisterUnavailable(Exception):
    """The register gave no answer; nothing was written, and the step is simply tried again."""


class Register(Protocol):
    """The case list, the evidence and the outbox, in one transactional store."""

    def write(self, record: Record) -> None:
        """Write all of it in one transaction; whatever of it is already there (by key) is left as it is."""


@dataclass(frozen=True)
class RegisterActivities:
    """Writes that accompany no other effect: what a message changed, who must be told."""

    register: Register

    @activity.defn(no_thread_cancel_exception=True)
    def write_record(self, record: Record) -> None:
        """Write what the case has noted since the last write."""
        self.register.write(record)
