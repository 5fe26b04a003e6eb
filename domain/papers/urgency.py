"""What goes out first: restorations and revocations before everything else, then what has minutes, then the rest."""

from domain.record.rows import Message
from domain.record.subjects import DAYS, SUBJECTS, Urgency, subject_of


def urgency_of(message: Message) -> Urgency:
    """How urgent a message to staff is, by its subject: 1 overtakes 2, and 2 overtakes 3."""
    code = subject_of(message.subject)
    return DAYS if code is None else SUBJECTS[code].urgency
