"""What the case does next, in the order of the clauses: a pure function of the facts and the time.

Deadlines that void, slip, lapse or warn have been applied already (`domain.case.deadlines`). What is left are the acts
that need somebody else: the billing system, a paper, a ticket, or simply time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from domain.case.announced_payments import asked_again_at
from domain.case.cut_days import has_cut_day
from domain.case.deadlines import wake_times
from domain.case.due_times import Times, attempt_times, promised_days
from domain.case.entities import Cut, Hold, Notice
from domain.case.facts import CaseFacts
from domain.case.hints import copies_wait
from domain.case.own_meters import own_cuts
from domain.law import clock
from domain.vocabulary import Outcome

CIRCUMSTANCES_ARE_FRESH = timedelta(minutes=5)
CIRCUMSTANCES_ARE_TOO_OLD = timedelta(hours=2)
MORATORIUM_IS_READ_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class AskBilling:
    """Ask what the account owes; the procedure and the clock go on meanwhile."""


@dataclass(frozen=True)
class ReadCircumstances:
    """Before a step that cannot be undone, read debt, calendar and moratoria afresh."""


@dataclass(frozen=True)
class IssueNotice:
    """Issue the yellow (II.1) or the red notice (II.2)."""

    kind: Literal["yellow", "red"]


@dataclass(frozen=True)
class SendCutTicket:
    """Send the disconnection ticket to the field unit (II.3)."""


@dataclass(frozen=True)
class CheckBeforeCut:
    """The last half-hour: notify the customer, ask billing with little patience (II.4, II.6)."""


@dataclass(frozen=True)
class SendRestorationTicket:
    """Send the restoration ticket for this cut (III.1)."""

    cut_id: str


@dataclass(frozen=True)
class Sleep:
    """Nothing to do until this time, or until something happens."""

    until: datetime | None
    why: str


@dataclass(frozen=True)
class Leave:
    """The case is over, if the crew has answered and no incident is open."""

    outcome: Outcome
    reason: str


Act = (
    AskBilling
    | ReadCircumstances
    | IssueNotice
    | SendCutTicket
    | CheckBeforeCut
    | SendRestorationTicket
    | Sleep
    | Leave
)


def next_act(facts: CaseFacts, now: datetime, *, asking: bool, debt_waits: bool = True) -> Act:
    """The next act of the case; restoration comes before everything else.

    `asking`: a question to billing is under way. Neither time nor people wait for its answer, but nothing goes forward
    on a debt that may have changed. `debt_waits`: it asks for the debt; otherwise it needs the customer's record too,
    and no payment waits for that (R-31, R-32).
    """
    if cut := restoration_without_ticket(facts):
        return SendRestorationTicket(cut.cut_id)
    if needs_billing(facts, now) and not (asking and debt_waits):
        return AskBilling()
    if facts.cuts_off:
        return sleep(facts, now)
    if over := over_with(facts):
        return over if may_leave(facts) and not copies_wait(facts) else sleep(facts, now)
    if facts.doubted and not asking:
        return ReadCircumstances()
    if facts.needs_person or facts.held:
        return ReadCircumstances() if moratorium_must_be_read(facts, now) and not asking else sleep(facts, now)
    step = _way_to_a_cut(facts, now)
    waiting = isinstance(step, ReadCircumstances) and asking
    doubtful = isinstance(step, IssueNotice | SendCutTicket) and (facts.debt_is_stale or facts.doubted)
    return sleep(facts, now) if waiting or doubtful else step


def _way_to_a_cut(facts: CaseFacts, now: datetime) -> Act:
    """II.1 to II.7, for a case that owes, is not held and has supply."""
    yellow, red, ticket = facts.yellow, facts.red, facts.cut_ticket
    fresh = circumstances_are_fresh(facts, now)
    if yellow is None:
        return IssueNotice("yellow") if fresh else ReadCircumstances()
    if not yellow.served:
        return sleep(facts, now)
    if red is None:
        if now < _red_issue_time(facts, yellow):
            return sleep(facts, now)
        return IssueNotice("red") if fresh and has_cut_day(facts, now) else ReadCircumstances()
    if not red.served:
        return sleep(facts, now)
    times = attempt_times(facts, red)
    if ticket is None:
        if now < times.ticket:
            return sleep(facts, now)
        return SendCutTicket() if fresh and facts.looked_at >= times.ticket else ReadCircumstances()
    if not ticket.half_hour_reached and now >= times.final_notice:
        return CheckBeforeCut()
    return sleep(facts, now)


def restoration_without_ticket(facts: CaseFacts) -> Cut | None:
    """A cut whose supply is due back and whose ticket is not out yet (R-24)."""
    sent = {t.ticket_id for t in facts.tickets}
    return next((c for c in facts.to_restore if c.restore_since is not None and c.restore_ticket not in sent), None)


def needs_billing(facts: CaseFacts, now: datetime) -> bool:
    """Somebody hinted at a change, a promised day has come, or billing is to be asked again for a payment."""
    if facts.debt_is_stale:
        return True
    return any(facts.debt_read_at < due <= now for due in (*promised_days(facts), *asked_again_at(facts)))


def circumstances_are_fresh(facts: CaseFacts, now: datetime) -> bool:
    """Answered just now, and not asked before an outage. A slow answer is an answer, or nobody would ever get on."""
    answered = facts.look_answered_at or facts.looked_at
    return now - answered <= CIRCUMSTANCES_ARE_FRESH and now - facts.looked_at <= CIRCUMSTANCES_ARE_TOO_OLD


def moratorium_must_be_read(facts: CaseFacts, now: datetime) -> bool:
    """The register is the authority on moratoria: a hold that comes of one is checked at once, and again each day."""
    news = any(not h.listed and h.placed_at > facts.looked_at for h in _moratoria(facts))
    return news or any(at <= now for at, _ in _moratorium_is_read_again(facts))


def _moratoria(facts: CaseFacts) -> list[Hold]:
    return [hold for hold in facts.standing_holds if hold.kind == "moratorium"]


def _moratorium_is_read_again(facts: CaseFacts) -> Times:
    again = facts.looked_at + MORATORIUM_IS_READ_EVERY
    return [(again, "look up the moratorium")] if _moratoria(facts) else []


def over_with(facts: CaseFacts) -> Leave | None:
    """How the case ends, once nothing more is to be done; None while it goes on."""
    restored: Outcome | None = "restored" if own_cuts(facts) else None
    if facts.withdrawn:
        return Leave("withdrawn", facts.withdrawn.reason)
    if facts.debt_is_stale:
        return None
    if not facts.in_arrears:
        return Leave(restored or _settled_or_never_one(facts), _what_is_left(facts))
    if facts.yellow is None and not facts.held and facts.debt.owed < facts.policy.min_debt:
        reason = f"{facts.debt.owed} {facts.policy.currency} is under the least debt, {facts.policy.min_debt}"
        return Leave(restored or "withdrawn", reason)
    return None


def _settled_or_never_one(facts: CaseFacts) -> Outcome:
    """How a case that owes nothing, or too little, ends before a cut; one opened for too little was none (R-35)."""
    opened_with = facts.opened_with or Decimal(0)
    too_little = facts.policy.tolerance < opened_with <= facts.may_stay_unpaid(facts.policy)
    return "withdrawn" if too_little and not facts.notices and facts.debt.owed >= opened_with else "settled"


def _what_is_left(facts: CaseFacts) -> str:
    """Why the case is over; what stays owed counts with the next bill (R-35)."""
    if facts.present_since is None or facts.debt.owed <= 0:
        return "nothing overdue is owed"
    currency, policy = facts.policy.currency, facts.policy
    if facts.debt.owed <= policy.tolerance:
        return f"{facts.debt.owed} {currency} stays owed, within the tolerance, {policy.tolerance}"
    return f"{facts.debt.owed} {currency} is under the least debt, {policy.min_debt}, and stays owed"


def may_leave(facts: CaseFacts) -> bool:
    """The crew has answered for every permit, every incident has an outcome (R-28), and nobody is to be restored."""
    answered = not unanswered_permits(facts) and not facts.to_restore
    return answered and all(i.outcome is not None for i in facts.incidents)


def unanswered_permits(facts: CaseFacts) -> tuple[str, ...]:
    """Permits that ended without an answer of the crew: somebody may have been cut off."""
    return tuple(p.permit_id for p in facts.permits if p.state != "redeemed" and not p.answered)


# ---- sleeping ---------------------------------------------------------------------------------


def sleep(facts: CaseFacts, now: datetime) -> Sleep:
    """Sleep until the next boundary."""
    ahead = [(at, why) for at, why in boundaries(facts) if at > now]
    until, why = min(ahead, default=(None, "waiting for people"))
    return Sleep(until, why)


def boundaries(facts: CaseFacts) -> Times:
    """Every time, past or ahead, at which a deadline falls due or an act of the case's own; with what it is."""
    found = [*wake_times(facts), *_moratorium_is_read_again(facts)]
    found += [(at, "II.6 ask again for an announced payment") for at in asked_again_at(facts)]
    if (yellow := facts.yellow) and yellow.served and facts.red is None and not facts.cuts_off:
        found.append((_red_issue_time(facts, yellow), "II.2 red notice is due"))
    return found


def _red_issue_time(facts: CaseFacts, yellow: Notice) -> datetime:
    return clock.red_issue_time(yellow.deadline, yellow.cut_at, facts.terms(yellow))
