"""The register port, and the activity that writes what a case has noted."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from activities.papers import Papers, PaperTrail, file_delays
from domain.record.rows import Record


class RegisterUnavailable(Exception):
    """The register gave no answer; nothing was written, and the step is simply tried again."""


class Register(PaperTrail, Protocol):
    """The case list, the evidence and the outbox, in one transactional store."""


@dataclass(frozen=True)
class RegisterActivities:
    """Writes that accompany no other effect: what a message changed, and the messages to staff."""

    register: Register
    papers: Papers

    @activity.defn(no_thread_cancel_exception=True)
    def write_record(self, record: Record) -> None:
        """Write what the case has noted since the last write; a delay declared in it gets its paper."""
        self.register.write(record)
        file_delays(record, self.papers, self.register)
