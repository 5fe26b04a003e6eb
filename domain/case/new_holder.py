"""A change of holder while supply is off: it is restored without payment, and the debt stays with billing (R-32)."""

from datetime import datetime

from domain.case.facts import CaseFacts
from domain.case.restoration import restoration_due
from domain.record.subjects import subject


def a_new_holder_makes_restoration_due(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Nobody is kept without supply for what another owes: 24 hours from when the case knows of both (R-32).

    A cut from before the change that is reported only now counts too.
    """
    since = facts.records.holder_since
    if since is None:
        return facts
    for cut in facts.cuts_off:
        if cut.restore_since is not None or cut.at > since:
            continue
        facts = restoration_due(facts.with_cut(cut.cut_id, new_holder=True), cut.cut_id, max(since, cut.arrived_at))
        facts = facts.notified(
            now,
            "centre_director",
            subject("record_changed"),
            f"户号 {facts.account.account_id} 停电期间户主已变更：无须缴清即须在24小时内复电，原欠费仍在营销系统。",
            f"Account {facts.account.account_id} has another holder while supply is off: it is restored within 24 "
            "hours without payment, and the debt stays with billing.",
            about=cut.restore_ticket,
        )
    return facts
