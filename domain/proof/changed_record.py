"""R-32 in a proof: the customer's record was read in the last half-hour, and what led to a cut was of that record."""

from datetime import timedelta

from domain.ids import same_id
from domain.proof.customer import meter_named_at
from domain.proof.reading import Check, Checks, Reading, check, moment, text
from domain.record.case_file import FiledEvidence

_SKEW = timedelta(minutes=5)
_ENDS_AN_ATTEMPT = frozenset(("name", "address", "meter_id"))


def present_record_counts(r: Reading) -> Checks:
    """R-32: read before the cut, notices and meter its own; a change is reported, and a new holder has supply."""
    yield from read_in_the_last_half_hour(r)
    yield from notices_and_meter_are_of_the_record(r)
    for change in r.all("customer.changed"):
        if r.counts("R-32", change):
            yield _reported(r, change)
            if "name" in _fields(change):
                yield from _restored_to_the_new_holder(r, change)


def read_in_the_last_half_hour(r: Reading) -> Checks:
    """R-32: at T - 30 min and at the permit billing gave the customer's record with its answer."""
    for permit in r.all("permit.granted"):
        ticket_id, cut_at = text(permit, "ticket_id"), r.stated(permit)
        early = r.before(permit, "billing.checked", about=ticket_id, when="half_hour")
        last = r.before(permit, "billing.checked", about=ticket_id, when="permit")
        if not r.counts("R-32", early or permit):
            continue  # the rule came in the middle of the half-hour
        begins = cut_at - timedelta(minutes=r.terms(r.red_of(permit)).billing_check_minutes) if cut_at else None
        first, again = moment(early, "record_read_at"), moment(last, "record_read_at")
        in_time = bool(begins and first and again and begins <= first and again >= permit.recorded_at - _SKEW)
        numbered = all(e is not None and e.detail.get("record") is not None for e in (early, last))
        yield check(in_time and numbered, early, last, permit)


def notices_and_meter_are_of_the_record(r: Reading) -> Checks:
    """R-32: no ticket and no permit on notices of another holder or address, or for a meter that was replaced."""
    for act in r.all("ticket.sent", "permit.granted"):
        ticket = act if act.what == "ticket.sent" else r.first("ticket.sent", about=text(act, "ticket_id"), kind="cut")
        if ticket is not None and text(ticket, "kind") == "cut" and r.counts("R-32", act):
            yield _of_the_record(r, ticket, act)
    for change in r.all("customer.changed"):
        permit = r.open_at(change)
        if permit is not None and r.counts("R-32", change) and _ENDS_AN_ATTEMPT & _fields(change):
            yield check(r.revoked_with(change), permit, change)


def _of_the_record(r: Reading, ticket: FiledEvidence, act: FiledEvidence) -> Check:
    red = r.first("notice.issued", about=text(ticket, "notice_id"))
    changes = [c for c in r.all("customer.changed") if c.seq < act.seq]
    stale = [c for c in changes if red is not None and _should_have_ended(r, c, red, ticket)]
    named, on_ticket = meter_named_at(r, act), text(ticket, "meter_id") or ""
    return check(not stale and (named is None or same_id(named, on_ticket)), ticket, *stale, act)


def _should_have_ended(r: Reading, change: FiledEvidence, red: FiledEvidence, ticket: FiledEvidence) -> bool:
    """Whether that change should have kept this red notice, or this ticket, from leading anywhere."""
    served = r.before(red, "notice.served", kind="yellow")
    yellow = r.first("notice.issued", about=served.about) if served else None
    delivered = r.first("notice.delivered", about=served.about) if served else None
    approved = r.first("approval.given", about=red.about)
    fields = _fields(change)
    on_its_way = bool(yellow and delivered and yellow.seq < change.seq < delivered.seq)
    settled_on = [e for e in (approved, ticket) if e is not None and e.seq < change.seq]
    return (
        ("name" in fields and change.seq > (yellow or red).seq)
        or ("address" in fields and (change.seq > red.seq or on_its_way))
        or ("meter_id" in fields and bool(settled_on))
    )


def _reported(r: Reading, change: FiledEvidence) -> Check:
    """The team leader is notified of every change."""
    raised = r.after(change, "escalation.raised", kind="record_changed")
    return check(raised is not None and raised.recorded_at - change.recorded_at <= _SKEW, change, raised)


def _restored_to_the_new_holder(r: Reading, change: FiledEvidence) -> Checks:
    """Whose supply was off when the holder changed has a restoration ticket at once, paid or not."""
    for outage in r.outages:
        off = outage.start.at <= change.recorded_at and (outage.end is None or change.recorded_at < outage.end.at)
        if not off or outage.start.detail.get("lawful") is not True:
            continue
        known = max(change.recorded_at, outage.start.recorded_at)
        if outage.ticket is not None:
            yield check(outage.ticket.recorded_at <= known + _SKEW, outage.start, change, outage.ticket)
        elif r.reaches > known + _SKEW:
            yield check(False, outage.start, change)


def _fields(change: FiledEvidence) -> frozenset[str]:
    return frozenset(change.detail.get("fields", ()))
