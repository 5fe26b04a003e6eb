"""The messages a case takes: payloads and answers of its signals and updates, as other systems send them."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from domain.model import Actor, Contract, Day, Id, Moment, Money, PositiveMoney, Role, Text
from domain.policy import Policy


class BillOverdue(Contract):
    """A bill of the account has fallen overdue."""

    event_id: Id
    account_id: Id
    bill_id: Id
    amount: PositiveMoney
    due_date: Day


class PaymentReceived(Contract):
    """Money arrived; a hint that billing should be asked."""

    payment_id: Id
    amount: PositiveMoney
    paid_at: Moment | None = None
    channel: Text | None = None


class PaymentReversed(Contract):
    """A payment bounced or was taken back."""

    payment_id: Id
    reason: Text
    at: Moment | None = None


class RecheckRequested(Contract):
    """Somebody asks that billing be looked at again."""

    request_id: Id
    source: Literal["sweep", "hotline", "operator"]
    at: Moment | None = None


class HoldPlaced(Contract):
    """Nothing may go forward until this is lifted or has ended."""

    hold_id: Id
    kind: Literal["dispute", "hardship", "medical", "moratorium", "other"]
    reason: Text
    until: Moment | None = None
    actor: Actor
    at: Moment | None = None


class HoldLifted(Contract):
    """A hold no longer stands."""

    hold_id: Id
    actor: Actor
    at: Moment | None = None


class SupplyFoundCut(Contract):
    """The customer was found cut off (or limited) for arrears."""

    report_id: Id
    meter_id: Id
    reported_by: Text
    source: Text
    at: Moment | None = None


def _people(value: Any) -> Any:
    """One name or a list of them; a blank one names nobody."""
    named = (value,) if isinstance(value, str) or value is None else value
    if not isinstance(named, list | tuple):
        return named
    return tuple(n for n in named if n is not None and not (isinstance(n, str) and not n.strip()))


class Refusal(Contract):
    """The detailed record of a refused signature (R-09); an empty one is rejected by the case."""

    place: Text | None = None
    persons: Annotated[tuple[Text, ...], BeforeValidator(_people), Field(max_length=50)] = ()
    words: Text | None = None
    evidence: Text | None = None

    @field_validator("place", "words", "evidence", mode="before")
    @classmethod
    def _blank_is_missing(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    def missing(self) -> tuple[str, ...]:
        """Names of the parts that the regulation asks for and that are empty."""
        return tuple(n for n in ("place", "persons", "words", "evidence") if not getattr(self, n))


class RecordDelivery(Contract):
    """How the delivery of a notice ended."""

    notice_id: Id
    outcome: Literal["signed", "refused", "undeliverable"]
    delivered_at: Moment | None = None
    recipient: Text | None = None
    refusal: Refusal | None = None
    actor: Actor


class AcknowledgeEscalation(Contract):
    """A rung has read what was reported to it."""

    escalation_id: Id
    remark: Text
    actor: Actor


class DecideApproval(Contract):
    """One level's decision on one red notice."""

    notice_id: Id
    decision: Literal["approved", "rejected"]
    remark: Text | None = None
    actor: Actor


class RecordFiling(Contract):
    """A filing with the power authority (important customers), or help asked of the local government."""

    notice_id: Id | None = None
    purpose: Literal["filing", "coordination"]
    reference: Text
    authority: Text
    actor: Actor


class AcknowledgeTicket(Contract):
    """The field unit has the ticket."""

    ticket_id: Id
    actor: Actor


class RecordFinalNotice(Contract):
    """The customer was told the time again in the last half-hour."""

    ticket_id: Id
    told_at: Moment | None = None
    how: Text
    actor: Actor


class RequestPermit(Contract):
    """The crew, at the meter, asks to cut."""

    ticket_id: Id
    meter_id: Id
    actor: Actor


class ReportCut(Contract):
    """Supply was cut."""

    permit_id: Id | None = None
    ticket_id: Id | None = None
    meter_id: Id
    meter_reading: Text | None = None
    at: Moment | None = None
    actor: Actor

    @field_validator("meter_reading", mode="before")
    @classmethod
    def _reading_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ReportNotCut(Contract):
    """The crew left without cutting."""

    ticket_id: Id
    reason: Text
    at: Moment | None = None
    actor: Actor


class ReportMeterUncertain(Contract):
    """The crew is not sure which meter it is."""

    ticket_id: Id
    meter_id: Id
    remark: Text
    actor: Actor


class VerifyMeter(Contract):
    """The reader at the meter says whether it is the right one."""

    ticket_id: Id
    meter_id: Id
    confirmed: Annotated[bool, Field(strict=True)]
    substitute_named_by: Actor | None = None
    at: Moment | None = None
    actor: Actor


class RequestRestoration(Contract):
    """95598 or the counter passes on that a customer asks for supply."""

    request_id: Id
    source: Literal["hotline", "counter", "operator"]
    actor: Actor


class ReportRestored(Contract):
    """Supply is back."""

    ticket_id: Id
    at: Moment | None = None
    meter_reading: Text | None = None
    actor: Actor

    @field_validator("meter_reading", mode="before")
    @classmethod
    def _reading_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class DeclareDelay(Contract):
    """Restoration will take longer than 24 hours, with everyone told (III.3)."""

    reason: Text
    customer_told_at: Moment
    customer_told_how: Text
    leader: Text
    leader_told_at: Moment
    actor: Actor


class RecordPromise(Contract):
    """The customer promises an amount by a date, met to the end of that day."""

    promise_id: Id
    amount: PositiveMoney
    until: Day
    actor: Actor


class Instalment(Contract):
    """One part of a plan, due to the end of its day."""

    due: Day
    amount: PositiveMoney


class AgreePlan(Contract):
    """Instalments that ascend in date and sum to at least what is owed."""

    plan_id: Id
    instalments: Annotated[tuple[Instalment, ...], Field(min_length=1, max_length=120)]
    actor: Actor

    @field_validator("instalments", mode="after")
    @classmethod
    def _dates_ascend(cls, instalments: tuple[Instalment, ...]) -> tuple[Instalment, ...]:
        if any(b.due <= a.due for a, b in pairwise(instalments)):
            raise ValueError("due dates must ascend")
        return instalments

    @property
    def total(self) -> Decimal:
        """Sum of the instalments."""
        return sum((i.amount for i in self.instalments), Decimal(0))


class ServeAgain(Contract):
    """Give up this attempt and plan a new time."""

    reason: Text
    actor: Actor


def _named(policy: Any) -> Any:
    """A policy that is given names itself: an empty one would be the default, and nobody would have said so."""
    if isinstance(policy, dict) and (missing := [key for key in ("name", "version") if key not in policy]):
        raise ValueError(f"{missing[0]} is missing; evidence refers to a policy by its name and version")
    return policy


class Reassign(Contract):
    """Another person or unit takes over a role in this case."""

    role: Literal["reader", "team_leader", "field_unit"]
    to: Id
    actor: Actor


class ChangePolicy(Contract):
    """The case goes on under another policy, given whole; what has begun keeps its terms."""

    policy: Annotated[Policy, BeforeValidator(_named)]
    reason: Text
    actor: Actor


class CloseIncident(Contract):
    """What came of an incident (R-28)."""

    incident_id: Id
    outcome: Text
    actor: Actor


class Withdraw(Contract):
    """End the case without a cut, or restore if cut."""

    reason: Text
    actor: Actor


# ---- answers ----------------------------------------------------------------------------------


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
    """Whether the customer counts as told (R-16)."""

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


class StillOwing(Contract):
    """What the bills named in the red notice still owe."""

    amount: Money
    late_fee: Money


class RestorationAnswer(Contract):
    """The restoration ticket, or what is still owing."""

    ticket_id: str | None = None
    still_owing: StillOwing | None = None


# ---- the tables -------------------------------------------------------------------------------


class MessageSpec(Contract):
    """One row of the contract: the payload, who may send it (empty: the message says), its clause."""

    payload: type[Contract]
    roles: tuple[Role, ...] = ()
    clause: str
    description: str


SIGNALS: dict[str, MessageSpec] = {
    "bill_overdue": MessageSpec(
        payload=BillOverdue, clause="II.0", description="A bill has fallen overdue; opens a case or joins it"
    ),
    "payment_received": MessageSpec(
        payload=PaymentReceived, clause="II.8", description="Money arrived: billing is asked at once"
    ),
    "payment_reversed": MessageSpec(
        payload=PaymentReversed, clause="II.0", description="A payment bounced; opens a case or joins it"
    ),
    "recheck_requested": MessageSpec(
        payload=RecheckRequested, clause="III.2", description="Ask the billing system again"
    ),
    "hold_placed": MessageSpec(
        payload=HoldPlaced, clause="I.3", description="Stop the march: dispute, hardship, medical, moratorium"
    ),
    "hold_lifted": MessageSpec(payload=HoldLifted, clause="I.3", description="A hold no longer stands"),
    "supply_found_cut": MessageSpec(
        payload=SupplyFoundCut, clause="III.4", description="The customer was found cut off for arrears"
    ),
}

UPDATES: dict[str, MessageSpec] = {
    "record_delivery": MessageSpec(
        payload=RecordDelivery,
        roles=("reader",),
        clause="II.2",
        description="A notice was signed, refused, or could not be delivered",
    ),
    "acknowledge_escalation": MessageSpec(
        payload=AcknowledgeEscalation, clause="II.2", description="The rung it was sent to has read a report"
    ),
    "decide_approval": MessageSpec(
        payload=DecideApproval, clause="III.4", description="Approve or reject the cut of one red notice"
    ),
    "record_filing": MessageSpec(
        payload=RecordFiling,
        roles=("liaison",),
        clause="III.5",
        description="Filed with the power authority, or help asked of the government",
    ),
    "acknowledge_ticket": MessageSpec(
        payload=AcknowledgeTicket,
        roles=("field_crew",),
        clause="II.3",
        description="The field unit has the disconnection or restoration ticket",
    ),
    "record_final_notice": MessageSpec(
        payload=RecordFinalNotice,
        roles=("reader",),
        clause="II.4",
        description="The customer was told the time again, 30 minutes before",
    ),
    "request_permit": MessageSpec(
        payload=RequestPermit,
        roles=("field_crew",),
        clause="II.6",
        description="The crew at the meter asks whether it may cut",
    ),
    "report_cut": MessageSpec(payload=ReportCut, clause="II.7", description="Supply was cut"),
    "report_not_cut": MessageSpec(
        payload=ReportNotCut, roles=("field_crew",), clause="II.7", description="The crew left without cutting"
    ),
    "report_meter_uncertain": MessageSpec(
        payload=ReportMeterUncertain,
        roles=("field_crew",),
        clause="II.7",
        description="The crew is unsure of the meter",
    ),
    "verify_meter": MessageSpec(
        payload=VerifyMeter,
        roles=("reader",),
        clause="II.7",
        description="The reader says whether it is the right meter",
    ),
    "request_restoration": MessageSpec(
        payload=RequestRestoration,
        roles=("hotline", "reader", "operator"),
        clause="III.1",
        description="A customer asks for supply through 95598 or the counter",
    ),
    "report_restored": MessageSpec(payload=ReportRestored, clause="III.3", description="Supply is back"),
    "declare_delay": MessageSpec(
        payload=DeclareDelay,
        roles=("team_leader", "centre_director"),
        clause="III.3",
        description="Restoration will exceed 24 hours; customer and leader were told",
    ),
    "record_promise": MessageSpec(
        payload=RecordPromise,
        roles=("reader", "team_leader"),
        clause="I.3",
        description="The customer promises an amount by a date",
    ),
    "agree_plan": MessageSpec(
        payload=AgreePlan,
        roles=("team_leader", "centre_director"),
        clause="I.3",
        description="Instalments are agreed",
    ),
    "serve_again": MessageSpec(
        payload=ServeAgain,
        roles=("reader", "team_leader"),
        clause="II.2",
        description="Give up this attempt and plan a new time",
    ),
    "reassign": MessageSpec(
        payload=Reassign,
        roles=("team_leader", "centre_director"),
        clause="II.2",
        description="Another reader, team leader or field unit takes over",
    ),
    "change_policy": MessageSpec(
        payload=ChangePolicy,
        roles=("operator", "company_leader"),
        clause="II.0",
        description="The case goes on under another policy; no deadline moves forward",
    ),
    "close_incident": MessageSpec(
        payload=CloseIncident,
        roles=("centre_director", "company_leader"),
        clause="III.4",
        description="An incident has its outcome",
    ),
    "withdraw": MessageSpec(
        payload=Withdraw,
        roles=("centre_director",),
        clause="I.3",
        description="End the case without a cut, or restore if cut",
    ),
}

HOLD_ROLES: frozenset[str] = frozenset(("team_leader", "centre_director", "company_leader", "liaison", "operator"))
OPENING_SIGNALS: tuple[str, ...] = ("bill_overdue", "supply_found_cut", "payment_reversed")
