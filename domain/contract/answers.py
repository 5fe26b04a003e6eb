"""What the updates answer."""

from domain.vocabulary import Contract, Moment, Money, Role


class Done(Contract):
    """The message was taken; there is nothing more to say."""


class DeliveryRecorded(Contract):
    """Whether the notice now counts as served; if it is void, why."""

    served: bool
    void_reason: str | None = None


class ApprovalRecorded(Contract):
    """Whether every level has approved, and which have not."""

    granted: bool
    still_needed: tuple[Role, ...] = ()


class FinalNoticeRecorded(Contract):
    """Whether the customer counts as notified (R-16)."""

    told: bool


class PolicyChanged(Contract):
    """The policy now in force, the one before, and the notices and cuts that keep the terms they began under."""

    policy: str
    before: str
    keeps_its_terms: tuple[str, ...] = ()


class Condition(Contract):
    """One condition for a cut that is not met, with its rule and clause."""

    rule: str
    clause: str
    text_zh: str
    text_en: str


class PermitAnswer(Contract):
    """A permit with its end, or everything that is unmet."""

    granted: bool
    permit_id: str | None = None
    valid_until: Moment | None = None
    unmet: tuple[Condition, ...] | None = None


class CutRecorded(Contract):
    """Whether the cut was ours and lawful; if not, the incident and the restoration ticket it opened."""

    lawful: bool
    incident_id: str | None = None
    ticket_id: str | None = None


class RestorationReported(Contract):
    """Whether the report counts: supply is restored (R-25). Where it does not, `why`, in Chinese and in English."""

    counted: bool
    why: str | None = None


class StillOwing(Contract):
    """What the bills named in the red notice still owe."""

    amount: Money
    late_fee: Money


class RestorationAnswer(Contract):
    """The restoration ticket, or what is still owing."""

    ticket_id: str | None = None
    still_owing: StillOwing | None = None
