"""What the case does next, in the order of the clauses: a pure function of the facts and the time.

Deadlines that void, slip, lapse or warn have been applied already (`domain.case.deadlines`); what is left
are the acts that need somebody else: the billing system, a paper, a ticket, or simply time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain.case.announced_payments import asked_again_at
from domain.case.cut_days import has_cut_day
from domain.case.entities import Cut, Notice
from domain.case.facts import CaseFacts
from domain.law import clock
from domain.vocabulary import Outcome

A_MOMENT = timedelta(milliseconds=1)
LOOK_IS_FRESH = timedelta(minutes=5)
LOOK_IS_TOO_OLD = timedelta(hours=2)
MORATORIUM_IS_LOOKED_UP_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class AskBilling:
    """Ask what the account owes; the march and the clock go on meanwhile."""


@dataclass(frozen=True)
class LookAround:
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
    """The last half-hour: have the customer told, ask billing with little patience (II.4, II.6)."""


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


Act = AskBilling | LookAround | IssueNotice | SendCutTicket | CheckBeforeCut | SendRestorationTicket | Sleep | Leave


def next_act(facts: CaseFacts, now: datetime, *, asking: bool) -> Act:
    """The next act of the case; light comes before everything else.

    `asking` tells that a question to billing is under way: time and people are not kept waiting for its answer, but
    nothing goes forward on a debt that may have changed.
    """
    if dark := restoration_without_ticket(facts):
        return SendRestorationTicket(dark.cut_id)
    if needs_billing(facts, now) and not asking:
        return AskBilling()
    if facts.cuts_off:
        return sleep(facts, now)
    if over := over_with(facts):
        return over if may_leave(facts) else sleep(facts, now)
    if facts.needs_person or facts.held:
        return LookAround() if moratorium_is_due_for_a_look(facts, now) and not asking else sleep(facts, now)
    step = _march(facts, now)
    waiting = isinstance(step, LookAround) and asking
    doubtful = isinstance(step, IssueNotice | SendCutTicket) and facts.debt_is_stale
    return sleep(facts, now) if waiting or doubtful else step


def _march(facts: CaseFacts, now: datetime) -> Act:
    """II.1 to II.7, for a case that owes, is not held and has light."""
    yellow, red, ticket = facts.yellow, facts.red, facts.cut_ticket
    fresh = look_is_fresh(facts, now)
    if yellow is None:
        return IssueNotice("yellow") if fresh else LookAround()
    if not yellow.served:
        return sleep(facts, now)
    if red is None:
        if now < clock.red_issue_time(yellow.deadline, yellow.cut_at, facts.terms(yellow)):
            return sleep(facts, now)
        return IssueNotice("red") if fresh and has_cut_day(facts, now) else LookAround()
    if not red.served:
        return sleep(facts, now)
    if ticket is None:
        if now < (ticket_time := clock.ticket_time(red.cut_at, facts.terms(red))):
            return sleep(facts, now)
        return SendCutTicket() if fresh and facts.looked_at >= ticket_time else LookAround()
    if not ticket.half_hour_reached and now >= clock.final_notice_time(red.cut_at, facts.terms(red)):
        return CheckBeforeCut()
    return sleep(facts, now)


def restoration_without_ticket(facts: CaseFacts) -> Cut | None:
    """A cut whose supply is due back and whose ticket is not out yet (R-24)."""
    sent = {t.ticket_id for t in facts.tickets}
    return next((c for c in facts.cuts_off if c.restore_since is not None and c.restore_ticket not in sent), None)


def needs_billing(facts: CaseFacts, now: datetime) -> bool:
    """Somebody hinted at a change, a promised day has come, or billing is to be asked again for a payment."""
    if facts.debt_is_stale:
        return True
    return any(facts.debt_read_at < due <= now for due in (*_promised_days(facts), *asked_again_at(facts)))


def look_is_fresh(facts: CaseFacts, now: datetime) -> bool:
    """Answered just now, and not asked before an outage. A slow answer is an answer, or nobody would ever get on."""
    answered = facts.look_answered_at or facts.looked_at
    return now - answered <= LOOK_IS_FRESH and now - facts.looked_at <= LOOK_IS_TOO_OLD


def moratorium_is_due_for_a_look(facts: CaseFacts, now: datetime) -> bool:
    """The register is the authority on moratoria: a hold that comes of one is looked up at once, and again each day."""
    moratoria = [h for h in facts.standing_holds if h.kind == "moratorium"]
    news = any(not h.listed and h.placed_at > facts.looked_at for h in moratoria)
    return bool(moratoria) and (news or now - facts.looked_at >= MORATORIUM_IS_LOOKED_UP_EVERY)


def over_with(facts: CaseFacts) -> Leave | None:
    """How the case ends, once nothing more is to be done; None while it goes on."""
    restored: Outcome | None = "restored" if facts.cuts else None
    if facts.withdrawn:
        return Leave("withdrawn", facts.withdrawn.reason)
    if facts.debt_is_stale:
        return None
    if not facts.in_arrears:
        return Leave(restored or "settled", "nothing overdue is owed")
    if facts.yellow is None and not facts.held and facts.debt.owed < facts.policy.min_debt:
        reason = f"{facts.debt.owed} {facts.policy.currency} is under the least debt, {facts.policy.min_debt}"
        return Leave(restored or "withdrawn", reason)
    return None


def may_leave(facts: CaseFacts) -> bool:
    """The crew has answered for every permit, and every incident has an outcome (R-28)."""
    return not unanswered_permits(facts) and all(i.outcome is not None for i in facts.incidents)


def unanswered_permits(facts: CaseFacts) -> tuple[str, ...]:
    """Permits that ended without a word from the crew: somebody may have been cut off."""
    return tuple(p.permit_id for p in facts.permits if p.state != "redeemed" and not p.answered)


# ---- sleeping ---------------------------------------------------------------------------------


def sleep(facts: CaseFacts, now: datetime) -> Sleep:
    """Sleep until the next boundary."""
    ahead = [(at, why) for at, why in boundaries(facts) if at > now]
    until, why = min(ahead, default=(None, "waiting for people"))
    return Sleep(until, why)


def boundaries(facts: CaseFacts) -> list[tuple[datetime, str]]:
    """Every time, past or ahead, at which the clock alone changes something; with what it is, for Temporal UI."""
    found: list[tuple[datetime, str]] = []
    for hold in facts.standing_holds:
        if hold.until and hold.kind != "dispute":
            found.append((hold.until, "II.0 a hold ends"))
        if hold.kind == "moratorium":
            found.append((facts.looked_at + MORATORIUM_IS_LOOKED_UP_EVERY, "look up the moratorium"))
    found += [(day, "I.3 a promised day ends") for day in _promised_days(facts)]
    found += [(at, "II.6 ask again for an announced payment") for at in asked_again_at(facts)]
    for e in facts.escalations:
        if e.kind == "refusal" and e.state == "open" and not e.climbed and e.answer_by:
            found.append((e.answer_by, f"II.2 {e.rung} must have acknowledged"))
    for cut in facts.cuts_off:
        if cut.restore_since and cut.restore_due_by and not cut.breached:
            warnings = clock.restore_warning_times(cut.restore_since, facts.terms(cut))
            found += [(at, "III.3 warning") for at in warnings[cut.warned :]]
            found.append((cut.restore_due_by, "III.3 light again by now"))
    for permit in facts.permits:
        if not permit.answered and permit.state in ("revoked", "lapsed"):
            ticket = facts.ticket(permit.ticket_id)
            notice = facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None
            if notice:
                end = clock.window_end(notice.cut_at, facts.terms(notice))
                found.append((end, "II.7 the crew must have reported"))
    if not facts.cuts_off:
        found += _notice_boundaries(facts, facts.yellow) + _notice_boundaries(facts, facts.red)
    return found


def _promised_days(facts: CaseFacts) -> list[datetime]:
    days = []
    if facts.promise and facts.promise.state == "open":
        days.append(clock.promise_end(facts.promise.until, facts.policy))
    if facts.plan and facts.plan.state == "open":
        days += [clock.promise_end(i.due, facts.policy) for i in facts.plan.instalments]
    return days


def _notice_boundaries(facts: CaseFacts, notice: Notice | None) -> list[tuple[datetime, str]]:
    if notice is None:
        return []
    policy = facts.terms(notice)
    if notice.kind == "yellow":
        if notice.delivered_at is None:
            return [
                (clock.yellow_deliver_by(notice.deadline, policy) + A_MOMENT, "II.1 yellow notice delivered in time")
            ]
        if facts.red is None and notice.served:
            return [(clock.red_issue_time(notice.deadline, notice.cut_at, policy), "II.2 red notice is due")]
        return []
    if notice.delivered_at is None:
        return [(clock.red_deliver_by(notice.cut_at, policy) + A_MOMENT, "II.2 red notice delivered in time")]
    ticket = facts.cut_ticket
    if ticket is None:
        return [
            (clock.ticket_time(notice.cut_at, policy), "II.3 ticket, the day before"),
            (clock.ticket_too_late(notice.cut_at, policy), "II.3 too late for the ticket"),
        ]
    times = [
        (clock.final_notice_time(notice.cut_at, policy), "II.4 the last half-hour"),
        (notice.cut_at, "II.5 the stated time"),
        (clock.window_end(notice.cut_at, policy), "II.7 the window ends"),
    ]
    if permit := facts.open_permit:
        times.append((permit.valid_until, "II.7 the permit ends"))
    return times
