"""Random lives of cases by the procedure itself, without a server: what they leave for the register, in their order.

People do what is awaited of them, late, wrongly or not at all; billing is a list. Nothing here knows of reports.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from domain.case import issuing, procedure, views
from domain.case.billing_answers import with_circumstances, with_debt
from domain.case.closing import close
from domain.case.conditions import unmet_for_permit
from domain.case.deadlines import settle
from domain.case.facts import CaseFacts
from domain.case.final_half_hour import half_hour_answered, reach_half_hour
from domain.case.rulings import SIGNAL_RULINGS, UPDATE_RULINGS, cutting
from domain.contract import updates as m
from domain.contract.refusals import Refused
from domain.contract.tables import SIGNALS, UPDATES
from domain.customer import Account
from domain.law.calendar import Calendar
from domain.law.circumstances import Circumstances
from domain.law.policy import Policy
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery
from domain.record.rows import Record

ZONE = ZoneInfo("Asia/Shanghai")
POLICY = Policy()
REFUSAL = {"place": "3-2-501", "persons": "neighbour", "words": "will not sign", "evidence": "photo"}
PEOPLE = ("reader", "team_leader", "centre_director", "company_leader", "station_head", "field_crew", "liaison")
QUIET = timedelta(days=110)


def who(role: str) -> dict[str, str]:
    """A person of that role."""
    return {"id": f"{role}-1", "role": role}


@dataclass
class Life:
    """One account's case: `records` are what it gave the register so far, all it had at each of the `turns`.

    Without turns it writes whenever it goes to sleep.
    """

    random: Random
    account: Account
    now: datetime
    turns: tuple[datetime, ...] | None
    records: list[Record] = field(default_factory=list)
    bills: list[BillDebt] = field(default_factory=list)
    revision: int = 0
    written: CaseFacts | None = None
    number: int = 0
    facts: CaseFacts = None  # type: ignore[assignment]

    def live(self) -> None:
        """From the opening to the close, or until nothing happens any more."""
        self._bill(overdue_days=self.random.randint(1, 40))
        if self.random.random() < 0.2:
            self._bill(overdue_days=-self.random.randint(5, 30))  # falls overdue while the case runs
        self.facts = CaseFacts(
            case_key=f"case-{self.account.account_id}",
            workflow_id=f"arrears-{self.account.account_id}",
            account=self.account,
            policy=POLICY,
            opened_at=self.now,
            debt=self._debt(DebtQuery(account_id=self.account.account_id, as_of=self.now)),
            debt_read_at=self.now,
            looked_at=self.now,
            look_answered_at=self.now,
        )
        self._take(self.facts.noted(self.now, "case.opened", owed=self.facts.debt.owed))
        last = self.now + QUIET
        while self._proceed() and self.now < last:
            self._sleep()
            self._take(self.facts)
            self._something_happens()
            self._people_act()
        self._write()

    # ---- the case ------------------------------------------------------------------------------

    def _take(self, facts: CaseFacts) -> None:
        self.facts = settle(facts, self.now)

    def _write(self) -> None:
        """Give the register what it has not been given: only now and then, for the sake of speed."""
        while self.facts.journal or self.facts.outgoing:
            self.revision += 1
            record = views.record(self.facts, self.written, self.revision, self.now)
            self.written, self.facts = self.facts, views.after(self.facts, record)
            self.records.append(record)

    def _proceed(self) -> bool:
        """Do what the procedure asks for, until it sleeps; false once the case is closed."""
        while self.facts.closed_at is None:
            match procedure.next_act(self.facts, self.now, asking=False):
                case procedure.SendRestorationTicket(cut_id):
                    self._take(issuing.send_restoration_ticket(self.facts, cut_id, self.now)[0])
                case procedure.AskBilling():
                    self._ask()
                case procedure.ReadCircumstances():
                    self._look()
                case procedure.IssueNotice(kind):
                    self._take(issuing.issue_notice(self.facts, kind, self.now)[0])
                case procedure.SendCutTicket():
                    self._take(issuing.send_cut_ticket(self.facts, self.now)[0])
                case procedure.CheckBeforeCut():
                    self._check_before_cut()
                case procedure.Leave() as leave:
                    self._take(close(self.facts, leave, self.now))
                    return False
                case procedure.Sleep():
                    return True
        return False

    def _ask(self) -> None:
        query = DebtQuery(account_id=self.account.account_id, as_of=self.now, bills=self.facts.query_bills())
        self._take(with_debt(self.facts, query, self._debt(query), self.now, self.facts.hints))

    def _look(self) -> None:
        self._ask()
        self._take(with_circumstances(self.facts, Circumstances(calendar=Calendar()), self.now, self.now))

    def _check_before_cut(self) -> None:
        ticket = self.facts.cut_ticket
        assert ticket is not None
        self._take(reach_half_hour(self.facts, self.now))
        answered = self.random.random() < 0.95
        if answered:
            self._look()
        self._take(half_hour_answered(self.facts, ticket.ticket_id, self.now, answered=answered))

    def _sleep(self) -> None:
        near = self.facts.stage == "final_half_hour" or self.facts.open_permit
        hours = (1, 9) if self.facts.cuts_off else (3, 14)
        pause = timedelta(minutes=self.random.randint(1, 9)) if near else timedelta(hours=self.random.uniform(*hours))
        asleep = procedure.sleep(self.facts, self.now)
        wake = min(self.now + pause, asleep.until or self.now + pause)
        later = max(wake, self.now + timedelta(seconds=1)) + timedelta(seconds=self.random.randint(0, 20))
        if self.turns is None or any(self.now < turn <= later for turn in self.turns):
            self._write()
        self.now = later

    # ---- billing -------------------------------------------------------------------------------

    def _bill(self, overdue_days: int) -> None:
        due = self.now.astimezone(ZONE).date() - timedelta(days=overdue_days)
        amount = Decimal(self.random.randint(1_100, 6_000_000 if self.random.random() < 0.1 else 90_000)) / 100
        number = len(self.bills) + 1
        self.bills.append(BillDebt(bill_id=f"b-{self.account.account_id}-{number}", amount=amount, due_date=due))

    def _overdue(self) -> Iterator[tuple[int, BillDebt]]:
        today: date = self.now.astimezone(ZONE).date()
        return ((n, b) for n, b in enumerate(self.bills) if b.due_date < today)

    def _debt(self, query: DebtQuery) -> AccountDebt:
        known = tuple(b for _, b in self._overdue() if b.outstanding > 0 or b.bill_id in query.bills)
        paid = sum((p.amount for b in self.bills for p in b.payments), Decimal("0.00"))
        return AccountDebt(account_id=query.account_id, as_of=query.as_of, bills=known, paid_total=paid)

    def _pay(self, share: Decimal) -> None:
        """So much of everything overdue; the case is signalled, or finds out by the sweep."""
        ago = timedelta(minutes=self.random.randint(0, 240))
        for n, bill in list(self._overdue()):
            amount = (bill.outstanding * share).quantize(Decimal("0.01"))
            if amount > 0:
                self.number += 1
                payment = BillPayment(payment_id=f"p-{self.number}", amount=amount, paid_at=self.now - ago)
                self.bills[n] = bill.model_copy(update={"payments": (*bill.payments, payment)})
        self._signal("recheck_requested", request_id=f"r-{self.number}", source="sweep")

    # ---- people --------------------------------------------------------------------------------

    def _something_happens(self) -> None:
        if self.facts.cuts_off:
            chance: dict[str, float] = {"pay": 0.12, "withdraw": 0.004, "plan": 0.02, "delay": 0.15}
        else:
            chance = {"pay": 0.004, "part": 0.004, "hold": 0.004, "promise": 0.003, "plan": 0.001, "cut_off": 0.002}
            chance |= {"withdraw": 0.001, "bill": 0.003, "lift": 0.1, "help": 0.004}
        for what, likely in chance.items():
            if self.random.random() < likely and self.facts.closed_at is None:
                getattr(self, f"_{what}_it")()

    def _pay_it(self) -> None:
        self._pay(Decimal(1))

    def _part_it(self) -> None:
        self._pay(Decimal("0.3"))

    def _bill_it(self) -> None:
        self._bill(overdue_days=1)
        bill = self.bills[-1]
        about = {"bill_id": bill.bill_id, "amount": bill.amount, "due_date": bill.due_date}
        self._signal("bill_overdue", event_id=bill.bill_id, account_id=self.account.account_id, **about)

    def _hold_it(self) -> None:
        self.number += 1
        kind = self.random.choice(["dispute", "hardship", "medical", "other"])
        until = self.now + timedelta(days=self.random.randint(1, 20))
        self._signal(
            "hold_placed", hold_id=f"h-{self.number}", kind=kind, reason="x", until=until, actor=who("operator")
        )

    def _lift_it(self) -> None:
        for hold in self.facts.standing_holds:
            self._signal("hold_lifted", hold_id=hold.hold_id, actor=who("team_leader"))

    def _promise_it(self) -> None:
        self.number += 1
        until = self.now.astimezone(ZONE).date() + timedelta(days=self.random.randint(0, 9))
        amount = max(self.facts.debt.owed, Decimal("0.01"))
        self._update("record_promise", "reader", promise_id=f"q-{self.number}", amount=amount, until=until)

    def _plan_it(self) -> None:
        self.number += 1
        due = self.now.astimezone(ZONE).date() + timedelta(days=self.random.randint(2, 25))
        terms = [{"due": due, "amount": max(self.facts.debt.owed, Decimal("0.01"))}]
        self._update("agree_plan", "team_leader", plan_id=f"l-{self.number}", instalments=terms)

    def _cut_off_it(self) -> None:
        self.number += 1
        meter = self.account.meter_id if self.random.random() < 0.8 else f"next-to-{self.account.meter_id}"
        ago = timedelta(minutes=self.random.randint(0, 600))
        by = {"meter_id": meter, "reported_by": "customer", "source": "95598", "at": self.now - ago}
        self._signal("supply_found_cut", report_id=f"f-{self.number}", **by)

    def _withdraw_it(self) -> None:
        self._update("withdraw", "centre_director", reason="a mistake of ours")

    def _help_it(self) -> None:
        """The liaison asks the local government for help, or files for a customer who is not important."""
        self.number += 1
        purpose = self.random.choice(("coordination", "filing"))
        named = {"reference": f"ref-{self.number}", "authority": "local government"}
        self._update("record_filing", "liaison", purpose=purpose, **named)

    def _delay_it(self) -> None:
        told = {"customer_told_at": self.now, "customer_told_how": "by telephone", "leader_told_at": self.now}
        self._update("declare_delay", "team_leader", reason="flood", leader="c-1", **told)

    def _people_act(self) -> None:
        slow = 0.35 if self.facts.cuts_off else 0.85
        for awaited in views.waiting_for(self.facts, self.now):
            if self.random.random() < slow and awaited.act in _ANSWERS and self.facts.closed_at is None:
                name, payload = _ANSWERS[awaited.act](self, awaited.id or "")
                self._update(name, awaited.role, **payload)

    def _update(self, name: str, role: str, **payload: Any) -> None:
        message = UPDATES[name].payload.model_validate({**payload, "actor": who(role)})
        try:
            if isinstance(message, m.RequestPermit):
                self._take(self._permit(message))
            else:
                self._take(UPDATE_RULINGS[name](self.facts, message, self.now)[0])
        except Refused:
            return
        self._proceed()

    def _permit(self, message: m.RequestPermit) -> CaseFacts:
        unmet = unmet_for_permit(self.facts, self.now, message.ticket_id, message.meter_id, message.actor.id)
        if not unmet:
            self._look()
        return cutting.decide_permit(self.facts, message, self.now, asked=not unmet, answered=True)[0]

    def _signal(self, name: str, **payload: Any) -> None:
        message = SIGNALS[name].payload.model_validate(payload)
        self._take(SIGNAL_RULINGS[name](self.facts, message, self.now))
        self._proceed()


def _deliver(life: Life, notice: str) -> tuple[str, dict[str, Any]]:
    outcome = life.random.choices(["signed", "refused", "undeliverable"], (12, 3, 2))[0]
    refusal = {"refusal": REFUSAL} if outcome == "refused" else {}
    return "record_delivery", {"notice_id": notice, "outcome": outcome, **refusal}


def _decide(life: Life, notice: str) -> tuple[str, dict[str, Any]]:
    decision = "approved" if life.random.random() < 0.93 else "rejected"
    return "decide_approval", {"notice_id": notice, "decision": decision}


def _cut(life: Life, permit: str) -> tuple[str, dict[str, Any]]:
    return "report_cut", {"permit_id": permit, "meter_id": life.account.meter_id}


def _ask_permit(life: Life, ticket: str) -> tuple[str, dict[str, Any]]:
    return "request_permit", {"ticket_id": ticket, "meter_id": life.account.meter_id}


def _file(life: Life, notice: str) -> tuple[str, dict[str, Any]]:
    life.number += 1
    return "record_filing", {
        "notice_id": notice,
        "purpose": "filing" if life.random.random() < 0.8 else "coordination",
        "reference": f"ref-{life.number}",
        "authority": "power authority",
    }


def _restore(life: Life, ticket: str) -> tuple[str, dict[str, Any]]:
    ago = timedelta(minutes=life.random.choice((0, 0, 10, 45, 90)))  # the crew reports it on its way home
    return "report_restored", {"ticket_id": ticket, "at": life.now - ago}


_ANSWERS: dict[str, Callable[[Life, str], tuple[str, dict[str, Any]]]] = {
    "record_delivery": _deliver,
    "decide_approval": _decide,
    "record_filing": _file,
    "request_permit": _ask_permit,
    "report_cut": _cut,
    "acknowledge_ticket": lambda _life, ticket: ("acknowledge_ticket", {"ticket_id": ticket}),
    "record_final_notice": lambda _life, ticket: ("record_final_notice", {"ticket_id": ticket, "how": "at the door"}),
    "acknowledge_escalation": lambda _life, id_: ("acknowledge_escalation", {"escalation_id": id_, "remark": "seen"}),
    "report_restored": _restore,
    "close_incident": lambda _life, incident: ("close_incident", {"incident_id": incident, "outcome": "dealt with"}),
    "serve_again": lambda _life, _id: ("serve_again", {"reason": "go on"}),
}


def lives(count: int, first: datetime, turns: tuple[datetime, ...] | None, seed: int) -> Iterator[Life]:
    """So many cases, opened at random within three months from `first`, lived to their ends."""
    random = Random(seed)
    for n in range(count):
        account = Account(
            account_id=f"{n:04}",
            customer_class=random.choice(("residential", "residential", "non_residential")),
            important=random.random() < 0.1,
            meter_id=f"m-{n:04}",
            reading_centre=random.choice(("RC-01", "RC-02", "RC-03")),
            reader="reader-1",
            team_leader="team_leader-1",
            field_unit="FU-1",
            business_station="BS-1",
            region=random.choice(("城北", "城南")),
        )
        opened = first + timedelta(minutes=random.randint(0, 90 * 24 * 60))
        life = Life(Random(f"{seed}-{n}"), account, opened, turns)
        life.live()
        yield life
