"""A case that has taken over a customer's record, and the record read again with something changed (R-32)."""

from datetime import datetime
from typing import Any

from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.record_changes import take_record
from domain.customer import Account, PersonalField, RecordRead
from tests.support.one_life import OPENED, account

TAKEN = {"present_since": OPENED, "record": account(), "record_number": 1, "record_read_at": OPENED}
"""Fields of a case that took over version 1 of the record as it opened."""


def present(before: CaseFacts, **changes: Any) -> CaseFacts:
    """The facts of a case for which R-31 to R-35 count, and which has taken over the account as it stands."""
    return before.but(**{**TAKEN, "record": before.account, **changes})


def named(before: CaseFacts, **changes: Any) -> Account:
    """The account as billing names it now: as the case last took it over, with these changes."""
    return (before.record or before.account).model_copy(update=changes)


def taken(before: CaseFacts, now: datetime, *personal: PersonalField, number: int = 2, **changes: Any) -> CaseFacts:
    """The facts once the record was read with these changes, with nothing that follows later."""
    read = RecordRead(number=number, account=named(before, **changes), changed=personal)
    return take_record(before, read, now)


def read_again(
    before: CaseFacts, now: datetime, *personal: PersonalField, number: int = 2, **changes: Any
) -> CaseFacts:
    """The same, with all that is due by now."""
    return settle(taken(before, now, *personal, number=number, **changes), now)
