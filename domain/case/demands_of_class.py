"""What a customer's class demands before a cut, and what more it demands once the record has changed (R-32)."""

from datetime import datetime

from domain.case.conditions import filing_missing, missing_approvals, why_the_day_is_barred
from domain.case.due_times import attempt_times
from domain.case.entities import Notice
from domain.case.escalations import raise_escalation
from domain.case.facts import CaseFacts
from domain.case.issuing import station_head_is_notified
from domain.customer import Account
from domain.law import clock
from domain.money.late_fee import FormerClass
from domain.record.reasons import because


def remember(facts: CaseFacts, account: Account, now: datetime) -> CaseFacts:
    """Keep the class and importance that this account replaces: for the standing red notice, and for days past."""
    former, red = facts.account, facts.red
    if red and (former.customer_class, former.important) != (account.customer_class, account.important):
        classes = tuple(dict.fromkeys((*red.former_classes, former.customer_class)))
        important = red.was_important or former.important
        facts = facts.with_notice(red.notice_id, former_classes=classes, was_important=important)
    if former.customer_class == account.customer_class:
        return facts
    past = FormerClass(customer_class=former.customer_class, before=clock.local_day(now, facts.policy))
    return facts.but(records=facts.records.model_copy(update={"classes": (*facts.records.classes, past)}))


def ends_the_attempt(facts: CaseFacts, account: Account, now: datetime) -> bool:
    """Whether the class of this account demands anything new, when it is too late to ask for it (T − 24 h)."""
    red = facts.red
    if red is None or now < attempt_times(facts, red).ticket:
        return False
    return more_is_demanded(facts, remember(facts, account, now).but(account=account))


def more_is_demanded(before: CaseFacts, facts: CaseFacts) -> bool:
    """Whether something is missing for the standing red notice that was not missing before."""
    red, former = facts.red, before.red
    if red is None or former is None or red.notice_id != former.notice_id:
        return False
    return bool(_missing(facts, red) - _missing(before, former))


def _missing(facts: CaseFacts, red: Notice) -> set[str]:
    """What every class since the red notice was issued demands and what is not there yet (R-10, R-12, R-14, R-21)."""
    missing: set[str] = set(missing_approvals(facts))
    if filing_missing(facts):
        missing.add("filing")
    if _station_head_missing(facts, red):
        missing.add("station head")
    if why_the_day_is_barred(facts, red):
        missing.add("day")
    return missing


def _station_head_missing(facts: CaseFacts, red: Notice) -> bool:
    """A refusal of a non-residential customer that the station head has not acknowledged (R-10)."""
    if red.outcome != "refused" or "non_residential" not in facts.classes_since(red):
        return False
    reports = (e for e in facts.escalations if e.notice_id == red.notice_id and e.rung == "station_head")
    return all(e.state != "acknowledged" for e in reports)


def barred_by_a_change(facts: CaseFacts, red: Notice) -> bool:
    """Whether only a class that he did not have when the red notice was issued bars its day."""
    if not red.former_classes:
        return False
    issued = facts.with_notice(red.notice_id, former_classes=()).but(
        account=facts.account.model_copy(update={"customer_class": red.former_classes[0]})
    )
    return why_the_day_is_barred(issued, red) is None


def ask_for_more(before: CaseFacts, facts: CaseFacts, now: datetime) -> CaseFacts:
    """Ask for what the class demands besides, while there is time; what was approved and filed stays."""
    red, former = facts.red, before.red
    if red is None or former is None or red.notice_id != former.notice_id:
        return facts
    if "non_residential" in set(facts.classes_since(red)) - set(before.classes_since(former)):
        facts = station_head_is_notified(facts, red, now)
        facts = _refusal_counts_no_longer(facts, red, now) if red.outcome == "refused" else facts
    if set(missing_approvals(facts)) - set(missing_approvals(before)):
        facts = facts.with_notice(red.notice_id, approval_asked=False)  # the levels added are asked now
    return facts


def _refusal_counts_no_longer(facts: CaseFacts, red: Notice, now: datetime) -> CaseFacts:
    """A refused signature counts as served once the station head has acknowledged it too (R-10)."""
    facts = facts.with_notice(red.notice_id, state="to_deliver", served_at=None)
    subject = because("signature_refused", kind=red.kind, notice=red.notice_id)
    return raise_escalation(facts, now, "refusal", "station_head", notice_id=red.notice_id, subject=subject)[0]
