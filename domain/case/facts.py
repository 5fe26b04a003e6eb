"""The facts of one case: immutable, replaced by every message and deadline, carried whole across continue-as-new."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Self, TypeVar

from pydantic import Field

from domain.case.entities import (
    Announced,
    Approval,
    Cut,
    Escalation,
    Filing,
    FormerPolicy,
    Hints,
    Hold,
    Incident,
    Notice,
    NoticeKind,
    Permit,
    Plan,
    Promise,
    Shown,
    Ticket,
    Withdrawal,
)
from domain.case.record_history import RecordHistory
from domain.case.replacing import plain, replaced
from domain.customer import Account
from domain.law.calendar import Calendar
from domain.law.circumstances import CutSlot
from domain.law.policy import Policy, PolicyKeptOnce
from domain.money.debt import AccountDebt, BillDebt
from domain.money.late_fee import total_late_fee
from domain.record.evidence import Evidence
from domain.record.kinds import Basis, EvidenceKind, basis_of
from domain.record.rows import Message
from domain.record.subjects import Subject
from domain.vocabulary import Actor, Contract, CustomerClass, Id, Moment, Money, Outcome, Role, Stage

_T = TypeVar("_T", bound=Contract)


class CaseFacts(Contract):
    """Everything known of one case. `journal` and `outgoing` are what the register has not been given yet.

    `present_since`: from when R-31 to R-35 count for it; None in a run that began before them and has not woken since.
    `meter_doubted_at`: another's meter was found or cut in this case; no permit until ours is verified (R-34).
    `record`: the account as billing last named it, while `account` is what counts, also by hand (R-32). None in a case
    from before: then `account` stands for it. `record_number`: the register's number of the version taken over.
    """

    case_key: Id
    workflow_id: str
    account: Account
    policy: PolicyKeptOnce
    former: tuple[FormerPolicy, ...] = ()
    opened_at: Moment
    present_since: Moment | None = None
    record: Account | None = None
    record_number: int | None = None
    record_read_at: Moment | None = None
    records: RecordHistory = RecordHistory()
    stage: Stage = "yellow_notice"
    outcome: Outcome | None = None
    outcome_reason: str | None = None
    closed_at: Moment | None = None

    debt: AccountDebt
    debt_read_at: Moment
    debt_asked: tuple[Id, ...] = ()
    opened_with: Money | None = None
    shown: Shown = Shown()
    hints: int = 0
    hints_answered: int = 0
    announced: Money = Decimal("0.00")
    heard: tuple[Announced, ...] = ()
    unbooked: tuple[Announced, ...] = ()
    on_hints: Hints = Hints()
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
    meter_doubted_at: Moment | None = None
    incidents: tuple[Incident, ...] = ()
    withdrawn: Withdrawal | None = None

    voids_in_a_row: dict[NoticeKind, int] = Field(default_factory=dict)
    needs_person: str | None = None
    lifted_early: tuple[Id, ...] = ()
    lifted_early_at: dict[str, Moment] = Field(default_factory=dict)
    doubted: dict[str, Moment] = Field(default_factory=dict)
    answers: dict[str, Any] = Field(default_factory=dict)
    contents: dict[str, dict[str, str]] = Field(default_factory=dict)

    counters: dict[str, int] = Field(default_factory=dict)
    journal: tuple[Evidence, ...] = ()
    outgoing: tuple[Message, ...] = ()

    # ---- replacing -----------------------------------------------------------------------------

    def but(self, **changes: Any) -> Self:
        """The same facts with these fields replaced."""
        return self.model_copy(update=changes)

    def with_notice(self, notice_id: str, **changes: Any) -> Self:
        """Replace fields of one notice."""
        return self.but(notices=replaced(self.notices, "notice_id", notice_id, changes))

    def with_ticket(self, ticket_id: str, **changes: Any) -> Self:
        """Replace fields of one ticket."""
        return self.but(tickets=replaced(self.tickets, "ticket_id", ticket_id, changes))

    def with_permit(self, permit_id: str, **changes: Any) -> Self:
        """Replace fields of one permit."""
        return self.but(permits=replaced(self.permits, "permit_id", permit_id, changes))

    def with_escalation(self, escalation_id: str, **changes: Any) -> Self:
        """Replace fields of one escalation."""
        return self.but(escalations=replaced(self.escalations, "escalation_id", escalation_id, changes))

    def with_hold(self, hold_id: str, **changes: Any) -> Self:
        """Replace fields of one hold."""
        return self.but(holds=replaced(self.holds, "hold_id", hold_id, changes))

    def with_cut(self, cut_id: str, **changes: Any) -> Self:
        """Replace fields of one cut."""
        return self.but(cuts=replaced(self.cuts, "cut_id", cut_id, changes))

    def with_incident(self, incident_id: str, **changes: Any) -> Self:
        """Replace fields of one incident."""
        return self.but(incidents=replaced(self.incidents, "incident_id", incident_id, changes))

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
        what: EvidenceKind,
        *,
        under: Basis | None = None,
        at: datetime | None = None,
        actor: Actor | None = None,
        about: str | None = None,
        **detail: Any,
    ) -> Self:
        """Add evidence, to be written with the next record (R-30); `under` replaces its kind's rule and clause."""
        rule, clause = under or basis_of(what)
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
            detail={name: plain(value) for name, value in detail.items() if value is not None},
        )
        return facts.but(journal=(*facts.journal, entry))

    def notified(
        self,
        now: datetime,
        role: Literal["customer"] | Role,
        subject: Subject,
        zh: str,
        en: str,
        about: str | None = None,
        *,
        unit: str | None = None,
    ) -> Self:
        """Add a message, addressed by role to the person or unit that the account names, or to another `unit`."""
        facts, key = self.numbered(f"{role}/{subject.replace(' ', '-')}")  # for the same reason
        message = Message(
            key=key,
            to_role=role,
            to_unit=unit or self.unit_of(role),
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
        """Cuts of this customer whose supply is not back."""
        return tuple(c for c in self.cuts if c.off and not c.neighbour)

    @property
    def to_restore(self) -> tuple[Cut, ...]:
        """Every cut whose supply is not back, this customer's or another's: restoration is watched for all (P3)."""
        return tuple(c for c in self.cuts if c.off)

    @property
    def standing_holds(self) -> tuple[Hold, ...]:
        """Holds that stop the procedure now."""
        return tuple(h for h in self.holds if h.stands)

    @property
    def held(self) -> bool:
        """A hold, a promise or a plan stops the procedure (R-04)."""
        return bool(
            self.standing_holds
            or (self.promise and self.promise.state == "open")
            or (self.plan and self.plan.state == "open")
        )

    @property
    def debt_is_stale(self) -> bool:
        """Somebody has hinted that the debt changed, and billing has not been asked since."""
        return self.hints > self.hints_answered

    def outstanding(self, bills: tuple[str, ...]) -> Decimal:
        """Principal outstanding on these bills; one that billing no longer knows is not owed."""
        return sum((b.outstanding for b in self.debt.bills if b.bill_id in bills), Decimal("0.00"))

    @property
    def arrears(self) -> tuple[BillDebt, ...]:
        """Overdue bills with principal outstanding, oldest first."""
        return tuple(sorted((b for b in self.debt.bills if b.outstanding > 0), key=lambda b: (b.due_date, b.bill_id)))

    @property
    def in_arrears(self) -> bool:
        """More is overdue than may stay unpaid (R-35)."""
        return self.debt.owed > self.may_stay_unpaid(self.policy)

    def late_fee(self, now: datetime, bills: tuple[str, ...] | None = None, policy: Policy | None = None) -> Decimal:
        """Late fee so far on these bills (all at hand, if none are named), by the policy in force or another."""
        chosen = self.bills_at_hand if bills is None else tuple(b for b in self.debt.bills if b.bill_id in bills)
        former = self.records.classes
        return total_late_fee(chosen, self.account.customer_class, now, policy or self.policy, former)

    def query_bills(self) -> tuple[str, ...]:
        """The bills whose state the case needs even when they are settled: of a notice, permit, cut, promise or plan.

        Those of a cut once restored too: a payment made before it may be known later (R-25).
        """
        named = self._bills_at_stake()
        named |= {b for c in (self.cuts if self.present_since else ()) for b in c.bills}
        agreed = (a.on for a in (self.promise, self.plan) if a and a.on and a.state == "open")
        return tuple(sorted(named | {b.bill_id for on in agreed for b in on.bills}))

    @property
    def bills_at_hand(self) -> tuple[BillDebt, ...]:
        """The bills that billing listed, less those asked for only because of a cut that was restored before."""
        named = self._bills_at_stake()
        restored = (c for c in self.cuts if c.restored_at and c.restored_at < self.debt_read_at)
        over = {b for c in restored for b in c.bills} - named if self.present_since else set[str]()
        return tuple(b for b in self.debt.bills if b.outstanding > 0 or b.bill_id not in over)

    def _bills_at_stake(self) -> set[str]:
        unanswered = {p.ticket_id for p in self.permits if not p.answered and p.state != "redeemed"}
        at_stake = {t.notice_id for t in self.tickets if t.ticket_id in unanswered}
        named = {b for n in self.notices if n.stands or n.notice_id in at_stake for b in n.bills}
        return named | {b for c in self.cuts_off for b in c.bills}

    # ---- policies ------------------------------------------------------------------------------

    def all_policies(self) -> tuple[Policy, ...]:
        """Every policy that the case has had, the one in force last."""
        return (*(former.policy for former in self.former), self.policy)

    def policies_since(self, begun: Notice | Cut) -> tuple[Policy, ...]:
        """The policy in force when the notice was issued, or the cut reported, and every one since."""
        return (*(former.policy for former in self._replaced_since(begun)), self.policy)

    def _replaced_since(self, begun: Notice | Cut) -> tuple[FormerPolicy, ...]:
        key = begun.notice_id if isinstance(begun, Notice) else begun.cut_id
        known = (place for place, former in enumerate(self.former) if key in former.begun)
        return self.former[next(known, len(self.former)) :]

    def terms(self, begun: Notice | Cut) -> Policy:
        """The policy that counts the periods of this notice or cut: the one under which it began.

        So no period that runs ends earlier, or a restoration later, because the case moved to another policy meanwhile.
        """
        return self.policies_since(begun)[0]

    def required_approvals(self, notice: Notice) -> tuple[Role, ...]:
        """Every role that must approve the cut of this notice: what was once required of it stays so (R-12, R-13)."""
        policies, classes = self.policies_since(notice), self.classes_since(notice)
        every = (policy.approvals_for(each, notice.amount) for policy in policies for each in classes)
        return tuple(dict.fromkeys(role for roles in every for role in roles))

    def classes_since(self, notice: Notice | None) -> tuple[CustomerClass, ...]:
        """The customer's class, and every one that he has had since the notice was issued (R-32)."""
        former = notice.former_classes if notice else ()
        return tuple(dict.fromkeys((*former, self.account.customer_class)))

    def important_since(self, notice: Notice | None) -> bool:
        """Whether the customer is important, or has been since the notice was issued (R-14, R-32)."""
        return self.account.important or (notice is not None and notice.was_important)

    def protected_days(self) -> Calendar:
        """The calendar as read, with every season in which a policy of the case protects this customer (R-21)."""
        classes = self.classes_since(self.red)
        every = (policy.seasons_for(each) for policy in self.all_policies() for each in classes)
        return self.calendar.model_copy(update={"seasons": tuple(dict.fromkeys(s for some in every for s in some))})

    def seasons_last(self) -> timedelta:
        """At most so long does a cut wait for the seasons that protect this customer."""
        return timedelta(days=sum(season.days for season in self.protected_days().seasons))

    def owes(self, notice: Notice) -> bool:
        """Whether the bills of a notice are unsettled by every policy since: none takes back what was enough (R-11)."""
        return self.outstanding(notice.live_bills) > self.tolerance(notice)

    def may_stay_unpaid(self, policy: Policy) -> Decimal:
        """The principal that may stay unpaid by that policy: nobody is cut off, or kept off, for less (R-35)."""
        return policy.may_stay_unpaid if self.present_since else policy.tolerance

    def tolerance(self, begun: Notice | Cut) -> Decimal:
        """How much may stay unpaid of a notice or cut: the most that a policy allowed since it began."""
        kept = (self.may_stay_unpaid(former.policy) for former in self._replaced_since(begun) if former.keeps_tolerance)
        return max((self.may_stay_unpaid(self.policy), *kept))
