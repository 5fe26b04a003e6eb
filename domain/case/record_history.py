"""What the customer's records named before, as far as it still counts for a case (R-32)."""

from pydantic import Field

from domain.customer import RecordField
from domain.money.late_fee import FormerClass
from domain.vocabulary import Contract, Id, Moment


class FormerMeter(Contract):
    """A meter that billing named until the case learned of another."""

    meter_id: Id
    until: Moment


class RecordHistory(Contract):
    """The traces of earlier records in a case; empty in a case from before.

    `changed`: when the case last learned of a change, by field. `holder_since`: when it learned of another holder.
    `attempts_ended`: by changes, since somebody last said to serve again.
    """

    changed: dict[RecordField, Moment] = Field(default_factory=dict)
    meters: tuple[FormerMeter, ...] = ()
    classes: tuple[FormerClass, ...] = ()
    holder_since: Moment | None = None
    attempts_ended: int = 0
