"""R-18 to R-30, the cut, the restoration and the record, judged from evidence: one small function for each rule."""

from datetime import datetime, time, timedelta

from domain.ids import same_id
from domain.law.policy import WEEKDAYS, Policy
from domain.papers.filing import PAPER_FILED
from domain.proof.announced import announced_payments_stop_permits
from domain.proof.customer import classes_between
from domain.proof.reading import Checks, Outage, Reading, bills, check, moment, text
from domain.record.case_file import FiledEvidence
from domain.report.filing import MADE, SENT
from domain.vocabulary import CustomerClass

_BY_PEOPLE = (
    "notice.delivered",
    "notice.refused",
    "escalation.acknowledged",
    "approval.given",
    "approval.rejected",
    "ticket.acknowledged",
    "customer.told",
    "permit.granted",
    "supply.restored",
    "incident.closed",
)
_SKEW = timedelta(minutes=5)


def only_under_a_live_permit(r: Reading) -> Checks:
    """R-18: one permit at a time, for the ticket's meter, inside the window, for minutes; and the cut within it."""
    for permit in r.all("permit.granted"):
        ticket = r.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
        stated, until = r.stated(permit), moment(permit, "valid_until")
        terms = r.terms(r.red_of(permit))
        end = stated and _window_end(r, stated, terms)
        inside = bool(stated and until and end and stated <= permit.at < end and until <= end)
        brief = until is not None and until - permit.at <= timedelta(minutes=terms.permit_minutes)
        right = bool(ticket) and same_id(text(permit, "meter_id") or "", text(ticket, "meter_id") or "")
        other = r.before(permit, "permit.granted")
        alone = other is None or _ended(r, other, permit) is not None
        yield check(inside and brief and right and alone and permit.actor_role == "field_crew", ticket, permit)
    for cut in r.cuts:
        until = moment(cut.permit, "valid_until")
        revoked = r.first("permit.revoked", about=cut.permit.about) if cut.permit else None
        live = bool(cut.permit and until and cut.permit.at <= cut.report.at < until)
        live = live and not (revoked and revoked.recorded_at <= cut.report.at)
        yield check(live and cut.report.actor_role == "field_crew", cut.permit, cut.report)


def _window_end(r: Reading, stated: datetime, terms: Policy) -> datetime:
    closing = datetime.combine(r.day(stated), _clock_time(terms.cut_hours.end), tzinfo=terms.zone)
    return min(stated + timedelta(hours=terms.cut_window_hours), closing)


def _ended(r: Reading, permit: FiledEvidence, later: FiledEvidence) -> FiledEvidence | None:
    by_report = r.before(later, "cut.reported", permit_id=permit.about)
    return by_report or r.before(later, "permit.revoked", "permit.lapsed", about=permit.about)


def a_doubted_meter_is_verified(r: Reading) -> Checks:
    """R-19: no permit from the doubt to the reader's yes; a no ends the attempt and is an incident.

    Another customer's meter that was cut in this case puts ours in doubt, too (R-34).
    """
    for doubt in r.all("meter.doubted"):
        verdict = r.after(doubt, "meter.verified", confirmed=True)
        permit = r.after(doubt, "permit.granted")
        yield check(permit is None or (verdict is not None and verdict.seq < permit.seq), doubt, verdict)
    for doubt in r.all("meter.uncertain"):
        verdict = r.after(doubt, "meter.verified", about=doubt.about)
        permit = next((p for p in r.all("permit.granted", ticket_id=doubt.about) if p.seq > doubt.seq), None)
        if verdict is None or not verdict.detail.get("confirmed"):
            incident = r.after(verdict, "incident.opened", kind="wrong_meter") if verdict else None
            kept = permit is None and (verdict is None or incident is not None)
            yield check(kept, doubt, verdict, incident, permit)
        else:
            kept = (permit is None or verdict.seq < permit.seq) and verdict.actor_role == "reader"
            yield check(kept, doubt, verdict)


def a_stale_notice_leads_nowhere(r: Reading) -> Checks:
    """R-20: after a red notice is void, no ticket and no permit for it: a new time needs a new notice."""
    for void in r.all("notice.void", kind="red"):
        tickets = r.all("ticket.sent", kind="cut", notice_id=void.about)
        late = [t for t in tickets if t.seq > void.seq]
        ids = {t.about for t in tickets}
        late += [p for p in r.all("permit.granted") if p.seq > void.seq and p.detail.get("ticket_id") in ids]
        yield check(not late, void, *late)


def protected_hours(r: Reading) -> Checks:
    """R-21: the stated time and the cut lie in the cut hours of an allowed weekday, outside the protected seasons.

    By every policy from the red notice to the cut; but the hours are those of the notice. Holidays are not on record.
    """
    for cut in r.cuts:
        policies = r.policies_since(cut.red, cut.report)
        times = [t for t in (cut.stated, cut.report.at) if t is not None]
        hours = all(_within(policies[0], t) for t in times)
        classes = classes_between(r, cut.red, cut.report)
        days = all(_allowed(p, t, classes) for p in policies for t in times)
        yield check(hours and days, cut.red, cut.report)


def _within(policy: Policy, at: datetime) -> bool:
    start, end = _clock_time(policy.cut_hours.start), _clock_time(policy.cut_hours.end)
    return start <= at.astimezone(policy.zone).time() < end


def _allowed(policy: Policy, at: datetime, classes: tuple[CustomerClass, ...]) -> bool:
    day = at.astimezone(policy.zone).date()
    seasons = [season for each in classes for season in policy.seasons_for(each)]
    return WEEKDAYS[day.weekday()] not in policy.no_cut_weekdays and not any(s.covers(day) for s in seasons)


def _clock_time(wall: str) -> time:
    return time.fromisoformat(wall)


def a_request_is_answered(r: Reading) -> Checks:
    """R-22: who asks for supply gets the restoration ticket, or the answer that the debt is still owing."""
    for asked in r.all("restoration.requested"):
        ticket = r.first("ticket.sent", kind="restore")
        answer = asked.detail.get("answer")
        yield check(answer == "still_owing" or (answer == "ticket" and ticket is not None), asked, ticket)


def payments_are_watched(r: Reading) -> Checks:
    """R-23: billing was asked again while supply was off (what each sweep covered is its own record)."""
    for outage in r.outages:
        end = outage.end.seq if outage.end else r.file.evidence[-1].seq
        for entry in r.all("recheck.requested", "debt.read", "debt.settled"):
            if outage.start.seq < entry.seq <= end:
                yield check(True, entry)


def restoration_ticket(r: Reading) -> Checks:
    """R-24: sent on settlement, plan or withdrawal, at once after an unauthorised cut; and never recalled."""
    for ticket in r.all("ticket.sent", kind="restore"):
        cause = next((o.cause for o in r.outages if o.ticket and o.ticket.seq == ticket.seq), None)
        yield check(cause is not None, cause, ticket)
        if recalled := r.first("ticket.recalled", about=ticket.about):
            yield check(False, ticket, recalled)


def restored_within_a_day(r: Reading) -> Checks:
    """R-25: supply is back within the restoration hours of the settlement, unless an exception was declared."""
    for outage in r.outages:
        due = due_by(r, outage)
        if due is None:
            continue
        if outage.end is not None:
            yield check(outage.end.at <= due or outage.delay is not None, outage.cause, outage.ticket, outage.end)
        elif outage.breach is not None or (outage.delay is None and r.reaches > due):
            yield check(False, outage.cause, outage.ticket, outage.breach)


def exception_is_declared(r: Reading) -> Checks:
    """R-26: declared before the hours end, customer and leader notified; over by the end of the next day."""
    for outage in r.outages:
        due, end = due_by(r, outage), outage.end
        if outage.delay is not None and due is not None:
            complete = all(
                outage.delay.detail.get(part)
                for part in ("reason", "customer_told_at", "customer_told_how", "leader", "leader_told_at")
            )
            last = exception_end(r, outage)
            reached = end.at if end else r.reaches
            in_time = outage.delay.recorded_at < due and reached <= last
            yield check(complete and in_time, outage.delay, end, outage.breach)
        elif due is not None and (outage.breach is not None or (end is not None and end.at > due)):
            yield check(False, end, outage.breach)


def due_by(r: Reading, outage: Outage) -> datetime | None:
    """When the restoration hours end; None while nothing has started them."""
    return None if outage.since is None else outage.since + timedelta(hours=r.terms(outage.start).restore_hours)


def exception_end(r: Reading, outage: Outage) -> datetime:
    """The end of the local day after the settlement."""
    assert outage.since is not None
    return r.end_of(r.day(outage.since) + timedelta(days=1))


def no_unauthorised_cut(r: Reading) -> Checks:
    """R-27: every cut of this account was under a live permit."""
    for entry in r.unlawful:
        incident = r.after(entry, "incident.opened") or r.before(entry, "incident.opened")
        ticket = r.after(entry, "ticket.sent", kind="restore")
        yield check(False, entry, incident, ticket)
    for cut in r.cuts:
        yield check(True, cut.permit, cut.report)


def incidents_have_outcomes(r: Reading) -> Checks:
    """R-28: an incident is closed with an outcome, and the case stays open until it is."""
    for opened in r.all("incident.opened"):
        closed = r.after(opened, "incident.closed", about=opened.about)
        if closed is not None:
            yield check(bool(closed.detail.get("outcome")), opened, closed)
        elif r.file.case.closed_at is not None:
            yield check(False, opened, r.after(opened, "case.closed"))


def reported_to_the_government(r: Reading) -> Checks:
    """R-29: every month of this case that has a report has one that was sent. Until then nothing is shown.

    A report corrected after its sending is not sent until the correction is.
    """
    last = {e.detail.get("month"): e for e in r.file.reporting if e.what == MADE}
    sent = {e.about: e for e in r.file.reporting if e.what == SENT}
    if all(made.about in sent for made in last.values()):
        for made in last.values():
            yield check(True, made, sent[made.about])


def every_step_leaves_evidence(r: Reading) -> Checks:
    """R-30: who, what, when it happened, when it was recorded, clause; and no row without the evidence behind it."""
    for entry in r.file.evidence:
        named = entry.what not in _BY_PEOPLE or entry.actor_id is not None
        if not (named and entry.at <= entry.recorded_at + _SKEW):
            yield check(False, entry)
    issued = {e.about for e in r.all("notice.issued")}
    sent = {e.about for e in r.all("ticket.sent")}
    opened = {e.about for e in r.all("incident.opened")}
    rows = (
        {n.notice_id for n in r.file.notices} <= issued,
        {t.ticket_id for t in r.file.tickets} <= sent,
        {i.incident_id for i in r.file.incidents} <= opened,
    )
    if r.file.evidence:
        last = max(r.file.evidence, key=lambda e: e.place)
        # While a case is open, a record may still be on its way; once it is closed, all that it counted must be there.
        counted = sum(e.what != PAPER_FILED for e in r.file.evidence)
        whole = r.file.case.closed_at is None or counted >= last.place
        yield check(all(rows) and whole, r.file.evidence[0], last)


# ---- what must hold whatever happens ----------------------------------------------------------


def nothing_cut_once_settled(r: Reading) -> Checks:
    """P2: a settlement known ends the permit at once; one not known yet is an incident, and supply is restored.

    A payment that is announced and not booked counts as R-31 says.
    """
    yield from announced_payments_stop_permits(r)
    for permit in r.all("permit.granted"):
        named = set(_named(r, permit))
        settled = next(
            (s for s in r.all("debt.settled") if s.seq > permit.seq and named and named <= set(bills(s))), None
        )
        ended = r.ended(permit)
        if settled is None:
            yield check(_was_owing(r, permit), permit)
        elif ended is None or ended.recorded_at > settled.recorded_at:
            yield check(False, permit, settled, ended)
        else:
            yield check(_was_owing(r, permit), permit, ended)
    for cut in r.cuts:
        settled = next((s for s in r.all("debt.settled", about=cut.report.about) if s.seq > cut.report.seq), None)
        if settled and (moment(settled, "settled_at") or settled.at) <= cut.report.at:
            incident = r.first("incident.opened", kind="cut_after_settlement")
            yield check(incident is not None, cut.report, settled, incident)


def _named(r: Reading, permit: FiledEvidence) -> tuple[str, ...]:
    ticket = r.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
    return bills(r.first("notice.issued", about=text(ticket, "notice_id")) if ticket else None)


def _was_owing(r: Reading, permit: FiledEvidence) -> bool:
    """Nothing known at the permit said that its bills were settled."""
    ticket = r.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
    red = r.first("notice.issued", about=text(ticket, "notice_id")) if ticket else None
    if red is None:
        return False
    return not any(red.seq < s.seq < permit.seq and set(bills(red)) <= set(bills(s)) for s in r.all("debt.settled"))


def restored_or_a_recorded_breach(r: Reading) -> Checks:
    """P3: restored in time, or by the end of a declared exception, or a breach on record that leaders know of."""
    for outage in r.outages:
        due = due_by(r, outage)
        if due is None:
            continue
        last = exception_end(r, outage) if outage.delay is not None and outage.delay.recorded_at < due else due
        reached = outage.end.at if outage.end else r.reaches
        if reached <= last:
            if outage.end is not None:
                yield check(True, outage.cause, outage.ticket, outage.delay, outage.end)
            continue
        incident = r.after(outage.breach, "incident.opened", kind="restoration_breach") if outage.breach else None
        yield check(incident is not None, outage.cause, outage.ticket, outage.breach, incident)
