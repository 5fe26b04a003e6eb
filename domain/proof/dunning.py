"""R-01 to R-17, up to the last half-hour, judged from evidence: one small function for each rule.

A judge yields a check for each occasion on which its rule applied; none at all means that it was not reached.
"""

from datetime import date, timedelta
from itertools import product

from domain.ids import id_key
from domain.proof.customer import classes_between, important_between
from domain.proof.reading import Check, Checks, Cut, Reading, amount, bills, check, moment, text
from domain.record.case_file import FiledEvidence
from domain.record.kinds import kinds

_TOWARDS_A_CUT = kinds("notice.issued", "approval.asked", "ticket.sent", "permit.granted")
_SKEW = timedelta(minutes=5)


def only_overdue_bills(r: Reading) -> Checks:
    """R-01: every notice names bills past their due date, with a late fee on them."""
    for notice in r.all("notice.issued"):
        due = [r.due_dates[b] for b in bills(notice) if b in r.due_dates]
        overdue = bool(bills(notice)) and all(d < r.day(notice.at) for d in due)
        yield check(overdue and amount(notice, "late_fee") > 0, notice)


def supply_is_continuous(r: Reading) -> Checks:
    """R-02: no cut but at the end of a complete case; one of another customer's meter is none of this case (R-34)."""
    for entry in r.unlawful:
        if not entry.detail.get("neighbour"):
            yield check(False, entry)
    for cut in r.cuts:
        yield check(cut.red is not None, cut.red, cut.ticket, cut.permit, cut.report)


def statute_first(r: Reading) -> Checks:
    """R-03: not before due date + 31 days of the oldest bill named, as far as its due date is on record."""
    for cut in r.cuts:
        due = r.oldest_due(cut.red)
        if due is not None:
            days = max(policy.min_overdue_days for policy in r.policies_since(cut.red, cut.report))
            first = due + timedelta(days=days + 1)
            yield check(r.day(cut.report.at) >= first, cut.red, cut.report)


def willingness_is_kept_to(r: Reading) -> Checks:
    """R-04: nothing goes forward while it stands, and no plan runs longer than the policy allows."""
    yield from willingness_stops_the_procedure(r)
    for plan in r.all("plan.agreed"):
        if r.counts("R-35", plan):
            last = max(date.fromisoformat(str(due)[:10]) for due in plan.detail["instalments"])
            longest = timedelta(days=r.terms(plan).max_plan_days)
            yield check(last - r.day(plan.recorded_at) <= longest, plan)


def willingness_stops_the_procedure(r: Reading) -> Checks:
    """R-04: nothing goes forward while a hold, a promise or a plan stands."""
    standing: dict[str, FiledEvidence] = {}
    lifted_first: set[str] = set()
    for entry in r.file.evidence:
        subject, _, happened = entry.what.partition(".")
        key = f"hold {entry.about}" if subject == "hold" else subject
        if entry.what in kinds("hold.placed", "promise.made", "plan.agreed"):
            if key in lifted_first:
                lifted_first.discard(key)
                continue
            standing[key] = entry
            yield check(True, entry)
        elif subject in ("hold", "promise", "plan") and happened in ("lifted", "ended", "kept", "broken"):
            if standing.pop(key, None) is None and subject == "hold":
                lifted_first.add(key)
        elif entry.what in _TOWARDS_A_CUT and standing and entry.detail.get("kind") != "restore":
            yield check(False, *standing.values(), entry)


def yellow_is_complete_and_timely(r: Reading) -> Checks:
    """R-05: states account, amount, deadline and cut time; reaches the customer while the days to pay are whole."""
    for notice in r.all("notice.issued", kind="yellow"):
        deadline, cut_at = moment(notice, "deadline"), moment(notice, "cut_at")
        whole = deadline is not None and cut_at is not None and deadline < cut_at
        served = r.after(notice, "notice.served", about=notice.about)
        delivered = moment(served, "delivered_at")
        if whole and deadline and delivered:
            whole = deadline - delivered >= timedelta(days=r.terms(notice).yellow_payment_days)
        yield check(whole and bool(bills(notice)) and amount(notice, "amount") > 0, notice, served)


def two_notices_delivered(r: Reading) -> Checks:
    """R-06: a red notice follows a yellow one that was served for its bills; a cut follows both."""
    for red in r.all("notice.issued", kind="red"):
        yield _follows_yellow(r, red)
    for cut in r.cuts:
        served = _served(r, cut)
        yield check(served is not None, served, cut.report)


def _follows_yellow(r: Reading, red: FiledEvidence) -> Check:
    yellow = r.before(red, "notice.served", kind="yellow")
    issued = r.first("notice.issued", about=yellow.about) if yellow else None
    void = r.before(red, "notice.void", about=yellow.about) if yellow else None
    # A lawful cut uses up its notices: the yellow one too must be of this attempt.
    spent = yellow is not None and any(yellow.seq < c.report.seq < red.seq for c in r.cuts)
    kept = issued is not None and void is None and not spent and set(bills(red)) <= set(bills(issued))
    return check(kept, yellow, red)


def _served(r: Reading, cut: Cut) -> FiledEvidence | None:
    if cut.red is None or cut.permit is None:
        return None
    return r.before(cut.permit, "notice.served", about=cut.red.about)


def red_seven_days_before(r: Reading) -> Checks:
    """R-07: delivered 7 × 24 h before the stated time, no cut before it; too many voids wait for a person."""
    for served in r.all("notice.served", kind="red"):
        issued = r.first("notice.issued", about=served.about)
        delivered, cut_at = moment(served, "delivered_at"), moment(issued, "cut_at")
        notice_time = timedelta(hours=24 * r.terms(issued).red_notice_days)
        yield check(bool(delivered and cut_at and cut_at - delivered >= notice_time), issued, served)
    for cut in r.cuts:
        yield check(cut.stated is not None and cut.stated <= cut.report.at, cut.red, cut.report)
    yield from _stops_after_voids(r)


def _stops_after_voids(r: Reading) -> Checks:
    voids: dict[str, list[FiledEvidence]] = {"yellow": [], "red": []}
    for entry in r.file.evidence:
        kind = str(entry.detail.get("kind"))
        if entry.what in kinds("serve_again.requested", "permit.granted", "debt.settled"):
            voids = {"yellow": [], "red": []}
        elif entry.what == "notice.served" and kind == "yellow":
            voids["yellow"] = []
        elif entry.what == "notice.void" and entry.detail.get("counted") and kind in voids:
            voids[kind].append(entry)
        elif entry.what == "notice.issued" and len(voids.get(kind, ())) > r.terms(entry).max_reissues:
            yield check(False, *voids[kind], entry)


def delivery_has_one_end(r: Reading) -> Checks:
    """R-08: what counts as served was signed or refused; undeliverable is not service."""
    for served in r.all("notice.served"):
        delivered = r.before(served, "notice.delivered", about=served.about)
        yield check(text(delivered, "outcome") in ("signed", "refused"), delivered, served)


def refusal_is_recorded_and_reported(r: Reading) -> Checks:
    """R-09: a detailed record, reported upwards; served only once a rung of the ladder has acknowledged it."""
    for refused in r.all("notice.refused"):
        detailed = all(refused.detail.get(part) for part in ("place", "persons", "words", "evidence"))
        raised = r.after(refused, "escalation.raised", kind="refusal", notice_id=refused.about)
        served = r.first("notice.served", about=refused.about, outcome="refused")
        if served is None:
            yield check(detailed and raised is not None, refused, raised)
            continue
        ladder = r.terms(r.first("notice.issued", about=refused.about)).escalation_ladder
        answered = _acknowledged(r, served, set(ladder))
        yield check(detailed and raised is not None and answered is not None, refused, raised, answered, served)


def station_head_is_notified(r: Reading) -> Checks:
    """R-10: of every red notice to a non-residential customer; and he acknowledges a refusal before it counts.

    The customer may have become one while the notice stood (R-32).
    """
    used_up = {cut.red.about: cut.report for cut in r.cuts if cut.red}
    for red in r.all("notice.issued", kind="red"):
        end = _end_of(r, red) or used_up.get(red.about)
        if "non_residential" not in classes_between(r, red, end):
            continue
        notified = r.first("station_head.told", about=red.about)
        yield check(notified is not None, red, notified)
        for served in r.all("notice.served", about=red.about, outcome="refused"):
            if "non_residential" in classes_between(r, red, served):
                answered = _acknowledged(r, served, {"station_head"})
                yield check(answered is not None, red, answered, served)


def _end_of(r: Reading, red: FiledEvidence) -> FiledEvidence | None:
    """What ended a red notice without a cut: a change of the record, or whatever else made it void."""
    void = r.after(red, "notice.void", about=red.about)
    change = r.before(void, "customer.changed") if void else None
    ended = void is not None and change is not None and change.recorded_at == void.recorded_at
    return change if ended and change is not None and change.seq > red.seq else void


def _acknowledged(r: Reading, served: FiledEvidence, roles: set[str]) -> FiledEvidence | None:
    answers = r.all("escalation.acknowledged", kind="refusal", notice_id=served.about)
    return next((a for a in answers if a.seq < served.seq and a.actor_role in roles), None)


def paid_means_no_cut(r: Reading) -> Checks:
    """R-11: the deadline ends before the cut; bills known to be settled lead to no ticket and no permit."""
    for notice in r.all("notice.issued"):
        deadline, cut_at = moment(notice, "deadline"), moment(notice, "cut_at")
        if deadline and cut_at and deadline >= cut_at:
            yield check(False, notice)
    for settled in r.all("debt.settled"):
        red = r.before(settled, "notice.issued", kind="red")
        if red is None or not set(bills(red)) <= set(bills(settled)):
            yield check(True, settled)
            continue
        tickets = [t for t in r.all("ticket.sent", notice_id=red.about) if t.seq > settled.seq]
        ours = {t.about for t in r.all("ticket.sent", notice_id=red.about)}
        permits = [p for p in r.all("permit.granted") if p.seq > settled.seq and p.detail.get("ticket_id") in ours]
        yield check(not tickets and not permits, settled, *tickets, *permits)


def approved_at_every_level(r: Reading) -> Checks:
    """R-12: before the ticket, by every level, each a different person and none of them the one who served."""
    for ticket in r.all("ticket.sent", kind="cut"):
        notice_id = text(ticket, "notice_id")
        asked = r.before(ticket, "approval.asked", about=notice_id)
        given = [a for a in r.all("approval.given", about=notice_id) if a.seq < ticket.seq]
        needed = set(asked.detail.get("roles", ())) if asked else set()
        red = r.first("notice.issued", about=notice_id)
        if red and (r.file.case.policy == r.policy.label or r.first("policy.changed")):
            for policy, kind in product(r.policies_since(red, ticket), classes_between(r, red, ticket)):
                needed |= set(policy.approvals_for(kind, amount(red, "amount")))
        server = r.first("notice.delivered", about=notice_id)
        people = [id_key(a.actor_id or "") for a in given]
        apart = server is None or id_key(server.actor_id or "") not in people
        distinct = len(set(people)) == len(people) and apart
        yield check(bool(needed) and needed <= {a.actor_role for a in given} and distinct, *given, ticket)


def approval_is_for_one_served_notice(r: Reading) -> Checks:
    """R-13: asked for after the notice is served; a rejection ends the attempt until somebody says serve again."""
    for asked in r.all("approval.asked"):
        served = r.before(asked, "notice.served", about=asked.about)
        yield check(served is not None, served, asked)
    for rejected in r.all("approval.rejected"):
        ticket = next((t for t in r.all("ticket.sent", notice_id=rejected.about) if t.seq > rejected.seq), None)
        again = r.after(rejected, "serve_again.requested")
        reissued = r.after(rejected, "notice.issued", kind="red")
        fresh = r.after(rejected, "debt.settled")
        allowed = [e.seq for e in (again, fresh) if e]
        kept = ticket is None and (reissued is None or any(seq < reissued.seq for seq in allowed))
        yield check(kept, rejected, *((again, reissued) if kept else (ticket, reissued)))


def important_customers_are_filed(r: Reading) -> Checks:
    """R-14: the filing for this very notice comes before the ticket; help asked of the government is recorded."""
    for ticket in r.all("ticket.sent", kind="cut"):
        red = r.first("notice.issued", about=text(ticket, "notice_id"))
        if important_between(r, red, ticket):
            filed = r.before(ticket, "filing.recorded", about=text(ticket, "notice_id"), purpose="filing")
            yield check(filed is not None, filed, ticket)
    for asked in r.all("filing.recorded", purpose="coordination"):
        yield check(True, asked)


def ticket_the_day_before(r: Reading) -> Checks:
    """R-15: sent by the reader who served, on the day it is due; acknowledged by T - 30 min."""
    for ticket in r.all("ticket.sent", kind="cut"):
        issued = r.first("notice.issued", about=text(ticket, "notice_id"))
        cut_at, lead = moment(issued, "cut_at"), timedelta(hours=r.terms(issued).ticket_lead_hours)
        server = r.first("notice.delivered", about=text(ticket, "notice_id"))
        in_time = cut_at is not None and cut_at - lead <= ticket.at < r.end_of(r.day(cut_at - lead))
        yield check(in_time and server is not None and text(ticket, "sent_by") == server.actor_id, ticket)
    for cut in r.cuts:
        known = r.first("ticket.acknowledged", about=cut.ticket.about) if cut.ticket else None
        half_hour = timedelta(minutes=r.terms(cut.red).final_notice_minutes)
        in_time = bool(known and cut.stated and known.recorded_at <= cut.stated - half_hour)
        yield check(in_time, cut.ticket, known)


def notified_again_in_the_last_half_hour(r: Reading) -> Checks:
    """R-16: notified in [T - 30 min, T], before the permit: by the reader, or by a channel seen to have accepted."""
    for cut in r.cuts:
        said = r.all("customer.told", "customer.told_by_channel", about=cut.ticket.about) if cut.ticket else ()
        counted = [e for e in said if _in_time(r, cut, e) and _accepted(r, e)]
        yield check(bool(counted), *counted[:1], *(() if counted else (cut.report,)))


def _accepted(r: Reading, notified: FiledEvidence) -> bool:
    if notified.what == "customer.told":
        return True
    channel = text(notified, "channel")
    return r.before(notified, "channel.tried", about=notified.about, channel=channel, outcome="accepted") is not None


def _in_time(r: Reading, cut: Cut, notified: FiledEvidence) -> bool:
    at = moment(notified, "told_at") or notified.at
    from_then = timedelta(minutes=r.terms(cut.red).final_notice_minutes)
    early_enough = cut.permit is not None and notified.seq < cut.permit.seq
    return early_enough and cut.stated is not None and cut.stated - from_then <= at <= cut.stated


def billing_asked_twice(r: Reading) -> Checks:
    """R-17: billing said "owes" at T - 30 min, and again for the very permit."""
    for permit in r.all("permit.granted"):
        ticket_id, cut_at = text(permit, "ticket_id"), r.stated(permit)
        last = r.before(permit, "billing.checked", about=ticket_id, when="permit")
        early = r.before(permit, "billing.checked", about=ticket_id, when="half_hour")
        span = timedelta(minutes=r.terms(r.red_of(permit)).billing_check_minutes)
        fresh = last is not None and permit.recorded_at - last.recorded_at <= _SKEW
        in_half_hour = bool(early and cut_at and cut_at - span <= early.recorded_at <= cut_at)
        owes = text(last, "answer") == "owes" and text(early, "answer") == "owes"
        yield check(fresh and in_half_hour and owes, early, last, permit)
