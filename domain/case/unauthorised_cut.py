"""A cut that nobody permitted: whether one of ours explains it, and what it sets going if none does (R-27)."""

from datetime import datetime

from domain.case.attempt import revoke_permit
from domain.case.entities import Cut, Permit
from domain.case.facts import CaseFacts
from domain.case.identity import same_meter
from domain.case.incidents import open_incident
from domain.case.neighbours import our_meter_is_doubted
from domain.case.own_meters import as_we_spell_it, is_about, is_his
from domain.case.restoration import restoration_due
from domain.record.reasons import because
from domain.vocabulary import Actor


def known_cut(facts: CaseFacts, meter_id: str, at: datetime) -> Cut | None:
    """The cut that explains why supply was off at that meter then: ours that stood at that time, or one found (R-27).

    Our lawful cut explains nothing before its time. An unauthorised one is being restored, whenever it was.
    """
    for cut in facts.cuts:
        stood = cut.at <= at and (cut.restored_at is None or at < cut.restored_at)
        if is_about(facts, cut, meter_id) and (stood or (cut.off and not cut.lawful)):
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
    """Supply cut without a live permit: incident, immediate restoration, leaders notified (R-27, R-24).

    Another customer's meter is no cut of this case: it only puts the meter of this one in doubt (R-34).
    """
    facts, restore_ticket = facts.numbered("restore-ticket")
    facts, cut_id = facts.numbered("cut")
    wrong_meter = not is_his(facts, meter_id, at)
    neighbour = wrong_meter and facts.present_since is not None
    cut = Cut(
        cut_id=cut_id,
        meter_id=as_we_spell_it(facts, meter_id),
        at=at,
        arrived_at=now,
        lawful=False,
        restore_ticket=restore_ticket,
        neighbour=neighbour,
    )
    facts = facts.but(cuts=(*facts.cuts, cut))
    facts = facts.noted(
        now,
        "cut.found",
        at=at,
        actor=actor,
        about=about or cut_id,
        meter_id=meter_id,
        source=source,
        neighbour=neighbour or None,
        meter_has_twin=facts.account.meter_has_twin or None,
    )
    facts, _ = open_incident(
        facts,
        now,
        "wrong_meter" if wrong_meter else "unauthorised_cut",
        at,
        persons,
        f"表号 {meter_id} 未经许可被停电" + ("（错表）" if wrong_meter else ""),
        f"meter {meter_id} was cut without a live permit" + (" (wrong meter)" if wrong_meter else ""),
    )
    if neighbour:
        facts = our_meter_is_doubted(facts, now, cut)
    facts = revoke_permit(facts, now, because("others_meter_cut" if neighbour else "found_cut"))
    for permit in facts.permits:  # nobody need be asked any more: restoration is under way
        if permit.found_dark_at and same_meter(facts, permit.meter_id, meter_id):
            facts = facts.with_permit(permit.permit_id, found_dark_at=None)
    facts = facts.but(hints=facts.hints + 1)  # billing is asked again before anything goes on
    return restoration_due(facts, cut_id, now), next(c for c in facts.cuts if c.cut_id == cut_id)


def judge_found_cut(facts: CaseFacts, now: datetime, permit: Permit) -> CaseFacts:
    """Supply was found cut under a live permit: unauthorised, unless a cut on record explains it (R-27)."""
    if permit.found_dark_at is None:
        return facts
    facts = facts.with_permit(permit.permit_id, found_dark_at=None)
    if known_cut(facts, permit.meter_id, permit.found_dark_at):
        return facts
    source = "found without supply; our crew has not cut"
    facts, _ = unauthorised_cut(facts, now, permit.found_dark_at, permit.meter_id, (), source, about=permit.permit_id)
    return facts


def found_cut_under_a_permit_is_judged(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Judge supply found cut under a live permit: the crew is asked, for its own cut may explain it (R-27).

    Restoration does not wait once the crew has denied a cut, or is due whoever made it (P3).
    """
    for permit in facts.permits:
        if permit.found_dark_at is None or permit.state == "redeemed":
            continue
        if permit.answered or _restoration_is_due_anyway(facts, permit):
            facts = judge_found_cut(facts, now, permit)
    return facts


def _restoration_is_due_anyway(facts: CaseFacts, permit: Permit) -> bool:
    ticket = facts.ticket(permit.ticket_id)
    notice = facts.notice(ticket.notice_id) if ticket and ticket.notice_id else None
    settled = notice is not None and not facts.owes(notice)
    another_holder = facts.records.holder_since is not None and facts.records.holder_since >= permit.given_at
    planned = facts.plan is not None and facts.plan.state == "open"
    plan_restores = notice is not None and any(p.restore_on_plan for p in facts.policies_since(notice))
    return settled or another_holder or facts.withdrawn is not None or (planned and plan_restores)
