"""Which policy what stands is judged by: what has begun keeps its terms when an operator moves the case to another."""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.calendar import Calendar
from domain.facts import CaseFacts, Cut, FormerPolicy, Notice
from domain.model import Role
from domain.policy import Policy


def all_policies(facts: CaseFacts) -> tuple[Policy, ...]:
    """Every policy that the case has had, the one in force last."""
    return (*(former.policy for former in facts.former), facts.policy)


def policies_since(facts: CaseFacts, begun: Notice | Cut) -> tuple[Policy, ...]:
    """The policy in force when the notice was issued, or the cut reported, and every one since."""
    return (*(former.policy for former in _replaced_since(facts, begun)), facts.policy)


def _replaced_since(facts: CaseFacts, begun: Notice | Cut) -> tuple[FormerPolicy, ...]:
    key = begun.notice_id if isinstance(begun, Notice) else begun.cut_id
    known = (place for place, former in enumerate(facts.former) if key in former.begun)
    return facts.former[next(known, len(facts.former)) :]


def terms(facts: CaseFacts, begun: Notice | Cut) -> Policy:
    """The policy that counts the periods of this notice or cut: the one under which it began.

    So no period that runs ends earlier, or a restoration later, because the case moved to another policy meanwhile.
    """
    return policies_since(facts, begun)[0]


def required_approvals(facts: CaseFacts, notice: Notice) -> tuple[Role, ...]:
    """Every role that must approve the cut of this notice: what was once required of it stays so (R-12, R-13)."""
    customer_class = facts.account.customer_class
    every = (p.approvals_for(customer_class, notice.amount) for p in policies_since(facts, notice))
    return tuple(dict.fromkeys(role for roles in every for role in roles))


def protected_days(facts: CaseFacts) -> Calendar:
    """The calendar as it was read, with every season in which a policy of the case protects this customer (R-21)."""
    every = (p.seasons_for(facts.account.customer_class) for p in all_policies(facts))
    return facts.calendar.model_copy(update={"seasons": tuple(dict.fromkeys(s for some in every for s in some))})


def seasons_last(facts: CaseFacts) -> timedelta:
    """At most so long does a cut wait for the seasons that protect this customer."""
    return timedelta(days=sum(season.days for season in protected_days(facts).seasons))


def owes(facts: CaseFacts, notice: Notice) -> bool:
    """Whether the bills of a notice are unsettled by every policy since: none takes back what was enough (R-11)."""
    return facts.outstanding(notice.live_bills) > tolerance(facts, notice)


def tolerance(facts: CaseFacts, begun: Notice | Cut) -> Decimal:
    """How much may stay unpaid of a notice or cut: the most that a policy allowed since it began."""
    kept = (former.policy.tolerance for former in _replaced_since(facts, begun) if former.keeps_tolerance)
    return max((facts.policy.tolerance, *kept))


def settled_for_supply(facts: CaseFacts, cut: Cut, now: datetime) -> bool:
    """Whether the bills of a cut are settled by any policy since: none moves the light further away (R-24)."""
    outstanding = facts.outstanding(cut.bills)
    return any(
        outstanding <= policy.tolerance
        and (not policy.late_fee_blocks or facts.debt.credit >= facts.late_fee(now, cut.bills, policy))
        for policy in policies_since(facts, cut)
    )
