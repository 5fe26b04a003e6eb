"""What a changed record of the customer means for a case (R-32)."""

from datetime import datetime

from domain.case.facts import CaseFacts
from domain.customer import RecordRead


def take_record(facts: CaseFacts, read: RecordRead, now: datetime) -> CaseFacts:
    """Billing has given the customer's record: what has changed counts from now on (R-32)."""
    return facts.but(record=read.account, record_number=read.number, record_read_at=now)
