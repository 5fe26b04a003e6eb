"""Supply that is off: whether a cut of ours explains it, what an unauthorised one sets going, when light is due."""

from datetime import datetime

from domain import clock
from domain.attempt import open_incident, revoke_permit
from domain.facts import CaseFacts, Cut, Permit
from domain.model import Actor
from domain.terms import terms


def known_cut(facts: CaseFacts, meter_id: str, at: datetime) -> Cut | None:
    """The cut that explains darkness at that meter then: one of ours that stood at that time, or one found (R-27).

    Dark before our own lawful cut is another matter; an unauthorised one is being restored, whenever it was.
    """
    for cut in facts.cuts:
        stood = cut.at <= at and (cut.restored_at is None or at < cut.restored_at)
        if cut.meter_id == meter_id and (stood or (cut.off and not cut.lawful)):
            return cut
    return None


def unauthorised_cut(
    facts: CaseFacts,
    now: datetime,
    at: datetime,
    meter_id: str,
    persons: tuple[str, ...],
    source: str,
    *,
    about: str | None = None,
    actor: Actor | None = None,
) -> tuple[CaseFacts, Cut]:
    """Supply cut without a live permit: incident, immediate restoration, leaders told (R-27, R-24)."""
    facts, restore_ticket = facts.numbered("restore-ticket")
    facts, cut_id = facts.numbered("cut")
    cut = Cut(cut_id=cut_id, meter_id=meter_id, at=at, arrived_at=now, lawful=False, restore_ticket=restore_ticket)
    facts = facts.but(cuts=(*facts.cuts, cut))
    facts = facts.noted(
        now, "cut.found", "R-27", "III.4", at=at, actor=actor, about=about or cut_id, meter_id=meter_id, source=source
    )
    wrong_meter = meter_id != facts.account.meter_id
    facts, _ = open_incident(
        facts,
        now,
        "wrong_meter" if wrong_meter else "unauthorised_cut",
        at,
        persons,
        f"表号 {meter_id} 未经许可被停电" + ("（错表）" if wrong_meter else ""),
        f"meter {meter_id} was cut without a live permit" + (" (wrong meter)" if wrong_meter else ""),
    )
    facts = revoke_permit(facts, now, "supply was found cut")
    for permit in facts.permits:  # whoever was to be asked about this darkness: light is on its way
        if permit.meter_id == meter_id and permit.found_dark_at:
            facts = facts.with_permit(permit.permit_id, found_dark_at=None)
    facts = facts.but(hints=facts.hints + 1)  # what is owed is looked at again before anything goes on
    return restoration_due(facts, cut_id, now), next(c for c in facts.cuts if c.cut_id == cut_id)


def dark_without_the_crew(facts: CaseFacts, now: datetime, permit: Permit) -> CaseFacts:
    """Found dark while a permit was live, and no cut of ours explains it: then it was unauthorised (R-27)."""
    if permit.found_dark_at is None:
        return facts
    facts = facts.with_permit(permit.permit_id, found_dark_at=None)
    if known_cut(facts, permit.meter_id, permit.found_dark_at):
        return facts
    source = "found without supply; our crew has not cut"
    facts, _ = unauthorised_cut(facts, now, permit.found_dark_at, permit.meter_id, (), source, about=permit.permit_id)
    return facts


def restoration_due(facts: CaseFacts, cut_id: str, since: datetime) -> CaseFacts:
    """Start the 24 hours of a cut, unless an earlier reason has started them already."""
    cut = next(c for c in facts.cuts if c.cut_id == cut_id)
    if cut.restore_since is not None and cut.restore_since <= since:
        return facts
    due = restoration_due_by(facts, cut, since)
    return facts.with_cut(cut_id, restore_since=since, restore_due_by=due).but(stage="restoring")


def restoration_due_by(facts: CaseFacts, cut: Cut, since: datetime) -> datetime:
    """By when light must be back, if the hours run from then."""
    policy = terms(facts, cut)
    return clock.exception_end(since, policy) if cut.delay_declared else clock.restore_due(since, policy)


def breached(facts: CaseFacts, now: datetime, cut: Cut, due: datetime, chinese: str, english: str) -> CaseFacts:
    """Light was due by then, and was not there: on record once for a cut, and told to the leaders (R-26)."""
    if cut.breached:
        return facts
    facts = facts.with_cut(cut.cut_id, breached=True)
    facts = facts.noted(now, "restore.breached", "R-26", "III.3", at=due, about=cut.restore_ticket)
    facts, _ = open_incident(facts, now, "restoration_breach", due, (), chinese, english)
    return facts


def lit_too_late(
    facts: CaseFacts, now: datetime, cut: Cut, due: datetime | None, at: datetime | None, why: str = ""
) -> CaseFacts:
    """Light came at that time: a breach if that was later than it was due, whenever either is learned (R-26)."""
    if due is None or at is None or at <= due:
        return facts
    words = (
        f"supply came back at {clock.local_words(at, facts.policy)}, later than {clock.local_words(due, facts.policy)}"
    )
    return breached(facts, now, cut, due, "超过规定时限才恢复送电", words + why)
