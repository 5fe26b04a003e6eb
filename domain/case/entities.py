"""What the facts of a case are made of: notices, approvals, tickets, permits, holds, cuts, incidents."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from domain.contract.updates import Instalment
from domain.customer import RecordField
from domain.law.policy import PolicyKeptOnce
from domain.money.debt import BillPayment
from domain.vocabulary import Contract, CustomerClass, Day, Id, IncidentKind, Moment, Money, Role

NoticeKind = Literal["yellow", "red"]


class Notice(Contract):
    """A yellow or red notice. `spent` once a lawful cut has used it up: it stands no longer, but was not void.

    `settled_at`: when its bills were settled (R-25), for a cut under it that is reported later.
    `former_classes`, `was_important`: what else the customer has been since it was issued (R-32).
    """

    notice_id: Id
    kind: NoticeKind
    state: Literal["to_deliver", "delivered", "void"] = "to_deliver"
    bills: tuple[Id, ...]
    amount: Money
    late_fee: Money
    issued_at: Moment
    deadline: Moment
    cut_at: Moment
    outcome: Literal["signed", "refused"] | None = None
    delivered_at: Moment | None = None
    delivered_by: str | None = None
    served_at: Moment | None = None
    approval_asked: bool = False
    void_reason: str | None = None
    spent: bool = False
    settled_bills: tuple[Id, ...] = ()
    settled_at: Moment | None = None
    former_classes: tuple[CustomerClass, ...] = ()
    was_important: bool = False

    @property
    def live_bills(self) -> tuple[str, ...]:
        """The bills it names that have owed ever since: one settled and opened again needs its own notices (R-05)."""
        return tuple(b for b in self.bills if b not in self.settled_bills)

    @property
    def stands(self) -> bool:
        """Neither void nor used up."""
        return self.state != "void" and not self.spent

    @property
    def served(self) -> bool:
        """Delivered, and a refusal acknowledged (R-08, R-09)."""
        return self.stands and self.served_at is not None


class Approval(Contract):
    """One level's decision on one red notice."""

    notice_id: Id
    role: Role
    decision: Literal["approved", "rejected"]
    by: Id
    at: Moment


class Filing(Contract):
    """A filing with the power authority for one red notice (R-14)."""

    notice_id: Id
    reference: str
    at: Moment
    authority: str | None = None


class PassedOn(Contract):
    """The field unit that had a ticket until another took it over."""

    field_unit: Id
    until: Moment


class Ticket(Contract):
    """A work ticket; the last half-hour of a disconnection ticket is kept on it.

    `also_held_by`: former field units that keep a restoration ticket beside the present one (R-32).
    """

    ticket_id: Id
    kind: Literal["cut", "restore"]
    state: Literal["sent", "acknowledged", "recalled", "done"] = "sent"
    notice_id: Id | None = None
    meter_id: Id
    field_unit: Id
    passed_on: tuple[PassedOn, ...] = ()
    also_held_by: tuple[Id, ...] = ()
    sent_by: Id
    sent_at: Moment
    due_at: Moment
    acknowledged_at: Moment | None = None
    half_hour_reached: bool = False
    told_at: Moment | None = None
    billing_checked_at: Moment | None = None
    billing_answer: Literal["owes", "settled", "no_answer"] | None = None
    crew_left: bool = False
    doubted_meter: Id | None = None
    meter_verdict: Literal["asked", "confirmed", "denied"] | None = None
    done_at: Moment | None = None

    @property
    def live(self) -> bool:
        """Out in the field, neither recalled nor done."""
        return self.state in ("sent", "acknowledged")


class Permit(Contract):
    """Leave to cut one meter, for minutes (R-18). It is live from `given_at` until `ended_at`.

    `found_dark_at`: when somebody found the customer without supply while it was live, and the crew has not spoken.
    """

    permit_id: Id
    ticket_id: Id
    meter_id: Id
    holder: Id
    field_unit: Id
    given_at: Moment
    valid_until: Moment
    ended_at: Moment | None = None
    state: Literal["open", "revoked", "redeemed", "lapsed"] = "open"
    answered: bool = False
    found_dark_at: Moment | None = None

    def live_at(self, moment: datetime) -> bool:
        """Whether it was in force at that time, as far as the case now knows."""
        return self.given_at <= moment < (self.ended_at or self.valid_until)


class Escalation(Contract):
    """A report put before a person. A refusal climbs rung by rung; the others only wait to be read.

    `fields`: what of the customer's record has changed; `reason`: the report in words, where the worklist shows it.
    """

    escalation_id: Id
    kind: Literal["refusal", "void", "permit_unanswered", "restore_warning", "record_changed"]
    rung: Role
    state: Literal["open", "acknowledged", "closed"] = "open"
    raised_at: Moment
    answer_by: Moment | None = None
    climbed: bool = False
    notice_id: Id | None = None
    about: Id | None = None
    fields: tuple[RecordField, ...] = ()
    reason: str | None = None


class Hold(Contract):
    """Something that stops the procedure: a reason, a person, perhaps an end.

    `listed`: a moratorium that the register was seen to hold; it falls when the register holds it no more.
    `lifted_at`: when it was lifted, as the lifting says; `placed_after`: the lifting after which it was placed again.
    """

    hold_id: Id
    kind: Literal["dispute", "hardship", "medical", "moratorium", "other"]
    reason: str
    placed_by: Id
    placed_at: Moment
    until: Moment | None = None
    ended_at: Moment | None = None
    listed: bool = False
    lifted_at: Moment | None = None
    placed_after: Moment | None = None

    @property
    def stands(self) -> bool:
        """Not lifted, not run out."""
        return self.ended_at is None


class AgreedBill(Contract):
    """A bill that was in arrears when a promise or a plan was agreed, with what was paid then.

    Or one that `replaces` such a bill, which billing has cancelled.
    """

    bill_id: Id
    due_date: Day
    replaces: Id | None = None
    payments: tuple[BillPayment, ...] = ()


class Agreed(Contract):
    """What a promise or plan is measured on (R-04): its bills, and every other bill that billing listed then."""

    bills: tuple[AgreedBill, ...]
    others: tuple[Id, ...] = ()


class Promise(Contract):
    """An amount promised by the end of a local day; `paid_before` is what had ever been paid when it was made.

    `on`: None for one made before R-31 to R-35 counted, which is measured on all that the account has paid since.
    """

    promise_id: Id
    amount: Money
    until: Day
    made_at: Moment
    paid_before: Money
    on: Agreed | None = None
    state: Literal["open", "kept", "broken"] = "open"


class Plan(Contract):
    """Instalments agreed; `paid_before` and `on` as for a promise."""

    plan_id: Id
    instalments: tuple[Instalment, ...]
    agreed_at: Moment
    paid_before: Money
    on: Agreed | None = None
    state: Literal["open", "kept", "broken"] = "open"


class Cut(Contract):
    """Supply is, or was, off at a meter. `restore_since` starts the 24 hours; until then nothing is due.

    `by_plan`: a plan restores it, and `settled_at` is when it was agreed; a settlement has not been seen.
    `neighbour`: it is another customer's meter, and so no cut of this case (R-34). `confirm_asked`: somebody who holds
    no ticket reported it restored, and the field unit was asked to confirm that (R-33).
    `after_settlement`: its bills had been settled before it, and the incident of that is on record.
    `new_holder`: a change of holder restores it without payment, and `settled_at` stays absent (R-32).
    """

    cut_id: Id
    meter_id: Id
    at: Moment
    arrived_at: Moment
    lawful: bool
    permit_id: Id | None = None
    bills: tuple[Id, ...] = ()
    restore_ticket: Id
    settled_at: Moment | None = None
    by_plan: bool = False
    new_holder: bool = False
    restore_since: Moment | None = None
    restore_due_by: Moment | None = None
    warned: int = 0
    delay_declared: bool = False
    breached: bool = False
    after_settlement: bool = False
    restored_at: Moment | None = None
    neighbour: bool = False
    confirm_asked: bool = False

    @property
    def off(self) -> bool:
        """Supply has not come back yet."""
        return self.restored_at is None


class Incident(Contract):
    """Open until it has an outcome (R-28)."""

    incident_id: Id
    kind: IncidentKind
    at: Moment
    persons: tuple[str, ...] = ()
    outcome: str | None = None
    closed_at: Moment | None = None


class FormerPolicy(Contract):
    """A policy that an operator has replaced. What had `begun` under it, notices and cuts, keeps its terms.

    `keeps_tolerance`: what was little enough to settle by it stays so.
    """

    policy: PolicyKeptOnce
    until: Moment
    begun: tuple[Id, ...] = ()
    keeps_tolerance: bool = False


class Shown(Contract):
    """What billing had shown to the case before its last answer: payments with their bills, and what bills came to."""

    payments: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    amounts: dict[Id, Money] = Field(default_factory=dict)


class Withdrawal(Contract):
    """The case was given up by a person, or could never be one."""

    reason: str
    at: Moment


class Announced(Contract):
    """A payment that a message announced; `missed_at` is when billing first answered without it.

    `holds_back`: no permit is given while it is awaited. False once too many in the case have come to nothing (R-31).
    """

    payment_id: Id
    amount: Money
    at: Moment
    channel: str | None = None
    missed_at: Moment | None = None
    holds_back: bool = True


class Copies(Contract):
    """One message that came again: when billing was last asked for it, and the pause until the next time, in seconds.

    `waits`: it has come since, and billing is to be asked for it.
    """

    asked_at: Moment
    pause: int
    waits: bool = False


class Unanswered(Contract):
    """A message that came with a permit open, and for which billing has not answered; `hint` is its number."""

    hint: int
    at: Moment


class Hints(Contract):
    """What is kept of messages about the debt, besides their number (R-31).

    `news`: the number of the latest that was no copy. `ask_at`: when billing is asked for the copies that wait, the
    first of which came at `waits_since`. `came_to_nothing`: announced payments that billing never listed.
    """

    news: int = 0
    copies: dict[str, Copies] = Field(default_factory=dict)
    ask_at: Moment | None = None
    waits_since: Moment | None = None
    unanswered: tuple[Unanswered, ...] = ()
    came_to_nothing: int = 0
