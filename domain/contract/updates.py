"""The updates: payloads of what people and systems ask of a case."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from domain.law.policy import Policy
from domain.vocabulary import Actor, Contract, Day, Id, Moment, PositiveMoney, Text


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
    """The reader has notified the customer of the time again in the last half-hour."""

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
    """Restoration will take longer than 24 hours, and everyone is notified (III.3)."""

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


# ---- the tables -------------------------------------------------------------------------------
