"""The facts of one case: immutable, replaced by every message and deadline, carried whole across continue-as-new."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Self, TypeVar

from pydantic import Field

from domain.calendar import Calendar
from domain.debt import Account, AccountDebt, BillDebt
from domain.late_fee import total_late_fee
from domain.look import CutSlot
from domain.messages import Instalment
from domain.model import Actor, Contract, Day, Id, IncidentKind, Moment, Money, Outcome, Role, Stage
from domain.policy import Policy, PolicyKeptOnce
from domain.records import Evidence, Message

CLOCK_SKEW = timedelta(minutes=5)
_T = TypeVar("_T", bound=Contract)

NoticeKind = Literal["yellow", "red"]


class Notice(Contract):
    """A yellow or red notice. `spent` once a lawful cut has used it up: it stands no longer, but was not void."""

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


class PassedOn(Contract):
    """The field unit that had a ticket until another took it over."""

    field_unit: Id
    until: Moment


class Ticket(Contract):
    """A work ticket; the last half-hour of a disconnection ticket is kept on it."""

    ticket_id: Id
    kind: Literal["cut", "restore"]
    state: Literal["sent", "acknowledged", "recalled", "done"] = "sent"
    notice_id: Id | None = None
    meter_id: Id
    field_unit: Id
    passed_on: tuple[PassedOn, ...] = ()
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
    """A report put before a person. A refusal climbs rung by rung; the others only wait to be read."""

    escalation_id: Id
    kind: Literal["refusal", "void", "permit_unanswered", "restore_warning"]
    rung: Role
    state: Literal["open", "acknowledged", "closed"] = "open"
    raised_at: Moment
    answer_by: Moment | None = None
    climbed: bool = False
    notice_id: Id | None = None
    about: Id | None = None


class Hold(Contract):
    """Something that stops the march: a reason, a person, perhaps an end.

    `listed`: a moratorium that the register was seen to hold; it falls when the register holds it no more.
    """

    hold_id: Id
    kind: Literal["dispute", "hardship", "medical", "moratorium", "other"]
    reason: str
    placed_by: Id
    placed_at: Moment
    until: Moment | None = None
    ended_at: Moment | None = None
    listed: bool = False

    @property
    def stands(self) -> bool:
        """Not lifted, not run out."""
        return self.ended_at is None


class Promise(Contract):
    """An amount promised by the end of a local day; `paid_before` is what had ever been paid when it was made."""

    promise_id: Id
    amount: Money
    until: Day
    made_at: Moment
    paid_before: Money
    state: Literal["open", "kept", "broken"] = "open"


class Plan(Contract):
    """Instalments agreed; `paid_before` as for a promise."""

    plan_id: Id
    instalments: tuple[Instalment, ...]
    agreed_at: Moment
    paid_before: Money
    state: Literal["open", "kept", "broken"] = "open"


class Cut(Contract):
    """Supply is, or was, off at a meter. `restore_since` starts the 24 hours; until then nothing is due.

    `by_plan`: a plan brings the light, and `settled_at` is when it was agreed; a settlement has not been seen.
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
    restore_since: Moment | None = None
    restore_due_by: Moment | None = None
    warned: int = 0
    delay_declared: bool = False
    breached: bool = False
    restored_at: Moment | None = None

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


class Withdrawal(Contract):
    """The case was given up by a person, or could never be one."""

    reason: str
    at: Moment


class Announced(Contract):
    """A payment that a message told of; `missed_at` is when billing first answered without it."""

    payment_id: Id
    amount: Money
    at: Moment
    missed_at: Moment | None = None


class CaseFacts(Contract):
    """Everything known of one case. `journal` and `outgoing` are what the register has not been given yet."""

    case_key: Id
    workflow_id: str
    account: Account
    policy: PolicyKeptOnce
    former: tuple[FormerPolicy, ...] = ()
    opened_at: Moment
    stage: Stage = "yellow_notice"
    outcome: Outcome | None = None
    outcome_reason: str | None = None
    closed_at: Moment | None = None

    debt: AccountDebt
    debt_read_at: Moment
    debt_asked: tuple[Id, ...] = ()
    hints: int = 0
    hints_answered: int = 0
    announced: Money = Decimal("0.00")
    heard: tuple[Announced, ...] = ()
    unbooked: tuple[Announced, ...] = ()
    offer_due: bool = False
    calendar: Calendar = Calendar()
    spreads_cuts: bool = False
    slot: CutSlot | None = None
    looked_at: Moment
    look_answered_at: Moment | None = None

    notices: tuple[Notice, ...] = ()
    approvals: tuple[Approval, ...] = ()
    filings: tuple[Filing, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    permits: tuple[Permit, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    holds: tuple[Hold, ...] = ()
    promise: Promise | None = None
    plan: Plan | None = None
    cuts: tuple[Cut, ...] = ()
    incidents: tuple[Incident, ...] = ()
    withdrawn: Withdrawal | None = None

    voids_in_a_row: dict[NoticeKind, int] = Field(default_factory=dict)
    needs_person: str | None = None
    lifted_early: tuple[Id, ...] = ()
    answers: dict[str, Any] = Field(default_factory=dict)

    counters: dict[str, int] = Field(default_factory=dict)
    journal: tuple[Evidence, ...] = ()
    outgoing: tuple[Message, ...] = ()

    # ---- replacing -----------------------------------------------------------------------------

    def but(self, **changes: Any) -> Self:
        """The same facts with these fields replaced."""
        return self.model_copy(update=changes)

    def with_notice(self, notice_id: str, **changes: Any) -> Self:
        """Replace fields of one notice."""
        return self.but(notices=_replaced(self.notices, "notice_id", notice_id, changes))

    def with_ticket(self, ticket_id: str, **changes: Any) -> Self:
        """Replace fields of one ticket."""
        return self.but(tickets=_replaced(self.tickets, "ticket_id", ticket_id, changes))

    def with_permit(self, permit_id: str, **changes: Any) -> Self:
        """Replace fields of one permit."""
        return self.but(permits=_replaced(self.permits, "permit_id", permit_id, changes))

    def with_escalation(self, escalation_id: str, **changes: Any) -> Self:
        """Replace fields of one escalation."""
        return self.but(escalations=_replaced(self.escalations, "escalation_id", escalation_id, changes))

    def with_hold(self, hold_id: str, **changes: Any) -> Self:
        """Replace fields of one hold."""
        return self.but(holds=_replaced(self.holds, "hold_id", hold_id, changes))

    def with_cut(self, cut_id: str, **changes: Any) -> Self:
        """Replace fields of one cut."""
        return self.but(cuts=_replaced(self.cuts, "cut_id", cut_id, changes))

    def with_incident(self, incident_id: str, **changes: Any) -> Self:
        """Replace fields of one incident."""
        return self.but(incidents=_replaced(self.incidents, "incident_id", incident_id, changes))

    def numbered(self, what: str) -> tuple[Self, str]:
        """The next business key of its kind, `<case key>/red-notice/2`: unique over all of an account's cases."""
        n = self.counters.get(what, 0) + 1
        return self.but(counters={**self.counters, what: n}), f"{self.case_key}/{what}/{n}"

    def coming(self, what: str) -> str:
        """The key that `numbered` will give next."""
        return self.numbered(what)[1]

    # ---- the record ----------------------------------------------------------------------------

    def noted(
        self,
        now: datetime,
        what: str,
        rule: str,
        clause: str,
        *,
        at: datetime | None = None,
        actor: Actor | None = None,
        about: str | None = None,
        **detail: Any,
    ) -> Self:
        """Add evidence, to be written with the next record (R-30)."""
        facts, _ = self.numbered("evidence")
        # Counted by its kind: a step that is run again, with other messages in between, must find the same key.
        facts, key = facts.numbered(f"{what}/{actor.role}" if actor else what)
        entry = Evidence(
            key=key,
            place=facts.counters["evidence"],
            what=what,
            rule=rule,
            clause=clause,
            at=at or now,
            recorded_at=now,
            actor_id=actor.id if actor else None,
            actor_role=actor.role if actor else None,
            actor_unit=actor.unit if actor else None,
            about=about,
            detail={name: _plain(value) for name, value in detail.items() if value is not None},
        )
        return facts.but(journal=(*facts.journal, entry))

    def told(
        self,
        now: datetime,
        role: Literal["customer"] | Role,
        subject: str,
        zh: str,
        en: str,
        about: str | None = None,
    ) -> Self:
        """Add a message to a person, addressed by role to the unit or person that the account names."""
        facts, key = self.numbered(f"{role}/{subject.replace(' ', '-')}")  # for the same reason
        message = Message(
            key=key,
            to_role=role,
            to_unit=self.unit_of(role),
            to_person=self.person_of(role),
            subject=subject,
            text_zh=zh,
            text_en=en,
            about=about,
            at=now,
        )
        return facts.but(outgoing=(*facts.outgoing, message))

    def unit_of(self, role: str) -> str | None:
        """The unit in which this role answers for the account, where it has one."""
        match role:
            case "reader" | "team_leader" | "centre_director":
                return self.account.reading_centre
            case "station_head":
                return self.account.business_station
            case "field_crew":
                return self.account.field_unit
            case _:
                return None

    def person_of(self, role: str) -> str | None:
        """The person the account names for this role, if it names one."""
        return {"reader": self.account.reader, "team_leader": self.account.team_leader}.get(role)

    # ---- what stands ---------------------------------------------------------------------------

    def notice(self, notice_id: str) -> Notice | None:
        """The notice with that id."""
        return next((n for n in self.notices if n.notice_id == notice_id), None)

    def ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket with that id."""
        return next((t for t in self.tickets if t.ticket_id == ticket_id), None)

    @property
    def yellow(self) -> Notice | None:
        """The yellow notice that stands."""
        return next((n for n in self.notices if n.kind == "yellow" and n.stands), None)

    @property
    def red(self) -> Notice | None:
        """The red notice that stands."""
        return next((n for n in self.notices if n.kind == "red" and n.stands), None)

    @property
    def cut_ticket(self) -> Ticket | None:
        """The disconnection ticket that is out."""
        return next((t for t in self.tickets if t.kind == "cut" and t.live), None)

    @property
    def permit(self) -> Permit | None:
        """The latest permit, whatever its state."""
        return self.permits[-1] if self.permits else None

    @property
    def open_permit(self) -> Permit | None:
        """The permit in force."""
        return next((p for p in self.permits if p.state == "open"), None)

    @property
    def cuts_off(self) -> tuple[Cut, ...]:
        """Cuts whose supply is not back."""
        return tuple(c for c in self.cuts if c.off)

    @property
    def standing_holds(self) -> tuple[Hold, ...]:
        """Holds that stop the march now."""
        return tuple(h for h in self.holds if h.stands)

    @property
    def held(self) -> bool:
        """A hold, a promise or a plan stops the march (R-04)."""
        return bool(
            self.standing_holds
            or (self.promise and self.promise.state == "open")
            or (self.plan and self.plan.state == "open")
        )

    @property
    def debt_is_stale(self) -> bool:
        """Somebody has hinted that the debt changed, and billing has not been asked since."""
        return self.hints > self.hints_answered

    def bill(self, bill_id: str) -> BillDebt | None:
        """What billing last said of a bill."""
        return next((b for b in self.debt.bills if b.bill_id == bill_id), None)

    def outstanding(self, bills: tuple[str, ...]) -> Decimal:
        """Principal outstanding on these bills; one that billing no longer knows is not owed."""
        return sum((b.outstanding for b in self.debt.bills if b.bill_id in bills), Decimal("0.00"))

    @property
    def arrears(self) -> tuple[BillDebt, ...]:
        """Overdue bills with principal outstanding, oldest first."""
        return tuple(sorted((b for b in self.debt.bills if b.outstanding > 0), key=lambda b: (b.due_date, b.bill_id)))

    @property
    def in_arrears(self) -> bool:
        """Anything overdue is owed beyond the tolerance."""
        return self.debt.owed > self.policy.tolerance

    def late_fee(self, now: datetime, bills: tuple[str, ...] | None = None, policy: Policy | None = None) -> Decimal:
        """Late fee so far on these bills (all that are known, if none are named), by the policy in force or another."""
        chosen = tuple(b for b in self.debt.bills if bills is None or b.bill_id in bills)
        return total_late_fee(chosen, self.account.customer_class, now, policy or self.policy)

    def query_bills(self) -> tuple[str, ...]:
        """The bills whose state the case needs even when they are settled: those of a live notice, permit or cut."""
        unanswered = {p.ticket_id for p in self.permits if not p.answered and p.state != "redeemed"}
        at_stake = {t.notice_id for t in self.tickets if t.ticket_id in unanswered}
        named = {b for n in self.notices if n.stands or n.notice_id in at_stake for b in n.bills}
        return tuple(sorted(named | {b for c in self.cuts_off for b in c.bills}))


def _replaced(items: tuple[_T, ...], key: str, value: str, changes: dict[str, Any]) -> tuple[_T, ...]:
    return tuple(i.model_copy(update=changes) if getattr(i, key) == value else i for i in items)


def _plain(value: Any) -> Any:
    """Evidence details are JSON: money and times as text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value
