"""The update by which an operator moves a running case to another policy, and no deadline moves forward by it."""

from datetime import datetime

from domain.case.attempt import revoke_permit
from domain.case.checks import check_actor
from domain.case.conditions import why_not_cut
from domain.case.entities import FormerPolicy
from domain.case.facts import CaseFacts
from domain.case.settlement import shown_so_far
from domain.contract import updates as m
from domain.contract.answers import PolicyChanged
from domain.contract.refusals import Refused
from domain.contract.tables import UPDATES
from domain.law.policy import Policy
from domain.record.reasons import because
from domain.record.subjects import subject

_FIXED = ("timezone", "currency")
"""Keys that a case keeps: its days and its debt are counted in them."""


def change_policy(facts: CaseFacts, message: m.ChangePolicy, now: datetime) -> tuple[CaseFacts, PolicyChanged]:
    """Put the case under another policy from now on, for all that begins later (II.0).

    Notices and cuts keep the terms they began under, so their stated times and periods stay. What more the new policy
    asks before a cut is asked of a standing notice too, and nothing less (`CaseFacts.policies_since`). Not for a centre
    director: he would choose by it who approves besides himself.
    """
    check_actor(facts, message.actor, UPDATES["change_policy"].roles)
    before, policy = facts.policy, message.policy
    if policy == before:
        return facts, PolicyChanged(policy=before.label, before=before.label)
    if facts.withdrawn:
        raise Refused("NotWaiting", "the case is withdrawn, and is being ended", rule="R-30", clause="II.0")
    _must_fit(before, policy)
    known = {begun for former in facts.former for begun in former.begun}
    every = (*(n.notice_id for n in facts.notices), *(c.cut_id for c in facts.cuts))
    begun = tuple(key for key in every if key not in known)
    asked = _asked_of_the_red_notice(facts)
    former = FormerPolicy(policy=before, until=now, begun=begun)
    if facts.present_since:
        facts = facts.but(shown=shown_so_far(facts))  # what this policy settles, no payment of before has settled
    facts = facts.but(policy=policy, former=(*facts.former, former))
    facts = facts.noted(
        now,
        "policy.changed",
        actor=message.actor,
        about=policy.label,
        before=before.label,
        after=policy.label,
        reason=message.reason,
        keeps_its_terms=begun,
        terms_before=before.model_dump(mode="json"),
        terms_after=policy.model_dump(mode="json"),
    )
    if facts.red and _asked_of_the_red_notice(facts) != asked:
        facts = facts.with_notice(facts.red.notice_id, approval_asked=False)  # the levels added are asked now
    if facts.open_permit and why_not_cut(facts, now):
        facts = revoke_permit(facts, now, because("policy_changed", policy=policy.label))
    facts = facts.notified(
        now,
        "team_leader",
        subject("policy_changed"),
        f"户号 {facts.account.account_id} 自即日起适用规则 {policy.label}（原 {before.label}）。"
        f"原因：{message.reason}。已开具的通知书及已开始计算的期限不变。",
        f"Account {facts.account.account_id} comes under policy {policy.label} from now on (before: {before.label}). "
        f"Reason: {message.reason}. Notices issued, and periods that run, stay as they are.",
        about=policy.label,
    )
    return facts, PolicyChanged(policy=policy.label, before=before.label, keeps_its_terms=begun)


def keeping_tolerance(before: CaseFacts, facts: CaseFacts, _now: datetime) -> CaseFacts:
    """The policy replaced just now keeps its tolerance for what began under it (R-11)."""
    if len(facts.former) == len(before.former):
        return facts
    *earlier, last = facts.former
    return facts.but(former=(*earlier, last.model_copy(update={"keeps_tolerance": True})))


def _must_fit(before: Policy, policy: Policy) -> None:
    for key in _FIXED:
        if getattr(policy, key) != (kept := getattr(before, key)):
            raise _bad(key, f"a running case keeps its {key}, {kept}")
    if policy.label == before.label:
        raise _bad("version", f"{policy.label} is in force, with other terms: give the changed policy another version")


def _bad(key: str, sentence: str) -> Refused:
    return Refused("BadRequest", f"policy.{key}: {sentence}", field=f"policy.{key}", rule="R-30", clause="II.0")


def _asked_of_the_red_notice(facts: CaseFacts) -> tuple[str, ...]:
    return facts.required_approvals(facts.red) if facts.red else ()
