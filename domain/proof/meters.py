"""R-33 and R-34 in a proof: ids in any spelling, whose report counts, and meters of other customers."""

from datetime import timedelta

from domain.ids import same_id, spelled_like
from domain.papers.filing import ANOTHERS_ACCOUNT, PAPER_FILED
from domain.proof.customer import meter_named_at
from domain.proof.reading import Check, Checks, Reading, check, text
from domain.record.case_file import FiledEvidence

_SKEW = timedelta(minutes=5)


def whose_word_counts_in_any_spelling(r: Reading) -> Checks:
    """R-33: meters are compared in any spelling, and supply is back once a unit that holds the ticket says so."""
    for permit in r.all("permit.granted"):
        ticket = r.first("ticket.sent", about=text(permit, "ticket_id"), kind="cut")
        if ticket is not None and r.counts("R-33", permit):
            yield check(_one_meter(permit, text(permit, "meter_id"), text(ticket, "meter_id")), ticket, permit)
    for found in r.all("cut.found", neighbour=True):
        if r.counts("R-33", found):
            yield check(not _one_meter(found, text(found, "meter_id"), _our_meter(r, found)), found)
    for back in r.all("supply.restored"):
        if r.counts("R-33", back):
            yield check(_holds_a_ticket(r, back), back)
    for reported in r.all("supply.reported", counts=False):
        if r.counts("R-33", reported):
            asked = reported.detail.get("to_confirm") or ()
            open_then = _tickets_meant(r, reported)
            yield check(all(ticket.about in asked for ticket in open_then), *open_then, reported)


def _one_meter(said: FiledEvidence, one: str | None, other: str | None) -> bool:
    """Whether two ids name one meter: exactly, where billing said that ours has a twin."""
    if one is None or other is None:
        return False
    return one == other if said.detail.get("meter_has_twin") else same_id(one, other)


def _our_meter(r: Reading, entry: FiledEvidence) -> str | None:
    """The customer's meter as it was named then; None where nothing on record names it."""
    sent = r.before(entry, "ticket.sent", kind="cut") or r.first("ticket.sent", kind="cut")
    return meter_named_at(r, entry) or text(sent, "meter_id")


def _holds_a_ticket(r: Reading, back: FiledEvidence) -> bool:
    """Whether the crew is of a unit that had the ticket, or answered for the account, at some time."""
    units = [r.file.case.field_unit, *(e.detail.get("field_unit") for e in r.all("ticket.sent", "ticket.amended"))]
    units += [unit for e in r.all("ticket.amended") for unit in e.detail.get("also_held_by", ())]
    units += [e.detail.get(which) for e in r.all("reassigned", role="field_unit") for which in ("before", "to")]
    for change in r.all("customer.changed"):
        units += [(change.detail.get(which) or {}).get("field_unit") for which in ("before", "after")]
    named = [unit for unit in units if isinstance(unit, str)]
    ours = back.actor_unit is None or not named or bool(spelled_like(back.actor_unit, named))
    return back.actor_role == "field_crew" and ours


def _tickets_meant(r: Reading, reported: FiledEvidence) -> list[FiledEvidence]:
    """The restoration tickets that a report may be about: the one it names, else every one that was out then."""
    out = [
        o.ticket
        for o in r.outages
        if o.ticket and o.ticket.seq < reported.seq and (o.end is None or reported.seq < o.end.seq)
    ]
    known = {t.about for t in r.all("ticket.sent", kind="restore")}
    return [ticket for ticket in out if reported.about not in known or reported.about == ticket.about]


def anothers_meter_is_restored_and_doubts_ours(r: Reading) -> Checks:
    """R-34: an incident, a ticket that does not name the debtor, and no permit until the reader has seen our meter."""
    for found in r.all("cut.found", neighbour=True):
        if r.counts("R-34", found):
            yield _seen_to(r, found)
            yield _no_cut_of_this_case(r, found)
    for cut in r.unlawful:
        ours = _our_meters(r)
        if ours and not cut.detail.get("neighbour") and r.counts("R-34", cut):
            yield check(bool(spelled_like(text(cut, "meter_id") or "", ours)), cut)
    yield from our_meter_is_certain(r)


def our_meter_is_certain(r: Reading) -> Checks:
    """R-34: from another's meter that was cut to the reader's yes, no permit is open."""
    for found in r.all("cut.found", neighbour=True):
        if r.counts("R-34", found):
            seen = next(
                (v for v in r.all("meter.verified", confirmed=True) if v.seq > found.seq and v.actor_role == "reader"),
                None,
            )
            permit = r.after(found, "permit.granted")
            waited = permit is None or (seen is not None and seen.seq < permit.seq)
            yield check(waited and r.revoked_with(found), found, seen, *(() if waited else (permit,)))


def _seen_to(r: Reading, found: FiledEvidence) -> Check:
    incident = r.after(found, "incident.opened", kind="wrong_meter")
    meter = text(found, "meter_id") or ""
    sent = (t for t in r.all("ticket.sent", kind="restore", neighbour=True) if t.seq > found.seq)
    ticket = next((t for t in sent if same_id(text(t, "meter_id") or "", meter)), None)
    sent_or_soon = ticket is not None or r.reaches <= found.recorded_at + _SKEW
    unnamed = ticket is None or not _names_the_debtor(r, ticket)
    return check(incident is not None and sent_or_soon and unnamed, found, incident, ticket)


def _names_the_debtor(r: Reading, ticket: FiledEvidence) -> bool:
    """Whether the ticket, as text or as paper, bears the account of the customer who owes."""
    account = r.file.case.account_id
    texts = [line for t in r.file.tickets if t.ticket_id == ticket.about for line in t.text_zh.splitlines()]
    paper = r.first(PAPER_FILED, about=ticket.about, kind="restore")
    on_paper = paper is not None and paper.detail.get(ANOTHERS_ACCOUNT) in (None, account)
    return on_paper or any(line.partition("：")[2].strip() == account for line in texts)


def _no_cut_of_this_case(r: Reading, found: FiledEvidence) -> Check:
    """Where nothing but another's meter was cut, the case has no cut, no restoration and no such outcome."""
    own = r.cuts or [cut for cut in r.unlawful if not cut.detail.get("neighbour")]
    case = r.file.case
    return check(bool(own) or (case.cut_at is None and case.restored_at is None and case.outcome != "restored"), found)


def _our_meters(r: Reading) -> list[str]:
    """Every meter that the record of this case names as the customer's."""
    named = [text(t, "meter_id") for t in r.all("ticket.sent", kind="cut")]
    for change in r.all("customer.changed"):
        named += [(change.detail.get(which) or {}).get("meter_id") for which in ("before", "after")]
    return [meter for meter in named if isinstance(meter, str)]
