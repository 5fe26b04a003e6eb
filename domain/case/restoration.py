"""Restoration (III): what makes it due, from when the 24 hours run, the warnings, and the breach at their end.

`domain.case.deadlines.settle` applies these rules after each message, answer and wake-up.
"""

from datetime import datetime

from domain.case.due_times import restorations_watched
from domain.case.entities import Cut
from domain.case.escalations import close_escalations, raise_escalation
from domain.case.facts import CaseFacts
from domain.case.incidents import open_incident
from domain.case.own_meters import is_of_his
from domain.case.settlement import settled_for_supply, shown_so_far
from domain.law import clock
from domain.record.reasons import because
from domain.vocabulary import Role

_LEADERS_OF_WARNINGS: tuple[Role, ...] = ("team_leader", "centre_director")
_PAYMENTS_NAMED = 100
"""The payments that the case had been shown are on record with a settlement: one booked later is none of them."""


def settlement_makes_restoration_due(facts: CaseFacts, now: datetime) -> CaseFacts:
    """The bills named in the red notice of the cut are settled: 24 hours from the settlement (R-24, R-25).

    They never run from before the cut: if the settlement came before it, they run from when the case learns of it.
    """
    for cut in facts.cuts_off:
        if not (cut.lawful and cut.settled_at is None and cut.bills) or cut.new_holder:
            continue
        if (at := _settled_for_supply(facts, cut, now)) is not None:
            facts = restoration_due(_settled(facts, cut, at, now), cut.cut_id, _runs_from(facts, cut, at, now))
            facts = _cut_after_settlement(facts, cut, at, now)
    return facts


def _runs_from(facts: CaseFacts, cut: Cut, settled_at: datetime, now: datetime) -> datetime:
    """From when the 24 hours of a cut run, if its bills were settled then."""
    return now if facts.present_since and settled_at <= cut.at else settled_at


def settlement_before_the_cut_is_learned(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Supply is back, or on its way for another reason, and a payment made before the cut is known: the cut was wrong.

    The incident is recorded all the same; the ticket that is out, or was, is enough (R-25).
    """
    if facts.present_since is None:
        return facts
    for cut in facts.cuts:
        known_already = cut.after_settlement or cut.by_plan or (cut.off and cut.restore_since is None)
        if not cut.lawful or not cut.bills or known_already:
            continue
        at = _settled_for_supply(facts, cut, now)
        if at is not None and at <= cut.at:
            facts = _cut_after_settlement(_settled(facts, cut, at, now), cut, at, now)
    return facts


def _settled(facts: CaseFacts, cut: Cut, at: datetime, now: datetime) -> CaseFacts:
    if not cut.new_holder:  # whom it is restored to has settled nothing
        facts = facts.with_cut(cut.cut_id, settled_at=at)
    restored_at = cut.restored_at if facts.present_since else None
    return facts.noted(
        now,
        "debt.settled",
        under=("R-24", "III.1"),
        at=at,
        about=cut.cut_id,
        bills=cut.bills,
        settled_at=at,
        cut_at=cut.at if restored_at else None,
        restored_at=restored_at,
        payments=tuple(shown_so_far(facts).payments)[-_PAYMENTS_NAMED:] if facts.present_since else None,
    )


def _cut_after_settlement(facts: CaseFacts, cut: Cut, at: datetime, now: datetime) -> CaseFacts:
    """Settled before the switch, the cut was wrong, whenever that is learned (P2)."""
    if at > cut.at:
        return facts
    facts, _ = open_incident(
        facts,
        now,
        "cut_after_settlement",
        cut.at,
        (),
        "结清后仍被停电",
        f"supply was cut at {clock.local_words(cut.at, facts.policy)} although the bills were settled at"
        f" {clock.local_words(at, facts.policy)}",
    )
    return facts.with_cut(cut.cut_id, after_settlement=True)


def a_plan_makes_restoration_due(facts: CaseFacts, _now: datetime) -> CaseFacts:
    """An agreed plan brings supply back, 24 hours from its arrival (R-24; wider than III.1, and so a policy)."""
    plan = facts.plan
    if plan is None or plan.state != "open":
        return facts
    for cut in facts.cuts_off:
        if cut.restore_since is None and any(p.restore_on_plan for p in facts.policies_since(cut)):
            facts = facts.with_cut(cut.cut_id, settled_at=plan.agreed_at, by_plan=True)
            facts = restoration_due(facts, cut.cut_id, plan.agreed_at)
    return facts


def paid_beside_a_plan(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A plan was to restore supply, or has, and the bills are settled: the settlement counts, if it came first.

    The 24 hours run from it then (R-25), and if it came before the switch, the cut was wrong (P2).
    """
    for cut in facts.cuts:
        at = _settled_for_supply(facts, cut, now) if cut.by_plan else None
        if at is None:
            continue
        facts = facts.with_cut(cut.cut_id, by_plan=False)
        if cut.off:
            facts = facts.with_cut(cut.cut_id, settled_at=None)  # and `settle` finds it settled
        elif at < (cut.restore_since or at):
            facts = _cut_after_settlement(_settled(facts, cut, at, now), cut, at, now)
            due = restoration_due_by(facts, cut, _runs_from(facts, cut, at, now))
            why = f": the bills were settled at {clock.local_words(at, facts.policy)}"
            facts = restored_too_late(facts, now, cut, due, cut.restored_at, why)
    return facts


def bills_restored_by_plan(facts: CaseFacts) -> set[str]:
    """The bills of cuts that a plan restored: billing may yet report that they were settled before it."""
    return {bill for cut in facts.cuts if cut.by_plan and not cut.off for bill in cut.bills}


def _settled_for_supply(facts: CaseFacts, cut: Cut, now: datetime) -> datetime | None:
    if not set(cut.bills) <= set(facts.debt_asked):
        return None  # billing has not been asked about these bills yet
    return settled_for_supply(facts, cut, now)


def withdrawal_restores(facts: CaseFacts, _now: datetime) -> CaseFacts:
    """A withdrawn case restores whoever it has cut off, within 24 hours of the withdrawal."""
    if facts.withdrawn:
        for cut in facts.cuts_off:
            if cut.restore_since is None:
                facts = restoration_due(facts, cut.cut_id, facts.withdrawn.at)
    return facts


def restoration_is_watched(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Warnings at 12 and 20 hours; past the end a breach, of which the leaders are notified (R-25, R-26)."""
    for cut, warnings, due_by in restorations_watched(facts):
        by = clock.local_words(due_by, facts.policy)
        if due_by <= now:
            facts = breached(
                facts, now, cut, due_by, f"未在规定时限 {by} 前恢复送电", f"supply was not restored by {by}"
            )
            continue
        for i, at in warnings:
            if at > now:
                break
            facts = facts.with_cut(cut.cut_id, warned=i + 1)
            hours = facts.terms(cut).restore_warnings_hours[i]
            facts = facts.noted(now, "restore.warning", at=at, about=cut.restore_ticket, hours=hours)
            facts, _ = raise_escalation(
                facts,
                now,
                "restore_warning",
                _LEADERS_OF_WARNINGS[min(i, len(_LEADERS_OF_WARNINGS) - 1)],
                about=cut.cut_id,
                subject=because("not_restored", hours=hours, due=by),
            )
    return facts


def restored_closes_reports(facts: CaseFacts, _now: datetime) -> CaseFacts:
    """Close the restoration warnings of a cut that is restored."""
    for cut in facts.cuts:
        if not cut.off and any(e.about == cut.cut_id and e.state == "open" for e in facts.escalations):
            facts = close_escalations(facts, about=cut.cut_id)
    return facts


def restoration_due(facts: CaseFacts, cut_id: str, since: datetime) -> CaseFacts:
    """Start the 24 hours of a cut, unless an earlier reason has started them already."""
    cut = next(c for c in facts.cuts if c.cut_id == cut_id)
    if facts.present_since:
        since = max(since, cut.at)
    if cut.restore_since is not None and cut.restore_since <= since:
        return facts
    due = restoration_due_by(facts, cut, since)
    facts = facts.with_cut(cut_id, restore_since=since, restore_due_by=due)
    return facts if cut.neighbour else facts.but(stage="restoring")


def restoration_due_by(facts: CaseFacts, cut: Cut, since: datetime) -> datetime:
    """By when supply must be restored, if the hours run from then."""
    policy = facts.terms(cut)
    return clock.exception_end(since, policy) if cut.delay_declared else clock.restore_due(since, policy)


def breached(facts: CaseFacts, now: datetime, cut: Cut, due: datetime, chinese: str, english: str) -> CaseFacts:
    """Supply was not restored by then: recorded once for a cut, and the leaders are notified (R-26)."""
    if cut.breached:
        return facts
    facts = facts.with_cut(cut.cut_id, breached=True)
    facts = facts.noted(now, "restore.breached", at=due, about=cut.restore_ticket)
    facts, _ = open_incident(facts, now, "restoration_breach", due, (), chinese, english)
    return facts


def restored_too_late(
    facts: CaseFacts, now: datetime, cut: Cut, due: datetime | None, at: datetime | None, why: str = ""
) -> CaseFacts:
    """Supply was restored at that time: a breach if later than due, whenever either is learned (R-26)."""
    if due is None or at is None or at <= due:
        return facts
    english = (
        f"supply came back at {clock.local_words(at, facts.policy)}, later than {clock.local_words(due, facts.policy)}"
    )
    return breached(facts, now, cut, due, "超过规定时限才恢复送电", english + why)


def cut_to_answer_for(facts: CaseFacts) -> Cut | None:
    """The cut a request for restoration is about: of the account's own meter before any other."""
    own = [c for c in facts.cuts_off if is_of_his(facts, c)]
    every = own or list(facts.cuts_off)
    return every[-1] if every else None
